"""Recipes that build a tokenizer or set a chat template. mergekit's weights, vocabulary and tokenizer files are kept.

Two orders that mergekit leaves to chance are fixed: models are taken as listed (it iterates over a set), and a
tokenizer's vocabulary by id (the library returns a hash map).
"""

import json
from contextlib import contextmanager
from pathlib import Path

import weights
from cases import BF16, F32, m, recipe
from mergekit.config import MergeConfiguration
from transformers import AutoTokenizer, PreTrainedTokenizerFast

ALL = ("tok-base", "tok-padded", "tok-chatml")
PAIR = ("tok-base", "tok-chatml")
TEXT = "models/{}".format
MESSAGES = [{"role": "user", "content": "the king"}, {"role": "assistant", "content": "on"}]


def linear(names, base="tok-base", kind=F32, **more):
    share = (0.5, 0.3, 0.2, 0.1)
    return recipe("linear", [m(n, weight=w) for n, w in zip(names, share)], base=base, kind={**kind, **more})


def all_cases():
    yield "legacy", linear(ALL), "no tokenizer key: the base's files, and as many rows as all have"
    for source in ("base", "union"):
        yield source, linear(ALL, tokenizer_source=source), f"tokenizer_source: {source}"
    yield "union-bf16", linear(PAIR, kind=BF16, tokenizer_source="union"), "F32 inputs to BF16"
    yield "model", linear(ALL, tokenizer_source=TEXT("tok-chatml")), "tokenizer_source names a model"
    yield "union-other", linear(("tok-base", "tok-other"), tokenizer={"source": "union"}), "other tokens, another order, unused rows"
    yield "union-other-first", linear(("tok-other", "tok-chatml"), base="tok-other", tokenizer={"source": "union"}), "the base has more rows than tokens"
    yield "union-no-base", linear(("tok-chatml", "tok-other", "tok-base"), base=None, tokenizer={}), "no base_model: rows of a token that several have are averaged; union is the default"
    yield "base-other", linear(("tok-base", "tok-other"), tokenizer={"source": "base"}), "the other model's rows in the base's order"
    yield "model-other", linear(("tok-base", "tok-other"), tokenizer={"source": TEXT("tok-other")}), "the base's rows in the other model's order; its last rows are dropped"
    yield "unigram", linear(("uni-a", "uni-b"), base="uni-a", tokenizer_source="union"), "two Unigram tokenizers"
    slerp = lambda **p: recipe("slerp", [m(n) for n in PAIR], base="tok-base", kind={**F32, **p}, t=0.5)  # noqa: E731
    yield "union-slerp", slerp(tokenizer_source="union"), "slerp"
    ties = [m("tok-chatml", weight=0.7, density=0.6), m("tok-other", weight=0.5, density=0.5)]
    yield "union-ties", recipe("ties", ties, base="tok-base", kind={**F32, "tokenizer_source": "union"}), "TIES of three vocabularies"
    forced = {"the": {"source": TEXT("tok-chatml"), "force": True}, "th": {"source": TEXT("tok-base"), "force": True}, "q": {"source": TEXT("tok-chatml")}}
    yield "force", linear(PAIR, tokenizer={"source": "union", "tokens": forced}), "force: every model gets the row; without force only models that lack the token"
    by = lambda **which: {"kind": "model_token", **which}  # noqa: E731
    tokens = {
        "ing": {"source": by(model=TEXT("tok-chatml"), token_id=40), "force": True},
        "er": {"source": by(model=TEXT("tok-base"), token="<s>"), "force": True},
    }
    yield "model-token", linear(PAIR, tokenizer={"source": "base", "tokens": tokens}), "rows of other tokens, by id and by token"
    new = {"<|new|>": {"source": by(model=TEXT("tok-base"), token="▁the")}, "<|im_end|>": {"source": by(model=TEXT("tok-base"), token="</s>")}}
    yield "new-token", linear(PAIR, tokenizer={"source": "union", "tokens": new}), "a token that no model has, and one that the base lacks"
    yield "pad", linear(("tok-chatml",), base="tok-chatml", tokenizer={"source": "base", "pad_to_multiple_of": 16}), "48 rows; the last are the mean of the others"
    yield "pad-union", linear(ALL, tokenizer={"source": "union", "pad_to_multiple_of": 16}), "the same of three models"
    yield "pad-nothing", linear(ALL, tokenizer={"source": "base", "pad_to_multiple_of": 8}), "40 rows are a multiple of 8 already"
    chat = "{% for message in messages %}{{ message['content'] }}|{% endfor %}"
    yield "chat-literal", linear(PAIR, chat_template=chat), "a template of one's own; the tokenizer is otherwise the base's"
    yield "chat-auto", linear(ALL, tokenizer_source="union", chat_template="auto"), "the commonest template"
    yield "chat-auto-none", linear(("tok-base", "tok-other"), tokenizer_source="base", chat_template="auto"), "no model has a template"
    yield "chat-chatml", linear(PAIR, tokenizer_source="union", chat_template="chatml"), "a built-in template"


@contextmanager
def ordered():
    """Models as listed, vocabularies by id."""
    models, vocab = MergeConfiguration.referenced_models, PreTrainedTokenizerFast.get_vocab

    def listed(config):
        names = [config.base_model] if config.base_model else []
        for part in [config, *(config.modules or {}).values()]:  # mergekit moves models into modules as it plans
            names += [x.model for x in part.models or []] + [x.model for s in part.slices or [] for x in s.sources]
        return list(dict.fromkeys(names))

    MergeConfiguration.referenced_models = listed
    PreTrainedTokenizerFast.get_vocab = lambda tok: dict(sorted(vocab(tok).items(), key=lambda x: x[1]))
    yield
    MergeConfiguration.referenced_models, PreTrainedTokenizerFast.get_vocab = models, vocab


def describe(out: Path, keep: Path, document):
    """tokenizer.json as written, {token: id}, and the template: as text, or for a built-in one what it makes of a chat."""
    (keep / "expected-tokenizer.json").write_bytes((out / "tokenizer.json").read_bytes())
    tok = AutoTokenizer.from_pretrained(out)
    vocab = dict(sorted(tok.get_vocab().items(), key=lambda x: x[1]))
    (keep / "expected-vocab.json").write_text(json.dumps(vocab, indent=0, ensure_ascii=False) + "\n")
    chat = {"template": tok.chat_template}
    if document.get("chat_template") == "chatml":
        chat = {"name": "chatml", "messages": MESSAGES, "rendered": tok.apply_chat_template(MESSAGES, tokenize=False)}
    (keep / "expected-chat.json").write_text(json.dumps(chat, indent=1) + "\n")


def case(name, document, note):
    if document.get("base_model") == "models/None":
        del document["base_model"]
    with ordered():
        weights.case(f"tokenizer-{name}", document, note, describe=describe, kind="tokenizer", once=True)
