"""The debug mode: before each collective the ranks compare what they are about to call, so that a mismatch is named.

`TOUR_DISTRIBUTED_DEBUG=DETAIL` turns it on. A call then costs one more message.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from tour import Tensor

if TYPE_CHECKING:
    from tour.distributed.world import ProcessGroup


def enabled() -> bool:
    """Whether calls are compared."""
    return os.environ.get("TOUR_DISTRIBUTED_DEBUG", "").upper() == "DETAIL"


def signature(name: str, what: tuple[Any, ...]) -> tuple[str, str]:
    """What a call must have in common on all ranks, and the line that made it."""
    return f"{name}({', '.join(map(_described, what))})", _caller()


def _described(x: Any) -> str:
    if not isinstance(x, Tensor):
        return str(x)
    return f"{x.dtype} {list(x.shape)}" + ("" if x.device.type == "cpu" else f" on {x.device.type}")


def _caller() -> str:
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("tour."):
        frame = frame.f_back
    return "?" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def compare(group: ProcessGroup, mine: tuple[str, str]) -> None:
    """Hold this rank's call against the others'.

    Raises:
        RuntimeError: On every rank, with each rank's call and line, if they are not the same.
    """
    every = group.transport.all_gather_object(mine)
    if any(call != mine[0] for call, _ in every):
        lines = [f"  rank {rank}: {call} at {line}" for rank, (call, line) in zip(group.ranks, every, strict=True)]
        raise RuntimeError("the ranks have called different collectives:\n" + "\n".join(lines))
