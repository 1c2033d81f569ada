/** Ranks in a tile's rows, and comparisons within them: values come a strip at a time, and leave in whole rows. */
import { STAGED } from "./layout.ts";

/** Bytes of counters in the kernels' scratch memory, and after them per element of a row. */
const COUNTERS = 65536;
const PER_ELEMENT = 16;
/** Bytes that the kernel that compares may read or write past the rows. */
export const SLACK = 64;

export interface RankKernel {
  readonly memory: WebAssembly.Memory;
  readonly rank: (at: number, rows: number, columns: number, scratch: number) => void;
  readonly outranks: (
    values: number,
    places: number,
    rows: number,
    columns: number,
    to: number,
    scratch: number,
  ) => void;
}

/** What is to become of the values of a tile. */
export interface Ranking {
  readonly columns: number;
  /** Ranks as F32, or BF16 1 where an element comes behind the other and 0 elsewhere. */
  readonly dtype: "F32" | "BF16";
  /** Address of where the results go, with SLACK bytes of room behind. */
  readonly to: number;
}

/** Most elements that wait for the rest of their row and come with it. */
const roomFor = (columns: number): number => columns + STAGED;

/** Bytes of the lane's memory that `rankInto` takes for rows of this length. */
export function rankBytes(columns: number): number {
  return 64 + roomFor(columns) * 8 + 2 * SLACK + COUNTERS + columns * PER_ELEMENT;
}

/**
 * Takes strips of f32 at addresses in the lane's memory, and as many places where elements are compared, and may change
 * them, and says how many results there are by now. `base` is where `rankBytes` of memory are free; all of the memory must be
 * there by now.
 */
export function rankInto(
  { memory, rank, outranks }: RankKernel,
  base: number,
  { columns, dtype, to }: Ranking,
): (values: number, places: number, length: number) => number {
  const room = roomFor(columns);
  const waiting = Math.ceil(base / 64) * 64;
  const waitingPlaces = waiting + room * 4 + SLACK;
  const scratch = waitingPlaces + room * 4 + SLACK;
  const bytes = new Uint8Array(memory.buffer);
  let left = 0;
  let done = 0;

  return (values, places, length) => {
    let [own, at] = [values, places];
    if (left > 0) {
      bytes.copyWithin(waiting + left * 4, values, values + length * 4);
      if (dtype === "BF16") bytes.copyWithin(waitingPlaces + left * 4, places, places + length * 4);
      [own, at] = [waiting, waitingPlaces];
    }
    const count = left + length;
    const rows = Math.floor(count / columns);
    const whole = rows * columns;
    if (rows > 0 && dtype === "BF16") {
      outranks(own, at, rows, columns, to + done * 2, scratch);
    } else if (rows > 0) {
      rank(own, rows, columns, scratch);
      bytes.copyWithin(to + done * 4, own, own + whole * 4);
    }
    done += whole;
    left = count - whole;
    if (left === 0) return done;
    bytes.copyWithin(waiting, own + whole * 4, own + count * 4);
    if (dtype === "BF16") bytes.copyWithin(waitingPlaces, at + whole * 4, at + count * 4);
    return done;
  };
}
