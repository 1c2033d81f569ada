/** The UNet under both names: one order of blocks, the same for diffusers and original checkpoints. */
import { expect, test } from "vitest";
import { recognise } from "../../core/model/families.ts";
import { LANES } from "../../core/model/model.ts";
import { expand } from "./names.ts";

const ATTENTION = "transformer_blocks.0.attn{1,2}.to_{q,k,v}.weight";

const DIFFUSERS = expand([
  "conv_in.{weight,bias}",
  "time_embedding.linear_{1,2}.weight",
  "down_blocks.{0..3}.resnets.{0,1}.{norm1,conv1,time_emb_proj}.weight",
  `down_blocks.{0..2}.attentions.{0,1}.${ATTENTION}`,
  "down_blocks.{0..2}.attentions.{0,1}.{proj_in,proj_out}.weight",
  "down_blocks.{0..2}.attentions.{0,1}.transformer_blocks.0.ff.net.0.proj.weight",
  "down_blocks.{0..2}.downsamplers.0.conv.weight",
  "mid_block.resnets.{0,1}.conv1.weight",
  `mid_block.attentions.0.${ATTENTION}`,
  "up_blocks.{0..3}.resnets.{0..2}.conv1.weight",
  `up_blocks.{1..3}.attentions.{0..2}.${ATTENTION}`,
  "up_blocks.{0..2}.upsamplers.0.conv.weight",
  "conv_norm_out.weight",
  "conv_out.weight",
]);

const ORIGINAL = expand([
  "model.diffusion_model.time_embed.{0,2}.weight",
  "model.diffusion_model.input_blocks.0.0.weight",
  "model.diffusion_model.input_blocks.{1,2,4,5,7,8,10,11}.0.{in_layers.0,in_layers.2,emb_layers.1}.weight",
  `model.diffusion_model.input_blocks.{1,2,4,5,7,8}.1.${ATTENTION}`,
  "model.diffusion_model.input_blocks.{3,6,9}.0.op.weight",
  "model.diffusion_model.middle_block.{0,2}.in_layers.0.weight",
  `model.diffusion_model.middle_block.1.${ATTENTION}`,
  "model.diffusion_model.output_blocks.{0..11}.0.in_layers.0.weight",
  "model.diffusion_model.output_blocks.{2,5,8}.1.conv.weight",
  "model.diffusion_model.out.{0,2}.weight",
  "first_stage_model.encoder.down.{0..3}.block.{0,1}.conv1.weight",
  "first_stage_model.decoder.mid.attn_1.q.weight",
  "cond_stage_model.transformer.text_model.encoder.layers.{0..11}.self_attn.q_proj.weight",
]);

test.each([
  ["diffusers", DIFFUSERS],
  ["original", ORIGINAL],
])("%s: 25 blocks in one fixed stack", (_, names) => {
  const { family, stacks } = recognise(names, null);
  expect(family.id).toBe("sd-unet");
  expect(stacks.find(({ prefix }) => prefix === "unet")).toMatchObject({ prefix: "unet", layers: 25, fixed: true });
  expect(family.layerKeys).not.toHaveProperty("unet");
});

test("both names of a block are the same layer", () => {
  const diffusers = recognise(DIFFUSERS, null).family;
  const original = recognise(ORIGINAL, null).family;
  const pairs: [string, string, number][] = [
    ["conv_in.weight", "input_blocks.0.0.weight", 0],
    ["down_blocks.0.resnets.0.conv1.weight", "input_blocks.1.0.in_layers.2.weight", 1],
    ["down_blocks.0.downsamplers.0.conv.weight", "input_blocks.3.0.op.weight", 3],
    [
      "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight",
      "input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight",
      4,
    ],
    ["down_blocks.3.resnets.1.conv1.weight", "input_blocks.11.0.in_layers.2.weight", 11],
    [
      "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight",
      "middle_block.1.transformer_blocks.0.attn1.to_q.weight",
      12,
    ],
    ["up_blocks.0.upsamplers.0.conv.weight", "output_blocks.2.1.conv.weight", 15],
    ["up_blocks.3.resnets.2.conv1.weight", "output_blocks.11.0.in_layers.0.weight", 24],
  ];
  for (const [a, b, layer] of pairs) {
    expect([a, diffusers.place(a).layer]).toEqual([a, layer]);
    expect([b, original.place(`model.diffusion_model.${b}`).layer]).toEqual([b, layer]);
  }
});

test("kinds, and filters that pick them", () => {
  for (const names of [DIFFUSERS, ORIGINAL]) {
    const { family } = recognise(names, null);
    for (const name of names) {
      const lane = LANES.find((kind) => family.filters[kind]?.some((text) => name.includes(text))) ?? "other";
      expect([name, lane]).toEqual([name, family.place(name).kind]);
    }
  }
  const kind = (name: string) => recognise([...DIFFUSERS, ...ORIGINAL], null).family.place(name).kind;
  expect(kind("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight")).toBe("attention");
  expect(kind("down_blocks.0.attentions.0.proj_in.weight")).toBe("attention");
  expect(kind("down_blocks.0.attentions.0.transformer_blocks.0.ff.net.0.proj.weight")).toBe("mlp");
  expect(kind("down_blocks.0.resnets.0.norm1.weight")).toBe("norm");
  expect(kind("down_blocks.0.resnets.0.conv1.weight")).toBe("other");
  expect(kind("model.diffusion_model.input_blocks.1.0.in_layers.0.weight")).toBe("norm");
  expect(kind("time_embedding.linear_1.weight")).toBe("embedding");
  expect(kind("conv_out.weight")).toBe("head");
});

test("blocks have the names people use", () => {
  const named = (names: readonly string[]) => recognise(names, null).stacks[0]?.blocks;
  const sd = named(ORIGINAL);
  expect(sd).toHaveLength(25);
  expect([sd?.[0], sd?.[11], sd?.[12], sd?.[13], sd?.[24]]).toEqual(["IN00", "IN11", "M00", "OUT00", "OUT11"]);
  expect(named(DIFFUSERS)).toEqual(sd);
});

test("SDXL by its added embedding, and text encoders as stacks of their own", () => {
  const sdxl = recognise([...DIFFUSERS, "add_embedding.linear_1.weight"], { _class_name: "UNet2DConditionModel" });
  expect(sdxl.family.id).toBe("sdxl-unet");
  const { stacks, family } = recognise(ORIGINAL, null);
  expect(stacks.map(({ prefix }) => prefix)).toEqual([
    "unet",
    "cond_stage_model.transformer.text_model.encoder.layers",
  ]);
  expect(family.place("first_stage_model.encoder.down.0.block.1.conv1.weight").stack).toBeNull();
});
