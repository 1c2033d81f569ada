"""What mergekit-moe makes of dense models: moe/<case>/moe.yml and its weights and config.

Random routers are compared by their statistics (`random`: tensor -> distribution); everything else must be equal,
cheap_embed's routers close. In Mixtral mergekit ignores residual_scale, so no case uses it there.
"""

import shutil
import tempfile
from pathlib import Path

import torch
import weights
from mergekit.scripts.moe import main as mergekit_moe
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
PROMPTS = (["the king", "a thing on the other"], ["her inner", "x"], ["numbers of zebras!"])


def expert(model, i=None, negative=None, **more):
    out = {"source_model": f"models/{model}"}
    if i is not None:
        out["positive_prompts"] = PROMPTS[i]
    if negative is not None:
        out["negative_prompts"] = PROMPTS[negative]
    return {**out, **more}


def moe(base, mode, experts, shared=None, **more):
    out = {"base_model": f"models/{base}", "gate_mode": mode, "dtype": "float32", **more, "experts": experts}
    return {**out, "shared_experts": [shared]} if shared else out


def all_cases():
    tok = lambda: [expert("tok-padded", 0), expert("tok-chatml", 1, 2)]  # noqa: E731
    yield "mixtral-random", moe("base", "random", [expert("a"), expert("b")]), "two Llamas; routers normal"
    uniform = [expert("a", 0), expert("b", 1), expert("c", 2), expert("base", 1)]
    yield "mixtral-uniform", moe("base", "uniform_random", uniform, experts_per_token=1, dtype="bfloat16"), "four experts, one per token, BF16"
    yield "mixtral-cheap", moe("tok-base", "cheap_embed", tok()), "routers from prompts, one with negative prompts"
    yield "mixtral-mistral", moe("mistral-a", "random", [expert("mistral-a"), expert("mistral-b"), expert("mistral-b")], dtype=None), "three experts; no dtype: the base's"
    two = lambda f, **p: [expert(f"{f}-a", 0, **p), expert(f"{f}-b", 1, 2, **p)]  # noqa: E731
    yield "qwen2-cheap", moe("qwen2-a", "cheap_embed", two("qwen2"), expert("qwen2-b", 2)), "a shared expert with prompts"
    yield "qwen2-random", moe("qwen2-a", "random", two("qwen2"), expert("qwen2-a", residual_scale=0.25)), "a shared expert, scaled"
    yield "qwen2-llama", moe("tok-base", "cheap_embed", tok(), expert("tok-padded", 2), architecture="qwen"), "Llamas: biases of zeros"
    yield "qwen3-cheap", moe("qwen3-a", "cheap_embed", two("qwen3"), dtype="bfloat16"), "BF16"
    yield "qwen3-scaled", moe("qwen3-a", "random", two("qwen3", residual_scale=0.5)), "residual_scale"


def case(name, document, note):
    folder = HERE / "moe" / name
    folder.mkdir(parents=True, exist_ok=True)
    document = {k: v for k, v in document.items() if v is not None}
    file = folder / "moe.yml"
    weights.write_yaml(file, document)
    with tempfile.TemporaryDirectory() as tmp:
        out = Path(tmp, "out")
        mergekit_moe.main([str(file), str(out), "--random-seed", "1", "--quiet"], standalone_mode=False)
        shutil.copy(out / "model.safetensors", folder / "expected.safetensors")
        shutil.copy(out / "config.json", folder / "expected-config.json")
        want = load_file(out / "model.safetensors")
    routers = [n for n in want if n.endswith("gate.weight")]
    mode = document["gate_mode"]
    f32 = all(t.dtype == torch.float32 for t in want.values())
    rule = {"compare": "close", "note": note, "rel": 2e-6, "ulp": 0 if f32 else 1}
    if mode == "cheap_embed":
        rule["close"] = routers
    else:
        hidden = want[routers[0]].shape[1]
        bound = float(f"{hidden**-0.5:.9g}")
        rule["random"] = {n: {"uniform": [-bound, bound]} if mode == "uniform_random" else {"normal": [0, 1]} for n in routers}
    weights.dump(folder / "case.json", rule)
    print(f"moe/{name:28} {len(want)} tensors, {len(routers)} routers, {mode}")
