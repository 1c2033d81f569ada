/**
 * A mixture of experts from dense models, in mergekit-moe's vocabulary: attention and everything else from the
 * base, one feed-forward block per expert, and a router made without training. It is read in moe-file.ts.
 */
import type { RecipeDtype } from "./recipe.ts";
import { item, line, refLine, text } from "./yaml.ts";

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

/** Every model a mixture names, the base first. */
export function modelsOfMoe({ base_model: base, experts, shared_experts: shared = [] }: MoeRecipe): string[] {
  return [...new Set([base, ...[...experts, ...shared].map((one) => one.source_model)])];
}

/** A mixture as YAML, read back to an equal one. */
export function printMoe(moe: MoeRecipe): string {
  const { shared_experts: shared } = moe;
  const lines = [
    ...refLine("base_model", moe.base_model),
    ...line("gate_mode", moe.gate_mode),
    ...line("dtype", moe.dtype),
    ...line("experts_per_token", moe.experts_per_token),
    ...line("architecture", moe.architecture),
    "experts:",
    ...moe.experts.flatMap((one) => item(expert(one))),
    ...(shared === undefined ? [] : ["shared_experts:", ...shared.flatMap((one) => item(expert(one)))]),
  ];
  return `${lines.join("\n")}\n`;
}

function expert(one: MoeExpert): string[] {
  const prompts = (key: "positive_prompts" | "negative_prompts") =>
    one[key] === undefined ? [] : [`${key}:`, ...one[key].flatMap((prompt) => item([text(prompt)]))];
  return [
    ...refLine("source_model", one.source_model),
    ...prompts("positive_prompts"),
    ...prompts("negative_prompts"),
    ...line("noise_scale", one.noise_scale),
    ...line("residual_scale", one.residual_scale),
  ];
}
