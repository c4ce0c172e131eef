"""Samples become batches: every kind of sample, and an error that says which part does not fit."""

from __future__ import annotations

from collections import OrderedDict, UserDict, namedtuple

import numpy as np
import pytest

import tour
from tour.utils.data import default_collate, default_convert
from tour.utils.data.collate import collate, default_collate_fn_map

Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("batch", "dtype", "values"),
    [
        ([1, 2], tour.int64, [1, 2]),
        ([True, False], tour.bool, [True, False]),
        ([1.0, 2.0], tour.float64, [1, 2]),
        ([np.float32(1), np.float32(2)], tour.float32, [1, 2]),
        ([np.int16(1)], tour.int16, [1]),
        ([np.bool_(True)], tour.bool, [True]),
        ([np.ones(2, np.uint8)], tour.uint8, [[1, 1]]),
        ([np.array(3.0)], tour.float64, [3]),
        ([tour.ones(2), tour.zeros(2)], tour.float32, [[1, 1], [0, 0]]),
    ],
)
def test_numbers_become_tensors(batch, dtype, values):
    made = default_collate(batch)
    assert (made.dtype, made.tolist()) == (dtype, values)


def test_text_stays():
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate([b"a"]) == [b"a"]


def test_containers_keep_their_kind():
    made = default_collate([{"p": Point(1, [2, 3])}, {"p": Point(4, [5, 6])}])
    assert type(made["p"]) is Point
    assert [t.tolist() for t in (made["p"].x, *made["p"].y)] == [[1, 4], [2, 5], [3, 6]]
    assert type(default_collate([OrderedDict(a=1)])) is OrderedDict
    assert type(default_collate([UserDict(a=1)])) is UserDict
    assert type(default_collate([(1, 2)])) is list  # as PyTorch's


def test_a_batch_keeps_its_history():
    x = tour.ones(2)
    x.requires_grad_()
    default_collate([x, 2 * x]).sum().backward()
    assert x.grad.tolist() == [3, 3]


@pytest.mark.parametrize(
    ("batch", "error", "says"),
    [
        ([tour.ones(2), tour.ones(2), tour.ones(3)], RuntimeError, r"\[2\] at entry 0 and \[3\] at entry 2"),
        ([[1, 2], [1]], RuntimeError, r"lengths are \[1, 2\]"),
        ([object()], TypeError, "builtins.object"),
        ([None, None], TypeError, "NoneType"),
        ([np.array(["a"])], TypeError, "<U1"),
    ],
)
def test_what_cannot_be_joined(batch, error, says):
    with pytest.raises(error, match=says):
        default_collate(batch)
    with pytest.raises(error) as caught:
        default_collate([{"deep": (0, one)} for one in batch])
    assert caught.value.__notes__ == [
        "while collating part 1 of the samples",
        "while collating part 'deep' of the samples",
    ]


def test_types_of_ones_own():
    class Word:
        def __init__(self, text):
            self.text = text

    table = {**default_collate_fn_map, Word: lambda batch, *, collate_fn_map: " ".join(w.text for w in batch)}
    assert collate([(Word("a"), 1), (Word("b"), 2)], collate_fn_map=table)[0] == "a b"


def test_convert():
    made = default_convert({"a": np.arange(2), "b": [np.float32(1), "text"], "c": Point(1, np.ones(1)), "d": (1,)})
    assert made["a"].tolist() == [0, 1]
    assert made["b"][0].dtype == tour.float32
    assert made["b"][1] == "text"
    assert type(made["c"]) is Point
    assert isinstance(made["c"].y, tour.Tensor)
    assert made["d"] == [1]
    array = np.zeros(2)
    default_convert(array)[0] = 1
    assert array[0] == 1
