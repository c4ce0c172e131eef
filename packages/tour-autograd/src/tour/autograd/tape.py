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

from tour import Tensor
from tour._core import Inference, Op, clock

# Layout of a node: five fixed entries, then one edge for each differentiable input, then what the rule saves. It is flat because
# each tuple inside it would cost every recorded op 30 ns.
OP, TIME, CODE, LASTI, HOOKS, FIRST = range(6)
#   OP     the Op whose rule runs in the backward pass
#   TIME   the write clock's reading: a saved array whose buffer was stamped later has been overwritten
#   CODE, LASTI  the line of the user's program that made the call (never a frame, which would keep its variables alive); a node
#       that is the result of a module's call keeps (LASTI, module, inputs) in LASTI's place, see `mark_call`
#   HOOKS  None, or a `Hooks`
#   FIRST  where the edges begin; a parameter that is a list of tensors has a tuple of edges
Node = list[Any]


def edges_of(node: Node) -> list[Any]:
    """One edge for each differentiable input of a node."""
    return node[FIRST : node[OP].rule.first_saved]


def saved_of(node: Node) -> list[Any]:
    """What a node saved, in the order of `Rule.saved`; nothing once it was freed."""
    return node[node[OP].rule.first_saved :]


def free(node: Node) -> None:
    """Let go of what a node saved."""
    del node[node[OP].rule.first_saved :]


def make_node(op: Op, edges: tuple[Any, ...], saved: tuple[Any, ...], frame: FrameType) -> Node:
    """A node made by hand, where no recorder serves."""
    return [op, clock.now, frame.f_code, frame.f_lasti, None, *edges, *saved]


class Mode(threading.local):
    """What this thread records, and whether it is in an `inference_mode` block."""

    enabled = True
    inference: Inference | None = None  # the block that marks what is made in it
    walk: tuple[dict[int, int], set[int] | None] | None = None  # while hooks run: which tapes their pass visits


mode = Mode()
inferred = 0  # how many `inference_mode` blocks have ended of which tensors are left
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

    __slots__ = ("__weakref__", "after", "before", "metadata", "retain")

    def __init__(self) -> None:
        self.before: dict[int, Callable[..., Any]] = {}
        self.after: dict[int, Callable[..., Any]] = {}
        self.metadata: dict[Any, Any] = {}
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
    return tape.hooks if type(tape) is Leaf else tape[HOOKS]


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


class _Ours(dict[str | None, bool]):
    """Whether a module's `__package__` is part of tour, looked at once for each."""

    def __missing__(self, package: str | None) -> bool:
        answer = self[package] = package is not None and (package == "tour" or package.startswith("tour."))
        return answer


_ours = _Ours()
is_ours = _ours.__getitem__


rebased = False  # whether the history of a tensor that may have views was ever replaced; `views` sets it
seen: CodeType | None = None  # code that is known to be the user's: in a loop, nobody has to look twice


def caller(frame: FrameType) -> tuple[FrameType, CodeType]:
    """The innermost frame at or above `frame` that runs the user's code, and that code."""
    global seen
    user = frame  # the loop of `user_frame`, written out: layers call from a few frames below the user's code
    while _ours[user.f_globals.get("__package__")] and (outer := user.f_back) is not None:
        user = outer
    if user is frame:
        seen = frame.f_code
    return user, user.f_code


def user_frame(frame: FrameType) -> FrameType:
    """The innermost frame at or above `frame` that runs the user's code; the outermost if there is none."""
    while is_ours(frame.f_globals.get("__package__")) and (outer := frame.f_back) is not None:
        frame = outer
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


def line_of_node(node: Node) -> str:
    """`file:line` of the call that a node records."""
    return line_of(node[CODE], lasti_of(node))


def lasti_of(node: Node) -> int:
    """The instruction of the call that a node records."""
    lasti = node[LASTI]
    while type(lasti) is tuple:
        lasti = lasti[0]
    return lasti  # type: ignore[no-any-return]


# --- Modules ----------------------------------------------------------------------------------------------------------------
# A backward error names the module in whose call an op was recorded. Knowing it at each op would cost every op; so a call leaves a
# mark on the node of its result only, with the tapes of its inputs. What lies between the two belongs to it: `blame` works that out.


def mark_call(made: Any, module: Any, args: tuple[Any, ...]) -> None:
    """Note on the tape of a module's result which module was called with which inputs; a result that is an input has no mark."""
    if type(made) is not list:
        return
    inputs = []
    for x in args:
        if isinstance(x, Tensor):
            inputs.append(id(x._tape))
        elif type(x) is tuple or type(x) is list:
            inputs += [id(y._tape) for y in x if isinstance(y, Tensor)]
    if id(made) not in inputs:
        node = made[FIRST] if made[OP] is PICK else made
        node[LASTI] = (node[LASTI], weakref.ref(module), inputs)


