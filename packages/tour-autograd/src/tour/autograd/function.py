"""Operations with a gradient of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from sys import _getframe
from types import NoneType
from typing import Any

import numpy as np

from tour import _core
from tour._core import Inference, Op, Siblings, clock, wrap
from tour._devices import device_of
from tour._dtypes import FROM_NUMPY
from tour.autograd import recorders, tape, views
from tour.autograd.blame import call_text
from tour.autograd.engine import sum_to
from tour.autograd.grad_mode import no_grad
from tour.autograd.rule import Rule, step
from tour.autograd.saved import SavedTensor
from tour.autograd.tape import PICK

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


Kind = tuple[tuple[int, ...], Any, Any]  # shape, NumPy dtype and device of a tensor


class FunctionCtx:
    """What a `Function` remembers from its forward for its backward; any attribute may be set on it too.

    Attributes:
        needs_input_grad: For each argument of `forward`, whether its gradient is wanted.

    Examples:
        >>> import tour
        >>> class Cube(tour.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         ctx.power = 3
        ...         return x**ctx.power
        ...     @staticmethod
        ...     def backward(ctx, g):
        ...         (x,) = ctx.saved_tensors
        ...         return g * ctx.power * x**2
        >>> x = tour.tensor(2.0, requires_grad=True)
        >>> Cube.apply(x).backward()
        >>> x.grad
        tensor(12.)
    """

    def __init__(self) -> None:
        self.needs_input_grad: tuple[bool, ...] = ()
        self._saved: Any = ()
        self._pending: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self._inputs: tuple[Kind | None, ...] = ()
        self._no_gradient: tuple[Any, ...] = ()
        self._materialize = True
        self._outputs: list[tuple[tuple[int, ...], Any] | None] = []
        self._node: Any = None

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs or outputs for `backward`, which finds them in `saved_tensors`; a later write into one is noticed.

        Raises:
            TypeError: If one is neither a tensor nor None.
        """
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, _core.Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}"
                )
        self._pending = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Accepted for PyTorch's sake, where `jvp` finds them."""

    def mark_dirty(self, *args: Any) -> None:
        """Say which inputs `forward` has written into; each must also be returned."""
        self._dirty = args

    def mark_non_differentiable(self, *args: Any) -> None:
        """Say which outputs have no gradient."""
        self._no_gradient = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros, rather than None, for outputs nobody used."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to `save_for_backward`.

        Raises:
            RuntimeError: If they were freed by an earlier backward pass, or one was written into since.
        """
        if self._saved is None:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
                "been freed). Specify retain_graph=True if you need to backward through the graph a second time."
            )
        by = "a Function" if self._node is None else call_text(self._node)
        return tuple(t and self._with_history(t.open(by), output) for t, output in self._saved)

    def _with_history(self, t: Any, output: int | None) -> Any:
        """A saved tensor; an output of the Function finds its history in the node being built, which keeps no cycle."""
        if output is not None and self._node is not None:
            t._tape = [PICK, clock.now, None, 0, None, self._node, output, len(self._outputs)]
        return t


class _FunctionRule(Rule):
    """The rule of a user's Function: one formula for all inputs, which calls its `backward` with the context."""

    __slots__ = ()

    def __init__(self, function: type[Function]) -> None:
        self.joint, self.on_tensors, self.frees = True, True, True
        self.broadcasts, self.plain, self.at_once = False, False, False
        # All edges stand in one tuple, as those of a list of tensors do: their number differs from call to call.
        self.inputs, self.saved, self.sources, self.takes = ("args",), ("ctx",), (None,), ((0,),)
        self.formulas, self.shapes_at, self.first_saved = (function._run_backward,), 0, tape.FIRST + 1
        self.plan = (step(function._run_backward, (self.first_saved,)),)


