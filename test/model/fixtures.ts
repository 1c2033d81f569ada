/**
 * One entry per family: a config, and real tensor names grouped by the kind they must get. Names are
 * those of published checkpoints, with few layers.
 */
import type { JsonObject, Kind } from "../../core/model/model.ts";

export interface Fixture {
  readonly title: string;
  readonly id: string;
  readonly config: JsonObject;
  /** What the bare names are taken for, when that differs from `id`. */
  readonly bare?: string;
  readonly kinds: Readonly<Partial<Record<Kind, readonly string[]>>>;
  readonly stacks: Readonly<Record<string, number>>;
  readonly layerKeys: Readonly<Record<string, string>>;
  /** Tensors outside the stacks that come after them. */
  readonly after: readonly string[];
  /** Filters whose exact form the mixer's recipes rely on. */
  readonly filters?: Readonly<Partial<Record<Kind, readonly string[]>>>;
}

const L = "model.layers.{0..3}";
const LLAMA_FILTERS = {
  attention: ["self_attn"],
  mlp: ["mlp"],
  norm: ["norm"],
  embedding: ["embed_tokens"],
  head: ["lm_head"],
} as const;

function llamaLike(
  title: string,
  id: string,
  type: string,
  changes: Partial<Fixture> = {},
  extra: Partial<Record<Kind, readonly string[]>> = {},
): Fixture {
  return {
    title,
    id,
    config: { model_type: type, num_hidden_layers: 4 },
    stacks: { "model.layers": 4 },
    layerKeys: { "model.layers": "num_hidden_layers" },
    after: ["model.norm.weight", "lm_head.weight"],
    filters: LLAMA_FILTERS,
    kinds: {
      attention: [`${L}.self_attn.{q,k,v,o}_proj.weight`],
      mlp: [`${L}.mlp.{gate,up,down}_proj.weight`],
      norm: [`${L}.{input_layernorm,post_attention_layernorm}.weight`, "model.norm.weight"],
      embedding: ["model.embed_tokens.weight"],
      head: ["lm_head.weight"],
      ...extra,
    },
    ...changes,
  };
}

const FOUR_NORMS = `${L}.{input_layernorm,post_attention_layernorm,pre_feedforward_layernorm,post_feedforward_layernorm}.weight`;
const QK_NORMS = `${L}.self_attn.{q,k}_norm.weight`;
const TIED = { after: ["model.norm.weight"], filters: {} };

