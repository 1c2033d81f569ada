"""Opens model folders the way users do: with safetensors and with transformers.

    python test/golden/load.py FOLDER [FOLDER ...]

A folder without config.json stands for the folders in it. For each: every tensor is read; from_pretrained must report
no missing, unexpected or mismatched key; the logits of a few tokens must be finite; a chat template must render.
PEFT adapters (adapter_config.json) are loaded onto their base. Prints a table and exits with 1 if any folder failed.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors import safe_open  # noqa: E402
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer  # noqa: E402

CHAT = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
KEPT = ("position_ids", "rotary_emb.inv_freq", "value_head.weight")  # tensors that test models have and no architecture knows


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


def class_of(config):
    """The class to load with: by what config.json says the model is for."""
    names = config.architectures or [""]
    if config.is_encoder_decoder:
        return AutoModelForSeq2SeqLM
    return AutoModelForCausalLM if "CausalLM" in names[0] or "LMHead" in names[0] else AutoModel


def load(folder):
    """Load and run six tokens."""
    config = AutoConfig.from_pretrained(folder)
    auto = class_of(config)
    model, info = auto.from_pretrained(folder, output_loading_info=True, dtype="auto")
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        found = [k for k in info.get(key) or [] if not str(k).endswith(KEPT)]
        assert not found, f"{key}: {found[:4]}"
    text = config.get_text_config(decoder=True)
    rows = model.get_input_embeddings().weight.shape[0]
    assert rows == text.vocab_size, f"{rows} embeddings, vocab_size {text.vocab_size}"
    ids = torch.arange(1, 7).unsqueeze(0) % rows
    more = {"decoder_input_ids": ids} if config.is_encoder_decoder else {}
    if hasattr(model, "set_experts_implementation"):
        model.set_experts_implementation("eager")  # grouped kernels want rows of a multiple of 16 bytes; tests have less
    with torch.no_grad():
        out = model.eval()(ids, **more)
    logits = (out.logits if hasattr(out, "logits") else out.last_hidden_state).float()
    assert torch.isfinite(logits).all(), "logits are not finite"
    if hasattr(out, "logits"):
        assert logits.shape[-1] == rows
    layers = getattr(text, "num_hidden_layers", None)
    return layers, float(logits.abs().max()), rows


def adapter(folder):
    """Load a PEFT adapter onto its base, found from the current folder, and run six tokens."""
    import peft

    config = peft.PeftConfig.from_pretrained(folder)
    base = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path, dtype="auto")
    model = peft.PeftModel.from_pretrained(base, folder)
    with torch.no_grad():
        logits = model.eval()(torch.arange(1, 7).unsqueeze(0)).logits.float()
    assert torch.isfinite(logits).all(), "logits are not finite"
    return base.config.num_hidden_layers, float(logits.abs().max())


def tokens(folder, rows):
    """Tokens of the folder's tokenizer, - without one; each must have a row. + after a chat template that renders."""
    if not any((folder / n).exists() for n in ("tokenizer.json", "tokenizer.model")):
        return "-"
    tok = AutoTokenizer.from_pretrained(folder)
    assert tok("abc")["input_ids"], "the tokenizer returns nothing"
    assert max(tok("abc the")["input_ids"]) < rows, "a token has no embedding"
    if not tok.chat_template:
        return len(tok)
    assert "a" in tok.apply_chat_template(CHAT, tokenize=False), "the chat template does not render"
    return f"{len(tok)}+"


def folders(names):
    """Model folders in order; a folder that is none stands for its own folders."""
    for name in map(Path, names):
        if any((name / f).exists() for f in ("config.json", "adapter_config.json")):
            yield name
        else:
            inside = sorted(f for f in name.iterdir() if f.is_dir())
            assert inside, f"{name} is no model and has no folders"
            yield from folders(inside)


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    row = "{:36} {:>7} {:>6} {:>10} {:>18} {:>6} {:>6} {:>9}  {}".format
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    print(row("folder", "tensors", "files", "bytes", "dtype", "layers", "tokens", "max logit", ""))
    failed = count = 0
    for folder in folders(sys.argv[1:]):
        label = str(folder)[-36:]
        count += 1
        try:
            if (folder / "adapter_config.json").exists():
                layers, top = adapter(folder)
                print(row(label, "", "", "", "adapter", layers, "-", f"{top:.4f}", "ok"))
                continue
            found, size, dtypes, files = read(folder)
            layers, top, rows = load(folder)
            print(row(label, found, files, size, dtypes, str(layers), tokens(folder, rows), f"{top:.4f}", "ok"))
        except Exception as e:  # any failure is a finding about that folder
            failed += 1
            print(row(label, *[""] * 7, f"FAILED {type(e).__name__}: {str(e)[:200]}"))
    print(f"{count - failed} of {count} ok")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
