/**
 * Whether two engines computed the same tile, as far as arithmetic in f32 lets them. What a check runs on the CPU also adds
 * up magnitudes, so that a sum of numbers that cancel is held against what went into it. Where a program compares
 * numbers, a last bit may decide a few elements otherwise; a few are let pass, a part of a tile is not.
 */
import { decode } from "../bytes/convert.ts";
import type { OutputDtype } from "../bytes/dtype.ts";
import type { Op, Program } from "../graph/program.ts";
import type { TileJob, TileResult } from "./engine.ts";

/** What f32 arithmetic in another order may cost: of the largest magnitude of a tile, of the magnitudes in a sum. */
const VALUE = 1e-5;
const SUM = 1e-3;
/** Elements of a tile, entries of its partials, that a comparison may decide otherwise. */
const DECIDED = { elements: 1e-3, partials: 0.01, total: 0.01 };
/** Bins that a magnitude may be off: of 2^-8 of itself, of a last place. */
const SHIFT = { high: 1, low: 64 };

const DECIDES: ReadonlySet<Op["op"]> = new Set([
  ...(["sign", "lt", "le", "gt", "ge", "eq", "ne", "where", "top", "tied", "rank", "outranks"] as const),
]);

/** A job for the engine that checks: the same, and for every sum and reduction one more, of magnitudes. */
export function checking(job: TileJob): TileJob {
  const { clock: _, into: __, bins: ___, ...own } = job;
  return { ...own, program: magnified(job.program) };
}

const known = new WeakMap<Program, Program>();

function magnified(program: Program): Program {
  const before = known.get(program);
  if (before !== undefined) return before;
  if (program.sums.length + program.reductions.length === 0) return program;
  const ops = [...program.ops];
  const abs = (a: number) => ops.push({ op: "abs", a }) - 1;
  const made: Program = {
    ...program,
    key: `${program.key} checked`,
    sums: [...program.sums, ...program.sums.map(abs)],
    reductions: [...program.reductions, ...program.reductions.map((one) => ({ ...one, value: abs(one.value) }))],
    ops,
  };
  known.set(program, made);
  return made;
}

/**
 * @param found what is checked
 * @param wanted what the checking engine made of `checking(job)`
 * @returns what is wrong with it, as a clause; null when they agree
 */
export function disagreement(job: TileJob, found: TileResult, wanted: TileResult): string | null {
  const { program } = job;
  const decides = decidesIn(program);
  return (
    outputApart(job, found, wanted) ??
    partialsApart(
      "sum",
      split(program.sums.length, found.sums),
      split(2 * program.sums.length, wanted.sums),
      decides,
    ) ??
    partialsApart("reduction", found.reductions, wanted.reductions, decides) ??
    countsApart(job, found, wanted)
  );
}

function outputApart({ program, encode }: TileJob, found: TileResult, wanted: TileResult): string | null {
  if (program.output === null) return null;
  if (found.output === null || wanted.output === null) return "there is no result";
  return valuesApart(program, encode, found.output, wanted.output).apart;
}

/** What of encoded outputs rounding does not explain, as a clause or null, and the largest difference. */
export function valuesApart(
  program: Program,
  dtype: OutputDtype,
  found: Uint8Array<ArrayBuffer>,
  wanted: Uint8Array<ArrayBuffer>,
): { readonly apart: string | null; readonly largest: number } {
  const [a, b] = [decode(dtype, found), decode(dtype, wanted)];
  let most = 0;
  for (const value of b) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  const unit = dtype === "BF16" ? 2 ** -7 : dtype === "F16" ? 2 ** -10 : 0;
  const slack = VALUE * most + 2 ** -126;
  let [apart, first, largest] = [0, -1, 0];
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    const off = Object.is(x, y) ? 0 : Math.abs(x - y);
    if (off > largest) largest = off;
    if (off <= slack + unit * Math.abs(y) || !(Number.isFinite(x) || Number.isFinite(y))) continue;
    apart++;
    if (first < 0) first = i;
  }
  if (apart <= (decidesIn(program) ? Math.max(1, DECIDED.elements * b.length) : 0)) return { apart: null, largest };
  const values = `${numberOf(apart)} of ${numberOf(b.length)} values differ`;
  return { apart: `${values}, the first is ${show(a[first]!)} and not ${show(b[first]!)}`, largest };
}

const decidesIn = ({ ops }: Program) => ops.some(({ op }) => DECIDES.has(op));

/** @param wanted as many as found, then as many of magnitudes */
function partialsApart(
  what: string,
  found: readonly Float64Array[],
  wanted: readonly Float64Array[],
  decides: boolean,
): string | null {
  for (const [k, parts] of found.entries()) {
    const [own, sizes] = [wanted[k]!, wanted[found.length + k]!];
    let [apart, off, all] = [0, 0, 0];
    for (let i = 0; i < parts.length; i++) {
      const [x, y, size] = [parts[i]!, own[i]!, sizes[i]!];
      if (!Number.isFinite(x) && !Number.isFinite(y)) continue;
      // Written so that a NaN is apart.
      if (!(Math.abs(x - y) <= SUM * size + 2 ** -100)) apart++;
      off += x - y;
      all += size;
    }
    const few = decides ? Math.max(1, DECIDED.partials * parts.length) : 0;
    if (parts.length !== own.length) return `a ${what} has ${parts.length} parts and not ${own.length}`;
    if (apart > few || (what === "sum" && !(Math.abs(off) <= (decides ? DECIDED.total : SUM) * all + 2 ** -100)))
      return `${numberOf(apart)} of ${numberOf(parts.length)} parts of a ${what} differ`;
  }
  return null;
}

/** Counts of digits, summed up from below: a magnitude that is a last place off moves a count to a bin nearby. */
function countsApart({ program, count }: TileJob, found: TileResult, wanted: TileResult): string | null {
  for (const [h, { digit }] of program.histograms.entries()) {
    if (digit === "window") throw new Error("Internal error: a device was checked that does not count by windows.");
    const [a, b] = [summedUp(found.histograms[h]!), summedUp(wanted.histograms[h]!)];
    const slack = 1 + 1e-4 * count;
    for (let bin = 0; bin < a.length; bin++) {
      const least = b[bin - SHIFT[digit]] ?? 0;
      const most = b[Math.min(bin + SHIFT[digit], b.length - 1)]!;
      if (a[bin]! < least - slack || a[bin]! > most + slack)
        return `of ${numberOf(count)} magnitudes ${numberOf(a[bin]!)} are counted up to bin ${bin}, and not ${numberOf(b[bin]!)}`;
    }
  }
  return null;
}

function summedUp(counts: Uint32Array): Float64Array {
  const up = new Float64Array(counts.length);
  let sum = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    sum += counts[bin]!;
    up[bin] = sum;
  }
  return up;
}

/** Sums of a tile, apart: each of as many blocks. */
function split(owners: number, sums: Float64Array): Float64Array[] {
  const own = sums.length / Math.max(1, owners);
  return Array.from({ length: owners }, (_, s) => sums.subarray(s * own, (s + 1) * own));
}

const numberOf = (count: number) => count.toLocaleString("en");
const show = (value: number) => (Number.isFinite(value) ? String(Number(value.toPrecision(7))) : String(value));
