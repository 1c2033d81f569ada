"""Writes the golden files: models, recipes and what mergekit makes of them.

    python test/golden/make.py                    everything
    python test/golden/make.py cases/ties-        only what starts so: cases/<name>, extract/<name>, moe/<name>, vectors
    python test/golden/make.py models             the models alone

Runs mergekit's own entry points with this folder as the working directory (one process, one thread).
See README.md for the meaning of case.json.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
if os.environ.get("PYTHONHASHSEED") != "0":  # mergekit iterates over sets of models
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})

import cases  # noqa: E402
import extract  # noqa: E402
import families  # noqa: E402
import further  # noqa: E402
import lora  # noqa: E402
import models  # noqa: E402
import moe  # noqa: E402
import multi  # noqa: E402
import semantics  # noqa: E402
import tokenizer_cases  # noqa: E402
import torch  # noqa: E402
import vocabularies  # noqa: E402
import weights  # noqa: E402
from mergekit.common import ModelReference  # noqa: E402

ModelReference.__hash__ = lambda ref: hash(str(ref))  # its own takes in hash(None), an address before Python 3.12

HERE = Path(__file__).resolve().parent


def newer():
    """Adds ram and ramplus_tl to mergekit 0.1.4, from the checkout of a later mergekit that MERGEKIT_NEWER names."""
    file = Path(os.environ.get("MERGEKIT_NEWER", ""), "mergekit/merge_methods/ram.py")
    if not file.exists():
        return False
    spec = importlib.util.spec_from_file_location("mergekit_ram", file)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return True


def jobs():
    """(path below this folder, function that writes it)"""
    ram = newer()
    for name, recipe, note in [*cases.all_cases(), *further.all_cases()]:
        if recipe["merge_method"].startswith("ram") and not ram:
            yield f"cases/{name}", lambda name=name: print(f"{name}: left as it is; set MERGEKIT_NEWER")
            continue
        yield f"cases/{name}", lambda name=name, recipe=recipe, note=note: weights.case(name, recipe, note)

    for name, recipe, note, marks in semantics.all_cases():
        yield f"cases/{name}", lambda name=name, recipe=recipe, note=note, marks=marks: weights.case(name, recipe, note, **marks)
    for name, recipe, note in tokenizer_cases.all_cases():
        yield f"cases/tokenizer-{name}", lambda name=name, recipe=recipe, note=note: tokenizer_cases.case(name, recipe, note)
    for name, recipe, note in lora.all_cases():
        yield f"cases/lora-{name}", lambda name=name, recipe=recipe, note=note: lora.case(name, recipe, note)
    yield "cases/lora-dora", lora.refused
    for name, documents, note in multi.all_cases():
        yield f"cases/multi-{name}", lambda name=name, documents=documents, note=note: multi.case(name, documents, note)
    for name in extract.CASES:
        yield f"extract/{name}", lambda name=name: extract.case(name)
    for name, document, note in moe.all_cases():
        yield f"moe/{name}", lambda name=name, document=document, note=note: moe.case(name, document, note)

    def vectors():
        from vectors import write

        write(HERE / "vectors.json")

    yield "vectors", vectors


def main():
    os.chdir(HERE)
    torch.set_num_threads(1)
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    if only in ("", "models"):
        shutil.rmtree(HERE / "models", ignore_errors=True)
        models.write(HERE / "models")
        vocabularies.write(HERE / "models")
        lora.write(HERE / "models")
        families.write(HERE / "models")
        vocabularies.write_encodings(HERE)
    for path, job in jobs():
        if path.startswith(only):
            job()


if __name__ == "__main__":
    main()
