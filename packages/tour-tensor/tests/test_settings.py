"""Switches that programs set at their beginning, and what they call to be compiled."""

from __future__ import annotations

import pytest

import tour


@pytest.fixture(autouse=True)
def as_before():
    yield
    tour.use_deterministic_algorithms(False)
    tour.set_float32_matmul_precision("highest")


def test_determinism_by_flag_word_and_number():
    tour.use_deterministic_algorithms(True)
    assert tour.are_deterministic_algorithms_enabled()
    assert not tour.is_deterministic_algorithms_warn_only_enabled()
    tour.use_deterministic_algorithms(True, warn_only=True)
    assert tour.is_deterministic_algorithms_warn_only_enabled()
    assert tour.get_deterministic_debug_mode() == 1
    tour.set_deterministic_debug_mode("error")
    assert tour.get_deterministic_debug_mode() == 2
    tour.set_deterministic_debug_mode(0)
    assert not tour.are_deterministic_algorithms_enabled()
    with pytest.raises(RuntimeError, match="debug_mode"):
        tour.set_deterministic_debug_mode(3)
    with pytest.raises(TypeError, match="float"):
        tour.set_deterministic_debug_mode(1.0)


def test_a_precision_that_does_not_exist_changes_nothing():
    tour.set_float32_matmul_precision("medium")
    with pytest.warns(UserWarning, match="not one of"):
        tour.set_float32_matmul_precision("low")
    assert tour.get_float32_matmul_precision() == "medium"
    assert tour.set_flush_denormal(True) is False


def test_switches_of_libraries_are_kept_and_misspelled_ones_refused():
    backends = tour.backends
    assert not backends.cudnn.is_available()
    assert not backends.mps.is_built()
    assert backends.mkl.version() is None
    backends.cudnn.deterministic = True
    assert backends.cudnn.deterministic is True
    backends.cudnn.deterministic = False
    backends.cuda.matmul.allow_tf32 = False
    for change in (lambda: setattr(backends.cudnn, "determinstic", True), lambda: backends.mkl.speed):
        with pytest.raises(AttributeError, match="has no switch"):
            change()


def test_what_is_compiled_elsewhere_comes_back_as_it_is():
    def f(x):
        return x + 1

    assert tour.compile(f, mode="max-autotune") is f
    assert tour.compile(fullgraph=True)(f) is f
    assert tour.jit.script(f) is tour.jit.ignore(f) is tour.jit.ignore(drop=True)(f) is tour.jit.export(f) is f
    assert not tour.jit.is_scripting()


def test_versions_of_libraries():
    assert tour.version.cuda is None
    with pytest.raises(AttributeError, match="no attribute"):
        tour.version.nothing  # noqa: B018