export const DECODERS: readonly Fixture[] = [
  llamaLike("Llama", "llama", "llama"),
  llamaLike("Mistral", "mistral", "mistral", { bare: "llama" }),
  llamaLike(
    "Qwen2",
    "qwen2",
    "qwen2",
    {},
    { attention: [`${L}.self_attn.{q,k,v}_proj.{weight,bias}`, `${L}.self_attn.o_proj.weight`] },
  ),
  llamaLike(
    "Qwen3",
    "qwen3",
    "qwen3",
    {},
    {
      norm: [`${L}.{input_layernorm,post_attention_layernorm}.weight`, QK_NORMS, "model.norm.weight"],
    },
  ),
  llamaLike(
    "Qwen3 MoE",
    "qwen3",
    "qwen3_moe",
    {},
    {
      norm: [`${L}.{input_layernorm,post_attention_layernorm}.weight`, QK_NORMS, "model.norm.weight"],
      mlp: [`${L}.mlp.experts.{0..3}.{gate,up,down}_proj.weight`, `${L}.mlp.gate.weight`],
    },
  ),
  llamaLike(
    "Mixtral",
    "mixtral",
    "mixtral",
    { filters: { ...LLAMA_FILTERS, mlp: ["block_sparse_moe"] } },
    {
      mlp: [`${L}.block_sparse_moe.experts.{0..3}.{w1,w2,w3}.weight`, `${L}.block_sparse_moe.gate.weight`],
    },
  ),
  llamaLike("Gemma", "gemma", "gemma", { bare: "llama", ...TIED }, { head: [] }),
  llamaLike("Gemma 2", "gemma2", "gemma2", TIED, { head: [], norm: [FOUR_NORMS, "model.norm.weight"] }),
  llamaLike("Gemma 3", "gemma3", "gemma3_text", TIED, { head: [], norm: [FOUR_NORMS, QK_NORMS, "model.norm.weight"] }),
  llamaLike(
    "Phi-3",
    "phi3",
    "phi3",
    {},
    {
      attention: [`${L}.self_attn.{qkv,o}_proj.weight`],
      mlp: [`${L}.mlp.{gate_up,down}_proj.weight`],
    },
  ),
  llamaLike(
    "OLMo 2",
    "decoder",
    "olmo2",
    {},
    {
      norm: [`${L}.{post_attention_layernorm,post_feedforward_layernorm}.weight`, QK_NORMS, "model.norm.weight"],
    },
  ),
  llamaLike("a Llama of an unlisted type", "decoder", "helium", { bare: "llama" }),
  {
    title: "Gemma 3 with vision, old prefixes",
    id: "gemma3",
    config: {
      architectures: ["Gemma3ForConditionalGeneration"],
      model_type: "gemma3",
      text_config: { model_type: "gemma3_text", num_hidden_layers: 3 },
      vision_config: { model_type: "siglip_vision_model", num_hidden_layers: 2 },
    },
    kinds: {
      attention: [
        "language_model.model.layers.{0..2}.self_attn.{q,k,v,o}_proj.weight",
        "vision_tower.vision_model.encoder.layers.{0..1}.self_attn.{q,k,v,out}_proj.weight",
      ],
      mlp: [
        "language_model.model.layers.{0..2}.mlp.{gate,up,down}_proj.weight",
        "vision_tower.vision_model.encoder.layers.{0..1}.mlp.fc{1,2}.weight",
      ],
      norm: [
        "language_model.model.layers.{0..2}.{input,pre_feedforward}_layernorm.weight",
        "language_model.model.layers.{0..2}.self_attn.{q,k}_norm.weight",
        "language_model.model.norm.weight",
        "vision_tower.vision_model.encoder.layers.{0..1}.layer_norm{1,2}.weight",
        "vision_tower.vision_model.post_layernorm.weight",
        "multi_modal_projector.mm_soft_emb_norm.weight",
      ],
      embedding: [
        "language_model.model.embed_tokens.weight",
        "vision_tower.vision_model.embeddings.patch_embedding.weight",
      ],
      other: ["multi_modal_projector.mm_input_projection_weight"],
    },
    stacks: { "language_model.model.layers": 3, "vision_tower.vision_model.encoder.layers": 2 },
    layerKeys: {
      "language_model.model.layers": "text_config.num_hidden_layers",
      "vision_tower.vision_model.encoder.layers": "vision_config.num_hidden_layers",
    },
    after: [
      "language_model.model.norm.weight",
      "vision_tower.vision_model.post_layernorm.weight",
      "multi_modal_projector.mm_soft_emb_norm.weight",
    ],
  },
  {
    title: "Qwen2.5-VL, new prefixes",
    id: "qwen2",
    config: {
      model_type: "qwen2_5_vl",
      text_config: { model_type: "qwen2_5_vl_text", num_hidden_layers: 3 },
      vision_config: { depth: 2, hidden_size: 8 },
    },
    kinds: {
      attention: [
        "model.language_model.layers.{0..2}.self_attn.{q,k,v}_proj.{weight,bias}",
        "model.language_model.layers.{0..2}.self_attn.o_proj.weight",
        "model.visual.blocks.{0..1}.attn.{qkv,proj}.{weight,bias}",
      ],
      mlp: [
        "model.language_model.layers.{0..2}.mlp.{gate,up,down}_proj.weight",
        "model.visual.blocks.{0..1}.mlp.{gate,up,down}_proj.weight",
        "model.visual.merger.mlp.{0,2}.weight",
      ],
      norm: [
        "model.language_model.layers.{0..2}.input_layernorm.weight",
        "model.language_model.norm.weight",
        "model.visual.blocks.{0..1}.norm{1,2}.weight",
      ],
      embedding: ["model.language_model.embed_tokens.weight", "model.visual.patch_embed.proj.weight"],
      head: ["lm_head.weight"],
    },
    stacks: { "model.language_model.layers": 3, "model.visual.blocks": 2 },
    layerKeys: {
      "model.language_model.layers": "text_config.num_hidden_layers",
      "model.visual.blocks": "vision_config.depth",
    },
    after: ["model.language_model.norm.weight", "lm_head.weight"],
  },
  {
    title: "GPT-2",
    id: "gpt2",
    config: { model_type: "gpt2", n_layer: 4, architectures: ["GPT2LMHeadModel"] },
    kinds: {
      attention: ["h.{0..3}.attn.{c_attn,c_proj}.{weight,bias}", "h.{0..3}.attn.bias"],
      mlp: ["h.{0..3}.mlp.{c_fc,c_proj}.{weight,bias}"],
      norm: ["h.{0..3}.ln_{1,2}.{weight,bias}", "ln_f.{weight,bias}"],
      embedding: ["wte.weight", "wpe.weight"],
    },
    stacks: { h: 4 },
    layerKeys: { h: "n_layer" },
    after: ["ln_f.weight", "ln_f.bias"],
    filters: { attention: ["attn."], mlp: ["mlp."], norm: ["ln_"], embedding: ["wte", "wpe"] },
  },
  {
    title: "GPT-NeoX",
    id: "gpt-neox",
    config: { model_type: "gpt_neox", num_hidden_layers: 3 },
    kinds: {
      attention: [
        "gpt_neox.layers.{0..2}.attention.{query_key_value,dense}.{weight,bias}",
        "gpt_neox.layers.{0..2}.attention.rotary_emb.inv_freq",
      ],
      mlp: ["gpt_neox.layers.{0..2}.mlp.dense_{h_to_4h,4h_to_h}.{weight,bias}"],
      norm: [
        "gpt_neox.layers.{0..2}.{input,post_attention}_layernorm.{weight,bias}",
        "gpt_neox.final_layer_norm.{weight,bias}",
      ],
      embedding: ["gpt_neox.embed_in.weight"],
      head: ["embed_out.weight"],
    },
    stacks: { "gpt_neox.layers": 3 },
    layerKeys: { "gpt_neox.layers": "num_hidden_layers" },
    after: ["gpt_neox.final_layer_norm.weight", "gpt_neox.final_layer_norm.bias", "embed_out.weight"],
  },
];

