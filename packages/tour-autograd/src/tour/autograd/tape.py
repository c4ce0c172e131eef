"""The tape: what a recorded call remembers.

A node is a plain list, because in CPython a list costs a fifth of an object with slots, and every recorded op makes one. Only this
package knows its layout. An edge is a node, a `Leaf`, or None; edges go to tapes and never to tensors, so there is no reference
cycle and a graph dies with its last tensor.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from sys import _getframe
from types import CodeType, FrameType
from typing import Any, Final

from tour import _core
from tour._core import Op, clock

# Layout of a node.
OP, EDGES, SAVED, TIME, CODE, LASTI, HOOKS = range(7)
#   OP     the Op whose rule runs in the backward pass
#   EDGES  one edge per differentiable input
#   SAVED  the values its rule wants, in the order of `Rule.saved`; FREED after a backward pass
#   TIME   the write clock's reading: a saved array whose buffer was stamped later has been overwritten
#   CODE, LASTI  the line of the user's program that made the call (never a frame, which would keep its variables alive)
#   HOOKS  None, or a `Hooks`
Node = list[Any]
FREED: Final = ("freed",)


class Mode(threading.local):
    """What this thread records."""

    enabled = True


mode = Mode()
off = 0  # how many `no_grad` blocks are open in all threads: while there is none, nobody has to look at `mode`
_lock = threading.Lock()


def recording() -> bool:
    """Whether operations are recorded in this thread."""
    return not off or mode.enabled


def set_recording(enabled: bool) -> bool:
    """Switch recording on or off in this thread; returns what it was."""
    global off
    was = mode.enabled
    if was != enabled:
        with _lock:
            off += -1 if enabled else 1
        mode.enabled = enabled
    return was


class Hooks:
    """Functions to call when a gradient passes: `before` sees and may change it, `after` sees what the node made of it."""

    __slots__ = ("after", "before", "retain")

    def __init__(self) -> None:
        self.before: dict[int, Callable[..., Any]] = {}
        self.after: dict[int, Callable[..., Any]] = {}
        self.retain: Any = None  # weak reference to a tensor that wants its `.grad`


class Leaf:
    """The end of the tape: where the gradient of one of the user's tensors arrives."""

    __slots__ = ("__weakref__", "after", "hooks", "ref")

    def __init__(self, tensor: Any) -> None:
        self.ref = weakref.ref(tensor)
        self.hooks: Hooks | None = None
        self.after: dict[int, Callable[..., Any]] = {}


def hooks_of(tape: Any) -> Hooks | None:
    """The hooks of a node or leaf."""
    return tape.hooks if type(tape) is Leaf else tape[HOOKS]  # type: ignore[no-any-return]


def ensure_hooks(tape: Any) -> Hooks:
    """The hooks of a node or leaf, made if there are none."""
    hooks = hooks_of(tape)
    if hooks is None:
        hooks = Hooks()
        if type(tape) is Leaf:
            tape.hooks = hooks
        else:
            tape[HOOKS] = hooks
    return hooks


# --- The user's line ------------------------------------------------------------------------------------------------------


def is_ours(frame: FrameType) -> bool:
    """Whether a frame runs tour's own code."""
    package = frame.f_globals.get("__package__")
    return bool(package) and (package == "tour" or package.startswith("tour."))


def user_frame(frame: FrameType | None) -> FrameType:
    """The innermost frame at or above `frame` that runs the user's code; the outermost if there is none."""
    while frame is not None and is_ours(frame) and frame.f_back is not None:
        frame = frame.f_back
    assert frame is not None
    return frame


