"""Writes the golden files: models, recipes and what mergekit makes of them.

    python test/golden/make.py            everything
    python test/golden/make.py ties-      only the cases whose name starts so

Runs mergekit-yaml's own entry point with this folder as the working directory (one process, one thread).
See README.md for the meaning of case.json.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
if os.environ.get("PYTHONHASHSEED") != "0":  # mergekit iterates over sets of models
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})

import cases  # noqa: E402
import compare  # noqa: E402
import models  # noqa: E402
import torch  # noqa: E402
import yaml  # noqa: E402
from mergekit.common import ModelReference  # noqa: E402
from mergekit.scripts.run_yaml import main as mergekit_yaml  # noqa: E402
from probe import Probe  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

ModelReference.__hash__ = lambda ref: hash(str(ref))  # its own takes in hash(None), an address before Python 3.12

HERE = Path(__file__).resolve().parent
SEED, SEEDS = 1, range(1, 33)
CLOSE = {"rel": 2e-6, "ulp": 0}
ROUNDED = {"rel": 2e-6, "ulp": 1}
SLACK = 2**-7  # how near a threshold or a tied election BF16 arithmetic may decide otherwise


def dump(path, data):
    path.write_text(json.dumps(data, indent=1) + "\n")


def merge(recipe, keep=None, seed=SEED):
    """Run one recipe; returns the output tensors, and copies them and the config to `keep`."""
    with tempfile.TemporaryDirectory() as tmp:
        out = Path(tmp, "out")
        file = Path(tmp, "recipe.yml")
        file.write_text(yaml.safe_dump(recipe, sort_keys=False))
        args = [str(file), str(out), "--random-seed", str(seed), "--quiet", "--no-write-model-card", "--no-copy-tokenizer"]
        mergekit_yaml.main(args, standalone_mode=False)
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
    """Worst distance of BF16 arithmetic from F32 arithmetic rounded once (elections and thresholds aside)."""
    with Probe() as seen:
        exact = merge({**recipe, "dtype": "float32", "out_dtype": "bfloat16"})
    worst = [0.0, 0, 0]
    for name in want:
        skip = compare.excused(seen.tensors[name], slack=SLACK, votes=SLACK) if method == "ties" else None
        _, rel, ulp = compare.failures(exact[name], want[name], excused=skip)
        worst = [max(worst[0], rel), max(worst[1], ulp), worst[2] + (int(skip.sum()) if skip is not None else 0)]
    return worst


def case(name, recipe, note):
    folder = HERE / "cases" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yml").write_text(yaml.safe_dump(recipe, sort_keys=False, default_flow_style=None))
    with Probe() as seen:
        want = merge(recipe, keep=folder)
    f32 = all(t.dtype == torch.float32 for t in want.values())
    method = recipe["merge_method"]
    out = {"compare": "close", **(CLOSE if f32 else ROUNDED), "note": note}
    native = not f32 and recipe.get("dtype") != "float32" and "out_dtype" not in recipe
    if method == "passthrough" and "scale" not in json.dumps(recipe):
        out.update(compare="exact", rel=0, ulp=0)
    if method.startswith("dare") and (stats := statistics(recipe, want)):
        out.update(compare="dare", seeds=len(SEEDS), masked=stats)
    elif native:
        rel, ulp, skipped = rounding(recipe, want, method)
        out.update(rel=float(f"{rel * 1.25 + 2**-9:.2g}") if rel else 2e-6, worst={"rel": float(f"{rel:.3g}"), "ulp": ulp})
        if method == "ties":
            out.update(compare="ties", slack=SLACK, votes=SLACK, excused=skipped)
    elif tied := seen.tied():
        with Probe(stable=True):
            other = merge(recipe)
        differ = 0
        for n in want:
            bad, _, _ = compare.failures(other[n], want[n], out["rel"], out["ulp"], compare.excused(seen.tensors[n]) if n in tied else None)
            assert bad == 0, (name, n, bad)
            differ += int((other[n] != want[n]).sum())
        out.update(compare="ties", tied=len(tied), arbitrary=differ)
    if seen.close_votes() and not native:
        print("  close votes:", name, seen.close_votes())
        out["closeVotes"] = seen.close_votes()
    near = [c for c in seen.cosines if abs(abs(c) - 0.9995) < 2e-6]
    assert not near, (name, near)
    if seen.cosines:
        out["lerp"] = sum(abs(c) > 0.9995 for c in seen.cosines)
    assert all(torch.isfinite(t.float()).all() for t in want.values()), name
    dump(folder / "case.json", out)
    print(f"{name:32} {out['compare']:6} rel {out['rel']:<8g} ulp {out['ulp']}", {k: v for k, v in out.items() if k in ("worst", "tied", "arbitrary", "excused", "lerp")})


def main():
    os.chdir(HERE)
    torch.set_num_threads(1)
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    if not only:
        for folder in ("models", "cases"):
            shutil.rmtree(HERE / folder, ignore_errors=True)
        models.write(HERE / "models")
    for name, recipe, note in cases.all_cases():
        if name.startswith(only):
            case(name, recipe, note)
    if not only:
        from vectors import write

        write(HERE / "vectors.json")


if __name__ == "__main__":
    main()
