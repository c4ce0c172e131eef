"""The text of tensors against what PyTorch 2.13 printed (`tools/golden_printing.py`), and the view in notebooks."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tour import _dtypes
from tour._core import wrap
from tour._printing import (
    format_array,
    get_printoptions,
    printoptions,
    set_printoptions,
    tensor_html,
    tensor_repr,
)

GOLDEN = json.loads((Path(__file__).parent / "golden" / "printing.json").read_text())
VIEWS = {
    "transposed": lambda a: a.T,
    "reversed": lambda a: a[::-1],
    "every second": lambda a: a[..., ::2],
    None: np.asarray,
}
DEFAULTS = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}


@pytest.fixture(autouse=True)
def default_options():
    set_printoptions(profile="default")
    yield
    set_printoptions(profile="default")


class Node:
    def __init__(self, name: str) -> None:
        self.name = lambda: name


class Told:
    """A tensor about which something else is told: its device, its gradient."""

    def __init__(self, array: np.ndarray, device: str = "cpu", requires_grad: bool = False, grad_fn: str | None = None):
        self._a, self.shape, self.dtype = array, array.shape, wrap(array).dtype
        self.device = Device(device)
        self.requires_grad = requires_grad
        self.grad_fn = Node(grad_fn) if grad_fn else None

    def __repr__(self) -> str:
        return tensor_repr(self, name="tensor")


class Elsewhere(Told):
    """A tensor on another device, which notes how many elements it sent here."""

    def __init__(self, array: np.ndarray, device: str, sent: list[int] | None = None, **told: Any) -> None:
        super().__init__(array, device, **told)
        self.sent = [] if sent is None else sent

    def detach(self) -> Elsewhere:
        return self

    def __getitem__(self, index: Any) -> Elsewhere:
        return Elsewhere(self._a[index], str(self.device), self.sent)

    def cpu(self) -> Told:
        self.sent.append(self._a.size)
        return Told(self._a)


class Device:
    def __init__(self, name: str) -> None:
        self.name, self.type = name, name.split(":")[0]

    def __str__(self) -> str:
        return self.name


def array_of(case: dict[str, Any]) -> np.ndarray:
    dtype, shape = getattr(_dtypes, case["dtype"]).numpy, tuple(case["shape"])
    numbers = np.frombuffer(bytes.fromhex(case["bytes"]), dtype)
    return VIEWS[case.get("view")](np.resize(numbers, shape) if 0 not in shape else np.empty(shape, dtype))


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['dtype']}-{tuple(case['shape'])}")
def test_the_text_is_pytorchs(case):
    a = array_of(case)
    facts = {name: case[name] for name in ("requires_grad", "grad_fn") if name in case}
    before = _dtypes.get_default_dtype()
    _dtypes.set_default_dtype(getattr(_dtypes, case.get("default", "float32")))
    try:
        with printoptions(**case.get("options", {})):
            assert repr(Told(a, **facts) if facts else wrap(a)) == case["text"]
    finally:
        _dtypes.set_default_dtype(before)


def test_the_goldens_cover_every_dtype_and_option():
    assert {case["dtype"] for case in GOLDEN} == {d.name for d in _dtypes.ALL}
    assert {name for case in GOLDEN for name in case.get("options", {})} == {*DEFAULTS, "profile"}


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"device": "cuda:0"}, "tensor([1.5000, 2.0000], device='cuda:0', dtype=tour.float64)"),
        (
            {"device": "cuda:1", "requires_grad": True, "grad_fn": "MulBackward0"},
            "tensor([1.5000, 2.0000], device='cuda:1', dtype=tour.float64,\n       grad_fn=<MulBackward0>)",
        ),
        ({"device": "meta"}, "tensor(..., device='meta', size=(2,), dtype=tour.float64)"),
    ],
)
def test_the_device_comes_first(told, text):
    assert repr(Elsewhere(np.array([1.5, 2.0]), **told)) == text


def test_only_edges_come_from_another_device():
    t = Elsewhere(np.arange(10**6).reshape(1000, 1000), "cuda:0")
    assert repr(t).endswith("999997, 999998, 999999]],\n       device='cuda:0')")
    assert sum(t.sent) == 36
    assert "minimum 0 mean 500000 maximum 999999 NaN 0" in words(tensor_html(t))


def test_a_subclass_prints_its_name_and_a_broken_history_still_prints():
    class Mine(type(wrap(np.zeros(1)))):
        pass

    class Broken(Told):
        grad_fn = property(lambda self: (_ for _ in ()).throw(RuntimeError("stale view")), lambda self, node: None)

    assert tensor_repr(Mine([1.0])) == "Mine([1.])"
    assert tensor_repr(Mine([1.0]), name="tensor") == "tensor([1.])"
    assert repr(Broken(np.float32([1]))) == "tensor([1.], grad_fn=<Invalid>)"


def test_only_what_is_shown_is_read():
    huge = np.broadcast_to(np.float32(2.5), (10**6, 10**6, 10**3))
    assert format_array(huge, indent=7).count("2.5000") == 6**3


def test_many_dimensions():
    assert format_array(np.zeros((1,) * 64), indent=0) == "[" * 64 + "0." + "]" * 64


def test_indent_is_kept_free():
    assert format_array(np.arange(4).reshape(2, 2), indent=3) == "[[0, 1],\n    [2, 3]]"


def test_an_endless_line():
    with printoptions(linewidth=np.inf):
        assert "\n" not in format_array(np.arange(999), indent=0)


def test_options_are_set_kept_and_restored():
    set_printoptions(precision=2, sci_mode=True)
    assert get_printoptions() == {**DEFAULTS, "precision": 2, "sci_mode": True}
    set_printoptions(linewidth=100)
    assert get_printoptions() == {**DEFAULTS, "precision": 2, "linewidth": 100}
    with pytest.raises(KeyError), printoptions(profile="full", edgeitems=1):
        assert get_printoptions() == {**DEFAULTS, "threshold": math.inf, "edgeitems": 1}
        raise KeyError
    assert get_printoptions() == {**DEFAULTS, "precision": 2, "linewidth": 100}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"profile": "long"}, ValueError, "profile is 'long', and should be one of 'default', 'short', 'full'"),
        ({"precision": -1}, ValueError, "precision is -1, and should be 0 or more"),
        ({"edgeitems": 1.5}, TypeError, "edgeitems is 1.5, and should be an integer"),
        ({"threshold": "all"}, TypeError, "threshold is 'all', and should be a number"),
    ],
)
def test_wrong_options_change_nothing(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        set_printoptions(**{"precision": 7, **options})
    assert get_printoptions() == DEFAULTS


# Notebooks


class Outline(HTMLParser):
    """Checks that tags close in order, and gathers text and tag names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.tags.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def words(page: str) -> str:
    return " ".join(Outline(page).text.split())


