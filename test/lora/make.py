"""Makes the fixtures of this folder: tiny models, PEFT adapters of every kind that is read, and what PEFT merges
them to. `python make.py` beside torch, transformers and peft (numbers below: peft 0.17.1, torch 2.13)."""
import copy
import json
import pathlib
import shutil

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

HERE = pathlib.Path(__file__).parent / "fixtures"


def llama(tied):
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=40, attention_bias=True, mlp_bias=True, tie_word_embeddings=tied, max_position_embeddings=32))


def gpt2():
    torch.manual_seed(2)
    return GPT2LMHeadModel(GPT2Config(n_embd=12, n_layer=2, n_head=2, vocab_size=30, n_positions=16))


def shake(model):
    """Random values for what training would have moved."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


BASES = {"llama": lambda: llama(False), "tied": lambda: llama(True), "gpt2": gpt2}
ADAPTERS = {
    "plain": ("llama", dict(r=4, lora_alpha=6, target_modules=["q_proj", "v_proj", "down_proj"],
              rank_pattern={"layers.0.self_attn.q_proj": 2, r"layers\.1\..*proj": 3},
              alpha_pattern={"v_proj": 5, "model.layers.0.mlp.down_proj": 9})),
    "rslora": ("llama", dict(r=4, lora_alpha=8, use_rslora=True, lora_bias=True, target_modules=["k_proj", "o_proj"])),
    "saved": ("llama", dict(r=2, lora_alpha=2, target_modules=["o_proj", "embed_tokens"],
              modules_to_save=["lm_head", "input_layernorm"])),
    "biases": ("llama", dict(r=2, lora_alpha=4, target_modules=["q_proj"], bias="all")),
    "conv1d": ("gpt2", dict(r=3, lora_alpha=3, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True)),
    "embedding": ("tied", dict(r=3, lora_alpha=6, target_modules=["embed_tokens"])),
}


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    for name, make in BASES.items():
        make().save_pretrained(HERE / name)
        (HERE / name / "generation_config.json").unlink(missing_ok=True)
    for name, (base, settings) in ADAPTERS.items():
        model = get_peft_model(BASES[base](), LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **settings))
        shake(model)
        folder = HERE / f"adapter-{name}"
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = base
        config["target_modules"] = sorted(config["target_modules"])
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=1))
        merged = copy.deepcopy(model).merge_and_unload()
        keep = load_file(HERE / base / "model.safetensors").keys()
        state = merged.state_dict()
        save_file({k: v.contiguous().clone() for k, v in state.items()
                   if k in keep or k == "lm_head.weight" and not merged.config.tie_word_embeddings
                   }, HERE / f"expected-{name}.safetensors")
        print(name, len(state), sorted(k for k in load_file(folder / "adapter_model.safetensors"))[:4])
    named = load_file(HERE / "adapter-plain/adapter_model.safetensors")
    (HERE / "adapter-named").mkdir()
    shutil.copy(HERE / "adapter-plain/adapter_config.json", HERE / "adapter-named/adapter_config.json")
    save_file({k.replace(".weight", ".default.weight"): v for k, v in named.items()},
              HERE / "adapter-named/adapter_model.safetensors")
    spectrum()


def spectrum():
    """A matrix with twelve strong directions over a flat floor, and numpy's singular values of it."""
    generator = np.random.default_rng(4)
    rows, columns = 210, 150
    left, _ = np.linalg.qr(generator.standard_normal((rows, 12)))
    right, _ = np.linalg.qr(generator.standard_normal((columns, 12)))
    strong = left * (3 * 0.8 ** np.arange(12)) @ right.T
    matrix = (strong + 0.02 * generator.standard_normal((rows, columns))).astype(np.float32)
    values = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    save_file({"matrix": torch.from_numpy(matrix)}, HERE / "spectrum.safetensors")
    (HERE / "spectrum.json").write_text(json.dumps([float(f"{v:.9g}") for v in values]) + "\n")


main()