class Function:
    """An operation whose gradient you write yourself.

    Subclass it with two static methods: `forward(ctx, *args)` computes, and `backward(ctx, *grad_outputs)` returns one gradient
    for each argument of `forward` (None where there is none). `forward(*args)` together with `setup_context(ctx, inputs, output)`
    works too. Call it with `apply`. A backward written in tour's operations can be differentiated again.

    Examples:
        >>> import tour
        >>> class Cube(tour.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x**3
        ...
        ...     @staticmethod
        ...     def backward(ctx, g):
        ...         (x,) = ctx.saved_tensors
        ...         return g * 3 * x**2
        >>> x = tour.tensor(2.0, requires_grad=True)
        >>> Cube.apply(x).backward()
        >>> x.grad
        tensor(12.)
    """

    _op: Op

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._op = Op.__new__(Op)
        for slot, value in (
            ("name", cls.__name__),
            ("params", ()),
            ("broadcasts", False),
            ("rule", _FunctionRule(cls)),
        ):
            setattr(cls._op, slot, value)

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the output; a subclass defines it."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Fill the context after `forward(*args)`; a subclass that defines it has a `forward` without `ctx`."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Turn gradients of the outputs into gradients of the inputs; a subclass defines it."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD."
        )

    @staticmethod
    def vjp(ctx: Any, *grad_outputs: Any) -> Any:
        """Another name that a subclass may give to its `backward`."""
        return Function.backward(ctx, *grad_outputs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated: make forward and backward static methods "
            f"and call {type(self).__name__}.apply(...)"
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` on the arguments, and record it if one of them records."""
        ctx = FunctionCtx()
        tensors = [x if isinstance(x, _core.Tensor) else None for x in args]
        edges = tuple(None if t is None else tape.edge(t) for t in tensors)
        recorded = tape.recording() and any(e is not None for e in edges)
        ctx.needs_input_grad = tuple(e is not None for e in edges)
        ctx._inputs = tuple(None if t is None else (t._a.shape, t._a.dtype, device_of(t._a)) for t in tensors)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                output = cls.forward(ctx, *args, **kwargs)
            else:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
        many = isinstance(output, (tuple, list))
        outputs = list(output) if many else [output]
        _check_dirty(ctx, outputs, recorded)
        if recorded:
            outputs = _record(cls._op, ctx, edges, args, outputs)
        return type(output)(outputs) if many else outputs[0]

    @classmethod
    def _run_backward(cls, g: Any, wanted: tuple[tuple[bool, ...]], ctx: FunctionCtx, node: Any) -> list[Any]:
        """Call `backward` as the engine does: with a gradient for each output, and checks of what it returns."""
        grads = list(g) if isinstance(g, (list, tuple)) else [g]
        if ctx._materialize:
            grads = [
                _zeros(*made) if x is None and made is not None else x
                for x, made in zip(grads, ctx._outputs, strict=True)
            ]
        ctx._node = node  # where a saved output finds its history; only for now, since the node holds the context
        try:
            given = (cls.vjp if cls.backward is Function.backward else cls.backward)(ctx, *grads)
        finally:
            ctx._node = None
        results = list(given) if isinstance(given, (tuple, list)) else [given]
        return [_checked(f"{cls.__name__}Backward", results, ctx._inputs, wanted[0])]


def _zeros(shape: tuple[int, ...], like: Any) -> Any:
    return wrap(np.zeros_like(like, shape=shape))


def _checked(name: str, results: list[Any], inputs: tuple[Kind | None, ...], wanted: Sequence[bool]) -> list[Any]:
    """The gradients that a `backward` returned, one for each input, in its shape and dtype.

    Raises:
        RuntimeError: If there are too few, or more than trailing Nones too many; or one is no tensor, or belongs to an input that
            is none, or does not fit the shape, dtype or device of its input.
    """
    count = len(inputs)
    if len(results) < count or any(x is not None for x in results[count:]):
        raise RuntimeError(
            f"function {name} returned an incorrect number of gradients (expected {count}, got {len(results)})"
        )
    made = []
    for i, (x, kind, w) in enumerate(zip(results, inputs, wanted, strict=False)):
        if x is not None and not isinstance(x, _core.Tensor):
            raise RuntimeError(
                f"function {name} returned a {type(x).__name__} at position {i}: expected Variable or None"
            )
        if x is not None and kind is None:
            raise RuntimeError(
                f"function {name} returned a gradient different than None at position {i + 1}, but the corresponding forward input "
                "was not a Variable"
            )
        made.append(_fitted(name, i, x, kind) if w and x is not None and kind is not None else None)
    return made


def _fitted(name: str, i: int, g: Any, kind: Kind) -> Any:
    """A gradient in the shape and dtype of its input.

    Raises:
        RuntimeError: If it does not fit.
    """
    shape, dtype, device = kind
    a = g._a
    if device_of(a) != device:
        raise RuntimeError(
            f"Function {name} returned an invalid gradient at index {i} - expected device {device} but got {g.device}"
        )
    if a.shape != shape:
        extra = a.ndim - len(shape)
        if extra < 0 or any(n not in (1, m) for n, m in zip(shape, a.shape[extra:], strict=True)):
            raise RuntimeError(
                f"Function {name} returned an invalid gradient at index {i} - got {list(a.shape)} but expected shape compatible "
                f"with {list(shape)}"
            )
        g = sum_to(g, shape)
    if a.dtype is not dtype:
        if (a.dtype.kind == "c") != (dtype.kind == "c"):
            raise RuntimeError(
                f"Function {name} returned an invalid gradient at index {i} - expected type {FROM_NUMPY[dtype]} but got {g.dtype}"
            )
        g = g.to(FROM_NUMPY[dtype])
    return g


def _check_dirty(ctx: FunctionCtx, outputs: list[Any], recorded: bool) -> None:
    for t in ctx._dirty:
        if not any(t is o for o in outputs):
            raise RuntimeError("Some elements marked as dirty during the forward method were not returned as output.")
        if recorded and type(t._tape) is tape.Leaf:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


def _record(op: Op, ctx: FunctionCtx, edges: tuple[Any, ...], inputs: tuple[Any, ...], outputs: list[Any]) -> list[Any]:
    """Give the outputs their history."""
    if recorders.lifted_edges is not None:
        edges = recorders.lifted_edges(edges, inputs, outputs)
    frame = tape.user_frame(_getframe(2))
    node = tape.make_node(op, (edges,), (ctx,), frame)
    made = []
    for t in outputs:
        if isinstance(t, _core.Tensor) and any(t is x for x in inputs) and not any(t is d for d in ctx._dirty):
            t, given = wrap(t._a), t  # an input returned as it is becomes an output of its own
            t._parent = given
        if recorded_view(t) and not any(t is d for d in ctx._dirty):
            t._parent = Siblings(t._parent, op)  # a write into it would go past the user's backward
        made.append(t)
    position = {id(t): i for i, t in enumerate(outputs)}
    ctx._saved = tuple((None, None) if t is None else _kept(t, inputs, position) for t in ctx._pending)
    ctx._pending = ()
    for i, t in enumerate(made):
        differentiable = isinstance(t, _core.Tensor) and t._a.dtype.kind in "fcV"
        # An empty array stands for dtype and device: a view would keep the output's memory.
        ctx._outputs.append((t._a.shape, np.empty_like(t._a, shape=0)) if differentiable else None)
        if not differentiable or any(outputs[i] is x for x in ctx._no_gradient):
            continue
        history = wrap(t._a)
        history._tape = tape.make_node(PICK, (node,), (i, len(made)), frame)
        if any(t is d for d in ctx._dirty):
            views.rewrite(t, history)
        else:
            t._tape = history._tape
    return made


def recorded_view(t: Any) -> bool:
    """Whether a tensor is a view of another one."""
    return isinstance(t, _core.Tensor) and type(getattr(t, "_parent", None)) not in (NoneType, Inference)


def _kept(t: Any, inputs: tuple[Any, ...], position: dict[int, int]) -> tuple[SavedTensor, int | None]:
    """A tensor to save, and which of the outputs it is."""
    output = None if any(t is x for x in inputs) else position.get(id(t))
    return SavedTensor(t, history=output is None), output


def once_differentiable(backward: Any) -> Any:
    """Decorator for a `Function.backward` that cannot be differentiated again; trying to is an error, not a wrong number.

    Examples:
        >>> import tour
        >>> from tour.autograd.function import once_differentiable
        >>> class Square(tour.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     @once_differentiable
        ...     def backward(ctx, g):
        ...         return tour.from_numpy(2 * g.numpy() * ctx.saved_tensors[0].detach().numpy())
        >>> x = tour.ones(2, requires_grad=True)
        >>> Square.apply(x).sum().backward()
        >>> x.grad
        tensor([2., 2.])
    """
    import functools

    @functools.wraps(backward)
    def wrapped(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            results = backward(ctx, *grads)
        if not tape.recording():
            return results
        many = isinstance(results, (tuple, list))
        refused = [r if r is None else _refused(r, ctx, grads) for r in (results if many else (results,))]
        return tuple(refused) if many else refused[0]

    return wrapped


def _refused(r: Any, ctx: FunctionCtx, grads: tuple[Any, ...]) -> Any:
    """A gradient whose history leads to everything it was computed from, through a node that refuses to be differentiated."""
    edges = (*ctx._node[tape.FIRST], *(tape.edge(g) for g in grads))
    refusal = FunctionCtx()
    refusal._outputs = [None]
    t = wrap(r._a)
    t._tape = tape.make_node(_Refusal._op, (edges,), (refusal,), tape.user_frame(_getframe(1)))
    return t


class _Refusal(Function):
    """What stands behind the gradients of a `backward` that was marked with `once_differentiable`."""

    @staticmethod
    def backward(ctx: Any, *g: Any) -> Any:
        """Refuse."""
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
