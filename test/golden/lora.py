"""Tiny PEFT adapters for `models/base`, and recipes that use them as `models/base+models/lora-plain`.

  lora-plain     rank 4, alpha 8, on q_proj, v_proj, down_proj
  lora-patterns  rank 2, alpha 4; other ranks and alphas by pattern
  lora-rs        rank 4, alpha 8, use_rslora (alpha / sqrt(rank)), on all seven projections, factors in BF16
  lora-embed     embed_tokens by lora_embedding_A/B, q_proj, and lm_head stored whole (modules_to_save)
  lora-dora      use_dora: refused
"""

from pathlib import Path

import peft
import torch
import weights
from cases import F32, m, recipe, s, slices
from transformers import AutoModelForCausalLM

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ADAPTERS = {
    "plain": {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"]},
    "patterns": {
        "r": 2,
        "lora_alpha": 4,
        "target_modules": ["q_proj", "k_proj", "o_proj", "up_proj"],
        "rank_pattern": {"layers.1.self_attn.q_proj": 3, "up_proj": 4},
        "alpha_pattern": {"layers.1.self_attn.q_proj": 12, "o_proj": 1},
    },
    "rs": {"r": 4, "lora_alpha": 8, "use_rslora": True, "target_modules": PROJECTIONS},
    "embed": {"r": 3, "lora_alpha": 6, "target_modules": ["embed_tokens", "q_proj"], "modules_to_save": ["lm_head"]},
    "dora": {"r": 2, "lora_alpha": 4, "use_dora": True, "target_modules": ["q_proj"]},
}


def write(root: Path):
    for i, (name, config) in enumerate(ADAPTERS.items()):
        model = AutoModelForCausalLM.from_pretrained(root / "base")
        model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", bias="none", **config))
        model.peft_config["default"].base_model_name_or_path = "models/base"
        rng = torch.Generator().manual_seed(100 + i)
        for key, value in model.named_parameters():
            if "lora_" in key or "modules_to_save" in key:
                old = value.data if "modules_to_save" in key else 0
                value.data = old + torch.randn(value.shape, generator=rng) * 0.12
                if name == "rs":
                    value.data = value.data.bfloat16()
        folder = root / f"lora-{name}"
        model.save_pretrained(folder, save_embedding_layers=False)
        (folder / "README.md").unlink(missing_ok=True)


def with_adapter(name, base="base"):
    return f"{base}+models/lora-{name}"


def all_cases():
    for name in ("plain", "patterns", "rs", "embed"):
        yield name, recipe("passthrough", [m(with_adapter(name))]), "the model as PEFT's merge_and_unload makes it"
    plain, rs = with_adapter("plain"), with_adapter("rs")
    yield "linear", recipe("linear", [m(plain, weight=0.6), m("a", weight=0.4)]), "an adapter and an ordinary model"
    two = [m(plain, weight=0.7), m(rs, weight=0.5)]
    yield "task_arithmetic", recipe("task_arithmetic", two, base="base"), "two adapters as task vectors"
    trimmed = [m(plain, weight=0.7, density=0.5), m(rs, weight=0.5, density=0.6)]
    yield "ties", recipe("ties", trimmed, base="base"), "two adapters trimmed"
    yield "slerp", recipe("slerp", [m(with_adapter("embed"))], base="a", t=0.4), "embeddings and head too"
    yield "base", recipe("task_arithmetic", [m("a", weight=0.6)], base=plain), "the base has an adapter"
    parts = [slices(s(plain, 0, 2)), slices(s("a", 2, 3)), slices(s(rs, 1, 4))]
    yield "slices", recipe("passthrough", slices=parts), "layers of two adapters and of a model"
    bf16 = [m(with_adapter("plain", "base-bf16"), weight=0.6), m("b-bf16", weight=0.4)]
    yield "bf16-base", recipe("linear", bf16, kind=F32), "a BF16 base: added in F32"


def case(name, document, note):
    weights.case(f"lora-{name}", document, note, kind="lora")


def refused():
    weights.refused("lora-dora", recipe("passthrough", [m(with_adapter("dora"))]), "DoRA adapters are not supported", "DoRA")
