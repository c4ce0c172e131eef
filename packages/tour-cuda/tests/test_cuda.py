"""tour.cuda where there is no GPU: it imports, answers False, and says what is missing. With a GPU the transfers are real."""

from __future__ import annotations

import sys

import pytest

import tour
import tour.cuda
from tour.cuda import _cupy

HAS_GPU = tour.cuda.is_available()
needs_gpu = pytest.mark.skipif(not HAS_GPU, reason="needs an NVIDIA GPU and CuPy")
without_gpu = pytest.mark.skipif(HAS_GPU, reason="this machine has a GPU")


def test_importing_does_not_import_cupy():
    import subprocess

    code = "import sys, tour.cuda; assert 'cupy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@without_gpu
def test_without_a_gpu_questions_have_answers():
    assert tour.cuda.is_available() is False
    assert tour.cuda.device_count() == 0
    assert tour.cuda.memory_allocated() == 0
    tour.cuda.empty_cache()


@without_gpu
@pytest.mark.parametrize(
    "move",
    [lambda t: t.cuda(), lambda t: t.to("cuda"), lambda t: t.to("cuda:0"), lambda t: tour.zeros(2, device="cuda")],
)
def test_without_a_gpu_moving_there_says_what_is_missing(move):
    with pytest.raises(RuntimeError, match=r"CuPy|driver|GPU"):
        move(tour.ones(2))


@without_gpu
def test_without_a_gpu_synchronize_says_what_is_missing():
    with pytest.raises(RuntimeError, match=r"CuPy|driver|GPU"):
        tour.cuda.synchronize()


def test_missing_cupy_names_both_extras(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(_cupy, "_found", None)
    with pytest.raises(RuntimeError, match=r"tour-cuda\[cuda13x\].*tour-cuda\[cuda12x\]"):
        _cupy.ready()
    assert _cupy.count() == 0


@needs_gpu
def test_there_and_back():
    t = tour.tensor([1.0, 2.0]).cuda()
    assert t.device == tour.device("cuda", 0) and t.is_cuda
    assert (t * 2 + 1).cpu().tolist() == [3.0, 5.0]
    tour.cuda.synchronize()
