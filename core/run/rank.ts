/**
 * The stable rank of a matrix: its squared Frobenius norm over its squared largest singular value, between 1 and its rank.
 * Low means that few directions carry it, as a small adapter could (Rudelson and Vershynin 2007). The largest singular value
 * comes from Lanczos' method on W'W, all of W, a few reads; rows are read in pieces, so that no matrix has to fit.
 */
import { decode } from "../bytes/convert.ts";
import { bytesPer } from "../bytes/dtype.ts";
import { throwIfAborted } from "../errors.ts";
import type { InputPlan } from "../plan/plan.ts";

/** Enough for three digits also where many singular values are nearly equal. */
const STEPS = 12;
/** Elements kept between steps; of larger matrices rows are read again. */
const KEPT = 32e6;
/** Elements worked on before others have their turn. */
const PIECE = 2 ** 20;
/** Below this share of the matrix's norm nothing is left to find. */
const NOTHING = 1e-12;

export interface Matrix {
  /** One matrix, or two whose difference is meant. */
  readonly inputs: readonly InputPlan[];
  readonly rows: number;
  readonly columns: number;
}

/** A tensor as a matrix: its first dimension by the others together; null for vectors and numbers. */
export function matrixOf(shape: readonly number[]): { readonly rows: number; readonly columns: number } | null {
  const [rows = 0, ...rest] = shape.filter((size) => size !== 1);
  const columns = rest.reduce((product, size) => product * size, 1);
  return rest.length === 0 || rows < 2 || columns < 2 ? null : { rows, columns };
}

/** Resolves to null for a matrix of zeros, or one with values that are not finite. Rejects with AbortError. */
export async function stableRank(matrix: Matrix, signal?: AbortSignal): Promise<number | null> {
  const { columns } = matrix;
  const pieces = piecesOf(matrix, signal);
  const basis: Float64Array[] = [];
  const [alphas, betas]: [number[], number[]] = [[], []];
  let next = start(columns);
  let size = 0;
  for (let step = 0; step < Math.min(STEPS, columns, matrix.rows); step++) {
    basis.push(next);
    const image = new Float64Array(columns);
    let square = 0;
    for await (const rows of pieces()) square += applied(rows, next, image);
    if (step === 0) size = square;
    if (!(size > 0) || !Number.isFinite(size)) return null;
    alphas.push(dot(image, next));
    // Old directions are taken out, and what rounding left of them once more; else they come back and grow.
    for (const old of [...basis, ...basis]) add(image, old, -dot(image, old));
    const beta = Math.sqrt(dot(image, image));
    if (beta <= NOTHING * size) break;
    betas.push(beta);
    next = image.map((value) => value / beta);
  }
  return size / largest(alphas, betas);
}

/** Any direction will do that is not at right angles to the one that is sought; this one is the same every time. */
function start(columns: number): Float64Array {
  const values = Float64Array.from({ length: columns }, (_, i) => Math.sin(12.9898 * (i + 1)) + 0.1);
  const norm = Math.sqrt(dot(values, values));
  return values.map((value) => value / norm);
}

/** Adds W'Wx of some rows to `image`; returns the sum of their squares. */
function applied({ values, columns }: Rows, x: Float64Array, image: Float64Array): number {
  let square = 0;
  for (let row = 0; row < values.length; row += columns) {
    let y = 0;
    for (let j = 0; j < columns; j++) {
      const value = values[row + j]!;
      y += value * x[j]!;
      square += value * value;
    }
    for (let j = 0; j < columns; j++) image[j] = image[j]! + y * values[row + j]!;
  }
  return square;
}

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

function add(to: Float64Array, what: Float64Array, times: number): void {
  for (let i = 0; i < to.length; i++) to[i] = to[i]! + times * what[i]!;
}

/** The largest eigenvalue of the symmetric tridiagonal matrix with these diagonals, by bisection. */
function largest(alphas: readonly number[], betas: readonly number[]): number {
  const around = alphas.map((alpha, i) => alpha + Math.abs(betas[i - 1] ?? 0) + Math.abs(betas[i] ?? 0));
  let [low, high] = [Math.max(...alphas), Math.max(...around)];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (isAbove(middle, alphas, betas)) high = middle;
    else low = middle;
  }
  return high;
}

/** Whether a number is above all eigenvalues: then no step of elimination leaves anything but a negative number (Sturm). */
function isAbove(x: number, alphas: readonly number[], betas: readonly number[]): boolean {
  let left = 0;
  for (const [i, alpha] of alphas.entries()) {
    left = alpha - x - (i === 0 ? 0 : betas[i - 1]! ** 2 / left);
    if (left >= 0) return false;
  }
  return true;
}

interface Rows {
  readonly values: Float32Array;
  readonly columns: number;
}

/** Walks over the rows, from memory after the first time where there is room. */
function piecesOf({ inputs, rows, columns }: Matrix, signal: AbortSignal | undefined): () => AsyncGenerator<Rows> {
  const many = Math.max(1, Math.floor(PIECE / columns));
  const isKept = rows * columns <= KEPT;
  const kept: Rows[] = [];
  return async function* () {
    for (let row = 0, piece = 0; row < rows; row += many, piece++) {
      throwIfAborted(signal);
      const known = kept[piece];
      const found = known ?? {
        columns,
        values: await read(inputs, row * columns, Math.min(many, rows - row) * columns, signal),
      };
      if (known === undefined && isKept) kept.push(found);
      yield found;
      // The worker has more to do than this.
      await new Promise((resolve) => setTimeout(resolve));
    }
  };
}

async function read(
  inputs: readonly InputPlan[],
  first: number,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const [own, other] = await Promise.all(
    inputs.map(async ({ info, dtype, start: from }) => {
      const width = bytesPer(dtype);
      const range = { start: from + first * width, end: from + (first + count) * width };
      return decode(dtype, await info.source.read(range, signal));
    }),
  );
  const values = own ?? new Float32Array(0);
  if (other !== undefined) for (let i = 0; i < values.length; i++) values[i] = values[i]! - other[i]!;
  return values;
}