def calls_of(node: Any) -> list[tuple[Any, list[int]]]:
    """The calls whose result a node is, the innermost first: each a weak reference to the module, and the ids of its inputs' tapes."""
    calls = []
    lasti = None if type(node) is Leaf else node[LASTI]
    while type(lasti) is tuple:
        lasti, module, inputs = lasti
        calls.append((module, inputs))
    return calls[::-1]


def node_name(node: Any) -> str:
    """PyTorch's name of a node, for example `AddBackward0`."""
    if type(node) is Leaf:
        return "AccumulateGrad"
    name: str = node[OP].name
    if node[OP].rule.saved == ("ctx",):  # a user's Function
        return f"{name}Backward"
    name = _NAMES.get(name, name)
    return ("".join(word.capitalize() for word in name.split("_")) if name.islower() else name) + "Backward0"


# Where PyTorch's op goes by another name.
_NAMES: Final = {"pow_number": "pow", "to_dtype": "to_copy", "linear": "addmm"}


# --- Recorders: one is made for each op when its rule is declared, and fills the op's `record` socket ------------------------


def record_unary(op: Op, saves: tuple[str, ...]) -> Callable[..., None]:
    """Recorder of an op whose only parameter is a tensor; its rule wants nothing, the input, the output, or something else."""
    if saves == ():

        def record(out: Any, x: Any) -> None:
            if off and not mode.enabled:
                return
            f = _getframe(2)
            if (code := f.f_code) is not seen:
                f, code = caller(f)
            tx = x._tape if not rebased else views.fresh(x)
            out._tape = [op, clock.now, code, f.f_lasti, None, tx]

    elif saves == ("out",):

        def record(out: Any, x: Any) -> None:
            if off and not mode.enabled:
                return
            f = _getframe(2)
            if (code := f.f_code) is not seen:
                f, code = caller(f)
            tx = x._tape if not rebased else views.fresh(x)
            out._tape = [op, clock.now, code, f.f_lasti, None, tx, out._a]

    elif saves == ("input",):

        def record(out: Any, x: Any) -> None:
            if off and not mode.enabled:
                return
            f = _getframe(2)
            if (code := f.f_code) is not seen:
                f, code = caller(f)
            tx = x._tape if not rebased else views.fresh(x)
            out._tape = [op, clock.now, code, f.f_lasti, None, tx, x._a]

    else:
        return record_any(op, (0,), tuple((OP, *saver(op, name)) for name in saves))
    return record


def record_single(op: Op) -> Callable[..., None]:
    """Recorder of an op of one tensor and plain parameters, all of which are kept beside the tensor's shape."""

    def record(out: Any, x: Any, *params: Any) -> None:
        if off and not mode.enabled:
            _unlink(out)
            return
        f = _getframe(2)
        if (code := f.f_code) is not seen:
            f, code = caller(f)
        tx = x._tape if not rebased else views.fresh(x)
        node = [op, clock.now, code, f.f_lasti, None, tx, x._a.shape, *params]
        if type(out) is tuple:
            _share(node, out)
        else:
            out._tape = node

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
            if (code := f.f_code) is not seen:
                f, code = caller(f)
            if rebased:
                views.fresh(a), views.fresh(b)
            ta = a._tape
            tb = b._tape
            # Written out, because each of these lines is paid for by every sum of every program.
            if ta is None:
                out._tape = [op, clock.now, code, f.f_lasti, None, None, tb, None, b._a.shape]
            elif tb is None:
                out._tape = [op, clock.now, code, f.f_lasti, None, ta, None, a._a.shape, None]
            else:
                out._tape = [op, clock.now, code, f.f_lasti, None, ta, tb, a._a.shape, b._a.shape]

    elif cross:

        def record(out: Any, a: Any, b: Any) -> None:
            if off and not mode.enabled:
                return
            f = _getframe(2)
            if (code := f.f_code) is not seen:
                f, code = caller(f)
            if rebased:
                views.fresh(a), views.fresh(b)
            ta = a._tape
            tb = b._tape
            if ta is None:
                out._tape = [op, clock.now, code, f.f_lasti, None, None, tb, a._a, None, None, b._a.shape]
            elif tb is None:
                out._tape = [op, clock.now, code, f.f_lasti, None, ta, None, None, b._a, a._a.shape, None]
            else:
                ra = a._a
                rb = b._a
                out._tape = [op, clock.now, code, f.f_lasti, None, ta, tb, ra, rb, ra.shape, rb.shape]

    else:

        def record(out: Any, a: Any, b: Any) -> None:
            if off and not mode.enabled:
                return
            f, _ = caller(_getframe(2))
            ta, tb = (a._tape, b._tape) if not rebased else (views.fresh(a), views.fresh(b))
            ra, rb = a._a, b._a
            wanted = {
                "input": ra if (ta is not None and a_for_a) or (tb is not None and a_for_b) else None,
                "other": rb if (ta is not None and b_for_a) or (tb is not None and b_for_b) else None,
                "out": out._a if (ta is not None and out_for_a) or (tb is not None and out_for_b) else None,
            }
            saved = (*(wanted[name] for name in saves), ra.shape, rb.shape)
            out._tape = make_node(op, (ta, tb), saved, f)

    return record


