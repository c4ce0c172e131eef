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
_own: dict[Op, Record] = {}  # the recorder that each op has while no block is open
_made: dict[tuple[Any, ...], Record] = {}  # what layers have made, which they make once
_tables: dict[
    tuple[Layer, ...], list[tuple[Op, Record]]
] = {}  # the recorders of all ops under some layers: blocks open often


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
        _own[op] = record
        _tables.clear()
        op.record = _covered(op, tuple(dict.fromkeys(_open)))


def plugged(op: Op) -> bool:
    """Whether something fills the `record` socket of an op."""
    return _own.get(op, op.record) is not _core.unplugged


def _apply() -> None:
    layers = tuple(dict.fromkeys(_open))
    table = _tables.get(layers)
    if table is None or len(table) != len(OPS):
        table = _tables[layers] = [(op, _covered(op, layers)) for op in OPS.values()]
    for op, record in table:
        op.record = record


def _covered(op: Op, layers: tuple[Layer, ...]) -> Record:
    """The recorder that layers make of an op's own."""
    record = _own.setdefault(op, op.record)
    if not layers:
        return record
    key = (op, record, layers)
    made = _made.get(key)
    if made is None:
        made = record
        for layer in layers:
            made = layer(op, made)
        _made[key] = made
    return made
