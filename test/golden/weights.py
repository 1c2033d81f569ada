"""One ordinary recipe: mergekit's weights and config, and how near another engine can be expected to come."""

import json
import re
import shutil
import tempfile
from pathlib import Path

import compare
import torch
import yaml
from mergekit.scripts.run_yaml import main as mergekit_yaml
from probe import Probe
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
SEED, SEEDS = 1, range(1, 33)
CLOSE = {"rel": 2e-6, "ulp": 0}
ROUNDED = {"rel": 2e-6, "ulp": 1}
SLACK = 2**-7  # how near a threshold or a tied election BF16 arithmetic may decide otherwise
FIRST = ("linear", "slerp", "task_arithmetic", "ties", "dare_linear", "dare_ties", "passthrough")
RANDOM = ("dare_linear", "dare_ties", "della", "della_linear")


class Plain(yaml.SafeDumper):
    """YAML without anchors."""

    def ignore_aliases(self, _):
        return True


def write_yaml(path, *documents):
    options = {"sort_keys": False, "default_flow_style": None, "allow_unicode": True}
    path.write_text(yaml.dump_all(documents, Dumper=Plain, **options))


def dump(path, data):
    """JSON, a line per entry; lists of indices stay on one line."""
    text = json.dumps(data, indent=1)
    path.write_text(re.sub(r"\[\s+(\d+(?:,\s+\d+)*)\s+\]", lambda m: "[" + re.sub(r"\s+", "", m[1]) + "]", text) + "\n")


def merge(recipe, keep=None, seed=SEED, describe=None):
    """Run one recipe; returns the output tensors, and copies them and the config to `keep`.

    describe(output folder, keep, recipe) keeps more; then the tokenizer is written too.
    """
    with tempfile.TemporaryDirectory() as tmp:
        out = Path(tmp, "out")
        file = Path(tmp, "recipe.yml")
        file.write_text(yaml.safe_dump(recipe, sort_keys=False))
        args = [str(file), str(out), "--random-seed", str(seed), "--quiet", "--no-write-model-card"]
        args += ["--lora-merge-cache", str(Path(tmp, "lora"))]
        mergekit_yaml.main([*args, *([] if describe else ["--no-copy-tokenizer"])], standalone_mode=False)
        if describe:
            describe(out, keep, recipe)
        if keep:
            shutil.copy(out / "model.safetensors", keep / "expected.safetensors")
            shutil.copy(out / "config.json", keep / "expected-config.json")
        return load_file(out / "model.safetensors")


def statistics(recipe, want):
    """Over many seeds, for each tensor that depends on the seed: the share of elements that differ from the
    base and the summed magnitude of the change, each as [mean, standard deviation]."""
    base = {k: v.float() for k, v in load_file(HERE / recipe["base_model"] / "model.safetensors").items()}
    runs = [merge(recipe, seed=s) for s in SEEDS]
    out = {}
    for name in want:
        if all(torch.equal(r[name], runs[0][name]) for r in runs):
            continue
        moves = torch.stack([(r[name].float() - base[name]).flatten() for r in runs]).double()
        figures = {"changed": (moves != 0).double().mean(1), "l1": moves.abs().sum(1)}
        out[name] = {k: [float(f"{v.mean():.6g}"), float(f"{v.std():.3g}")] for k, v in figures.items()}
    return out


def rounding(recipe, want, method):
    """Worst distance of BF16 arithmetic from F32 arithmetic rounded once (elections and thresholds aside), and
    what was left aside."""
    with Probe() as seen:
        exact = merge({**recipe, "dtype": "float32", "out_dtype": "bfloat16"})
    worst, aside = [0.0, 0, 0], {}
    for name in want:
        fact = seen.tensors.get(name)
        votes = SLACK if method.endswith("ties") else 0
        skip = compare.excused(fact, slack=SLACK, votes=votes) if fact and method not in RANDOM else None
        _, rel, ulp = compare.failures(exact[name], want[name], excused=skip)
        worst = [max(worst[0], rel), max(worst[1], ulp), worst[2] + (int(skip.sum()) if skip is not None else 0)]
        aside[name] = skip
    return worst, indices(aside)


def indices(masks):
    """Elements as flat indices, per tensor that has any."""
    found = {n: mask.flatten().nonzero().flatten().tolist() for n, mask in masks.items() if mask is not None}
    return {n: where for n, where in found.items() if where}


