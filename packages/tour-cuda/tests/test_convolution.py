"""Convolution without cuDNN: columns by the CUDA sources, products by a stand-in for cuBLAS, against NumPy's kernels."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from tour.cuda.forms import convolution as forms
from tour.nn.kernels import convolution as kernels

# Input, weight, stride, padding, dilation, groups.
CASES = [
    ((2, 3, 9), (4, 3, 3), (2,), (1,), (1,), 1),
    ((3, 4, 7, 6), (6, 4, 3, 2), (1, 2), (1, 0), (2, 1), 1),
    ((2, 4, 6, 6), (6, 2, 3, 3), (1, 1), (1, 1), (1, 1), 2),
    ((2, 5, 6, 7), (10, 1, 3, 3), (2, 1), (0, 1), (1, 1), 5),
    ((2, 3, 4, 5), (7, 3, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    ((1, 2, 4, 5, 4), (3, 2, 2, 3, 1), (1, 2, 1), (1, 1, 0), (1, 1, 2), 1),
    ((0, 3, 5, 5), (2, 3, 3, 3), (1, 1), (0, 0), (1, 1), 1),
]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def close(actual, expected):
    assert actual.shape == expected.shape and actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(("input_shape", "weight_shape", "stride", "padding", "dilation", "groups"), CASES)
@pytest.mark.parametrize("workspace", [1, 1 << 28])  # sample by sample, and all at once
def test_convolution(simulated, monkeypatch, input_shape, weight_shape, stride, padding, dilation, groups, workspace):
    monkeypatch.setattr(forms, "WORKSPACE", workspace)
    x, w, bias = normal(*input_shape), normal(*weight_shape, seed=1), normal(weight_shape[0], seed=2)
    options = stride, padding, dilation, groups
    wide = [a.astype("f8") for a in (x, w, bias)]
    expected = inspect.unwrap(kernels.conv)(*wide, *options)
    close(forms.conv(x, w, bias, *options), expected)
    g = normal(*expected.shape, seed=3)
    g64 = g.astype("f8")
    close(
        forms.conv_input_grad(g, w, input_shape, *options),
        inspect.unwrap(kernels.conv_input_grad)(g64, wide[1], input_shape, *options),
    )
    close(
        forms.conv_weight_grad(g, x, weight_shape, *options),
        inspect.unwrap(kernels.conv_weight_grad)(g64, wide[0], weight_shape, *options),
    )


def test_without_bias_and_as_a_slice(simulated):
    x, w = normal(2, 6, 8, 8)[:, ::2], normal(4, 3, 3, 3, seed=1)
    options = (1, 1), (1, 1), (1, 1), 1
    close(
        forms.conv(x, w, None, *options), inspect.unwrap(kernels.conv)(x.astype("f8"), w.astype("f8"), None, *options)
    )
