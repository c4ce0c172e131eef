"""Pooling kernels against their definition, window by window."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tour._shapes import count_windows
from tour.nn.kernels import adaptive_pooling, pooling


class Problem(NamedTuple):
    x: Any
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil_mode: bool


@st.composite
def problems(draw: st.DrawFn, dilated: bool = True) -> Problem:
    dims = draw(st.integers(1, 3))
    each = st.tuples(*[st.integers(1, 3)] * dims)
    kernel, stride = draw(each), draw(each)
    dilation = draw(each) if dilated else (1,) * dims
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = tuple(
        draw(st.integers(max(1, d * (k - 1) + 1), d * (k - 1) + 5)) for k, d in zip(kernel, dilation, strict=True)
    )
    random = np.random.default_rng(draw(st.integers(0, 9)))
    x = random.integers(-2, 3, (draw(st.integers(0, 2)), 2, *size)).astype(draw(st.sampled_from(["f4", "f8"])))
    for value in (np.nan, -np.inf):  # rare, so that both of the ways of finding the maximum run
        if draw(st.booleans()):
            x[random.random(x.shape) < 0.1] = value
    return Problem(x, kernel, stride, padding, dilation, draw(st.booleans()))


def windows(problem: Problem) -> Any:
    """For each window, its place in the output and the flat positions inside the image, in reading order."""
    x, kernel, stride, padding, dilation, ceil_mode = problem
    size = x.shape[2:]
    for place in np.ndindex(*count_windows(size, kernel, stride, padding, dilation, ceil_mode)):
        positions = []
        for tap in np.ndindex(*kernel):
            pixel = [a * s - p + t * d for a, s, p, t, d in zip(place, stride, padding, tap, dilation, strict=True)]
            if all(0 <= i < n for i, n in zip(pixel, size, strict=True)):
                positions.append(int(np.ravel_multi_index(pixel, size)))
        yield place, positions


def first_maximum(values: Any) -> int:
    """PyTorch's choice: a later element wins if it is larger, or NaN."""
    best = 0
    for i, value in enumerate(values):
        if value > values[best] or np.isnan(value):
            best = i
    return best


@given(problems())
@settings(max_examples=150, deadline=None)
def test_max_pool(problem: Problem) -> None:
    x, *geometry = problem
    flat = x.reshape(*x.shape[:2], int(np.prod(x.shape[2:])))
    out, where = pooling.max_pool_with_indices(x, *geometry)
    g = np.random.default_rng(0).integers(1, 9, out.shape).astype(x.dtype)
    grad = np.zeros(flat.shape, x.dtype)
    for n, c in np.ndindex(*x.shape[:2]):
        for place, positions in windows(problem):
            chosen = positions[first_maximum(flat[n, c, positions])]
            assert where[(n, c, *place)] == chosen
            np.testing.assert_equal(out[(n, c, *place)], flat[n, c, chosen])
            grad[n, c, chosen] += g[(n, c, *place)]
    np.testing.assert_equal(pooling.max_pool(x, *geometry), out)
    np.testing.assert_equal(pooling.max_pool_grad(g, x, out, *geometry[:-1]), grad.reshape(x.shape))
    np.testing.assert_equal(pooling.scatter(g, where, x.shape[2:]), grad.reshape(x.shape))
    if len(x):
        np.testing.assert_equal(pooling.gather(x, where), out)


@given(problems(dilated=False), st.booleans(), st.sampled_from([None, 3]))
@settings(max_examples=100, deadline=None)
def test_avg_pool(problem: Problem, count_include_pad: bool, divisor: int | None) -> None:
    x = np.nan_to_num(problem.x, neginf=0)
    kernel, stride, padding, _, ceil_mode = problem[1:]
    out = pooling.avg_pool(x, kernel, stride, padding, ceil_mode, count_include_pad, divisor)
    flat = x.reshape(*x.shape[:2], int(np.prod(x.shape[2:])))
    for place, positions in windows(problem):
        count = len(positions)
        if count_include_pad:  # elements beyond the padding, in ceil mode, do not count
            ends = [
                min(a * s - p + k, n + p) - (a * s - p)
                for a, s, p, k, n in zip(place, stride, padding, kernel, x.shape[2:], strict=True)
            ]
            count = int(np.prod(ends))
        expected = flat[:, :, positions].sum(2) / (divisor or count)
        np.testing.assert_allclose(out[(slice(None), slice(None), *place)], expected, rtol=1e-5)
    g = np.random.default_rng(0).standard_normal(out.shape).astype(x.dtype)
    grad = pooling.avg_pool_grad(g, x.shape, kernel, stride, padding, count_include_pad, divisor)
    assert grad.shape == x.shape and grad.dtype == x.dtype
    assert np.sum(grad * x) == pytest.approx(np.sum(g * out), rel=1e-4, abs=1e-3)


