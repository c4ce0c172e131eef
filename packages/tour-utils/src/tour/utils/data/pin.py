"""Page-locked memory for all tensors of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tour.utils.data.collate import like


def pin_memory(data: Any) -> Any:
    """A batch whose tensors, and whatever else has `pin_memory()`, are pinned."""
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    match data:
        case str() | bytes():
            return data
        case Mapping():
            return like(data, {key: pin_memory(value) for key, value in data.items()})
        case tuple() if hasattr(data, "_fields"):
            return type(data)(*map(pin_memory, data))
        case Sequence():
            return like(data, type(data)(map(pin_memory, data)) if type(data) is tuple else list(map(pin_memory, data)))
    return data
