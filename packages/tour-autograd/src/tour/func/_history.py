"""What the transforms ask of the tape: stand-ins for arguments, and whether a result has a history outside of the transform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tour
from tour import Tensor
from tour._core import wrap
from tour.autograd import engine, tape
from tour.func import _tree
from tour.func._batched import BatchedArray, open_levels
from tour.func._levels import lift, missing

Tree = Any


def stand_in(x: Tensor, recorded: bool) -> Tensor:
    """A tensor with the values of `x` to differentiate with respect to, in every open `vmap` at once.

    Args:
        x: The argument.
        recorded: Whether the history of `x` counts outside of the transform.
    """
    if recorded and x._tape is not None:
        lacking = missing(x._a, open_levels.levels)
        return lift(x, lacking) if lacking else x.view_as(x)
    lacking = missing(x._a, open_levels.levels)
    return wrap(lift(x._a, lacking) if lacking else x._a).requires_grad_()


def has_history(outputs: Sequence[Tensor], own: Sequence[Tensor]) -> bool:
    """Whether outputs depend on anything recorded but a transform's own arguments, or these on something outside."""
    if any(type(x._tape) is not tape.Leaf for x in own):
        return True
    seen = {id(x._tape) for x in own}
    stack = [t._tape for t in outputs]
    while stack:
        node = stack.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if type(node) is tape.Leaf:
            return True
        stack += engine.flat_edges(node)
    return False


def detached(tree: Tree) -> Tree:
    """The tree with its tensors without history."""
    return _tree.mapped(lambda x: x.detach() if isinstance(x, Tensor) and x._tape is not None else x, tree)


def tensors_of(tree: Tree) -> list[Tensor]:
    """The tensors in a tree."""
    return [x for x in _tree.flatten(tree)[0] if isinstance(x, Tensor)]


def pulled(outputs: list[Tensor], own: list[Tensor], cotangents: list[Tensor], recorded: bool) -> list[Tensor]:
    """Gradients with respect to a transform's own arguments; zeros where no output depends on one."""
    live = [(t, g) for t, g in zip(outputs, cotangents, strict=True) if t._tape is not None]
    if recorded or any(type(x._a) is BatchedArray for x in (*outputs, *own, *cotangents)):
        found: Any = tour.autograd.pullback(outputs, own, cotangents, recorded)
    elif live:  # formulas run on arrays, which is quicker
        ys, gs = zip(*live, strict=True)
        found = tour.autograd.grad(ys, own, gs, retain_graph=True, allow_unused=True)
    else:
        found = [None] * len(own)
    return [tour.zeros_like(x.detach()) if g is None else g for g, x in zip(found, own, strict=True)]
