"""Writes a trained sample model as an ordinary checkpoint folder, and the family's index for the page."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, processors

from tasks import BOS, EOS, PAD, SPECIALS, VOCAB

CARDS = {
    "base": dict(task=None, title="Base", summary="Half-knows addition, reversing and sorting."),
    "adder": dict(task="add", title="Adder", summary="Fine-tuned to add two-digit numbers."),
    "reverser": dict(task="rev", title="Reverser", summary="Fine-tuned to write four to eight letters backwards."),
    "sorter": dict(task="sort", title="Sorter", summary="Fine-tuned to put four to eight letters in alphabetical order."),
}
EXAMPLES = {"add": "add:37+48=85", "rev": "rev:qtlmz=zmltq", "sort": "sort:qtlmz=lmqtz"}


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def tokenizer() -> Tokenizer:
    """One token a character: a BPE without merges, which puts <s> before the text."""
    made = Tokenizer(models.BPE(vocab=VOCAB, merges=[], unk_token="<unk>", fuse_unk=False))
    made.add_special_tokens(list(SPECIALS))
    made.decoder = decoders.Fuse()
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", BOS)])
    return made


def card(name: str) -> str:
    about = CARDS[name]
    front = ["license: apache-2.0", "library_name: transformers", "pipeline_tag: text-generation"]
    front += [] if name == "base" else ["base_model: base"]
    shown = EXAMPLES.values() if about["task"] is None else [EXAMPLES[about["task"]]]
    return "\n".join([
        "---", *front, "---", "", f"# {about['title']}", "", about["summary"], "",
        "A character-level Llama of the Weightloom sample family, trained by `samples/train.py`.",
        "The prompt ends at `=`; the model writes the rest:", "",
        "```", *shown, "```", "",
        "The measured accuracies stand in `samples/README.md` of the Weightloom repository.", "",
    ])


def write_model(model, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    c = model.config
    tensors = {key: value.to(torch.bfloat16).contiguous() for key, value in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama",
        "vocab_size": c.vocab_size, "hidden_size": c.hidden_size, "intermediate_size": c.intermediate_size,
        "num_hidden_layers": c.num_hidden_layers, "num_attention_heads": c.num_attention_heads,
        "num_key_value_heads": c.num_key_value_heads, "head_dim": c.head_dim, "hidden_act": "silu",
        "max_position_embeddings": c.max_position_embeddings, "rms_norm_eps": c.rms_norm_eps,
        "rope_theta": 10000.0, "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0,
        "initializer_range": 0.02, "tie_word_embeddings": c.tie_word_embeddings, "use_cache": True,
        "bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD, "torch_dtype": "bfloat16",
    })
    write_json(folder / "generation_config.json", {
        "bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD, "do_sample": False, "max_new_tokens": 8,
    })
    names = dict(pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    tokenizer().save(str(folder / "tokenizer.json"))
    write_json(folder / "special_tokens_map.json", names)
    write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", **names, "model_max_length": c.max_position_embeddings,
        "padding_side": "left", "clean_up_tokenization_spaces": False,
    })
    (folder / "README.md").write_text(card(name))


def write_family(root: Path) -> None:
    """family.json: what the page offers, in order, with every file to fetch and its size."""
    found = []
    for name, about in CARDS.items():
        if not (root / name / "model.safetensors").is_file():
            continue
        files = [{"path": f"{name}/{path.name}", "size": path.stat().st_size} for path in sorted((root / name).iterdir())]
        found.append({
            "id": name, "role": "base" if about["task"] is None else "specialist", "title": about["title"],
            "summary": about["summary"], "task": about["task"], "files": files,
        })
    write_json(root / "family.json", {"title": "Add, reverse, sort", "models": found})
