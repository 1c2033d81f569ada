"""Makes the merges of the table with mergekit and measures them beside the family itself.

    python samples/merges.py                     # every recipe of samples/recipes
    python samples/merges.py best careless       # some of them
    python samples/merges.py --keep /some/folder # leave the merged folders there

A recipe names its models relative to public/samples, so mergekit runs from there. The merges go to a
temporary folder; nothing is written into the repository.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers.utils import logging

from evaluate import COUNT, evaluate, header, row

HERE = Path(__file__).resolve().parent
FAMILY = HERE.parent / "public" / "samples"
RECIPES = HERE / "recipes"
MODELS = ("base", "adder", "reverser", "sorter")
SEED = 1  # for the random masks of DARE


def mergekit() -> str:
    """The mergekit-yaml beside this interpreter, or the one on the path."""
    beside = Path(sys.executable).with_name("mergekit-yaml")
    found = str(beside) if beside.is_file() else shutil.which("mergekit-yaml")
    if not found:
        sys.exit("mergekit-yaml not found: pip install -r samples/requirements.txt")
    return found


def merge(recipe: Path, out: Path, family: Path = FAMILY, seed: int = SEED) -> None:
    command = [mergekit(), str(recipe.resolve()), str(out), "--copy-tokenizer", "--random-seed", str(seed), "--quiet"]
    done = subprocess.run(command, cwd=family, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"mergekit failed on {recipe.name}\n{done.stdout}{done.stderr}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", help="recipe names; all of samples/recipes when none is given")
    parser.add_argument("--recipes-in", type=Path, default=RECIPES)
    parser.add_argument("--family", type=Path, default=FAMILY)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--keep", type=Path, help="keep the merged folders here")
    parser.add_argument("--no-family", action="store_true", help="measure the merges only")
    args = parser.parse_args()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    names = args.recipes or sorted(path.stem for path in args.recipes_in.glob("*.yml"))
    print(header(), flush=True)
    if not args.no_family:
        for name in MODELS:
            print(row(name, evaluate(args.family / name, args.count)), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        root = args.keep.resolve() if args.keep else Path(temporary)
        for name in names:
            merge(args.recipes_in / f"{name}.yml", root / name, args.family.resolve())
            print(row(name, evaluate(root / name, args.count)), flush=True)


if __name__ == "__main__":
    main()
