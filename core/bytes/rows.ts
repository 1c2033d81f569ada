/**
 * A matrix that is not in any file: its rows are rows of stored matrices in another order, means of several of them, or
 * zeros. It is described by runs of consecutive rows, and read like any other source: a range of bytes is gathered from
 * the runs it touches.
 */
import { decode, encode } from "./convert.ts";
import { bytesPer, type FloatDtype, type OutputDtype } from "./dtype.ts";
import { type ByteRange, type ByteSource, checkRange } from "./source.ts";

/** A stored matrix, row after row. */
export interface Matrix {
  readonly source: ByteSource;
  /** Absolute byte offset of its first row. */
  readonly start: number;
  readonly dtype: FloatDtype;
  readonly rows: number;
}

/** `count` rows of `matrix` from `row` on. */
export interface RowPart {
  readonly matrix: Matrix;
  readonly row: number;
}

/**
 * Rows that advance together: row `first + i` of the result is the mean of row `part.row + i` of every part. One part is
 * a copy, none is zeros. "mean" stands for the mean of all rows before the first run that says so.
 */
export interface Run {
  readonly first: number;
  readonly count: number;
  readonly parts: readonly RowPart[] | "mean";
}

/** One row of the result: its parts (see Run). */
export type RowRecipe = readonly RowPart[] | "mean";

/** Reads that lie this close together become one; the bytes between are dropped. */
const GAP = 16 * 1024;
/** Bytes of one read that serves several pieces. */
const LARGE = 8 * 1024 * 1024;
/** Reads under way at once, for one range. */
const AT_ONCE = 8;

/** Joins single rows to runs. Row `i` of the result is what `rows[i]` says. */
export function runsOf(rows: Iterable<RowRecipe>): Run[] {
  const runs: { first: number; count: number; parts: RowRecipe }[] = [];
  let at = 0;
  for (const parts of rows) {
    const last = runs.at(-1);
    if (last !== undefined && continues(last, parts)) last.count++;
    else runs.push({ first: at, count: 1, parts });
    at++;
  }
  return runs;
}

function continues({ parts: before, count }: Run, parts: RowRecipe): boolean {
  if (before === "mean" || parts === "mean") return before === parts;
  return (
    before.length === parts.length &&
    before.every(({ matrix, row }, i) => parts[i]?.matrix === matrix && parts[i]?.row === row + count)
  );
}

/** A piece of a file that a read needs, and what to do with its bytes. */
interface Piece {
  readonly source: ByteSource;
  readonly start: number;
  readonly end: number;
  deliver(bytes: Uint8Array): void;
}

/**
 * The matrix as a source of `columns` elements of `dtype` per row.
 * @param runs in order and without holes, from row 0
 */
export function rowSource(name: string, dtype: OutputDtype, columns: number, runs: readonly Run[]): ByteSource {
  const width = columns * bytesPer(dtype);
  const last = runs.at(-1);
  const size = last === undefined ? 0 : (last.first + last.count) * width;
  const real = runs.find((run) => run.parts === "mean")?.first ?? 0;
  let mean: Promise<Uint8Array> | null = null;

  /** The mean row, worked out once. A failed or cancelled attempt is forgotten. */
  function meanRow(signal?: AbortSignal): Promise<Uint8Array> {
    mean ??= meanOf((range) => read(range, signal), dtype, columns, real).catch((error: unknown) => {
      mean = null;
      throw error;
    });
    return mean;
  }

  async function read(
    range: { readonly start: number; readonly end: number },
    signal?: AbortSignal,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(name, size, range);
    const touched = runsIn(runs, width, range);
    const [only] = touched;
    if (touched.length === 1 && only !== undefined) {
      const plain = plainPart(only, dtype);
      if (plain !== null) {
        const shift = plain.matrix.start + (plain.row - only.first) * width;
        return plain.matrix.source.read({ start: range.start + shift, end: range.end + shift }, signal, into);
      }
    }
    const length = range.end - range.start;
    const out = into !== undefined && into.length >= length ? into.subarray(0, length) : new Uint8Array(length);
    out.fill(0);
    const pieces: Piece[] = [];
    const finish: (() => void)[] = [];
    for (const run of touched) {
      const start = Math.max(range.start, run.first * width);
      const end = Math.min(range.end, (run.first + run.count) * width);
      const target = out.subarray(start - range.start, end - range.start);
      if (run.parts === "mean") repeat(await meanRow(signal), target, start % width);
      else gather(run, run.parts, { start, end, target, width, columns, dtype }, pieces, finish);
    }
    await readPieces(pieces, signal);
    for (const step of finish) step();
    return out;
  }

  const expect = (ranges: readonly ByteRange[] | null) => {
    for (const [source, some] of rangesBelow(runs, columns, width, ranges)) source.expect?.(some);
  };

  const isFar = runs.some(({ parts }) => parts !== "mean" && parts.some(({ matrix }) => matrix.source.isFar === true));
  return { name, size, read, expect, ...(isFar ? { isFar } : {}) };
}

/** What is read of the stored matrices for ranges of the result, in the same order; the mean row's own reads aside. */
function rangesBelow(
  runs: readonly Run[],
  columns: number,
  width: number,
  ranges: readonly ByteRange[] | null,
): Map<ByteSource, ByteRange[] | null> {
  const below = new Map<ByteSource, ByteRange[] | null>();
  if (ranges === null) {
    for (const { parts } of runs) if (parts !== "mean") for (const { matrix } of parts) below.set(matrix.source, null);
    return below;
  }
  for (const range of ranges) {
    for (const { first, count, parts } of runsIn(runs, width, range)) {
      if (parts === "mean") continue;
      const from = Math.max(first, Math.floor(range.start / width));
      const to = Math.min(first + count, Math.ceil(range.end / width));
      for (const { matrix, row } of parts) {
        const bytes = columns * bytesPer(matrix.dtype);
        const start = matrix.start + (row + from - first) * bytes;
        const same = below.get(matrix.source) ?? [];
        same.push({ start, end: start + (to - from) * bytes });
        below.set(matrix.source, same);
      }
    }
  }
  return below;
}

