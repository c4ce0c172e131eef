"""`import torch` that means tour, for one process: a program written for PyTorch runs without a changed line.

Nothing is installed under the name: PyTorch itself, where it is, stays as it is for every other process.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["install", "uninstall"]


def install() -> None:
    """From now on `import torch`, `from torch.nn import functional` and the like give tour's modules, in this process.

    Raises:
        RuntimeError: If PyTorch itself was imported before.

    Examples:
        >>> import tour.compat
        >>> tour.compat.install()
        >>> import torch
        >>> torch.tensor([1.0, 2.0]).sum()
        tensor(3.)
        >>> tour.compat.uninstall()
    """
    real = sys.modules.get("torch")
    if real is not None and real is not import_module("tour"):
        raise RuntimeError("PyTorch itself has been imported already; call tour.compat.install() before that")
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """From now on `import torch` means PyTorch again; what was imported stays what it is.

    Examples:
        >>> import sys
        >>> import tour.compat
        >>> tour.compat.install()
        >>> tour.compat.uninstall()
        >>> "torch" in sys.modules
        False
    """
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
        for name in [name for name in sys.modules if name == "torch" or name.startswith("torch.")]:
            del sys.modules[name]


class _Finder:
    """Finds the module of tour for a module of torch."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        loader: Any = _Loader()
        return ModuleSpec(name, loader) if name == "torch" or name.startswith("torch.") else None


class _Loader:
    """Gives a module that is there already, with nothing about it changed."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module("tour" + spec.name[5:])
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has put its own there


_finder: Any = _Finder()
