"""Every public name of PyTorch's tensor modules is in tour, or in `scope.py` with the reason why not."""

from __future__ import annotations

from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from scope import OUT_OF_SCOPE, YET_TO_COME

import tour

pytestmark = pytest.mark.filterwarnings("ignore")


def counterpart(module: str) -> tuple[Any, Any]:
    """PyTorch's module or class of a name, and tour's."""
    if module == "torch.Tensor":
        return torch.Tensor, tour.Tensor
    return import_module(module), import_module(module.replace("torch", "tour", 1))


def missing(module: str) -> list[str]:
    """Public names that tour's counterpart lacks."""
    theirs, mine = counterpart(module)
    return [name for name in dir(theirs) if not name.startswith("_") and not hasattr(mine, name)]


@pytest.mark.parametrize("module", OUT_OF_SCOPE)
def test_every_public_name_is_here_or_out_of_scope(module: str) -> None:
    patterns = " ".join(OUT_OF_SCOPE[module].values()).split()
    absent = missing(module)
    unexplained = [name for name in absent if not any(fnmatchcase(name, p) for p in patterns)]
    assert not unexplained, f"{module} has {', '.join(unexplained)}; tour has not, and scope.py gives no reason"
    settled = " ".join(names for reason, names in OUT_OF_SCOPE[module].items() if reason != YET_TO_COME).split()
    needless = [p for p in settled if not any(fnmatchcase(name, p) for name in absent)]
    assert not needless, f"scope.py lists {', '.join(needless)} for {module}, which tour has"


@pytest.mark.parametrize("module", OUT_OF_SCOPE)
def test_names_that_are_functions_there_are_functions_here(module: str) -> None:
    theirs, mine = counterpart(module)
    shared = [name for name in dir(theirs) if not name.startswith("_") and hasattr(mine, name)]
    other = [name for name in shared if callable(getattr(theirs, name)) != callable(getattr(mine, name))]
    assert not other, f"{', '.join(other)} of {module} can be called in one of the two only"
