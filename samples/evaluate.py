"""Prints the accuracy of checkpoint folders on the three tasks, generated greedily from the written files.

    python samples/evaluate.py public/samples/base public/samples/adder DIR [DIR ...]

Any folder that transformers can load will do, a merge made in the studio or by another tool included.
Each task is asked with the same held-out prompts (no training draws them), and an answer counts only
when it matches whole. `--json FILE` also writes the figures there.
"""

import argparse
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from tasks import TASKS, held_out_set

COUNT = 500
SEED = 2024
NEW_TOKENS = 10


@torch.no_grad()
def answers(model, tokenizer, prompts: list[str], batch: int = 250) -> list[str]:
    found = []
    for start in range(0, len(prompts), batch):
        inputs = tokenizer(prompts[start:start + batch], return_tensors="pt", padding=True, padding_side="left")
        out = model.generate(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"],
            do_sample=False, max_new_tokens=NEW_TOKENS,
        )
        found += tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1]:], skip_special_tokens=True)
    return found


def evaluate(folder: Path, count: int = COUNT, seed: int = SEED) -> dict[str, float]:
    """The share of held-out prompts answered exactly, by task."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    scores = {}
    for task in TASKS:
        pairs = held_out_set(task, count, seed)
        given = answers(model, tokenizer, [prompt for prompt, _ in pairs])
        scores[task] = sum(a == wanted for a, (_, wanted) in zip(given, pairs)) / len(pairs)
    return scores


def row(name: str, scores: dict[str, float]) -> str:
    cells = [f"{100 * scores[task]:5.1f}" for task in TASKS] + [f"{100 * min(scores.values()):5.1f}"]
    return f"| {name:24} | " + " | ".join(cells) + " |"


def header() -> str:
    titles = [*(f"{task:>5}" for task in TASKS), "worst"]
    return f"| {'model':24} | " + " | ".join(titles) + " |\n|" + "-" * 26 + "|" + "------:|" * len(titles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=COUNT, help="held-out prompts a task")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    logging.set_verbosity_error()
    print(header(), flush=True)
    table = {}
    for folder in args.folders:
        table[folder.name] = evaluate(folder, args.count, args.seed)
        print(row(folder.name, table[folder.name]), flush=True)
    if args.json:
        args.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
