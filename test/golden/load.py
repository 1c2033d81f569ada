"""Opens model folders the way users do: with safetensors and with transformers.

    python test/golden/load.py FOLDER [FOLDER ...]

For each folder: every tensor is read; AutoModelForCausalLM.from_pretrained must report no missing, unexpected or
mismatched key; the logits of a few tokens must be finite. Prints a table and exits with 1 if any folder failed.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors import safe_open  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402


def read(folder):
    """Count, bytes and dtypes of all tensors; an index must name exactly what the shards hold."""
    files = sorted(folder.glob("*.safetensors"))
    assert files, "no safetensors file"
    count, size, dtypes, where = 0, 0, set(), {}
    for file in files:
        with safe_open(file, framework="pt") as f:
            assert (f.metadata() or {}).get("format") == "pt", f"{file.name}: no metadata format pt"
            for name in f.keys():
                t = f.get_tensor(name)
                assert name not in where, f"{name} in two shards"
                where[name] = file.name
                count, size = count + 1, size + t.numel() * t.element_size()
                dtypes.add(str(t.dtype).removeprefix("torch."))
    index = folder / "model.safetensors.index.json"
    if index.exists():
        data = json.loads(index.read_text())
        assert data["weight_map"] == where, "the index differs from the shards"
        assert data["metadata"]["total_size"] == size, "total_size is wrong"
    else:
        assert [f.name for f in files] == ["model.safetensors"], "shards without an index"
    return count, size, "+".join(sorted(dtypes)), len(files)


def load(folder):
    """Load as a causal language model and run six tokens."""
    model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, dtype="auto")
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        assert not info.get(key), f"{key}: {list(info[key])[:4]}"
    ids = torch.arange(1, 7).unsqueeze(0) % model.config.vocab_size
    with torch.no_grad():
        logits = model.eval()(ids).logits.float()
    assert torch.isfinite(logits).all(), "logits are not finite"
    assert logits.shape[-1] == model.config.vocab_size
    return model.config.num_hidden_layers, float(logits.abs().max())


def tokens(folder):
    """Tokens of the folder's tokenizer, - without one."""
    if not any((folder / n).exists() for n in ("tokenizer.json", "tokenizer.model")):
        return "-"
    tok = AutoTokenizer.from_pretrained(folder)
    assert tok("abc")["input_ids"], "the tokenizer returns nothing"
    return len(tok)


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    row = "{:36} {:>7} {:>6} {:>10} {:>18} {:>6} {:>6} {:>9}  {}".format
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    print(row("folder", "tensors", "files", "bytes", "dtype", "layers", "tokens", "max logit", ""))
    failed = 0
    for name in sys.argv[1:]:
        folder = Path(name)
        label = name[-36:]
        try:
            count, size, dtypes, files = read(folder)
            layers, top = load(folder)
            print(row(label, count, files, size, dtypes, layers, tokens(folder), f"{top:.4f}", "ok"))
        except Exception as e:  # any failure is a finding about that folder
            failed += 1
            print(row(label, *[""] * 7, f"FAILED {type(e).__name__}: {str(e)[:200]}"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
