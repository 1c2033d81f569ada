"""Recipes about everything around the arithmetic: rows, ties between tensors, leftovers, layers, types, families.

Each is (name, recipe, note, marks): marks go into case.json, or tell weights.case what to run.
"""

from cases import F32, f, m, recipe, s, slices

lin = lambda *models, **p: recipe("linear", list(models), **p)  # noqa: E731
two = lambda a, b: (m(a, weight=0.6), m(b, weight=0.4))  # noqa: E731


def tied():
    yield "both", lin(*two("tied-a", "tied-b")), "both tied: no head in the result", {}
    yield "stack", recipe("passthrough", slices=[slices(s("tied-a", 0, 2)), slices(s("tied-b", 1, 2))]), "layers of tied models", {}
    untied = {"config": {"tie_word_embeddings": False}}
    ta = lambda base, *models: recipe("task_arithmetic", list(models), base=base)  # noqa: E731
    yield "base", ta("tied-a", m("tied-c", weight=0.5)), "a tied base and an untied model: the base's embedding stands for its head", untied
    yield "model", ta("tied-c", m("tied-a", weight=0.5), m("tied-b", weight=0.3)), "an untied base and two tied models", untied
    yield "ties", recipe("ties", [m("tied-c", weight=0.6, density=0.5), m("tied-b", weight=0.4, density=0.5)], base="tied-a"), "the same trimmed", untied
    yield "slerp", recipe("slerp", [m("tied-a"), m("tied-c")], base="tied-c", t=0.4), "an untied base", untied
    last = [slices(s("tied-a", 0, 1)), slices(s("tied-c", 1, 2))]
    yield "slices", recipe("passthrough", slices=last), "embedding of a tied model, head of an untied one", untied


def rows():
    crop = lambda n: {"config": {"vocab_size": n}}  # noqa: E731
    yield "linear", lin(*two("tok-other", "tok-chatml")), "48 and 42 rows: the first 42", crop(42)
    yield "slerp", recipe("slerp", [m("tok-base"), m("tok-chatml")], base="tok-chatml", t=0.3), "the base is cropped", crop(40)
    yield "nuslerp", recipe("nuslerp", [*two("tok-other", "tok-chatml")], base="tok-base"), "cropped to the base", crop(40)
    yield "model_stock", recipe("model_stock", [m("tok-base"), m("tok-padded")], base="tok-chatml"), "the base is cropped", crop(40)
    yield "ties", recipe("ties", [m("tok-chatml", weight=0.6, density=0.5), m("tok-padded", weight=0.4, density=0.6)], base="tok-base"), "a larger model is cropped to the base", crop(40)
    yield "arcee_fusion", recipe("arcee_fusion", [m("tok-chatml")], base="tok-base"), "a larger model is cropped to the base", crop(40)


def leftovers():
    kept = [f"model.layers.{i}.self_attn.rotary_emb.inv_freq" for i in (0, 1)] + ["model.position_ids", "model.value_head.weight"]
    yield "base", recipe("task_arithmetic", [m("tied-c", weight=0.5)], base="extra-a"), "buffers and a head that only the base has", {"kept": kept}
    yield "passthrough", recipe("passthrough", [m("extra-a")]), "the same, copied", {"kept": kept}
    crop = {"kept": kept, "config": {"vocab_size": 36}}
    yield "both", recipe("linear", [*two("extra-a", "extra-b")]), "buffers of both, a head of the first, 36 common rows", crop


def layers():
    ta = lambda parts, **p: recipe("task_arithmetic", slices=parts, **p)  # noqa: E731
    yield "shifted", recipe("slerp", slices=[slices(s("a", 0, 2), s("b", 2, 4)), slices(s("a", 1, 3), s("b", 0, 2))], base="a", t=0.4), "sources of a slice at different layers"
    yield "reversed", recipe("passthrough", slices=[slices(s("a", i, i + 1)) for i in (3, 2, 1, 0)]), "layers in reverse"
    yield "repeated", recipe("passthrough", slices=[slices(s("a", 1, 2))] * 3), "one layer three times"
    base = lambda who, part: {**part, "base_model": f"models/{who}"}  # noqa: E731
    parts = [base("base", slices(s("base", 0, 2), s("a", 0, 2, weight=0.6))), base("c", slices(s("c", 2, 4), s("b", 2, 4, weight=0.5)))]
    yield "two-bases", ta(parts, base="a"), "each slice has its own base_model; none uses the recipe's"
    more = {"density": [1, 0.4]}
    curves = [slices(s("base", 0, 3), s("a", 0, 3), s("b", 0, 3, density=[0.3, 0.8]), **more), slices(s("base", 3, 4), s("a", 3, 4), s("b", 3, 4))]
    yield "gradients", recipe("ties", slices=curves, base="base", weight=[0.2, 0.9], density=0.6), "gradients at source, slice and top level; a slice of one layer"
    edge = f(("embed_tokens", 0.9), ("lm_head", 0.1), ("model.norm", 0.3), ("layers.0.", [0.2, 0.8]), [0.4, 0.6])
    yield "edges", recipe("slerp", [m("a"), m("b")], base="a", t=edge), "filters on embedding, head and final norm; a gradient for layer 0 only"
    yield "sharded-base", recipe("ties", [m("a", weight=0.7, density=0.5), m("b", weight=0.5, density=0.5)], base="c"), "the base has two shards"


