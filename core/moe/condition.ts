/**
 * How unlike the rows of a router are: the ratio of its largest singular value to its smallest. 1 for rows at right
 * angles, infinite when one row is made of the others, so that some expert is never chosen for itself.
 */

/**
 * 2-norm condition number of a row-major matrix. Works on the smaller of A·Aᵀ and Aᵀ·A, whose eigenvalues are
 * the squares of the singular values.
 */
export function conditionNumber(values: Float32Array, rows: number, columns: number): number {
  const wide = rows <= columns;
  const n = wide ? rows : columns;
  const length = wide ? columns : rows;
  const at = (i: number, k: number) => values[wide ? i * columns + k : k * columns + i]!;
  const gram = Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: n }, (_, j) => {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += at(i, k) * at(j, k);
      return sum;
    }),
  );
  const eigenvalues = symmetricEigenvalues(gram);
  const largest = Math.max(...eigenvalues);
  const smallest = Math.min(...eigenvalues);
  // Below this the square of a singular value is rounding.
  if (smallest <= largest * n * 1e-15) return Number.POSITIVE_INFINITY;
  return Math.sqrt(largest / smallest);
}

/** Cyclic Jacobi: turns each pair of axes until nothing is left off the diagonal. The matrix is used up. */
function symmetricEigenvalues(a: Float64Array[]): number[] {
  const n = a.length;
  for (let sweep = 0; sweep < 60; sweep++) {
    const squares = a.map((row, i) => row.reduce((sum, value, j) => (i === j ? sum : sum + value * value), 0));
    const off = squares.reduce((sum, one) => sum + one, 0);
    const on = a.reduce((sum, row, i) => sum + row[i]! ** 2, 0);
    if (off <= 1e-30 * on) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, p, q);
  }
  return a.map((row, i) => row[i]!);
}

function rotate(a: Float64Array[], p: number, q: number): void {
  const apq = a[p]![q]!;
  if (apq === 0) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (const row of a) {
    const [x, y] = [row[p]!, row[q]!];
    row[p] = c * x - s * y;
    row[q] = s * x + c * y;
  }
  const [top, bottom] = [a[p]!, a[q]!];
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [top[k]!, bottom[k]!];
    top[k] = c * x - s * y;
    bottom[k] = s * x + c * y;
  }
}
