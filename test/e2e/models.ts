/** Models made for a test: real safetensors files with the names of large models and next to no weights. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Page } from "@playwright/test";

/** A folder with a model of these tensors, two numbers each. */
function write(folder: string, names: readonly string[], config: object | null, value: number): void {
  mkdirSync(folder, { recursive: true });
  const header = Object.fromEntries(
    names.map((name, i) => [name, { dtype: "F32", shape: [1, 2], data_offsets: [8 * i, 8 * i + 8] }]),
  );
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const data = Buffer.from(new Float32Array(2 * names.length).fill(value).buffer);
  writeFileSync(join(folder, "model.safetensors"), Buffer.concat([length, json, data]));
  if (config !== null) writeFileSync(join(folder, "config.json"), JSON.stringify(config));
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

export const llamaNames = (layers: number): string[] => [
  "model.embed_tokens.weight",
  "model.norm.weight",
  "lm_head.weight",
  ...range(layers).flatMap((layer) =>
    [
      ...["q", "k", "v", "o"].map((name) => `self_attn.${name}_proj`),
      ...["gate", "up", "down"].map((name) => `mlp.${name}_proj`),
      ...["input_layernorm", "post_attention_layernorm"],
    ].map((part) => `model.layers.${layer}.${part}.weight`),
  ),
];

export const unetNames = (): string[] => {
  const inside = (block: string) => [
    `${block}.0.in_layers.2.weight`,
    `${block}.1.transformer_blocks.0.attn1.to_q.weight`,
  ];
  return [
    "time_embed.0.weight",
    "out.2.weight",
    "middle_block.0.in_layers.2.weight",
    ...range(12).flatMap((i) => [...inside(`input_blocks.${i}`), ...inside(`output_blocks.${i}`)]),
  ].map((name) => `model.diffusion_model.${name}`);
};

export const fluxNames = (): string[] => [
  ...range(19).flatMap((i) => ["img_attn.qkv", "txt_mlp.0"].map((part) => `double_blocks.${i}.${part}.weight`)),
  ...range(38).map((i) => `single_blocks.${i}.linear1.weight`),
  "img_in.weight",
  "final_layer.linear.weight",
];

export const llamaConfig = (layers: number) => ({
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  num_hidden_layers: layers,
  hidden_size: 2,
});

/** Drops models of the same tensors on the page, the first of them first. */
export async function dropModels(
  page: Page,
  names: readonly string[],
  tensors: readonly string[],
  config: object | null,
): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "weightloom-mixer-"));
  const folders = names.map((name) => join(work, name));
  for (const [i, folder] of folders.entries()) write(folder, tensors, config, i);
  await dropFolders(page, folders);
}

/** Drops folders on the page, one after the other, and waits for each. */
export async function dropFolders(page: Page, folders: readonly string[]): Promise<void> {
  const client = await page.context().newCDPSession(page);
  for (const folder of folders) {
    const data = { items: [], files: [folder], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"] as const)
      await client.send("Input.dispatchDragEvent", { type, x: 700, y: 300, data });
    await page.locator(".card-name", { hasText: new RegExp(`^${basename(folder)}$`) }).waitFor();
  }
}
