"""Declaring gradient rules: for each differentiable input of an op, its gradient as a formula.

    vjp(tanh, input=lambda g, out: g * (1 - out * out))
    vjp(mul, input=lambda g, other: g * other.conj(), other=lambda g, input: g * input.conj())

A formula's first parameter is the gradient of the result; the others are named after what it needs: parameters of the op, `out`
for the result (the first, where the others stand aside), `rest` for all results but the first (which users may then overwrite),
`input_shape` and `input_dtype` for the shape and dtype of a parameter. What no formula names is not kept, and a formula whose
gradient nobody wants is not called.
Formulas are written in operators and NumPy functions, which mean the same on arrays and on tensors: an ordinary backward pass
runs them on raw arrays, one with `create_graph=True` on tensors, which records it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tour import _core
from tour._core import OPS, Op
from tour.autograd.recorders import plug, plugged
from tour.autograd.tape import FIRST, OP, PICK, record_any, record_binary, record_single, record_unary, saver

Formula = Callable[..., Any]


class Rule:
    """The gradient rule of an op.

    Attributes:
        inputs: Names of the differentiable parameters, in the order of a node's edges.
        formulas: One per input; a single one if `joint`.
        saved: Names of the saved values, in the order in which a node keeps them.
        first_saved: Where the saved values begin in a node, after one edge for each input.
        takes: For each formula, which of the saved values it takes.
        plan: For each formula a `step`.
        plain: Whether the engine may call the formulas just so: neither joint, nor on tensors, nor for lists.
        at_once: Whether it may call a joint formula so.
        sources: For each saved value: the number of the edge it came in by, -1 for the output, None for anything else.
        broadcasts: Whether gradients are summed to the inputs' shapes.
        shapes_at: Where in a node those shapes begin.
        joint: Whether one formula gives all gradients: `formula(g, wanted, *saved)` returns one per input.
        frees: Whether tensors are saved, which a backward pass lets go.
        on_tensors: Whether the formulas are written in tour's own functions and always run on tensors.
    """

    __slots__ = (
        "at_once",
        "broadcasts",
        "first_saved",
        "formulas",
        "frees",
        "inputs",
        "joint",
        "on_tensors",
        "plain",
        "plan",
        "saved",
        "shapes_at",
        "sources",
        "takes",
    )

    def __init__(self, op: Op, formulas: dict[str, Formula], on_tensors: bool, joint: tuple[str, ...] = ()) -> None:
        self.joint = bool(joint)
        self.inputs = joint or tuple(name for name in op.params if name in formulas)
        missing = set(joint or formulas) - set(op.params)
        if missing:
            raise TypeError(f"{op.name} has no parameters {sorted(missing)}; it has {list(op.params)}")
        self.formulas = tuple(formulas.values()) if joint else tuple(formulas[name] for name in self.inputs)
        wants = [_core.parameters_of(f)[0][2 if joint else 1 :] for f in self.formulas]
        order = [*op.params, "out", "rest", *(name + what for name in op.params for what in ("_shape", "_dtype"))]
        named = {name for names in wants for name in names}
        if named - set(order):
            raise TypeError(f"the rule of {op.name} wants {sorted(named - set(order))}; it may name {order}")
        self.saved = self._kept(op, tuple(name for name in order if name in named))
        self.takes = tuple(tuple(self.saved.index(name) for name in names) for names in wants)
        self.sources = tuple(
            -1 if name == "out" else self.inputs.index(name) if name in self.inputs else None for name in self.saved
        )
        self.first_saved = FIRST + len(self.inputs)
        places = (tuple(self.first_saved + i for i in takes) for takes in self.takes)
        self.plan = tuple(map(step, self.formulas, places))
        self.broadcasts = op.broadcasts and len(op.params) > 1
        self.shapes_at = self.first_saved + len(self.saved) - (2 if self._is_pair(op) else 0)
        self.on_tensors = on_tensors
        self.plain = not (joint or on_tensors or op.lists)
        self.at_once = self.joint and not (on_tensors or op.lists)
        self.frees = any(name in (op.params[0], *op.tensors, "out", "rest") for name in self.saved)

    def needed_by(self, i: int) -> int:
        """Where in a node stands the only edge whose formula takes the saved value `i`; OP if there are several."""
        users = [k for k, takes in enumerate(self.takes) if i in takes]
        return FIRST + users[0] if len(users) == 1 and not self.joint else OP

    def _is_pair(self, op: Op) -> bool:
        """Whether `record_binary` serves the op, which always keeps both shapes at the end."""
        return op.params == ("input", "other") == self.inputs

    def _kept(self, op: Op, named: tuple[str, ...]) -> tuple[str, ...]:
        """What a node keeps for the named values: for common kinds of op more than is named, where that is quicker."""
        if self._is_pair(op):
            return (*(n for n in named if not n.endswith("_shape")), "input_shape", "other_shape")
        if self._is_single(op) and all(n == "input_shape" or n in op.params[1:] for n in named):
            return ("input_shape", *op.params[1:])
        return named

    def _is_single(self, op: Op) -> bool:
        """Whether the op has one tensor among its parameters, the first."""
        return self.inputs == op.params[:1] == ("input",) and len(op.params) > 1 and not op.tensors


def step(formula: Formula, places: tuple[int, ...]) -> tuple[Formula, int, int, int, tuple[int, ...]]:
    """A formula, how many saved values it takes, where in a node the first two are found, and where all are."""
    i, j = (*places, 0, 0)[:2]
    return formula, len(places), i, j, places


PICK.rule = Rule(PICK, {"outputs": lambda g, index, count: g}, False)
PICK.rule.plain = False  # the engine gathers the gradients of all outputs itself


def vjp(op: Any, **formulas: Formula) -> None:
    """Declare the rule of an op, in operators and NumPy functions; `op` is the function or its `Op`."""
    _declare(op_of(op), formulas, on_tensors=False)


def tensor_vjp(op: Any, **formulas: Formula) -> None:
    """Declare the rule of an op in tour's own functions; the formulas always run on tensors, at 0.2 µs more for each value."""
    _declare(op_of(op), formulas, on_tensors=True)


