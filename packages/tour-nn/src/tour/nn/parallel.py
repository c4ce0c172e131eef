"""Layers and models on several processes; they come from tour-distributed, which is loaded with their first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tour.distributed import DistributedDataParallel as DistributedDataParallel
    from tour.distributed import SyncBatchNorm as SyncBatchNorm

NAMES = ("DistributedDataParallel", "SyncBatchNorm")


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module 'tour.nn.parallel' has no attribute {name!r}")
    try:
        return getattr(import_module("tour.distributed"), name)
    except ModuleNotFoundError as error:
        if error.name != "tour.distributed":
            raise
        raise ImportError(f"{name} needs the package tour-distributed; run `pip install tour-distributed`") from None
