"""Fifty steps of every optimizer against PyTorch's (`tools/golden_optim.py`), in float64."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tour
from tour import optim

CASES = json.loads((Path(__file__).parent / "golden" / "steps.json").read_text())
SHAPES: list[tuple[int, ...]] = [(3,), (2, 3), ()]
MATRICES: list[tuple[int, ...]] = [(2, 3), (4, 3)]
# Muon's matrices are rounded to bfloat16 between products, whose last bit depends on the order of a sum.
TOLERANCE = {"Muon": 5e-4}


def start(shape: tuple[int, ...], i: int) -> Any:
    return np.sin(1.0 + i + np.arange(np.prod(shape, dtype=int))).reshape(shape)


def gradient(p: Any, i: int, t: int) -> Any:
    return 0.5 * p + 0.3 * np.cos(i + 0.7 * t + np.arange(p.size)).reshape(p.shape)


def build(case: dict[str, Any]) -> tuple[Any, list[Any]]:
    shapes = MATRICES if case["optimizer"] == "Muon" else SHAPES
    params = [tour.tensor(start(shape, i), requires_grad=True) for i, shape in enumerate(shapes)]
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in case["options"].items()}
    return getattr(optim, case["optimizer"])(params, **options), params


def take_steps(optimizer: Any, params: list[Any], first: int, last: int) -> None:
    for t in range(first, last + 1):
        for i, p in enumerate(params):
            p.grad = tour.tensor(gradient(p.detach().numpy(), i, t))
        optimizer.step()


def name_of(case: dict[str, Any]) -> str:
    return case["optimizer"] + "".join(f"-{k}={v}" for k, v in case["options"].items())


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_steps_equal_pytorch(case: dict[str, Any]) -> None:
    optimizer, params = build(case)
    before = 0
    for step, expected in sorted((int(t), values) for t, values in case["after"].items()):
        take_steps(optimizer, params, before + 1, step)
        before = step
        for p, values in zip(params, expected, strict=True):
            tolerance = TOLERANCE.get(case["optimizer"], 1e-12)
            np.testing.assert_allclose(p.detach().numpy(), values, rtol=tolerance, atol=tolerance)
    state = optimizer.state_dict()
    assert list(state["state"].get(0, [])) == case["names"]


@pytest.mark.parametrize("case", [case for case in CASES if "repr" in case], ids=name_of)
def test_state_dict_has_pytorch_layout(case: dict[str, Any]) -> None:
    optimizer, params = build(case)
    take_steps(optimizer, params, 1, 1)
    state = optimizer.state_dict()
    layout = {
        str(key): {k: [list(v.shape), v.dtype.name] for k, v in entry.items()} for key, entry in state["state"].items()
    }
    assert layout == case["state"]
    assert json.loads(json.dumps(state["param_groups"])) == case["groups"]
    assert list(state["param_groups"][0]) == list(case["groups"][0])
    assert repr(optimizer) == case["repr"]


@pytest.mark.parametrize("case", [case for case in CASES if "repr" in case], ids=name_of)
def test_checkpoint_continues_bit_for_bit(case: dict[str, Any]) -> None:
    optimizer, params = build(case)
    take_steps(optimizer, params, 1, 5)
    again, copies = build(case)
    for copy, p in zip(copies, params, strict=True):
        copy.detach().numpy()[...] = p.detach().numpy()
    again.load_state_dict(optimizer.state_dict())
    take_steps(optimizer, params, 6, 10)
    take_steps(again, copies, 6, 10)
    for copy, p in zip(copies, params, strict=True):
        np.testing.assert_array_equal(copy.detach().numpy(), p.detach().numpy())
