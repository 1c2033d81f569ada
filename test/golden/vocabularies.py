"""Tiny Llama models whose tokenizers differ, `models/tok-*` and `models/uni-*`: one layer, eight wide, F32.

  tok-base     BPE, 40 tokens (3 special, letters, punctuation, merges)
  tok-chatml   the same and two added special tokens, with rows of their own; has a chat template
  tok-padded   tok-base's, and four added tokens beyond the model's 40 rows; has tok-chatml's chat template
  tok-other    BPE, other tokens in another order, one added token; 48 rows, the last of them unused
  uni-a, uni-b Unigram with different pieces; 33 and 29 rows
"""

import json
import string
from pathlib import Path

import numpy as np
import torch
from models import save_config
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

SPECIAL = ["<unk>", "<s>", "</s>"]
HIDDEN, INTER, HEADS = 8, 10, 2
TEMPLATE = "{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}\n{% endfor %}"


def bpe(letters, merges, added):
    """A byte-pair tokenizer: special tokens, letters, what the merges make, then the added tokens."""
    vocab = {t: i for i, t in enumerate([*SPECIAL, *letters, *("".join(m) for m in merges)])}
    tok = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>"))
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    tok.decoder = decoders.Metaspace()
    tok.add_special_tokens(SPECIAL)
    for token in added:
        (tok.add_special_tokens if token.special else tok.add_tokens)([token])
    return tok


def unigram(pieces):
    scores = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), *((p, round(-2 - i / 8, 3)) for i, p in enumerate(pieces))]
    tok = Tokenizer(models.Unigram(scores, unk_id=0))
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    tok.decoder = decoders.Metaspace()
    tok.add_special_tokens(SPECIAL)
    return tok


def tensors(rows, seed, near=None):
    """Weights of a one-layer Llama; `near` is a model it is a fine-tune of, whose embeddings start the same."""
    rng = np.random.default_rng(seed)
    head = HIDDEN // HEADS
    shapes = {
        "lm_head": (rows, HIDDEN),
        "model.embed_tokens": (rows, HIDDEN),
        "model.layers.0.input_layernorm": (HIDDEN,),
        "model.layers.0.mlp.down_proj": (HIDDEN, INTER),
        "model.layers.0.mlp.gate_proj": (INTER, HIDDEN),
        "model.layers.0.mlp.up_proj": (INTER, HIDDEN),
        "model.layers.0.post_attention_layernorm": (HIDDEN,),
        "model.layers.0.self_attn.k_proj": (head, HIDDEN),
        "model.layers.0.self_attn.o_proj": (HIDDEN, HIDDEN),
        "model.layers.0.self_attn.q_proj": (HIDDEN, HIDDEN),
        "model.layers.0.self_attn.v_proj": (head, HIDDEN),
        "model.norm": (HIDDEN,),
    }
    out = {}
    for n, s in shapes.items():
        new = torch.from_numpy((rng.normal(1, 0.05, s) if len(s) == 1 else rng.normal(0, 0.1, s)).astype(np.float32))
        if near is not None:
            old = near[f"{n}.weight"]
            shared = min(len(old), len(new))
            new[:shared] = old[:shared] + 0.2 * new[:shared] * (1 if len(s) > 1 else 0.1)
        out[f"{n}.weight"] = new.contiguous()
    return out


