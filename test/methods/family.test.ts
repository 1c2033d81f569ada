/** The task-vector family: what its members have in common, and what each drops. */
import { afterAll, describe, expect, test } from "vitest";
import { input, type Tensor } from "../../core/graph/tensor.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { magPrune } from "../../methods/sparse.ts";
import { layerScale } from "../../methods/strength.ts";
import { engines } from "../support/engines.ts";
import { createEvaluator, evaluate } from "../support/evaluate.ts";
import { type Ask, expression, mergeValues, planOf } from "../support/merge.ts";
import { asInput, base, COLUMNS, COUNT, normal, ROWS, stream, tuned } from "./invented.ts";

const models = [tuned(2), tuned(3, 0.05), tuned(4, 0.2)];
const ask = (method: string, params: Ask["params"] = {}, each: Ask["params"] = { weight: 1 }, of = models): Ask => ({
  method,
  base: asInput(base),
  models: of.map((values) => ({ tensor: asInput(values), params: each })),
  params,
  shape: [ROWS, COLUMNS],
});

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  const same = async (one: Ask, other: Ask, within = 1e-6) => {
    const [a, b] = [await mergeValues(one, engine), await mergeValues(other, engine)];
    a.forEach((value, i) => {
      expect(Math.abs(value - b[i]!)).toBeLessThanOrEqual(within);
    });
    expect(a).not.toEqual(base);
  };

  test("TIES of one model at full density is task arithmetic", () =>
    same(
      ask("ties", { normalize: false }, { weight: 0.7 }, [models[0]!]),
      ask("task_arithmetic", {}, { weight: 0.7 }, [models[0]!]),
    ));

  test.each(["dare_linear", "della_linear", "breadcrumbs"])("%s at full density is task arithmetic", (method) =>
    same(ask(method, {}, { weight: 0.4, density: 1 }), ask("task_arithmetic", {}, { weight: 0.4 })),
  );

  test("consensus of at least no model is task arithmetic", () =>
    same(ask("consensus_ta", { k: 0, lambda: 0.4 }), ask("task_arithmetic", { lambda: 0.4 })));

  test("breadcrumbs without outliers is TIES' trimming", () =>
    same(
      ask("breadcrumbs_ties", {}, { weight: 1, density: 0.3, gamma: 0 }),
      ask("ties", { normalize: false }, { weight: 1, density: 0.3 }),
    ));

  test("breadcrumbs with gamma 0 drops everything in mergekit, and so with compat", async () => {
    const each = { weight: 1, density: 0.5, gamma: 0 };
    expect(await mergeValues({ ...ask("breadcrumbs", {}, each), compat: true }, engine)).toEqual(base);
  });

  test("trimming over the whole model of one tensor is trimming that tensor", () =>
    same(
      ask("ties", { trim_over: "model" }, { weight: 1, density: 0.25 }),
      ask("ties", {}, { weight: 1, density: 0.25 }),
    ));

  test("trimming over the whole model keeps where changes are large", async () => {
    const large = expression(ask("ties", { trim_over: "model" }, { weight: 1, density: 0.5 }, [tuned(2, 0.3)]));
    const small = expression(ask("ties", { trim_over: "model" }, { weight: 1, density: 0.5 }, [tuned(2, 0.001)]));
    const plans = [
      planOf(large.merged, large.inputs, { name: "a" }),
      planOf(small.merged, small.inputs, { name: "b" }),
    ];
    const changed = [];
    for (const plan of plans) {
      const values = new Float32Array((await computeTensor(plan, engine, undefined, plans)).buffer);
      changed.push(values.filter((value, i) => value !== base[i]).length);
    }
    expect(changed[0]! + changed[1]!).toBe(COUNT);
    expect(changed[0]).toBeGreaterThan(0.95 * COUNT);
  });

  test.each([
    ["dare_linear", { density: 0.3 }],
    ["della_linear", { density: 0.4, epsilon: 0.2 }],
  ] as const)("%s: dropped or divided by its chance, and dropped as often as that says", async (method, own) => {
    const rows = 400;
    const zeros = normal(1, 0, rows * COLUMNS);
    const model = normal(9, 0.1, rows * COLUMNS);
    const chance = chances(model, own.density, "epsilon" in own ? own.epsilon : 0);
    const got = await mergeValues(
      {
        method,
        base: asInput(zeros),
        models: [{ tensor: asInput(model), params: { weight: 1, ...own } }],
        params: { rescale_by: "density" },
        shape: [rows, COLUMNS],
      },
      engine,
    );
    const kept = got.map((value) => value !== 0);
    got.forEach((value, i) => {
      if (kept[i]) expect(Math.abs(value - model[i]! / chance[i]!)).toBeLessThanOrEqual(2e-6);
    });
    // In five groups by chance: within four standard deviations of what the chance says.
    const order = chance.map((_, i) => i).sort((a, b) => chance[a]! - chance[b]!);
    for (let group = 0; group < 5; group++) {
      const members = order.slice((group * order.length) / 5, ((group + 1) * order.length) / 5);
      const expected = members.reduce((sum, i) => sum + chance[i]!, 0);
      const spread = Math.sqrt(members.reduce((sum, i) => sum + chance[i]! * (1 - chance[i]!), 0));
      expect(Math.abs(members.filter((i) => kept[i]).length - expected)).toBeLessThan(4 * spread);
    }
  });

  test.each(["dare_linear", "dare_ties", "della", "della_linear"])(
    "%s restores the L1 norm by default",
    async (method) => {
      const zeros = normal(1, 0);
      const got = await mergeValues(
        { ...ask(method, {}, { weight: 1, density: 0.5 }, [models[2]!]), base: asInput(zeros) },
        engine,
      );
      const size = (values: readonly number[]) => values.reduce((sum, value) => sum + Math.abs(value), 0);
      expect(size(got) / size(models[2]!)).toBeCloseTo(1, 4);
      expect(got.filter((value) => value === 0).length).toBeGreaterThan(0.3 * COUNT);
    },
  );

  test("LiNeS on every layer", async () => {
    const lines = { lines_alpha: 0.2, lines_beta: 0.8, lambda: 0.5 };
    const full = await mergeValues(ask("task_arithmetic", { lambda: 0.5 }), engine);
    for (const [depth, scale] of [
      [0, 0.2],
      [1 / 3, 0.2 + 0.8 / 3],
      [1, 1],
      [undefined, 0.2],
    ] as const) {
      const got = await mergeValues(
        { ...ask("task_arithmetic", lines), ...(depth === undefined ? {} : { depth }) },
        engine,
      );
      got.forEach((value, i) => {
        expect(value).toBeCloseTo(base[i]! + scale * (full[i]! - base[i]!), 5);
      });
    }
  });
});

