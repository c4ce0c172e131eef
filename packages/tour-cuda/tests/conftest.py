"""The fake device: a module that behaves as CuPy does on a machine with GPUs takes CuPy's place, under tour-cuda's own code."""

from __future__ import annotations

import collections
import importlib.util
import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tour.cuda import _blas, _dnn, _faults, _launch, _random


def beside(name: str):
    """A module that lies beside this file."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


simulator, blas = beside("simulator"), beside("blas")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "simulator: tests that do not run kernels on a GPU, also where TOUR_TEST_GPU=1 asks for it"
    )


def unplug() -> None:
    """Forget what was found: the device is looked up anew when its name is next used."""
    from tour import _core, _devices
    from tour.cuda import _array, _bounds, _cupy, _differences, _memory, graphs, memory

    memory.peaks.forget()
    graphs.graph.default_capture_stream = None
    _cupy.forget()
    _array.forget()
    _bounds.forget()
    _differences.forget()
    _memory.forget()
    found = _devices.BACKENDS.pop("cuda", None)
    if found is not None:
        _devices.BY_ARRAY.pop(found.array_type)
    for op in _core.OPS.values():
        op.impls.pop(_array.CudaArray, None)


def needs(devices: int) -> None:
    """Skip a test for which the machine has too few GPUs."""
    from tour.cuda import _cupy

    if _cupy.count() < devices:
        pytest.skip(f"needs {devices} GPUs")


@pytest.fixture
def fake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The fake CuPy, on a fresh machine with one GPU; tour-cuda is found through the entry-point group `tour.backends`.

    With TOUR_TEST_GPU set (`nox -s gpu`) it is the real one, and what only the fake can tell is not asked.
    """
    import fake_cupy

    if os.environ.get("TOUR_TEST_GPU"):
        if request.path.name in ("test_names.py", "test_moving.py", "test_fake_device.py"):
            pytest.skip("asks the fake device what a real one does not tell")
        yield types.SimpleNamespace(counts=collections.Counter(), reset=needs)
        return

    for name, module in fake_cupy.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    info = tmp_path / "tour_cuda_here-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tour-cuda-here\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tour.backends]\ncuda = tour.cuda:backend\n")
    monkeypatch.syspath_prepend(tmp_path)
    fake_cupy.reset()
    unplug()
    yield fake_cupy
    unplug()


@pytest.fixture
def simulated(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Kernels run on NumPy's arrays, in the simulator or on a GPU; few blocks, so that each has several rounds."""
    gpu = os.environ.get("TOUR_TEST_GPU") == "1"
    if gpu and request.node.get_closest_marker("simulator"):
        pytest.skip("is about the simulator")
    if not gpu and simulator.COMPILER is None:
        pytest.skip("runs the CUDA sources on the CPU, which needs a C++ compiler (g++, clang++, or $CXX)")
    monkeypatch.setattr(_launch, "MOST_BLOCKS", 3)
    monkeypatch.setattr(_launch, "MOST_ROWS", 2)
    monkeypatch.setattr(_faults, "_flags", {})
    monkeypatch.setattr(_random, "_states", {})
    monkeypatch.setattr(_random, "_seed", [None])
    monkeypatch.setattr(_blas, "_handles", {})
    monkeypatch.setattr(_blas, "library", lambda: blas)
    yield simulator.install(np.ndarray, beside("on_gpu").OnGpu() if gpu else simulator.Simulator())
    _launch.RUNNERS.pop(np.ndarray)


@pytest.fixture
def kernels(request: pytest.FixtureRequest, fake, simulated, monkeypatch: pytest.MonkeyPatch):
    """A device with kernels: the fake one (`driver`), or on a GPU the GPU."""
    if os.environ.get("TOUR_TEST_GPU") == "1":
        monkeypatch.undo()  # small grids, and the stand-in for cuBLAS
        return types.SimpleNamespace()
    return request.getfixturevalue("driver")


@pytest.fixture
def driver(fake, simulated, monkeypatch: pytest.MonkeyPatch):
    """The fake device with CuPy's modules of kernels, so that tour-cuda's own runner launches them; and the stand-in for cuBLAS."""
    if os.environ.get("TOUR_TEST_GPU") == "1":
        pytest.skip("is about the fake device")
    from fake_cupy import kernels as offered

    from tour.cuda import _runner

    on_fake = sys.modules.get("on_fake") or beside("on_fake")
    monkeypatch.setattr(_blas, "library", on_fake.Blas)
    monkeypatch.setattr(fake, "RawModule", offered.RawModule, raising=False)
    monkeypatch.setitem(sys.modules, "cupy_backends.cuda.api.driver", offered)
    _runner._module.cache_clear()
    offered.launched.clear()
    yield from on_fake.plugged(offered)
    _runner._module.cache_clear()


@pytest.fixture
def stand_in():
    """The stand-in for cuDNN's front end, fresh."""
    module = sys.modules.get("dnn") or beside("dnn")
    for seen in (module.built, module.executed, module.refused, module.streams):
        seen.clear()
    return module


@pytest.fixture
def cudnn(simulated, stand_in, monkeypatch: pytest.MonkeyPatch):
    """The stand-in, in the place of the front end."""
    if os.environ.get("TOUR_TEST_GPU") == "1":
        pytest.skip("is about the stand-in for cuDNN")
    monkeypatch.setattr(simulated, "libraries", True, raising=False)
    monkeypatch.setattr(_dnn, "frontend", lambda: stand_in)
    for kept in ("_handles", "_plans", "_workspaces"):
        monkeypatch.setattr(_dnn, kept, {})
    return stand_in
