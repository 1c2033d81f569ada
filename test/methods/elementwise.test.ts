/** Methods that look at each weight by itself or at a tensor's order: nearswap, median, arcee_fusion, SCE, RAM, EMR. */
import { afterAll, describe, expect, test } from "vitest";
import { input, mul, tanh } from "../../core/graph/tensor.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { excess, expUpTo } from "../../methods/elementary.ts";
import { medianOf } from "../../methods/median.ts";
import { engines } from "../support/engines.ts";
import { evaluate } from "../support/evaluate.ts";
import { type Ask, expression, f32, mergeValues, planOf } from "../support/merge.ts";
import { asInput, base, COLUMNS, COUNT, normal, ROWS, tuned } from "./invented.ts";

const ask = (method: string, models: readonly (readonly number[])[], params: Ask["params"] = {}): Ask => ({
  method,
  base: asInput(base),
  models: models.map((values) => ({ tensor: asInput(values) })),
  params,
  shape: [ROWS, COLUMNS],
});

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());
  // A GPU's division may be off by 2.5 units in the last place more.
  const tangentError = engine.kind === "cpu" ? 5e-7 : 1e-6;

  test("nearswap moves every weight by t, or all the way", async () => {
    const model = tuned(2);
    const t = Math.fround(0.05);
    const got = await mergeValues(ask("nearswap", [model], { t }), engine);
    got.forEach((value, i) => {
      const distance = Math.abs(model[i]! - base[i]!);
      expect(Math.abs(Math.abs(value - base[i]!) - Math.min(t, distance))).toBeLessThan(1e-7);
      if (distance <= t) expect(value).toBe(model[i]);
    });
  });

  test("hyperbolic tangent and e^x - 1 - x keep their relative precision", async () => {
    const xs = [1e-30, 1e-12, 1e-5, 0.01, 0.1, 0.3, 0.349, 0.351, 0.5, 1, 3, 8, 15, 40]
      .flatMap((x) => [x, -x])
      .map(Math.fround);
    const run = async (merged: ReturnType<typeof tanh>) =>
      new Float32Array((await computeTensor(planOf(merged, [f32(xs)]), engine)).buffer);
    const [hyperbolic, excesses] = [await run(tanh(input(0))), await run(excess(input(0)))];
    xs.forEach((x, i) => {
      expect(Math.abs(hyperbolic[i]! / Math.tanh(x) - 1)).toBeLessThan(tangentError);
      const small = x * x * (1 / 2 + x / 6 + (x * x) / 24 + x ** 3 / 120 + x ** 4 / 720);
      const exact = Math.abs(x) < 1e-3 ? small : Math.expm1(x) - x;
      if (exact > 1e-38) expect(Math.abs(excesses[i]! / exact - 1)).toBeLessThan(3e-6);
    });
  });

  test("the exponential of a bounded range: 1 at 0, its error, what is beyond the usual", async () => {
    for (const most of [1, 2, 3, 4, 8]) {
      const xs = Array.from({ length: 20_001 }, (_, i) => Math.fround((most * i) / 20_000));
      const merged = expUpTo((scale) => mul(input(0), scale), most);
      const got = new Float32Array((await computeTensor(planOf(merged, [f32(xs)]), engine)).buffer);
      expect(got[0]).toBe(1);
      expect(xs.filter((x, i) => !(Math.abs(got[i]! / Math.exp(x) - 1) < 1e-6))).toEqual([]);
    }
  });

  test("hyperbolic tangent over all sizes: its error, odd to the bit, NaN and the infinities", async () => {
    const sizes = Array.from({ length: 100_000 }, (_, i) => Math.fround(2 ** (-126 + (254 * i) / 100_000)));
    const common = Array.from({ length: 100_000 }, (_, i) => Math.fround(i / 10_000));
    const xs = [...sizes, ...common, Infinity, Number.NaN];
    const run = async (values: readonly number[]) =>
      new Float32Array((await computeTensor(planOf(tanh(input(0)), [f32(values)]), engine)).buffer);
    const [up, down] = [await run(xs), await run(xs.map((x) => -x))];
    const off = xs.filter((x, i) => x > 0 && !(Math.abs(up[i]! / Math.tanh(x) - 1) < tangentError));
    expect(off).toEqual([]);
    expect(up.findIndex((value, i) => !Object.is(value, -down[i]!))).toBe(-1);
    expect(up.at(-1)).toBeNaN();
    // Small ones are themselves, also beside large ones.
    const small = sizes.filter((x) => x < 2 ** -12);
    const mixed = await run(small.flatMap((x) => [x, 1]));
    expect([...(await run(small))]).toEqual(small);
    expect([...mixed].filter((_, i) => i % 2 === 0)).toEqual(small);
  });

  test("Arcee Fusion takes what the definition says, for changes of one part in ten thousand too", async () => {
    for (const size of [0.1, 1e-4]) {
      const model = tuned(2, size).map((value, i) => Math.fround(i % COLUMNS === 3 ? base[i]! + 6 * size : value));
      const got = await mergeValues(ask("arcee_fusion", [model]), engine);
      const taken = got.map((value, i) => value === model[i] && value !== base[i]);
      const { importance, theta } = fusion(model, base);
      taken.forEach((was, i) => {
        // What lies within rounding of the threshold may go either way.
        if (Math.abs(importance[i]! / theta - 1) > 1e-3) expect(was).toBe(importance[i]! >= theta);
      });
      const share = taken.filter(Boolean).length / COUNT;
      expect(share).toBeGreaterThan(0.005);
      expect(share).toBeLessThan(0.25);
    }
  });

  test("a change that only one model made is kept whole, a shared one averaged", async () => {
    const half = (first: number) => base.map((value, i) => Math.fround(value + (i % 3 >= first ? 0.25 : 0)));
    const got = await mergeValues(ask("ram", [half(1), half(2)]), engine);
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(base[i]! + (i % 3 === 0 ? 0 : 0.25), 6);
    });
  });

  test("EMR: the task model of the only model is that model", async () => {
    const asked = ask("emr", [tuned(2)]);
    const models = asked.models.map((model) => ({ ...model, params: { task: true } }));
    const got = await mergeValues({ ...asked, models }, engine);
    got.forEach((value, i) => {
      expect(Math.abs(value - tuned(2)[i]!)).toBeLessThan(1e-6);
    });
  });

  test("SCE merges exactly the share of differing weights that was asked for", async () => {
    const models = [tuned(2), tuned(3)].map((values) => values.map((value, i) => (i % 2 === 0 ? value : base[i]!)));
    const got = await mergeValues(ask("sce", models, { select_topk: 0.25 }), engine);
    expect(got.filter((value, i) => value !== base[i]).length).toBe(Math.floor(COUNT / 2 / 4));
  });
});

