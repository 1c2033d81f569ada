"""Makes test/golden/fp8: checkpoints in FP8 by each convention, and what torch multiplies them out to, rounded to BF16.

    python test/golden/fp8.py        needs torch and safetensors (requirements.txt)
"""
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent / "fp8"
torch.manual_seed(11)
NAME = "model.layers.0.mlp.up_proj.weight"
ROWS, COLUMNS, HIGH, WIDE = 70, 90, 32, 48


def quantise(weight, scales_shape, expand, dtype):
    """Scales that bring the largest of each block to the largest number, and the quotients."""
    largest = torch.finfo(dtype).max
    full = torch.zeros(scales_shape)
    blocks = expand(torch.arange(full.numel()).reshape(scales_shape).float()).long()
    for i in range(full.numel()):
        full.view(-1)[i] = weight[blocks == i].abs().max() / largest
    return (weight / expand(full)).to(dtype), full


def blockwise(scales):
    return scales.repeat_interleave(HIGH, -2)[..., :ROWS, :].repeat_interleave(WIDE, -1)[..., :COLUMNS]


def case(name, stored, scales, expand, suffix, config, more=None):
    folder = HERE / name
    folder.mkdir(parents=True, exist_ok=True)
    norm = torch.ones(COLUMNS, dtype=torch.bfloat16)
    scale_name = NAME.replace(".weight", suffix) if suffix.startswith(".") else NAME + suffix
    tensors = {NAME: stored, scale_name: scales, "model.norm.weight": norm, **(more or {})}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    if config is not None:
        (folder / "config.json").write_text(json.dumps({"model_type": "llama", "torch_dtype": "bfloat16", "quantization_config": config}))
    expected = (stored.float() * expand(scales.float())).to(torch.bfloat16)
    (HERE / "expected").mkdir(exist_ok=True)
    save_file({NAME: expected, "model.norm.weight": norm}, HERE / "expected" / f"{name}.safetensors")


def main():
    weight = torch.randn(ROWS, COLUMNS) * torch.linspace(0.1, 5, ROWS)[:, None]
    grid = (-(-ROWS // HIGH), -(-COLUMNS // WIDE))
    q, s = quantise(weight, grid, blockwise, torch.float8_e4m3fn)
    case("blocks", q, s, blockwise, "_scale_inv", {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [HIGH, WIDE]})
    q, s = quantise(weight, (ROWS, 1), lambda x: x.expand(ROWS, COLUMNS), torch.float8_e4m3fn)
    groups = {"group_0": {"weights": {"num_bits": 8, "type": "float", "strategy": "channel"}, "targets": ["Linear"]}}
    ct = {"quant_method": "compressed-tensors", "format": "float-quantized", "config_groups": groups}
    case("rows", q, s.to(torch.bfloat16), lambda x: x.expand(ROWS, COLUMNS), "_scale", ct, {NAME.replace(".weight", ".input_scale"): torch.ones(1)})
    q, s = quantise(weight, (1,), lambda x: x.expand(ROWS, COLUMNS), torch.float8_e5m2)
    case("one", q, s.reshape(()), lambda x: x.expand(ROWS, COLUMNS), ".scale_weight", None, {"scaled_fp8": torch.zeros(2, dtype=torch.float8_e5m2)})
    experts = torch.randn(3, ROWS, COLUMNS)
    q, s = quantise(experts, (3, *grid), blockwise, torch.float8_e4m3fn)
    case("experts", q, s, blockwise, "_scale_inv", {"quant_method": "fp8", "weight_block_size": [HIGH, WIDE]})


main()
