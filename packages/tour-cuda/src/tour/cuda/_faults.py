"""Indices that a kernel found to be out of range: noted on the device, raised at the next synchronisation.

A kernel cannot raise, and asking it after each launch would make the host wait. So it leaves such an element out, notes the first one,
and goes on; whoever waits for the device anyway (`synchronize`, a copy to the host) calls `check`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.cuda._launch import Array, runner

# Who noticed, by the number in the kernel's source: what was indexed, and where.
WHO = {
    1: "class {0} is no target of cross_entropy over {1} classes",
    2: "index {0} is out of range for an embedding table of {1} rows",
    3: "index {0} is out of bounds for a dimension of size {1}, in gather or index_select",
    4: "index {0} is out of bounds for a dimension of size {1}, in scatter or index_add",
    5: "place {0} is out of bounds for a tensor of {1} elements, in an indexed write",
}

_flags: dict[Any, Array] = {}  # by runner and device


def flag(like: Array) -> Array:
    """Where kernels on the device of `like` note a fault: their name, the index and the size."""
    served = runner(like)
    key = served, served.device(like)
    found = _flags.get(key)
    if found is None:
        found = _flags[key] = served.empty((3,), np.dtype(np.int64), like)
        found.fill(0)
    return found


def look() -> str | None:
    """What is wrong with the first index that a kernel has noted since the last time, if one has; waits for the devices."""
    told = None
    for found in _flags.values():
        who, index, size = map(int, runner(found).read(found))
        if who:
            found.fill(0)
            told = told or (
                f"{WHO[who].format(index, size)} (found on the device by a kernel that ran before this synchronisation; "
                "what was computed from it since is wrong)"
            )
    return told


def check() -> None:
    """Wait for the devices whose kernels may have noted an index out of range, and raise if one has.

    Raises:
        IndexError: For the first index that was noted; results computed since are not to be trusted.
    """
    if told := look():
        raise IndexError(told)
