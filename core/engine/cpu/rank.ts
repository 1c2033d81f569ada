/** Ranks in a tile's rows, and comparisons within them: values come a strip at a time, and leave in whole rows. */
import type { RowOp } from "../../graph/program.ts";
import type { TileJob } from "../engine.ts";
import { STAGED } from "./layout.ts";

/** Bytes of counters in the kernels' scratch memory, and after them per element of a row. */
const COUNTERS = 65536;
const PER_ELEMENT = 16;
/** Bytes that the kernel that compares may write past the rows, and may work in. */
export const SLACK = 64;
const OUTRANKS_SCRATCH = 9216;

export interface RankKernel {
  readonly memory: WebAssembly.Memory;
  readonly rank: (at: number, rows: number, columns: number, scratch: number) => void;
  readonly outranks: (
    values: number,
    rows: number,
    columns: number,
    first: number,
    key0: number,
    key1: number,
    least: number,
    per: number,
    to: number,
    scratch: number,
  ) => void;
}

/** Ranks are F32; comparisons BF16, 1 or 0. */
export const resultOf = ({ op }: RowOp) => (op === "rank" ? "F32" : "BF16");

/** Most elements that wait for the rest of their row and come with it. */
const roomFor = (columns: number): number => columns + STAGED;

/** Bytes of the lane's memory that `rankInto` takes. */
export function rankBytes({ op, columns }: RowOp): number {
  return 64 + roomFor(columns) * 4 + SLACK + (op === "rank" ? COUNTERS + columns * PER_ELEMENT : OUTRANKS_SCRATCH);
}

/**
 * Takes strips of f32 at addresses in the lane's memory, may change them, and says how many results there are by now.
 * @param base where `rankBytes` of memory are free; all of the memory must be there by now
 * @param to address of where the results go, with SLACK bytes of room behind
 */
export function rankInto(
  kernels: RankKernel,
  base: number,
  op: RowOp,
  job: Pick<TileJob, "first" | "words">,
  to: number,
): (values: number, length: number) => number {
  const { columns } = op;
  const waiting = Math.ceil(base / 64) * 64;
  const scratch = waiting + roomFor(columns) * 4 + SLACK;
  const bytes = new Uint8Array(kernels.memory.buffer);
  const look = lookInto(kernels, op, job, to, scratch);
  let left = 0;
  let done = 0;

  return (values, length) => {
    let own = values;
    if (left > 0) {
      bytes.copyWithin(waiting + left * 4, values, values + length * 4);
      own = waiting;
    }
    const count = left + length;
    const rows = Math.floor(count / columns);
    const whole = rows * columns;
    if (rows > 0) look(own, rows, done);
    done += whole;
    left = count - whole;
    if (left > 0) bytes.copyWithin(waiting, own + whole * 4, own + count * 4);
    return done;
  };
}

/** What makes the results of whole rows, behind so many that are done. */
function lookInto(
  { memory, rank, outranks }: RankKernel,
  op: RowOp,
  { first, words }: Pick<TileJob, "first" | "words">,
  to: number,
  scratch: number,
): (values: number, rows: number, done: number) => void {
  const { columns } = op;
  if (op.op === "rank") {
    const bytes = new Uint8Array(memory.buffer);
    return (values, rows, done) => {
      rank(values, rows, columns, scratch);
      bytes.copyWithin(to + done * 4, values, values + rows * columns * 4);
    };
  }
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  const [key0, key1, least, per] = [words[op.word]!, words[op.word + 1]!, floats[op.least]!, floats[op.per]!];
  return (values, rows, done) =>
    outranks(values, rows, columns, first + done, key0, key1, least, per, to + done * 2, scratch);
}
