"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict, as lists and dicts."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import pytest

import tour
from tour.nn.modules.container import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from tour.nn.modules.module import Module
from tour.nn.parameter import Buffer, Parameter


class N(Module):
    """A module with a number, which it adds."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def forward(self, x: Any) -> Any:
        return x + self.n

    def extra_repr(self) -> str:
        return str(self.n)


def seq(*numbers: int) -> Sequential[N]:
    return Sequential(*map(N, numbers))


def lst(*numbers: int) -> ModuleList[N]:
    return ModuleList(map(N, numbers))


def numbers(container: Any) -> list[int]:
    return [m.n for m in container]


both = pytest.mark.parametrize("make", [seq, lst])


# --- Sequential and ModuleList ----------------------------------------------------------------------------------------


def test_sequential_runs_in_order() -> None:
    assert seq(1, 2, 3)(10) == 16 and Sequential()("x") == "x"


def test_sequential_with_names() -> None:
    net = Sequential(OrderedDict(a=N(1), b=N(2)))
    assert net.a is net[0] and net(0) == 3 and list(net._modules) == ["a", "b"]
    assert list(net[1:]._modules) == ["b"]
    del net[0]
    assert list(net._modules) == ["0"]


@pytest.mark.parametrize("bad", [{"a": N(1)}, [N(1)], 3, N])
def test_sequential_refuses_what_is_no_module(bad: Any) -> None:
    with pytest.raises(TypeError, match="is not a Module subclass"):
        Sequential(bad)


@both
def test_indexing(make: Any) -> None:
    c = make(0, 1, 2)
    assert c[0].n == 0 and c[-1].n == 2 and len(c) == 3 and c[1] in c
    assert numbers(reversed(c)) == [2, 1, 0]
    assert type(c[1:]) is type(c) and numbers(c[1:]) == [1, 2] and c[1:][0] is c[1]
    assert numbers(c[::-2]) == [2, 0]
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"index {index} is out of range"):
            c[index]
    for bad in ("0", 1.0, None):
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            c[bad]


def test_names_in_slices() -> None:
    assert list(seq(0, 1, 2)[::2]._modules) == ["0", "2"]
    assert list(lst(0, 1, 2)[::2]._modules) == ["0", "1"]


@both
def test_changing_items(make: Any) -> None:
    c = make(0, 1, 2)
    c[-1] = N(9)
    assert numbers(c) == [0, 1, 9] and getattr(c, "2").n == 9
    del c[0]
    assert numbers(c) == [1, 9] and list(c._modules) == ["0", "1"] and not hasattr(c, "2")
    assert c.pop(0).n == 1 and numbers(c) == [9]
    assert c.append(N(4)) is c and c.extend([N(5), N(6)]) is c and numbers(c) == [9, 4, 5, 6]
    del c[1:3]
    assert numbers(c) == [9, 6]
    assert numbers(c.pop(slice(0, 1))) == [9] and numbers(c) == [6]
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        c.append(3)
    with pytest.raises(TypeError, match=r"cannot assign 'int' as child module '0'"):
        c[0] = 3


@both
@pytest.mark.parametrize("index", [0, 1, 3, -1, -3])
def test_insert(make: Any, index: int) -> None:
    c, expected = make(0, 1, 2), [0, 1, 2]
    expected.insert(index, 9)
    result = c.insert(index, N(9))
    assert numbers(c) == expected and list(c._modules) == ["0", "1", "2", "3"]
    assert result is (c if make is seq else None)


@both
def test_insert_outside(make: Any) -> None:
    for index in (4, -4):
        with pytest.raises(IndexError, match=f"Index out of range: {index}"):
            make(0, 1, 2).insert(index, N(9))
    with pytest.raises(AssertionError if make is seq else TypeError):
        make(0, 1).insert(0, 3)


def test_arithmetic_of_sequential() -> None:
    a = seq(1, 2)
    assert numbers(a + seq(3)) == [1, 2, 3] and numbers(a) == [1, 2]
    assert numbers(a * 2) == numbers(2 * a) == [1, 2, 1, 2] and (a * 2)[2] is a[0]
    a += seq(3)
    a *= 2
    assert numbers(a) == [1, 2, 3, 1, 2, 3]
    with pytest.raises(ValueError, match="only objects of Sequential class, but <class 'int'>"):
        a + 3  # type: ignore[operator]
    with pytest.raises(ValueError, match="Non-positive multiplication factor 0"):
        a * 0
    with pytest.raises(TypeError, match="unsupported operand"):
        a * 1.5  # type: ignore[operator]


def test_arithmetic_of_lists() -> None:
    a = lst(1, 2)
    assert numbers(a + lst(3)) == [1, 2, 3] and numbers(a) == [1, 2]
    a += [N(3)]
    assert numbers(a) == [1, 2, 3] and len(a.extend(a)) == 6
    with pytest.raises(TypeError, match=r"ModuleList.extend should be called with an iterable, but got int"):
        a.extend(3)  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError):
        a(1)


def test_lists_print_equal_neighbours_once() -> None:
    assert repr(ModuleList()) == "ModuleList()"
    made = ModuleList([N(1), N(1), N(2), seq(1, 2), seq(1, 2)])
    assert repr(made) == (
        "ModuleList(\n  (0-1): 2 x N(1)\n  (2): N(2)\n  (3-4): 2 x Sequential(\n    (0): N(1)\n    (1): N(2)\n  )\n)"
    )


# --- ModuleDict -------------------------------------------------------------------------------------------------------


def test_module_dict() -> None:
    d = ModuleDict({"a": N(1), "b": N(2)})
    assert list(d) == list(d.keys()) == ["a", "b"] and len(d) == 2 and "a" in d and "z" not in d
    assert d["a"] is d.a and [m.n for m in d.values()] == [1, 2] and dict(d.items())["b"] is d["b"]
    d["c"] = N(3)
    d.update([("d", N(4))])
    d.update(ModuleDict({"e": N(5)}))
    assert d.pop("a").n == 1 and list(d) == ["b", "c", "d", "e"]
    del d["b"]
    with pytest.raises(KeyError, match="z"):
        d["z"]
    d.clear()
    assert len(d) == 0 and not hasattr(d, "c")


@pytest.mark.parametrize("container", [ModuleDict, ParameterDict])
def test_bad_updates(container: Any) -> None:
    with pytest.raises(TypeError, match="should be called with an iterable of key/value pairs, but got int"):
        container(3)
    with pytest.raises(TypeError, match="sequence element #0 should be Iterable; is int"):
        container([3])
    with pytest.raises(ValueError, match="sequence element #0 has length 3; 2 is required"):
        container([(1, 2, 3)])


@pytest.mark.parametrize(("name", "error"), [("train", KeyError), ("a.b", KeyError), (1, TypeError)])
def test_bad_keys(name: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        ModuleDict({name: N(1)})
    with pytest.raises(error):
        ParameterDict({name: Parameter(tour.ones(1))})


# --- ParameterList ----------------------------------------------------------------------------------------------------


def plist() -> ParameterList:
    return ParameterList([Parameter(tour.ones(2)), tour.ones(3, 4), 3])


def test_parameter_list() -> None:
    p = plist()
    assert len(p) == 3 and type(p[1]) is Parameter and p[-1] == 3 and list(p)[2] == 3
    assert [name for name, _ in p.named_parameters()] == ["0", "1"]
    assert list(p[1:]) == [p[1], 3] and p[::-1][0] == 3
    p[0] = tour.zeros(1)
    assert type(p[0]) is Parameter and p[0].tolist() == [0]
    p.append(Buffer(tour.ones(1)))
    p += [4]
    assert p.extend([5])[-1] == 5 and len(p) == 6 and type(p[3]) is Parameter
    assert len(copy.deepcopy(p)) == 6
    with pytest.raises(IndexError, match="index 9 is out of range"):
        p[9] = 1
    with pytest.raises(TypeError, match=r"ParameterList.extend should be called with an iterable, but got Parameter"):
        p.extend(Parameter(tour.ones(3)))
    with pytest.raises(RuntimeError, match="ParameterList should not be called"):
        p(1)


def test_parameter_list_prints_what_it_holds() -> None:
    assert repr(ParameterList()) == "ParameterList()"
    assert repr(plist()) == (
        "ParameterList(\n"
        "    (0): Parameter containing: [tour.float32 of size 2]\n"
        "    (1): Parameter containing: [tour.float32 of size 3x4]\n"
        "    (2): Object of type: int\n"
        ")"
    )


# --- ParameterDict ----------------------------------------------------------------------------------------------------


def pdict() -> ParameterDict:
    return ParameterDict({"b": tour.ones(2), "a": Parameter(tour.zeros(2)), "c": 3})


def test_parameter_dict() -> None:
    d = pdict()
    assert list(d) == list(d.keys()) == ["a", "b", "c"] and list(reversed(d)) == ["c", "b", "a"]
    assert list(ParameterDict(OrderedDict(b=1, a=2))) == ["b", "a"]
    assert len(d) == 3 and "a" in d and 3 not in d and type(d["b"]) is Parameter and d["b"] is d.b
    assert d.get("z") is None and d.get("z", 4) == 4 and d.get("c") == 3
    assert d.setdefault("z", tour.ones(1)) is d.z and d.setdefault("z") is d.z
    assert d.pop("c") == 3 and d.popitem()[0] == "z" and list(d) == ["a", "b"]
    assert [name for name, _ in d.named_parameters()] == ["a", "b"]
    made = d.copy()
    assert made["a"] is d["a"] and list(made.fromkeys(["x"], 1).items()) == [("x", 1)]
    del made["a"]
    assert list(made) == ["b"] and len(list(d.values())) == 2
    d.clear()
    assert len(d) == 0 and not hasattr(d, "a")
    with pytest.raises(KeyError, match="empty"):
        d.popitem()
    with pytest.raises(AttributeError, match="'ParameterDict' object has no attribute 'z'"):
        d["z"]
    with pytest.raises(RuntimeError, match="ParameterDict should not be called"):
        d(1)


def test_parameter_dicts_unite() -> None:
    d, other = pdict(), ParameterDict({"q": tour.ones(1)})
    assert list(d | other) == ["a", "b", "c", "q"] and list(d.__ror__(other)) == ["q", "a", "b", "c"]
    assert len(d) == 3
    d |= other
    assert d["q"] is other["q"]


def test_parameter_dict_prints_what_it_holds() -> None:
    assert "    (a): Parameter containing: [tour.float32 of size 2]\n" in repr(pdict())
