/** Flux under both namings: double blocks, then single ones, one fixed stack with the names people use. */
import { expect, test } from "vitest";
import { recognise } from "../../core/model/families.ts";
import { expand } from "./names.ts";

const BFL = expand([
  "double_blocks.{0..18}.{img,txt}_attn.{qkv,proj}.weight",
  "double_blocks.{0..18}.{img,txt}_mlp.{0,2}.weight",
  "double_blocks.{0..18}.img_attn.norm.key_norm.scale",
  "single_blocks.{0..37}.linear{1,2}.weight",
  "{img_in,txt_in,final_layer.linear}.weight",
]);
const DIFFUSERS = expand([
  "transformer_blocks.{0..18}.attn.to_{q,k,v}.weight",
  "transformer_blocks.{0..18}.ff.net.2.weight",
  "single_transformer_blocks.{0..37}.proj_{mlp,out}.weight",
  "{x_embedder,context_embedder,proj_out}.weight",
]);

test.each([
  ["its own", BFL],
  ["diffusers'", DIFFUSERS],
  ["a whole checkpoint's", BFL.map((name) => `model.diffusion_model.${name}`)],
])("57 blocks under %s names", (_, names) => {
  const { family, stacks } = recognise(names, null);
  expect([family.id, family.wordless]).toEqual(["flux", true]);
  expect(stacks).toHaveLength(1);
  const [{ prefix, layers, fixed, blocks } = { prefix: "", layers: 0, fixed: false, blocks: [] }] = stacks;
  expect([prefix, layers, fixed]).toEqual(["flux", 57, true]);
  expect([blocks?.[0], blocks?.[18], blocks?.[19], blocks?.[56]]).toEqual(["D00", "D18", "S00", "S37"]);
});

test("places and kinds; text encoders are stacks of their own", () => {
  const { family, stacks } = recognise(
    [...BFL, ...expand(["text_encoders.clip_l.transformer.text_model.encoder.layers.{0..11}.mlp.fc1.weight"])],
    null,
  );
  expect(stacks.map(({ prefix }) => prefix)).toEqual([
    "flux",
    "text_encoders.clip_l.transformer.text_model.encoder.layers",
  ]);
  expect(family.place("single_blocks.2.linear1.weight")).toMatchObject({
    stack: "flux",
    layer: 21,
    part: "linear1.weight",
  });
  const kind = (name: string) => family.place(name).kind;
  expect(kind("double_blocks.0.img_attn.qkv.weight")).toBe("attention");
  expect(kind("double_blocks.0.txt_mlp.0.weight")).toBe("mlp");
  expect(kind("double_blocks.0.img_attn.norm.key_norm.scale")).toBe("norm");
  expect(kind("img_in.weight")).toBe("embedding");
});
