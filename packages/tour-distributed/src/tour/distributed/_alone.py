"""The transport of a single process: what a collective means when nobody else takes part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Alone:
    """One rank, which needs no MPI: every array already holds the result.

    The methods are those of `tour.distributed._mpi.Mpi`; arrays are C-contiguous.
    """

    rank = 0
    size = 1

    def all_reduce(self, a: Array, op: str) -> None:
        """Leave the array as it is."""

    def reduce(self, a: Array, op: str, root: int) -> None:
        """Leave the array as it is."""

    def broadcast(self, a: Array, root: int) -> None:
        """Leave the array as it is."""

    def all_gather(self, out: Array, a: Array) -> None:
        """Copy the only part; out has shape (1, *a.shape)."""
        out[0] = a

    def gather(self, out: Array | None, a: Array, root: int) -> None:
        """Copy the only part."""
        assert out is not None
        out[0] = a

    def scatter(self, out: Array, parts: Array | None, root: int) -> None:
        """Copy the only part."""
        assert parts is not None
        out[...] = parts[0]

    def all_to_all(self, out: Array, parts: Array) -> None:
        """Copy the only part."""
        out[...] = parts

    def barrier(self) -> None:
        """Wait for nobody."""

    def send(self, a: Array, to: int, tag: int) -> None:
        """Refuse: there is nobody to send to."""
        raise ValueError(
            "Invalid destination rank: destination rank should not be the same as the rank of the current process."
        )

    def receive(self, a: Array, source: int | None, tag: int) -> int:
        """Refuse: there is nobody to receive from."""
        raise ValueError("Invalid source rank: source rank should not be the same as the rank of the current process.")

    def all_gather_object(self, value: Any) -> list[Any]:
        """A list of the one object."""
        return [value]

    def gather_object(self, value: Any, root: int) -> list[Any] | None:
        """A list of the one object."""
        return [value]

    def broadcast_object(self, value: Any, root: int) -> Any:
        """The object."""
        return value

    def scatter_object(self, values: Sequence[Any] | None, root: int) -> Any:
        """The one object of the list."""
        assert values is not None
        return values[0]

    def duplicate(self) -> Alone:
        """Itself: there is no traffic to keep apart."""
        return self

    def subgroup(self, ranks: Sequence[int]) -> Alone | None:
        """Itself, if it belongs to the group."""
        return self if 0 in ranks else None

    def free(self) -> None:
        """Nothing to give back."""

    def abort(self, code: int) -> None:
        """Nothing to end: the exception itself ends the process."""
