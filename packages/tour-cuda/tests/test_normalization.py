"""Normalisations: the CUDA sources, run on the CPU through their Python callers, against NumPy in double precision."""

from __future__ import annotations

import inspect
from math import prod

import numpy as np
import pytest

from tour.cuda.forms import normalization as forms
from tour.nn.kernels import normalization as kernels


def oracle(name):
    return inspect.unwrap(getattr(kernels, name))


def normal(*shape, seed=0):
    return (2 * np.random.default_rng(seed).standard_normal(shape) + 1).astype(np.float32)


def double(args):
    return [a.astype("f8") if isinstance(a, np.ndarray) else a for a in args]


def close(actual, expected):
    for a, e in zip(actual, expected, strict=True):
        assert (a is None) == (e is None)
        if a is not None:
            assert (a.shape, a.dtype) == (e.shape, np.float32)
            np.testing.assert_allclose(a, e, rtol=1e-5, atol=2e-5)


def both(name, saved, x, lead, affine, wanted):
    """Forward and backward of a normalisation with statistics of its own, in the form and in NumPy."""
    y = getattr(forms, name)(x, *lead, *affine, 1e-5)
    expected = oracle(name)(*double([x, *lead, *affine]), 1e-5)
    close(y, expected)
    g = normal(*x.shape, seed=5)
    close(
        getattr(forms, f"{name}_grad")(g, x, *lead, *y[1:], affine[0], wanted),
        oracle(f"{name}_grad")(*double([g, x, *lead, *expected[1:], affine[0]]), wanted),
    )


def affine(shape, on, count=2):
    return [normal(*shape, seed=3 + i) if on else None for i in range(count)]


@pytest.mark.parametrize(("lead", "shape"), [((5,), (7,)), ((2, 3), (40,)), ((3,), (2, 300)), ((70,), (33,))])
@pytest.mark.parametrize("on", [True, False])
def test_layer_and_rms_norm(simulated, lead, shape, on):
    x = normal(*lead, *shape)
    both("layer_norm", 2, x, [shape], affine(shape, on), (True, on, on))
    both("rms_norm", 1, x, [shape], affine(shape, on, 1), (True, on))


@pytest.mark.parametrize(("shape", "groups"), [((2, 6, 5), 3), ((3, 4), 2), ((2, 4, 3, 33), 4), ((9, 8, 1), 1)])
@pytest.mark.parametrize("on", [True, False])
def test_group_norm(simulated, shape, groups, on):
    both("group_norm", 2, normal(*shape), [groups], affine(shape[1:2], on), (True, on, on))


@pytest.mark.parametrize("shape", [(4, 3), (70, 40), (3, 5, 9), (2, 3, 7, 40), (1, 2, 300)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(simulated, shape, training):
    x, (weight, bias) = normal(*shape), affine(shape[1:2], True)
    if training:
        y, mean, var = forms.batch_norm(x, weight, bias, 1e-5)
        close((y, mean, var), oracle("batch_norm")(*double([x, weight, bias]), 1e-5))
    else:
        mean, var = normal(shape[1], seed=8), np.abs(normal(shape[1], seed=9)) + 1
        close(
            [forms.batch_norm_eval(x, mean, var, weight, bias, 1e-5)],
            [oracle("batch_norm_eval")(*double([x, mean, var, weight, bias]), 1e-5)],
        )
    g, wanted = normal(*shape, seed=5), (True, True, True)
    close(
        forms.batch_norm_grad(g, x, mean, var, weight, 1e-5, wanted, training),
        oracle("batch_norm_grad")(*double([g, x, mean, var, weight]), 1e-5, wanted, training),
    )


def test_gradients_that_nobody_wants_are_not_computed(simulated):
    x = normal(4, 3, 5)
    _, mean, rstd = forms.group_norm(x, 3, None, None, 1e-5)
    simulated.launched.clear()
    assert forms.group_norm_grad(x, x, 3, mean, rstd, None, (True, False, False))[1:] == (None, None)
    assert simulated.launched == ["normalize_rows_grad"]


def test_a_mean_far_from_zero_costs_no_digits(simulated):
    x = (normal(2, 500) + 10_000).astype(np.float32)
    y = forms.layer_norm(x, (500,), None, None, 0.0)[0]
    expected = oracle("layer_norm")(x.astype("f8"), (500,), None, None, 0.0)[0]
    np.testing.assert_allclose(y, expected, atol=2e-3)  # 1e-7 of 10 000, over a deviation of 2


def test_nan_stays_in_its_row(simulated):
    x = normal(3, 40)
    x[1, 5] = np.nan
    y = forms.layer_norm(x, (40,), None, None, 1e-5)[0]
    assert np.isnan(y[1]).all() and np.isfinite(y[[0, 2]]).all()


def test_nothing_to_normalise_is_left_to_numpy(simulated):
    assert prod((0, 3)) == 0
    assert forms.layer_norm(normal(0, 3), (3,), None, None, 1e-5) is NotImplemented
