"""Parameters, buffers, and those that wait for their shape."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import tour
from tour.nn.parameter import (
    Buffer,
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
    UninitializedTensorMixin,
    is_lazy,
)


def test_parameter() -> None:
    data = tour.ones(2)
    p = Parameter(data)
    assert p.requires_grad and p.is_leaf and p.data_ptr() == data.data_ptr() and isinstance(p, tour.Tensor)
    assert not Parameter(data, requires_grad=False).requires_grad and Parameter().shape == (0,)
    assert Parameter(np.ones(3)).dtype is tour.float64 and Parameter([1.0, 2.0]).tolist() == [1, 2]
    with pytest.raises(RuntimeError, match="floating point and complex"):
        Parameter(tour.ones(2, dtype=tour.int64))
    assert Parameter(tour.ones(2, dtype=tour.int64), False).dtype is tour.int64


def test_results_are_plain_tensors() -> None:
    assert type(Parameter(tour.ones(2)) * 2) is tour.Tensor


def test_printing() -> None:
    assert repr(Parameter(tour.ones(2))) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    assert repr(Parameter(tour.ones(2), False)) == "Parameter containing:\ntensor([1., 1.])"
    assert repr(Buffer(tour.ones(2))) == "tensor([1., 1.])"


def test_copies() -> None:
    p = Parameter(tour.ones(2))
    p.note = "kept"  # type: ignore[attr-defined]
    (p * 2).sum().backward()
    deep = copy.deepcopy([p, p])
    assert deep[0] is deep[1] and type(deep[0]) is Parameter and deep[0].data_ptr() != p.data_ptr()
    assert deep[0].grad is None and deep[0].requires_grad
    shallow = copy.copy(p)
    assert shallow.data_ptr() == p.data_ptr() and shallow.note == "kept"  # type: ignore[attr-defined]
    loaded = pickle.loads(pickle.dumps(p))
    assert type(loaded) is Parameter and loaded.tolist() == [1, 1] and loaded.requires_grad and loaded.note == "kept"
    assert not pickle.loads(pickle.dumps(Parameter(tour.ones(2), False))).requires_grad


def test_buffer() -> None:
    b = Buffer(tour.ones(2), persistent=False)
    assert not b.requires_grad and not b.persistent and Buffer().persistent and Buffer().shape == (0,)
    assert Buffer(Parameter(tour.ones(2))).requires_grad
    for made in (copy.deepcopy(b), pickle.loads(pickle.dumps(b)), copy.copy(b)):
        assert type(made) is Buffer and not made.persistent and made.tolist() == [1, 1]


# --- Waiting for a shape ----------------------------------------------------------------------------------------------


def test_what_can_be_asked_of_an_uninitialized_parameter() -> None:
    p = UninitializedParameter(dtype=tour.float64)
    assert repr(p) == "<UninitializedParameter>" and repr(UninitializedBuffer()) == "<UninitializedBuffer>"
    assert p.dtype is tour.float64 and p.device.type == "cpu" and p.requires_grad and p.grad is None and p.is_leaf
    assert is_lazy(p) and not is_lazy(Parameter()) and isinstance(p, UninitializedTensorMixin | Parameter)
    assert not p.requires_grad_(False).requires_grad


@pytest.mark.parametrize(
    "use",
    [
        lambda p: p + 1,
        lambda p: p.dim(),
        lambda p: p.numel(),
        lambda p: p[0],
        len,
        lambda p: p.float(),
        lambda p: p.clone(),
    ],
)
def test_everything_else_is_refused(use: Any) -> None:
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
        use(UninitializedParameter())
    with pytest.raises(ValueError, match="Attempted to use an uninitialized buffer"):
        use(UninitializedBuffer())


def test_the_shape_is_refused() -> None:
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter or buffer"):
        UninitializedParameter().shape  # noqa: B018


def test_materialize() -> None:
    p = UninitializedParameter(requires_grad=False)
    p.materialize((2, 3), dtype=tour.float64)
    assert type(p) is Parameter and p.shape == (2, 3) and p.dtype is tour.float64 and not p.requires_grad
    assert (p + 1).shape == (2, 3) and not vars(p)
    p = UninitializedParameter()
    p.materialize(2)
    assert p.requires_grad and p.is_leaf
    b = UninitializedBuffer(dtype=tour.int64, persistent=False)
    b.materialize((2,))
    assert type(b) is Buffer and b.dtype is tour.int64 and not b.persistent


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_wait_too(clone: Any) -> None:
    p = clone(UninitializedParameter(False, dtype=tour.float64))
    assert type(p) is UninitializedParameter and not p.requires_grad and p.dtype is tour.float64
    assert not clone(UninitializedBuffer(persistent=False)).persistent
