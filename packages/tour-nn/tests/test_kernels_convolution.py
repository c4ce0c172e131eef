"""Convolution kernels against their definition, and gradients against the identity <g, A x> = <A* g, x>."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tour._shapes import count_windows
from tour.nn.kernels import convolution, depthwise
from tour.nn.kernels.windows import col2im, im2col, pad


class Options(NamedTuple):
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


class Problem(NamedTuple):
    x: Any
    weight: Any
    bias: Any
    options: Options


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    dims = draw(st.integers(1, 3))
    each = st.tuples(*[st.integers(1, 3)] * dims)
    kernel, stride, dilation = draw(each), draw(each), draw(each)
    padding = draw(st.tuples(*[st.integers(0, 2)] * dims))
    size = tuple(
        draw(st.integers(max(1, d * (k - 1) + 1 - 2 * p), d * (k - 1) + 6))
        for k, d, p in zip(kernel, dilation, padding, strict=True)
    )
    groups, channels, depth = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 9)))
    x = random.standard_normal((draw(st.integers(0, 3)), channels * groups, *size))
    if draw(st.booleans()):
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    weight = random.standard_normal((depth * groups, channels, *kernel))
    bias = random.standard_normal(depth * groups) if draw(st.booleans()) else None
    return Problem(x, weight, bias, Options(stride, padding, dilation, groups))


def definition(x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """Sum over the taps of the kernel, one output pixel at a time."""
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    kernel, channels, depth = weight.shape[2:], weight.shape[1], len(weight) // groups
    out = np.zeros((len(x), len(weight), *count_windows(x.shape[2:], kernel, stride, padding, dilation)))
    for o in range(len(weight)):
        first = o // depth * channels
        for place, tap in product(np.ndindex(*out.shape[2:]), np.ndindex(*kernel)):
            pixel = tuple(p * s + t * d for p, s, t, d in zip(place, stride, tap, dilation, strict=True))
            out[(slice(None), o, *place)] += (
                padded[(slice(None), slice(first, first + channels), *pixel)] @ weight[(o, slice(None), *tap)]
            )
    return out if bias is None else out + bias.reshape(-1, *(1,) * len(kernel))


@given(problems())
@settings(max_examples=60, deadline=None)
def test_definition(problem: Problem) -> None:
    x, weight, bias, options = problem
    found = convolution.conv(x, weight, bias, *options)
    np.testing.assert_allclose(found, definition(x, weight, bias, *options), atol=1e-12)


@given(problems())
@settings(max_examples=100, deadline=None)
def test_gradients_are_adjoint(problem: Problem) -> None:
    x, weight, _, options = problem
    y = convolution.conv(x, weight, None, *options)
    g = np.random.default_rng(1).standard_normal(y.shape)
    x_grad = convolution.conv_input_grad(g, weight, x.shape, *options)
    weight_grad = convolution.conv_weight_grad(g, x, weight.shape, *options)
    assert x_grad.shape == x.shape and weight_grad.shape == weight.shape
    assert np.sum(x_grad * x) == pytest.approx(np.sum(g * y), abs=1e-9)
    assert np.sum(weight_grad * weight) == pytest.approx(np.sum(g * y), abs=1e-9)
    np.testing.assert_allclose(convolution.conv_bias_grad(g), np.moveaxis(g, 1, 0).reshape(g.shape[1], -1).sum(1))


@given(problems())
@settings(max_examples=100, deadline=None)
def test_transposed_gradients_are_adjoint(problem: Problem) -> None:
    x, weight, _, options = problem
    groups = options.groups
    weight = weight.reshape(groups, -1, *weight.shape[1:]).swapaxes(1, 2)
    weight = np.ascontiguousarray(weight).reshape(x.shape[1], -1, *weight.shape[3:])  # (C, O / groups, *kernel)
    extra = tuple(max(s, d) - 1 for s, d in zip(options.stride, options.dilation, strict=True))
    shape = [
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(x.shape[2:], *options[:3], weight.shape[2:], extra, strict=True)
    ]
    if min(shape) < 1:
        return
    y = convolution.conv_transpose(x, weight, None, *options[:2], extra, *options[2:])
    g = np.random.default_rng(1).standard_normal(y.shape)
    x_grad = convolution.conv_transpose_input_grad(g, weight, x.shape, *options)
    weight_grad = convolution.conv_transpose_weight_grad(g, x, weight.shape, *options)
    assert y.shape == (len(x), weight.shape[1] * groups, *shape)
    assert np.sum(x_grad * x) == pytest.approx(np.sum(g * y), abs=1e-9)
    assert np.sum(weight_grad * weight) == pytest.approx(np.sum(g * y), abs=1e-9)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("stride", [(1, 1), (2, 1)])
@pytest.mark.parametrize("size", [(9, 2), (9, 30)])  # both layouts
def test_small_blocks_change_nothing(monkeypatch: Any, groups: int, stride: Any, size: Any) -> None:
    random = np.random.default_rng(0)
    x, weight = random.standard_normal((5, 6, *size)), random.standard_normal((6, 6 // groups, 3, 2))
    options = Options(stride, (1, 1), (1, 1), groups)

    def all_three() -> list[Any]:
        y = convolution.conv(x, weight, weight[:, 0, 0, 0], *options)
        return [
            y,
            convolution.conv_input_grad(y, weight, x.shape, *options),
            convolution.conv_weight_grad(y, x, weight.shape, *options),
        ]

    whole = all_three()
    for module in (convolution, depthwise):
        monkeypatch.setattr(module, "_BLOCK", 500)
    for a, b in zip(whole, all_three(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-11)


@pytest.mark.parametrize("groups", [1, 4])
def test_single_precision_stays(groups: int) -> None:
    x, weight = np.ones((2, 4, 6, 6), "f4"), np.ones((4, 4 // groups, 3, 3), "f4")
    options = Options((1, 1), (1, 1), (1, 1), groups)
    y = convolution.conv(x, weight, np.ones(4, "f4"), *options)
    assert y.dtype == np.float32
    assert y[0, 0, 2, 2] == 36 / groups + 1
    assert convolution.conv_input_grad(y, weight, x.shape, *options).dtype == np.float32
    assert convolution.conv_weight_grad(y, x, weight.shape, *options).dtype == np.float32


@pytest.mark.parametrize("groups", [1, 3])
def test_inputs_are_not_written(groups: int) -> None:
    x, weight, bias = np.ones((1, 3, 4)), np.ones((3, 3 // groups, 1)), np.ones(3)
    for a in (x, weight, bias):
        a.flags.writeable = False
    y = convolution.conv(x, weight, bias, (1,), (0,), (1,), groups)
    assert not np.shares_memory(y, x)
    y.flags.writeable = False
    convolution.conv_input_grad(y, weight, x.shape, (1,), (0,), (1,), groups)
    convolution.conv_weight_grad(y, x, weight.shape, (1,), (0,), (1,), groups)


@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=2, max_size=2), st.booleans())
@settings(deadline=None)
def test_pad_pads_and_crops(pads: list[tuple[int, int]], channels_last: bool) -> None:
    x = np.arange(1.0, 41).reshape(1, 2, 4, 5)
    if any(n + lo + hi < 0 for n, (lo, hi) in zip((4, 5), pads, strict=True)):
        return
    wide = np.pad(x, [(0, 0), (0, 0), (9, 9), (9, 9)])
    inside = [slice(9 - lo, 9 + n + hi) for n, (lo, hi) in zip((4, 5), pads, strict=True)]
    np.testing.assert_array_equal(pad(x, pads, channels_last=channels_last), wide[(..., *inside)])


def test_columns_are_adjoint() -> None:
    random = np.random.default_rng(0)
    geometry = (2, 3), (2, 1), (1, 0), (1, 2)
    x = random.standard_normal((2, 3, 5, 6))
    columns = im2col(x, *geometry)
    g = random.standard_normal(columns.shape)
    assert np.sum(g * columns) == pytest.approx(np.sum(col2im(g, (5, 6), *geometry) * x))
    assert im2col(x[:0], *geometry).shape == (0, *columns.shape[1:])
