"""Dtypes: promotion, casts, limits, legacy types, and what Python data becomes."""

from __future__ import annotations

import json
import operator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tour

FAMILY = "dtypes"

INTEGERS = [tour.uint8, tour.int8, tour.int16, tour.int32, tour.int64, tour.uint16, tour.uint32, tour.uint64]
FLOAT8 = [tour.float8_e4m3fn, tour.float8_e5m2, tour.float8_e4m3fnuz, tour.float8_e5m2fnuz]


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)


@given(st.sampled_from(INTEGERS), st.integers(-(2**63), 2**63 - 1))
def test_a_number_fits_an_integer_dtype_or_is_refused(d, number):
    limits = tour.iinfo(d)
    lowest = limits.min if d.is_signed else -limits.max  # negative ones wrap, as in PyTorch
    for data in (number, [number], [[number], [0]]):
        if lowest <= number <= limits.max:
            assert tour.tensor(data, dtype=d).reshape(-1)[0].item() == number % (limits.max + 1 - limits.min) - (
                0 if number % (limits.max + 1 - limits.min) <= limits.max else limits.max + 1 - limits.min
            )
        else:
            with pytest.raises(RuntimeError, match=f"cannot be converted to type {d.name} without overflow"):
                tour.tensor(data, dtype=d)


@given(st.sampled_from(INTEGERS), st.lists(st.integers(0, 100), min_size=1), st.integers(1, 100))
def test_unsigned_and_signed_arithmetic_is_numpy_s(d, numbers, other):
    a = np.array(numbers, d.numpy)
    t = tour.tensor(numbers, dtype=d)
    for function in (
        lambda x: x + other,
        lambda x: x * other,
        lambda x: x // other,
        lambda x: x % other,
        lambda x: x == other,
    ):
        result = function(t)
        assert result.dtype is (tour.bool if result.dtype is tour.bool else d)
        np.testing.assert_array_equal(result.numpy(), function(a))


@pytest.mark.parametrize("d", FLOAT8)
def test_float8_computes_and_converts(d):
    t = tour.tensor([1.0, 2.0, -0.5], dtype=d)
    assert (t + t).dtype is d
    assert (t * 2).float().tolist() == [2.0, 4.0, -1.0]
    assert t.float().sum() == 2.5
    assert (t.to(tour.bfloat16) == tour.tensor([1.0, 2.0, -0.5])).all()
    assert t.view(tour.uint8).dtype is tour.uint8
    assert repr(t) == f"tensor([ 1.0000,  2.0000, -0.5000], dtype=tour.{d.name})"


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (None, RuntimeError, "infer dtype of NoneType"),
        ([1, {}], RuntimeError, "infer dtype of dict"),
        ([[1, 2], [3]], ValueError, "equal lengths"),
        ([1, [2]], TypeError, "side by side"),
        (2**64, ValueError, "does not fit int64"),
        ("1", TypeError, "invalid data type 'str'"),
        (["1"], ValueError, "'str'"),
        ([tour.zeros(2), tour.zeros(2)], ValueError, r"shape \[2\].*stack"),
    ],
)
def test_what_is_no_data_is_refused(data, error, words):
    with pytest.raises(error, match=words):
        tour.tensor(data)


PROMOTION = json.loads((Path(__file__).parent / "golden" / "promotion.json").read_text())


@pytest.mark.parametrize("name", PROMOTION["operators"])
def test_promotion_is_pytorchs(name):
    """Tensors with and without dimensions of every dtype beside each other, and beside numbers (`tools/golden_promotion.py`)."""
    function, dtypes = getattr(operator, name), PROMOTION["dtypes"]
    tensors = [tour.ones(shape, dtype=getattr(tour, d)) for d in dtypes for shape in ((2,), ())]
    numbers = (2, 2.5, 1j)
    cases = [*product(tensors, tensors), *product(tensors, numbers), *product(numbers, tensors)]
    for (a, b), answer in zip(cases, PROMOTION["operators"][name], strict=True):
        if answer == "?":  # complex32, which NumPy does not have
            continue
        if answer == "!":
            with pytest.raises((RuntimeError, TypeError)):
                function(a, b)
        else:
            result = function(a, b)
            assert result.dtype is getattr(tour, dtypes[ord(answer) - ord("a")]), (a, b)
            assert result.shape == np.broadcast_shapes(*(getattr(x, "shape", ()) for x in (a, b)))