/** Arcee Fusion by its definition, in f64. */
function fusion(model: readonly number[], base: readonly number[]) {
  const softmax = (row: readonly number[]) => {
    const powers = row.map(Math.exp);
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
  };
  const importance = model.flatMap((_, start) => {
    if (start % COLUMNS !== 0) return [];
    const [p, q] = [model, base].map((values) => softmax(values.slice(start, start + COLUMNS))) as [number[], number[]];
    const divergence = p.reduce((sum, value, i) => sum + value * Math.log(value / q[i]!), 0);
    return p.map((_, i) => Math.abs(Math.fround(model[start + i]! - base[start + i]!)) * divergence);
  });
  const sorted = [...importance].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
  return { importance, theta: at(0.5) + 1.5 * (at(0.75) - at(0.25)) };
}

test("the network's median is the sorted list's, for any number of models", () => {
  for (let n = 1; n <= 12; n++) {
    const inputs = Array.from({ length: n }, (_, i) => normal(20 + i, 1, 40));
    const got = evaluate(medianOf(inputs.map((_, i) => input(i))), { inputs });
    got.forEach((value, at) => {
      const sorted = inputs.map((values) => values[at]!).sort((a, b) => a - b);
      expect(value).toBeCloseTo((sorted[(n - 1) >> 1]! + sorted[n >> 1]!) / 2, 12);
    });
  }
});

test("EMR refuses to be two task models at once", () => {
  const asked = ask("emr", [tuned(2), tuned(3)]);
  const models = asked.models.map((model) => ({ ...model, params: { task: true } }));
  expect(() => expression({ ...asked, models })).toThrow("task is on for 2 models");
});
