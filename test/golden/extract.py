"""What mergekit-extract-lora finds between `models/a` and `models/base`: extract/<case>.

Factors are unique only up to signs, so case.json holds each module's singular values (of the difference, in F64, up to
the rank) and expected.safetensors each product B A, scaled as the adapter says; modules saved whole are stored as they are.
"""

import json
import tempfile
from pathlib import Path

import torch
import weights
from mergekit.scripts.extract_lora import main as mergekit_extract
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
PREFIX = "base_model.model."

CASES = {
    "rank-4": ("a", "base", 4, []),
    "rank-8": ("a", "base", 8, []),
    "embeddings": ("b", "base", 4, ["--embed-lora"]),
    "some-modules": ("a", "base", 4, ["-i", r"q_proj|down_proj"]),
    "threshold": ("a", "base", 8, ["--sv-epsilon", "0.05"]),
    "one-sided": ("a", "base", 4, ["--no-distribute-scale"]),
    "bf16": ("a-bf16", "base-bf16", 4, []),
}


def products(adapter, config):
    """{tensor of the model: B A * scale}, and what is stored whole, under the model's names."""
    out, whole = {}, {}
    for key, value in adapter.items():
        name = key.removeprefix(PREFIX)
        for kind, suffix in (("lora", ".weight"), ("lora_embedding", "")):
            mark = f".{kind}_A{suffix}"
            if name.endswith(mark):
                module = name.removesuffix(mark)
                a, b = value.double(), adapter[key.replace(f"{kind}_A", f"{kind}_B")].double()
                rank = a.shape[0]
                rule = lambda patterns, default: next((v for k, v in patterns.items() if module.endswith(k)), default)  # noqa: B023, E731
                scale = rule(config["alpha_pattern"], config["lora_alpha"]) / max(rule(config["rank_pattern"], config["r"]), 1)
                product = b @ a * scale
                out[f"{module}.weight"] = (product.T if kind == "lora_embedding" else product, rank)
        if "lora_" not in name:
            whole[name] = value
    return out, whole


def case(name):
    model, base, rank, options = CASES[name]
    folder = HERE / "extract" / name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        args = ["--model", str(HERE / "models" / model), "--base-model", str(HERE / "models" / base), "--out-path", tmp, "--max-rank", str(rank)]
        mergekit_extract.main([*args, *options, "--quiet"], standalone_mode=False)
        adapter = load_file(Path(tmp, "adapter_model.safetensors"))
        config = json.loads(Path(tmp, "adapter_config.json").read_text())
    found, whole = products(adapter, config)
    before, after = (load_file(HERE / "models" / n / "model.safetensors") for n in (base, model))
    modules, worst = {}, 0.0
    for tensor, (product, r) in found.items():
        difference = after[tensor].double() - before[tensor].double()
        u, s, vh = torch.linalg.svd(difference, full_matrices=False)
        best = u[:, :r] @ torch.diag(s[:r]) @ vh[:r]
        worst = max(worst, float((product - best).norm() / s[0].clamp(min=1e-30)))
        modules[tensor] = {"rank": r, "values": [float(f"{x:.7g}") for x in s[:r]], "next": float(f"{float(s[r]) if r < len(s) else 0:.7g}")}
    tensors = {n: p.float().contiguous() for n, (p, _) in found.items()} | {n: t.contiguous() for n, t in whole.items()}
    save_file(dict(sorted(tensors.items())), folder / "expected.safetensors", metadata={"format": "pt"})
    kept = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "target_modules", "modules_to_save")
    adapter_config = {k: sorted(v) if isinstance(v, list) else v for k, v in config.items() if k in kept}
    rule = {"model": f"models/{model}", "base": f"models/{base}", "rank": rank, "options": options, "error": float(f"{worst:.2g}")}
    weights.dump(folder / "case.json", {**rule, "modules": modules, "whole": sorted(whole), "config": adapter_config})
    print(f"extract/{name:20} {len(found)} products, {len(whole)} whole, error {worst:.2g}")
