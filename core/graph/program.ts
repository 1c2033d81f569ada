/**
 * One fused sweep over the data, in the form both engines take: a straight line of elementwise
 * operations on 32-bit values (SSA: operation i defines value i), then what to keep of them.
 * Two programs with the same `key` are the same code; everything that varies is in the uniforms.
 */
import type { Axis, Binary, Unary } from "./tensor.ts";

export type Op =
  /** The element of input `slot` of this program, decoded to f32. */
  | { readonly op: "input"; readonly slot: number }
  /** An f32 uniform, broadcast. `is`: what it always holds, where the formula says so; not -0. */
  | { readonly op: "uniform"; readonly word: number; readonly is?: number }
  | { readonly op: Unary; readonly a: number }
  | { readonly op: Binary; readonly a: number; readonly b: number }
  /** b where a != 0, else c. */
  | { readonly op: "where"; readonly a: number; readonly b: number; readonly c: number }
  /** Philox uniforms in [0, 1); uniforms `word` and `word + 1` hold the key. */
  | { readonly op: "random"; readonly word: number }
  /**
   * 1 where magnitude bits (f32 bits with the sign cleared) exceed uniform `word`, or equal it at a
   * tile-relative index <= uniform `word + 1` (as i32); else 0.
   */
  | { readonly op: "top"; readonly a: number; readonly word: number }
  /** 1 where the magnitude bits equal uniform `word`, else 0. */
  | { readonly op: "tied"; readonly a: number; readonly word: number }
  /** The number of the element's row or column in `table`, one of the program's tables. */
  | { readonly op: "along"; readonly table: number }
  /**
   * Position of the element in its row of `columns` elements in ascending order of magnitude bits, equal ones in
   * order of index. Tiles of a program with ranks consist of whole rows.
   */
  | { readonly op: "rank"; readonly a: number; readonly columns: number }
  /**
   * Of a place p = (u - uniform `least`) * uniform `per`, u the random number under the key `word`, each step rounded to f32: 1 where p is
   * below 0; else, where it is below columns - 1, whether the element comes behind one of its row in the order of ranks: the
   * floor(p)-th of the others; else 0. Tiles consist of whole rows here, too.
   */
  | {
      readonly op: "outranks";
      readonly a: number;
      readonly columns: number;
      readonly word: number;
      readonly least: number;
      readonly per: number;
    }
  /** What an earlier sweep over the same tile left in a plane. */
  | ({ readonly op: "kept" } & PlaneRef);

/** A plane of a tile: values kept for later sweeps, each of 1 bit (masks) or 32 (f32). */
export interface PlaneRef {
  readonly plane: number;
  readonly bits: PlaneBits;
}
export type PlaneBits = 1 | 32;

/** Bytes of a plane. */
export const planeBytes = (bits: PlaneBits, count: number): number => Math.ceil((count * bits) / 8);

/**
 * A vector that a tile looks up. Of rows: entry r belongs to the r-th row that the tile touches. Of columns: entry j
 * belongs to the elements whose index in the tile is j modulo `columns`, so a narrow tile brings few entries.
 */
export interface Table {
  readonly axis: Axis;
  readonly columns: number;
}

/**
 * A reduction along an axis of the tensor seen as a matrix of `columns` columns. Of rows, a tile yields one partial per
 * segment: a row cut at block bounds, so that partials do not depend on the tile size. Of columns, one partial per
 * residue j of the index in the tile modulo `columns`, as in a table.
 */
export interface Reduction extends Table {
  readonly value: number;
  readonly how: "sum" | "max";
}

/** A value that is kept for later sweeps; of 1 or 0 where it takes one bit. */
export interface Keep extends PlaneRef {
  readonly value: number;
}

/** Counts of the magnitude bits of `value`. */
export interface Histogram {
  readonly value: number;
  /**
   * `high`: bins of bits >>> 15 (65,536 bins). `low`: bins of bits & 0x7fff (32,768 bins), counting
   * only elements whose high digit equals uniform `word`. `window`: see WINDOW; only of engines that keep values.
   */
  readonly digit: "high" | "low" | "window";
  readonly word: number | null;
}