/** DELLA's formula, once more: rank within the row, evenly spread chances. */
function chances(values: readonly number[], density: number, epsilon: number): number[] {
  return values.map((value, i) => {
    const row = values.slice(i - (i % COLUMNS), i - (i % COLUMNS) + COLUMNS).map(Math.abs);
    const below = row.filter(
      (other, j) => other < Math.abs(value) || (other === Math.abs(value) && j < i % COLUMNS),
    ).length;
    return density - epsilon + (2 * epsilon * below) / (COLUMNS - 1);
  });
}

test("LiNeS' ramp", () => {
  const values = [0, 1, 2, 3].map((layer) => layerScale({ lines_alpha: 0.2, lines_beta: 0.8 }, layer / 3));
  expect(values.map((value) => Number(value.toFixed(4)))).toEqual([0.2, 0.4667, 0.7333, 1]);
  expect(layerScale({ lines_alpha: 0.2, lines_beta: 0.8 }, null)).toBe(0.2);
});

describe("DELLA", () => {
  const prune = (density: number, epsilon: number, columns = 4) =>
    magPrune(input(0), { density, epsilon, stream: 0, columns, name: "layers.0.w" });

  test("the mean chance is the density", () => {
    const { probability } = prune(0.6, 0.25, COLUMNS);
    const values = evaluate(probability as Tensor, { inputs: [normal(5, 1)] });
    expect(values.reduce((sum, value) => sum + value, 0) / COUNT).toBeCloseTo(0.6, 9);
    expect([Math.min(...values), Math.max(...values)].map((value) => Number(value.toFixed(9)))).toEqual([0.35, 0.85]);
  });

  test("rows of one element stay with the density itself", () => {
    expect(prune(0.6, 0.1, 1).probability).toBe(0.6);
  });

  test("a density of 1 leaves the change as it is, one of 0 leaves nothing", () => {
    expect(prune(1, 0.15).left.op).toBe("input");
    expect(evaluate(prune(0, 0.15).left, { inputs: [[1, 2, 3, 4]] })).toEqual([0, 0, 0, 0]);
  });

  test("chances outside 0 to 1 are refused in a sentence", () => {
    expect(() => prune(0.9, 0.15)).toThrow(
      "layers.0.w: density 0.9 with epsilon 0.15 gives chances of staying from 0.75 to 1.05; they must lie between 0 and 1. Use an epsilon from 0 to below 0.1, or a density of 1 to keep everything.",
    );
    expect(() => prune(0.1, 0.15)).toThrow("from -0.05 to 0.25");
  });
});

test("TIES does not care about scale", () => {
  const next = stream(7);
  const [flat, a, b] = [0, 1, 2].map((i) => Array.from({ length: 20 }, () => (i === 0 ? 0 : next() - 0.5)));
  const of = (scale: number) => {
    const scaled = [a!, b!].map((values) => values.map((value) => value * scale));
    const { merged } = expression({ ...ask("ties", {}, { weight: 1, density: 0.5 }, scaled), base: asInput(flat!) });
    return createEvaluator({ inputs: [flat!, ...scaled] }).tensor(merged);
  };
  const [one, four] = [of(1), of(4)];
  expect(four).toEqual(one.map((value) => value * 4));
});
