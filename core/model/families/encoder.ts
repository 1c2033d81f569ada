/** Text encoders, and encoder-decoders with their two stacks. */
import type { FamilyBlank } from "../family.ts";

const BERT_LIKE = {
  lanes: {
    norm: ["LayerNorm", "layer_norm"],
    embedding: ["embeddings"],
    head: ["cls.", "pooler", "classifier", "lm_head", "qa_outputs", "discriminator_predictions"],
    attention: ["attention."],
    mlp: ["intermediate.", "output.dense"],
  },
  depth: [{ where: "", keys: ["num_hidden_layers"] }],
  tied: [
    ["cls.predictions.decoder.weight", "embeddings.word_embeddings.weight"],
    ["lm_head.decoder.weight", "embeddings.word_embeddings.weight"],
  ],
} as const satisfies Partial<FamilyBlank>;

export const roberta: FamilyBlank = {
  id: "roberta",
  title: "RoBERTa",
  types: ["roberta", "xlm-roberta", "camembert"],
  architectures: ["Roberta", "XLMRoberta", "Camembert"],
  signature: ["roberta.", "attention.self.query"],
  ...BERT_LIKE,
};

export const bert: FamilyBlank = {
  id: "bert",
  title: "BERT",
  types: ["bert", "electra", "mpnet"],
  architectures: ["Bert", "Electra"],
  signature: ["attention.self.query", "embeddings.word_embeddings"],
  ...BERT_LIKE,
};

export const distilbert: FamilyBlank = {
  id: "distilbert",
  title: "DistilBERT",
  types: ["distilbert"],
  architectures: ["DistilBert"],
  signature: ["attention.q_lin"],
  lanes: {
    norm: ["_layer_norm", "LayerNorm"],
    embedding: ["embeddings"],
    head: ["vocab_", "classifier", "qa_outputs"],
    attention: ["attention."],
    mlp: ["ffn."],
  },
  depth: [{ where: "", keys: ["n_layers", "num_hidden_layers"] }],
  tied: [["vocab_projector.weight", "embeddings.word_embeddings.weight"]],
};

export const t5: FamilyBlank = {
  id: "t5",
  title: "T5",
  types: ["t5", "mt5", "umt5", "longt5"],
  architectures: ["T5", "MT5", "UMT5", "LongT5"],
  signature: ["SelfAttention", "DenseReluDense"],
  lanes: {
    norm: ["layer_norm"],
    embedding: ["shared.", "embed_tokens"],
    head: ["lm_head", "classification_head", "classifier"],
    attention: ["Attention"],
    mlp: ["DenseReluDense"],
  },
  depth: [
    { where: "decoder.", keys: ["num_decoder_layers"] },
    { where: "", keys: ["num_layers"] },
  ],
  tied: [
    ["lm_head.weight", "shared.weight"],
    ["encoder.embed_tokens.weight", "shared.weight"],
    ["decoder.embed_tokens.weight", "shared.weight"],
  ],
};

/** BART, Marian, Pegasus, Whisper: `model.decoder.layers.3.encoder_attn.k_proj.weight`. */
export const bart: FamilyBlank = {
  id: "bart",
  title: "BART",
  types: ["bart", "mbart", "marian", "pegasus", "m2m_100", "whisper"],
  architectures: ["Bart", "MBart", "Marian", "Pegasus", "M2M100", "Whisper"],
  signature: ["encoder_attn.", "self_attn.out_proj"],
  lanes: {
    norm: ["layer_norm", "layernorm"],
    embedding: ["embed_tokens", "embed_positions", "shared."],
    head: ["lm_head", "proj_out", "classification_head", "final_logits_bias"],
    attention: ["self_attn", "encoder_attn"],
    mlp: ["fc1", "fc2"],
  },
  depth: [
    { where: "decoder.", keys: ["decoder_layers"] },
    { where: "", keys: ["encoder_layers"] },
  ],
  tied: [
    ["lm_head.weight", "shared.weight"],
    ["proj_out.weight", "decoder.embed_tokens.weight"],
    ["encoder.embed_tokens.weight", "shared.weight"],
    ["decoder.embed_tokens.weight", "shared.weight"],
  ],
};
