"""Elementwise functions against answers of PyTorch 2.13, stored by `tools/golden_elementwise.py`: values, dtypes, shapes, errors."""

import builtins
import json
import math
import warnings
from pathlib import Path

import pytest

import tour

GOLDEN = json.loads((Path(__file__).parent / "golden/elementwise.json").read_text())
DIGITS = {"float32": 1e-5, "float64": 1e-9, "complex64": 1e-5, "complex128": 1e-9, "bfloat16": 8e-3, "float16": 1e-3}


def evaluate(expression):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(expression, {"t": tour, "float": float, "complex": complex})


def near(got, want, tolerance):
    if isinstance(want, complex):
        return near(got.real, want.real, tolerance) and near(got.imag, want.imag, tolerance)
    if math.isnan(want) or math.isinf(want):
        return str(got) == str(want)
    return math.isclose(got, want, rel_tol=tolerance, abs_tol=tolerance)


def check(got, want):
    if isinstance(want, list) and len(want) == 3 and isinstance(want[0], str):
        dtype, shape, values = want
        assert got.dtype.name == dtype
        assert list(got.shape) == shape
        found = got.reshape(-1).tolist()
        if dtype not in DIGITS:
            assert [str(v) for v in found] == values
        else:
            kind = complex if dtype.startswith("complex") else float
            assert all(near(v, kind(w), DIGITS[dtype]) for v, w in zip(found, values, strict=True)), (found, values)
    elif isinstance(want, list):
        assert len(got) == len(want)
        for g, w in zip(got, want, strict=True):
            check(g, w)
    else:
        assert (got if isinstance(got, (bool, int, float)) else str(got).rpartition(".")[2]) == want


@pytest.mark.parametrize("call", GOLDEN)
def test_pytorch(call):
    want = GOLDEN[call]
    if isinstance(want, dict):
        with pytest.raises(getattr(builtins, want["raises"])):
            evaluate(call)
    else:
        check(evaluate(call), want)
