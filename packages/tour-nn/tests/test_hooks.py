"""Forward hooks in all forms, and the handles that remove them."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any

import pytest

from tour.nn.hooks import GLOBAL_HOOKS, RemovableHandle
from tour.nn.modules.container import Sequential
from tour.nn.modules.module import Module, register_module_forward_hook, register_module_forward_pre_hook


class Times(Module):
    def __init__(self, k: int = 2) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: Any, add: Any = 0) -> Any:
        return x * self.k + add


class Fails(Module):
    def forward(self, x: Any) -> Any:
        raise ValueError("mine")


seen: list[Any] = []


@pytest.fixture(autouse=True)
def _clean() -> Any:
    seen.clear()
    yield
    assert not GLOBAL_HOOKS


def see(*args: Any) -> None:
    seen.append(args[1:])


def test_pre_hooks() -> None:
    m = Times()
    handle = m.register_forward_pre_hook(see)
    assert m(3, add=1) == 7 and seen == [((3,),)]
    m.register_forward_pre_hook(lambda module, args: args[0] + 1)
    assert m(3) == 8
    handle.remove()
    m.register_forward_pre_hook(lambda module, args: (args[0], 100))
    assert m(3) == 108 and len(seen) == 2


def test_pre_hooks_with_kwargs() -> None:
    m = Times()
    m.register_forward_pre_hook(see, with_kwargs=True)
    with m.register_forward_pre_hook(lambda module, args, kwargs: ((4,), {"add": 5}), with_kwargs=True):
        assert m(3, add=1) == 13 and seen == [((3,), {"add": 1})]
    for bad in (4, (4,)):
        with (
            m.register_forward_pre_hook(lambda module, args, kwargs, bad=bad: bad, with_kwargs=True),
            pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got"),
        ):
            m(3)


def test_forward_hooks() -> None:
    m = Times()
    m.register_forward_hook(see)
    m.register_forward_hook(see, with_kwargs=True)
    m.register_forward_hook(lambda module, args, output: output + 100)
    m.register_forward_hook(see)
    assert m(3, add=1) == 107
    assert seen == [((3,), 7), ((3,), {"add": 1}, 7), ((3,), 107)]


def test_order() -> None:
    m = Times()
    for k in (1, 2):
        m.register_forward_hook(lambda *_, k=k: seen.append(k))
    m.register_forward_hook(lambda *_: seen.append(0), prepend=True)
    m.register_forward_pre_hook(lambda *_: seen.append("b"))
    m.register_forward_pre_hook(lambda *_: seen.append("a"), prepend=True)
    with (
        register_module_forward_hook(lambda *_: seen.append("G")),
        register_module_forward_pre_hook(lambda *_: seen.append("g")),
    ):
        m(1)
    assert seen == ["g", "a", "b", "G", 0, 1, 2]


def test_global_hooks() -> None:
    net = Sequential(Times(), Times(3))
    with register_module_forward_hook(lambda module, args, output: seen.append((type(module).__name__, args, output))):
        net(1)
    assert seen == [("Times", (1,), 2), ("Times", (2,), 6), ("Sequential", (1,), 6)]
    with (
        register_module_forward_pre_hook(lambda module, args: args[0] + 10),
        register_module_forward_hook(lambda module, args, kwargs, output: output + kwargs["add"], with_kwargs=True),
    ):
        assert Times()(1, add=3) == 28
    assert net(1) == 6


@pytest.mark.parametrize("with_kwargs", [False, True])
def test_hooks_that_always_run(with_kwargs: bool) -> None:
    m = Fails()
    m.register_forward_hook(lambda *_: seen.append("skipped"))
    m.register_forward_hook(see, always_call=True, with_kwargs=with_kwargs)
    with register_module_forward_hook(see, always_call=True), pytest.raises(ValueError, match="mine"):
        m(3)
    assert seen == [((3,), None), ((3,), {}, None) if with_kwargs else ((3,), None)]


def test_an_error_in_a_hook_that_always_runs() -> None:
    m, fine = Fails(), Times()
    for module in (m, fine):
        module.register_forward_hook(lambda *_: 1 / 0, always_call=True)
    with (
        pytest.warns(UserWarning, match="silenced as another error was raised in forward: division"),
        pytest.raises(ValueError),
    ):
        m(3)
    with pytest.raises(ZeroDivisionError):
        fine(3)


def test_handles() -> None:
    m = Times()
    handle = m.register_forward_hook(see, with_kwargs=True, always_call=True)
    m(1)
    handle.remove()
    handle.remove()
    m(1)
    assert len(seen) == 1 and not m._forward_hooks_with_kwargs and not m._forward_hooks_always_called
    with m.register_forward_hook(see) as handle:
        assert type(handle) is RemovableHandle and handle.id in m._forward_hooks
    assert not m._forward_hooks


def test_the_gate_closes_behind_the_last_hook() -> None:
    m = Times()
    assert not m._hooked
    handle = m.register_forward_hook(see)
    assert m._hooked
    handle.remove()
    m(1)
    assert not m._hooked


def test_hook_dicts_may_be_used_directly() -> None:
    m = Times()
    m.register_forward_hook(see)
    m._forward_hooks.clear()
    m(1)
    m._forward_hooks[7] = see
    m(2)
    m._forward_hooks = OrderedDict()
    m(3)
    m._forward_pre_hooks = OrderedDict({1: see})
    m(4)
    assert seen == [((2,), 4), ((4,),)] and len(m._backward_hooks) == 0


def test_a_hook_may_remove_itself() -> None:
    m = Times()
    handle = m.register_forward_hook(lambda *_: (seen.append(1), handle.remove())[0])
    m.register_forward_hook(lambda *_: seen.append(2))
    m(1)
    m(1)
    assert seen == [1, 2, 2]


@pytest.mark.parametrize("clone", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_keep_hooks(clone: Any) -> None:
    m = Times()
    m.register_forward_hook(see, with_kwargs=True)
    clone(m)(1)
    assert seen == [((1,), {}, 2)]


def test_a_handle_can_be_copied_with_its_module() -> None:
    m = Times()
    m.handle = m.register_forward_hook(see)
    made = copy.deepcopy(m)
    made.handle.remove()
    made(1)
    assert not seen
    m(1)
    assert len(seen) == 1
