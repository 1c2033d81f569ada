/** The kernels compiled from the present sources, and jobs to run on them. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { bytesPer, type FloatDtype, type OutputDtype } from "../../core/bytes/dtype.ts";
import type { TileJob, TileResult } from "../../core/engine/engine.ts";
import type { Histogram, Keep, Op, Program, Reduction, Table } from "../../core/graph/program.ts";

/** Compiles what has changed and loads it. */
export async function loadKernels(name = "kernels"): Promise<WebAssembly.Module> {
  await promisify(execFile)(process.execPath, ["scripts/kernels.mjs"]);
  return WebAssembly.compile(await readFile(`kernels/build/${name}.wasm`));
}

export interface JobParts {
  readonly ops: readonly Op[];
  readonly inputs?: readonly { readonly dtype: FloatDtype; readonly bytes: Uint8Array<ArrayBuffer> }[];
  readonly words?: readonly number[];
  readonly sums?: readonly number[];
  readonly exact?: readonly number[];
  readonly histograms?: readonly Histogram[];
  readonly tables?: readonly (Table & { readonly entries: Float32Array<ArrayBuffer> })[];
  readonly reductions?: readonly Reduction[];
  readonly keeps?: readonly Keep[];
  readonly kept?: readonly Uint8Array<ArrayBuffer>[];
  readonly output?: number | null;
  readonly encode?: OutputDtype;
  readonly first?: number;
  /** Only needed without inputs. */
  readonly count?: number;
}

let made = 0;

/** A job with everything a test does not care about filled in; it returns the last value as F32. */
export function makeJob(parts: JobParts): TileJob {
  const { ops, inputs = [], words = [], sums = [], histograms = [], output = ops.length - 1 } = parts;
  const { tables = [], reductions = [] } = parts;
  const first = inputs[0];
  const count = parts.count ?? (first === undefined ? 0 : first.bytes.length / bytesPer(first.dtype));
  const program: Program = {
    key: `test ${made++}`,
    inputs: inputs.map((_, slot) => slot),
    ops,
    words: words.length,
    sums,
    exact: parts.exact ?? [],
    histograms,
    tables: tables.map(({ axis, columns }) => ({ axis, columns })),
    reductions,
    keeps: parts.keeps ?? [],
    output,
  };
  return {
    program,
    dtypes: inputs.map(({ dtype }) => dtype),
    encode: parts.encode ?? "F32",
    words: Uint32Array.from(words),
    tables: tables.map(({ entries }) => entries),
    first: parts.first ?? 0,
    count,
    inputs: inputs.map(({ bytes }) => bytes),
    kept: parts.kept,
  };
}

/** The bits of an f32, as a uniform word. */
export function floatWord(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]!;
}

/** Output as f32, whatever its alignment. */
export function floatsOf(result: TileResult): Float32Array {
  return new Float32Array((result.output ?? new Uint8Array()).slice().buffer);
}

/** The bytes in a buffer where they start at an odd address. */
export function unaligned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = new Uint8Array(bytes.length + 3).subarray(3);
  view.set(bytes);
  return view;
}

/** Reproducible noise: the same seed gives the same numbers (xorshift32). */
export function noise(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** f32 that matter: weights of ordinary size, with special values and equal magnitudes strewn in. */
export function awkwardFloats(count: number, seed: number): Float32Array<ArrayBuffer> {
  const next = noise(seed);
  const special = [
    0,
    -0,
    1,
    -1,
    0.5,
    Number.NaN,
    Infinity,
    -Infinity,
    2 ** -149,
    -(2 ** -140),
    3.4e38,
    65520,
    2 ** -25,
  ];
  return Float32Array.from({ length: count }, () => {
    const kind = next() % 8;
    if (kind === 0) return special[next() % special.length]!;
    return (kind < 3 ? 0.02 : 1) * (next() / 2 ** 31 - 1);
  });
}

export function bytesOf(values: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Bit for bit; the matcher for arrays takes seconds where this takes microseconds. */
export function sameBytes(a: ArrayBufferView | null | undefined, b: ArrayBufferView | null | undefined): boolean {
  if (a == null || b == null) return a === b;
  const view = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength);
  return view(a).equals(view(b));
}

/** Equally many arrays, each the same bit for bit. */
export function sameArrays(a: readonly ArrayBufferView[], b: readonly ArrayBufferView[]): boolean {
  return a.length === b.length && a.every((view, i) => sameBytes(view, b[i]));
}
