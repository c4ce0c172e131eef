"""Tensors between the inside and the outside of a `vmap`: ops that bind a batch, and what the tape remembers meanwhile.

Two pairs of ops are each other's transposes: `bind` and `unbind` take samples into a level and out of it; `lift` says that a tensor
is the same in all samples, and `total` adds up over them. A recorded tensor that comes from outside and meets batched ones inside
is lifted first, so that its gradient is summed over the samples; a leaf that `tour.func.grad` makes inside is lifted at birth, so
that each sample has its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tour import _core, autograd
from tour._core import OPS, Op, sockets, wrap
from tour.autograd import recorders, tape, views
from tour.autograd.rule import Rule, step, vjp
from tour.func import _batched
from tour.func._batched import BatchedArray, Level, Levels, open_levels
from tour.func._randomness import sample

# --- Ops between inside and outside -------------------------------------------------------------------------------------------

_BIND = Op("vmap_bind", ("input", "axis", "level"), _batched.bind)
_UNBIND = Op("vmap_unbind", ("input", "axis", "level"), _batched.unbind)
_LIFT = Op("vmap_lift", ("input", "levels"), _batched.lift)
_TOTAL = Op("vmap_total", ("input", "levels"), _batched.total)


def _between(op: Op) -> Callable[..., Any]:
    """The op on tensors, or its kernel on arrays: as rules call it."""

    def call(x: Any, *params: Any) -> Any:
        if not isinstance(x, _core.Tensor):
            return op.kernel(x, *params)  # type: ignore[misc]
        t = wrap(_core.as_array(op.kernel(x._a, *params)))  # type: ignore[misc]
        if x._tape is not None:
            op.record(t, x, *params)
        return t

    return call


bind, unbind, lift, total = map(_between, (_BIND, _UNBIND, _LIFT, _TOTAL))

vjp(_BIND, input=lambda g, axis, level: unbind(g, axis, level))
vjp(_UNBIND, input=lambda g, axis, level: bind(g, axis, level))
vjp(_LIFT, input=lambda g, levels: total(g, levels))
vjp(_TOTAL, input=lambda g, levels: lift(g, levels))
_BETWEEN = frozenset((_BIND, _UNBIND, _LIFT, _TOTAL))


def missing(array: Any, levels: Levels) -> Levels:
    """Those of some levels in which an array is the same for all samples."""
    if type(array) is not BatchedArray:
        return levels
    return tuple(level for level in levels if level not in array.levels)


def lifted(x: Any, levels: Levels) -> Any:
    """A recorded tensor, also in a list, whose gradient will be summed over levels it does not have; anything else as it is."""
    if isinstance(x, _core.Tensor):
        if x._tape is None or not (lacking := missing(x._a, levels)):
            return x
        t = wrap(x._a)
        t._tape = views.fresh(x) if tape.rebased else x._tape
        return lift(t, lacking)
    return type(x)(lifted(y, levels) for y in x) if type(x) in (list, tuple) else x


def lifted_edges(edges: tuple[Any, ...], inputs: tuple[Any, ...], outputs: list[Any]) -> tuple[Any, ...]:
    """The edges of a user's function, those from outside lifted to the levels of its outputs."""
    levels = _batched.levels_of([t._a for t in outputs if isinstance(t, _core.Tensor)])
    return tuple(None if e is None else lifted(x, levels)._tape for e, x in zip(edges, inputs, strict=True))


# --- What the tape remembers inside a vmap ------------------------------------------------------------------------------------


def _batching(op: Op, record: Callable[..., None]) -> Callable[..., None]:
    """A recorder for the inside of `vmap`: lifts what comes from outside, and lets the rule read tensors."""
    if op in _BETWEEN:
        return record

    def batched(out: Any, *values: Any) -> None:
        first = out[0] if type(out) is tuple and out else out
        if type(first) is tuple or type(first._a) is not BatchedArray:
            record(out, *values)
            return
        levels = first._a.levels
        record(out, *[lifted(x, levels) for x in values])
        for t in out if type(out) is tuple else (out,):
            node = t._tape
            if type(node) is list:
                if node[tape.OP] is tape.PICK:
                    node = node[tape.FIRST]
                node[tape.OP] = reading_tensors(node[tape.OP])

    return batched


