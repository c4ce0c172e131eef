"""Saving and loading the state of modules."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import tour
from tour.nn.modules.container import Sequential
from tour.nn.modules.module import Module, _IncompatibleKeys
from tour.nn.parameter import Parameter


class Scale(Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = Parameter(tour.ones(2))
        self.register_buffer("b", tour.zeros(1))
        self.register_buffer("scratch", tour.zeros(1), persistent=False)


class Versioned(Scale):
    _version = 3
    seen: list[Any]

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
        self.seen = [prefix, dict(local_metadata)]
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class Extra(Scale):
    def get_extra_state(self) -> Any:
        return {"epoch": 3}

    def set_extra_state(self, state: Any) -> None:
        self.extra = state


def state(**changes: Any) -> dict[str, Any]:
    return {"w": tour.zeros(2), "b": tour.ones(1), **changes}


# --- Saving -----------------------------------------------------------------------------------------------------------


def test_state_dict() -> None:
    net = Sequential(Scale(), Versioned())
    saved = net.state_dict()
    assert type(saved) is OrderedDict and list(saved) == ["0.w", "0.b", "1.w", "1.b"]
    versions = saved._metadata.items()  # type: ignore[attr-defined]
    assert {k: v["version"] for k, v in versions} == {"": 1, "0": 1, "1": 3}
    assert list(Scale().state_dict(prefix="p.")) == ["p.w", "p.b"]
    mine: dict[str, Any] = {}
    assert net.state_dict(destination=mine) is mine and len(mine) == 4


def test_saved_tensors_share_memory_and_have_no_history() -> None:
    m = Scale()
    saved = m.state_dict()
    assert not saved["w"].requires_grad and saved["w"] is not m.w
    assert m.state_dict(keep_vars=True)["w"] is m.w
    saved["w"] += 1
    assert m.w.tolist() == [2, 2]


def test_positional_arguments_are_deprecated() -> None:
    with pytest.warns(FutureWarning, match="Positional args are being deprecated"):
        assert list(Scale().state_dict({}, "x.", True)) == ["x.w", "x.b"]


def test_saving_hooks() -> None:
    seen: list[Any] = []
    m = Scale()
    m.register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append((prefix, keep_vars)))
    m.register_state_dict_post_hook(lambda module, saved, prefix, metadata: seen.append(list(saved)))
    handle = m._register_state_dict_hook(lambda module, saved, prefix, metadata: {k + "!": v for k, v in saved.items()})
    assert list(m.state_dict(prefix="q.")) == ["q.w!", "q.b!"]
    assert seen == [("q.", False), ["q.w", "q.b"]]
    handle.remove()
    assert list(m.state_dict()) == ["w", "b"]


def test_a_post_hook_returns_nothing() -> None:
    m = Scale()
    m.register_state_dict_post_hook(lambda *_: {})
    with pytest.raises(RuntimeError, match="state_dict post-hook must return None"):
        m.state_dict()


# --- Loading ----------------------------------------------------------------------------------------------------------


def test_load_copies() -> None:
    m = Scale()
    w = m.w
    keys = m.load_state_dict(state(w=tour.zeros(2, dtype=tour.float64)))
    assert m.w is w and w.tolist() == [0, 0] and w.dtype is tour.float32 and w.requires_grad and m.b.tolist() == [1]
    assert repr(keys) == str(keys) == "<All keys matched successfully>" and tuple(keys) == ([], [])


def test_numpy_arrays_are_loaded_too() -> None:
    m = Scale()
    m.load_state_dict({"w": np.full(2, 3.0), "b": np.float64([7])})
    assert m.w.tolist() == [3, 3] and m.b.tolist() == [7]


def test_strict_loading_lists_every_fault() -> None:
    net = Sequential(Scale())
    with pytest.raises(RuntimeError) as info:
        net.load_state_dict({"0.w": tour.ones(3), "1.w": 1, "x": 1, "0.x.y": 1})
    assert str(info.value) == (
        "Error(s) in loading state_dict for Sequential:\n"
        '\tMissing key(s) in state_dict: "0.b". \n'
        '\tUnexpected key(s) in state_dict: "1.w", "x", "0.x.y". \n'
        "\tsize mismatch for 0.w: copying a param with shape tour.Size([3]) from checkpoint, "
        "the shape in current model is tour.Size([2])."
    )


def test_loose_loading() -> None:
    m = Scale()
    keys = m.load_state_dict({"b": tour.ones(1), "x": 1}, strict=False)
    assert keys == _IncompatibleKeys(["w"], ["x"]) and keys.missing_keys == ["w"] and m.b.tolist() == [1]
    assert repr(keys) == "_IncompatibleKeys(missing_keys=['w'], unexpected_keys=['x'])"
    with pytest.raises(RuntimeError, match="size mismatch for w"):
        m.load_state_dict({"w": tour.ones(3)}, strict=False)


@pytest.mark.parametrize("bad", [[1], None, 3])
def test_only_mappings_are_loaded(bad: Any) -> None:
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got"):
        Scale().load_state_dict(bad)


def test_only_tensors_are_loaded() -> None:
    with pytest.raises(
        RuntimeError, match=r"parameter named \"w\", expected tour.Tensor .* but received <class 'int'>"
    ):
        Scale().load_state_dict(state(w=3))


def test_an_error_while_copying_is_reported() -> None:
    class Stubborn(Scale):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "w" and hasattr(self, "w"):
                raise ValueError("mine")
            super().__setattr__(name, value)

    with pytest.raises(
        RuntimeError, match=r"While copying the parameter named \"w\".*an exception occurred : \('mine',\)"
    ):
        Stubborn().load_state_dict(state(), assign=True)


def test_scalars_of_one_dimension() -> None:
    m = Module()
    m.register_buffer("steps", tour.tensor(0))
    m.load_state_dict({"steps": tour.tensor([3])})
    assert m.steps.item() == 3


def test_assign() -> None:
    m, given = Scale().requires_grad_(False), state(w=tour.zeros(2, dtype=tour.float64))
    m.load_state_dict(given, assign=True)
    assert m.b is given["b"] and m.w.dtype is tour.float64 and type(m.w) is Parameter and not m.w.requires_grad
    p = Parameter(tour.zeros(2))
    m.load_state_dict(state(w=p), assign=True)
    assert m.w is p and not p.requires_grad
    with pytest.raises(RuntimeError, match="size mismatch"):
        m.load_state_dict(state(w=tour.ones(3)), assign=True)


def test_versions_reach_loading() -> None:
    m = Versioned()
    net = Sequential(m)
    net.load_state_dict(Sequential(Versioned()).state_dict())
    assert m.seen == ["0.", {"version": 3}]
    net.load_state_dict(dict(net.state_dict()), assign=True)
    assert m.seen == ["0.", {"assign_to_params_buffers": True}]


def test_extra_state() -> None:
    m = Extra()
    saved = Sequential(m).state_dict()
    assert list(saved) == ["0.w", "0.b", "0._extra_state"]
    Sequential(m).load_state_dict(saved)
    assert m.extra == {"epoch": 3}
    keys = m.load_state_dict(state(), strict=False)
    assert keys.missing_keys == ["_extra_state"]
    with pytest.raises(RuntimeError, match=r'Unexpected key.* "_extra_state"'):
        Scale().load_state_dict(state(_extra_state=1))
    with pytest.raises(RuntimeError, match="define get_extra_state in Scale"):
        Scale().get_extra_state()
    with pytest.raises(RuntimeError, match="define set_extra_state in Scale"):
        Scale().set_extra_state(1)


def test_loading_hooks() -> None:
    seen: list[Any] = []
    m = Scale()
    m.register_load_state_dict_pre_hook(lambda *args: seen.append((args[0], args[2], args[4])))
    m._register_load_state_dict_pre_hook(lambda saved, prefix, *_: saved.pop(prefix + "old"))
    m.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    net = Sequential(m)
    assert net.load_state_dict({"0.w": tour.ones(2), "0.old": 1}) == ([], [])
    assert seen == [(m, "0.", True)]


def test_a_loading_post_hook_returns_nothing() -> None:
    m = Scale()
    m.register_load_state_dict_post_hook(lambda module, keys: keys)
    with pytest.raises(AssertionError, match="not expected to return new values"):
        m.load_state_dict(state())
