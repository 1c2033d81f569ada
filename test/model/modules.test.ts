import { expect, test } from "vitest";
import type { Model } from "../../core/model/model.ts";
import { moduleNamed, modulesOf } from "../../core/model/modules.ts";
import { madeModel } from "../support/made.ts";

const model = (names: readonly string[]): Promise<Model> =>
  madeModel("m", Object.fromEntries(names.map((name) => [name, 1])));

const LAYOUTS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "Gemma 3": {
    text_decoder: [
      "language_model.model.embed_tokens.weight",
      "language_model.model.layers.{0..3}.mlp.up_proj.weight",
      "language_model.lm_head.weight",
    ],
    vision_tower: [
      "vision_tower.vision_model.embeddings.patch_embedding.weight",
      "vision_tower.vision_model.encoder.layers.{0..1}.mlp.fc1.weight",
    ],
    multi_modal_projector: ["multi_modal_projector.mm_input_projection_weight"],
  },
  "Qwen2-VL": {
    text_decoder: ["model.embed_tokens.weight", "model.layers.{0..3}.mlp.up_proj.weight", "lm_head.weight"],
    vision_tower: ["visual.patch_embed.proj.weight", "visual.blocks.{0..1}.mlp.fc1.weight"],
    multi_modal_projector: ["visual.merger.ln_q.weight", "visual.merger.mlp.0.weight"],
  },
  "Qwen3-VL": {
    text_decoder: ["model.language_model.layers.{0..3}.mlp.up_proj.weight", "lm_head.weight"],
    vision_tower: ["model.visual.blocks.{0..1}.mlp.linear_fc1.weight"],
    multi_modal_projector: ["model.visual.merger.norm.weight", "model.visual.deepstack_merger_list.0.norm.weight"],
  },
  "Llama 4": {
    text_decoder: ["language_model.model.layers.{0..3}.mlp.up_proj.weight"],
    vision_tower: ["vision_model.class_embedding", "vision_model.model.layers.{0..1}.mlp.fc1.weight"],
    multi_modal_projector: ["multi_modal_projector.linear_1.weight"],
  },
  T5: {
    encoder: ["encoder.block.{0..2}.layer.0.SelfAttention.q.weight", "encoder.final_layer_norm.weight"],
    decoder: ["decoder.block.{0..2}.layer.0.SelfAttention.q.weight", "decoder.final_layer_norm.weight"],
    shared: ["shared.weight", "lm_head.weight"],
  },
  Whisper: {
    encoder: ["model.encoder.conv1.weight", "model.encoder.layers.{0..1}.fc1.weight"],
    decoder: ["model.decoder.embed_tokens.weight", "model.decoder.layers.{0..1}.fc1.weight"],
    shared: ["proj_out.weight"],
  },
  CLIP: {
    text_decoder: ["text_model.encoder.layers.{0..1}.mlp.fc1.weight", "text_projection.weight", "logit_scale"],
    vision_tower: ["vision_model.encoder.layers.{0..1}.mlp.fc1.weight"],
    multi_modal_projector: ["visual_projection.weight"],
  },
  Llama: { default: ["model.embed_tokens.weight", "model.layers.{0..3}.mlp.up_proj.weight", "lm_head.weight"] },
};

test.each(Object.entries(LAYOUTS))("%s", async (_, parts) => {
  const { checkpoint, stacks } = await model(Object.values(parts).flat());
  const modules = modulesOf({ checkpoint, stacks });
  const found = new Map<string, Set<string>>();
  for (const name of checkpoint.tensors.keys()) {
    const part = modules.of(name);
    found.set(part, new Set([...(found.get(part) ?? []), name.replace(/\.\d+\./, ".0.")]));
  }
  const expected = Object.fromEntries(
    Object.entries(parts).map(([part, names]) => [part, new Set(names.map((name) => name.replace(/\{.*?\}/, "0")))]),
  );
  expect(Object.fromEntries(found)).toEqual(expected);
  expect(new Set(modules.list.map(({ name }) => name))).toEqual(new Set(Object.keys(parts)));
  expect(modules.list.flatMap((module) => module.stacks)).toHaveLength(stacks.length);
});

test("other names people use", async () => {
  const modules = modulesOf(await model(Object.values(LAYOUTS["Llama 4"]!).flat()));
  const named = ["vision_model", "visual", "language_model", "projector", "encoder", "visions"].map(
    (word) => moduleNamed(modules, word)?.name,
  );
  expect(named).toEqual([
    "vision_tower",
    "vision_tower",
    "text_decoder",
    "multi_modal_projector",
    undefined,
    undefined,
  ]);
});
