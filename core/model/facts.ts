/** The figures a person wants to see of a model, from its config where there is one, else from its shapes. */
import type { Dtype } from "../bytes/dtype.ts";
import { isFloat } from "../bytes/dtype.ts";
import { countOf } from "../formats/checkpoint.ts";
import { numberAt } from "./config.ts";
import type { Model } from "./model.ts";
import { tiesEmbeddings } from "./tied.ts";

export interface ModelFacts {
  /** Width of the residual stream. */
  readonly hidden: number | null;
  /** Rows of the embedding. */
  readonly vocabulary: number | null;
  readonly heads: number | null;
  readonly keyValueHeads: number | null;
  /** What the config says of tied embeddings; null when nothing. */
  readonly tied: boolean | null;
  readonly ropeTheta: number | null;
  /** Float types present, the one with most elements first. */
  readonly dtypes: readonly Dtype[];
  /** Fingerprint of the tokenizer's file, or null. */
  readonly tokenizer: string | null;
}

export function modelFacts(model: Model): ModelFacts {
  const { config } = model;
  const find = (...keys: readonly string[]) =>
    numberAt(config, ...["", "text_config.", "llm_config."].flatMap((home) => keys.map((key) => home + key)));
  const embedding = embeddingShape(model);
  const heads = find("num_attention_heads", "n_head", "n_heads", "num_heads");
  return {
    hidden: find("hidden_size", "n_embd", "d_model", "dim", "projection_dim") ?? embedding?.[1] ?? null,
    vocabulary: find("vocab_size") ?? embedding?.[0] ?? null,
    heads,
    keyValueHeads: find("num_key_value_heads", "num_kv_heads") ?? heads,
    tied: tiesEmbeddings(config),
    ropeTheta: find(
      "rope_theta",
      "rope_parameters.rope_theta",
      "rope_parameters.full_attention.rope_theta",
      "rotary_emb_base",
    ),
    dtypes: floatTypes(model),
    tokenizer: model.tokenizer,
  };
}

/** Rows and columns of the tallest embedding matrix: words outnumber positions and token types. */
function embeddingShape({ checkpoint, family }: Model): readonly number[] | null {
  let best: readonly number[] | null = null;
  for (const { name, shape } of checkpoint.tensors.values()) {
    if (shape.length !== 2 || family.place(name).kind !== "embedding") continue;
    if (best === null || (shape[0] ?? 0) > (best[0] ?? 0)) best = shape;
  }
  return best;
}

function floatTypes({ checkpoint }: Model): Dtype[] {
  const elements = new Map<Dtype, number>();
  for (const { dtype: stored, nominal, shape } of checkpoint.tensors.values()) {
    const dtype = nominal ?? stored;
    if (isFloat(dtype)) elements.set(dtype, (elements.get(dtype) ?? 0) + countOf(shape));
  }
  return [...elements].sort((a, b) => b[1] - a[1]).map(([dtype]) => dtype);
}