/**
 * Where the counts of a window are, in words. Its bounds are the uniforms `word` (lower) and `word + 1` (upper): counted
 * are the bits above the upper one, those that reach it, and those that reach the lower one, each in four parts to be
 * added; what lies between the two is listed as it is, in order, `listed` of them. After every `step` elements the four
 * counts so far are written down (`marks`). `full` is not 0 when there was no room for all.
 */
export const WINDOW = {
  above: 0,
  reached: 4,
  within: 8,
  listed: 12,
  full: 13,
  /** Marks made so far. */
  marked: 14,
  /** How many may be listed. */
  room: 15,
  marks: 16,
  list: 16 + 4 * 2048,
  words: 131072,
  step: 1024,
} as const;

/** 32-bit counters of a histogram over `count` elements, or over any number of them. */
export function binsOf({ digit }: Pick<Histogram, "digit">, count = Number.POSITIVE_INFINITY): number {
  if (digit !== "window") return digit === "high" ? HIGH_BINS : LOW_BINS;
  const most = WINDOW.words - WINDOW.list;
  return WINDOW.list + Math.min(most, Math.ceil(Math.min(count, Math.max(count / 16, LISTED)) / 16) * 16);
}

/** Of fewer elements so many may be listed: a small tensor's sample says little. */
const LISTED = 32768;

export interface Program {
  readonly key: string;
  /** Which of the tensor's inputs it decodes; op `input` refers to positions in this list. */
  readonly inputs: readonly number[];
  readonly ops: readonly Op[];
  /** Number of 32-bit uniform words. */
  readonly words: number;
  /** Values to add up. One f64 partial per block of `BLOCK` elements and sum. */
  readonly sums: readonly number[];
  /** Which of the sums are added in f64 all the way; of the others an engine may first add two and two as f32. None when absent. */
  readonly exact?: readonly number[];
  readonly histograms: readonly Histogram[];
  readonly tables: readonly Table[];
  readonly reductions: readonly Reduction[];
  /** What is left for later sweeps; nothing when absent. */
  readonly keeps?: readonly Keep[];
  /** The value to encode and return, or null. */
  readonly output: number | null;
  /** Values of which the engine tells whether any is NaN or infinite, the output when encoded; none when absent. */
  readonly watched?: readonly number[];
  /** Bytes that a checksum is wanted of: the encoded output's, or the only input's. */
  readonly digest?: "output" | "input" | null;
}

/**
 * Elements per block: the unit of summation. Blocks are counted from the tensor's first element and
 * tiles start on block bounds, so partial sums do not depend on the tile size. A power of two.
 */
export const BLOCK = 4096;
export const HIGH_BINS = 65536;
export const LOW_BINS = 32768;
export const LOW_BITS = 15;

/** How many segments (rows cut at block bounds) begin before element `end`. */
export function segmentsBefore(end: number, columns: number): number {
  return Math.ceil(end / columns) + Math.ceil(end / BLOCK) - Math.ceil(end / lcm(columns, BLOCK));
}

/** Entries of a tile's table, partials of its reduction of columns. */
export function entriesOf({ axis, columns }: Table, first: number, count: number): number {
  return axis === "rows" ? Math.ceil(((first % columns) + count) / columns) : Math.min(columns, count);
}

/** An operation that an element's whole row decides. */
export type RowOp = Extract<Op, { op: "rank" | "outranks" }>;
export const looksAtRows = (op: Op): op is RowOp => op.op === "rank" || op.op === "outranks";

/** What a tile of the program must be a multiple of, or else the whole tensor: a block, and whole rows to rank. */
export function unitOf({ ops }: Program): number {
  return ops.reduce((unit, op) => (looksAtRows(op) ? lcm(unit, op.columns) : unit), BLOCK);
}

/** Least common multiple. */
export function lcm(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