PICK: Final = Op("pick", ("outputs", "index", "count"))  # one of several outputs of a node


def _share(node: Node, outputs: tuple[Any, ...]) -> None:
    """Give each output of a node its tape, where its dtype has gradients; only the first, if the others stand aside."""
    if node[OP].aside:
        outputs[0]._tape = node
        return
    for i, t in enumerate(outputs):
        if t._a.dtype.kind in "fcV":
            t._tape = [PICK, clock.now, node[CODE], node[LASTI], None, node, i, len(outputs)]


def _unlink(out: Any) -> None:
    """A view made while nothing is recorded shares memory with its parent, but no history."""
    for t in out if type(out) is tuple else (out,):
        if (parent := getattr(t, "_parent", None)) is not None and type(parent) is not Inference:
            t._parent = views.Unlinked(parent)


Saver = tuple[int, int, Callable[[Any, tuple[Any, ...]], Any] | None]


def record_any(op: Op, inputs: tuple[int, ...], savers: tuple[Saver, ...]) -> Callable[..., None]:
    """Recorder of any other op.

    Args:
        op: The op.
        inputs: The positions of differentiable parameters.
        savers: For each value to keep, where in the node stands the edge without which nobody needs it (OP, which is always there,
            for a value that several formulas take); and what `saver` says of it.
    """

    def record(out: Any, *values: Any) -> None:
        if off and not mode.enabled:
            _unlink(out)
            return
        f = _getframe(2)
        if (code := f.f_code) is not seen:
            f, code = caller(f)
        node = [op, clock.now, code, f.f_lasti, None]
        for i in inputs:
            x = values[i]
            node.append(x._tape if isinstance(x, Tensor) and not rebased else edge(x))
        for at, i, read in savers:
            if node[at] is None:
                node.append(None)
            elif read is None:
                x = values[i]
                node.append(x._a if isinstance(x, Tensor) else _raw(x) if type(x) is tuple or type(x) is list else x)
            else:
                node.append(read(out, values))
        if type(out) is tuple:
            _share(node, out)
        elif out._a.dtype.kind in "fcV":
            out._tape = node

    return record


def saver(op: Op, name: str) -> tuple[int, Callable[[Any, tuple[Any, ...]], Any] | None]:
    """Where a value to keep stands among a call's parameters, if it is one of them; else a function that reads it."""
    if name == "out" and op.aside:
        return 0, lambda out, values: out[0]._a
    if name == "out":
        return 0, lambda out, values: tuple([t._a for t in out]) if type(out) is tuple else out._a
    if name == "rest":
        return 0, lambda out, values: tuple([t._a for t in out[1:]])
    if name in op.params:
        return op.params.index(name), None
    of, _, what = name.rpartition("_")
    at = op.params.index(of)
    return 0, (lambda out, values: values[at]._a.dtype) if what == "dtype" else (lambda out, values: _shape(values[at]))


def _raw(x: Any) -> Any:
    """The raw array of a tensor, also inside a list or tuple; anything else as it is."""
    if isinstance(x, Tensor):
        return x._a
    if type(x) in (list, tuple) and any([isinstance(y, (Tensor, list, tuple)) for y in x]):
        return type(x)(map(_raw, x))
    return x


def _shape(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x._a.shape
    return tuple(_shape(y) for y in x) if type(x) in (list, tuple) else ()


def edge(x: Any) -> Any:
    """The edge to a parameter's value: its tape, a tuple of edges for a list of tensors, None for anything else."""
    if isinstance(x, Tensor):
        return x._tape if not rebased else views.fresh(x)
    if type(x) in (list, tuple):
        edges = tuple([edge(y) for y in x])
        return edges if any(e is not None for e in edges) else None
    return None


from tour.autograd import views  # noqa: E402  (views makes nodes, and recorders ask it whether a view's history is current)
