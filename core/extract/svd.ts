/**
 * The best approximation of a matrix by one of low rank. A block of random directions is multiplied by D^T D and made
 * orthonormal again until it holds the leading right singular directions; the rest happens in a matrix as small as
 * the block (randomised subspace iteration: Halko, Martinsson and Tropp, Finding structure with randomness, SIAM Review
 * 53 (2011), algorithms 4.4 and 5.1). Iteration ends when another pass would hardly lower the error. Where the block
 * would be as wide as the matrix, all directions are taken and nothing is random.
 */
import type { Products } from "../bytes/lowrank.ts";
import { throwIfAborted } from "../errors.ts";
import { eigenOf } from "./eigen.ts";

export interface Approximation {
  /** May be lower than asked for, when the matrix has no more. */
  readonly rank: number;
  /** The matrix is about left x right; each has the square root of the singular values in it. */
  readonly left: Float32Array<ArrayBuffer>; // [rows, rank]
  readonly right: Float32Array<ArrayBuffer>; // [rank, columns]
  /** Singular values, largest first. */
  readonly values: readonly number[];
  /** Squared Frobenius norms: of the matrix, and of what the approximation leaves. */
  readonly total: number;
  readonly rest: number;
}

export interface ApproximateOptions {
  readonly rank: number;
  /** Singular values up to this are left out. */
  readonly threshold?: number;
  readonly products: Products;
  readonly signal?: AbortSignal | undefined;
}

/** Up to this width all directions are taken whatever the rank. */
const SMALL = 128;
const PASSES = 16;
/** A pass that lowers the squared error by less than this share of it is the last. */
const ENOUGH = 2e-4;
/** Singular values below this share of the largest are rounding. */
const NOISE = 1e-6;

/** @param matrix [rows, columns], row after row; not changed */
export async function approximate(
  matrix: Float32Array<ArrayBuffer>,
  rows: number,
  columns: number,
  options: ApproximateOptions,
): Promise<Approximation> {
  if (columns <= rows) return tall(matrix, rows, columns, options);
  const { left, right, ...rest } = await tall(transposed(matrix, rows, columns), columns, rows, options);
  return {
    ...rest,
    left: transposed(right, rest.rank, rows),
    right: transposed(left, columns, rest.rank),
  };
}

async function tall(
  matrix: Float32Array<ArrayBuffer>,
  rows: number,
  columns: number,
  options: ApproximateOptions,
): Promise<Approximation> {
  const total = squared(matrix);
  const width = options.rank + Math.max(16, options.rank >> 1);
  const all = width >= columns || columns <= SMALL;
  const found = all
    ? { inside: matrix, basis: null, width: columns, ...eigenOf(gram(matrix, rows, columns), columns) }
    : await iterate(matrix, rows, columns, width, total, options);
  return finish(found, rows, columns, total, options);
}

