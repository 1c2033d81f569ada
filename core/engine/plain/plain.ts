/**
 * A program run the slow way: one operation at a time over the whole tile, one element at a time,
 * rounded to f32 after each. It is what the other engines are tested against, so it shares no code
 * with them.
 */
import type { FloatDtype } from "../../bytes/dtype.ts";
import { throwIfAborted } from "../../errors.ts";
import {
  BLOCK,
  binsOf,
  type Histogram,
  LOW_BINS,
  LOW_BITS,
  type Op,
  type Reduction,
  WINDOW,
} from "../../graph/program.ts";
import type { Binary, Unary } from "../../graph/tensor.ts";
import type { Engine, TileJob, TileResult } from "../engine.ts";
import { decode, encode } from "./number.ts";
import { uniformAt } from "./philox.ts";

type Values = Float32Array<ArrayBuffer>;

/** An engine of one lane in the calling thread. */
export function createPlainEngine(): Engine {
  return {
    kind: "cpu",
    name: "Plain TypeScript",
    lanes: 1,
    maxTileBytes: 16 * 2 ** 20,
    keeps: true,
    memory: null,
    run: async (job, signal) => {
      throwIfAborted(signal);
      return runPlain(job);
    },
    close: async () => {},
  };
}

/** Runs one tile and returns when it is done. */
export function runPlain(job: TileJob): TileResult {
  const { program } = job;
  const values: Values[] = [];
  for (const op of program.ops) values.push(evaluate(op, job, values));
  for (const { value, plane, bits } of program.keeps ?? []) {
    const kept = job.kept![plane]!;
    if (bits === 32) singlesOf(kept).set(values[value]!);
    else {
      kept.fill(0);
      values[value]!.forEach((one, i) => {
        if (one !== 0) kept[i >> 3]! |= 1 << (i & 7);
      });
    }
  }
  return {
    output: program.output === null ? null : encode(job.encode, values[program.output]!),
    sums: Float64Array.from(program.sums.flatMap((value) => partials(values[value]!))),
    histograms: program.histograms.map((histogram) => counts(histogram, values[histogram.value]!, job.words)),
    reductions: program.reductions.map((reduction) => reduce(reduction, values[reduction.value]!, job.first)),
    inputs: job.inputs,
    kept: job.kept,
    unsound: (program.watched ?? []).some((value) => {
      const seen =
        value === program.output ? decode(job.encode, encode(job.encode, values[value]!), job.count) : values[value]!;
      return seen.some((one) => !Number.isFinite(one));
    }),
  };
}

const singlesOf = ({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>) =>
  new Float32Array(buffer, byteOffset, byteLength >> 2);

function evaluate(op: Op, job: TileJob, values: readonly Values[]): Values {
  const { count, words, first } = job;
  const each = (element: (i: number) => number): Values => {
    const out = new Float32Array(count);
    for (let i = 0; i < count; i++) out[i] = element(i);
    return out;
  };
  switch (op.op) {
    case "input":
      return decode(job.dtypes[op.slot] as FloatDtype, job.inputs[op.slot]!, count);
    case "uniform": {
      const value = new Float32Array(words.buffer, words.byteOffset, words.length)[op.word]!;
      return each(() => value);
    }
    case "random": {
      const key = [words[op.word]!, words[op.word + 1]!] as const;
      return each((i) => uniformAt(first + i, key));
    }
    case "where": {
      const [a, b, c] = [values[op.a]!, values[op.b]!, values[op.c]!];
      return each((i) => (a[i] !== 0 ? b[i]! : c[i]!));
    }
    case "top": {
      const bits = magnitudes(values[op.a]!);
      const [tau, cut] = [words[op.word]!, words[op.word + 1]! | 0];
      return each((i) => (bits[i]! > tau || (bits[i] === tau && i <= cut) ? 1 : 0));
    }
    case "tied": {
      const bits = magnitudes(values[op.a]!);
      return each((i) => (bits[i] === words[op.word] ? 1 : 0));
    }
    case "along": {
      const { axis, columns } = job.program.tables[op.table]!;
      const table = job.tables[op.table]!;
      const phase = first % columns;
      return each((i) => table[axis === "rows" ? Math.floor((phase + i) / columns) : i % columns]!);
    }
    case "rank": {
      const bits = magnitudes(values[op.a]!);
      const ranks = new Float32Array(count);
      for (let start = 0; start < count; start += op.columns) {
        const row = bits.subarray(start, start + op.columns);
        const order = Array.from(row, (_, i) => i).sort((i, j) => row[i]! - row[j]! || i - j);
        for (const [position, i] of order.entries()) ranks[start + i] = position;
      }
      return ranks;
    }
    case "outranks": {
      const bits = magnitudes(values[op.a]!);
      const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
      const [least, per] = [floats[op.least]!, floats[op.per]!];
      const key = [words[op.word]!, words[op.word + 1]!] as const;
      const others = op.columns - 1;
      return each((i) => {
        const place = Math.fround(Math.fround(uniformAt(first + i, key) - least) * per);
        if (!(place >= 0 && place < others)) return place < 0 ? 1 : 0;
        const own = i % op.columns;
        const other = Math.floor(place) + (Math.floor(place) >= own ? 1 : 0);
        const [mine, its] = [bits[i]!, bits[i - own + other]!];
        return its < mine || (its === mine && other < own) ? 1 : 0;
      });
    }
    case "kept": {
      const kept = job.kept![op.plane]!;
      return op.bits === 32 ? singlesOf(kept).slice(0, count) : each((i) => (kept[i >> 3]! >> (i & 7)) & 1);
    }
    case "neg":
    case "abs":
    case "sign":
    case "sqrt":
    case "exp":
    case "log":
    case "tanh": {
      const a = values[op.a]!;
      return each((i) => UNARY[op.op](a[i]!));
    }
    default: {
      const [a, b] = [values[op.a]!, values[op.b]!];
      return each((i) => BINARY[op.op](a[i]!, b[i]!));
    }
  }
}

/** In f64; rounding the result to f32 is then the f32 operation. */
const UNARY: Readonly<Record<Unary, (a: number) => number>> = {
  neg: (a) => -a,
  abs: Math.abs,
  sign: Math.sign,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  tanh: Math.tanh,
};

const BINARY: Readonly<Record<Binary, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
  lt: (a, b) => Number(a < b),
  le: (a, b) => Number(a <= b),
  gt: (a, b) => Number(a > b),
  ge: (a, b) => Number(a >= b),
  eq: (a, b) => Number(a === b),
  ne: (a, b) => Number(a !== b),
};

