"""The array kernels against values stored from PyTorch 2.13 (tools/golden_kernels.py)."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FILE = np.load(Path(__file__).parent / "golden/kernels.npz")
NUMBERS = {name: FILE[name] for name in FILE.files}
CASES = json.loads(str(NUMBERS.pop("cases")))


def unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [unpack(v) for v in value]
    if not isinstance(value, dict):
        return value
    size = int(np.prod(value["shape"]))
    return NUMBERS[value["dtype"]][value["start"] : value["start"] + size].reshape(value["shape"])


def ctc_loss(*arguments: Any) -> Any:
    from tour.nn.kernels import ctc

    return ctc.ctc_loss(*arguments)[0]


def ctc_loss_grad(g: Any, *arguments: Any) -> Any:
    from tour.nn.kernels import ctc

    *forward, zero_infinity = arguments
    return ctc.ctc_loss_grad(g, *forward, *ctc.ctc_loss(*forward), zero_infinity)


ADAPTERS: dict[str, Callable[..., Any]] = {"ctc.ctc_loss": ctc_loss, "ctc.ctc_loss_grad": ctc_loss_grad}


@pytest.mark.parametrize("case", CASES, ids=[f"{i}-{case['kernel']}" for i, case in enumerate(CASES)])
def test_golden(case: dict[str, Any]) -> None:
    module, name = case["kernel"].split(".")
    kernel = ADAPTERS.get(case["kernel"]) or getattr(importlib.import_module(f"tour.nn.kernels.{module}"), name)
    found = kernel(*unpack(case["arguments"]))
    expected = unpack(case["results"])
    for got, want in zip(found if isinstance(found, tuple) else (found,), expected, strict=True):
        assert got.shape == want.shape
        assert got.dtype == want.dtype
        tolerance = 1e-12 if want.dtype == np.float64 else 1e-5
        np.testing.assert_allclose(got, want, rtol=tolerance * 10, atol=tolerance)
