/** Thresholds as numbers, selections whose size a sum decides, and numbers of the whole model, over rounds. */
import { afterAll, describe, expect, test } from "vitest";
import {
  abs,
  fill,
  ge,
  gt,
  input,
  kth,
  map,
  mul,
  overall,
  overallKth,
  sum,
  type Tensor,
  top,
} from "../../core/graph/tensor.ts";
import type { MergePlan } from "../../core/plan/plan.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { engines } from "../support/engines.ts";
import { f32, planOf } from "../support/merge.ts";

const values = (seed: number, n: number) => {
  let x = seed;
  return Array.from({ length: n }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
    return x / 2 ** 31;
  });
};
const [left, right] = [values(1, 9000), values(2, 5001)];

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  const run = async (merged: Tensor, of: readonly number[], tile?: number) =>
    new Float32Array(
      (await computeTensor(planOf(merged, [f32(of)], tile === undefined ? {} : { tile }), engine)).buffer,
    );

  test("kth is the k-th largest magnitude, to the bit", async () => {
    const sorted = left.map((v) => Math.abs(Math.fround(v))).sort((a, b) => b - a);
    for (const k of [1, 2, 4500, 9000]) {
      const out = await run(fill(kth(input(0), k)), left);
      expect(out[0]).toBe(sorted[k - 1]);
      expect(out.every((v) => v === out[0])).toBe(true);
    }
  });

  test("k may be a number that a sweep yields; below 1 nothing is chosen, past the end everything", async () => {
    const positive = sum(gt(input(0), 0));
    const half = await run(
      top(
        input(0),
        map((n) => n / 2, positive),
      ),
      left,
      4096,
    );
    const wanted = Math.floor(left.filter((v) => v > 0).length / 2);
    expect(half.reduce((a, b) => a + b, 0)).toBe(wanted);
    expect(
      (
        await run(
          top(
            input(0),
            map((n) => n * 0, positive),
          ),
          left,
        )
      ).some((v) => v !== 0),
    ).toBe(false);
    expect(
      (
        await run(
          top(
            input(0),
            map((n) => n * 100, positive),
          ),
          left,
        )
      ).every((v) => v === 1),
    ).toBe(true);
  });

  test("equal magnitudes that straddle the cut go to the lowest indices", async () => {
    const flat = Array.from({ length: 9000 }, (_, i) => (i % 3 === 0 ? 1 : 2));
    const out = await run(top(input(0), 7000), flat, 4096);
    expect(out.reduce((a, b) => a + b, 0)).toBe(7000);
    const ones = [...out].flatMap((kept, i) => (i % 3 === 0 && kept === 1 ? [i] : []));
    expect(ones.at(-1)).toBe(3 * (ones.length - 1));
  });

  test("two selections of one key share a histogram", () => {
    const key = abs(input(0));
    const { passes } = planOf(mul(top(key, 100), fill(kth(key, 7))), [f32(left)]);
    expect(passes.map((pass) => [pass.high.length, pass.low.length, pass.round])).toEqual([
      [1, 0, 0],
      [0, 2, 0],
      [0, 0, 0],
    ]);
  });

  test("a sum over all tensors, in every one of them", async () => {
    const everywhere = (x: Tensor) => mul(x, overall("size", sum(abs(x))));
    const plans = both(everywhere(input(0)));
    const want = [...left, ...right].reduce((all, v) => all + Math.abs(v), 0);
    for (const [i, plan] of plans.entries()) {
      const out = new Float32Array((await computeTensor(plan, engine, undefined, plans)).buffer);
      const own = i === 0 ? left : right;
      expect(out[3]! / own[3]!).toBeCloseTo(want, 1);
    }
    expect(plans[0]?.passes.map((pass) => pass.round)).toEqual([0, 1]);
  });

  test("a threshold over all tensors", async () => {
    const kept = (x: Tensor) => ge(abs(x), overallKth("kept", x, 0.2));
    const plans = both(kept(input(0)));
    expect(plans[0]?.passes.map((pass) => pass.round)).toEqual([0, 1, 2]);
    const all = [...left, ...right].map((v) => Math.abs(Math.fround(v))).sort((a, b) => b - a);
    const threshold = all[Math.floor(0.2 * all.length) - 1]!;
    for (const [i, plan] of plans.entries()) {
      const out = new Float32Array((await computeTensor(plan, engine, undefined, plans)).buffer);
      const own = i === 0 ? left : right;
      expect([...out]).toEqual(own.map((v) => (Math.abs(Math.fround(v)) >= threshold ? 1 : 0)));
    }
  });
});

const both = (merged: Tensor): MergePlan[] => [
  planOf(merged, [f32(left)], { name: "left", tile: 4096 }),
  planOf(merged, [f32(right)], { name: "right" }),
];
