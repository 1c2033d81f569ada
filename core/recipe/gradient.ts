/**
 * One value per layer as the shortest gradient that gives them back. A gradient of n anchors is piecewise
 * linear over the layers, so for each n the anchors that fit best are solved for, and kept if they
 * reproduce every layer.
 */

/** Relative to the largest value: agreement counts as exact below it. */
const EXACT = 1e-12;
/** The same for anchors between layers, which had to be solved for. */
const SOLVED = 1e-10;

/**
 * The shortest list for `values` (one per layer, at least one), rounded to `decimals` (null: as they are).
 * One number when all are the same.
 */
export function shorten(values: readonly number[], decimals: number | null): readonly number[] {
  const rounded = values.map((value) => round(value, decimals));
  if (rounded.every((value) => value === rounded[0])) return rounded.slice(0, 1);
  for (let n = 2; 2 * (n - 1) <= values.length - 1 || (n === 2 && values.length > 2); n++) {
    const anchors = anchored(values, n);
    if (anchors !== null) return anchors.map((value) => round(value, decimals));
  }
  return rounded;
}

function round(value: number, decimals: number | null): number {
  return decimals === null ? value + 0 : Number(value.toFixed(decimals)) + 0;
}

/** n anchors that reproduce all values, or null. */
function anchored(values: readonly number[], n: number): number[] | null {
  const last = values.length - 1;
  const scale = Math.max(...values.map(Math.abs));
  const aligned = last % (n - 1) === 0;
  const step = last / (n - 1);
  const anchors = n === 2 || aligned ? Array.from({ length: n }, (_, k) => values[k * step]!) : solve(values, n);
  const near = (aligned ? EXACT : SOLVED) * scale;
  return values.every((value, i) => Math.abs(between(anchors, (i / last) * (n - 1)) - value) <= near) ? anchors : null;
}

function between(anchors: readonly number[], x: number): number {
  const i = Math.min(Math.floor(x), anchors.length - 2);
  return (1 - (x - i)) * anchors[i]! + (x - i) * anchors[i + 1]!;
}

/** Least squares: each layer depends on two neighbouring anchors, so the normal equations are tridiagonal. */
function solve(values: readonly number[], n: number): number[] {
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const right = new Float64Array(n);
  for (const [layer, value] of values.entries()) {
    const x = (layer / (values.length - 1)) * (n - 1);
    const i = Math.min(Math.floor(x), n - 2);
    const [a, b] = [1 - (x - i), x - i];
    diagonal[i]! += a * a;
    diagonal[i + 1]! += b * b;
    beside[i]! += a * b;
    right[i]! += a * value;
    right[i + 1]! += b * value;
  }
  for (let i = 1; i < n; i++) {
    const factor = beside[i - 1]! / diagonal[i - 1]!;
    diagonal[i]! -= factor * beside[i - 1]!;
    right[i]! -= factor * right[i - 1]!;
  }
  const anchors = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    const solved = (right[i]! - (i + 1 < n ? beside[i]! * anchors[i + 1]! : 0)) / diagonal[i]!;
    anchors[i] = Number(solved.toPrecision(12));
  }
  return anchors;
}