const bertLayer = (prefix: string) => ({
  attention: [
    `${prefix}.attention.self.{query,key,value}.{weight,bias}`,
    `${prefix}.attention.output.dense.{weight,bias}`,
  ],
  mlp: [`${prefix}.{intermediate,output}.dense.{weight,bias}`],
  norm: [`${prefix}.attention.output.LayerNorm.{weight,bias}`, `${prefix}.output.LayerNorm.{weight,bias}`],
});

const BERT = bertLayer("bert.encoder.layer.{0..2}");
const ROBERTA = bertLayer("roberta.encoder.layer.{0..2}");

export const ENCODERS: readonly Fixture[] = [
  {
    title: "BERT",
    id: "bert",
    config: { architectures: ["BertForMaskedLM"], model_type: "bert", num_hidden_layers: 3 },
    kinds: {
      ...BERT,
      norm: [...BERT.norm, "bert.embeddings.LayerNorm.{weight,bias}", "cls.predictions.transform.LayerNorm.weight"],
      embedding: ["bert.embeddings.{word,position,token_type}_embeddings.weight", "bert.embeddings.position_ids"],
      head: ["cls.predictions.bias", "cls.predictions.transform.dense.weight", "bert.pooler.dense.weight"],
    },
    stacks: { "bert.encoder.layer": 3 },
    layerKeys: { "bert.encoder.layer": "num_hidden_layers" },
    after: [
      "cls.predictions.transform.LayerNorm.weight",
      "cls.predictions.bias",
      "cls.predictions.transform.dense.weight",
      "bert.pooler.dense.weight",
    ],
  },
  {
    title: "RoBERTa",
    id: "roberta",
    config: { model_type: "roberta", num_hidden_layers: 3 },
    kinds: {
      ...ROBERTA,
      norm: [...ROBERTA.norm, "roberta.embeddings.LayerNorm.weight", "lm_head.layer_norm.weight"],
      embedding: ["roberta.embeddings.{word,position}_embeddings.weight"],
      head: ["lm_head.dense.weight", "lm_head.bias"],
    },
    stacks: { "roberta.encoder.layer": 3 },
    layerKeys: { "roberta.encoder.layer": "num_hidden_layers" },
    after: ["lm_head.layer_norm.weight", "lm_head.dense.weight", "lm_head.bias"],
  },
  {
    title: "DistilBERT",
    id: "distilbert",
    config: { model_type: "distilbert", n_layers: 2 },
    kinds: {
      attention: ["distilbert.transformer.layer.{0..1}.attention.{q,k,v,out}_lin.{weight,bias}"],
      mlp: ["distilbert.transformer.layer.{0..1}.ffn.lin{1,2}.{weight,bias}"],
      norm: [
        "distilbert.transformer.layer.{0..1}.{sa,output}_layer_norm.{weight,bias}",
        "distilbert.embeddings.LayerNorm.weight",
        "vocab_layer_norm.weight",
      ],
      embedding: ["distilbert.embeddings.{word,position}_embeddings.weight"],
      head: ["vocab_transform.weight", "vocab_projector.bias"],
    },
    stacks: { "distilbert.transformer.layer": 2 },
    layerKeys: { "distilbert.transformer.layer": "n_layers" },
    after: ["vocab_layer_norm.weight", "vocab_transform.weight", "vocab_projector.bias"],
  },
  {
    title: "T5 (flan, gated)",
    id: "t5",
    config: { model_type: "t5", num_layers: 3, num_decoder_layers: 2, architectures: ["T5ForConditionalGeneration"] },
    kinds: {
      attention: [
        "encoder.block.{0..2}.layer.0.SelfAttention.{q,k,v,o}.weight",
        "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
        "decoder.block.{0..1}.layer.0.SelfAttention.{q,k,v,o}.weight",
        "decoder.block.{0..1}.layer.1.EncDecAttention.{q,k,v,o}.weight",
      ],
      mlp: [
        "encoder.block.{0..2}.layer.1.DenseReluDense.{wi_0,wi_1,wo}.weight",
        "decoder.block.{0..1}.layer.2.DenseReluDense.{wi_0,wi_1,wo}.weight",
      ],
      norm: [
        "encoder.block.{0..2}.layer.{0..1}.layer_norm.weight",
        "decoder.block.{0..1}.layer.{0..2}.layer_norm.weight",
        "{encoder,decoder}.final_layer_norm.weight",
      ],
      embedding: ["shared.weight"],
      head: ["lm_head.weight"],
    },
    stacks: { "encoder.block": 3, "decoder.block": 2 },
    layerKeys: { "encoder.block": "num_layers", "decoder.block": "num_decoder_layers" },
    after: ["encoder.final_layer_norm.weight", "decoder.final_layer_norm.weight", "lm_head.weight"],
  },
  {
    title: "BART",
    id: "bart",
    config: { model_type: "bart", encoder_layers: 2, decoder_layers: 3, num_hidden_layers: 2 },
    kinds: {
      attention: [
        "model.encoder.layers.{0..1}.self_attn.{q,k,v,out}_proj.weight",
        "model.decoder.layers.{0..2}.{self_attn,encoder_attn}.{q,k,v,out}_proj.weight",
      ],
      mlp: ["model.encoder.layers.{0..1}.fc{1,2}.weight", "model.decoder.layers.{0..2}.fc{1,2}.weight"],
      norm: [
        "model.encoder.layers.{0..1}.{self_attn,final}_layer_norm.weight",
        "model.decoder.layers.{0..2}.{self_attn,encoder_attn,final}_layer_norm.weight",
        "model.{encoder,decoder}.layernorm_embedding.weight",
      ],
      embedding: ["model.shared.weight", "model.{encoder,decoder}.embed_positions.weight"],
      head: ["final_logits_bias"],
    },
    stacks: { "model.encoder.layers": 2, "model.decoder.layers": 3 },
    layerKeys: { "model.encoder.layers": "encoder_layers", "model.decoder.layers": "decoder_layers" },
    after: ["final_logits_bias"],
  },
];

