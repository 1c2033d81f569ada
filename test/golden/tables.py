"""The numbers of vectors.json: inputs, and results to 6 or 7 digits. Data only.

Rows with a `source` cannot be run with mergekit 0.1.4: either the method is newer there (ram, ramplus_tl) or
not in it at all; the latter are a float64 implementation of the published formulas, so a second opinion only.
"""

FIXTURES = {
    # mergekit table: base Q, models X, Y, Z; no equal magnitudes among the deltas of one model
    "Q": [[0.5, -1.0, 0.25, 2.0], [1.5, 0.125, -0.75, 1.0]],
    "X": [[0.8125, -1.5625, 0.3125, 2.75], [1.3125, 0.5625, -0.59375, 1.625]],
    "Y": [[0.25, -0.625, 0.59375, 2.125], [2.15625, -0.15625, -0.78125, 1.5]],
    "Z": [[0.578125, -1.296875, -0.078125, 1.125], [1.609375, 0.34375, -1.15625, 2.125]],
    "P": [[0.5, -1, 0.25, 2], [0.125, 1, -0.5, 0.75]],
    "R": [[0.515625, -1.03125, 0.2578125, 3.5], [0.1484375, 0.98828125, -0.4609375, 0.75390625]],
    "U": [[1.0, -1.0, 0.25, 2.25], [1.5, 0.125, -1.25, 1.0]],
    "V": [[0.75, -0.5, 0.25, 2.0], [1.5, 0.125, -0.75, 1.0]],
    # formula table: base O, models A, B, C
    "O": [[0.5, -1, 0.25, 2], [1.5, -0.5, 0, -1.25]],
    "A": [[1.0, -1.25, 0.375, 2.0], [0.5, -0.4375, 0.75, -1.625]],
    "B": [[0.75, -0.5625, 0.1875, 1.5], [0.9375, -0.375, -0.3125, -0.625]],
    "C": [[0.375, -0.625, 0.5, 3.0], [1.5, -1.25, 0.5, -1.4375]],
}


def row(id, method, models, expected, base=None, **more):
    """models: "X Y", or {"X": {...}}; `each` gives parameters in the same order: each={"weight": [..]}."""
    each = more.pop("each", {})
    if isinstance(models, str):
        models = {n: {k: v[i] for k, v in each.items()} for i, n in enumerate(models.split())}
    return {"id": id, "method": method, "models": models, "base": base, "expected": expected, **more}


def w(*weights, density=None):
    return {"weight": list(weights), **({"density": [density] * len(weights)} if density else {})}


FORMULA = "formula in float64"
NEWER = "mergekit after 0.1.4"
L = "lambda"
MASK = [[1, 0, 1, 1], [0, 1, 0, 1]]
NO_RNG = "the mask is given: torch's random stream has no parity elsewhere"

