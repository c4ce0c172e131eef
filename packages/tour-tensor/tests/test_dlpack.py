"""DLPack: memory is shared in both directions."""

from __future__ import annotations

import numpy as np
import pytest

import tour


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "int64", "uint8", "bool", "complex64"])
def test_memory_is_shared(kind):
    a = np.zeros((2, 3), kind)
    t = tour.from_dlpack(a)
    a[0, 1] = 1
    assert t[0, 1].item() == 1 and t.dtype.name == kind
    b = np.from_dlpack(tour.from_numpy(a))
    assert np.shares_memory(a, b)


def test_device_and_capsule():
    t = tour.arange(3)
    assert t.__dlpack_device__() == (1, 0)
    assert tour.from_dlpack(t.__dlpack__()).tolist() == [0, 1, 2]
    assert tour.from_dlpack(t, copy=True).data_ptr() != t.data_ptr()


def test_views_and_read_only_memory():
    t = tour.arange(6).reshape(2, 3).t()
    assert np.from_dlpack(t).tolist() == t.tolist()
    frozen = np.arange(3)
    frozen.setflags(write=False)
    assert np.from_dlpack(tour.from_numpy(frozen)).tolist() == [0, 1, 2]


def test_what_speaks_no_dlpack():
    with pytest.raises(TypeError, match="must be an array with __dlpack__, not list"):
        tour.from_dlpack([1])
