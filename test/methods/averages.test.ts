import fc from "fast-check";
import { expect, test } from "vitest";
import { type Average, weightsOf } from "../../methods/averages.ts";

test.each<[string, Average, number, readonly number[]]>([
  ["uniform", { how: "uniform" }, 4, [0.25, 0.25, 0.25, 0.25]],
  ["last two", { how: "last", count: 2 }, 4, [0, 0, 0.5, 0.5]],
  ["ema .2", { how: "ema", alpha: 0.2 }, 5, [0.4096, 0.1024, 0.128, 0.16, 0.2]],
  ["ema 1 is the newest", { how: "ema", alpha: 1 }, 3, [0, 0, 1]],
  ["wma", { how: "wma" }, 5, [1, 2, 3, 4, 5].map((i) => i / 15)],
  ["wsm of a linear decay is uniform", { how: "wsm", decay: "linear" }, 5, [0.2, 0.2, 0.2, 0.2, 0.2]],
  ["wsm of a cosine", { how: "wsm", decay: "cosine" }, 2, [0.5, 0.5]],
  [
    "wsm of a square root",
    { how: "wsm", decay: "sqrt" },
    4,
    [0.5, Math.SQRT1_2 - 0.5, Math.sqrt(0.75) - Math.SQRT1_2, 1 - Math.sqrt(0.75)],
  ],
  ["wsm of a schedule", { how: "wsm", decay: [1, 0.5, 0.5] }, 4, [0, 0.5, 0, 0.5]],
  ["one checkpoint", { how: "ema", alpha: 0.3 }, 1, [1]],
])("%s", (_, average, count, expected) => {
  expect(weightsOf(average, count)).toEqual(expected.map((weight) => expect.closeTo(weight, 11)));
});

const averages: fc.Arbitrary<Average> = fc.oneof(
  fc.constant({ how: "uniform" } as const),
  fc.constant({ how: "wma" } as const),
  fc.double({ min: 0.01, max: 1, noNaN: true }).map((alpha) => ({ how: "ema", alpha }) as const),
  fc.constantFrom("linear", "cosine", "sqrt").map((decay) => ({ how: "wsm", decay }) as Average),
);

test("weights are shares of one whole", () => {
  fc.assert(
    fc.property(averages, fc.integer({ min: 1, max: 60 }), (average, count) => {
      const weights = weightsOf(average, count);
      expect(weights).toHaveLength(count);
      expect(weights.every((weight) => weight >= 0)).toBe(true);
      expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
    }),
  );
});

test("an average of a schedule is the run with that schedule", () => {
  // Checkpoints are sums of updates; the average must be the first plus each update times its share.
  const updates = [3, -1, 4, 1.5];
  const checkpoints = [10];
  for (const update of updates) checkpoints.push(checkpoints.at(-1)! + update);
  const schedule = [0.9, 0.6, 0.6, 0.1];
  const weights = weightsOf({ how: "wsm", decay: schedule }, 5);
  const average = checkpoints.reduce((sum, value, i) => sum + weights[i]! * value, 0);
  expect(average).toBeCloseTo(
    updates.reduce((sum, update, i) => sum + schedule[i]! * update, 10),
    9,
  );
});

test.each<[Average, number, RegExp]>([
  [{ how: "uniform" }, 0, /at least one checkpoint; found 0/],
  [{ how: "last", count: 6 }, 5, /The last 6 of 5 checkpoints/],
  [{ how: "last", count: 0 }, 5, /The last 0 of 5/],
  [{ how: "ema", alpha: 0 }, 5, /alpha is 0; it must be more than 0/],
  [{ how: "ema", alpha: Number.NaN }, 5, /alpha is NaN/],
  [{ how: "wsm", decay: [0.5] }, 5, /has 1 numbers, but 5 checkpoints have 4 updates/],
  [{ how: "wsm", decay: [0.5, 0.6] }, 3, /must fall from 1 to 0 at most; number 2 is 0.6/],
])("%o of %i is refused", (average, count, message) => {
  expect(() => weightsOf(average, count)).toThrow(message);
});