def joint_vjp(op: Any, *inputs: str, on_tensors: bool = False) -> Callable[[Formula], Formula]:
    """Declare one formula for several inputs that share work: `formula(g, wanted, ...)` returns a gradient or None for each."""

    def bind(formula: Formula) -> Formula:
        _declare(op_of(op), {"joint": formula}, on_tensors, inputs)
        return formula

    return bind


def op_of(op: Any) -> Op:
    """The `Op` of a function, of a name, or itself."""
    return op if isinstance(op, Op) else op.op if hasattr(op, "op") else OPS[op]


def _declare(op: Op, formulas: dict[str, Formula], on_tensors: bool, joint: tuple[str, ...] = ()) -> None:
    rule = op.rule = Rule(op, formulas, on_tensors, joint)
    plug(op, _recorder(op, rule))


def _recorder(op: Op, rule: Rule) -> Callable[..., None]:
    """The recorder that keeps what a rule wants."""
    if op.params == ("input",) and not rule.joint:
        return record_unary(op, rule.saved)
    if rule._is_pair(op):
        return record_binary(op, rule.saved[:-2], tuple(frozenset(rule.saved[i] for i in t) for t in rule.takes))
    if rule.saved == ("input_shape", *op.params[1:]) and rule._is_single(op):
        return record_single(op)
    shapes = [f"{name}_shape" for name in rule.inputs] if rule.broadcasts else []
    savers = [(rule.needed_by(i), *saver(op, name)) for i, name in enumerate(rule.saved)]
    savers += [(OP, *saver(op, name)) for name in shapes]
    return record_any(op, tuple(op.params.index(name) for name in rule.inputs), tuple(savers))


def declare_missing() -> None:
    """Let ops that have neither a rule nor a place in the list of non-differentiable ones say so in a backward pass."""
    for op in OPS.values():
        if not plugged(op):
            plug(op, _record_missing(op))


def _record_missing(op: Op) -> Callable[..., None]:
    def refuse(g: Any, wanted: Any) -> Any:
        raise RuntimeError(f"derivative for {op.name} is not implemented")

    def record(out: Any, *values: Any) -> None:
        op.rule = Rule(op, {"joint": refuse}, False, op.params[:1])
        plug(op, record_any(op, (0,), ()))
        op.record(out, *values)

    return record
