"""Writes into tensors that have a history, and what they do to views of the same memory.

A write gives its target the history of what was written. If the target is a view, the tensor it looks into (the root) gets a new
history too: what it was, with a region replaced. Other views of the same memory then have an outdated history, which is renewed
when one of them is next used. Nobody pays for any of this until somebody writes: until then `tape.rebased` is False.
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from tour import _core
from tour._core import UNTRACKED, Inference, Op, Siblings, clock, held
from tour.autograd import tape

COPY_SLICES: Final = Op("copy_slices", ("base", "part", "region", "keep"))
AS_STRIDED: Final = Op("as_strided_view", ("input", "region"))

# The same between a complex tensor and a real view of it, or the other way round, counted in real numbers; `complex` says which
# of the two is complex.
COPY_PARTS: Final = Op("copy_parts", ("base", "part", "region", "keep", "complex"))
STRIDED_PARTS: Final = Op("strided_parts", ("input", "shape", "region", "complex"))


class Unlinked:
    """The parent of a view made under `no_grad`: it shares memory with a tensor, but no history."""

    __slots__ = ("_parent", "parent")

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self._parent = getattr(parent, "_parent", None)


def root_of(t: Any) -> Any | None:
    """The tensor whose memory and history a view shares; None for a tensor that is no such view."""
    root = parent = getattr(t, "_parent", None)
    while parent is not None:
        if parent is UNTRACKED or type(parent) is Unlinked or type(parent) is Inference:
            return None
        root, parent = parent, getattr(parent, "_parent", None)
    return root


def before_write(target: Any, *others: Any) -> bool:
    """Whether a write into `target` must be recorded.

    Raises:
        RuntimeError: If `target` is a leaf that requires gradients, or a view of one.
    """
    if (
        tape.inferred
        and tape.mode.inference is None
        and isinstance(target, _core.Tensor)
        and _core.is_inference(target)
    ):
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a normal tensor "
            "before doing inplace update."
        )
    if tape.off and not tape.mode.enabled:
        return False
    if hasattr(target, "_parent"):
        _refuse_unlinked(target)
    own = fresh(target) if tape.rebased else target._tape
    if type(own) is tape.Leaf:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation; "
            "write under `with tour.no_grad():`, or into a .clone() of it"
        )
    recorded = own is not None or any(isinstance(x, _core.Tensor) and x._tape is not None for x in others)
    root = root_of(target) if own is not None or hasattr(target, "_parent") else None
    if root is not None and recorded:
        _refuse_siblings(target)
    if root is not None and type(root._tape) is tape.Leaf:
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation; "
            "write under `with tour.no_grad():`, or into a .clone() of it"
        )
    return recorded


def _refuse_unlinked(target: Any) -> None:
    """Refuse a write into a view that was made under `no_grad`, whose root would not learn of it.

    Raises:
        RuntimeError: If `target` is one, or a view of one.
    """
    parent = target._parent
    while parent is not None:
        if type(parent) is Unlinked:
            raise RuntimeError(
                "A view was created in no_grad mode and is being modified inplace with grad mode enabled: its base would not learn "
                "of it. Make the view and write into it both inside the no_grad block, or both outside"
            )
        parent = getattr(parent, "_parent", None)


def _refuse_siblings(target: Any) -> None:
    """Refuse a recorded write into one of several views that share a node of the graph.

    Raises:
        RuntimeError: If `target` is one, or a view of one.
    """
    parent = getattr(target, "_parent", None)
    while parent is not None:
        if type(parent) is Siblings:
            raise RuntimeError(
                f"an output of {parent.op.name} is a view and is being modified inplace. This view is the output of a function that "
                "returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace "
                "the inplace operation by an out-of-place one, or slice instead"
            )
        parent = getattr(parent, "_parent", None)


def preserve(op: Op | None, target: Any) -> Any:
    """What to compute a recorded write into `target` from: itself, or a copy where a rule wants the value that gets lost."""
    if op is not None and op.rule is not None and op.params[0] not in op.rule.saved:
        return target
    copy = _core.wrap(target._a.copy())
    copy._tape = target._tape
    return copy


def rewrite(target: Any, result: Any) -> None:
    """Give `target`, which now holds the values of `result`, the history of `result`; and its root and their views likewise."""
    root = root_of(target)
    clock.now += 1
    if root is None:
        was, target._tape = target._tape, result._tape
        if _has_aliases(target, result):
            _mark(target, family(target) if was is None else [])
        return
    was = root._tape
    views: list[Any] = []
    if was is None:
        between = _between(root, target)
        views = family(root) if _has_aliases(root, *between, target, result) else between
    whole, part, mixed = _comparable(root._a, target._a)
    region = positions(whole, part)
    keep = np.ones(whole.size, np.bool_, like=held(whole))
    keep[region.reshape(-1)] = False
    frame = tape.user_frame(sys._getframe(2))
    saved = (region, keep.reshape(whole.shape))
    root._tape = (
        tape.make_node(COPY_PARTS, (was, result._tape), (*saved, mixed), frame)
        if mixed
        else tape.make_node(COPY_SLICES, (was, result._tape), saved, frame)
    )
    _mark(root, views)
    target._tape = strided(root, target)


def _between(root: Any, view: Any) -> list[Any]:
    """The tensors through which a view looks into its root."""
    found = []
    while (view := view._parent) is not root:
        if isinstance(view, _core.Tensor):
            found.append(view)
    return found


def _mark(root: Any, views: list[Any]) -> None:
    """Note that the views of `root` have an outdated history; give those that had none theirs."""
    if id(root) not in _marked:
        _marked[id(root)] = weakref.ref(root, _forget(id(root)))
        tape.rebased = True
    root._rebased = clock.now
    for view in views:
        fresh(view)


_marked: dict[int, weakref.ref[Any]] = {}  # the living tensors whose views have an outdated history


def _forget(key: int) -> Callable[[Any], None]:
    """When the last marked tensor is gone, so are its views, and recorders need not ask for them any more."""

    def forget(_: Any) -> None:
        _marked.pop(key, None)
        tape.rebased = bool(_marked)

    return forget


def _has_aliases(*known: Any) -> bool:
    """Whether anything but these tensors holds the memory of the first: only then can there be other views of it."""
    owner = _core.root_of(known[0]._a)
    looking = {id(t._a): t._a for t in known if t._a is not owner}.values()
    expected = sum(t._a is owner for t in known) + sum(a.base is owner or _core.held(a) is owner for a in looking)
    return sys.getrefcount(owner) - 2 > expected  # two more by this call: its variable, its argument


def family(root: Any) -> list[Any]:
    """The living views of a tensor. Registering each at birth would cost every slice 150 ns; this search through all objects, which
    takes milliseconds, is for the rare write that gives a history to a tensor which had none, while other views of it are alive."""
    tensors = (
        t for t in gc.get_objects() if issubclass(type(t), _core.Tensor)
    )  # isinstance would wake lazy proxies of others
    return [t for t in tensors if t is not root and root_of(t) is root]


def fresh(t: Any) -> Any:
    """The current tape of a tensor, renewed if it is a view of memory whose history was replaced since."""
    root = root_of(t)
    if root is None or root._tape is None:
        return t._tape
    changed = getattr(root, "_rebased", 0)
    if changed and (t._tape is None or t._tape[tape.TIME] < changed):
        t._tape = strided(root, t)
    return t._tape


def strided(root: Any, t: Any) -> tape.Node:
    """The node of a view as a region of its root's current value."""
    frame = tape.user_frame(sys._getframe(2))
    whole, part, mixed = _comparable(root._a, t._a)
    region = positions(whole, part)
    if mixed:
        return tape.make_node(STRIDED_PARTS, (root._tape,), (whole.shape, region, mixed), frame)
    return tape.make_node(AS_STRIDED, (root._tape,), (whole.shape, region), frame)


