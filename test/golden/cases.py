"""The recipes: a matrix over seven methods, and edge cases. Data only; make.py runs them.

Each case is (name, recipe, note). Model names are short here ("a", "a-bf16") and become "models/a".
"""

METHODS = ("linear", "slerp", "task_arithmetic", "ties", "dare_linear", "dare_ties", "passthrough")
F32 = {"dtype": "float32"}
BF16 = {"dtype": "float32", "out_dtype": "bfloat16"}


def m(model, **parameters):
    return {"model": f"models/{model}", **({"parameters": parameters} if parameters else {})}


def s(model, lo, hi, **parameters):
    return {"model": f"models/{model}", "layer_range": [lo, hi], **({"parameters": parameters} if parameters else {})}


def f(*pairs):
    """A list of conditions: f(("mlp", 0.3), 0.5) is mlp -> 0.3, everything else -> 0.5."""
    return [{"filter": p[0], "value": p[1]} if isinstance(p, tuple) else {"value": p} for p in pairs]


def recipe(method, models=None, base=None, slices=None, kind=F32, **parameters):
    out = {"merge_method": method}
    if base:
        out["base_model"] = f"models/{base}"
    out["models" if models else "slices"] = models or slices
    if parameters:
        out["parameters"] = parameters
    return {**out, **kind}


def slices(*sources, **parameters):
    return {"sources": list(sources), **({"parameters": parameters} if parameters else {})}


def shaped(method, shape, x, kind):
    """One cell of the matrix; x is the suffix of the model names ("" or "-bf16")."""
    a, b, base = f"a{x}", f"b{x}", f"base{x}"
    if method == "passthrough":
        scale = {"scalar": 0.9, "gradient": [1, 0.25, 1.5], "filter": f(("o_proj", 0), ("mlp", [0.5, 1.5]), ("norm", 1))}
        return recipe(method, [m(a, scale=scale[shape])], kind=kind)
    if method == "slerp":
        t = {
            "scalar": 0.35,
            "gradient": [0.1, 0.5, 0.3, 0.7, 1],
            "filter": f(("self_attn", [0, 0.5, 0.3, 0.7, 1]), ("mlp", [1, 0.5, 0.7, 0.3, 0]), 0.5),
        }
        return recipe(method, [m(a), m(b)], base=a, kind=kind, t=t[shape])
    wa, wb = {
        "scalar": (0.7, 0.5),
        "gradient": ([0.21, 0.97, 0.43], [0.89, 0.31]),
        "filter": (f(("self_attn", [0.31, 0.93]), ("mlp", 0.71), 0.45), f(("norm", 0.25), ("down_proj", [0.79, 0.23]), 0.59)),
    }[shape]
    if method == "linear":
        return recipe(method, [m(a, weight=wa), m(b, weight=wb)], kind=kind)
    if method == "task_arithmetic":
        lam = {"scalar": 0.8, "gradient": [1, 0.5], "filter": f(("mlp", 0.6), 1)}[shape]
        models = [m(a, weight=wa), m(b, weight=wb)]
        return recipe(method, models, base=base, kind=kind, **{"lambda": lam})
    da, db = {
        "scalar": (0.6, 0.45),
        "gradient": ([1, 0.6, 0.35], [1, 0.5]),
        "filter": (f(("self_attn", [0.4, 0.8]), ("up_proj", 0.55), 1), f(("v_proj", 0.3), ("mlp", [0.7, 1]), 1)),
    }[shape]
    return recipe(method, [m(a, weight=wa, density=da), m(b, weight=wb, density=db)], base=base, kind=kind)


def ab(wa, wb, da, db, **more):
    return [m("a", weight=wa, density=da, **more), m("b", weight=wb, density=db, **more)]


