"""Modules that learn their shapes from the first input."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import tour
from tour.nn.modules.lazy import LazyModuleMixin
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter, UninitializedBuffer, UninitializedParameter


class Scale(Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = Parameter(tour.ones(2))
        self.register_buffer("b", tour.zeros(2))

    def forward(self, x: Any) -> Any:
        return x * self.w


class LazyScale(LazyModuleMixin, Scale):
    cls_to_become = Scale

    def __init__(self) -> None:
        super().__init__()
        self.w = UninitializedParameter()
        self.b = UninitializedBuffer()

    def initialize_parameters(self, x: Any) -> None:
        if self.has_uninitialized_params():
            self.w.materialize(x.shape[-1:])  # type: ignore[attr-defined]
            self.b.materialize((2,))
            with tour.no_grad():
                self.w[...] = 3


def test_the_first_forward_initializes() -> None:
    m = LazyScale()
    assert m.has_uninitialized_params() and repr(m.state_dict()["w"]) == "<UninitializedParameter>"
    m.to(tour.float64)
    assert m(tour.ones(1, 3, dtype=tour.float64)).tolist() == [[3, 3, 3]]
    assert type(m) is Scale and type(m.w) is Parameter and m.w.dtype is tour.float64 and m.w.requires_grad
    assert not m._forward_pre_hooks and not m._load_state_dict_pre_hooks and not hasattr(m, "_load_hook")
    m(tour.ones(3))


def test_a_state_brings_its_shapes() -> None:
    m = LazyScale()
    m.load_state_dict({"w": tour.ones(5), "b": tour.ones(2)})
    assert m.w.tolist() == [1] * 5 and type(m) is LazyScale and not m.has_uninitialized_params()
    m(tour.ones(5))
    assert type(m) is Scale and m.w.tolist() == [1] * 5


def test_an_uninitialized_state() -> None:
    m = LazyScale()
    assert m.load_state_dict(LazyScale().state_dict()) == ([], []) and m.has_uninitialized_params()
    with pytest.raises(RuntimeError, match="Can't access the shape"):
        Scale().load_state_dict(LazyScale().state_dict())


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_lazy_for_themselves(clone: Any) -> None:
    m = LazyScale()
    made = clone(m)
    made(tour.ones(4))
    assert type(made) is Scale and made.w.shape == (4,) and not made._forward_pre_hooks
    assert type(m) is LazyScale and m.has_uninitialized_params() and len(m._forward_pre_hooks) == 1


def test_incomplete_lazy_modules() -> None:
    class Idle(LazyScale):
        def initialize_parameters(self, x: Any) -> None:
            pass

    with pytest.raises(RuntimeError, match="module Idle has not been fully initialized"):
        Idle()(tour.ones(1))

    class Undefined(LazyModuleMixin, Scale):
        pass

    with pytest.raises(NotImplementedError, match="initialize_parameters is not implemented for Undefined"):
        Undefined()(tour.ones(2))
