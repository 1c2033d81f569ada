/**
 * A mixture of experts from dense models, in mergekit-moe's vocabulary: attention and everything else from the
 * base, one feed-forward block per expert, and a router made without training.
 */
import type { RecipeDtype } from "./recipe.ts";

/**
 * How router rows are made. random: standard normal. uniform_random: as a fresh linear layer. cheap_embed: the
 * summed token embeddings of the expert's prompts, the same row in all layers.
 */
export type GateMode = "random" | "uniform_random" | "cheap_embed";

/** What the result is configured as. Absent: the first that fits the models, Mixtral preferred. */
export type MoeArchitecture = "mixtral" | "deepseek" | "qwen" | "qwen3";

export interface MoeExpert {
  /** A model as recipes name them (ref.ts). */
  readonly source_model: string;
  readonly positive_prompts?: readonly string[];
  readonly negative_prompts?: readonly string[];
  /** Standard deviation of noise added to the expert's weights. */
  readonly noise_scale?: number;
  /** Factor on the expert's down projection. */
  readonly residual_scale?: number;
}

export interface MoeRecipe {
  readonly base_model: string;
  /** At least experts_per_token of them. */
  readonly experts: readonly MoeExpert[];
  readonly gate_mode: GateMode;
  readonly dtype?: RecipeDtype;
  /** 2 when absent. */
  readonly experts_per_token?: number;
  readonly shared_experts?: readonly MoeExpert[];
  readonly architecture?: MoeArchitecture;
}
