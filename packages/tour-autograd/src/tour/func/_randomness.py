"""Random numbers inside `vmap`: refused, the same for all samples, or different for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour.func._batched import BatchedArray, BatchError, open_levels
from tour.ops._draw import Draw, draw_into


def sample(array: Any, draw: Draw | None) -> Any:
    """A host array filled by `draw`, or one for each sample; both None only ask whether random numbers are allowed.

    Raises:
        BatchError: If the `randomness` of a `vmap` around is "error".
    """
    levels = open_levels.levels
    if any(level.randomness == "error" for level in levels):
        raise BatchError(
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness "
            "flags on vmap or perform the randomness operation out of vmap"
        )
    if draw is None:
        return None
    different = tuple(level for level in levels if level.randomness == "different")
    if not different:
        draw_into(array, draw)
        return array
    value = np.empty((*(level.size for level in different), *array.shape), array.dtype)
    draw(value.reshape(-1))
    return BatchedArray(value, different)
