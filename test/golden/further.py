"""The recipes of the thirteen methods beyond the first seven. Data only; make.py runs them.

Densities and gammas keep at least one element in tensors of twelve: below that mergekit's breadcrumbs drops everything,
which one case, marked `compat: mergekit`, shows.
"""

from cases import BF16, F32, f, m, recipe

METHODS = (
    "nuslerp",
    "multislerp",
    "karcher",
    "breadcrumbs",
    "breadcrumbs_ties",
    "della",
    "della_linear",
    "model_stock",
    "arcee_fusion",
    "nearswap",
    "sce",
    "ram",
    "ramplus_tl",
)
L = "lambda"
WEIGHTS = {
    "scalar": (0.7, 0.5),
    "gradient": ([0.21, 0.97, 0.43], [0.89, 0.31]),
    "filter": (f(("self_attn", [0.31, 0.93]), ("mlp", 0.71), 0.45), f(("norm", 0.25), ("down_proj", [0.79, 0.23]), 0.59)),
}
GLOBAL = {
    "model_stock": {"filter": {"filter_wise": f(("mlp", True), False)}},
    "nearswap": {
        "scalar": {"t": 0.01},
        "gradient": {"t": [0.002, 0.05, 0.01]},
        "filter": {"t": f(("self_attn", [0.001, 0.03]), ("norm", 0), 0.008)},
    },
    "sce": {
        "gradient": {"select_topk": [1, 0.5]},
        "filter": {"select_topk": f(("self_attn", 0.5), ("mlp", [0.8, 0.25]), 1)},
    },
    "ram": {
        "scalar": {"epsilon": 0.002},
        "gradient": {"epsilon": [0.0001, 0.02]},
        "filter": {"epsilon": f(("mlp", 0.01), 0.00001)},
    },
    "ramplus_tl": {
        "gradient": {"r": [0.1, 0.6], "alpha": [0.5, 2], "epsilon": 0.002},
        "filter": {"r": f(("mlp", 0.5), 0.2), "alpha": f(("self_attn", 1.5), 0.3), "epsilon": 0.001},
    },
}
UNSHAPED = {"karcher", "arcee_fusion"}  # no number to shape
FLAGS = {"model_stock"}  # a flag has no gradient


def shapes(method):
    return ("scalar",) if method in UNSHAPED else ("scalar", "filter") if method in FLAGS else ("scalar", "gradient", "filter")


def shaped(method, shape, x, kind):
    """One cell of the matrix; x is the suffix of the model names ("" or "-bf16")."""
    a, b, base = f"a{x}", f"b{x}", f"base{x}"
    if method in ("nuslerp", "multislerp"):
        wa, wb = WEIGHTS[shape]
        return recipe(method, [m(a, weight=wa), m(b, weight=wb)], kind=kind)
    if method == "karcher":
        return recipe(method, [m(a), m(b)], kind=kind)
    if method in ("arcee_fusion", "nearswap"):
        return recipe(method, [m(base), m(a)], base=base, kind=kind, **GLOBAL.get(method, {}).get(shape, {}))
    if method in ("model_stock", "sce", "ram", "ramplus_tl"):
        return recipe(method, [m(a), m(b)], base=base, kind=kind, **GLOBAL.get(method, {}).get(shape, {}))
    wa, wb = WEIGHTS[shape]
    if method.startswith("breadcrumbs"):
        da, db = {
            "scalar": (0.6, 0.45),
            "gradient": ([1, 0.6, 0.35], [0.9, 0.5]),
            "filter": (f(("self_attn", [0.4, 0.8]), ("up_proj", 0.55), 1), f(("v_proj", 0.3), ("mlp", [0.7, 1]), 1)),
        }[shape]
        ga, gb = {"scalar": (0.1, 0.15), "gradient": ([0.1, 0.3], [0.25, 0.1]), "filter": (f(("mlp", 0.2), 0.1), 0.12)}[shape]
        p, q = {"gamma": ga}, {"gamma": gb}
    else:
        da, db = {
            "scalar": (0.6, 0.45),
            "gradient": ([0.8, 0.6, 0.35], [0.7, 0.5]),
            "filter": (f(("self_attn", [0.4, 0.7]), ("up_proj", 0.55), 1), f(("v_proj", 0.4), ("mlp", [0.7, 0.5]), 1)),
        }[shape]
        ea, eb = {"scalar": (0.15, 0.2), "gradient": ([0.15, 0.2], 0.25), "filter": (f(("mlp", 0.3), 0.1), 0.12)}[shape]
        p, q = {"epsilon": ea}, {"epsilon": eb}
    return recipe(method, [m(a, weight=wa, density=da, **p), m(b, weight=wb, density=db, **q)], base=base, kind=kind)


