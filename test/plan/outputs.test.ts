/** Which tensors take part: models named twice, integers, names nobody knows, tensors only some models have. */
import { expect, test } from "vitest";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { madeModel, planOf, resultOf } from "../support/made.ts";

const layers = (value: number) => ({ "model.layers.{0..1}.mlp.up_proj.weight": value });

test("the same model twice is two inputs with parameters of their own", async () => {
  const a = await madeModel("a", layers(1));
  const b = await madeModel("b", layers(3));
  const models = [
    { model: "a", parameters: { weight: 1 } },
    { model: "b", parameters: { weight: 1 } },
    { model: "b", parameters: { weight: [0, 2] } },
  ];
  const { values } = await resultOf({ merge_method: "linear", models, parameters: { normalize: false } }, [a, b]);
  expect(Object.values(values)).toEqual([4, 10]);
});

test("two sources of one model in a slice", async () => {
  const a = await madeModel("a", { "model.layers.0.mlp.up_proj.weight": 1, "model.layers.1.mlp.up_proj.weight": 5 });
  const recipe: Recipe = {
    merge_method: "linear",
    slices: [
      {
        sources: [
          { model: "a", layer_range: [0, 1] },
          { model: "a", layer_range: [1, 2] },
        ],
      },
    ],
    parameters: { weight: 0.5 },
  };
  expect((await resultOf(recipe, [a])).values).toEqual({ "model.layers.0.mlp.up_proj.weight": 3 });
});

test("integers and unknown tensors are carried over or merged, never dropped", async () => {
  const made = (ref: string, by: number) =>
    madeModel(ref, { ...layers(by), position_ids: { value: 7 * by, dtype: "I64", shape: [3] }, "odd.thing": by });
  const recipe: Recipe = {
    merge_method: "linear",
    models: [{ model: "a" }, { model: "b" }],
    parameters: { weight: 1 },
  };
  const { values } = await resultOf(recipe, [await made("a", 1), await made("b", 3)]);
  expect(values).toMatchObject({ position_ids: 7, "odd.thing": 2 });
});

test.each(["models", "slices"] as const)("with %s, a tensor only some models have is copied from them", async (way) => {
  const a = await madeModel("a", layers(1));
  const b = await madeModel("b", { ...layers(3), "model.layers.1.extra.weight": 9, "lm_head.weight": 8 });
  const models = [{ model: "a" }, { model: "b" }];
  const sources = models.map(({ model }) => ({ model, layer_range: [0, 2] as const }));
  const { values, notes } = await resultOf(
    {
      merge_method: "linear",
      ...(way === "models" ? { models } : { slices: [{ sources }] }),
      parameters: { weight: 1 },
    },
    [a, b],
  );
  expect(values).toEqual({
    "model.layers.0.mlp.up_proj.weight": 2,
    "model.layers.1.mlp.up_proj.weight": 2,
    "model.layers.1.extra.weight": 9,
    "lm_head.weight": 8,
  });
  expect(notes.some((note) => note.includes("not in every model"))).toBe(true);
});

test.each(["models", "slices"] as const)("with %s, a tied head takes part as the embeddings it is", async (way) => {
  const config = { model_type: "llama", tie_word_embeddings: true, num_hidden_layers: 2 };
  const a = await madeModel("a", { ...layers(1), "model.embed_tokens.weight": 4 }, config);
  const b = await madeModel("b", { ...layers(3), "model.embed_tokens.weight": 6, "lm_head.weight": 8 }, config);
  const models = [{ model: "a" }, { model: "b" }];
  const sources = models.map(({ model }) => ({ model, layer_range: [0, 2] as const }));
  const recipe: Recipe = {
    merge_method: "linear",
    ...(way === "models" ? { models } : { slices: [{ sources }] }),
    parameters: { weight: 1 },
  };
  const result = await resultOf(recipe, [a, b]);
  expect(result.values).toMatchObject({ "model.embed_tokens.weight": 5, "lm_head.weight": 6 });
  expect(result.config).toMatchObject({ tie_word_embeddings: false });
});

test("an unlisted base of a method without one takes part where its parameters are known", async () => {
  const [a, b] = [await madeModel("a", layers(1)), await madeModel("b", layers(3))];
  const given: Recipe = {
    merge_method: "linear",
    base_model: "b",
    models: [{ model: "a" }],
    parameters: { weight: 1 },
  };
  expect(Object.values((await resultOf(given, [a, b])).values)).toEqual([2, 2]);
  const own: Recipe = { ...given, models: [{ model: "a", parameters: { weight: 1 } }], parameters: {} };
  expect(Object.values((await resultOf(own, [a, b])).values)).toEqual([1, 1]);
});

test("score heads of reward models are averaged; of different shapes, refused", async () => {
  const reward = (ref: string, labels: number) =>
    madeModel(
      ref,
      { ...layers(labels), "score.weight": { shape: [labels, 2], value: labels } },
      { model_type: "llama" },
    );
  const models = [{ model: "a" }, { model: "b" }];
  const recipe: Recipe = { merge_method: "linear", models, parameters: { weight: 1 } };
  const same = await Promise.all([reward("a", 1), reward("b", 1)]);
  expect((await resultOf(recipe, same)).values["score.weight"]).toBe(1);
  const different = await Promise.all([reward("a", 1), reward("b", 3)]);
  expect(() => planOf(recipe, different)).toThrow(
    /^score\.weight: a has \[1, 2\], b has \[3, 2\]\. This is a head that scores or classifies/,
  );
  const based: Recipe = { merge_method: "ties", base_model: "a", models: [{ model: "b" }], parameters: { weight: 1 } };
  expect(() => planOf(based, different)).toThrow(/head that scores or classifies/);
});
