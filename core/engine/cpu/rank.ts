/** The ranks of a tile's rows: the tile passes through the lane's memory some rows at a time, in place. */

/** Bytes of counters in the kernel's scratch memory, and after them per element of a row. */
const COUNTERS = 65536;
const PER_ELEMENT = 16;
/** Elements of several short rows that are ranked in one call. */
const BATCH = 16384;

export interface RankKernel {
  readonly memory: WebAssembly.Memory;
  readonly rank: (at: number, rows: number, columns: number, scratch: number) => void;
}

/** Bytes of the lane's memory that ranking rows of this length takes. */
export function rankBytes(columns: number): number {
  const batch = Math.max(columns, BATCH);
  return batch * 4 + COUNTERS + columns * PER_ELEMENT + 64;
}

/** Replaces each f32 of `plane` by its rank in its row; `base` is where `rankBytes` of memory are free. */
export function rankRows(
  { memory, rank }: RankKernel,
  base: number,
  plane: Uint8Array<ArrayBuffer>,
  columns: number,
): void {
  const at = Math.ceil(base / 64) * 64;
  const most = Math.max(1, Math.floor(BATCH / columns)) * columns * 4;
  const bytes = new Uint8Array(memory.buffer);
  for (let start = 0; start < plane.length; start += most) {
    const part = plane.subarray(start, start + most);
    bytes.set(part, at);
    rank(at, part.length / 4 / columns, columns, at + Math.max(columns, BATCH) * 4);
    part.set(bytes.subarray(at, at + part.length));
  }
}