def crumbs(wa, wb, d, g, **p):
    return [m("a", weight=wa, density=d, gamma=g, **p), m("b", weight=wb, density=d, gamma=g, **p)]


def della(wa, wb, da, db, e=0.15):
    return [m("a", weight=wa, density=da, epsilon=e), m("b", weight=wb, density=db, epsilon=e)]


def edges():
    ab = [m("a", weight=0.6), m("b", weight=0.4)]
    nu = lambda models=ab, **p: recipe("nuslerp", models, **p)  # noqa: E731
    yield "nuslerp-rows", nu(nuslerp_flatten=False), "flatten false: vectors along the last axis"
    yield "nuslerp-columns", nu(nuslerp_flatten=False, nuslerp_row_wise=True), "row_wise true: vectors along the first axis"
    yield "nuslerp-base", nu(base="base"), "of the task vectors"
    yield "nuslerp-base-rows", nu(base="base", nuslerp_flatten=False), "of the rows of the task vectors"
    yield "nuslerp-base-columns", nu(base="base", nuslerp_flatten=False, nuslerp_row_wise=True), "of the columns of the task vectors"
    yield "nuslerp-negative", nu([m("a", weight=-0.5), m("b", weight=0.9)]), "t = 2.25: beyond the second"
    yield "nuslerp-zero-sum", nu([m("a", weight=-0.5), m("b", weight=0.5)]), "weights that cancel: t = 0.5"
    yield "nuslerp-flags", nu(nuslerp_flatten=f(("mlp", False), True), nuslerp_row_wise=f(("up_proj", True), False)), "the flags by filter"
    abc = [m("a", weight=0.5), m("b", weight=0.3), m("c", weight=0.2)]
    mu = lambda models=abc, **p: recipe("multislerp", models, **p)  # noqa: E731
    yield "multislerp-three", mu(), "three models"
    yield "multislerp-base", mu(base="base"), "three task vectors"
    yield "multislerp-unnormalized", mu([m("a", weight=0.5), m("b", weight=0.9)], normalize_weights=False), "normalize_weights: false"
    yield "multislerp-base-unnormalized", mu(base="base", normalize_weights=False, eps=0.000001), "the same with a base, eps 1e-6"
    yield "multislerp-negative", mu([m("a", weight=1.4), m("b", weight=-0.4)]), "one negative weight"
    ka = lambda *names, **p: recipe("karcher", [m(n) for n in names], **p)  # noqa: E731
    yield "karcher-three", ka("a", "b", "c"), "three models"
    yield "karcher-base", ka("a", "b", base="base"), "base_model joins as a third"
    yield "karcher-base-listed", ka("base", "a", "b", base="base"), "the same values as karcher-base"
    yield "karcher-one-step", ka("a", "b", "c", max_iter=1), "max_iter: 1"
    yield "karcher-tolerance", ka("a", "b", "c", tol=0.05), "tol: 0.05 stops early"

    for method in ("breadcrumbs", "breadcrumbs_ties"):
        bc = lambda models, **p: recipe(method, models, base="base", **p)  # noqa: B023, E731
        yield f"{method}-options", bc(crumbs(0.7, 0.5, 0.5, 0.2), normalize=True, rescale=True, **{L: 0.8}), "normalize, rescale, lambda"
        yield f"{method}-negative", bc(crumbs(0.7, -0.5, 0.6, 0.1)), "one task subtracted"
        yield f"{method}-large-gamma", bc(crumbs(0.7, 0.5, 0.8, 0.4)), "density + gamma > 1: fewer of the largest are dropped"
    three = [*crumbs(0.5, 0.3, 0.6, 0.1), m("c", weight=0.45, density=0.4, gamma=0.2)]
    yield "breadcrumbs_ties-three", recipe("breadcrumbs_ties", three, base="base"), "three models; c's lm_head has equal magnitudes"
    quirk = recipe("breadcrumbs", crumbs(0.7, 0.5, 0.6, 0.01), base="base") | {"compat": "mergekit"}
    yield "breadcrumbs-compat", quirk, "gamma * elements < 1 drops the whole task vector: tensors of fewer than 100 elements equal the base"
    for method in ("della", "della_linear"):
        de = lambda models, **p: recipe(method, models, base="base", **p)  # noqa: B023, E731
        yield f"{method}-density-1", de(della(0.7, 0.5, 1, 1)), "nothing is dropped"
        yield f"{method}-no-rescale", de(della(0.7, 0.5, 0.5, 0.5), rescale=False), "kept deltas stay as they are"
        yield f"{method}-options", de(della(0.7, 0.5, 1, 0.5, 0.3), normalize=method == "della_linear", **{L: 0.8}), "lambda; a is not masked"
    st = lambda *names, **p: recipe("model_stock", [m(n) for n in names], base="base", **p)  # noqa: E731
    yield "model_stock-three", st("a", "b", "c"), "three models"
    yield "model_stock-rows", st("a", "b", filter_wise=True), "filter_wise: true"
    yield "model_stock-rows-three", st("base", "a", "b", "c", filter_wise=True), "filter_wise with three models; base listed"
    yield "arcee_fusion-unlisted", recipe("arcee_fusion", [m("b")], base="base"), "base_model not listed"
    yield "arcee_fusion-second", recipe("arcee_fusion", [m("a"), m("c")], base="c"), "base_model is the second model"
    yield "nearswap-large", recipe("nearswap", [m("a")], base="base", t=1), "t larger than every difference: the other model"
    sce = lambda *names, **p: recipe("sce", [m(n) for n in names], base="base", **p)  # noqa: E731
    yield "sce-three", sce("a", "b", "c"), "three models"
    for k, word in ((0.5, "05"), (0.1, "01")):
        yield f"sce-topk-{word}", sce("a", "b", "c", select_topk=k), f"select_topk: {k}"
    yield "sce-int8-mask", sce("base", "a", "b", int8_mask=True), "same result as sce-scalar-f32"
    ram = lambda method, *names, **p: recipe(method, [m(n) for n in names], base="base", **p)  # noqa: E731
    for method in ("ram", "ramplus_tl"):
        yield f"{method}-three", ram(method, "a", "b", "c", epsilon=0.003), "three models; epsilon 0.003"
        yield f"{method}-one", ram(method, "a"), "one model"


NATIVE = ("nuslerp", "multislerp", "karcher", "breadcrumbs", "model_stock", "nearswap", "ram", "ramplus_tl")


def all_cases():
    for method in METHODS:
        for shape in shapes(method):
            yield f"{method}-{shape}-f32", shaped(method, shape, "", F32), f"{shape} parameters, F32 in and out"
            if method == "sce" and shape != "scalar":
                continue  # BF16 variances have too many equals to select among
            yield f"{method}-{shape}-bf16", shaped(method, shape, "-bf16", BF16), f"{shape} parameters, BF16 in and out, F32 arithmetic"
        if method in NATIVE:
            yield f"{method}-native-bf16", shaped(method, "scalar", "-bf16", {"dtype": "bfloat16"}), "BF16 arithmetic throughout"
    yield from edges()
