"""The fake device, plugged in the way an installed package would be: by an entry point that is looked up when its name is used."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


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
