"""The harness itself: what it lets pass by meaning, and that it finds what is wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")

import conftest
import torch
from expected import EXPECTED
from harness.checks import Raised, checks_of, compare, outcome
from harness.convert import to_tour
from harness.database import OPERATORS

import tour


def sample(x: Any, *args: Any, **kwargs: Any) -> Any:
    return SimpleNamespace(input=x, args=args, kwargs=kwargs)


def lines(name: str, got: Any, want: Any, of: Any) -> list[str]:
    return list(compare(SimpleNamespace(name=name), to_tour(got), want, of))


def test_signs_of_singular_vectors_are_free_but_not_one_of_them() -> None:
    x = torch.randn(4, 3, dtype=torch.float64)
    u, s, vh = want = torch.linalg.svd(x, full_matrices=False)
    flip = torch.tensor([1.0, -1, 1], dtype=torch.float64)
    assert not lines("linalg.svd", type(want)((u * flip, s, vh * flip[:, None])), want, sample(x))
    assert lines("linalg.svd", type(want)((u * flip, s, vh)), want, sample(x))
    assert lines("linalg.svd", type(want)((u, s * 1.01, vh)), want, sample(x))
    assert lines("linalg.svd", type(want)((u * 2, s, vh / 2)), want, sample(x))


def test_phases_of_eigenvectors_are_free_but_not_their_direction_or_length() -> None:
    x = torch.randn(4, 4, dtype=torch.float64)
    values, vectors = want = torch.linalg.eig(x)
    assert not lines("linalg.eig", type(want)((values, vectors * 1j)), want, sample(x))
    assert lines("linalg.eig", type(want)((values, vectors * 2)), want, sample(x))
    assert lines("linalg.eig", type(want)((values, vectors.roll(1, -1))), want, sample(x))
    h = x @ x.mT
    values, vectors = want = torch.linalg.eigh(h)
    assert not lines("linalg.eigh", type(want)((values, -vectors)), want, sample(h))
    assert lines("linalg.eigh", type(want)((values, vectors.roll(1, -1))), want, sample(h))


def test_which_equal_element_is_named_is_free_but_none_twice() -> None:
    x = torch.tensor([2.0, 1, 2, 0])
    want = torch.topk(x, 2)
    assert not lines("topk", type(want)((want.values, torch.tensor([2, 0]))), want, sample(x, 2))
    assert not lines("topk", type(want)((want.values, torch.tensor([0, 2]))), want, sample(x, 2))
    assert lines("topk", type(want)((want.values, torch.tensor([0, 0]))), want, sample(x, 2))
    assert lines("topk", type(want)((want.values, torch.tensor([0, 1]))), want, sample(x, 2))
    assert lines("topk", type(want)((want.values, torch.tensor([0, 2], dtype=torch.int32))), want, sample(x, 2))


def test_a_stable_sort_is_compared_as_it_is() -> None:
    x = torch.tensor([[2.0, 1, 2, 0]])
    want = torch.argsort(x, stable=True)
    other = torch.tensor([[3, 1, 2, 0]])
    assert lines("argsort", other, want, sample(x, stable=True))
    assert not lines("argsort", other, want, sample(x))


def test_tensors_that_share_memory_share_it_in_tour_too() -> None:
    x = torch.zeros(6)
    memo: dict[Any, Any] = {}
    whole, part, other = to_tour([x, x[2:4], torch.zeros(6)], memo)
    part += 1
    assert whole.tolist() == [0, 0, 1, 1, 0, 0]
    assert not x.any()
    assert not other.any()


def test_tensors_that_are_computed_on_the_way_do_not_share_memory() -> None:
    many = [
        torch.full((4,), complex(i, 1)).conj() for i in range(20)
    ]  # each is resolved into memory that is freed at once
    assert [t[0].item() for t in to_tour(many)] == [complex(i, -1) for i in range(20)]


def test_an_exception_of_another_type_is_a_difference() -> None:
    refused = outcome(torch.add, torch.ones(2), torch.ones(3))
    assert not list(compare(SimpleNamespace(name="add"), outcome(tour.add, tour.ones(2), tour.ones(3)), refused))
    assert list(compare(SimpleNamespace(name="add"), Raised(IndexError("shape")), refused))
    assert list(compare(SimpleNamespace(name="add"), tour.ones(2), refused))


def test_a_name_listed_for_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def ran(name: str, outcome: str, checks: Any) -> list[Any]:
        report = SimpleNamespace(failed=False)
        return [({"operator": name, "module": "torch", "check": check, "found": outcome}, report) for check in checks]

    monkeypatch.setitem(EXPECTED, "add", "no reason")
    checks = list(checks_of(OPERATORS["add"]))
    assert conftest.stale(ran("add", "pass", checks)) == ["add"]
    assert conftest.stale(ran("add", "pass", checks[1:])) == []  # not all of them ran
    assert conftest.stale(ran("add", "listed: no reason", checks)) == []
