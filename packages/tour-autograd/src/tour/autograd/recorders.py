"""The recorders of all ops, and layers over them: a block that changes what is remembered costs nothing while there is none.

A layer makes a recorder from an op and its recorder: one that packs what is saved, one that knows of batches. While a block is open
in some thread every op has the recorder that the open layers make of its own; a layer that concerns one thread only looks for
itself whether it does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tour import _core
from tour._core import OPS, Op

Record = Callable[..., None]
Layer = Callable[[Op, Record], Record]

lock = threading.RLock()
_open: list[Layer] = []  # the layer of each open block
_own: dict[Op, Record] = {}  # the recorders that are exchanged now
_made: dict[tuple[Any, ...], Record] = {}  # what layers have made, which they make once


lifted_edges: Callable[..., tuple[Any, ...]] | None = None  # what `vmap` makes of the edges of a user's function


def exchange(layer: Layer) -> None:
    """Open a block in which `layer` makes the recorders."""
    with lock:
        _open.append(layer)
        if _open.count(layer) == 1:
            _apply()


def restore(layer: Layer) -> None:
    """Close one."""
    with lock:
        _open.remove(layer)
        if layer not in _open:
            _apply()


def plug(op: Op, record: Record) -> None:
    """Fill the `record` socket of an op, also while a block is open."""
    with lock:
        _own.pop(op, None)
        op.record = record
        if _open:
            _cover(op, tuple(dict.fromkeys(_open)))


def plugged(op: Op) -> bool:
    """Whether something fills the `record` socket of an op."""
    return _own.get(op, op.record) is not _core.unplugged


def _apply() -> None:
    layers = tuple(dict.fromkeys(_open))
    if not layers:
        for op, record in _own.items():
            op.record = record
        _own.clear()
        return
    for op in OPS.values():
        _cover(op, layers)


def _cover(op: Op, layers: tuple[Layer, ...]) -> None:
    """Give an op the recorder that the layers make of its own."""
    record = _own.setdefault(op, op.record)
    key = (op, record, layers)
    made = _made.get(key)
    if made is None:
        made = record
        for layer in layers:
            made = layer(op, made)
        _made[key] = made
    op.record = made
