"""Forward mode: tangents pushed along the tape from the arguments to the results, in the order in which the ops ran.

The tape is a linear program: backward mode runs it from the end, forward mode from the beginning. While a `Noting` block is open,
recorders also note what each op was called with, because a rule keeps only what gradients need. A tangent passes an op in one of
three ways:

* linear ops (views, sums, gathers, products in each factor) run on the tangent itself;
* elementwise real ops multiply by their slope, which the gradient formula does: for them it is its own transpose;
* for all others the formula, linear in the gradient, is differentiated with respect to it (the transpose of a transpose), at about
  three times the cost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import tour
from tour import Tensor
from tour._core import Op, wrap
from tour.autograd import engine, recorders, tape, views
from tour.autograd.linear import LINEAR, MULTILINEAR
from tour.autograd.tape import FIRST, OP, PICK, Leaf, edges_of

Tangents = dict[
    int, Any
]  # a tensor, or for a node of several outputs a tuple with None for those without, by id of the tape


class Note:
    """What an op was called with, and what it gave.

    Attributes:
        node: Its node, kept alive because notes are found by its id.
        values: The values of its parameters.
        outputs: The raw arrays of its outputs.
    """

    __slots__ = ("node", "op", "outputs", "values")

    def __init__(self, node: Any, op: Op, values: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        self.node, self.op, self.values, self.outputs = node, op, values, outputs


Notes = dict[int, Note]


class _Open(threading.local):
    """The notes that this thread takes, None while there is no block; and how many blocks are open."""

    def __init__(self) -> None:
        self.notes: Notes | None = None
        self.depth = 0


_open = _Open()


class Noting:
    """A block in which ops are noted for forward mode; blocks inside share its notes."""

    def __enter__(self) -> Notes:
        if _open.notes is None:
            _open.notes = {}
        _open.depth += 1
        recorders.exchange(_noting)
        return _open.notes

    def __exit__(self, *_: object) -> None:
        recorders.restore(_noting)
        _open.depth -= 1
        if not _open.depth:
            _open.notes = None


def _noting(op: Op, record: Callable[..., None]) -> Callable[..., None]:
    """A recorder that also takes a note."""

    def noted(out: Any, *values: Any) -> None:
        record(out, *values)
        if _open.notes is None:
            return
        outputs = (out,) if type(out) is not tuple else out[:1] if op.aside else out
        node = next((t._tape for t in outputs if t._tape is not None), None)
        if node is not None:
            if node[OP] is PICK:
                node = node[FIRST]
            _open.notes[id(node)] = Note(node, op, values, tuple(t._a for t in outputs))

    return noted


# --- The walk -------------------------------------------------------------------------------------------------------------------


def push(
    outputs: Sequence[Any], inputs: Sequence[Any], tangents: Sequence[Any], notes: Notes, recorded: bool
) -> list[Any]:
    """The tangents of outputs, given those of inputs; None for an output that depends on none of them.

    Args:
        outputs: Tensors.
        inputs: Tensors with a tape.
        tangents: One for each input.
        notes: What was noted on the way.
        recorded: Whether to record this pass.
    """
    known: Tangents = {id(x._tape): t for x, t in zip(inputs, tangents, strict=True)}
    roots = [views.fresh(t) if tape.rebased else t._tape for t in outputs]
    was = tape.set_recording(recorded)
    try:
        for node in _in_order([r for r in roots if r is not None], known, notes):
            arriving = [_arriving(e, known) for e in edges_of(node)]
            if any(t is not None for t in arriving):
                known[id(node)] = _through(node, arriving, notes.get(id(node)))
    finally:
        tape.set_recording(was)
    return [None if r is None else known.get(id(r)) for r in roots]


def _in_order(roots: list[Any], known: Tangents, notes: Notes) -> Iterator[Any]:
    """The nodes between the inputs and the roots, each after those it depends on."""
    done = set(known)
    stack = [(r, False) for r in roots]
    while stack:
        node, after = stack.pop()
        if after:
            yield node
            continue
        if id(node) in done or type(node) is Leaf or not _belongs(node, notes):
            continue
        done.add(id(node))
        stack.append((node, True))
        stack += [(e, False) for e in engine.flat_edges(node)]


def _belongs(node: Any, notes: Notes) -> bool:
    """Whether a node was made in the block: it was noted, or it is one of those that are made without a call."""
    return id(node) in notes or node[OP] is PICK or node[OP] in _UNNOTED or node[OP].rule.saved == ("ctx",)


_UNNOTED = frozenset((views.COPY_SLICES, views.AS_STRIDED, views.COPY_PARTS, views.STRIDED_PARTS))


def _arriving(e: Any, known: Tangents) -> Any:
    if type(e) is not tuple:
        return None if e is None else known.get(id(e))
    found = tuple([None if x is None else known.get(id(x)) for x in e])
    return found if any(t is not None for t in found) else None


def _through(node: Any, tangents: list[Any], note: Note | None) -> Any:
    """The tangent of a node's output, or of its outputs."""
    if node[OP] is PICK:
        parent, i = tangents[0], node[FIRST + 1]
        return parent[i] if type(parent) is tuple else parent
    if note is None:
        return _unnoted(node, tangents)
    name = note.op.name
    if name in LINEAR:
        return LINEAR[name](*_replaced(note, node, tangents, whole=True))
    if name in MULTILINEAR:
        total: Any = None
        for i, t in enumerate(tangents):
            if t is not None:
                only = [t if k == i else None for k in range(len(tangents))]
                part = MULTILINEAR[name](*_replaced(note, node, only, whole=False), i)
                total = part if total is None else total + part
        return total
    if _diagonal(note, node):
        return _by_slope(node, tangents, note)
    return _transposed(node, tangents, [_gradient(a, name in _LOGARITHMIC) for a in note.outputs])