def write_model(folder, weights, tok, rows, template=None):
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    save_config(folder, vocab_size=rows, hidden_size=HIDDEN, intermediate_size=INTER, num_hidden_layers=1, num_attention_heads=HEADS)
    tok.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "model_max_length": 64,
        "clean_up_tokenization_spaces": False,
        **({"chat_template": template} if template else {}),
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def write(root: Path):
    letters = ["▁", *string.ascii_lowercase, ".", "!"]
    merges = [("t", "h"), ("th", "e"), ("▁", "the"), ("i", "n"), ("in", "g"), ("▁", "a"), ("e", "r"), ("o", "n")]
    other = ["▁", *reversed(string.ascii_lowercase[:22]), "?", "!"]
    otherwise = [("i", "n"), ("a", "n"), ("t", "h"), ("▁", "an"), ("th", "e"), ("an", "d"), ("e", "r")]
    plain = lambda s: AddedToken(s, normalized=False)  # noqa: E731
    mark = lambda s: AddedToken(s, special=True)  # noqa: E731
    chatml, unused = [mark("<|im_start|>"), mark("<|im_end|>")], [plain(f"<UNUSED_{i}>") for i in range(4)]
    base = tensors(40, 11)
    write_model(root / "tok-base", base, bpe(letters, merges, []), 40)
    write_model(root / "tok-chatml", tensors(42, 12, base), bpe(letters, merges, chatml), 42, TEMPLATE)
    write_model(root / "tok-padded", tensors(40, 13, base), bpe(letters, merges, unused), 40, TEMPLATE)
    write_model(root / "tok-other", tensors(48, 14), bpe(other, otherwise, [plain("<tool>")]), 48)
    a = ["▁", *"etaoinshrdlucm", "▁the", "ing", "▁a", "er", "on", "▁of", "ed", "▁to", "and", "th", "in", "an", ".", "!", "s▁"]
    b = ["▁", *"aeinorstlhduy", "▁the", "ing", "▁i", "er", "re", "▁in", "es", "?", ".", "an", "ou", "st"]
    first = tensors(3 + len(a), 15)
    write_model(root / "uni-a", first, unigram(a), 3 + len(a))
    write_model(root / "uni-b", tensors(3 + len(b), 16), unigram(b), 3 + len(b))


TEXTS = (
    "the",
    "the inner king",
    "a on er other things",
    "  two  spaces ",
    "Capitals and 123?",
    "<|im_start|>the end<|im_end|>",
    "<s>the</s> <tool>x",
    "tab\tand ünïcode",
    "It's 12345 o'clock; don't\n\n  go  there yet. 日本 🙂",
    "",
)


CORPUS = """The merge takes two models and a base, and returns one: don't worry, it's only arithmetic. In 2024 the
others were there; in 1999 they weren't. I'm here, we'll see, you've been there, she'd gone. <html> tags & signs @ #1!
"""


def trained(root: Path):
    """Two tokenizers of kinds in wide use, trained on a few sentences: byte-level with a splitting pattern, and with
    spaces as a letter and bytes for what is unknown."""
    root.mkdir(exist_ok=True)
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    level = Tokenizer(models.BPE())
    level.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    level.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    level.train_from_iterator([CORPUS], trainers.BpeTrainer(vocab_size=340, initial_alphabet=alphabet, show_progress=False))
    level.add_special_tokens(["<|begin|>", "<|end|>"])
    level.save(str(root / "byte-level.json"))
    plain = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    plain.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    words = [w for line in CORPUS.splitlines() for w in line.split(" ")]
    bytes_ = [f"<0x{i:02X}>" for i in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=360, special_tokens=[*SPECIAL, *bytes_], show_progress=False)
    plain.train_from_iterator(words, trainer)
    data = json.loads(plain.to_str())
    data["added_tokens"] = data["added_tokens"][:3]
    (root / "byte-fallback.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def write_encodings(here: Path):
    """What the tokenizers library makes of a few texts, special tokens not added: {tokenizer.json: {text: ids}}."""
    trained(here / "tokenizers")
    out = {}
    for file in sorted(f for kind in ("models/base", "models/tok-*", "models/uni-*", "tokenizers") for f in here.glob(f"{kind}/*.json") if "config" not in f.name):
        tok = Tokenizer.from_file(str(file))
        out[str(file.relative_to(here))] = {text: tok.encode(text, add_special_tokens=False).ids for text in TEXTS}
    lines = [f" {json.dumps(k)}: {{\n" + ",\n".join(f"  {json.dumps(t)}: {json.dumps(i)}" for t, i in v.items()) + "\n }" for k, v in out.items()]
    (here / "encodings.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
