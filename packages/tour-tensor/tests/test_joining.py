"""Putting tensors together and taking them apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tour

FAMILY = "joining"


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.data())
def test_parts_put_together_again_are_the_whole(shape, data):
    x = tour.arange(int(np.prod(shape))).reshape(shape)
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    n = shape[dim]
    cut = data.draw(st.integers(0, n))
    assert tour.cat(x.split([cut, n - cut], dim), dim).equal(x)
    assert tour.cat(x.chunk(data.draw(st.integers(1, 5)), dim), dim).equal(x)
    assert tour.cat(x.tensor_split(data.draw(st.integers(1, 5)), dim), dim).equal(x)
    if n:
        assert tour.cat(x.split(data.draw(st.integers(1, 4)), dim), dim).equal(x)
        assert tour.stack(x.unbind(dim), dim).equal(x)


def test_parts_are_views():
    x = tour.zeros(4, 2)
    for part in (*x.split(2), *x.chunk(2, 1), *x.unbind(), *x.tensor_split(3)):
        part.add_(1)
    assert x.tolist() == [[4.0, 4.0]] * 4


def test_many_tensors_of_several_dtypes():
    made = tour.stack([tour.tensor(i if i % 2 else float(i)) for i in range(100)])
    assert made.dtype is tour.float32 and made.tolist() == [float(i) for i in range(100)]


def test_out_and_numpy_s_names():
    out = tour.empty(0)
    assert tour.cat([tour.ones(1), np.zeros(1, np.float32)], axis=0, out=out) is out
    assert out.tolist() == [1.0, 0.0]
    x = tour.ones(2)
    with pytest.raises(RuntimeError, match="single memory location"):
        tour.cat([x], out=x)
    with pytest.raises(TypeError, match="expected Tensor as element 1"):
        tour.cat([tour.ones(1), 2.0])
