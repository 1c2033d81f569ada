/**
 * A tile cut into smaller ones, for a device that cannot take it whole, and their results put together again: bit for
 * bit what the whole tile would have yielded wherever partials belong to blocks, which is everywhere but in columns.
 */
import { bytesPer } from "../bytes/dtype.ts";
import { BLOCK, entriesOf, type Program, type Reduction, type Table, unitOf } from "../graph/program.ts";
import type { TileJob, TileResult } from "./engine.ts";

/** Bytes of a tile as engines count them: all its inputs, or its output where that is more. */
export const tileBytes = (job: TileJob): number => Math.max(inputBytes(job), outputBytes(job));

const inputBytes = ({ inputs }: TileJob) => inputs.reduce((sum, { length }) => sum + length, 0);
const outputBytes = ({ program, count, encode }: TileJob) => (program.output === null ? 0 : count * bytesPer(encode));

/**
 * The tile in pieces of at most so many bytes, or as small as its program allows: a block, and whole rows to rank. The
 * job itself where it is small enough. Pieces look at the job's own bytes.
 */
export function piecesOf(job: TileJob, most: number): readonly TileJob[] {
  const unit = unitOf(job.program);
  const fitting = Math.floor((most / tileBytes(job)) * job.count);
  const size = Math.max(1, Math.floor(fitting / unit)) * unit;
  if (tileBytes(job) <= most || size >= job.count) return [job];
  return Array.from({ length: Math.ceil(job.count / size) }, (_, p) =>
    pieceAt(job, p * size, Math.min(size, job.count - p * size)),
  );
}

function pieceAt(job: TileJob, at: number, count: number): TileJob {
  const { program, first } = job;
  return {
    ...job,
    first: first + at,
    count,
    words: wordsAt(program, job.words, at),
    tables: program.tables.map((table, t) => entriesAt(table, job.tables[t]!, first, at, count)),
    inputs: job.inputs.map((bytes, i) => {
      const size = bytesPer(job.dtypes[i]!);
      return bytes.subarray(at * size, (at + count) * size);
    }),
    into: undefined,
    bins: undefined,
  };
}

/** The uniforms, with the last index kept among equals counted from the piece's first element. */
function wordsAt({ ops }: Program, words: TileJob["words"], at: number): TileJob["words"] {
  const own = words.slice();
  const cuts = new Set(ops.flatMap((op) => (op.op === "top" ? [op.word + 1] : [])));
  for (const word of cuts) own[word] = Math.max(-1, (words[word]! | 0) - at);
  return own;
}

function entriesAt(table: Table, entries: TileJob["tables"][number], first: number, at: number, count: number) {
  const { axis, columns } = table;
  const length = entriesOf(table, first + at, count);
  if (axis === "rows") {
    const start = Math.floor(((first % columns) + at) / columns);
    return entries.slice(start, start + length);
  }
  return Float32Array.from({ length }, (_, j) => entries[(at + j) % columns]!);
}

/** What the whole tile yields, from what its pieces did, in order. */
export function joined(job: TileJob, pieces: readonly TileJob[], results: readonly TileResult[]): TileResult {
  const [only] = results;
  if (results.length === 1 && only !== undefined) return only;
  const { program } = job;
  return {
    output: program.output === null ? null : together(job, results),
    sums: sumsOf(job, results),
    histograms: program.histograms.map((_, h) => added(results.map((result) => result.histograms[h]!))),
    reductions: program.reductions.map((reduction, r) => {
      const parts = results.map((result) => result.reductions[r]!);
      if (reduction.axis === "rows") return Float64Array.from(parts.flatMap((part) => [...part]));
      return columnsOf(
        reduction,
        job,
        pieces.map(({ first }) => first - job.first),
        parts,
      );
    }),
    inputs: job.inputs,
    unsound: results.some(({ unsound }) => unsound),
    spent: results.reduce((sum, { spent = 0 }) => sum + spent, 0),
  };
}

function together(job: TileJob, results: readonly TileResult[]): Uint8Array<ArrayBuffer> {
  const output = new Uint8Array(outputBytes(job));
  let at = 0;
  for (const result of results) {
    output.set(result.output!, at);
    at += result.output!.length;
  }
  return output;
}

function sumsOf({ program, count }: TileJob, results: readonly TileResult[]): Float64Array<ArrayBuffer> {
  const owners = program.sums.length;
  const blocks = Math.ceil(count / BLOCK);
  const sums = new Float64Array(owners * blocks);
  let at = 0;
  for (const { sums: part } of results) {
    const own = part.length / Math.max(1, owners);
    for (let s = 0; s < owners; s++) sums.set(part.subarray(s * own, (s + 1) * own), s * blocks + at);
    at += own;
  }
  return sums;
}

function added(parts: readonly Uint32Array[]): Uint32Array<ArrayBuffer> {
  const all = new Uint32Array(parts[0]!);
  for (const part of parts.slice(1)) for (let bin = 0; bin < all.length; bin++) all[bin]! += part[bin]!;
  return all;
}

/** A piece's columns are counted from where it begins. */
function columnsOf(
  reduction: Reduction,
  { first, count }: TileJob,
  starts: readonly number[],
  parts: readonly Float64Array[],
): Float64Array<ArrayBuffer> {
  const { columns, how } = reduction;
  const all = new Float64Array(entriesOf(reduction, first, count)).fill(how === "sum" ? 0 : Number.NEGATIVE_INFINITY);
  for (const [p, part] of parts.entries()) {
    for (const [j, value] of part.entries()) {
      const at = (starts[p]! + j) % columns;
      all[at] = how === "sum" ? all[at]! + value : Math.max(all[at]!, value);
    }
  }
  return all;
}