def noise(recipe, skip):
    """Per tensor, how far F32 arithmetic is from F64 over the largest magnitude; open elements aside."""
    plain = {k: v for k, v in recipe.items() if k != "out_dtype"} | {"dtype": "float32"}
    single = merge(plain)
    with Probe(double=True):
        double = merge(plain)
    worst = {}
    for name, x in single.items():
        y = double[name].double()
        error = (x.double() - y).abs() / max(float(y.abs().max()), 1e-30)
        if name in skip:
            error.flatten()[skip[name]] = 0
        worst[name] = float(error.max())
    return worst


def trimmed_otherwise(name, recipe, want, out, seen):
    """Proves that elements of equal magnitude are all that another order among them changes; returns how many."""
    tied, differ = seen.tied(), 0
    with Probe(stable=True):
        other = merge(recipe)
    for n in want:
        bad, _, _ = compare.failures(other[n], want[n], out["rel"], out["ulp"], compare.excused(seen.tensors[n]) if n in tied else None)
        assert bad == 0, (name, n, bad)
        differ += int((other[n] != want[n]).sum())
    return len(tied), differ


def case(name, recipe, note, describe=None, **more):
    folder = HERE / "cases" / name
    folder.mkdir(parents=True, exist_ok=True)
    write_yaml(folder / "recipe.yml", recipe)
    with Probe() as seen:
        want = merge(recipe, keep=folder, describe=describe)
    stored = recipe.get("out_dtype") or recipe.get("dtype")
    if rounded := stored == "bfloat16" and any(t.dtype == torch.float32 for t in want.values()):
        want = {n: t.bfloat16() for n, t in want.items()}
        save_file(want, folder / "expected.safetensors", metadata={"format": "pt"})
    f32 = all(t.dtype == torch.float32 for t in want.values())
    method = recipe["merge_method"]
    out = {"compare": "close", **(CLOSE if f32 else ROUNDED), "note": note}
    native = not f32 and recipe.get("dtype") != "float32" and "out_dtype" not in recipe
    if rounded:
        out["rounded"] = "mergekit stored F32 although dtype is bfloat16; rounded here"
    if method == "passthrough" and "scale" not in json.dumps(recipe) and "+" not in json.dumps(recipe):
        out.update(compare="exact", rel=0, ulp=0)
    if method in RANDOM and (stats := statistics(recipe, want)):
        out.update(compare="dare", seeds=len(SEEDS), masked=stats)
    elif native:
        (rel, ulp, skipped), aside = rounding(recipe, want, method)
        out.update(rel=float(f"{rel * 1.25 + 2**-9:.2g}") if rel else 2e-6, worst={"rel": float(f"{rel:.3g}"), "ulp": ulp})
        if method == "ties":
            out.update(compare="ties", slack=SLACK, votes=SLACK, excused=skipped)
        elif aside:
            out.update(slack=SLACK, open=aside)
    elif method in FIRST:
        if seen.tied():
            tied, differ = trimmed_otherwise(name, recipe, want, out, seen)
            out.update(compare="ties", tied=tied, arbitrary=differ)
    else:
        if seen.tied():
            trimmed_otherwise(name, recipe, want, out, seen)
        aside = indices({n: compare.excused(fact) for n, fact in seen.tensors.items()})
        worst = noise(recipe, aside)
        out["noise"] = float(f"{max(worst.values()):.2g}")
        if wide := {n: float(f"{4 * e:.2g}") for n, e in worst.items() if 4 * e > out["rel"]}:
            out["wide"] = wide
        if aside:
            out["open"] = aside
    if method not in RANDOM and not native and (seen.close_votes() or seen.close):
        print("  close decisions:", name, seen.close_votes(), seen.close)
        out["closeVotes"] = seen.close_votes()
    near = [c for c in seen.cosines if abs(abs(c) - 0.9995) < 2e-6]
    assert not near, (name, near)
    if seen.cosines:
        out["lerp"] = sum(abs(c) > 0.9995 for c in seen.cosines)
    assert all(torch.isfinite(t.float()).all() for t in want.values()), name
    dump(folder / "case.json", {**out, **more})
    shown = {k: v for k, v in out.items() if k in ("worst", "tied", "arbitrary", "excused", "lerp", "noise")}
    if "open" in out:
        shown["open"] = sum(map(len, out["open"].values()))
    print(f"{name:32} {out['compare']:6} rel {out['rel']:<8g} ulp {out['ulp']}", shown)


def refused(name, recipe, note, says):
    """A recipe that must be refused, with a sentence that contains `says`."""
    folder = HERE / "cases" / name
    folder.mkdir(parents=True, exist_ok=True)
    write_yaml(folder / "recipe.yml", recipe)
    dump(folder / "case.json", {"compare": "refused", "says": says, "note": note})