def line_of(code: CodeType | None, lasti: int) -> str:
    """`file:line` of an instruction, for messages.

    Examples:
        >>> import sys
        >>> frame = sys._getframe()
        >>> line_of(frame.f_code, frame.f_lasti).rpartition(":")[2]
        '1'
    """
    if code is None:
        return "an unknown line"
    line = next((line for i, (line, *_) in enumerate(code.co_positions()) if i == lasti // 2), None)
    return f"{code.co_filename}:{line}"


# --- Recorders: one is made for each op when its rule is declared, and fills the op's `record` socket ------------------------


def record_unary(op: Op, saves: tuple[str, ...]) -> Callable[..., None]:
    """Recorder of an elementwise op of one input whose rule wants nothing, the input, the output, or both."""
    if saves == ():

        def record(out: Any, x: Any) -> None:
            if off and not mode.enabled:
                return
            f = _getframe(2)
            if f.f_globals.get("__package__"):
                f = user_frame(f)
            out._tape = [
                op,
                (x._tape if not views.rebased else views.fresh(x),),
                (),
                clock.now,
                f.f_code,
                f.f_lasti,
                None,
            ]

    elif saves == ("out",):

        def record(out: Any, x: Any) -> None:
            if off and not mode.enabled:
                return
            f = _getframe(2)
            if f.f_globals.get("__package__"):
                f = user_frame(f)
            edges = (x._tape if not views.rebased else views.fresh(x),)
            out._tape = [op, edges, (out._a,), clock.now, f.f_code, f.f_lasti, None]

    elif saves == ("input",):

        def record(out: Any, x: Any) -> None:
            if off and not mode.enabled:
                return
            f = _getframe(2)
            if f.f_globals.get("__package__"):
                f = user_frame(f)
            edges = (x._tape if not views.rebased else views.fresh(x),)
            out._tape = [op, edges, (x._a,), clock.now, f.f_code, f.f_lasti, None]

    else:

        def record(out: Any, x: Any) -> None:
            if off and not mode.enabled:
                return
            f = user_frame(_getframe(2))
            edges = (x._tape if not views.rebased else views.fresh(x),)
            out._tape = [op, edges, (x._a, out._a), clock.now, f.f_code, f.f_lasti, None]

    return record


def record_binary(op: Op, saves: tuple[str, ...], takes: tuple[frozenset[str], ...]) -> Callable[..., None]:
    """Recorder of a broadcasting op of two inputs: keeps the two shapes, and of the values only what a wanted gradient needs."""
    a_for_a, a_for_b = ("input" in t for t in takes)
    b_for_a, b_for_b = ("other" in t for t in takes)
    out_for_a, out_for_b = ("out" in t for t in takes)
    cross = saves == ("input", "other") and (a_for_a, a_for_b, b_for_a, b_for_b) == (False, True, True, False)

    if saves == ():

        def record(out: Any, a: Any, b: Any) -> None:
            if off and not mode.enabled:
                return
            f = _getframe(2)
            if f.f_globals.get("__package__"):
                f = user_frame(f)
            edges = (a._tape, b._tape) if not views.rebased else (views.fresh(a), views.fresh(b))
            out._tape = [op, edges, (a._a.shape, b._a.shape), clock.now, f.f_code, f.f_lasti, None]

    elif cross:

        def record(out: Any, a: Any, b: Any) -> None:
            if off and not mode.enabled:
                return
            f = _getframe(2)
            if f.f_globals.get("__package__"):
                f = user_frame(f)
            ta, tb = (a._tape, b._tape) if not views.rebased else (views.fresh(a), views.fresh(b))
            ra, rb = a._a, b._a
            saved = (None if tb is None else ra, None if ta is None else rb, ra.shape, rb.shape)
            out._tape = [op, (ta, tb), saved, clock.now, f.f_code, f.f_lasti, None]

    else:

        def record(out: Any, a: Any, b: Any) -> None:
            if off and not mode.enabled:
                return
            f = user_frame(_getframe(2))
            ta, tb = (a._tape, b._tape) if not views.rebased else (views.fresh(a), views.fresh(b))
            ra, rb = a._a, b._a
            wanted = {
                "input": ra if (ta is not None and a_for_a) or (tb is not None and a_for_b) else None,
                "other": rb if (ta is not None and b_for_a) or (tb is not None and b_for_b) else None,
                "out": out._a if (ta is not None and out_for_a) or (tb is not None and out_for_b) else None,
            }
            saved = (*(wanted[name] for name in saves), ra.shape, rb.shape)
            out._tape = [op, (ta, tb), saved, clock.now, f.f_code, f.f_lasti, None]

    return record


PICK: Final = Op("pick", ("outputs", "index"))  # one of several outputs of a node


def record_any(
    op: Op, inputs: tuple[int, ...], savers: tuple[Callable[[Any, tuple[Any, ...]], Any], ...]
) -> Callable[..., None]:
    """Recorder of any other op: `inputs` are the positions of differentiable parameters, each saver reads one value to keep."""

    def record(out: Any, *values: Any) -> None:
        if off and not mode.enabled:
            if type(out) is not tuple and (parent := getattr(out, "_parent", None)) is not None:
                out._parent = views.Unlinked(parent)
            return
        f = user_frame(_getframe(2))
        edges = tuple([edge(values[i]) for i in inputs])
        saved = tuple([save(out, values) for save in savers])
        node = [op, edges, saved, clock.now, f.f_code, f.f_lasti, None]
        if type(out) is tuple:
            for i, t in enumerate(out):
                if t._a.dtype.kind in "fcV":
                    t._tape = [PICK, (node,), (i, len(out)), clock.now, f.f_code, f.f_lasti, None]
        else:
            out._tape = node

    return record


def edge(x: Any) -> Any:
    """The edge to a parameter's value: its tape, a tuple of edges for a list of tensors, None for anything else."""
    if isinstance(x, _core.Tensor):
        return x._tape if not views.rebased else views.fresh(x)
    if type(x) in (list, tuple):
        edges = tuple([edge(y) for y in x])
        return edges if any(e is not None for e in edges) else None
    return None


from tour.autograd import views  # noqa: E402  (views makes nodes, and recorders ask it whether a view's history is current)
