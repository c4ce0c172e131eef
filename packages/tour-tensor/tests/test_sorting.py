"""Sorting, searching, unique elements."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tour

FAMILY = "sorting"


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)


vectors = hnp.arrays(np.float32, st.integers(0, 200), elements=st.integers(-5, 5).map(float))


@given(vectors, st.booleans())
def test_a_stable_sort_keeps_equal_elements_in_their_order(a, descending):
    values, indices = tour.from_numpy(a).sort(descending=descending, stable=True)
    assert values.tolist() == sorted(a.tolist(), reverse=descending)
    assert indices.tolist() == sorted(range(len(a)), key=lambda i: (-a[i] if descending else a[i], i))


@given(vectors, st.data())
def test_topk_gives_what_sorting_gives(a, data):
    k = data.draw(st.integers(0, len(a)))
    largest = data.draw(st.booleans())
    got = tour.from_numpy(a).topk(k, largest=largest)
    assert got.values.tolist() == sorted(a.tolist(), reverse=largest)[:k]
    assert a[got.indices.numpy()].tolist() == got.values.tolist()
    assert len(set(got.indices.tolist())) == k


@given(vectors)
def test_unique_is_numpy_s(a):
    t = tour.from_numpy(a)
    values, inverse, counts = t.unique(return_inverse=True, return_counts=True)
    expected = np.unique(a, return_counts=True)
    assert values.tolist() == t.unique().tolist() == expected[0].tolist()
    assert counts.tolist() == expected[1].tolist()
    assert values[inverse].equal(t)


@given(vectors, vectors, st.booleans())
def test_searchsorted_is_numpy_s(a, b, right):
    s = np.sort(a)
    got = tour.searchsorted(tour.from_numpy(s), tour.from_numpy(b), right=right)
    assert got.tolist() == np.searchsorted(s, b, "right" if right else "left").tolist()


def test_half_precision_with_nan_sorts_nan_last():
    t = tour.tensor([2.0, float("nan"), -1.0], dtype=tour.bfloat16)
    assert t.sort().values.tolist()[:2] == [-1.0, 2.0]
    assert t.sort().indices.tolist() == [2, 0, 1]
    assert t.topk(1).indices.item() == 1
