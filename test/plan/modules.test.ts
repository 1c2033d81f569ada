/** Recipes with modules: what each tensor is made from, the layers of each stack, what is carried over. */
import { expect, test } from "vitest";
import type { JsonObject, Model } from "../../core/model/model.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { madeModel, planOf, resultOf } from "../support/made.ts";

const CONFIG: JsonObject = {
  model_type: "gemma3",
  architectures: ["Gemma3ForConditionalGeneration"],
  text_config: { num_hidden_layers: 4, layer_types: ["a", "b", "c", "d"] },
  vision_config: { num_hidden_layers: 2 },
};

/** Text 1 to 4 per layer, vision 10 and 11, projector 20; all times `by`. */
const vlm = (ref: string, by: number): Promise<Model> =>
  madeModel(
    ref,
    {
      "language_model.model.embed_tokens.weight": by,
      ...Object.fromEntries(
        [1, 2, 3, 4].map((v) => [`language_model.model.layers.${v - 1}.mlp.up_proj.weight`, v * by]),
      ),
      "language_model.model.norm.weight": 5 * by,
      "vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight": 10 * by,
      "vision_tower.vision_model.encoder.layers.1.mlp.fc1.weight": 11 * by,
      "vision_tower.vision_model.post_layernorm.weight": 12 * by,
      "multi_modal_projector.mm_input_projection_weight": 20 * by,
    },
    CONFIG,
  );
const both = () => Promise.all([vlm("a", 1), vlm("b", 3)]);
const layer = (i: number) => `language_model.model.layers.${i}.mlp.up_proj.weight`;
const eye = (i: number) => `vision_tower.vision_model.encoder.layers.${i}.mlp.fc1.weight`;

test("every module by its own models; parameters at source, module and top", async () => {
  const recipe: Recipe = {
    merge_method: "task_arithmetic",
    base_model: "a",
    modules: {
      text_decoder: { models: [{ model: "b" }], parameters: { weight: [0, 1] } },
      vision_tower: { models: [{ model: "a" }, { model: "b", parameters: { weight: 2 } }] },
      projector: { models: [{ model: "b" }] },
    },
    parameters: { weight: 0.5 },
  };
  const { values, notes } = await resultOf(recipe, await both());
  const text = [0, 1, 2, 3].map((i) => values[layer(i)]);
  expect(text.map((value, i) => (value! - (i + 1)) / (2 * (i + 1)))).toEqual(
    [0, 1 / 3, 2 / 3, 1].map((t) => expect.closeTo(t, 6)),
  );
  expect(values["language_model.model.norm.weight"]).toBe(5);
  expect([values[eye(0)], values[eye(1)]]).toEqual([10 + 40, 11 + 44]);
  expect(values["multi_modal_projector.mm_input_projection_weight"]).toBe(40);
  expect(notes.filter((note) => /Not in the recipe/.test(note))).toEqual([]);
});

test("a sliced language model beside a vision tower that stays", async () => {
  const recipe: Recipe = {
    merge_method: "passthrough",
    modules: {
      text_decoder: {
        slices: [
          { sources: [{ model: "a", layer_range: [0, 3] }] },
          { sources: [{ model: "b", layer_range: [1, 4] }], parameters: { scale: 10 } },
        ],
      },
    },
  };
  const { values, config, notes } = await resultOf(recipe, await both());
  expect([0, 1, 2, 3, 4, 5].map((i) => values[layer(i)])).toEqual([1, 2, 3, 60, 90, 120]);
  expect(values[layer(6)]).toBeUndefined();
  expect(values["language_model.model.embed_tokens.weight"]).toBe(1);
  expect(values["language_model.model.norm.weight"]).toBe(150);
  expect([values[eye(0)], values["multi_modal_projector.mm_input_projection_weight"]]).toEqual([10, 20]);
  expect(config).toMatchObject({
    text_config: { num_hidden_layers: 6, layer_types: ["a", "b", "c", "b", "c", "d"] },
    vision_config: { num_hidden_layers: 2 },
  });
  expect(notes).toContain(
    'Not in the recipe: "vision_tower" and "multi_modal_projector". Their tensors are taken from a as they are.',
  );
});

