/** What a plan has to say about parameters that are allowed, and what a sample of the weights tells. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { join as concat } from "../../core/bytes/sink.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import { headerOf } from "../../core/formats/write.ts";
import type { Model } from "../../core/model/model.ts";
import { openModel } from "../../core/model/open.ts";
import { buildPlan } from "../../core/plan/build.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { modelsOf, type Recipe } from "../../core/recipe/recipe.ts";
import { preflight } from "../../core/run/preflight.ts";
import { METHODS } from "../../methods/index.ts";
import { kernels } from "../support/engines.ts";
import { modelAt } from "../support/model.ts";

const options = { shardBytes: Number.POSITIVE_INFINITY, memory: 1e8, maxTileBytes: 1e7, lanes: 1, seed: 3 };
const folder = join(import.meta.dirname, "../golden/models");

async function planOf(...recipes: readonly Recipe[]): Promise<Plan> {
  const made = new Set(recipes.map(({ name }) => name));
  const names = [...new Set(recipes.flatMap(modelsOf))].filter((ref) => !made.has(ref));
  const models = new Map(
    await Promise.all(names.map(async (name) => [name, await modelAt(name, join(folder, name))] as const)),
  );
  return buildPlan(recipes, models, { ...options, methods: METHODS });
}

const linear = (weights: Readonly<Record<string, number>>, name?: string): Recipe => ({
  ...(name === undefined ? {} : { name }),
  merge_method: "linear",
  models: Object.entries(weights).map(([model, weight]) => ({ model, parameters: { weight } })),
});
const texts = (plan: Plan) => plan.notes.map(({ text }) => text);

describe("effective weights", () => {
  test("are said when normalisation changes what is written", async () => {
    expect(texts(await planOf(linear({ a: 1, b: 1, c: 2 })))).toContain(
      "Effective weights, on average over the layers: a 25 %, b 25 %, c 50 %.",
    );
  });

  test("are not said when they are what is written", async () => {
    expect(texts(await planOf(linear({ a: 0.5, b: 0.5 }))).filter((text) => text.startsWith("Effective"))).toEqual([]);
  });

  test("go through a chain: halves of halves", async () => {
    const plan = await planOf(linear({ a: 0.5, b: 0.5 }, "ab"), linear({ ab: 0.5, c: 0.5 }));
    expect(texts(plan)).toContain(
      "Effective weights through all recipes, on average over the layers: a 25 %, b 25 %, c 50 %.",
    );
  });

  test("count what is left for the base", async () => {
    const models = ["a", "b"].map((model) => ({ model, parameters: { weight: 0.4 } }));
    const plan = await planOf({
      merge_method: "task_arithmetic",
      base_model: "base",
      models,
      parameters: { normalize: true, lambda: 0.5 },
    });
    expect(texts(plan)).toContain("Effective weights, on average over the layers: a 25 %, b 25 %, base 50 %.");
  });
});

describe("parameters that are allowed and unlikely", () => {
  const dare = (weight: number, density: number): Recipe => ({
    merge_method: "dare_ties",
    base_model: "base",
    models: ["a", "b"].map((model) => ({ model, parameters: { weight, density } })),
  });
  const said = async (recipe: Recipe) => texts(await planOf(recipe)).filter((text) => !text.startsWith("Effective"));

  test("weights of DARE that do not add up to about 1", async () => {
    expect((await said(dare(0.5, 0.5))).join()).not.toContain("add up");
    expect((await said(dare(0.9, 0.5))).join()).toContain(
      "The weights add up to 1.8; for DARE-TIES sums of 0.9 to 1.1 have worked. The result moves further from the base than one model did",
    );
    expect((await said({ ...dare(0.9, 0.5), parameters: { normalize: true } })).join()).not.toContain("add up");
  });

  test("densities that nobody reports good results with", async () => {
    expect((await said(dare(0.5, 0.53))).join()).not.toContain("documented");
    expect((await said(dare(0.5, 0.95))).join()).toContain(
      "density is 0.95 for some tensors; DARE-TIES is documented to work between 0.01 and 0.7.",
    );
    // To keep everything of one is a choice; where nothing at all is dropped, the method is another one.
    const one = dare(0.5, 1);
    const other = dare(0.5, 0.5);
    const mixed = { ...one, models: [one.models![0]!, other.models![1]!] };
    expect((await said(mixed)).join()).not.toContain("documented");
    expect(await said(one)).toContain(
      "density is 1 everywhere, so DARE-TIES drops nothing; it is documented to work between 0.01 and 0.7.",
    );
  });
});

describe("parents of unknown origin", () => {
  const method = async (id: string, ...names: readonly string[]) =>
    texts(
      await planOf({
        merge_method: id,
        base_model: "base",
        models: names.map((model) => ({ model, parameters: { weight: 0.5 } })),
      }),
    ).filter((text) => text.startsWith("No card"));

  test("are better tried with task arithmetic first", async () => {
    const [said] = await method("ties", "a", "b");
    expect(said).toMatch(/^No card says what a, b were trained from\. .*try Task arithmetic first/);
    expect(await method("task_arithmetic", "a", "b")).toEqual([]);
    expect(await method("ties", "a")).toEqual([]);
  });
});

/** A model of four matrices: the base's numbers, each changed by up to `share` of itself. */
async function made(ref: string, share: number): Promise<Model> {
  const names = [0, 1, 2, 3].map((layer) => `model.layers.${layer}.mlp.up_proj.weight`);
  const infos = names.map((name) => ({ name, dtype: "F32" as const, shape: [32, 64], bytes: 8192 }));
  const values = Float32Array.from({ length: 4 * 2048 }, (_, i) => Math.sin(i) * (1 + share * Math.sin(7 * i)));
  const file = concat([headerOf(infos, {}), new Uint8Array(values.buffer)]);
  return openModel(ref, new Map([["model.safetensors", fromBytes("model.safetensors", file)]]));
}

describe("a sample of the weights", () => {
  const said = async (...others: readonly Model[]) => {
    const models = new Map([await made("base", 0), ...others].map((model) => [model.ref, model]));
    const recipe: Recipe = {
      merge_method: "task_arithmetic",
      base_model: "base",
      models: others.map(({ ref }) => ({ model: ref, parameters: { weight: 0.5 } })),
    };
    const plan = buildPlan(recipe, models, { ...options, methods: METHODS });
    return (await preflight(plan, await createLocalEngine(await kernels()))).map(({ text }) => text);
  };

  test("has nothing to say of fine-tunes", async () => {
    expect(await said(await made("a", 0.01), await made("b", 0.02))).toEqual([]);
  });

  test("finds a model that equals the base", async () => {
    expect(await said(await made("a", 0.01), await made("copy", 0))).toEqual([
      '"copy" equals the base "base" in all 4 tensors looked at. Is it the right file?',
    ]);
  });

  test("finds one that is no fine-tune of the base", async () => {
    const [only, ...more] = await said(await made("a", 0.01), await made("stranger", 1));
    expect(more).toEqual([]);
    expect(only).toMatch(/^"stranger" does not look like a fine-tune of the base "base": its weights differ by 7\d %/);
  });
});