def test_nan_gradient_stays_in_its_window() -> None:
    x = np.arange(4.0).reshape(1, 1, 4)
    geometry = (2,), (2,), (0,), (1,)
    out = pooling.max_pool(x, *geometry, False)
    grad = pooling.max_pool_grad(np.array([[[np.nan, 1.0]]]), x, out, *geometry)
    np.testing.assert_equal(grad, [[[0, np.nan, 0, 1]]])


def test_integers_are_pooled() -> None:
    x = np.arange(-6, 0).reshape(1, 1, 6)
    assert pooling.max_pool(x, (3,), (2,), (1,), (1,), False).tolist() == [[[-5, -3, -1]]]


def test_many_planes_in_blocks(monkeypatch: Any) -> None:
    x = np.random.default_rng(0).standard_normal((3, 5, 6, 6))
    geometry = (3, 3), (2, 2), (1, 1), (1, 1)
    whole = pooling.max_pool_with_indices(x, *geometry, False)
    monkeypatch.setattr(pooling, "_BLOCK", 10)
    for a, b in zip(whole, pooling.max_pool_with_indices(x, *geometry, False), strict=True):
        np.testing.assert_array_equal(a, b)


@given(st.lists(st.tuples(st.integers(1, 7), st.integers(1, 9)), min_size=1, max_size=3), st.booleans())
@settings(max_examples=80, deadline=None)
def test_adaptive(sizes: list[tuple[int, int]], with_nan: bool) -> None:
    size, out_size = zip(*sizes, strict=True)
    random = np.random.default_rng(0)
    x = random.integers(-3, 4, (2, 2, *size)).astype(float)
    mean = adaptive_pooling.adaptive_avg_pool(x, out_size)
    y = x.copy()
    y[random.random(x.shape) < 0.1 * with_nan] = np.nan
    best, where = adaptive_pooling.adaptive_max_pool(y, out_size)
    numbers = np.arange(int(np.prod(size))).reshape(size)
    for place in np.ndindex(*out_size):
        bins = tuple(slice(i * n // m, -(-(i + 1) * n // m)) for i, n, m in zip(place, size, out_size, strict=True))
        at = (slice(None), slice(None), *place)
        values = x[(slice(None), slice(None), *bins)].reshape(2, 2, -1)
        np.testing.assert_allclose(mean[at], values.mean(2))
        for n, c in np.ndindex(2, 2):
            values = y[(n, c, *bins)].ravel()
            chosen = first_maximum(values)
            np.testing.assert_equal(best[(n, c, *place)], values[chosen])
            assert where[(n, c, *place)] == numbers[bins].ravel()[chosen]
    g = random.standard_normal(mean.shape)
    assert np.sum(adaptive_pooling.adaptive_avg_pool_grad(g, x.shape) * x) == pytest.approx(np.sum(g * mean))


def test_fractional_windows_reach_both_ends() -> None:
    x = np.arange(20.0).reshape(1, 1, 20)[..., None] * np.ones(3)
    samples = np.array([[[0.3, 0.7]]])
    best, where = adaptive_pooling.fractional_max_pool(x, (4, 1), (5, 3), samples)
    assert best.shape == where.shape == (1, 1, 5, 3)
    assert best[0, 0, -1, 0] == 19
    assert (np.diff(best[0, 0, :, 0]) > 0).all()
    np.testing.assert_array_equal(pooling.gather(x, where), best)


def test_unpool_writes_back() -> None:
    x = np.random.default_rng(0).standard_normal((2, 2, 6))
    best, where = pooling.max_pool_with_indices(x, (2,), (2,), (0,), (1,), False)
    up = pooling.max_unpool(best, where, (6,))
    assert np.count_nonzero(up) == best.size
    np.testing.assert_array_equal(up[up != 0], x[up != 0])
