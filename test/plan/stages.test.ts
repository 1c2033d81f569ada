/** Recipes that use each other's results, planned as one, against the same recipes run one after the other. */
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decode } from "../../core/bytes/convert.ts";
import type { FloatDtype } from "../../core/bytes/dtype.ts";
import { memoryFolder } from "../../core/bytes/sink.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import type { Engine } from "../../core/engine/engine.ts";
import type { Model } from "../../core/model/model.ts";
import { openModel } from "../../core/model/open.ts";
import { buildPlan } from "../../core/plan/build.ts";
import { modelsOf, type Recipe } from "../../core/recipe/recipe.ts";
import { run } from "../../core/run/run.ts";
import { METHODS } from "../../methods/index.ts";
import { engines } from "../support/engines.ts";
import { modelAt } from "../support/model.ts";

const options = {
  methods: METHODS,
  shardBytes: Number.POSITIVE_INFINITY,
  memory: 1e8,
  maxTileBytes: 1e7,
  lanes: 1,
  seed: 3,
};
const golden = (name: string) => modelAt(name, join(import.meta.dirname, "../golden/models", name));

async function opened(recipes: readonly Recipe[]): Promise<Map<string, Model>> {
  const made = new Set(recipes.map(({ name }) => name));
  const names = [...new Set(recipes.flatMap(modelsOf))].filter((ref) => !made.has(ref));
  return new Map(await Promise.all(names.map(async (name) => [name, await golden(name)] as const)));
}

async function written(recipes: readonly Recipe[], models: ReadonlyMap<string, Model>, engine: Engine, ref: string) {
  const folder = memoryFolder();
  await run(buildPlan(recipes, models, options), { engine, folder, memory: 1e8 });
  return openModel(ref, new Map([...folder.files].map(([name, bytes]) => [name, fromBytes(name, bytes)])));
}

async function values(model: Model, name: string): Promise<Float32Array> {
  const { source, range, dtype } = model.checkpoint.tensors.get(name)!;
  return decode(dtype as FloatDtype, await source.read(range));
}

const slerp = (name: string | undefined, base: string, other: string, t: number | readonly number[]): Recipe => ({
  ...(name === undefined ? {} : { name }),
  merge_method: "slerp",
  base_model: base,
  models: [{ model: base }, { model: other }],
  parameters: { t },
});
const weighted = (...models: readonly (readonly [string, number])[]) =>
  models.map(([model, weight]) => ({ model, parameters: { weight, density: 0.5 } }));

const CHAINS: Readonly<Record<string, readonly Recipe[]>> = {
  "slerp of two slerps": [
    slerp("ab", "a", "b", [0.1, 0.9]),
    slerp("bc", "b", "c", 0.4),
    slerp(undefined, "ab", "bc", 0.5),
  ],
  "the same result twice": [
    slerp("ab", "a", "b", 0.3),
    slerp("more", "ab", "c", 0.2),
    slerp(undefined, "more", "ab", 0.6),
  ],
  "ties of a merge": [
    { name: "half", merge_method: "task_arithmetic", base_model: "base", models: weighted(["a", 0.5], ["b", 0.4]) },
    { merge_method: "ties", base_model: "base", models: weighted(["half", 1], ["c", 0.7]) },
  ],
  "a stack of random merges": [
    { name: "thin", merge_method: "dare_ties", base_model: "base", models: weighted(["a", 0.6], ["b", 0.5]) },
    {
      merge_method: "passthrough",
      slices: [
        { sources: [{ model: "thin", layer_range: [0, 3] }] },
        { sources: [{ model: "a", layer_range: [1, 2] }] },
        { sources: [{ model: "thin", layer_range: [1, 4] }] },
      ],
    },
  ],
};

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());

  test.each(Object.entries(CHAINS))("%s", async (_, recipes) => {
    const models = await opened(recipes);
    const fused = await written(recipes, models, engine, "fused");
    const byHand = new Map(models);
    for (const recipe of recipes) {
      const name = recipe.name ?? "result";
      byHand.set(name, await written([recipe], byHand, engine, name));
    }
    const steps = byHand.get("result")!;
    expect([...fused.checkpoint.tensors.keys()]).toEqual([...steps.checkpoint.tensors.keys()]);
    expect(fused.config).toEqual(steps.config);
    for (const name of fused.checkpoint.tensors.keys()) {
      const [a, b] = [await values(fused, name), await values(steps, name)];
      const most = b.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
      expect([name, a.every((v, i) => Math.abs(v - b[i]!) <= 4e-6 * most)]).toEqual([name, true]);
    }
  });

  test("the same stage tensor is the same weights wherever it goes, random masks too", async () => {
    const recipes = CHAINS["a stack of random merges"]!;
    const model = await written(recipes, await opened(recipes), engine, "stack");
    const [one, again] = [1, 4].map((layer) => `model.layers.${layer}.mlp.up_proj.weight`);
    expect(await values(model, one!)).toEqual(await values(model, again!));
  });
});
