/** Stable ranks against matrices whose singular values are known. */
import { expect, test } from "vitest";
import { fromBytes } from "../../core/bytes/source.ts";
import type { InputPlan } from "../../core/plan/plan.ts";
import { matrixOf, stableRank } from "../../core/run/rank.ts";

function inputOf(values: Float32Array, shape: readonly number[]): InputPlan {
  const bytes = new Uint8Array(values.buffer);
  const source = fromBytes("w", bytes);
  const info = { name: "w", dtype: "F32" as const, shape, source, range: { start: 0, end: bytes.length } };
  return { ref: "m", info, dtype: "F32", start: 0 };
}

/** Rotations of pairs of rows and columns change no singular value. */
function withValues(rows: number, columns: number, singular: readonly number[]): Float32Array {
  const w = new Float64Array(rows * columns);
  for (const [i, value] of singular.entries()) w[i * columns + i] = value;
  const turn = (at: (k: number) => number, to: (k: number) => number, count: number, angle: number) => {
    for (let k = 0; k < count; k++) {
      const [x, y] = [w[at(k)]!, w[to(k)]!];
      w[at(k)] = Math.cos(angle) * x - Math.sin(angle) * y;
      w[to(k)] = Math.sin(angle) * x + Math.cos(angle) * y;
    }
  };
  for (let i = 0; i < rows - 1; i++)
    turn(
      (k) => i * columns + k,
      (k) => (i + 1) * columns + k,
      columns,
      0.7 + i,
    );
  for (let j = 0; j < columns - 1; j++)
    turn(
      (k) => k * columns + j,
      (k) => k * columns + j + 1,
      rows,
      1.3 + j,
    );
  return Float32Array.from(w);
}

test.each([
  ["one direction", [3]],
  ["two alike", [2, 2]],
  ["falling", Array.from({ length: 24 }, (_, i) => 0.9 ** i)],
  ["nearly level, where a power iteration would be far off", Array.from({ length: 24 }, (_, i) => 1 + 0.002 * i)],
])("%s", async (_, singular) => {
  const [rows, columns] = [40, 24];
  const expected = singular.reduce((sum, s) => sum + s * s, 0) / Math.max(...singular) ** 2;
  const inputs = [inputOf(withValues(rows, columns, singular), [rows, columns])];
  const found = await stableRank({ inputs, rows, columns });
  expect(Math.abs((found ?? 0) / expected - 1)).toBeLessThan(0.01);
});

test("of a difference; of equal matrices there is none, nor of what is not finite", async () => {
  const [rows, columns] = [16, 8];
  const w = withValues(rows, columns, [5, 4, 3, 2, 1]);
  const moved = w.map((value, i) => value + Math.floor(i / columns) * ((i % columns) + 1) * 0.01);
  const [a, b] = [inputOf(moved, [rows, columns]), inputOf(w, [rows, columns])];
  expect(await stableRank({ inputs: [a, b], rows, columns })).toBeCloseTo(1, 3);
  expect(await stableRank({ inputs: [b, b], rows, columns })).toBeNull();
  const broken = inputOf(
    Float32Array.from(w, (value, i) => (i === 3 ? Number.NaN : value)),
    [rows, columns],
  );
  expect(await stableRank({ inputs: [broken], rows, columns })).toBeNull();
});

test("what is a matrix", () => {
  expect(matrixOf([4, 3])).toEqual({ rows: 4, columns: 3 });
  expect(matrixOf([4, 3, 2, 2])).toEqual({ rows: 4, columns: 12 });
  expect(matrixOf([1, 4, 1, 3])).toEqual({ rows: 4, columns: 3 });
  expect([matrixOf([4]), matrixOf([]), matrixOf([1, 4])]).toEqual([null, null, null]);
});

test("a search ends when it is told to", async () => {
  const controller = new AbortController();
  controller.abort();
  const inputs = [inputOf(new Float32Array(64).fill(1), [8, 8])];
  await expect(stableRank({ inputs, rows: 8, columns: 8 }, controller.signal)).rejects.toThrow();
});
