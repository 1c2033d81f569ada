/** Methods on angles: means of directions, their degenerate cases, and how often they read the models. */
import { afterAll, describe, expect, test } from "vitest";
import { passesOf } from "../../core/graph/passes.ts";
import { METHODS } from "../../methods/index.ts";
import { karcherMean } from "../../methods/karcher.ts";
import { engines } from "../support/engines.ts";
import { createEvaluator } from "../support/evaluate.ts";
import { type Ask, expression, mergeValues } from "../support/merge.ts";
import { asInput, base, COLUMNS, normal, ROWS, tuned } from "./invented.ts";

const ask = (method: string, models: readonly (readonly number[])[], more: Partial<Ask> = {}): Ask => ({
  method,
  models: models.map((values) => ({ tensor: asInput(values), params: { weight: 1 / models.length } })),
  shape: [ROWS, COLUMNS],
  ...more,
});
const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
const unit = (values: readonly number[]) => values.map((value) => value / norm(values));
const near = (a: readonly number[], b: readonly number[], within = 2e-6) =>
  expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(within);

const [one, two] = [normal(5, 1), normal(6, 1)];

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  test("the Karcher mean of two has the direction of SLERP's middle, and the mean length", async () => {
    const [a, b] = [unit(one), unit(two)].map((values) => values.map(Math.fround)) as [number[], number[]];
    const mean = await mergeValues(ask("karcher", [a, b]), engine);
    const middle = await mergeValues(ask("slerp", [b], { base: asInput(a), params: { t: 0.5 } }), engine);
    near(unit(mean), unit(middle), 1e-6);
    expect(norm(mean)).toBeCloseTo(1, 5);
  });

  test("the Karcher mean of nearly equal models is their average", async () => {
    const models = [tuned(2, 1e-4), tuned(3, 1e-4), tuned(4, 1e-4)];
    const mean = models[0]!.map((_, i) => models.reduce((sum, values) => sum + values[i]! / 3, 0));
    near(await mergeValues(ask("karcher", models), engine), mean, 1e-6);
    near(await mergeValues(ask("multislerp", models), engine), mean, 1e-6);
  });

  test("three axes meet in the middle", async () => {
    const axes = [0, 1, 2].map((axis) => Array.from({ length: 3 }, (_, i) => Number(i === axis)));
    const third = Array.from({ length: 3 }, () => 1 / Math.sqrt(3));
    for (const method of ["karcher", "multislerp"]) {
      near(await mergeValues({ ...ask(method, axes), shape: [3] }, engine), third, 1e-6);
    }
  });

  test("opposite models: NuSLERP walks the line, and with compat what mergekit's rounding makes of it", async () => {
    const opposite = one.map((value) => -value);
    const weighted = ask("nuslerp", [one, opposite]);
    const models = [0.75, 0.25].map((weight, i) => ({ ...weighted.models[i]!, params: { weight } }));
    const line = await mergeValues({ ...weighted, models }, engine);
    near(
      line,
      one.map((value) => 0.5 * value),
    );
    const wild = await mergeValues({ ...weighted, models, compat: true }, engine);
    expect(Math.max(...wild.map((value, i) => Math.abs(value - line[i]!)))).toBeGreaterThan(0.1);
  });

  test("directions that cancel out: Multi-SLERP takes the weighted sum", async () => {
    const opposite = one.map((value) => -2 * value);
    near(
      await mergeValues(ask("multislerp", [one, opposite]), engine),
      one.map((value) => -0.5 * value),
      2e-6,
    );
  });

  test("NuSLERP and SLERP agree without a base", async () => {
    const slerp = await mergeValues(ask("slerp", [two], { base: asInput(one), params: { t: 0.25 } }), engine);
    const asked = ask("nuslerp", [one, two]);
    const models = [0.75, 0.25].map((weight, i) => ({ ...asked.models[i]!, params: { weight } }));
    near(await mergeValues({ ...asked, models }, engine), slerp);
  });

  test("Model Stock: orthogonal changes give the base, equal ones the model", async () => {
    const change = normal(8, 0.1);
    const odd = change.map((value, i) => (i % 2 === 0 ? value : 0));
    const even = change.map((value, i) => (i % 2 === 0 ? 0 : value));
    const of = (changes: readonly (readonly number[])[]) =>
      ask(
        "model_stock",
        changes.map((some) => some.map((value, i) => Math.fround(value + base[i]!))),
        { base: asInput(base) },
      );
    near(await mergeValues(of([odd, even]), engine), base);
    near(
      await mergeValues(of([change, change]), engine),
      change.map((value, i) => value + base[i]!),
    );
  });
});