NOW = [
    row("linear-6-4", "linear", "X Y", [0.5875, -1.1875, 0.425, 2.5, 1.65, 0.275, -0.66875, 1.575], each=w(0.6, 0.4)),
    row("linear-sum", "linear", "X Y", [0.7125, -1.5, 0.721875, 3.5625, 2.728125, 0.196875, -1.059375, 2.325], each=w(0.6, 0.9), params={"normalize": False}),
    row("linear-bf16", "linear", "X Y", [0.5898438, -1.1875, 0.4257812, 2.5, 1.65625, 0.2753906, -0.671875, 1.578125], each=w(0.6, 0.4), dtype="bfloat16"),
    row("linear-three", "linear", "A B C", [0.78125, -0.921875, 0.359375, 2.125, 0.859375, -0.625, 0.421875, -1.328125], each=w(0.5, 0.25, 0.25)),
    row("slerp-x", "slerp", "X Y", [0.6558853, -1.305925, 0.4061581, 2.615436, 1.601483, 0.3522216, -0.6644203, 1.621047], "X", params={"t": 0.3}),
    row("slerp-y", "slerp", "X Y", [0.4293071, -0.9282947, 0.5194472, 2.363683, 1.941351, 0.06270496, -0.7399464, 1.570696], "Y", params={"t": 0.3}),
    row("slerp-ab", "slerp", "A B", [0.963407, -1.105968, 0.336705, 1.926814, 0.62914, -0.433777, 0.49321, -1.409909], "A", params={"t": 0.25}),
    row("slerp-abc", "slerp", {}, [0.653789, -0.797632, 0.403391, 2.453405, 1.144057, -0.85145, 0.370333, -1.327108], kind="chain", inputs=["A", "B", "C"], steps=[["AB", "A", "B", 0.5], ["out", "AB", "C", 0.5]], note="steps are [result, base, other, t]"),
    row("slerp-acb", "slerp", {}, [0.745853, -0.781673, 0.32642, 2.084462, 1.00641, -0.636374, 0.169471, -1.126485], kind="chain", inputs=["A", "B", "C"], steps=[["AC", "A", "C", 0.5], ["out", "AC", "B", 0.5]], note="steps are [result, base, other, t]"),
    row("ta-lambda", "task_arithmetic", "X Y", [0.546875, -1.103125, 0.3578125, 2.29375, 1.598438, 0.2078125, -0.703125, 1.34375], "Q", each=w(0.7, 0.5), params={L: 0.5}),
    row("ta-negative", "task_arithmetic", "A B C", [1.025, -1.1, 0.275, 1.6, 0.475, -0.25, 0.375, -1.2625], "O", each=w(1, 0.5, -0.25), params={L: 0.8}),
    row("dare-linear-1", "dare_linear", "X Y", [0.59375, -1.20625, 0.465625, 2.5875, 1.696875, 0.290625, -0.65625, 1.6875], "Q", each=w(0.7, 0.5, density=1)),
    row("dare-mask", "dare_linear", {"A": {"weight": 1}}, [1.5, -1, 0.5, 2, 1.5, -0.375, 0, -2], "O", kind="mask", mask=MASK, params={"density": 0.5, "rescale": "density"}, note=NO_RNG + "; divided by the density as in the paper, which mergekit does not do"),
    row("dare-mask-l1", "dare_linear", {"A": {"weight": 1}}, [1.941176, -1, 0.610294, 2, 1.5, -0.319853, 0, -2.330882], "O", kind="mask", mask=MASK, params={"density": 0.5, "rescale": "l1"}, note=NO_RNG + "; rescaled as mergekit does, by the ratio of L1 norms"),
    row("ties-1", "ties", "X Y Z", [0.7272727, -1.465909, 0.4296875, 2.489583, 1.913194, 0.4829546, -0.9479167, 1.710938], "Q", each=w(0.7, 0.5, 0.4, density=1)),
    row("ties-1-bf16", "ties", "X Y Z", [0.7265625, -1.46875, 0.4296875, 2.484375, 1.914062, 0.4824219, -0.9492188, 1.710938], "Q", each=w(0.7, 0.5, 0.4, density=1), dtype="bfloat16"),
    row("ties-05", "ties", "X Y Z", [0.5, -1.5625, 0.59375, 2.75, 2.15625, 0.5625, -1.15625, 1.710938], "Q", each=w(0.7, 0.5, 0.4, density=0.5)),
    row("ties-05-rescale", "ties", "X Y Z", [0.5, -1.512911, 0.4848958, 2.683882, 1.948437, 0.5239309, -0.9542857, 2.477282], "Q", each=w(0.7, 0.5, 0.4, density=0.5), params={"normalize": False, "rescale": True}),
    row("ties-abc-05", "ties", "A B C", [1, -0.59375, 0.25, 3, 0.71875, -1.25, 0.625, -0.625], "O", each=w(1, 1, 1, density=0.5)),
    row("ties-abc-lambda", "ties", "A B C", [0.85, -0.715625, 0.25, 2.7, 0.902083, -1.025, 0.466667, -1.5125], "O", each=w(1, 0.5, 0.5, density=0.5), params={L: 0.7}),
    row("ties-abc-1", "ties", "A B C", [0.875, -0.59375, 0.4375, 3, 0.71875, -1.25, 0.625, -0.625], "O", each=w(1, 1, 1, density=1)),
    row("gradient-4", "gradient", {}, [2, 10 / 3, 6, 10], kind="gradient", layers=4, params={"value": [2, 4, 10]}, note="value per layer; embeddings, final norm and head take the first value, 2"),
]