interface Window {
  /** Bytes of the result. */
  readonly start: number;
  readonly end: number;
  readonly target: Uint8Array;
  readonly width: number;
  readonly columns: number;
  readonly dtype: OutputDtype;
}

/** What must be read for a run's part of a range, and what is left to do when it has been. */
function gather(run: Run, parts: readonly RowPart[], window: Window, pieces: Piece[], finish: (() => void)[]): void {
  const { start, end, target, width, columns, dtype } = window;
  if (parts.length === 0) return;
  const plain = plainPart(run, dtype);
  if (plain !== null) {
    const shift = plain.matrix.start + (plain.row - run.first) * width;
    pieces.push({
      source: plain.matrix.source,
      start: start + shift,
      end: end + shift,
      deliver: (bytes) => target.set(bytes),
    });
    return;
  }
  const from = Math.floor(start / width);
  const to = Math.ceil(end / width);
  const decoded: Float32Array[] = [];
  parts.forEach(({ matrix, row }, i) => {
    const bytes = columns * bytesPer(matrix.dtype);
    const first = matrix.start + (row + from - run.first) * bytes;
    pieces.push({
      source: matrix.source,
      start: first,
      end: first + (to - from) * bytes,
      deliver: (read) => {
        decoded[i] = decode(matrix.dtype, read);
      },
    });
  });
  finish.push(() => {
    const bytes = encode(dtype, average(decoded));
    target.set(bytes.subarray(start - from * width, end - from * width));
  });
}

/** The part of a run whose bytes are the result's bytes; null when there is arithmetic to do. */
function plainPart({ parts }: Run, dtype: OutputDtype): RowPart | null {
  const only = parts === "mean" || parts.length !== 1 ? undefined : parts[0];
  return only !== undefined && only.matrix.dtype === dtype ? only : null;
}

/** Elementwise mean in f32, added in order. */
function average(values: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array(0), ...more] = values;
  if (more.length === 0) return first;
  for (const other of more) for (let i = 0; i < first.length; i++) first[i]! += other[i]!;
  for (let i = 0; i < first.length; i++) first[i]! /= values.length;
  return first;
}

/** Fills with copies of a row, of which the first begins at byte `at`. */
function repeat(row: Uint8Array, target: Uint8Array, at: number): void {
  for (let to = 0, from = at; to < target.length; from = 0) {
    const count = Math.min(row.length - from, target.length - to);
    target.set(row.subarray(from, from + count), to);
    to += count;
  }
}

/** The runs a byte range touches, found by halving. */
function runsIn(runs: readonly Run[], width: number, { start, end }: { start: number; end: number }): Run[] {
  if (start === end) return [];
  let low = 0;
  let high = runs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (runs[middle]!.first * width <= start) low = middle;
    else high = middle - 1;
  }
  const touched: Run[] = [];
  for (let i = low; i < runs.length && runs[i]!.first * width < end; i++) touched.push(runs[i]!);
  return touched;
}

/** Reads pieces in file order, neighbours together, and hands each its bytes. */
async function readPieces(pieces: readonly Piece[], signal?: AbortSignal): Promise<void> {
  const bySource = new Map<ByteSource, Piece[]>();
  for (const piece of pieces) {
    const same = bySource.get(piece.source);
    if (same === undefined) bySource.set(piece.source, [piece]);
    else same.push(piece);
  }
  const reads: { source: ByteSource; start: number; end: number; pieces: Piece[] }[] = [];
  for (const [source, same] of bySource) {
    same.sort((a, b) => a.start - b.start);
    for (const piece of same) {
      const open = reads.at(-1);
      const near = open?.source === source && piece.start <= open.end + GAP && piece.end - open.start <= LARGE;
      if (open !== undefined && near) {
        open.end = Math.max(open.end, piece.end);
        open.pieces.push(piece);
      } else reads.push({ source, start: piece.start, end: piece.end, pieces: [piece] });
    }
  }
  let next = 0;
  const work = async () => {
    for (let one = reads[next++]; one !== undefined; one = reads[next++]) {
      const { source, start, end } = one;
      const bytes = await source.read({ start, end }, signal);
      for (const piece of one.pieces) piece.deliver(bytes.subarray(piece.start - start, piece.end - start));
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, reads.length) }, work));
}

/** The mean of the first `rows` rows: sums in f64, rounded to f32 and then to the type. */
async function meanOf(
  read: (range: { start: number; end: number }) => Promise<Uint8Array>,
  dtype: OutputDtype,
  columns: number,
  rows: number,
): Promise<Uint8Array> {
  const width = columns * bytesPer(dtype);
  const step = Math.max(1, Math.floor(LARGE / width));
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row += step) {
    const values = decode(dtype, await read({ start: row * width, end: Math.min(rows, row + step) * width }));
    for (let i = 0; i < values.length; ) for (let c = 0; c < columns; c++) sums[c]! += values[i++]!;
  }
  return encode(
    dtype,
    Float32Array.from(sums, (sum) => (rows === 0 ? 0 : sum / rows)),
  );
}