test("a zero tensor steers nothing, and shortens the mean", () => {
  expect(
    karcherMean(
      [
        [4, 0],
        [0, 0],
      ],
      10,
      1e-5,
    ),
  ).toEqual([0.5, 0]);
  expect(
    karcherMean(
      [
        [0, 0],
        [0, 0],
      ],
      10,
      1e-5,
    ),
  ).toEqual([0, 0]);
});

describe("models are read", () => {
  const sweeps = (asked: Ask) => {
    const { merged, watched } = expression(asked);
    return passesOf(
      merged,
      watched.map(({ value }) => value),
    ).length;
  };
  const withBase = { base: asInput(base) };
  test.each([
    ["karcher", ask("karcher", [one, two, base])],
    ["multislerp", ask("multislerp", [one, two, base], withBase)],
    ["nuslerp", ask("nuslerp", [one, two], withBase)],
    ["nuslerp by rows", ask("nuslerp", [one, two], { params: { nuslerp_flatten: false } })],
    ["model_stock", ask("model_stock", [one, two], withBase)],
    ["model_stock by rows", ask("model_stock", [one, two], { ...withBase, params: { filter_wise: true } })],
    ["slerp", ask("slerp", [one], { ...withBase, params: { t: 0.3 } })],
    ["sce", ask("sce", [one, two], withBase)],
    ["ramplus_tl", ask("ramplus_tl", [one, two], withBase)],
  ])("twice by %s", (_, asked) => {
    expect(sweeps(asked)).toBe(2);
  });
  test.each(["ram", "magmax", "median", "consensus_ta", "emr", "task_arithmetic"])("once by %s", (method) => {
    expect(sweeps(ask(method, [one, two], withBase))).toBe(1);
  });
});

describe("remarks", () => {
  function remark(asked: Ask, id: string, inputs: readonly (readonly number[])[]): string | null {
    const { merged, watched } = expression(asked);
    const evaluator = createEvaluator({ inputs });
    evaluator.tensor(merged);
    const values = watched
      .filter((one) => one.id === id)
      .map(({ value }) => ({ tensor: "w", value: evaluator.scalar(value) }));
    expect(values).toHaveLength(1);
    return METHODS.get(asked.method)?.remarks?.[id]?.(values) ?? null;
  }
  const withBase = { base: asInput(base), params: { t: 0.5 } };

  test("SLERP says where the arc was a line", () => {
    expect(remark(ask("slerp", [tuned(2, 1e-3)], withBase), "line", [base, tuned(2, 1e-3)])).toContain(
      "in 1 of 1 tensors",
    );
    expect(remark(ask("slerp", [two], withBase), "line", [base, two])).toBeNull();
  });

  test("Model Stock says where t leaves 0 to 1", () => {
    const opposite = tuned(2).map((value, i) => Math.fround(2 * base[i]! - value + (i === 0 ? 0.01 : 0)));
    const said = remark(ask("model_stock", [tuned(2), opposite], withBase), "ratio", [base, tuned(2), opposite]);
    expect(said).toMatch(/in 1 of 1 tensors .* \(w: -\d/);
    expect(remark(ask("model_stock", [tuned(2), tuned(2)], withBase), "ratio", [base, tuned(2), tuned(2)])).toBeNull();
  });

  test("SCE says where all models weighed the same", () => {
    const small = [tuned(2, 1e-4), tuned(3, 1e-4)];
    expect(remark(ask("sce", small, withBase), "uniform", [base, ...small])).toContain("in 1 of 1 tensors");
    expect(remark(ask("sce", [one, two], withBase), "uniform", [base, one, two])).toBeNull();
  });

  test("Arcee Fusion says how much it took", () => {
    const said = remark(ask("arcee_fusion", [tuned(2)], withBase), "share", [base, tuned(2)]);
    expect(said).toMatch(/between (\d+\.\d)% and \1% of a tensor's weights/);
  });
});
