"""The k largest and the one of a rank in compiled form: exactly what sorting gives, for every length near a vector's and the head's."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.numba.forms import choosing as forms
from tour.ops import sorting

TIES = [0.0, -0.0, 1, 1, np.nan, -np.inf, np.inf, 1e-45, -1e-45, np.nan]
LENGTHS = [1, 2, 9, 31, 33, 63, 64, 65, 127, 128, 129, 300, 1000, 2047, 2048, 2049, 2113, 5000]


def check(a, k, largest):
    values, places = forms.topk(a, k, 1, largest, True)
    wanted = sorting.order.__wrapped__(a, 1, largest, True)[:, :k]  # stable: of equal ones the first
    assert np.array_equal(places, wanted)
    assert values.dtype == a.dtype and values.tobytes() == np.take_along_axis(a, wanted, 1).tobytes()


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
@pytest.mark.parametrize("n", LENGTHS)
def test_topk(fenced, rng, n, dtype):
    fenced(forms)
    for k in {k for k in (1, 2, 7, n // 2, n, 100, 128) if 0 < k <= n and k <= 128 and (n <= 128 or k * 8 < n)}:
        for a in (rng.standard_normal((3, n)) * 1e5, rng.choice(TIES, (5, n)), rng.integers(0, 3, (4, n))):
            with np.errstate(invalid="ignore"):
                check(a.astype(dtype), k, True), check(a.astype(dtype), k, False)


@pytest.mark.parametrize("largest", [True, False])
def test_topk_of_rows_that_hide_the_best(fenced, rng, largest):
    fenced(forms)
    for n in (300, 2048, 3000):
        rising = np.arange(2 * n, dtype=np.float32).reshape(2, n)
        crowded = rng.standard_normal((2, n)).astype(np.float32)
        crowded[:, ::64] *= 100  # all the largest and smallest in one column
        for a in (rising, -rising, np.zeros_like(rising), np.full_like(rising, np.nan), crowded):
            for k in (1, 5, n // 9 if n < 1000 else 128):
                check(a, k, largest)


def test_topk_of_others_is_left_to_numpy(rng):
    a = rng.standard_normal((4, 200)).astype(np.float32)
    assert forms.topk(a, 25, 1, True, True) is NotImplemented and forms.topk(a, 1, 0, True, True) is NotImplemented
    assert forms.topk(a.astype(np.float16), 2, 1, True, True) is NotImplemented
    assert forms.topk(a, 0, 1, True, True) is NotImplemented and forms.topk(a[:0], 1, 1, True, True) is NotImplemented
    assert forms.topk(a[:, ::2], 1, 1, True, True) is NotImplemented


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i1", "i4", "i8", "u8", "?"])
def test_ranked(fenced, rng, dtype):
    fenced(forms)
    for n in (1, 2, 3, 64, 65, 100, 1000, 5000):
        for a in (rng.standard_normal((3, n)) * 1e9, rng.random((4, n)) * 200, rng.choice(TIES, (5, n))):
            with np.errstate(invalid="ignore", over="ignore"):
                a = a.astype(dtype)
            for rank in {0, n // 7, n // 2, n - 1}:
                wanted = a.argsort(1, kind="stable")[:, rank]
                assert np.array_equal(forms.ranked(a, rank, 1), wanted)
                assert np.array_equal(forms.ranked(a.T[::-1][::-1], rank, 0), wanted)


def test_medians_and_ranks_of_large_tensors(rng):
    a = rng.standard_normal((200, 301))
    x = tour.tensor(a)
    assert np.array_equal(x.median(1).values.numpy(), np.median(a, 1))
    assert np.array_equal(x.kthvalue(7, 0).values.numpy(), np.sort(a, 0)[6])
    assert x.median().item() == np.sort(a, None)[(a.size - 1) // 2]
    x[5, 7] = tour.nan
    values, indices = x.median(1)
    assert values[5].isnan().item() and indices[5].item() == 7 and values.isnan().sum().item() == 1


def test_gradients_flow_to_what_was_chosen(rng):
    x = tour.tensor(rng.standard_normal((200, 100)).astype(np.float32), requires_grad=True)
    values, indices = tour.topk(x, 5)
    values.sum().backward()
    assert x.grad.sum().item() == 1000 and tour.gather(x.grad, 1, indices).eq(1).all()
