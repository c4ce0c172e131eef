"""Tensors made in `inference_mode`: marked, so that no graph saves them and nobody writes into them outside.

A mark for each tensor would cost every op. So while such a block is open a function that marks takes the place of
`object.__new__`; and the check at each recorded op is there only while tensors of a block that has ended are alive, which the block
itself tells by living on in them.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

from tour import _core
from tour._core import Inference, Op
from tour.autograd import recorders, tape
from tour.autograd.saved import refuse_inference
from tour.autograd.tape import FIRST, OP, PICK, saved_of

_plain = _core.new
_open = 0  # how many blocks are open in all threads
_homes: list[dict[str, Any]] = []  # the modules that make tensors themselves
_seen = 0  # how many modules there were when these were looked for
_left: set[weakref.ref[Inference]] = set()  # blocks that have ended, and are alive in their tensors


def begin() -> Inference:
    """A new block: what this thread makes from now on belongs to it, once it is in `mode.inference`."""
    global _open
    with recorders.lock:
        _open += 1
        if _open == 1:
            _replace(_marked)
    return Inference()


def end(ended: weakref.ref[Inference]) -> None:
    """A block is over; if tensors of it are left, nobody may save them or write into them from now on."""
    global _open
    with recorders.lock:
        _open -= 1
        if not _open:
            _replace(_plain)
    if (block := ended()) is not None:
        outlives(block)


def outlives(block: Inference) -> None:
    """Check what is recorded as long as the block is alive."""
    with recorders.lock:
        left = weakref.ref(block, _gone)
        if left not in _left:
            _left.add(left)
            tape.inferred += 1
            recorders.exchange(_refusing)


def _gone(left: weakref.ref[Inference]) -> None:
    with recorders.lock:
        _left.discard(left)
        tape.inferred -= 1
        recorders.restore(_refusing)


def _replace(new: Any) -> None:
    """Put a function into the place of `new` in all modules that have it from `_core`."""
    global _seen
    if len(sys.modules) != _seen:
        _seen = len(sys.modules)
        ours = [vars(module) for name, module in list(sys.modules.items()) if name.startswith("tour.")]
        _homes[:] = [names for names in ours if names.get("new") is _plain or names.get("new") is _marked]
    for names in _homes:
        names["new"] = new


def _marked(cls: Any) -> Any:
    t = _plain(cls)
    if (block := tape.mode.inference) is not None:
        t._parent = block
    return t


def _refusing(op: Op, record: Callable[..., None]) -> Callable[..., None]:
    """A recorder that refuses to save tensors of blocks that have ended."""

    def refusing(out: Any, *values: Any) -> None:
        record(out, *values)
        results = out if type(out) is tuple else (out,)
        node = next((t._tape for t in results if type(t._tape) is list), None)
        if node is None or tape.mode.inference is not None:
            return
        saved = {id(x) for x in saved_of(node[FIRST] if node[OP] is PICK else node)}
        for x in values:
            for t in x if type(x) in (list, tuple) else (x,):
                if isinstance(t, _core.Tensor) and id(t._a) in saved:
                    refuse_inference(t)

    return refusing