export const VISION: readonly Fixture[] = [
  {
    title: "ViT",
    id: "vit",
    config: { model_type: "vit", num_hidden_layers: 2 },
    kinds: {
      attention: [
        "vit.encoder.layer.{0..1}.attention.attention.{query,key,value}.{weight,bias}",
        "vit.encoder.layer.{0..1}.attention.output.dense.weight",
      ],
      mlp: ["vit.encoder.layer.{0..1}.{intermediate,output}.dense.weight"],
      norm: ["vit.encoder.layer.{0..1}.layernorm_{before,after}.weight", "vit.layernorm.weight"],
      embedding: [
        "vit.embeddings.cls_token",
        "vit.embeddings.position_embeddings",
        "vit.embeddings.patch_embeddings.projection.weight",
      ],
      head: ["classifier.weight"],
    },
    stacks: { "vit.encoder.layer": 2 },
    layerKeys: { "vit.encoder.layer": "num_hidden_layers" },
    after: ["vit.layernorm.weight", "classifier.weight"],
  },
  {
    title: "ViT (timm)",
    id: "vit-timm",
    config: { architecture: "vit_base_patch16_224", num_classes: 1000 },
    kinds: {
      attention: ["blocks.{0..2}.attn.{qkv,proj}.{weight,bias}"],
      mlp: ["blocks.{0..2}.mlp.fc{1,2}.{weight,bias}"],
      norm: ["blocks.{0..2}.norm{1,2}.weight", "norm.weight"],
      embedding: ["cls_token", "pos_embed", "patch_embed.proj.weight"],
      head: ["head.weight", "head.bias"],
    },
    stacks: { blocks: 3 },
    layerKeys: {},
    after: ["norm.weight", "head.weight", "head.bias"],
  },
  {
    title: "CLIP",
    id: "clip",
    config: {
      model_type: "clip",
      text_config: { model_type: "clip_text_model", num_hidden_layers: 3 },
      vision_config: { model_type: "clip_vision_model", num_hidden_layers: 2 },
    },
    kinds: {
      attention: [
        "text_model.encoder.layers.{0..2}.self_attn.{q,k,v,out}_proj.{weight,bias}",
        "vision_model.encoder.layers.{0..1}.self_attn.{q,k,v,out}_proj.{weight,bias}",
      ],
      mlp: [
        "text_model.encoder.layers.{0..2}.mlp.fc{1,2}.weight",
        "vision_model.encoder.layers.{0..1}.mlp.fc{1,2}.weight",
      ],
      norm: [
        "text_model.encoder.layers.{0..2}.layer_norm{1,2}.weight",
        "vision_model.encoder.layers.{0..1}.layer_norm{1,2}.weight",
        "text_model.final_layer_norm.weight",
        "vision_model.pre_layrnorm.weight",
        "vision_model.post_layernorm.weight",
      ],
      embedding: [
        "text_model.embeddings.{token,position}_embedding.weight",
        "vision_model.embeddings.class_embedding",
        "vision_model.embeddings.patch_embedding.weight",
      ],
      head: ["text_projection.weight", "visual_projection.weight"],
      other: ["logit_scale"],
    },
    stacks: { "text_model.encoder.layers": 3, "vision_model.encoder.layers": 2 },
    layerKeys: {
      "text_model.encoder.layers": "text_config.num_hidden_layers",
      "vision_model.encoder.layers": "vision_config.num_hidden_layers",
    },
    after: [
      "text_model.final_layer_norm.weight",
      "vision_model.post_layernorm.weight",
      "text_projection.weight",
      "visual_projection.weight",
    ],
  },
  {
    title: "OpenCLIP",
    id: "open-clip",
    config: { model_cfg: { embed_dim: 8 } },
    kinds: {
      attention: [
        "transformer.resblocks.{0..2}.attn.{in_proj_weight,in_proj_bias,out_proj.weight}",
        "visual.transformer.resblocks.{0..1}.attn.{in_proj_weight,out_proj.weight}",
      ],
      mlp: [
        "transformer.resblocks.{0..2}.mlp.{c_fc,c_proj}.weight",
        "visual.transformer.resblocks.{0..1}.mlp.c_fc.weight",
      ],
      norm: [
        "transformer.resblocks.{0..2}.ln_{1,2}.weight",
        "visual.transformer.resblocks.{0..1}.ln_{1,2}.weight",
        "ln_final.weight",
        "visual.ln_post.weight",
      ],
      embedding: ["token_embedding.weight", "positional_embedding", "visual.class_embedding", "visual.conv1.weight"],
      head: ["text_projection", "visual.proj"],
      other: ["logit_scale"],
    },
    stacks: { "transformer.resblocks": 3, "visual.transformer.resblocks": 2 },
    layerKeys: {},
    after: ["ln_final.weight", "visual.ln_post.weight", "text_projection", "visual.proj"],
  },
];
