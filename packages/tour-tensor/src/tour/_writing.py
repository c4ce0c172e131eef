"""Ops that give a tensor with some elements replaced, out of place (`x.index_fill(...)`) and in place (`x.index_fill_(...)`).

Such an op is one kernel that writes into its first argument. Everything is checked before the kernel runs, so that a refused call
leaves its tensor untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tour import _core
from tour._core import Op, kernel_for, new, sockets, with_room, wrote
from tour._declare import opened, taped
from tour._storing import store, writable

if TYPE_CHECKING:
    from tour._tensor import Tensor


def written(op: Op, input: Tensor, *params: Any, out: Tensor | None = None) -> Tensor:
    """A copy of `input` with the op's kernel run on it."""
    raw = [opened(x) for x in params]
    a = with_room(input._a.copy(), *flat(tuple(raw)))
    kernel_for(op, a)(a, *raw)
    t: Tensor = new(_core.Tensor)
    t._a = a
    t._tape = None
    if input._tape is not None or any(map(taped, params)):
        op.record(t, input, *params)
    return t if out is None else store(out, t, op.name)


def write(op: Op, input: Tensor, *params: Any) -> Tensor:
    """Run the op's kernel on `input` itself, and record that if gradients flow through it."""
    a = input._a
    writable(a)
    recorded = sockets.before_write is not None and sockets.before_write(input, *flat(params))
    before = sockets.preserve(op, input) if recorded else input
    kernel_for(op, a)(a, *[opened(x) for x in params])
    wrote(input, 3)
    if recorded:
        after: Tensor = new(_core.Tensor)
        after._a, after._tape = a, None
        op.record(after, before, *params)
        del a  # who rewrites the history looks whether anything but the tensors holds their memory
        sockets.rewrite(input, after)
    return input


def flat(params: tuple[Any, ...]) -> list[Any]:
    """Parameters, those in lists and tuples included."""
    found: list[Any] = []
    for x in params:
        if type(x) in (list, tuple):
            found += flat(tuple(x))
        else:
            found.append(x)
    return found
