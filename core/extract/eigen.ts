/**
 * Eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations: the most accurate of the simple ways,
 * and fast enough up to a few hundred rows (Golub and Van Loan, Matrix Computations, 8.5).
 */

export interface Eigen {
  /** Largest first. */
  readonly values: Float64Array;
  /** Column j, [i * n + j], belongs to value j; the columns are orthonormal. */
  readonly vectors: Float64Array;
}

const SWEEPS = 40;

/** @param symmetric n by n, row after row; not changed */
export function eigenOf(symmetric: Float64Array, n: number): Eigen {
  const a = symmetric.slice();
  // Vectors as rows while rotating, so that a rotation runs along memory.
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  let size = 0;
  for (const value of a) size += value * value;
  for (let sweep = 0; sweep < SWEEPS && offDiagonal(a, n) > 1e-30 * size; sweep++) {
    for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) rotate(a, v, n, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j]! - a[i * n + i]!);
  const vectors = new Float64Array(n * n);
  order.forEach((from, j) => {
    for (let i = 0; i < n; i++) vectors[i * n + j] = v[from * n + i]!;
  });
  return { values: Float64Array.from(order, (i) => a[i * n + i]!), vectors };
}

function offDiagonal(a: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) sum += a[i * n + j]! ** 2;
  return sum;
}

/** Makes a[p, q] zero. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const off = a[p * n + q]!;
  const [pp, qq] = [a[p * n + p]!, a[q * n + q]!];
  if (Math.abs(off) <= 1e-17 * Math.sqrt(Math.abs(pp * qq))) return;
  const theta = (qq - pp) / (2 * off);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[p * n + k]!, a[q * n + k]!];
    a[p * n + k] = c * x - s * y;
    a[q * n + k] = s * x + c * y;
    const [f, g] = [v[p * n + k]!, v[q * n + k]!];
    v[p * n + k] = c * f - s * g;
    v[q * n + k] = s * f + c * g;
  }
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[k * n + p]!, a[k * n + q]!];
    a[k * n + p] = c * x - s * y;
    a[k * n + q] = s * x + c * y;
  }
}
