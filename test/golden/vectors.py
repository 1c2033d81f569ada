"""Small tensors with known results, written to vectors.json.

`now` holds the seven methods linear, slerp, task_arithmetic, ties, dare_linear, dare_ties and passthrough, `later` all
others. Where mergekit has the method, its own task is run on the tensors and must agree with the table in
tables.py (6 or 7 digits); its full-precision result is what gets stored. The rest is stored as in the table.
"""

import json

import torch
from mergekit import merge_methods
from mergekit.architecture import WeightInfo
from mergekit.common import ImmutableMap, ModelReference
from mergekit.config import evaluate_setting
from mergekit.merge_methods.base import TensorDictWrapper
from mergekit.sparsify import RescaleNorm, rescaled_masked_tensor
from tables import FIXTURES, LATER, NOW

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
LOADED = "regenerated with mergekit 0.1.4 at full precision; agrees with the table"


def tensor(name, dtype="float32"):
    return torch.tensor(FIXTURES[name], dtype=DTYPES[dtype])


def run(method, models, base, params, dtype):
    """One tensor through mergekit's method of that name."""
    m = merge_methods.get(method)
    refs = {n: ModelReference.model_validate(n) for n in [*models, *([base] if base and base not in models else [])]}
    own = {p.name: params.get(p.name, p.default_value) for p in m.parameters()}
    each = {
        refs[n]: ImmutableMap(data={p.name: models.get(n, {}).get(p.name, p.default_value) for p in m.tensor_parameters()})
        for n in refs
    }
    task = m.make_task(
        output_weight=WeightInfo(name="tensor"),
        tensors=TensorDictWrapper(tensors=ImmutableMap(data={})),
        parameters=ImmutableMap(data=own),
        tensor_parameters=ImmutableMap(data=each),
        base_model=refs[base] if base else None,
    )
    return task.execute(tensors={refs[n]: tensor(n, dtype) for n in refs})


def special(kind, row):
    """Vectors that are not one call of a method."""
    if kind == "gradient":
        n = row["layers"]
        return torch.tensor([evaluate_setting("x", row["params"]["value"], i / (n - 1)) for i in range(n)])
    if kind == "mask":
        base, mask = tensor(row["base"]), torch.tensor(row["mask"]).float()
        delta = tensor("A") - base
        if row["params"]["rescale"] == "l1":
            return base + rescaled_masked_tensor(delta, mask, RescaleNorm.l1)
        return base + delta * mask / row["params"]["density"]
    value = {}
    for out, base, other, t in row["steps"]:
        from mergekit.merge_methods.slerp import slerp

        x, y = (value.get(n, None) if n in value else tensor(n) for n in (base, other))
        value[out] = slerp(t, x, y)
    return value["out"]


def entry(row):
    """A row of the tables as stored, with mergekit's result in place of the table's where there is one."""
    dtype = row.get("dtype", "float32")
    models, base, params = row.get("models", {}), row.get("base"), row.get("params", {})
    names = row.get("inputs", [*models, *([base] if base and base not in models else [])])
    out = {
        "id": row["id"],
        "source": row.get("source", "mergekit 0.1.4"),
        "inputs": {n: {"shape": list(tensor(n).shape), "values": tensor(n).double().flatten().tolist()} for n in names},
        "method": row["method"],
        "base": base,
        "models": [{"tensor": n, "params": p} for n, p in models.items()],
        "params": params,
        "dtype": dtype,
    }
    out.update({k: row[k] for k in ("mask", "steps", "layers", "data") if k in row})
    want = row["expected"]
    if "source" in row:
        out.update(expected=want, note=row.get("note", "as in the table, not regenerated"))
        return out
    got = special(row["kind"], row) if "kind" in row else run(row["method"], models, base, params, dtype)
    flat = torch.tensor(want, dtype=torch.float64).flatten()
    error = float(((got.double().flatten() - flat).abs() / flat.abs().clamp(min=1)).max())
    if error > row.get("tol", 1.2e-6):
        raise AssertionError(f"{row['id']}: off by {error}: {got.double().flatten().tolist()}")
    note = LOADED + (f"; {row['note']}" if "note" in row else "")
    out.update(expected=got.double().flatten().tolist(), note=note)
    return out


def write(path):
    data = {"now": [entry(r) for r in NOW], "later": [entry(r) for r in LATER]}
    lines = [f' "{k}": [\n' + ",\n".join("  " + json.dumps(e) for e in v) + "\n ]" for k, v in data.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    again = sum("regenerated with" in e["note"] for v in data.values() for e in v)
    print(f"{path.name}: {len(data['now'])} now, {len(data['later'])} later, {again} regenerated")
