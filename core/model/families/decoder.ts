/** Decoder-only language models, and the models that wrap one beside a vision tower. */
import type { FamilyBlank } from "../family.ts";

/** Llama's layout and its relatives': `model.layers.7.self_attn.q_proj.weight`. */
const LLAMA_LIKE = {
  lanes: {
    norm: ["norm"],
    embedding: ["embed_tokens", "embeddings", "patch_embed", "pos_embed"],
    head: ["lm_head", "score."],
    attention: ["self_attn", ".attn.", "linear_attn", "cross_attn", ".attention."],
    mlp: ["mlp", "block_sparse_moe", "feed_forward", "experts", "fc1", "fc2"],
  },
  depth: [{ where: "", keys: ["num_hidden_layers", "n_layer", "num_layers"] }],
  tied: [["lm_head.weight", "embed_tokens.weight"]],
} as const satisfies Partial<FamilyBlank>;

export const gemma3: FamilyBlank = {
  id: "gemma3",
  title: "Gemma 3",
  types: ["gemma3", "gemma3_text"],
  architectures: ["Gemma3For"],
  signature: ["pre_feedforward_layernorm", "self_attn.q_norm"],
  ...LLAMA_LIKE,
};

export const gemma2: FamilyBlank = {
  id: "gemma2",
  title: "Gemma 2",
  types: ["gemma2"],
  architectures: ["Gemma2For"],
  signature: ["pre_feedforward_layernorm", "self_attn.o_proj"],
  without: ["q_norm", "per_layer"],
  ...LLAMA_LIKE,
};

export const gemma: FamilyBlank = {
  id: "gemma",
  title: "Gemma",
  types: ["gemma"],
  architectures: ["GemmaFor"],
  // The same names as Llama, so only a config tells.
  signature: [],
  ...LLAMA_LIKE,
};

export const qwen3: FamilyBlank = {
  id: "qwen3",
  title: "Qwen3",
  types: ["qwen3", "qwen3_moe", "qwen3_vl", "qwen3_vl_text", "qwen3_vl_moe", "qwen3_vl_moe_text"],
  architectures: ["Qwen3For", "Qwen3Moe", "Qwen3VL"],
  signature: ["self_attn.q_norm", "self_attn.o_proj", "input_layernorm", "embed_tokens"],
  without: ["feedforward_layernorm"],
  ...LLAMA_LIKE,
};

export const qwen2: FamilyBlank = {
  id: "qwen2",
  title: "Qwen2",
  types: ["qwen2", "qwen2_moe", "qwen2_vl", "qwen2_vl_text", "qwen2_5_vl", "qwen2_5_vl_text"],
  architectures: ["Qwen2For", "Qwen2Moe", "Qwen2VL", "Qwen2_5_VL"],
  signature: ["self_attn.q_proj.bias", "self_attn.o_proj.weight", "embed_tokens"],
  without: ["q_norm", "o_proj.bias"],
  ...LLAMA_LIKE,
};

export const phi3: FamilyBlank = {
  id: "phi3",
  title: "Phi-3",
  types: ["phi3", "phi3_v", "phi4mm"],
  architectures: ["Phi3", "Phi4MM"],
  signature: ["self_attn.qkv_proj", "mlp.gate_up_proj"],
  ...LLAMA_LIKE,
};

export const mixtral: FamilyBlank = {
  id: "mixtral",
  title: "Mixtral",
  types: ["mixtral"],
  architectures: ["MixtralFor"],
  signature: ["block_sparse_moe.experts.", "self_attn.o_proj"],
  ...LLAMA_LIKE,
};

export const mistral: FamilyBlank = {
  id: "mistral",
  title: "Mistral",
  types: ["mistral", "mistral3", "ministral", "ministral3"],
  architectures: ["Mistral"],
  // The same names as Llama, so only a config tells.
  signature: [],
  ...LLAMA_LIKE,
};

export const llama: FamilyBlank = {
  id: "llama",
  title: "Llama",
  types: ["llama", "llama4", "llama4_text", "mllama", "mllama_text_model"],
  architectures: ["LlamaFor", "LLaMAFor", "Llama4For", "Mllama"],
  signature: ["self_attn.q_proj", "self_attn.o_proj", "input_layernorm", "embed_tokens"],
  without: ["q_norm", "feedforward_layernorm", "_proj.bias"],
  ...LLAMA_LIKE,
};

/** Granite, OLMo, Cohere, DeepSeek, SmolLM3 ... : everything that names its parts as Llama does. */
export const decoder: FamilyBlank = {
  id: "decoder",
  title: "Decoder",
  types: ["olmo", "olmo2", "olmo3", "granite", "cohere", "cohere2", "stablelm", "starcoder2", "smollm3", "phi", "opt"],
  architectures: ["Olmo", "Granite", "Cohere", "StableLm", "Deepseek", "SmolLM", "PhiFor", "OPTFor"],
  signature: ["layers.", "self_attn", "embed_tokens"],
  without: ["encoder_attn"],
  general: true,
  ...LLAMA_LIKE,
};

export const gpt2: FamilyBlank = {
  id: "gpt2",
  title: "GPT-2",
  types: ["gpt2", "gpt_bigcode"],
  architectures: ["GPT2", "GPTBigCode"],
  signature: ["attn.c_attn", "wte."],
  lanes: {
    norm: ["ln_"],
    embedding: ["wte", "wpe"],
    head: ["lm_head", "score."],
    attention: ["attn.", "crossattention."],
    mlp: ["mlp."],
  },
  depth: [{ where: "", keys: ["n_layer", "num_hidden_layers"] }],
  tied: [["lm_head.weight", "wte.weight"]],
};

export const gptNeox: FamilyBlank = {
  id: "gpt-neox",
  title: "GPT-NeoX",
  types: ["gpt_neox"],
  architectures: ["GPTNeoXFor"],
  signature: ["attention.query_key_value", "embed_in"],
  lanes: {
    norm: ["layernorm", "layer_norm"],
    embedding: ["embed_in"],
    head: ["embed_out", "score."],
    attention: ["attention."],
    mlp: ["mlp."],
  },
  depth: [{ where: "", keys: ["num_hidden_layers"] }],
  tied: [["embed_out.weight", "embed_in.weight"]],
};
