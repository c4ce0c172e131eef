"""Broadcasting: NumPy's shapes and values, the same in every form of an op."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tour

BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum, "atan2": np.arctan2, "eq": np.equal,
    "less": np.less, "hypot": np.hypot, "copysign": np.copysign, "fmod": np.fmod,
}  # fmt: skip
shapes = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3)


def numbers(shape, seed):
    return np.random.default_rng(seed).integers(1, 9, shape).astype(np.float32)


@given(shapes, st.sampled_from(sorted(BINARY)))
def test_function_method_out_and_in_place_broadcast_as_numpy_does(both, name):
    first, second = both.input_shapes
    a, b = numbers(first, 0), numbers(second, 1)
    want = np.asarray(BINARY[name](a, b))
    x, y = tour.from_numpy(a), tour.from_numpy(b)
    function = getattr(tour, name)
    out = tour.empty(want.shape, dtype=function(x, y).dtype)
    for result in (function(x, y), getattr(x, name)(y), function(x, y, out=out), out):
        assert result.shape == both.result_shape
        np.testing.assert_allclose(result.numpy(), want, rtol=1e-6)
    method = getattr(tour.Tensor, f"{name}_", None)
    if method is not None:
        target = x.clone()
        if tuple(first) == tuple(both.result_shape):
            assert method(target, y) is target
            np.testing.assert_allclose(target.numpy(), want.astype(np.float32), rtol=1e-6)
        else:
            with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
                method(target, y)
            assert target.equal(x)


@given(hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), hnp.array_shapes(min_dims=0, max_dims=3, max_side=4))
def test_shapes_that_do_not_broadcast_are_refused(first, second):
    try:
        shape = np.broadcast_shapes(first, second)
    except ValueError:
        for attempt in (
            lambda: tour.ones(first) + tour.ones(second),
            lambda: tour.broadcast_shapes(first, second),
            lambda: tour.broadcast_tensors(tour.ones(first), tour.ones(second)),
            lambda: tour.where(tour.ones(first) > 0, tour.ones(second), 0.0),
        ):
            with pytest.raises(RuntimeError):
                attempt()
    else:
        assert (tour.ones(first) + tour.ones(second)).shape == tour.broadcast_shapes(first, second) == shape


@given(shapes)
def test_expanding_is_a_view_and_sums_back(both):
    a = numbers(both.input_shapes[0], 2)
    x = tour.from_numpy(a)
    seen = x.expand(both.result_shape)
    np.testing.assert_array_equal(seen.numpy(), np.broadcast_to(a, both.result_shape))
    assert np.shares_memory(seen.numpy(), a) or not a.size
    times = seen.numel() / max(x.numel(), 1)
    np.testing.assert_allclose(seen.sum_to_size(x.shape).numpy(), a * times, rtol=1e-6)
