/** Tiny dense models in memory, in the layouts mixtures are made of. */
import { encode } from "../../core/bytes/convert.ts";
import type { OutputDtype } from "../../core/bytes/dtype.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { headerOf } from "../../core/formats/write.ts";
import type { JsonObject, Model } from "../../core/model/model.ts";
import { openModel } from "../../core/model/open.ts";

export interface Shape {
  readonly type?: "llama" | "mistral" | "qwen2" | "qwen3";
  readonly hidden?: number;
  readonly width?: number;
  readonly layers?: number;
  readonly vocabulary?: number;
  readonly heads?: number;
  readonly keyHeads?: number;
  readonly dtype?: OutputDtype;
  readonly config?: JsonObject;
  /** Adds or (null) removes tensors. */
  readonly tensors?: Readonly<Record<string, readonly number[] | null>>;
  readonly extras?: Readonly<Record<string, string>>;
}

/** Names and shapes of a dense model. */
function shapesOf({
  type = "llama",
  hidden = 8,
  width = 12,
  layers = 2,
  vocabulary = 11,
  heads = 2,
  keyHeads = 1,
}: Shape) {
  const head = hidden / heads;
  const shapes: Record<string, readonly number[]> = { "model.embed_tokens.weight": [vocabulary, hidden] };
  for (let layer = 0; layer < layers; layer++) {
    const add = (part: string, shape: readonly number[]) => {
      shapes[`model.layers.${layer}.${part}`] = shape;
    };
    add("input_layernorm.weight", [hidden]);
    for (const [name, rows] of [
      ["q", heads * head],
      ["k", keyHeads * head],
      ["v", keyHeads * head],
    ] as const) {
      add(`self_attn.${name}_proj.weight`, [rows, hidden]);
      if (type === "qwen2") add(`self_attn.${name}_proj.bias`, [rows]);
    }
    add("self_attn.o_proj.weight", [hidden, heads * head]);
    if (type === "qwen3") for (const name of ["q", "k"]) add(`self_attn.${name}_norm.weight`, [head]);
    add("post_attention_layernorm.weight", [hidden]);
    add("mlp.gate_proj.weight", [width, hidden]);
    add("mlp.up_proj.weight", [width, hidden]);
    add("mlp.down_proj.weight", [hidden, width]);
  }
  shapes["model.norm.weight"] = [hidden];
  shapes["lm_head.weight"] = [vocabulary, hidden];
  return shapes;
}

/** A model whose values depend on its seed; norms lie around 1. */
export async function tiny(ref: string, seed: number, shape: Shape = {}): Promise<Model> {
  const { type = "llama", hidden = 8, width = 12, layers = 2, vocabulary = 11, heads = 2, keyHeads = 1 } = shape;
  const dtype = shape.dtype ?? "F32";
  const entries = Object.entries({ ...shapesOf(shape), ...shape.tensors }).flatMap(([name, dims]) =>
    dims === null ? [] : [{ name, dims }],
  );
  let state = seed;
  const parts = entries.map(({ name, dims }) => {
    const count = dims.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state / 2 ** 32 - 0.5) * (name.includes("norm") ? 0.2 : 1) + (name.includes("norm") ? 1 : 0);
    });
    return { name, dims, bytes: encode(dtype, values) };
  });
  const header = headerOf(
    parts.map(({ name, dims, bytes }) => ({ name, dtype, shape: dims, bytes: bytes.length })),
    {},
  );
  const config = {
    model_type: type,
    hidden_size: hidden,
    intermediate_size: width,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyHeads,
    vocab_size: vocabulary,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    hidden_act: "silu",
    tie_word_embeddings: false,
    ...shape.config,
  };
  const bytes = Buffer.concat([header, ...parts.map((part) => part.bytes)]);
  const texts = { "config.json": JSON.stringify(config), ...shape.extras };
  return openModel(
    ref,
    new Map([
      ["model.safetensors", fromBytes("model.safetensors", bytes)],
      ...Object.entries(texts).map(([name, text]) => [name, fromBytes(name, new TextEncoder().encode(text))] as const),
    ]),
  );
}