LATER = [
    row("nuslerp-flat", "nuslerp", "X Y", [0.6009246, -1.214962, 0.4358402, 2.560027, 1.691678, 0.2805368, -0.685389, 1.613258], each=w(0.6, 0.4)),
    row("nuslerp-rows", "nuslerp", "X Y", [0.5938639, -1.200518, 0.4301365, 2.52845, 1.685285, 0.2796887, -0.6828367, 1.60739], each=w(0.6, 0.4), params={"nuslerp_flatten": False, "nuslerp_row_wise": False}),
    row("nuslerp-columns", "nuslerp", "X Y", [0.6004644, -1.236302, 0.4264608, 2.501935, 1.690248, 0.2848306, -0.6709927, 1.576233], each=w(0.6, 0.4), params={"nuslerp_flatten": False, "nuslerp_row_wise": True}),
    row("nuslerp-base", "nuslerp", "X Y", [0.6084838, -1.241539, 0.5146025, 2.707616, 1.747217, 0.3192894, -0.6379234, 1.833871], "Q", each=w(0.6, 0.4)),
    row("nuslerp-ab", "nuslerp", "A B", [0.963407, -1.105968, 0.336705, 1.926814, 0.62914, -0.433777, 0.49321, -1.409909], each=w(0.75, 0.25)),
    row("nuslerp-ab-base", "nuslerp", "A B", [1.044834, -1.065378, 0.3402, 1.815965, 0.387327, -0.397389, 0.564204, -1.359569], "O", each=w(0.75, 0.25)),
    row("nuslerp-ab-rows", "nuslerp", "A B", [0.940506, -1.081358, 0.329121, 1.881013, 0.669136, -0.457763, 0.510706, -1.480013], each=w(0.75, 0.25), params={"nuslerp_flatten": False}),
    row("multislerp", "multislerp", "X Y Z", [0.6092327, -1.260315, 0.3282946, 2.290103, 1.706656, 0.3019076, -0.8056079, 1.7625], each=w(0.5, 0.3, 0.2)),
    row("multislerp-base", "multislerp", "X Y Z", [0.622918, -1.304605, 0.4132699, 2.440056, 1.758174, 0.3647987, -0.7488541, 2.070997], "Q", each=w(0.5, 0.3, 0.2)),
    row("multislerp-abc", "multislerp", "A B C", [0.869814, -0.977331, 0.364422, 2.201311, 0.91722, -0.621119, 0.365917, -1.358542], each=w(0.5, 0.25, 0.25)),
    row("multislerp-ab-base", "multislerp", "A B", [1.000989, -0.819542, 0.27948, 1.616932, 0.450139, -0.365551, 0.224764, -1.003255], "O", each=w(0.5, 0.5)),
    row("karcher", "karcher", "X Y Z", [0.5624695, -1.201336, 0.2814714, 2.049124, 1.779931, 0.2517406, -0.8949137, 1.83813]),
    row("karcher-abc", "karcher", "A B C", [0.815831, -0.873998, 0.356246, 2.241077, 1.045574, -0.674567, 0.232197, -1.252182], params={"max_iter": 100, "tol": 1e-6}, tol=2e-6),
    row("karcher-ab", "karcher", "A B", [0.918707, -0.906097, 0.283943, 1.837414, 0.822784, -0.43222, 0.123694, -1.109278], tol=2e-6),
    row("breadcrumbs", "breadcrumbs", {n: {"weight": 1, "density": 0.5, "gamma": 0.25} for n in "XZ"}, [0.8125, -1.859375, -0.078125, 2.0, 1.3125, 0.78125, -1.15625, 1.0], "Q"),
    row("breadcrumbs-abc", "breadcrumbs", {n: {"weight": 1, "density": 0.5, "gamma": 0.25} for n in "ABC"}, [1.25, -0.4375, 0.625, 1.5, 1.5, -0.5, 0.1875, -1.8125], "O"),
    row("della-linear-1", "della_linear", "X Y", [0.59375, -1.20625, 0.465625, 2.5875, 1.696875, 0.290625, -0.65625, 1.6875], "Q", each=w(0.7, 0.5, density=1)),
    row("della-keep", "della_linear", {}, [0.3, 0.433333, 0.566667, 0.7], source="mergekit 0.1.4", params={"density": 0.5, "epsilon": 0.2}, note="keep probabilities of a row of four, ascending magnitude"),
    row("della-keep-a", "della_linear", "A", [0.65, 0.55, 0.45, 0.35, 0.65, 0.35, 0.55, 0.45], "O", source="mergekit 0.1.4", params={"density": 0.5, "epsilon": 0.15}, note="keep probabilities of A's delta, ranked within each row"),
    row("model-stock", "model_stock", "X Y Z", [0.5072432, -1.024949, 0.254024, 2.0, 1.529777, 0.144315, -0.7644863, 1.11589], "Q"),
    row("model-stock-rows", "model_stock", "X Y Z", [-0.7331705, 3.247587, -0.4350944, 2.0, 1.637925, 0.2144646, -0.8170985, 1.536788], "Q", params={"filter_wise": True}, tol=2e-6),
    row("model-stock-abc", "model_stock", "A B C", [0.43664, -1.057024, 0.21832, 1.949312, 1.6584, -0.442976, -0.09504, -1.256336], "O", note="cosines .066527, .133337, -.452724; t = -.304128, not clamped"),
    row("nearswap", "nearswap", "X", [0.6, -1.1, 0.3125, 2.1, 1.4, 0.225, -0.65, 1.1], "Q", params={"t": 0.1}),
    row("nearswap-ab", "nearswap", "B", [0.875, -1.125, 0.25, 1.875, 0.625, -0.375, 0.625, -1.5], "A", params={"t": 0.125}),
    row("arcee", "arcee_fusion", "X", [0.5, -1.0, 0.25, 2.0, 1.5, 0.125, -0.75, 1.625], "Q"),
    row("arcee-pr", "arcee_fusion", "R", [0.5, -1.03125, 0.25, 3.5, 0.125, 1.0, -0.5, 0.75], "P"),
    row("arcee-ab", "arcee_fusion", "B", [1, -1.25, 0.375, 2, 0.5, -0.4375, -0.3125, -0.625], "A", note="threshold .152631"),
    row("sce", "sce", "X Y Z", [0.6713028, -1.402477, 0.4260099, 2.497756, 1.778199, 0.430716, -1.040485, 1.835864], "Q"),
    row("sce-topk", "sce", "X Y Z", [0.5, -1.44231, 0.25, 2.515022, 1.839958, 0.4635202, -0.75, 1.0], "Q", params={"select_topk": 0.5}),
    row("sce-abc", "sce", "A B C", [0.5, -1, 0.25, 3, 0.667316, -0.5, 0.642484, -0.625], "O", params={"select_topk": 0.5}, note="weights at select_topk 1: .37482, .244604, .380576"),
    row("ram", "ram", "X Y Z", [0.546875, -1.161458, 0.2760417, 2.0, 1.692708, 0.25, -0.84375, 1.75], "Q", source=NEWER),
    row("ram-uv", "ram", "U V", [0.875, -0.5, 0.25, 2.25, 1.5, 0.125, -1.25, 1.0], "Q", source=NEWER),
    row("ramplus-uv", "ramplus_tl", "U V", [0.875, -0.49, 0.25, 2.255, 1.5, 0.125, -1.26, 1.0], "Q", source=NEWER, note="both lambda 1.02"),
    row("ram-abc", "ram", "A B C", [1, -0.59375, 0.25, 2.25, 0.71875, -1.25, 0.3125, -1.125], "O", source=NEWER, params={"epsilon": 0.3}),
    row("ramplus-abc", "ramplus_tl", "A B C", [1.01, -0.59375, 0.25, 2.25, 0.71875, -1.265, 0.3125, -1.125], "O", source=NEWER, params={"epsilon": 0.3, "r": 0.1, "alpha": 0.2}),
    row("ties-authors-mean", "ties_authors", "A B C", [1, -0.59375, 0.5, 3, 0.71875, -1.25, 0.625, -0.625], "O", source=FORMULA, params={"keep": 0.5, "merge": "mean"}, note="the authors' code keeps k + 1 elements"),
    row("ties-authors-sum", "ties_authors", "A B C", [0.7, -0.675, 0.35, 2.4, 0.875, -0.8, 0.5, -1], "O", source=FORMULA, params={"keep": 0.5, "merge": "sum", L: 0.4}),
    row("emr", "emr", "A B C", {"unified": [0.5, 0.4375, 0.25, 1, -1, -0.75, 0.75, 0.625], "rescalers": [1.225, 1.121951, 1]}, "O", source=FORMULA),
    row("tall", "tall", "A B C", {"masks": {"A": "10101011", "B": "11011001", "C": "01110111"}, "consensus": [0.6875, -0.83125, 0.34375, 2.15, 1.03125, -0.5, 0.28125, -1.23125]}, "O", source=FORMULA, params={L: 0.4, "k": 2, "alpha": 0.3}),
    row("pcb", "pcb", "A B C", [1, -0.5625, 0.25, 3, 0.71875, -1.25, 0.680517, -0.625], "O", source=FORMULA, params={"ratio": 0.5, L: 1}, note="no clipping"),
    row("magmax", "magmax", "A B C", [1, -0.5625, 0.5, 3, 0.5, -1.25, 0.75, -0.625], "O", source=FORMULA, params={L: 1}),
    row("aim", "aim", "A", [0.94, -1.1, 0.3375, 2, 0.62, -0.475, 0.525, -1.625], "O", source=FORMULA, params={"omega": 0.4, "s": [0.2, 1, 0.5, 0]}),
    row("neuromerging", "neuromerging", "A", [0.05, -0.1, 0.025, 0.2, -0.392308, 0.130769, 0, 0.326923], "O", source=FORMULA, note="the parallel part of A's delta"),
    row("spectrum", "spectrum", "A B C", {"sigma": [1.990799, 0.855588], "stableRank": {"A": 1.114627, "sum": 1.184703}}, "O", source=FORMULA, note="of the summed deltas"),
    row("iso-c", "iso_c", "A B C", [1.0361, -0.277569, 1.006818, 2.802121, 0.412733, -0.79544, 0.847867, -1.057213], "O", source=FORMULA, params={"alpha": 1}),
    row("polar", "polar", "A B C", [0.376688, 0.507612, 0.531774, 0.563606, -0.763963, -0.207589, 0.59575, 0.135461], "O", source=FORMULA, note="orthogonal polar factor of the summed deltas"),
    row("subspace-boost", "subspace_boost", "A B C", [0.749911, 1.010554, 1.058655, 1.122027, -1.520897, -0.413269, 1.186018, 0.269675], "O", source=FORMULA, params={"beta": 0.01}, note="the delta; largest singular value times polar"),
    row("tsv-m", "tsv_m", "A B", [0.652351, -0.811918, 0.747104, 1.073614, 0.326584, -0.417441, 0.579297, -1.378796], "O", source=FORMULA, params={"k": 1, "alpha": 1}, note="singular task interference, l1: .333193"),
    row("wudi", "wudi", "A B", [1.095222, 1.428378, 1.100869, 0.644208, -0.615637, 1.496284, 2.080116, 1.499228], "O", source=FORMULA, note="the delta, closed form; condition number 221"),
    row("fisher", "fisher", "A B", [0.916667, -0.90625, 0.1875, 1.833333, 0.85, -0.4375, 0.395833, -0.625002], source=FORMULA, params={"floor": 1e-6}, data={"A": [1, 0.5, 0, 2, 0.25, 1, 4, 0], "B": [0.5, 0.5, 1, 1, 1, 0, 2, 0.5]}),
    row("fisher-normalized", "fisher", "A B", [0.885253, -0.817435, 0.1875, 1.770506, 0.881317, -0.4375, 0.262326, -0.625001], source=FORMULA, params={"floor": 1e-6, "normalize": True}, data={"A": [1, 0.5, 0, 2, 0.25, 1, 4, 0], "B": [0.5, 0.5, 1, 1, 1, 0, 2, 0.5]}),
    *(
        row(id, "regmean", "A B", want, source=FORMULA, params={"a": a}, data={"A": [[6, 1, 2, 1], [1, 7, 3, 3], [2, 3, 6, -1], [1, 3, -1, 3]], "B": [[6, 1, 0, -1], [1, 2, -1, 2], [0, -1, 7, -1], [-1, 2, -1, 6]]}, note="data are the Gram matrices")
        for id, a, want in (
            ("regmean", 1, [0.96268, -0.981178, 0.173847, 1.674009, 0.70933, -0.200018, 0.100288, -1.151315]),
            ("regmean-09", 0.9, [0.954442, -1.000133, 0.189269, 1.685837, 0.714995, -0.252674, 0.121458, -1.101454]),
        )
    ),
    row("weight-matching", "git_rebasin", {}, [1, 3, 0, 2], source=FORMULA, data={"W1": [[1, 2, 0], [0, -1, 1], [3, 0, 1], [-2, 1, 1]], "b1": [0.5, -0.5, 1, 0], "W2": [[1, -1, 2, 0], [0, 1, 1, -1]], "p": [2, 0, 3, 1], "cost": [[5.5, 6.25, 0, -3.25], [-0.5, -3.25, -1, 4.25], [16, 5.5, -6, -0.5], [-6, 0, 7, -1]]}, note="the second model is the first with rows and columns taken by p"),
    row("ho-gsvd", "ho_gsvd", {}, {"all": [1.822448, 3.007182], "D1 D2": [2.6, 5.05]}, source=FORMULA, data={"D1": [[2, 0], [0, 1], [1, 0]], "D2": [[1, 0], [0, 3], [0, 1]], "D3": [[1, 1], [0, 2], [1, 0]]}, note="eigenvalues"),
]
