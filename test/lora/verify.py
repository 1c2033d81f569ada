"""Loads an extracted adapter with PEFT and compares the merged weights with the fine-tuned model.
`python verify.py BASE FINE ADAPTER`: prints the relative error of every changed matrix against the best possible one of
the adapter's rank (numpy's SVD), and of all weights together."""
import json
import sys

import numpy as np
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

base_path, fine_path, adapter_path = sys.argv[1:4]
load = lambda path: AutoModelForCausalLM.from_pretrained(path, torch_dtype=torch.float32)
base, fine = load(base_path), load(fine_path).state_dict()
before = {k: v.clone() for k, v in base.state_dict().items()}
model = PeftModel.from_pretrained(base, adapter_path)
tokens = torch.arange(12).reshape(1, 12) % base.config.vocab_size
with torch.no_grad():
    adapted = model(tokens).logits
    merged = model.merge_and_unload()
    apart = (merged(tokens).logits - adapted).abs().max().item()
after = merged.state_dict()
config = json.load(open(f"{adapter_path}/adapter_config.json"))
total = rest = 0.0
worst = 0.0
for name, value in fine.items():
    change = (value - before[name]).double().numpy()
    if not change.any():
        assert torch.equal(after[name], before[name]), name
        continue
    left = (value - after[name]).double().numpy()
    total += (change**2).sum()
    rest += (left**2).sum()
    if change.ndim == 2 and np.abs(left).max() > 0:
        module = name.removesuffix(".weight")
        rank = config["rank_pattern"].get(module, config["r"])
        values = np.linalg.svd(change, compute_uv=False)
        best = np.sqrt((values[rank:] ** 2).sum())
        error = np.sqrt((left**2).sum())
        if best > 1e-5 * np.sqrt((change**2).sum()):
            worst = max(worst, error / best - 1)
with torch.no_grad():
    wanted = load(fine_path)(tokens).logits
    start = load(base_path)(tokens).logits
print(json.dumps({
    "rest of the difference": float(np.sqrt(rest / total)),
    "worst excess over the best error of its rank": float(worst),
    "adapted and merged logits apart": apart,
    "logits from the fine-tune, relative": float((adapted - wanted).norm() / (start - wanted).norm()),
}, indent=1))