def _replaced(note: Note, node: Any, tangents: list[Any], whole: bool) -> list[Any]:
    """The values of an op's parameters with tangents in the place of tensors; if `whole`, zeros where there is none."""
    values = list(note.values)
    for name, t in zip(node[OP].rule.inputs, tangents, strict=True):
        i = note.op.params.index(name)
        if t is not None and type(t) is tuple:
            values[i] = [tour.zeros_like(x.detach()) if y is None else y for x, y in zip(values[i], t, strict=True)]
        elif t is not None:
            values[i] = t
        elif whole and isinstance(values[i], Tensor):
            values[i] = tour.zeros_like(values[i].detach())
    return values


# --- Elementwise ops -----------------------------------------------------------------------------------------------------------------

_ELEMENTWISE = frozenset(
    """
    leaky_relu elu gelu gelu_slope silu silu_slope mish mish_slope softplus logsigmoid hardtanh hardsigmoid hardswish threshold
    softshrink hardshrink nan_to_num pow_number polygamma logit binary_cross_entropy
    """.split()
)


def _diagonal(note: Note, node: Any) -> bool:
    """Whether each element of the output depends on one element of each input, by a real slope."""
    if node[OP].rule.joint or not (note.op.broadcasts or note.op.name in _ELEMENTWISE) or len(note.outputs) != 1:
        return False
    arrays = [*note.outputs, *(x._a for x in note.values if isinstance(x, Tensor))]
    return all(a.dtype.kind != "c" for a in arrays)


def _by_slope(node: Any, tangents: list[Any], note: Note) -> Any:
    rule = node[OP].rule
    values = engine.lift(engine.checked(node), node, True)
    shape, total = note.outputs[0].shape, None
    for t, (formula, *_, takes) in zip(tangents, rule.plan, strict=True):
        if t is not None:
            part = formula(t if t.shape == shape else t.expand(shape), *[values[i] for i in takes])
            total = part if total is None else total + part
    return total


# --- The transpose of a transpose ---------------------------------------------------------------------------------------------------


_LOGARITHMIC = ("logcumsumexp",)  # ops whose formula takes the logarithm of the gradient


def _gradient(a: Any, ones: bool = False) -> Any:
    """A leaf in the shape of an output, for its gradient; None for one that has no gradient.

    Formulas are linear, so that any values do: zeros, unless the way leads over logarithms.
    """
    if a.dtype.kind not in "fcV":
        return None
    return wrap(np.ones_like(a) if ones else np.zeros_like(a)).requires_grad_()


def _transposed(node: Any, tangents: list[Any], arriving: list[Any]) -> Any:
    """Tangents by differentiating the node's gradient with respect to the gradient of its outputs."""
    recorded = tour.is_grad_enabled()
    with tour.enable_grad():
        g = list(arriving) if len(arriving) > 1 or _listed(node) else arriving[0]
        results = engine._apply(node, g, True, None)
    pairs = [(r, t) for r, t in zip(_flat(results), _flat(tangents), strict=True) if r is not None and t is not None]
    leaves = [x for x in arriving if x is not None]
    back = iter(tour.autograd.pullback([r for r, _ in pairs], leaves, [t for _, t in pairs], recorded))
    found = [None if x is None else next(back) for x in arriving]
    return tuple(found) if len(arriving) > 1 or _listed(node) else found[0]


def _listed(node: Any) -> bool:
    """Whether a node's formula takes its gradients in a list, even a single one."""
    return bool(node[OP].rule.saved == ("ctx",))


def _flat(items: Sequence[Any]) -> list[Any]:
    return [y for x in items for y in (_flat(x) if type(x) in (list, tuple) else [x])]


def _unnoted(node: Any, tangents: list[Any]) -> Any:
    """Tangents through nodes that are made without a call: writes into views, views after writes, the user's functions."""
    op, saved = node[OP], tape.saved_of(node)
    if op is views.COPY_SLICES:
        base, part, (region, keep) = *tangents, saved
        whole = tour.zeros(keep.shape, dtype=part.dtype) if base is None else base.clone()
        whole = whole.masked_fill(wrap(~keep), 0)
        return (
            whole if part is None else whole + tour.ops.indexing.place(part, (keep.size,), region).reshape(keep.shape)
        )
    if op is views.AS_STRIDED:
        return tangents[0].reshape(-1)[wrap(saved[1])]
    if op.rule.saved == ("ctx",):
        return _users_function(node, tangents[0])
    raise NotImplementedError(
        f"forward mode: a write through a real view of a complex tensor ({op.name}) has no tangent; write out of place"
    )


def _users_function(node: Any, tangents: Any) -> Any:
    """Tangents through the user's `Function`: by its `jvp`, or by its `backward`, differentiated."""
    (ctx,) = tape.saved_of(node)
    function = node[OP].rule.formulas[0].__self__
    if (jvp := getattr(function, "jvp", None)) is not None:
        given = jvp(ctx, *tangents)
        return given if isinstance(given, tuple) else (given,)
    made = [None if x is None else _gradient(_zeros(*x)) for x in ctx._outputs]
    return _transposed(node, [tangents], made)


def _zeros(shape: tuple[int, ...], like: Any) -> Any:
    return np.zeros_like(like, shape=shape)
