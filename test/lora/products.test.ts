/** The SIMD products against the plain ones: bit for bit, whatever the shapes and wherever a range begins. */
import { expect, test } from "vitest";
import { encode } from "../../core/bytes/convert.ts";
import { type Factors, plainProducts } from "../../core/bytes/lowrank.ts";
import { createSimdProducts } from "../../core/bytes/simd.ts";
import { loadKernels, sameBytes } from "../cpu/kernels.ts";

const simd = await createSimdProducts(await loadKernels());

let state = 1;
function random(length: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const factors = (rows: number, columns: number, rank: number): Factors => ({
  left: random(rows * rank),
  right: random(rank * columns),
  rows,
  columns,
  rank,
  scale: 1.7,
});

const shapes = [
  [1, 1, 1],
  [7, 13, 3],
  [5, 8, 4],
  [64, 40, 16],
  [300, 1, 2],
  [3, 70_001, 2],
  [513, 257, 33],
] as const;

test.each(shapes)("W + s L R of [%i, %i], rank %i", (rows, columns, rank) => {
  const product = factors(rows, columns, rank);
  const whole = random(rows * columns);
  for (const dtype of ["F32", "BF16", "F16"] as const) {
    const bytes = encode(dtype, whole);
    const width = bytes.length / whole.length;
    for (const [first, end] of [
      [0, whole.length],
      [Math.floor(whole.length / 3), whole.length],
      [1, Math.ceil(whole.length / 2)],
    ] as const) {
      if (first > end) continue;
      const part = bytes.subarray(first * width, end * width);
      const [wanted, found] = [new Float32Array(end - first), new Float32Array(end - first)];
      plainProducts.add(dtype, part, first, product, wanted);
      simd.add(dtype, part, first, product, found);
      expect(sameBytes(found, wanted)).toBe(true);
    }
  }
});

test.each(shapes)("C += L R of [%i, %i], rank %i", (rows, columns, rank) => {
  const product = factors(rows, columns, rank);
  const wanted = random(rows * columns);
  const found = wanted.slice();
  plainProducts.multiply(wanted, product);
  simd.multiply(found, product);
  expect(sameBytes(found, wanted)).toBe(true);
});

test("numbers as they should be", () => {
  const { left, right, ...rest } = factors(6, 5, 3);
  const out = new Float32Array(30);
  simd.add("F32", new Uint8Array(120), 0, { left, right, ...rest }, out);
  for (let i = 0; i < 6; i++)
    for (let j = 0; j < 5; j++) {
      const sum = [0, 1, 2].reduce((total, k) => total + left[i * 3 + k]! * right[k * 5 + j]!, 0);
      expect(out[i * 5 + j]).toBeCloseTo(1.7 * sum, 5);
    }
});
