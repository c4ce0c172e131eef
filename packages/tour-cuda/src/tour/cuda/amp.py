"""Mixed precision on CUDA devices, by PyTorch's older names; `tour.amp`, of tour-autograd, has the newer ones."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tour._lazy import subpackage


def __getattr__(name: str) -> Any:
    if name in ("GradScaler", "autocast", "custom_bwd", "custom_fwd"):
        return getattr(import_module(f"{subpackage('amp').__name__}.cuda"), name)
    raise AttributeError(f"module 'tour.cuda.amp' has no attribute {name!r}")
