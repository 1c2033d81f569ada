/** Vision transformers and the two-tower models. */
import type { FamilyBlank } from "../family.ts";

export const vit: FamilyBlank = {
  id: "vit",
  title: "ViT",
  types: ["vit", "deit", "dinov2", "beit", "vit_mae"],
  architectures: ["ViT", "DeiT", "Dinov2", "Beit"],
  signature: ["attention.attention.query"],
  lanes: {
    norm: ["norm"],
    embedding: ["embeddings"],
    head: ["classifier", "pooler"],
    attention: ["attention."],
    mlp: ["intermediate.", "output.dense", "mlp."],
  },
  depth: [{ where: "", keys: ["num_hidden_layers"] }],
};

/** The names of the timm library: `blocks.0.attn.qkv.weight`. */
export const timm: FamilyBlank = {
  id: "vit-timm",
  title: "ViT (timm)",
  types: [],
  architectures: [],
  signature: ["blocks.", "attn.qkv", "patch_embed"],
  without: ["layers.", "merger."],
  lanes: {
    norm: ["norm"],
    embedding: ["patch_embed", "pos_embed", "cls_token", "dist_token", "reg_token"],
    head: ["head.", "head_dist."],
    attention: ["attn."],
    mlp: ["mlp."],
  },
  depth: [],
};

export const clip: FamilyBlank = {
  id: "clip",
  title: "CLIP",
  types: ["clip", "clip_text_model", "clip_vision_model", "siglip", "siglip2", "siglip_vision_model", "chinese_clip"],
  architectures: ["CLIP", "Siglip"],
  signature: ["encoder.layers.", "self_attn.out_proj", "layer_norm1"],
  without: ["embed_tokens"],
  lanes: {
    // CLIP's own spelling of "pre_layrnorm" ends in "norm" all the same.
    norm: ["norm"],
    embedding: ["embeddings"],
    head: ["projection", "vision_model.head", "text_model.head"],
    attention: ["self_attn"],
    mlp: ["mlp."],
  },
  depth: [{ where: "", keys: ["num_hidden_layers"] }],
};

/** The names of the first CLIP code and of OpenCLIP: `visual.transformer.resblocks.0.attn.in_proj_weight`. */
export const openClip: FamilyBlank = {
  id: "open-clip",
  title: "OpenCLIP",
  types: [],
  architectures: [],
  signature: ["resblocks.", "attn.in_proj"],
  without: ["diffusion_model"],
  lanes: {
    norm: ["ln_"],
    embedding: ["embedding", "visual.conv1"],
    head: ["text_projection", "visual.proj"],
    attention: ["attn."],
    mlp: ["mlp."],
  },
  depth: [],
};
