"""Modules and their graphs die with their last reference, without the garbage collector."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tour
from tour.nn.modules.container import ModuleList, Sequential
from tour.nn.modules.lazy import LazyModuleMixin
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter, UninitializedParameter


class Weighted(Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = Parameter(tour.ones(2))

    def forward(self, x: Any) -> Any:
        return x * self.w


class LazyWeighted(LazyModuleMixin, Weighted):
    def __init__(self) -> None:
        super().__init__()
        self.w = UninitializedParameter()

    def initialize_parameters(self, x: Any) -> None:
        self.w.materialize(x.shape)  # type: ignore[attr-defined]


class Failing(Module):
    def forward(self, x: Any) -> Any:
        raise ValueError("mine")


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def hooked() -> Module:
    net = Sequential(Weighted(), Weighted())
    net[0].register_full_backward_hook(lambda *_: None)
    net.register_full_backward_pre_hook(lambda *_: None)
    net.register_forward_hook(lambda *_: None)
    return net


def failed() -> Module:
    net = Sequential(Failing())
    with pytest.raises(ValueError, match="mine"):
        net(1)
    return net


def loaded() -> Module:
    net = ModuleList([Weighted()])
    net.load_state_dict(net.state_dict())
    net._parameters["extra"] = Parameter(tour.ones(1))
    return net.double()


@pytest.mark.parametrize("make", [Module, Weighted, LazyWeighted, hooked, failed, loaded])
def test_a_module_dies_with_its_last_reference(make: Callable[[], Module]) -> None:
    module = make()
    ref = weakref.ref(module)
    del module
    assert ref() is None


@pytest.mark.parametrize("make", [Weighted, LazyWeighted])
def test_a_step_leaves_nothing_behind(make: Callable[[], Module]) -> None:
    module = make()
    ref = weakref.ref(module)
    x = tour.ones(2, requires_grad=True)
    y = module(x)
    y.sum().backward()
    graph = weakref.ref(y)
    del y
    assert graph() is None
    del module
    assert ref() is None
