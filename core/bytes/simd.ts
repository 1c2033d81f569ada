/**
 * Products by the SIMD kernels. One instance with its own memory: the right factor, the rows of the left one
 * that a piece needs, and the piece itself, worked off in pieces that stay in the cache.
 */
import { bytesPer, type FloatDtype } from "./dtype.ts";
import { type Factors, type Products, rowsOf } from "./lowrank.ts";

interface Kernels {
  readonly memory: WebAssembly.Memory;
  readonly base: WebAssembly.Global;
  readonly widen: (type: number, to: number, from: number, end: number) => void;
  readonly multiply: (
    c: number,
    cs: number,
    l: number,
    ls: number,
    r: number,
    rs: number,
    rows: number,
    columns: number,
    rank: number,
    scale: number,
  ) => void;
}

/** The kernels' numbers of the types they decode. */
const TYPES: Readonly<Record<FloatDtype, number>> = { F64: 1, F32: 2, F16: 3, BF16: 4, F8_E4M3: 5, F8_E5M2: 6 };
const PAGE = 65536;
/** Elements of a piece, unless a row of the left factor is longer than that. */
const PIECE = 1 << 16;

/** Rejects where SIMD WebAssembly does not run; `plainProducts` does the same there, more slowly. */
export async function createSimdProducts(module: WebAssembly.Module): Promise<Products> {
  const kernels = (await WebAssembly.instantiate(module)).exports as unknown as Kernels;
  const { memory } = kernels;
  const base = Math.ceil(Number(kernels.base.value) / 64) * 64;
  let loaded: Float32Array | null = null;

  /** Puts the right factor in place and says where the rest may go. */
  function load(right: Float32Array, more: number): number {
    const after = base + Math.ceil(right.byteLength / 64) * 64 + 64;
    const missing = after + more + 256 - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    if (loaded !== right) new Float32Array(memory.buffer, base, right.length).set(right);
    loaded = right;
    return after;
  }

  function add(dtype: FloatDtype, bytes: Uint8Array, first: number, factors: Factors, out: Float32Array): void {
    const { left, right, columns, rank, scale } = factors;
    const width = bytesPer(dtype);
    const rows = Math.max(1, Math.floor(PIECE / Math.max(columns, rank)));
    const most = rows * columns;
    const values = load(right, round(4 * most) + round(width * most) + 4 * (rows + 2) * rank);
    const stored = values + round(4 * most);
    const lines = stored + round(width * most);
    for (let at = 0; at < out.length; at += most) {
      const count = Math.min(most, out.length - at);
      new Uint8Array(memory.buffer, stored, width * count).set(bytes.subarray(width * at, width * (at + count)));
      kernels.widen(TYPES[dtype], values, stored, values + Math.ceil(count / 16) * 64);
      const firstRow = Math.floor((first + at) / columns);
      const lastRow = Math.floor((first + at + count - 1) / columns);
      const needed = left.subarray(firstRow * rank, (lastRow + 1) * rank);
      new Float32Array(memory.buffer, lines, needed.length).set(needed);
      for (const span of spansOf(first + at, count, columns))
        kernels.multiply(
          values + 4 * span.at,
          4 * columns,
          lines + 4 * (span.row - firstRow) * rank,
          4 * rank,
          base + 4 * span.column,
          4 * columns,
          span.rows,
          span.length,
          rank,
          scale,
        );
      out.set(new Float32Array(memory.buffer, values, count), at);
    }
  }

  function multiply(c: Float32Array, { left, right, rows, columns, rank }: Factors): void {
    const most = Math.max(4, Math.floor((4 * PIECE) / Math.max(columns, rank)));
    const values = load(right, round(4 * most * columns) + 4 * most * rank);
    const lines = values + round(4 * most * columns);
    for (let row = 0; row < rows; row += most) {
      const some = Math.min(most, rows - row);
      const at = row * columns;
      const place = () => new Float32Array(memory.buffer, values, some * columns);
      place().set(c.subarray(at, at + some * columns));
      new Float32Array(memory.buffer, lines, some * rank).set(left.subarray(row * rank, (row + some) * rank));
      kernels.multiply(values, 4 * columns, lines, 4 * rank, base, 4 * columns, some, columns, rank, 1);
      c.set(place(), at);
    }
    // The caller may change its factor and come again with the same array.
    loaded = null;
  }

  return { add, multiply };
}

/** Bytes with room behind for the last turn of a decoding loop, to a multiple of 64. */
const round = (bytes: number) => Math.ceil(bytes / 64) * 64 + 128;

/** The part of a first row, whole rows together, the part of a last one. */
function* spansOf(first: number, count: number, columns: number) {
  let whole: { row: number; column: number; at: number; length: number; rows: number } | null = null;
  for (const span of rowsOf(first, count, columns)) {
    if (span.length < columns) {
      if (whole !== null) yield whole;
      whole = null;
      yield { ...span, rows: 1 };
    } else if (whole === null) whole = { ...span, rows: 1 };
    else whole.rows++;
  }
  if (whole !== null) yield whole;
}