def types():
    yield "bf16-math-f32-out", lin(*two("a-bf16", "b-bf16"), kind={"dtype": "bfloat16", "out_dtype": "float32"}), "inputs as BF16, result F32"
    through = "F32 to F32; mergekit rounds to BF16 on the way (an element may be off by half a last place of that), we do not"
    half = {"compare": "close", "ulp": 2**15 + 1}
    yield "copy-through-bf16", recipe("passthrough", [m("a")], kind={"dtype": "bfloat16", "out_dtype": "float32"}), through, half
    yield "copy-to-f16", recipe("passthrough", [m("a")], kind={"dtype": "float16"}), "F32 to F16"
    yield "copy-bf16-to-f32", recipe("passthrough", [m("a-bf16")], kind={"out_dtype": "float32"}), "BF16 to F32"
    yield "slerp-f16", recipe("slerp", [m("a"), m("b")], base="a", kind={**F32, "out_dtype": "float16"}, t=0.3), "F32 to F16"


def repeated():
    """The same model twice: mergekit keeps the first mention only, so it is run with another spelling of the path."""
    spelled = {"spelling": {"models/a": "./models/a"}}
    twice = lin(m("a", weight=0.5), m("b", weight=0.3), m("a", weight=0.2))
    yield "linear", twice, "a twice", spelled
    ta = recipe("task_arithmetic", [m("a", weight=0.5), m("a", weight=f(("mlp", 0.4), 0.1))], base="base")
    yield "task_arithmetic", ta, "a twice, with different filters", spelled


def families():
    yield "mistral-slerp", recipe("slerp", [m("mistral-a"), m("mistral-b")], base="mistral-a", t=[0.2, 0.7]), "Mistral", {}
    yield "qwen2-ties", recipe("ties", [m("qwen2-b", weight=0.6, density=0.5)], base="qwen2-a"), "Qwen2: biases", {}
    yield "qwen2-stack", recipe("passthrough", slices=[slices(s("qwen2-a", 0, 2)), slices(s("qwen2-b", 0, 2))]), "Qwen2: four layers", {"config": {"layer_types": ["full_attention"] * 4}}
    yield "qwen3-linear", lin(*two("qwen3-a", "qwen3-b")), "Qwen3", {}
    yield "qwen3-stack", recipe("passthrough", slices=[slices(s("qwen3-a", 0, 2)), slices(s("qwen3-b", 1, 2))]), "Qwen3: layer_types must follow the layers", {"config": {"layer_types": ["full_attention"] * 3}}
    yield "gemma3-linear", lin(*two("gemma3-a", "gemma3-b")), "Gemma 3: tied", {}
    yield "gemma3-stack", recipe("passthrough", slices=[slices(s("gemma3-a", 0, 2)), slices(s("gemma3-b", 0, 2))]), "Gemma 3: layer_types must follow the layers", {"config": {"layer_types": ["sliding_attention", "full_attention"] * 2}}
    yield "gpt2-linear", lin(*two("gpt2-a", "gpt2-b")), "GPT-2: transposed matrices, positions, tied", {}
    yield "gpt2-stack", recipe("passthrough", slices=[slices(s("gpt2-a", 0, 2)), slices(s("gpt2-b", 0, 2))]), "GPT-2: n_layer", {}
    yield "llama-mistral", recipe("task_arithmetic", [m("tied-c", weight=0.4)], base="mistral-a"), "Llama and Mistral have the same tensors", {"arguments": ["--allow-crimes"]}
    yield "t5-linear", lin(*two("t5-a", "t5-b")), "T5", {}
    enc = {"models": [m("t5-a"), m("t5-b")], "parameters": {"t": 0.3}}
    dec = {"models": [m("t5-a"), m("t5-b")], "parameters": {"t": [0.6, 0.9]}}
    yield "t5-modules", {"merge_method": "slerp", "base_model": "models/t5-a", "modules": {"encoder": enc, "decoder": dec}, **F32}, "T5: encoder and decoder apart; mergekit drops what is in neither", {"kept": ["lm_head.weight", "shared.weight"]}


def all_cases():
    groups = {"tied": tied, "rows": rows, "leftovers": leftovers, "layers": layers, "types": types, "twice": repeated, "family": families}
    for group, cases in groups.items():
        for name, document, note, *marks in cases():
            once = {} if group == "types" else {"once": True}
            yield f"{group}-{name}", document, note, {**(marks[0] if marks else {}), **once}
