"""Write `packages/tour-nn/tests/golden/init.json`: the values PyTorch 2.13's `nn.init` draws from given seeds.

    python tools/golden_init.py        (needs torch 2.13)

A case holds the function, its options, the shape and dtype of the tensor, the values after seed 7 in hexadecimal, and one
more uniform number, which tells how many numbers were drawn.
"""

from __future__ import annotations

import importlib
import json
import warnings
from pathlib import Path
from typing import Any

torch: Any = importlib.import_module("torch")

GOLDEN = Path(__file__).parents[1] / "packages/tour-nn/tests/golden/init.json"

SHAPES = [[5], [3, 4], [7, 3], [4, 2, 2, 2]]
CASES: dict[str, list[dict[str, Any]]] = {
    "uniform_": [{}, {"a": -2.0, "b": 0.5}],
    "normal_": [{}, {"mean": 1.0, "std": 0.2}],
    "trunc_normal_": [
        {},
        {"mean": 0.5, "std": 2.0, "a": -1.0, "b": 3.0},
        {"std": 0.02},
        {"a": 1.5, "b": 2.5},
        {"mean": 9.0},
    ],
    "constant_": [{"val": 0.3}],
    "ones_": [{}],
    "zeros_": [{}],
    "eye_": [{}],
    "dirac_": [{}, {"groups": 2}],
    "xavier_uniform_": [{}, {"gain": 1.7}],
    "xavier_normal_": [{}, {"gain": 1.7}],
    "kaiming_uniform_": [{}, {"a": 5**0.5}, {"mode": "fan_out", "nonlinearity": "relu"}, {"nonlinearity": "tanh"}],
    "kaiming_normal_": [{}, {"a": 0.3}, {"mode": "fan_out", "nonlinearity": "selu"}, {"nonlinearity": "linear"}],
    "orthogonal_": [{}, {"gain": 1.5}],
    "sparse_": [{"sparsity": 0.3}, {"sparsity": 0.5, "std": 1.0}],
}


def run(name: str, options: dict[str, Any], shape: list[int], dtype: str) -> dict[str, Any] | None:
    """One case; None where PyTorch refuses the shape."""
    torch.manual_seed(7)
    tensor = torch.empty(shape, dtype=getattr(torch, dtype))
    try:
        getattr(torch.nn.init, name)(tensor, **options)
    except ValueError:
        return None
    values = [x.hex() for x in tensor.double().flatten().tolist()]
    return {"shape": shape, "dtype": dtype, "options": options, "values": values, "next": torch.rand(1).item().hex()}


def main() -> None:
    """Run every case and write the file."""
    warnings.simplefilter("ignore")
    golden = {
        name: [
            case
            for options in choices
            for shape in SHAPES
            for dtype in ("float32", "float64")
            if (case := run(name, options, shape, dtype)) is not None
        ]
        for name, choices in CASES.items()
    }
    GOLDEN.parent.mkdir(exist_ok=True)
    lines = [f'"{name}": [\n' + ",\n".join(map(json.dumps, cases)) + "\n]" for name, cases in golden.items()]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
