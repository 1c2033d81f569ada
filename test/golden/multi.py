"""Recipes of several documents, run by mergekit-multi: cases/multi-<name>. F32, so that no stage rounds to less.

The last document is the result; it alone has no name.
"""

import shutil
import tempfile
from pathlib import Path

import compare
import torch
import weights
from cases import BF16, F32, f, m, recipe
from mergekit.scripts.multimerge import main as mergekit_multi
from probe import Probe
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent


def stage(name, *args, **kwargs):
    return {"name": name, **recipe(*args, **kwargs)} if name else recipe(*args, **kwargs)


def of(name, **parameters):
    """The result of the document of that name."""
    return {"model": name, **({"parameters": parameters} if parameters else {})}


def part(model, lo, hi):
    return {"sources": [{"model": model, "layer_range": [lo, hi]}]}


def all_cases():
    mean = stage("mean", "linear", [m("a", weight=0.6), m("b", weight=0.4)])
    turn = stage(None, "slerp", [of("mean"), m("c")], base="c", t=f(("mlp", 0.7), 0.4))
    yield "linear-slerp", [mean, turn], "a mean of two, then slerp with a third"
    yield "order", [turn, mean], "a document before the one it needs: the unnamed one is the result"
    left = stage("left", "slerp", [m("a"), m("b")], base="a", t=0.3)
    right = stage("right", "slerp", [m("base"), m("c")], base="base", t=[0.2, 0.8])
    last = {**stage(None, "slerp", [of("left"), of("right")], t=0.5), "base_model": "left"}
    yield "slerp-of-slerps", [left, right, last], "two pairs, then the pair of the results"
    ties = stage(None, "ties", [of("mean", weight=0.7, density=0.5), m("c", weight=0.5, density=0.6)], base="base")
    yield "ties-of-merge", [mean, ties], "the task vector of a merge"
    stack = {"merge_method": "passthrough", "slices": [part("left", 0, 3), part("models/c", 1, 2), part("left", 2, 4)], **F32}
    yield "passthrough-of-merge", [left, stack], "layers of a merge and of a model"
    half = {**stage("half", "task_arithmetic", [m("a", weight=0.5)], base="base")}
    on = {**stage("on", "task_arithmetic", [m("b", weight=0.5)]), "base_model": "half"}
    end = {**stage(None, "linear", [of("on", weight=0.5), of("half", weight=0.5)], kind=BF16)}
    yield "chain", [half, on, end], "three stages in a row, the first used twice; BF16 at the end"


def run(documents, keep=None):
    with tempfile.TemporaryDirectory() as tmp:
        file, out = Path(tmp, "multi.yml"), Path(tmp, "out")
        weights.write_yaml(file, *documents)
        args = [str(file), "--out-path", str(out), "-I", str(Path(tmp, "stages")), "--random-seed", "1", "--quiet"]
        mergekit_multi.main([*args, "--no-write-model-card", "--no-copy-tokenizer"], standalone_mode=False)
        if keep:
            shutil.copy(out / "model.safetensors", keep / "expected.safetensors")
            shutil.copy(out / "config.json", keep / "expected-config.json")
        return load_file(out / "model.safetensors")


def case(name, documents, note):
    folder = HERE / "cases" / f"multi-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    weights.write_yaml(folder / "recipe.yml", *documents)
    with Probe() as seen:
        want = run(documents, folder)
    with Probe(double=True):
        double = run([{**d, "dtype": "float32"} | ({"out_dtype": "float32"} if "out_dtype" in d else {}) for d in documents])
    f32 = all(t.dtype == torch.float32 for t in want.values())
    # A trimmed magnitude within 1e-5 of the threshold may fall on the other side after another stage's rounding.
    aside = weights.indices({n: compare.excused(fact, slack=1e-5) for n, fact in seen.tensors.items() if fact["trim"]})
    rule = {"compare": "close", "rel": 4e-6, "ulp": 0 if f32 else 1, "note": note, "kind": "multi"}
    noise = {n: float(((t.double() - double[n].double()).abs() / double[n].double().abs().max()).max()) for n, t in want.items()}
    if f32:
        rule["noise"] = float(f"{max(noise.values()):.2g}")
        if wide := {n: float(f"{4 * e:.2g}") for n, e in noise.items() if 4 * e > rule["rel"]}:
            rule["wide"] = wide
    if aside:
        rule["open"] = aside
    weights.dump(folder / "case.json", rule)
    print(f"multi-{name:26} noise {rule.get('noise')} open {sum(map(len, aside.values()))} close {seen.close_votes()}")
