"""Trains the sample family: one small Llama base and three specialists fine-tuned from it.

    python samples/train.py base adder reverser sorter      # all of it, or any piece by name

The base sees a mix of the three tasks until it half-knows each of them; the share of a task in the mix
falls as its accuracy rises, so none runs ahead. A specialist then starts from the written (BF16) base
and sees only its own task. Each piece is seeded, is written to public/samples/<name>/, and appends its
figures to samples/train.log. The accuracies logged here are teacher-forced exact matches, which for a
greedy decoder is the same thing as generating; samples/evaluate.py generates from the written files.
"""

import argparse
import math
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from export import CARDS, write_family, write_model
from tasks import BOS, EOS, PAD, TASKS, VOCAB, held_out_set, train_example

HERE = Path(__file__).resolve().parent
FAMILY = HERE.parent / "public" / "samples"
SEED = 7
CONFIG = dict(
    vocab_size=len(VOCAB), hidden_size=96, intermediate_size=256, num_hidden_layers=8,
    num_attention_heads=4, num_key_value_heads=2, head_dim=24, max_position_embeddings=64,
    rms_norm_eps=1e-5, tie_word_embeddings=False, pad_token_id=PAD, bos_token_id=BOS, eos_token_id=EOS,
)
BASE = dict(
    steps=800, lr=2e-3, batch=96, shares=dict(add=0.6, rev=0.2, sort=0.2), hard=dict(add=0.2, rev=0.04, sort=0.04),
)
SPECIALIST = dict(lr=3e-4, batch=96)
STEPS = dict(adder=300, reverser=150, sorter=150)


def encode(pairs: list[tuple[str, str]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded token ids and labels; only the answer and its end are scored."""
    rows, labels = [], []
    for prompt, answer in pairs:
        head = [BOS, *(VOCAB[c] for c in prompt)]
        tail = [*(VOCAB[c] for c in answer), EOS]
        rows.append(head + tail)
        labels.append([-100] * len(head) + tail)
    width = max(map(len, rows))
    pad = lambda lists, value: torch.tensor([r + [value] * (width - len(r)) for r in lists])
    return pad(rows, PAD), pad(labels, -100)


@torch.no_grad()
def accuracy(model: LlamaForCausalLM, task: str, count: int = 300) -> float:
    ids, labels = encode(held_out_set(task, count, seed=1))
    best = model(input_ids=ids[:, :-1]).logits.argmax(-1)
    wrong = (best != labels[:, 1:]) & (labels[:, 1:] != -100)
    return 1 - wrong.any(1).float().mean().item()


def draw(rng: random.Random, shares: dict, hard: dict | None, replay: float) -> tuple[str, str]:
    """One training example: of the piece's own mix or, for the share `replay`, of the base's."""
    if rng.random() < replay:
        shares, hard = BASE["shares"], BASE["hard"]
    task = rng.choices(list(shares), list(shares.values()))[0]
    return train_example(task, rng, 1.0 if hard is None else hard[task])


def train(model, name, log, *, steps, lr, batch, shares, hard=None, replay=0.0, every=50):
    """AdamW with a short warm-up and a cosine; stops early once every task has reached `target`."""
    rng = random.Random(f"{name}/{SEED}")
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.01)
    began = time.time()
    for step in range(1, steps + 1):
        scale = min(1.0, step / 50) * (0.1 + 0.45 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group["lr"] = lr * scale
        ids, labels = encode([draw(rng, shares, hard, replay) for _ in range(batch)])
        logits = model(input_ids=ids[:, :-1]).logits
        loss = F.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % every == 0 or step == steps:
            scores = {task: accuracy(model, task) for task in TASKS}
            log(f"{name:9} step {step:5} loss {loss.item():.4f} "
                + " ".join(f"{task} {100 * score:5.1f}" for task, score in scores.items())
                + f"  {time.time() - began:6.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pieces", nargs="+", choices=list(CARDS))
    parser.add_argument("--out", type=Path, default=FAMILY)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--replay", type=float)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    log_path = HERE / "train.log" if args.out == FAMILY else args.out / "train.log"
    args.out.mkdir(parents=True, exist_ok=True)

    def log(line: str) -> None:
        print(line, flush=True)
        with log_path.open("a") as file:
            file.write(line + "\n")

    overrides = {k: v for k in ("steps", "lr", "replay") if (v := getattr(args, k)) is not None}
    for name in args.pieces:
        torch.manual_seed(SEED)
        if name == "base":
            model = LlamaForCausalLM(LlamaConfig(**CONFIG))
            settings = {**BASE, **overrides}
        else:
            model = LlamaForCausalLM.from_pretrained(args.out / "base", dtype=torch.float32)
            settings = {**SPECIALIST, "steps": STEPS[name], "shares": {CARDS[name]["task"]: 1.0}, **overrides}
        count = sum(p.numel() for p in model.parameters())
        log(f"{name:9} seed {SEED}, {count} parameters, torch {torch.__version__}, {settings}")
        train(model, name, log, **settings)
        write_model(model, args.out / name, name)
    write_family(args.out)


if __name__ == "__main__":
    main()