def _comparable(root: Any, part: Any) -> tuple[Any, Any, tuple[bool, bool] | None]:
    """A root and its view in one dtype: where only one is complex, as real arrays, and which one that is."""
    kinds = (root.dtype.kind == "c", part.dtype.kind == "c")
    if kinds[0] == kinds[1]:
        return root, part, None
    return *(
        a[..., None].view(a.real.dtype) if curved else a for a, curved in zip((root, part), kinds, strict=True)
    ), kinds


def positions(root: Any, part: Any) -> Any:
    """For each element of a view, where it stands among its root's elements in row-major order."""
    here = held(root)
    offset = np.full(part.shape, _address(part) - _address(root), np.int64, like=here)
    for axis, (n, stride) in enumerate(zip(part.shape, part.strides, strict=True)):
        steps = np.arange(n, like=here) * stride
        offset += steps.reshape(-1, *[1] * (part.ndim - axis - 1))
    where = np.zeros(part.shape, np.int64, like=here)
    scale = np.cumprod([1, *root.shape[:0:-1]])[::-1]
    for n, stride, _ in root_axes(root):
        if stride < 0:
            offset -= stride * (n - 1)
    for n, stride, axis in root_axes(root):
        index = offset // abs(stride)
        offset -= index * abs(stride)
        where += (index if stride > 0 else n - 1 - index) * scale[axis]
    return where


def root_axes(root: Any) -> list[tuple[int, int, int]]:
    """Size, stride and number of the axes that move in memory, the largest steps first."""
    moving = [(n, s, i) for i, (n, s) in enumerate(zip(root.shape, root.strides, strict=True)) if n > 1 and s]
    return sorted(moving, key=lambda axis: -abs(axis[1]))


def _address(a: Any) -> int:
    return int(a.__array_interface__["data"][0]) if type(a) is np.ndarray else int(a.data.ptr)
