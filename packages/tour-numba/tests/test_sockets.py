"""How large calls find compiled forms, and that nobody else pays for it."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

import tour
from tour import _activations, _compiled, _softmax  # noqa: F401 (their sockets)
from tour.numba import forms


@pytest.mark.parametrize("socket", forms.FORMS)
def test_every_form_serves_a_socket(socket):
    import_module(
        next(part for part in (socket.rsplit(".", n)[0] for n in (1, 2)) if part.rpartition(".")[2].islower())
    )
    assert socket in _compiled.SOCKETS
    file, _, name = forms.FORMS[socket].partition(".")
    assert callable(getattr(import_module(f"tour.numba.forms.{file}"), name))


LAZY = """
import sys, tour
tour.ones(100).sigmoid(), tour.ones(16, 16).softmax(0), tour.ones(8).relu()
print(sorted({"tour.numba", "llvmlite", "numba"} & set(sys.modules)))
"""


def test_nothing_is_imported_for_small_arrays(python):
    assert python(LAZY) == "[]"


LARGE = """
import sys, tour
x = tour.linspace(-9, 9, 1 << 17)
y = x.sigmoid()
print(tour.numba.compiled(), "numba" in sys.modules, float(y.double().sum()))
"""


def test_it_can_be_turned_off(python):
    assert python(LARGE, TOUR_NUMBA="0").startswith("[] False 65536")
    assert "turned off by TOUR_NUMBA=0" in python("import tour; tour.show_config()", TOUR_NUMBA="0")


def test_a_call_goes_to_the_form_only_if_it_is_large():
    asked = []
    found = type("Found", (), {"find": lambda _, name: lambda *a: asked.append(name) or NotImplemented})()
    before = _compiled.provider()
    try:
        _compiled.plug(found)
        tour.ones(_compiled.FEW - 1).softmax(0), tour.ones(100).sigmoid(), tour.ones(100).relu()
        assert not asked
        tour.ones(_compiled.LARGE - 1).softmax(0)
        assert not asked
        assert tour.ones(1 << 16).sigmoid()[0].item() == pytest.approx(1 / (1 + np.exp(-1)))
        for _ in range(_compiled.PATIENCE):
            tour.ones(_compiled.FEW).softmax(0)
        assert asked == ["tour._activations.sigmoid"]
        assert tour.ones(_compiled.FEW).softmax(0).sum().item() == pytest.approx(1)  # small, but they keep coming
        assert asked == ["tour._activations.sigmoid", "tour._softmax.softmax"]
    finally:
        _compiled.plug(before)


def test_a_form_that_a_large_call_has_found_serves_small_ones():
    x = tour.linspace(0, 1, _compiled.LARGE)
    x.softmax(0)
    socket = _softmax.softmax.socket
    assert socket.found and socket.at_hand() and not socket.small


def test_show_config_names_what_is_compiled(capsys):
    tour.ones(1 << 17).sigmoid()
    tour.show_config()
    text = capsys.readouterr().out
    assert "NumPy" in text and "threads" in text and "elementwise.sigmoid" in text and "bits" in text
