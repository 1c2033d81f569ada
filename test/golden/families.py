"""Tiny models of other families, as transformers saves them: two of each, `-a` and its fine-tune `-b`. Two layers.

  qwen2    query, key and value biases       qwen3    query and key norms, layer_types in the config
  mistral  Llama's names                     gemma3   four norms a layer, tied, layer_types
  gpt2     Conv1D (transposed), n_layer      t5       encoder and decoder, each with its stack
  tied     Llama whose head is its embedding; tied-c is the same family untied
"""

import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
    T5Config,
)

SIZE = {
    "vocab_size": 40,
    "hidden_size": 8,
    "intermediate_size": 10,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": None,
}
TOKENIZED = ("qwen2", "qwen3", "mistral")
CONFIGS = {
    "qwen2": lambda: Qwen2Config(**SIZE, tie_word_embeddings=False),
    "qwen3": lambda: Qwen3Config(**SIZE, head_dim=4, tie_word_embeddings=False),
    "mistral": lambda: MistralConfig(**SIZE, sliding_window=None, tie_word_embeddings=False),
    "gemma3": lambda: Gemma3TextConfig(**SIZE, head_dim=4, sliding_window=16, layer_types=["sliding_attention", "full_attention"]),
    "gpt2": lambda: GPT2Config(vocab_size=40, n_positions=16, n_embd=8, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=2),
    "t5": lambda: T5Config(vocab_size=40, d_model=8, d_kv=4, d_ff=10, num_layers=2, num_decoder_layers=2, num_heads=2, feed_forward_proj="gated-gelu", tie_word_embeddings=False, relative_attention_num_buckets=4),
    "tied": lambda: LlamaConfig(**SIZE, tie_word_embeddings=True),
}


def fill(tensors, rng, near=None, zero_mean=False):
    """Random values; norms around one (around zero for Gemma). `near`: sparse changes to that model."""
    out = {}
    for name, t in sorted(tensors.items()):
        shape = tuple(t.shape)
        center = 1 if ("norm" in name or ".ln_" in name) and name.endswith("weight") and not zero_mean else 0
        value = rng.normal(center, 0.05 if len(shape) == 1 else 0.1, shape)
        if near is not None:
            scale = 0.02 if len(shape) == 1 else 0.06
            value = near[name].double().numpy() + rng.normal(0, scale, shape) * (rng.random(shape) < 0.6)
        out[name] = torch.from_numpy(value.astype(np.float32)).contiguous()
    return out


def save(folder, config, auto, rng, near=None):
    """Writes the model with the names that transformers saves; returns its tensors."""
    model = auto.from_config(config)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    file = folder / "model.safetensors"
    tensors = fill(load_file(file), rng, near, "gemma" in config.model_type)
    save_file(tensors, file, metadata={"format": "pt"})
    return tensors


def tokenizer(root, folder):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(root / "tok-base" / name, folder / name)


def write(root: Path):
    for i, (name, config) in enumerate(CONFIGS.items()):
        auto = AutoModelForSeq2SeqLM if name == "t5" else AutoModelForCausalLM
        rng = np.random.default_rng(300 + i)
        first = save(root / f"{name}-a", config(), auto, rng)
        save(root / f"{name}-b", config(), auto, rng, first)
        if name in TOKENIZED:
            tokenizer(root, root / f"{name}-a")
    rng = np.random.default_rng(400)
    untied = LlamaConfig(**SIZE, tie_word_embeddings=False)
    near = load_file(root / "tied-a/model.safetensors")
    near["lm_head.weight"] = near["model.embed_tokens.weight"] * 0.5
    save(root / "tied-c", untied, AutoModelForCausalLM, rng, near)
    extras(root, near, rng)


def extras(root, near, rng):
    """Two Llamas, extra-a and extra-b: with rotary buffers (F32), an integer buffer and a tensor that no Llama has;
    extra-b lacks the latter and has 36 rows."""
    for who in "ab":
        tensors = fill(near, rng, near)
        if who == "b":
            for name in ("lm_head.weight", "model.embed_tokens.weight"):
                tensors[name] = tensors[name][:36].contiguous()
        for i in range(2):
            tensors[f"model.layers.{i}.self_attn.rotary_emb.inv_freq"] = torch.tensor([1.0, 0.01])
        tensors["model.position_ids"] = torch.arange(16, dtype=torch.int64).unsqueeze(0)
        if who == "a":
            tensors["model.value_head.weight"] = torch.from_numpy(rng.normal(0, 0.1, (1, 8)).astype(np.float32))
        folder = root / f"extra-{who}"
        LlamaConfig(**{**SIZE, "vocab_size": 40 if who == "a" else 36}, architectures=["LlamaForCausalLM"], dtype="float32").save_pretrained(folder)
        save_file(dict(sorted(tensors.items())), folder / "model.safetensors", metadata={"format": "pt"})