_twins: dict[Op, Op] = {}


def reading_tensors(op: Op) -> Op:
    """The same op with a rule whose formulas always run on tensors: those have batching rules for all they may do."""
    rule = op.rule
    if rule.on_tensors or op in _BETWEEN:
        return op
    twin = _twins.get(op)
    if twin is None:
        twin = _twins[op] = Op.__new__(Op)
        for slot in Op.__slots__:
            setattr(twin, slot, getattr(op, slot))
        twin.rule = made = Rule.__new__(Rule)
        for slot in Rule.__slots__:
            setattr(made, slot, getattr(rule, slot))
        made.formulas = tuple(_on_tensors(f, rule, takes) for f, takes in zip(rule.formulas, rule.takes, strict=True))
        made.plan = tuple(step(f, places[-1]) for f, places in zip(made.formulas, rule.plan, strict=True))
        _twins[twin] = twin
    return twin


def _on_tensors(formula: Callable[..., Any], rule: Rule, takes: tuple[int, ...]) -> Callable[..., Any]:
    tensors = [rule.sources[i] is not None for i in takes]

    def call(g: Any, *values: Any) -> Any:
        if isinstance(g, _core.Tensor) or (type(g) is list and any(isinstance(x, _core.Tensor) for x in g)):
            return formula(g, *values)
        head, saved = (values[:1], values[1:]) if rule.joint else ((), values)
        opened = [_tensor(x) if is_tensor else x for x, is_tensor in zip(saved, tensors, strict=True)]
        return _array(formula(_tensor(g), *head, *opened))

    return call


def _tensor(x: Any) -> Any:
    if type(x) in (list, tuple):
        return type(x)(map(_tensor, x))
    return wrap(x) if hasattr(x, "__array_ufunc__") else x


def _array(x: Any) -> Any:
    if isinstance(x, _core.Tensor):
        return x._a
    return type(x)(map(_array, x)) if type(x) in (list, tuple) else x


# --- The block ----------------------------------------------------------------------------------------------------------------


_lock = threading.Lock()
_running: list[Inside] = []  # in all threads


class Inside:
    """The inside of one call of `vmap`."""

    def __init__(self, size: int, randomness: str) -> None:
        self.level = Level(size, randomness)

    def __enter__(self) -> Level:
        prepare()
        self._was = open_levels.levels
        open_levels.levels = (*self._was, self.level)
        recorders.exchange(_batching)
        with _lock:
            _running.append(self)
            sockets.sample, recorders.lifted_edges = sample, lifted_edges
        return self.level

    def __exit__(self, *_: object) -> None:
        open_levels.levels = self._was
        recorders.restore(_batching)
        with _lock:
            _running.remove(self)
            if not _running:
                sockets.sample = recorders.lifted_edges = None


def prepare() -> None:
    """Give all ops their gradient and batching rules, and those that will be declared later."""
    if not autograd._ready:
        autograd.declare_rules()
    if _welcome not in _core.declared:
        from tour.func import _op_rules  # 3 ms, which gradients need not pay

        _core.declared.append(_welcome)
        for op in list(OPS.values()):
            _op_rules.give(op)
    _load_more()


def _welcome(op: Op) -> None:
    from tour.func import _op_rules

    _load_more()
    _op_rules.give(op)


def _load_more() -> None:
    """Load the rules of packages above, which name the modules that hold them."""
    from tour.func import _op_rules

    while _core.batching:
        import_module(_core.batching.pop())
        for op in OPS.values():
            if BatchedArray not in op.impls:
                _op_rules.give(op)