@pytest.mark.parametrize("dtype", _dtypes.ALL, ids=repr)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0), (5,), (2, 3), (4, 3, 20, 30), (2000,), (1,) * 20], ids=str)
def test_a_summary_of_every_dtype_and_shape(dtype, shape):
    t = wrap(np.resize(np.array([1, 0, 1, 2, 1]), shape).astype(dtype.numpy))
    page = tensor_html(t)
    assert (" × ".join(map(str, shape)) or "0-d") in words(page)
    assert f"{dtype!r} · cpu" in words(page)
    assert ("maximum" in words(page)) == ("svg" in Outline(page).tags) == (0 not in shape)
    assert len(page) < 12_000
    assert not re.search("http|script|url", page)


@pytest.mark.parametrize(
    ("array", "facts"),
    [
        (np.float32([1, 2, np.nan, 6, np.nan]), "minimum 1 mean 3 maximum 6 NaN 2"),
        (np.full(3, np.nan), "minimum nan mean nan maximum nan NaN 3"),
        (np.array([-np.inf, 0, 1e300]), "minimum -inf mean -inf maximum 1e+300 NaN 0"),
        (
            np.array([2**62, 2**62 + 1]),
            "minimum 4611686018427387904 mean 4.61169e+18 maximum 4611686018427387905 NaN 0",
        ),
        (np.array([True, False, True, True]), "minimum False mean 0.75 maximum True NaN 0"),
        (np.array([3 + 4j, 0, complex(np.nan, 1)]), "|z| minimum 0 |z| mean 2.5 |z| maximum 5 NaN 1"),
        (np.array([1e308 + 1e308j, 2e307j]), "|z| minimum 2e+307 |z| mean 8.07107e+307 |z| maximum 1.41421e+308 NaN 0"),
        (np.array([1.7e308 + 1.7e308j, 0]), "|z| minimum 0 |z| mean inf |z| maximum inf NaN 0"),
        (np.array([1, 3], ml_dtypes.bfloat16), "minimum 1 mean 2 maximum 3 NaN 0"),
        (np.arange(10**6).reshape(1000, -1)[::-3, ::7], "minimum 0 mean 499997 maximum 999994 NaN 0"),
    ],
)
def test_statistics(array, facts):
    assert facts in words(tensor_html(wrap(array)))


def test_a_huge_tensor_is_sampled_and_says_so(monkeypatch):
    monkeypatch.setattr("tour._printing._MOST_READ", 100)
    text = words(tensor_html(wrap(np.arange(1000.0).reshape(10, 100))))
    assert "minimum 0 mean 495 maximum 990 NaN 0 of 100 sampled elements" in text


def test_the_strip_shows_sign_size_nan_and_infinity():
    page = tensor_html(wrap(np.array([[4.0, -2.0], [0.0, np.nan], [np.inf, 4.0]])))
    paths = dict(re.findall("<path (.*?) d='(.*?)'", page))
    assert paths == {
        "fill='#f2701d' fill-opacity='1'": "M0 0h1v1h-1zM1 2h1v1h-1z",
        "fill='#2f81f7' fill-opacity='0.5'": "M1 0h1v1h-1z",
        "fill='#d61fc0'": "M1 1h1v1h-1z",
        "fill='currentColor'": "M0 2h1v1h-1z",
    }


def test_the_text_folds_out_short_and_escaped():
    page = tensor_html(Told(np.float32([1, 2]), grad_fn="AddBackward0"))
    assert "<details open>" in page and "grad_fn=&lt;AddBackward0&gt;" in page
    assert "tensor([1., 2.], grad_fn=<AddBackward0>)" in words(page)
    with printoptions(profile="full", precision=1):
        page = tensor_html(wrap(np.random.default_rng(0).random((6, 6, 6, 6, 6))))
        assert get_printoptions()["threshold"] == math.inf
    assert "<details>" in page and page.count("\n") == 40 and len(page) < 8000
