"""The exceptions that tests/bad_input.py promises are PyTorch's."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

import tour

PATH = Path(__file__).parent.parent / "bad_input.py"


def mistakes_of(library: Any) -> dict[str, Any]:
    """tests/bad_input.py where `tour` means a library."""
    spec = spec_from_file_location(f"bad_input_of_{library.__name__}", PATH)
    assert spec and spec.loader
    module = module_from_spec(spec)
    before = sys.modules["tour"]
    sys.modules["tour"] = library
    try:
        spec.loader.exec_module(module)
    finally:
        sys.modules["tour"] = before
    found: dict[str, Any] = module.MISTAKES
    return found


MISTAKES = mistakes_of(torch)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MISTAKES)
def test_pytorch_raises_the_same(name: str) -> None:
    mistake = MISTAKES[name]
    with pytest.raises(mistake.error) as info:
        mistake.layer()(*mistake.inputs())
    assert info.type is mistake.error or issubclass(info.type, mistake.error)
    assert mistakes_of(tour)[name].error is mistake.error
