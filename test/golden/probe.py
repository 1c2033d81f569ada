"""Looks over mergekit's shoulder: trimming thresholds, sign elections and slerp angles of each tensor.

The wrapped functions return what they always return. `stable=True` trims with another, equally valid order
among equal magnitudes, to prove that the ties rule covers every such choice.
"""

import mergekit.merge_methods.generalized_task_arithmetic as gta
import mergekit.merge_methods.slerp as slerp_module
import torch
from mergekit.sparsify import RescaleNorm, SparsificationMethod, rescaled_masked_tensor


class Probe:
    def __init__(self, stable=False):
        self.stable = stable
        self.tensors = {}
        self.cosines = []
        self.now = None

    def __enter__(self):
        self.saved = gta.GTATask.execute, gta.sparsify, gta.get_mask, slerp_module.slerp
        execute, sparsify, get_mask, slerp = self.saved

        def run(task, tensors, **kwargs):
            self.now = self.tensors.setdefault(task.weight_info.name, {"trim": [], "vote": None})
            return execute(task, tensors, **kwargs)

        def trim(delta, density, method, rescale_norm=None, **kwargs):
            if method == SparsificationMethod.magnitude and density < 1:
                self.now["trim"].append(self.threshold(delta, density))
                if self.stable:
                    return self.other(delta, density, rescale_norm)
            return sparsify(delta, density=density, method=method, rescale_norm=rescale_norm, **kwargs)

        def vote(deltas, method="sum", mask_dtype=None):
            self.now["vote"] = deltas.float().sum(0), deltas.float().abs().sum(0)
            return get_mask(deltas, method=method, mask_dtype=mask_dtype)

        def turn(t, v0, v1, **kwargs):
            x, y = v0.double().flatten(), v1.double().flatten()
            norms = x.norm() * y.norm()
            self.cosines.append(float(x @ y / norms) if norms > 0 else 0.0)
            return slerp(t, v0, v1, **kwargs)

        gta.GTATask.execute, gta.sparsify, gta.get_mask, slerp_module.slerp = run, trim, vote, turn
        return self

    def __exit__(self, *_):
        gta.GTATask.execute, gta.sparsify, gta.get_mask, slerp_module.slerp = self.saved

    @staticmethod
    def threshold(delta, density):
        """(magnitudes, k-th largest magnitude, whether elements of that magnitude had to be left out)."""
        d = delta.float().abs()
        k = int(density * d.numel())
        tau = d.flatten().sort(descending=True).values[k - 1]
        return d, tau, bool(tau > 0 and (d >= tau).sum() > k)

    @staticmethod
    def other(delta, density, rescale_norm):
        """Magnitude trimming that keeps the last of the equals, in position order."""
        k = int(density * delta.numel())
        order = delta.float().abs().flatten().flip(0).argsort(descending=True, stable=True)
        mask = torch.zeros(delta.numel(), dtype=delta.dtype)
        mask[order[:k]] = 1
        return rescaled_masked_tensor(delta, mask.flip(0).view_as(delta), rescale_norm and RescaleNorm(rescale_norm))

    def tied(self):
        return [n for n, f in self.tensors.items() if any(t for _, _, t in f["trim"])]

    def close_votes(self, eps=2e-6):
        """Elections that rounding alone could turn (an exact zero is not one: it counts as positive)."""
        votes = [f["vote"] for f in self.tensors.values() if f["vote"] is not None]
        return sum(int(((s != 0) & (s.abs() <= eps * m)).sum()) for s, m in votes)
