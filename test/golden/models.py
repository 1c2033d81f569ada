"""Tiny random Llama checkpoints: a base and three fine-tunes, in F32 and rounded to BF16.

Fine-tunes are the base plus sparse, mixed-sign deltas whose size differs from tensor to tensor, so that
slerp meets both of its branches. Five tensors are special:

  a  model.layers.1.mlp.up_proj      identical to base
  b  model.layers.2.self_attn.v_proj all zeros
  b  model.layers.0.self_attn.q_proj nearly colinear with a's
  c  model.layers.3.mlp.gate_proj    nearly antiparallel to base's
  c  lm_head                         every delta has one magnitude, 2^-6, before rounding

`c` is stored in two shards with an index; everything else is one file. Sizes are odd on purpose
(vocabulary 37, intermediate 22, hidden 12, one key/value head).
"""

import json
import string
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig

HIDDEN, INTER, LAYERS, HEADS, KV, VOCAB = 12, 22, 4, 2, 1, 37
NAMES = ("base", "a", "b", "c")


def shapes():
    """Tensor names and shapes in the order transformers saves them."""
    head = HIDDEN // HEADS
    out = {"lm_head.weight": (VOCAB, HIDDEN), "model.embed_tokens.weight": (VOCAB, HIDDEN)}
    for i in range(LAYERS):
        for name, shape in {
            "input_layernorm": (HIDDEN,),
            "mlp.down_proj": (HIDDEN, INTER),
            "mlp.gate_proj": (INTER, HIDDEN),
            "mlp.up_proj": (INTER, HIDDEN),
            "post_attention_layernorm": (HIDDEN,),
            "self_attn.k_proj": (KV * head, HIDDEN),
            "self_attn.o_proj": (HIDDEN, HIDDEN),
            "self_attn.q_proj": (HIDDEN, HIDDEN),
            "self_attn.v_proj": (KV * head, HIDDEN),
        }.items():
            out[f"model.layers.{i}.{name}.weight"] = shape
    out["model.norm.weight"] = (HIDDEN,)
    return out


def values():
    """F32 arrays of all four models; the same on every machine (PCG64)."""
    rng = np.random.default_rng(20251)
    f32 = np.float32
    base = {n: (rng.normal(1, 0.05, s) if len(s) == 1 else rng.normal(0, 0.08, s)).astype(f32) for n, s in shapes().items()}
    out = {"base": base}
    for who in NAMES[1:]:
        model = {}
        for n, s in shapes().items():
            size = float(np.exp(rng.uniform(np.log(0.004), np.log(0.7)))) * (0.05 if len(s) == 1 else 0.08)
            big = rng.normal(0, size, s) * (rng.random(s) < 0.4)
            small = rng.normal(0, size / 12, s) * (rng.random(s) < 0.8)
            model[n] = (base[n] + big + small).astype(f32)
        out[who] = model
    name = "model.layers.{}.weight".format
    out["a"][name("1.mlp.up_proj")] = base[name("1.mlp.up_proj")].copy()
    out["b"][name("2.self_attn.v_proj")] = np.zeros_like(base[name("2.self_attn.v_proj")])
    q = name("0.self_attn.q_proj")
    out["b"][q] = (out["a"][q] * 1.02 + rng.normal(0, 0.0006, base[q].shape)).astype(f32)
    g = name("3.mlp.gate_proj")
    out["c"][g] = (-0.97 * base[g] + rng.normal(0, 0.0004, base[g].shape)).astype(f32)
    h = "lm_head.weight"
    out["c"][h] = (base[h] + np.where(rng.random(base[h].shape) < 0.5, 1, -1) / 64).astype(f32)
    return out


def tokenizer(folder):
    """A character tokenizer of exactly VOCAB tokens, saved as transformers would."""
    specials = ["<unk>", "<s>", "</s>"]
    vocab = {t: i for i, t in enumerate(specials + list(string.ascii_lowercase) + list(" .,!?:'-"))}
    assert len(vocab) == VOCAB
    tok = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    tok.pre_tokenizer = pre_tokenizers.Split(Regex("."), behavior="isolated")
    tok.decoder = decoders.Fuse()
    tok.add_special_tokens(specials)
    tok.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "model_max_length": 64,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def save(folder, tensors, shards=1):
    folder.mkdir(parents=True, exist_ok=True)
    names = list(tensors)
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    else:
        where, step = {}, -(-len(names) // shards)
        for i in range(shards):
            file = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
            part = {n: tensors[n] for n in names[i * step : (i + 1) * step]}
            save_file(part, folder / file, metadata={"format": "pt"})
            where.update({n: file for n in part})
        total = sum(t.numel() * t.element_size() for t in tensors.values())
        index = {"metadata": {"total_size": total}, "weight_map": where}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    save_config(folder, dtype=next(iter(tensors.values())).dtype)


def save_config(folder, **fields):
    """A Llama config.json; the fields given replace those of the models here."""
    config = {
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": VOCAB,
        "hidden_size": HIDDEN,
        "intermediate_size": INTER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV,
        "max_position_embeddings": 64,
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "dtype": torch.float32,
    }
    LlamaConfig(**{**config, **fields}).save_pretrained(folder)


def write(root: Path):
    for who, arrays in values().items():
        f32 = {n: torch.from_numpy(v).contiguous() for n, v in arrays.items()}
        save(root / who, f32, shards=2 if who == "c" else 1)
        save(root / f"{who}-bf16", {n: v.to(torch.bfloat16) for n, v in f32.items()})
    tokenizer(root / "base")