/** f32 bits with the sign cleared. */
function magnitudes(values: Values): Uint32Array {
  return new Uint32Array(values.buffer).map((bits) => bits & 0x7fffffff);
}

function partials(values: Values): number[] {
  const sums: number[] = [];
  for (let start = 0; start < values.length; start += BLOCK) {
    sums.push(values.subarray(start, start + BLOCK).reduce((sum, value) => sum + value, 0));
  }
  return sums;
}

/** Element by element: a new segment wherever a row or a block begins, or the column's residue. */
function reduce({ axis, columns, how }: Reduction, values: Values, first: number): Float64Array<ArrayBuffer> {
  const combine = (a: number | undefined, b: number) =>
    a === undefined ? b : BINARY[how === "sum" ? "add" : "max"](a, b);
  const parts: number[] = [];
  values.forEach((value, i) => {
    const begins = (first + i) % columns === 0 || i % BLOCK === 0;
    const at = axis === "columns" ? i % columns : parts.length - (begins ? 0 : 1);
    parts[at] = combine(parts[at], value);
  });
  return Float64Array.from(parts);
}

function counts(histogram: Histogram, values: Values, words: Uint32Array): Uint32Array<ArrayBuffer> {
  const { digit, word } = histogram;
  if (digit === "window") return windowed(values, words[word!]!, words[word! + 1]!);
  const bins = new Uint32Array(binsOf(histogram));
  for (const bits of magnitudes(values)) {
    const high = bits >>> LOW_BITS;
    if (digit === "high") bins[high]!++;
    else if (word !== null && high === words[word]) bins[bits & (LOW_BINS - 1)]!++;
  }
  return bins;
}

function windowed(values: Values, low: number, high: number): Uint32Array<ArrayBuffer> {
  const counts = new Uint32Array(WINDOW.words);
  for (const [i, bits] of magnitudes(values).entries()) {
    if (bits > high) counts[WINDOW.above]!++;
    if (bits >= high) counts[WINDOW.reached]!++;
    if (bits >= low) counts[WINDOW.within]!++;
    if (bits > low && bits < high) {
      const at = WINDOW.list + counts[WINDOW.listed]!;
      if (at < WINDOW.words) counts[at] = bits;
      counts[at < WINDOW.words ? WINDOW.listed : WINDOW.full]!++;
    }
    if ((i + 1) % WINDOW.step !== 0 && i + 1 !== values.length) continue;
    const at = WINDOW.marks + 4 * counts[WINDOW.marked]!++;
    [WINDOW.above, WINDOW.reached, WINDOW.within, WINDOW.listed].forEach((word, k) => {
      counts[at + k] = counts[word]!;
    });
  }
  return counts.subarray(0, WINDOW.list + counts[WINDOW.listed]!);
}
