"""Softmax and cross entropy: the CUDA sources, run on the CPU through their Python callers, against NumPy in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from tour import _softmax as oracle
from tour.cuda import _faults
from tour.cuda.forms import rows
from tour.nn.kernels import softmax as losses

SHAPES = [
    ((3, 7), 1),
    ((2, 700), 1),
    ((5, 1), 1),
    ((2, 33, 3), 1),
    ((4, 5), 0),
    ((6,), 0),
    ((), 0),
    ((0, 3), 1),
    ((2, 0), 0),
]
NAMES = ["softmax", "log_softmax"]


def normal(*shape, dtype=np.float32, seed=0):
    return np.asarray(3 * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def close(actual, expected, dtype=np.float32):
    assert actual.shape == expected.shape
    assert actual.dtype == dtype
    wide = np.asarray(actual, np.float64)
    np.testing.assert_allclose(wide, expected, rtol=2e-6 if dtype == np.float32 else 2e-3, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_softmax_and_its_gradient(simulated, name, shape, axis):
    x, g = normal(*shape), normal(*shape, seed=1)
    y = getattr(rows, name)(x, axis)
    if not x.size:
        assert y.shape == shape
        return
    close(y, getattr(oracle, name)(x.astype("f8"), axis))
    close(
        getattr(rows, f"{name}_grad")(g, y, axis), getattr(oracle, f"{name}_grad")(g.astype("f8"), y.astype("f8"), axis)
    )


@pytest.mark.parametrize("name", NAMES)
def test_infinities_and_nan(simulated, name):
    inf, nan = np.inf, np.nan
    x = np.array([[0, -inf, 1], [-inf, -inf, -inf], [inf, 0, 1], [nan, 0, 1], [0, 1e38, -1e38]], np.float32)
    with np.errstate(all="ignore"):
        expected = getattr(oracle, name)(x.astype("f8"), 1)
    np.testing.assert_allclose(getattr(rows, name)(x, 1), expected, rtol=1e-6)
    np.testing.assert_allclose(getattr(rows, name)(np.ascontiguousarray(x.T), 0), expected.T, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_single(simulated, dtype):
    import ml_dtypes

    dtype = np.dtype(getattr(ml_dtypes, dtype, dtype))
    x = normal(3, 100).astype(dtype)
    expected = oracle.softmax(x.astype(np.float32), 1).astype(dtype)
    ulps = rows.softmax(x, 1).view(np.int16).astype(int) - expected.view(np.int16)
    assert np.abs(ulps).max() <= 1


def test_what_lies_apart_in_memory_is_copied(simulated):
    x = normal(6, 8)[::2, ::-1]
    close(rows.softmax(x, 1), oracle.softmax(x.astype("f8"), 1))


def test_other_dtypes_are_left_to_numpys_functions(simulated):
    assert rows.softmax(np.ones((2, 2), np.complex64), 1) is NotImplemented


@pytest.mark.parametrize("shape", [(5, 9), (2, 40, 3), (300, 2)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_and_its_gradient(simulated, shape, weighted, smoothing):
    x, rng = normal(*shape), np.random.default_rng(2)
    target = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    target.reshape(-1)[::4] = -100
    weight = rng.uniform(0.5, 2, shape[1]).astype("f4") if weighted else None
    loss, probabilities = rows.cross_entropy(x, target, weight, -100, smoothing)
    wide = None if weight is None else weight.astype("f8")
    expected, expected_probabilities = losses.cross_entropy.__wrapped__(x.astype("f8"), target, wide, -100, smoothing)
    close(loss, expected)
    close(probabilities, expected_probabilities)
    g = normal(*target.shape, seed=3)
    grad = rows.cross_entropy_grad(g, probabilities, target, weight, -100, smoothing)
    p, wide_g = expected_probabilities, g.astype("f8")
    close(grad, losses.cross_entropy_grad.__wrapped__(wide_g, p, target, wide, -100, smoothing))
    _faults.check()


def test_a_target_out_of_range_is_raised_at_the_next_synchronisation(simulated):
    loss, _ = rows.cross_entropy(normal(3, 4), np.array([1, 7, 2]))
    assert np.isfinite(loss).all()
    with pytest.raises(IndexError, match=r"class 7 is no target of cross_entropy over 4 classes"):
        _faults.check()
    _faults.check()  # said once
