/**
 * The three mixtures a result can be configured as. A target is one object of blanks: which dense models it
 * takes, what it calls the router and the experts' matrices, and which keys its config.json needs. The names are
 * those of the released checkpoints, one tensor per expert, which transformers 4 and 5 and converters read.
 */
import type { Json, JsonObject } from "../model/model.ts";
import type { MoeArchitecture } from "../recipe/moe.ts";

/** The matrices of a gated feed-forward block, as dense models call them. */
export const MATRICES = ["gate_proj", "up_proj", "down_proj"] as const;
export type Matrix = (typeof MATRICES)[number];

/** The figures of a mixture that its config states. */
export interface Figures {
  readonly experts: number;
  readonly perToken: number;
  /** Rows of an expert's gate and up projections. */
  readonly width: number;
  /** The same of the shared expert; null without one. */
  readonly sharedWidth: number | null;
}

export interface Target {
  /** As in `architecture:`. */
  readonly id: Exclude<MoeArchitecture, "deepseek">;
  readonly title: string;
  /** `model_type` of dense models it can be made of. */
  readonly types: readonly string[];
  /** Names of its one shared expert, below `model.layers.N.`; null when it has none. */
  readonly shared: { readonly router: string; expert(matrix: Matrix): string } | null;
  /** Parts of a layer outside the feed-forward block that must be there ... */
  readonly needs: readonly string[];
  /** ... that may be ... */
  readonly takes: readonly string[];
  /** ... and that are zeros in a base without them: the bias of the projection of that name. */
  readonly zeros: readonly string[];
  /** Names below `model.layers.N.`. */
  readonly router: string;
  expert(number: number, matrix: Matrix): string;
  /** Keys of config.json; undefined takes one out. */
  config(base: JsonObject, figures: Figures): Readonly<Record<string, Json | undefined>>;
}

const BLOCK = [
  "input_layernorm.weight",
  "self_attn.q_proj.weight",
  "self_attn.k_proj.weight",
  "self_attn.v_proj.weight",
  "self_attn.o_proj.weight",
  "post_attention_layernorm.weight",
] as const;

const BIASES = ["self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias"] as const;

/** What only the dense classes ask for. */
const DENSE_ONLY = { auto_map: undefined, pretraining_tp: undefined, mlp_bias: undefined } as const;

const ROUTING = { output_router_logits: false, router_aux_loss_coef: 0.001 } as const;

const mixtral: Target = {
  id: "mixtral",
  title: "Mixtral",
  types: ["llama", "mistral"],
  shared: null,
  needs: BLOCK,
  takes: [],
  zeros: [],
  router: "block_sparse_moe.gate.weight",
  expert: (number, matrix) =>
    `block_sparse_moe.experts.${number}.${{ gate_proj: "w1", down_proj: "w2", up_proj: "w3" }[matrix]}.weight`,
  config: (base, { experts, perToken, width }) => ({
    ...DENSE_ONLY,
    ...ROUTING,
    attention_bias: undefined,
    architectures: ["MixtralForCausalLM"],
    model_type: "mixtral",
    intermediate_size: width,
    num_local_experts: experts,
    num_experts_per_tok: perToken,
    // A Mistral's window stays: without it the mixture would not compute what the base does.
    sliding_window: base.model_type === "mistral" ? (base.sliding_window ?? null) : null,
  }),
};

const qwen: Target = {
  id: "qwen",
  title: "Qwen2-MoE",
  types: ["llama", "mistral", "qwen2"],
  shared: {
    router: "mlp.shared_expert_gate.weight",
    expert: (matrix) => `mlp.shared_expert.${matrix}.weight`,
  },
  needs: BLOCK,
  takes: BIASES,
  zeros: BIASES,
  router: "mlp.gate.weight",
  expert: (number, matrix) => `mlp.experts.${number}.${matrix}.weight`,
  config: (base, { experts, perToken, width, sharedWidth }) => ({
    ...DENSE_ONLY,
    ...ROUTING,
    ...(base.model_type === "qwen2" ? {} : { use_sliding_window: false, sliding_window: null }),
    attention_bias: undefined,
    qkv_bias: true,
    architectures: ["Qwen2MoeForCausalLM"],
    model_type: "qwen2_moe",
    intermediate_size: width,
    moe_intermediate_size: width,
    shared_expert_intermediate_size: sharedWidth,
    num_experts: experts,
    num_experts_per_tok: perToken,
    norm_topk_prob: true,
    decoder_sparse_step: 1,
    mlp_only_layers: [],
  }),
};

const qwen3: Target = {
  id: "qwen3",
  title: "Qwen3-MoE",
  types: ["qwen3"],
  shared: null,
  needs: [...BLOCK, "self_attn.q_norm.weight", "self_attn.k_norm.weight"],
  takes: [...BIASES, "self_attn.o_proj.bias"],
  zeros: [],
  router: "mlp.gate.weight",
  expert: (number, matrix) => `mlp.experts.${number}.${matrix}.weight`,
  config: (_, { experts, perToken, width }) => ({
    ...DENSE_ONLY,
    ...ROUTING,
    architectures: ["Qwen3MoeForCausalLM"],
    model_type: "qwen3_moe",
    intermediate_size: width,
    moe_intermediate_size: width,
    num_experts: experts,
    num_experts_per_tok: perToken,
    norm_topk_prob: true,
    decoder_sparse_step: 1,
    mlp_only_layers: [],
  }),
};

/** In order of preference. */
export const TARGETS: readonly Target[] = [mixtral, qwen, qwen3];