test("an encoder and a decoder, cut and stacked, with whatever they share", async () => {
  const t5 = (ref: string, by: number) =>
    madeModel(
      ref,
      {
        "shared.weight": by,
        "encoder.block.{0..2}.layer.0.SelfAttention.q.weight": 2 * by,
        "encoder.final_layer_norm.weight": 3 * by,
        "decoder.block.{0..2}.layer.0.SelfAttention.q.weight": 4 * by,
        "decoder.final_layer_norm.weight": 5 * by,
      },
      { model_type: "t5", num_layers: 3, num_decoder_layers: 3 },
    );
  const recipe: Recipe = {
    merge_method: "slerp",
    base_model: "a",
    modules: {
      encoder: {
        slices: [
          {
            sources: [
              { model: "a", layer_range: [0, 1] },
              { model: "b", layer_range: [2, 3] },
            ],
            parameters: { t: 1 },
          },
          {
            sources: [
              { model: "a", layer_range: [0, 1] },
              { model: "b", layer_range: [0, 1] },
            ],
          },
        ],
        parameters: { t: 0.5 },
      },
      decoder: {
        slices: [
          {
            sources: [
              { model: "a", layer_range: [0, 1] },
              { model: "b", layer_range: [0, 1] },
            ],
          },
        ],
      },
    },
    parameters: { t: 0 },
  };
  const { values, config, notes } = await resultOf(recipe, [await t5("a", 1), await t5("b", 3)]);
  expect(values).toEqual({
    "encoder.block.0.layer.0.SelfAttention.q.weight": 6,
    "encoder.block.1.layer.0.SelfAttention.q.weight": 4,
    "encoder.final_layer_norm.weight": 6,
    "decoder.block.0.layer.0.SelfAttention.q.weight": 4,
    "decoder.final_layer_norm.weight": 5,
    "shared.weight": 1,
  });
  expect(config).toMatchObject({ num_layers: 2, num_decoder_layers: 1 });
  expect(notes.some((note) => note.startsWith('Not in the recipe: "shared".'))).toBe(true);
});

test("a plain language model may stand for the text decoder whose names it has", async () => {
  const text = { "model.layers.{0..1}.mlp.up_proj.weight": 1, "lm_head.weight": 1 };
  const a = await madeModel("a", { ...text, "visual.blocks.{0..1}.mlp.fc1.weight": 2 });
  const b = await madeModel("b", { "model.layers.{0..1}.mlp.up_proj.weight": 5, "lm_head.weight": 7 });
  const models = [{ model: "a" }, { model: "b" }];
  const recipe: Recipe = { merge_method: "linear", modules: { text_decoder: { models } }, parameters: { weight: 0.5 } };
  const { values } = await resultOf(recipe, [a, b]);
  expect(values).toEqual({
    "model.layers.0.mlp.up_proj.weight": 3,
    "model.layers.1.mlp.up_proj.weight": 3,
    "lm_head.weight": 4,
    "visual.blocks.0.mlp.fc1.weight": 2,
    "visual.blocks.1.mlp.fc1.weight": 2,
  });
});

test.each<[string, Recipe, RegExp]>([
  [
    "an unknown module",
    { merge_method: "passthrough", modules: { text_decodr: { models: [{ model: "a" }] } } },
    /^modules: a \(.*\) has no module "text_decodr"; it has "text_decoder", "vision_tower" and "multi_modal_projector"\. Did you mean "text_decoder"\?/,
  ],
  [
    "one module under two names",
    {
      merge_method: "passthrough",
      modules: { vision_tower: { models: [{ model: "a" }] }, visual: { models: [{ model: "b" }] } },
    },
    /^modules: "vision_tower" and "visual" are the same module of a, vision_tower/,
  ],
  [
    "slices of a model with several stacks",
    { merge_method: "passthrough", slices: [{ sources: [{ model: "a", layer_range: [0, 2] }] }] },
    /^slices\[0\]: a must have one stack .*Put the slices under modules/,
  ],
  [
    "a slice past the end of its module",
    {
      merge_method: "passthrough",
      modules: { vision_tower: { slices: [{ sources: [{ model: "a", layer_range: [0, 3] }] }] } },
    },
    /^modules\.vision_tower\.slices\[0\]: layer_range \[0, 3\] of a is outside its layers; it has 2/,
  ],
  [
    "slices of a module without layers",
    {
      merge_method: "passthrough",
      modules: { projector: { slices: [{ sources: [{ model: "a", layer_range: [0, 1] }] }] } },
    },
    /^modules\.projector\.slices\[0\]: a must have one stack .* but it has none\. Merge it with models instead\./,
  ],
])("%s is refused", async (_, recipe, message) => {
  const models = await both();
  expect(() => planOf(recipe, models)).toThrow(message);
});

test("a model of thousands of tensors is planned in a moment", async () => {
  const parts = { "model.layers.{0..79}.p{0..29}.weight": 1, "visual.blocks.{0..39}.p{0..9}.weight": 1 };
  const shapes = Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, { shape: [1], value }]));
  const models = [await madeModel("a", shapes), await madeModel("b", shapes)];
  const entries = models.map(({ ref }) => ({ model: ref }));
  const sources = (layers: number) => entries.map((one) => ({ ...one, layer_range: [0, layers] as const }));
  const slices = (layers: number) => [{ sources: sources(layers) }];
  const recipe = (modules: NonNullable<Recipe["modules"]>): Recipe => ({
    merge_method: "linear",
    modules,
    parameters: { weight: 1 },
  });
  const before = performance.now();
  const whole = planOf(recipe({ text_decoder: { models: entries }, vision_tower: { models: entries } }), models);
  const sliced = planOf(recipe({ text_decoder: { slices: slices(80) }, vision_tower: { slices: slices(40) } }), models);
  expect([whole.tensors.length, sliced.tensors.length]).toEqual([2800, 2800]);
  expect(performance.now() - before).toBeLessThan(10_000);
}, 20_000);