interface Found {
  /** D Q, [rows, width]. */
  readonly inside: Float32Array;
  /** Q, [columns, width] with orthonormal columns; null for the identity. */
  readonly basis: Float32Array | null;
  readonly width: number;
  /** Eigen of (D Q)^T (D Q). */
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

async function iterate(
  matrix: Float32Array<ArrayBuffer>,
  rows: number,
  columns: number,
  width: number,
  total: number,
  { rank, products, signal }: ApproximateOptions,
): Promise<Found> {
  let basis = orthonormal(gaussian(columns * width), columns, width);
  let before = 0;
  for (let pass = 0; ; pass++) {
    const { inside, back } = await multiply(matrix, rows, columns, basis, width, products, signal);
    const eigen = eigenOf(gram(inside, rows, width), width);
    let held = 0;
    for (let i = 0; i < rank; i++) held += eigen.values[i] ?? 0;
    const settled = held - before <= ENOUGH * Math.max(0, total - held) + 1e-12 * total;
    if ((pass > 0 && settled) || pass === PASSES) return { inside, basis, width, ...eigen };
    before = held;
    // In order of strength, so that the strong directions' rounding does not drown the weak ones.
    basis = orthonormal(turn(back, columns, width, eigen.vectors), columns, width);
  }
}

/** Y = D Q and D^T Y, a band of rows at a time; lets others run in between. */
async function multiply(
  matrix: Float32Array<ArrayBuffer>,
  rows: number,
  columns: number,
  basis: Float32Array<ArrayBuffer>,
  width: number,
  products: Products,
  signal: AbortSignal | undefined,
) {
  const inside = new Float32Array(rows * width);
  const back = new Float32Array(columns * width);
  // Not a power of two, whose multiples fall on the same few lines of the cache.
  const band = 496;
  for (let row = 0; row < rows; row += band) {
    throwIfAborted(signal);
    const some = Math.min(band, rows - row);
    const part = matrix.subarray(row * columns, (row + some) * columns);
    const y = inside.subarray(row * width, (row + some) * width);
    products.multiply(y, { left: part, right: basis, rows: some, columns: width, rank: columns, scale: 1 });
    const turned = transposed(part, some, columns);
    products.multiply(back, { left: turned, right: y, rows: columns, columns: width, rank: some, scale: 1 });
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return { inside, back };
}

function finish(
  { inside, basis, width, values, vectors }: Found,
  rows: number,
  columns: number,
  total: number,
  { rank: most, threshold = 0 }: ApproximateOptions,
): Approximation {
  const singular = Array.from(values.subarray(0, Math.min(most, width)), (value) => Math.sqrt(Math.max(0, value)));
  const least = Math.max(threshold, NOISE * (singular[0] ?? 0));
  const kept = singular.filter((value) => value > least);
  const rank = kept.length;
  const left = new Float32Array(rows * rank);
  const right = new Float32Array(rank * columns);
  kept.forEach((value, j) => {
    const root = Math.sqrt(value);
    for (let i = 0; i < rows; i++) left[i * rank + j] = along(inside, vectors, i, j, width) / root;
    for (let i = 0; i < columns; i++)
      right[j * columns + i] = root * (basis === null ? vectors[i * width + j]! : along(basis, vectors, i, j, width));
  });
  const held = kept.reduce((sum, value) => sum + value * value, 0);
  return { rank, left, right, values: kept, total, rest: Math.max(0, total - held) };
}

/** Row i of [n, width] times column j of [width, width]. */
function along(matrix: Float32Array, vectors: Float64Array, i: number, j: number, width: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += matrix[i * width + k]! * vectors[k * width + j]!;
  return sum;
}

function turn(matrix: Float32Array, rows: number, width: number, vectors: Float64Array): Float64Array {
  const out = new Float64Array(rows * width);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < width; k++) {
      const value = matrix[i * width + k]!;
      for (let j = 0; j < width; j++) out[i * width + j] = out[i * width + j]! + value * vectors[k * width + j]!;
    }
  return out;
}

/** M^T M in f64. */
function gram(matrix: Float32Array, rows: number, width: number): Float64Array {
  const out = new Float64Array(width * width);
  for (let row = 0; row < rows; row++) {
    const at = row * width;
    for (let i = 0; i < width; i++) {
      const value = matrix[at + i]!;
      if (value === 0) continue;
      for (let j = i; j < width; j++) out[i * width + j] = out[i * width + j]! + value * matrix[at + j]!;
    }
  }
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) out[i * width + j] = out[j * width + i]!;
  return out;
}

/** Columns made orthonormal by Gram and Schmidt's way, twice over; one that depends on those before it becomes zero. */
function orthonormal(matrix: Float64Array, rows: number, width: number): Float32Array<ArrayBuffer> {
  const lines = Array.from({ length: width }, (_, j) =>
    Float64Array.from({ length: rows }, (_, i) => matrix[i * width + j]!),
  );
  lines.forEach((line, j) => {
    const was = Math.sqrt(dot(line, line));
    for (let round = 0; round < 2; round++)
      for (let i = 0; i < j; i++) {
        const other = lines[i]!;
        const share = dot(line, other);
        for (let k = 0; k < rows; k++) line[k] = line[k]! - share * other[k]!;
      }
    const length = Math.sqrt(dot(line, line));
    const scale = length > 1e-9 * was ? 1 / length : 0;
    for (let k = 0; k < rows; k++) line[k] = line[k]! * scale;
  });
  const out = new Float32Array(rows * width);
  lines.forEach((line, j) => {
    for (let i = 0; i < rows; i++) out[i * width + j] = line[i]!;
  });
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function squared(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}

/** Normal numbers, the same every time (Marsaglia's xorshift, then Box and Muller). */
function gaussian(count: number): Float64Array {
  let state = 0x9e3779b9;
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 1) / (2 ** 32 + 1);
  };
  return Float64Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

/** [rows, columns] to [columns, rows], in squares that stay in the cache. */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  const side = 8;
  for (let top = 0; top < rows; top += side)
    for (let start = 0; start < columns; start += side) {
      const [bottom, end] = [Math.min(rows, top + side), Math.min(columns, start + side)];
      for (let i = top; i < bottom; i++) for (let j = start; j < end; j++) out[j * rows + i] = values[i * columns + j]!;
    }
  return out;
}
