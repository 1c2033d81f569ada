"""Looks over mergekit's shoulder: thresholds, sign elections, importances and slerp angles of each tensor.

The wrapped functions return what they always return. `stable=True` trims with another, equally valid order
among equal magnitudes, to prove that the ties rule covers every such choice. `double=True` has dtype float32 mean
float64, to learn how much of a result is rounding.
"""

import mergekit.io.tasks as tasks
import mergekit.merge_methods.arcee_fusion as arcee
import mergekit.merge_methods.generalized_task_arithmetic as gta
import mergekit.merge_methods.sce as sce
import mergekit.merge_methods.slerp as slerp_module
import torch
from mergekit.sparsify import RescaleNorm, SparsificationMethod, rescaled_masked_tensor

KL_ERROR = 5e-7  # of a row's divergence in F32, from softmax and log of values near 1


class Probe:
    def __init__(self, stable=False, double=False):
        self.stable, self.double = stable, double
        self.tensors = {}
        self.cosines = []
        self.close = []
        self.now = None

    def wrap(self, owner, name, make):
        old = getattr(owner, name)
        self.saved.append((owner, name, old))
        setattr(owner, name, make(old))

    def __enter__(self):
        self.saved = []
        self.wrap(gta.GTATask, "execute", self.named)
        self.wrap(arcee.ArceeFusionMergeTask, "execute", self.named)
        self.wrap(gta, "sparsify", self.trimmed)
        self.wrap(gta, "get_mask", self.elected)
        self.wrap(slerp_module, "slerp", self.turned)
        self.wrap(arcee.ArceeFusionMergeTask, "_compute_importance", self.weighed)
        self.wrap(sce, "sce_mask", self.varied)
        self.wrap(sce, "sce_weight", self.summed)
        if self.double:
            self.wrap(tasks, "dtype_from_name", lambda old: lambda name: torch.float64 if name == "float32" else old(name))
        return self

    def __exit__(self, *_):
        for owner, name, old in reversed(self.saved):
            setattr(owner, name, old)

    def named(self, execute):
        def run(task, tensors, **kwargs):
            self.now = self.tensors.setdefault(task.weight_info.name, {"trim": [], "vote": None})
            return execute(task, tensors, **kwargs)

        return run

    def trimmed(self, sparsify):
        def trim(delta, density, method, rescale_norm=None, **kwargs):
            cuts = self.cuts(delta, density, method, **kwargs)
            for cut in cuts:
                self.now["trim"].append(self.threshold(delta, cut))
            if self.stable and cuts:
                return self.other(delta, cuts, rescale_norm)
            return sparsify(delta, density=density, method=method, rescale_norm=rescale_norm, **kwargs)

        return trim

    def elected(self, get_mask):
        def vote(deltas, method="sum", mask_dtype=None):
            self.now["vote"] = deltas.float().sum(0), deltas.float().abs().sum(0)
            return get_mask(deltas, method=method, mask_dtype=mask_dtype)

        return vote

    def turned(self, slerp):
        def turn(t, v0, v1, **kwargs):
            x, y = v0.double().flatten(), v1.double().flatten()
            norms = x.norm() * y.norm()
            self.cosines.append(float(x @ y / norms) if norms > 0 else 0.0)
            if not self.double:
                return slerp(t, v0, v1, **kwargs)
            theta = torch.acos(x @ y / norms) if norms > 0 else torch.tensor(torch.pi / 2, dtype=torch.float64)
            if abs(self.cosines[-1]) > 0.9995:
                return (1 - t) * v0.double() + t * v1.double()
            return (torch.sin((1 - t) * theta) * v0.double() + torch.sin(t * theta) * v1.double()) / torch.sin(theta)

        return turn

    def weighed(self, importance):
        """Elements whose side of the threshold F32 cannot tell: the divergence of a row is a sum that nearly cancels."""

        def weigh(task, params, base, **kwargs):
            exact = importance(task, params.double(), base.double(), **kwargs)
            error = (params - base).abs().double() * KL_ERROR
            sorted_at = lambda e, q: float((exact + e).flatten().sort().values[int(q * (exact.numel() - 1))])  # noqa: E731
            limit = lambda e: sorted_at(e, 0.5) + 1.5 * (sorted_at(e, 0.75) - sorted_at(-e, 0.25))  # noqa: E731
            theta = limit(0 * error)
            slack = max(limit(error) - theta, theta - limit(-error)) + 1e-5 * theta
            self.now["open"] = ((exact - theta).abs() <= error + slack) & (params != base)
            return importance(task, params, base, **kwargs)

        return weigh

    def varied(self, sce_mask):
        def mask(tvs, density, mask_dtype=None):
            var = tvs.double().var(0, unbiased=False).flatten().sort(descending=True).values
            k = int(int((var != 0).sum()) * density)
            if 0 < k < var.numel() and var[k - 1] - var[k] <= 1e-5 * var[k - 1]:
                self.close.append(("select_topk", float(var[k - 1]), float(var[k])))
            return sce_mask(tvs, density, mask_dtype)

        return mask

    def summed(self, sce_weight):
        def weight(tvs):
            total = float((tvs.double() ** 2).mean(list(range(1, tvs.dim()))).sum())
            if abs(total / 1e-6 - 1) < 1e-3:
                self.close.append(("sum of mean squares", total))
            s, mass = tvs.double().sum(0), tvs.double().abs().sum(0)
            if ((s != 0) & (s.abs() <= 2e-6 * mass)).any():
                self.close.append(("election",))
            return sce_weight(tvs)

        return weight

    @staticmethod
    def cuts(delta, density, method, gamma=0, **_):
        """Where the sorted magnitudes (descending) are cut: [top, bottom) is kept."""
        n = delta.numel()
        if density >= 1:
            return []
        if method == SparsificationMethod.magnitude:
            return [int(density * n)]
        if method == SparsificationMethod.magnitude_outliers:
            target, top = int(density * n), int(gamma * n)
            top = min(top, n - target)
            return [top, top + target] if top > 0 else []
        return []

    @staticmethod
    def threshold(delta, cut):
        """(magnitudes, that of the last element before the cut, whether elements of that magnitude are on both sides)."""
        d = delta.float().abs()
        order = d.flatten().sort(descending=True).values
        tau = order[cut - 1]
        return d, tau, bool(tau > 0 and cut < order.numel() and tau == order[cut])

    @staticmethod
    def other(delta, cuts, rescale_norm):
        """Trimming that keeps the last of the equals, in position order."""
        order = delta.float().abs().flatten().flip(0).argsort(descending=True, stable=True)
        mask = torch.zeros(delta.numel(), dtype=delta.dtype)
        mask[order[cuts[0] if len(cuts) > 1 else 0 : cuts[-1]]] = 1
        return rescaled_masked_tensor(delta, mask.flip(0).view_as(delta), rescale_norm and RescaleNorm(rescale_norm))

    def tied(self):
        return [n for n, f in self.tensors.items() if any(t for _, _, t in f["trim"])]

    def close_votes(self, eps=2e-6):
        """Elections that rounding alone could turn (an exact zero is not one: it counts as positive)."""
        votes = [f["vote"] for f in self.tensors.values() if f["vote"] is not None]
        return sum(int(((s != 0) & (s.abs() <= eps * m)).sum()) for s, m in votes)
