"""How Python calls machine code: what a kernel may be given, and what is refused before anything runs."""

from __future__ import annotations

import numpy as np
import pytest

from tour.numba.forms import elementwise, rows


def test_arrays_floats_and_integers_of_any_kind():
    x, y = np.array([-2.0, 0.5], np.float32), np.full(2, 7, np.float32)
    elementwise._at_least(1, x, y, np.int64(1), 0.25)
    assert y.tolist() == [0.25, 7]
    elementwise._at_least(True, x, y, 2, -1.0)
    assert y.tolist() == [-1, 0.5]


def test_minus_one_is_a_number_like_any_other():
    x, t = np.zeros((2, 4), np.float32), np.array([-1, 2])
    assert rows.cross_entropy(x, t, None, -1)[0].tolist() == [0, pytest.approx(np.log(4))]


@pytest.mark.parametrize("wrong", ["2", None, np.float64(2), np.float32(2), [2], np.zeros(2).view(np.matrix)])
def test_what_is_no_array_float_or_integer_is_refused(wrong):
    x, y = np.ones(2, np.float32), np.zeros(2, np.float32)
    with pytest.raises(TypeError, match="integer"):
        elementwise._at_least(1, x, y, wrong, 0.0)
    assert not y.any()


def test_integers_beyond_eight_bytes_are_refused():
    x, y = np.ones(2, np.float32), np.zeros(2, np.float32)
    with pytest.raises(OverflowError):
        elementwise._at_least(1, x, y, 1 << 64, 0.0)
    assert not y.any()
