"""How a result is held against a golden file; the same rules the test-suite applies.

An element passes when it is within `rel` of the tensor's largest magnitude or within `ulp` units in the
last place of the output dtype. The ties rule excuses elements that the reference chose arbitrarily.
"""

import torch

INT = {torch.float32: torch.int32, torch.bfloat16: torch.int16, torch.float16: torch.int16}


def ordered(x):
    """Floats as integers in the same order, so that a difference counts units in the last place."""
    bits = x.contiguous().view(INT[x.dtype]).to(torch.int64)
    top = 1 << (x.element_size() * 8 - 1)
    return torch.where(bits < 0, -(bits + top), bits)


def distance(got, want):
    """Per element: difference over the tensor's largest magnitude, and units in the last place."""
    assert got.shape == want.shape and got.dtype == want.dtype, (got.shape, got.dtype, want.shape, want.dtype)
    big = want.double().abs().max()
    rel = (got.double() - want.double()).abs() / (big if big > 0 else 1)
    return rel, (ordered(got) - ordered(want)).abs()


def failures(got, want, rel=0.0, ulp=0, excused=None):
    """Number of elements outside the tolerance, and the worst figures of those not excused."""
    r, u = distance(got, want)
    if excused is not None:
        r, u = r.masked_fill(excused, 0), u.masked_fill(excused, 0)
    return int(((r > rel) & (u > ulp)).sum()), float(r.max()), int(u.max())


def excused(fact, slack=0.0, votes=0.0):
    """Elements that the reference decided arbitrarily, from what Probe saw of one tensor.

    With slack 0: some model's delta has exactly the threshold magnitude, and not all of those fit.
    slack and votes widen this for BF16 arithmetic: magnitudes within `slack` (relative) of the threshold,
    and elections won by less than `votes` of the summed magnitudes.
    """
    out = None
    for d, tau, tied in fact["trim"]:
        near = ((d - tau).abs() <= slack * tau) & (tau > 0) if slack else (d == tau) & tied
        out = near if out is None else out | near
    if votes and fact.get("vote") is not None:
        total, mass = fact["vote"]
        close = (total.abs() <= votes * mass) & (mass > 0)
        out = close if out is None else out | close
    if fact.get("open") is not None:
        out = fact["open"] if out is None else out | fact["open"]
    return out
