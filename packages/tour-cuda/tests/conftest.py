"""The fake device, plugged in the way an installed package would be: by an entry point that is looked up when its name is used."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from tour.cuda import _blas, _faults, _launch, _random


def beside(name: str):
    """A module that lies beside this file."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


simulator, blas = beside("simulator"), beside("blas")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The module of the fake device, findable through the entry-point group `tour.backends`."""
    spec = importlib.util.spec_from_file_location("fake_device", Path(__file__).with_name("fake_device.py"))
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fake_device", module)
    spec.loader.exec_module(module)
    info = tmp_path / "tour_fake-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tour-fake\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tour.backends]\nfake = fake_device:backend\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield module
    from tour import _devices

    found = _devices.BACKENDS.pop("fake", None)
    if found is not None:
        _devices.BY_ARRAY.pop(found.array_type)


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch):
    """Kernels run on NumPy's arrays, in the simulator; few blocks, so that each has several rounds."""
    if simulator.COMPILER is None:
        pytest.skip("runs the CUDA sources on the CPU, which needs a C++ compiler (g++, clang++, or $CXX)")
    monkeypatch.setattr(_launch, "MOST_BLOCKS", 3)
    monkeypatch.setattr(_launch, "MOST_ROWS", 2)
    monkeypatch.setattr(_faults, "_flags", {})
    monkeypatch.setattr(_random, "_states", {})
    monkeypatch.setattr(_blas, "_handles", {})
    monkeypatch.setattr(_blas, "library", lambda: blas)
    yield simulator.install(np.ndarray, simulator.Simulator())
    _launch.RUNNERS.pop(np.ndarray)