def edges():
    L = "lambda"
    lin = lambda *models, **p: recipe("linear", list(models), **p)  # noqa: E731
    yield "linear-unnormalized", lin(m("a", weight=0.6), m("b", weight=0.9), normalize=False), "normalize: false"
    yield "linear-three", lin(m("a", weight=1), m("b", weight=1), m("c", weight=2)), "c is stored in two shards"
    yield "linear-negative", lin(m("a", weight=1.4), m("b", weight=-0.4)), "one negative weight; the sum is 1"
    yield "linear-normalize-filter", lin(m("a", weight=0.6), m("b", weight=0.9), normalize=f(("mlp", False), True)), "a flag by filter"
    yield "linear-global-weight", lin(m("a", weight=1), m("b"), weight=0.5), "weight of b from the top level"
    yield "linear-base-appended", recipe("linear", [m("a"), m("b")], base="base", weight=1), "base_model not listed: joins as a third input with the global weight"
    yield "filter-first-match", lin(m("a", weight=f(("*", 0.3), ("mlp", 0.9))), m("b", weight=f(("mlp", 0.9), ("*", 0.3)))), "the first matching entry wins; * matches all"
    yield "no-dtype", lin(m("a", weight=0.6), m("b", weight=0.4), kind={}), "neither dtype nor out_dtype"
    yield "out-dtype-only", lin(m("a", weight=0.6), m("b", weight=0.4), kind={"out_dtype": "bfloat16"}), "F32 inputs, out_dtype alone"
    yield "float16-out", lin(m("a", weight=0.6), m("b", weight=0.4), kind={**F32, "out_dtype": "float16"}), "F32 inputs to F16"
    yield "mixed-dtypes", lin(m("a", weight=0.6), m("b-bf16", weight=0.4), kind={}), "F32 and BF16 inputs without dtype: promoted to F32"
    yield "bf16-to-f32", lin(m("a-bf16", weight=0.6), m("b-bf16", weight=0.4)), "BF16 inputs, dtype float32, no out_dtype: F32 output"

    sl = lambda base, *models, **p: recipe("slerp", list(models), base=base, **p)  # noqa: E731
    curve = f(("self_attn", [0, 0.5, 0.3, 0.7, 1]), ("mlp", [1, 0.5, 0.7, 0.3, 0]), 0.5)
    yield "slerp-t0", sl("a", m("a"), m("b"), t=0), "t = 0 gives the base"
    yield "slerp-t1", sl("a", m("a"), m("b"), t=1), "t = 1 gives the other"
    yield "slerp-classic", recipe("slerp", slices=[slices(s("a", 0, 4), s("b", 0, 4))], base="a", kind=BF16, t=curve), "the well known self_attn / mlp recipe, one slice"
    yield "slerp-base-second", sl("b", m("a"), m("b"), t=0.3), "base_model is the second model"
    yield "slerp-base-unlisted", sl("base", m("a"), t=0.3), "base_model not listed: appended"
    yield "slerp-antiparallel", sl("base", m("base"), m("c"), t=0.4), "c's layer 3 gate_proj is antiparallel to base: lerp"
    two = lambda lo, hi, *who, **p: slices(*[s(w, lo, hi) for w in who], **p)  # noqa: E731
    yield "slerp-slices-restart", recipe("slerp", slices=[two(0, 2, "a", "b"), two(2, 4, "a", "b")], base="a", t=[0.1, 0.9]), "the gradient restarts in each slice"
    yield "slerp-slices-single", recipe("slerp", slices=[two(0, 3, "a", "b"), two(3, 4, "a", "b")], base="a", t=[0.1, 0.4, 0.9]), "a slice of one layer takes the last value"
    yield "slerp-slices-stacked", recipe("slerp", slices=[two(0, 3, "a", "b"), two(1, 4, "b", "c")], base="b", t=[0.2, 0.8]), "six layers; the slices have different pairs"
    yield "slice-parameters", recipe("slerp", slices=[two(0, 2, "a", "b", t=0.8), two(2, 4, "a", "b")], base="a", t=0.25), "slice level before top level, also for the embeddings"
    base_of = lambda who, part: {**part, "base_model": f"models/{who}"}  # noqa: E731
    yield "slice-base-model", recipe("slerp", slices=[two(0, 2, "a", "b"), base_of("b", two(2, 4, "a", "b"))], base="a", t=0.25), "a slice's own base_model, also for the final norm and head"
    flip = lambda **p: [slices(s("base", 2, 4), s("a", 2, 4, **p)), slices(s("base", 0, 2), s("a", 0, 2, **p))]  # noqa: E731
    yield "filter-output-name", recipe("slerp", slices=flip(), base="base", t=f(("layers.2.", 0.9), 0.1)), "a method parameter sees the output's layer number"
    src = flip(weight=f(("layers.2.", 0.9), 0.1))
    yield "filter-source-name", recipe("linear", slices=src, weight=f(("layers.3.", 0.7), 0.4)), "a per-model parameter sees the source's layer number, at either level"
    prec = [
        slices(s("base", 0, 2), s("a", 0, 2, weight=f(("mlp", 0.9))), s("b", 0, 2), weight=f(("self_attn", 0.2))),
        slices(s("base", 2, 4), s("a", 2, 4), s("b", 2, 4, weight=0.1)),
    ]
    yield "precedence", recipe("task_arithmetic", slices=prec, base="base", weight=0.6), "source, then slice, then top level; a filter list without a match falls through"

    ta = lambda *models, **p: recipe("task_arithmetic", list(models), base="base", **p)  # noqa: E731
    yield "task_arithmetic-normalize", ta(m("a", weight=0.7), m("b", weight=0.5), normalize=True, **{L: 0.6}), "normalize, then lambda"
    yield "task_arithmetic-negative", ta(m("a", weight=0.9), m("b", weight=-0.5)), "one task subtracted"
    yield "task_arithmetic-three", ta(m("base"), m("a", weight=0.4), m("b", weight=0.3), m("c", weight=0.2)), "base listed; c in two shards"
    yield "task_arithmetic-ignored", ta(m("a", weight=0.7, density=0.3), m("b", weight=0.5, density=0.3), rescale=True), "density and rescale have no effect here"
    yield "task_arithmetic-cast", ta(m("a", weight=0.7), m("b", weight=0.5), kind={}) | {"base_model": "models/base-bf16"}, "BF16 base, F32 others, no dtype: all is cast to the base's BF16"

    ti = lambda models, **p: recipe("ties", models, base="base", **p)  # noqa: E731
    yield "ties-density-05", ti(ab(0.7, 0.5, 0.5, 0.5)), "density 0.5"
    yield "ties-density-02", ti(ab(0.7, 0.5, 0.2, 0.2)), "density 0.2"
    yield "ties-density-1", ti(ab(0.7, 0.5, 1, 1)), "no trimming"
    yield "ties-density-gradients", ti(ab(0.7, 0.5, [1, 0.7, 0.2], [0.3, 0.9])), "a gradient per model"
    yield "ties-unnormalized", ti(ab(0.7, 0.5, 0.5, 0.5), normalize=False), "normalize: false"
    yield "ties-rescale", ti(ab(0.7, 0.5, 0.5, 0.3), normalize=False, rescale=True), "rescale: the ratio of L1 norms"
    yield "ties-lambda", ti(ab(0.7, 0.5, 0.5, 0.5), **{L: 0.5}), "lambda 0.5"
    yield "ties-negative-weight", ti(ab(0.7, -0.5, 0.5, 0.5), normalize=False), "a negative weight flips that model's votes"
    yield "ties-int8-mask", ti(ab(0.7, 0.5, 0.5, 0.5), int8_mask=True), "same result as ties-density-05"
    yield "ties-three", ti([*ab(0.5, 0.3, 0.5, 0.6), m("c", weight=0.45, density=0.4)]), "three models; every delta of c's lm_head is 1/64 before rounding"
    yield "ties-base-listed", ti([m("base"), *ab(0.7, 0.5, 0.5, 0.5)]), "same result as ties-density-05"
    yield "ties-massive", recipe("ties", [m("a-bf16", weight=0.7, density=0.7), m("c-bf16", weight=0.6, density=0.5)], base="base-bf16", kind=BF16), "BF16 deltas: most thresholds fall on a magnitude that many elements share"

    for method in ("dare_linear", "dare_ties"):
        dare = lambda models, **p: recipe(method, models, base="base", **p)  # noqa: B023, E731
        yield f"{method}-density-1", dare(ab(0.7, 0.5, 1, 1)), "nothing is dropped"
        yield f"{method}-density-05", dare(ab(0.7, 0.5, 0.5, 0.5)), "statistics only"
        yield f"{method}-no-rescale", dare(ab(0.7, 0.5, 0.5, 0.5), rescale=False), "kept deltas stay as they are"
        yield f"{method}-normalize", dare(ab(0.7, 0.5, 1, 0.5), normalize=True, **{L: 0.8}), "normalize and lambda; a is not masked"

    ps = lambda *parts, **p: recipe("passthrough", slices=list(parts), **p)  # noqa: E731
    zero = f(("o_proj", 0), ("down_proj", 0), 1)
    yield "passthrough-plain", recipe("passthrough", [m("c")]), "a copy; two shards become one file"
    yield "passthrough-self", ps(slices(s("a", 0, 3)), slices(s("a", 1, 4))), "layers stacked: six layers"
    yield "passthrough-scale-zero", ps(slices(s("a", 0, 3)), slices(s("a", 1, 4, scale=zero))), "the copies start as the identity: o_proj and down_proj are 0"
    yield "passthrough-two-models", ps(slices(s("a", 0, 2)), slices(s("b", 1, 4)), kind=BF16), "embeddings from a, final norm and head from b"
    yield "passthrough-cut", ps(slices(s("c", 0, 1)), slices(s("c", 3, 4))), "two of four layers"
    yield "passthrough-global-scale", ps(slices(s("a", 0, 2)), slices(s("a", 2, 4)), scale=f(("layers.3.mlp", 0.5), 1)), "a per-model parameter at the top level"


def all_cases():
    for method in METHODS:
        for shape in ("scalar", "gradient", "filter"):
            yield f"{method}-{shape}-f32", shaped(method, shape, "", F32), f"{shape} parameters, F32 in and out"
            yield f"{method}-{shape}-bf16", shaped(method, shape, "-bf16", BF16), f"{shape} parameters, BF16 in and out, F32 arithmetic"
        yield f"{method}-native-bf16", shaped(method, "scalar", "-bf16", {"dtype": "bfloat16"}), "BF16 arithmetic throughout"
    yield "linear-native-undeclared", shaped("linear", "scalar", "-bf16", {}), "BF16 arithmetic because nothing says otherwise"
    yield from edges()
