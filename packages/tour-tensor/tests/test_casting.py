"""Other dtypes, copies, orders in memory."""

from __future__ import annotations

import numpy as np
import pytest

import tour

FAMILY = "casting"


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)


def test_nothing_copies_that_need_not():
    x = tour.ones(2, 3)
    for same in (
        x.to(tour.float32),
        x.float(),
        x.cpu(),
        x.to("cpu"),
        x.to(x),
        x.contiguous(),
        x.type_as(x),
        x.to(None),
    ):
        assert same is x
    assert x.to(tour.float32, copy=True) is not x
    assert x.to("cpu", tour.float32, False, True) is not x
    assert np.shares_memory(x.detach().numpy(), x.numpy())


def test_a_channels_last_tensor_stays_so():
    x = tour.arange(24).reshape(1, 2, 3, 4).contiguous(memory_format=tour.channels_last)
    assert not x.is_contiguous() and x.is_contiguous(memory_format=tour.channels_last)
    assert x.contiguous(memory_format=tour.channels_last) is x
    for kept in (x.clone(), x.double(), tour.zeros_like(x), x + 1):
        assert kept.stride() == x.stride()
    assert x.contiguous().is_contiguous() and x.contiguous().equal(x)
    with pytest.raises(RuntimeError, match="preserve memory format is unsupported"):
        x.is_contiguous(memory_format=tour.preserve_format)
    with pytest.raises(TypeError, match="argument 'memory_format' must be"):
        x.clone(memory_format=3)


def test_casts_of_numbers_that_do_not_fit_are_silent():
    assert tour.tensor([float("nan"), 1e20]).long().shape == (2,)
    assert tour.tensor([1e300], dtype=tour.float64).half().item() == float("inf")
    assert tour.tensor([3 + 4j]).float().item() == 3
    assert tour.tensor([1j]).bool().item() is True


def test_every_pair_of_dtypes_casts():
    every = [d for d in tour._dtypes.ALL if d is not tour.float8_e8m0fnu]
    for a in every:
        for b in every:
            t = tour.ones(2, dtype=a).to(b)
            assert t.dtype is b and t.float().tolist() == [1.0, 1.0]
