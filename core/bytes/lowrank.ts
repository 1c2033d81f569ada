/**
 * A tensor plus a product of two thin ones, W + scale * (L R), as a source of bytes. Whatever range is asked for, only
 * that part of the product is computed, so the sum never exists as a whole. Values are f32: an update is often
 * smaller than the steps of the type W is stored in, and rounding here would lose it before the merge.
 */
import { computedSource } from "./computed.ts";
import { decode } from "./convert.ts";
import { bytesPer, type FloatDtype } from "./dtype.ts";
import type { ByteSource } from "./source.ts";

/** L is [rows, rank] and R is [rank, columns], both row after row; the product is [rows, columns]. */
export interface Factors {
  readonly left: Float32Array<ArrayBuffer>;
  readonly right: Float32Array<ArrayBuffer>;
  readonly rows: number;
  readonly columns: number;
  readonly rank: number;
  readonly scale: number;
}

/** Who computes products: the loops below, or the SIMD kernels (simd.ts), bit for bit the same. */
export interface Products {
  /** out = bytes decoded + the product's elements from `first` on; as many as `out` has. */
  add(dtype: FloatDtype, bytes: Uint8Array, first: number, factors: Factors, out: Float32Array<ArrayBuffer>): void;
  /** c += L R, c is [rows, columns]; sums run over the rank in order, rounded to f32 at each step. */
  multiply(c: Float32Array, factors: Factors): void;
}

export const plainProducts: Products = {
  add: (dtype, bytes, first, factors, out) => {
    decode(dtype, bytes, out);
    for (const { row, column, at, length } of rowsOf(first, out.length, factors.columns))
      addRow(out.subarray(at, at + length), row, column, factors);
  },
  multiply: (c, factors) => {
    const { columns } = factors;
    for (let row = 0; row < factors.rows; row++)
      addRow(c.subarray(row * columns, (row + 1) * columns), row, 0, { ...factors, scale: 1 });
  },
};

/** Element by element in the kernels' order: every product rounded to f32, then every sum. */
function addRow(out: Float32Array, row: number, column: number, { left, right, columns, rank, scale }: Factors): void {
  const { fround } = Math;
  const length = out.length;
  const sum = new Float32Array(length);
  const line = row * rank;
  let k = 0;
  // Four steps at a time, each rounded as if alone.
  for (; k + 4 <= rank; k += 4) {
    const from = k * columns + column;
    const [a, b, c, d] = [left[line + k]!, left[line + k + 1]!, left[line + k + 2]!, left[line + k + 3]!];
    const [q, r, s] = [from + columns, from + 2 * columns, from + 3 * columns];
    for (let j = 0; j < length; j++) {
      const two = fround(fround(sum[j]! + fround(a * right[from + j]!)) + fround(b * right[q + j]!));
      sum[j] = fround(two + fround(c * right[r + j]!)) + fround(d * right[s + j]!);
    }
  }
  for (; k < rank; k++) {
    const a = left[line + k]!;
    const from = k * columns + column;
    for (let j = 0; j < length; j++) sum[j] = sum[j]! + fround(a * right[from + j]!);
  }
  const s = fround(scale);
  for (let j = 0; j < length; j++) out[j] = out[j]! + fround(s * sum[j]!);
}

export interface RowSpan {
  readonly row: number;
  readonly column: number;
  /** Where the span begins, counted from `first`. */
  readonly at: number;
  readonly length: number;
}

/** The rows, whole or in part, that `count` elements from `first` on lie in. */
export function* rowsOf(first: number, count: number, columns: number): Generator<RowSpan> {
  for (let at = 0; at < count; ) {
    const row = Math.floor((first + at) / columns);
    const column = first + at - row * columns;
    const length = Math.min(columns - column, count - at);
    yield { row, column, at, length };
    at += length;
  }
}

export interface LowRankOptions {
  /** What to call it in a sentence. */
  readonly name: string;
  /** Where W is: its first byte and its type. */
  readonly source: ByteSource;
  readonly start: number;
  readonly dtype: FloatDtype;
  readonly count: number;
  factors(signal?: AbortSignal): Promise<Factors>;
  readonly products: Products;
}

/** The sum as f32. */
export function lowRankSource(options: LowRankOptions): ByteSource {
  const { name, source, start, dtype, count, products } = options;
  const width = bytesPer(dtype);
  return computedSource({
    name,
    count,
    from: { source, start, width },
    prepare: async (first, end, signal) => {
      const [bytes, factors] = await Promise.all([
        source.read({ start: start + first * width, end: start + end * width }, signal),
        options.factors(signal),
      ]);
      return (out) => products.add(dtype, bytes, first, factors, out);
    },
  });
}
