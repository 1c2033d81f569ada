/**
 * Methods whose result is a combination of the models, each tensor taken as one vector: one sweep yields all dot
 * products, the host settles the coefficients from them in f64, a second sweep combines. However many angles or
 * iterations a method has, it reads the models twice.
 */
import { dot, map, mul, type Scalar, type Tensor, total } from "../core/graph/tensor.ts";

/** All dot products of some vectors: entry (i, j) with i <= j. */
export interface Gram {
  readonly size: number;
  readonly products: readonly Scalar[];
}

export function gram(vectors: readonly Tensor[]): Gram {
  const products = vectors.flatMap((a, i) => vectors.slice(i).map((b) => dot(a, b)));
  return { size: vectors.length, products };
}

/** The same as a full matrix of numbers, row by row. */
export function matrix(size: number, products: readonly number[]): number[][] {
  const full = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  let at = 0;
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) {
      const value = products[at++] ?? 0;
      full[i]![j] = value;
      full[j]![i] = value;
    }
  }
  return full;
}

/** Solves for one coefficient per vector, from the matrix of their dot products. */
export type Solve = (products: readonly (readonly number[])[]) => readonly number[];

/** The combination of vectors whose coefficients `solve` finds. */
export function combination(vectors: readonly Tensor[], solve: Solve): Tensor {
  const { size, products } = gram(vectors);
  const coefficient = (which: number) => map((...values) => solve(matrix(size, values))[which] ?? 0, ...products);
  return total(vectors.map((vector, i) => mul(vector, coefficient(i))));
}

/** Length of the combination of vectors with the given coefficients. */
export function lengthOf(products: readonly (readonly number[])[], coefficients: readonly number[]): number {
  return Math.sqrt(Math.max(0, inner(products, coefficients, coefficients)));
}

/** Dot product of two combinations of the same vectors. */
export function inner(products: readonly (readonly number[])[], a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  products.forEach((row, i) => {
    row.forEach((value, j) => {
      sum += a[i]! * value * b[j]!;
    });
  });
  return sum;
}
