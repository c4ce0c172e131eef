"""Declaring ops: a real `def` with its signature and docstring is given a body by a decorator, and the function *is* the method.

    @unary(np.tanh)
    def tanh(input: Tensor) -> Tensor:
        '''Hyperbolic tangent of each element.'''
        ...

There is one frame per call and no central `apply`: what an op needs is in the closure of its body.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tour import _core, _dtypes
from tour._compiled import holds
from tour._core import (
    Op,
    as_array,
    kernel_among,
    kernel_for,
    ndarray,
    new,
    packed,
    parameters_of,
    wrap,
)
from tour._dtypes import FROM_NUMPY
from tour._errors import argument_error, explain
from tour._numpy import BY_UFUNC
from tour._operands import NUMBER, floating, is_operand, match, native, number, operand, tensor_argument
from tour._storing import store

Tensor: Any = None  # bound by _tensor.py, as `_core.Tensor` is; one look-up less on the hottest path
P = ParamSpec("P")
R = TypeVar("R")

_F32, _F64, _BOOL = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.bool_)
KEYWORD_ONLY_TAIL = ("out",)  # parameters that every op treats alike and no gradient rule sees


def declare(op: Op, decl: Callable[P, R], body: Callable[..., Any]) -> Callable[P, R]:
    """Give a body the name, docstring, signature, traceback label and parameter names of its declaration."""
    code = body.__code__
    names = (*decl.__code__.co_varnames[: code.co_argcount], *code.co_varnames[code.co_argcount :])
    body.__code__ = code.replace(co_name=decl.__name__, co_qualname=decl.__qualname__, co_varnames=names)
    for attr in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__"):
        setattr(body, attr, getattr(decl, attr))
    body.__wrapped__ = decl  # type: ignore[attr-defined]
    body.op = op  # type: ignore[attr-defined]
    if isinstance(op.kernel, np.ufunc):
        BY_UFUNC.setdefault(op.kernel, body)
        holds(body, "function", op.kernel)
    return body


def signature_of(decl: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Names and defaults of a declaration's parameters, without those that every op treats alike."""
    names, defaults = parameters_of(decl)
    kept = tuple(name for name in names if name not in KEYWORD_ONLY_TAIL)
    return kept, {name: defaults[name] for name in kept if name in defaults}


def new_op(decl: Callable[..., Any], kernel: Callable[..., Any] | None = None) -> Op:
    """The `Op` of a declaration."""
    params, defaults = signature_of(decl)
    op = Op(decl.__name__.lstrip("_"), params, kernel)
    op.defaults = defaults
    notes = {name: str(decl.__annotations__.get(name, "")) for name in params}
    op.tensors = tuple(name for name in params[1:] if "Tensor" in notes[name])
    op.lists = any("Tensor" in note and "[" in note for note in notes.values())
    return op


def unary(
    ufunc: Callable[..., Any], fractions: bool = False, refuses: str = ""
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Body for an elementwise op of one input.

    Args:
        ufunc: The function on raw arrays. A NumPy ufunc also serves every device that answers `__array_ufunc__`.
        fractions: Whether integers are taken in the default floating-point dtype first, as `sqrt` needs.
        refuses: Kinds of dtype that raise: b(ool), i(nteger), f(loating), c(omplex).
    """
    strict = fractions or bool(refuses)

    def bind(decl: Callable[P, R]) -> Callable[P, R]:
        op = new_op(decl, ufunc)
        op.broadcasts = True
        function = ufunc if isinstance(ufunc, np.ufunc) else dispatched_of_one(op, ufunc)

        def body(input: Any, *, out: Any = None) -> Any:
            try:
                a = input._a
                if strict and (d := a.dtype) is not _F32 and d is not _F64:
                    input = admitted(op.name, input, fractions, refuses)
                    a = input._a
                r = function(a)
            except (AttributeError, TypeError, ValueError, RuntimeWarning) as error:
                return retry(body, op, error, input, out=out)
            if type(r) is not ndarray:
                r = as_array(r)
            t = new(_core.Tensor)
            t._a = r
            t._tape = None
            if input._tape is not None:
                record = op.record  # called by its name: as a method it would be looked up in `Op` each time, 15 ns
                record(t, input)
            return t if out is None else store(out, t, op.name)

        if function is not ufunc:
            holds(body, "function", op.name)
        return declare(op, decl, body)

    return bind


def binary(
    ufunc: Callable[..., Any],
    fractions: bool = False,
    refuses: str = "",
    numbers: str = "both",
    unify: Callable[[Any, Any], tuple[Any, Any]] = match,
    second: Callable[[Any, Any], Any] = operand,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Body for a broadcasting elementwise op of two inputs, where `other` may be a number.

    Args:
        ufunc: The function on two raw arrays of one dtype.
        fractions: Whether integers are taken in the default floating-point dtype first, as true division needs.
        refuses: Kinds of common dtype that raise: b(ool), i(nteger), f(loating), c(omplex).
        numbers: Which operands may be Python numbers in a call: "all" at once, "both" but not at once, only the "other", or
            "none". Operators take them always.
        unify: Takes two tensors of different dtypes into that of their result.
        second: Makes a tensor of a second operand that is none, beside the first.
    """
    strict = fractions or bool(refuses)

    def bind(decl: Callable[P, R]) -> Callable[P, R]:
        op = new_op(decl, ufunc)
        op.broadcasts = True
        function = dispatched(op, ufunc)

        def form(failed: Callable[..., Any], second: Callable[..., Any] = second) -> Any:
            def body(input: Any, other: Any, *, out: Any = None) -> Any:
                try:
                    if type(other) is not _core.Tensor:
                        other = second(other, input)
                    a, b = input._a, other._a
                    if a.dtype is not b.dtype:
                        input, other = unify(input, other)
                        a, b = input._a, other._a
                    if strict and (d := a.dtype) is not _F32 and d is not _F64:
                        input = admitted(op.name, input, fractions, refuses)
                        other = admitted(op.name, other, fractions, refuses)
                        a, b = input._a, other._a
                    r = function(a, b)
                except (AttributeError, TypeError, ValueError, RuntimeWarning) as error:
                    return failed(body, op, error, input, other, out=out)
                if type(r) is not ndarray:
                    r = as_array(r)
                t = new(_core.Tensor)
                t._a = r
                t._tape = None
                if input._tape is not None or other._tape is not None:
                    record = op.record
                    record(t, input, other)
                return t if out is None else store(out, t, op.name)

            return declare(op, decl, body)

        made = form(*_BY_NUMBERS[numbers])
        made.operator = (
            form(retry_operator) if strict else declare(op, decl, plain_operator(op, function, unify, second))
        )
        return made  # type: ignore[no-any-return]

    return bind


def plain_operator(
    op: Op, function: Callable[..., Any], unify: Callable[..., Any], second: Callable[..., Any]
) -> Callable[..., Any]:
    """The body behind `x + y`, the shortest there is: without options and without dtypes that need a second look."""

    def body(input: Any, other: Any) -> Any:
        try:
            if type(other) is not Tensor:
                other = second(other, input)
            a, b = input._a, other._a
            if a.dtype is not b.dtype:
                input, other = unify(input, other)
                a, b = input._a, other._a
            r = function(a, b)
        except (AttributeError, TypeError, ValueError, RuntimeWarning) as error:
            return retry_operator(body, op, error, input, other)
        if type(r) is not ndarray:
            r = as_array(r)
        t = new(Tensor)
        t._a = r
        t._tape = None
        if input._tape is not None or other._tape is not None:
            record = op.record
            record(t, input, other)
        return t

    return body


def no_number(x: Any, beside: Any) -> Any:
    """The second operand of an op that PyTorch does not let be a number."""
    if isinstance(x, NUMBER):
        raise TypeError
    return operand(x, beside)


def retry_strictly(body: Callable[..., Any], op: Op, error: Exception, input: Any, other: Any, **kwargs: Any) -> Any:
    """`retry`, but numbers are refused where PyTorch refuses them."""
    for name, x in zip(op.params, (input, other), strict=True):
        if isinstance(x, NUMBER) and (name == op.params[0] or type(error) is TypeError):
            raise argument_error(op.name, name, x)
    return retry(body, op, error, input, other, **kwargs)


def retry_numbers(body: Callable[..., Any], op: Op, error: Exception, input: Any, other: Any, **kwargs: Any) -> Any:
    """`retry`, but two numbers make a tensor."""
    if isinstance(input, NUMBER) and isinstance(other, NUMBER):
        return body(number(input, _BOOL), other, **kwargs)
    return retry(body, op, error, input, other, **kwargs)


def operator(function: Callable[P, R]) -> Callable[P, R]:
    """The form of a binary op that stands behind an operator: it gives way to operands that it does not know."""
    return function.operator  # type: ignore[attr-defined, no-any-return]


def reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    """The operator of a tensor on the right: `other // input`."""

    def body(input: Any, other: Any) -> Any:
        return function(_core.Tensor._of(other, input), input) if is_operand(other) else NotImplemented

    body.__doc__ = f"`{function.__name__}` with the tensor on the right."
    return body


def yielding(function: Callable[..., Any]) -> Callable[..., Any]:
    """The operator form of a function of two operands that is no single op: gives way to operands it does not know."""

    def body(input: Any, other: Any) -> Any:
        return function(input, other) if is_operand(other) else NotImplemented

    body.__doc__ = function.__doc__
    return body


def dispatched(op: Op, kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that other devices may replace; ufuncs find their way there by NumPy's protocol."""
    if isinstance(kernel, np.ufunc):
        return kernel

    def call(a: Any, *others: Any) -> Any:
        return (kernel if type(a) is ndarray else kernel_for(op, a))(a, *others)

    return call


def dispatched_of_one(op: Op, kernel: Callable[..., Any]) -> Callable[..., Any]:
    """`dispatched` for a kernel of one array."""

    def call(a: Any) -> Any:
        return kernel(a) if type(a) is ndarray else kernel_for(op, a)(a)

    return call


def admitted(name: str, t: Any, fractions: bool, refuses: str) -> Any:
    """The operand of an op that does not take every dtype as it is.

    Raises:
        NotImplementedError: If the op refuses this kind of dtype (a RuntimeError, as in PyTorch).
    """
    t = tensor_argument(name, "input", t)
    d = FROM_NUMPY[t._a.dtype]
    if "bifc"[d.rank] in refuses:
        raise NotImplementedError(f'"{name}" is not implemented for {d.name}')
    return floating(t) if fractions else t


def retry_operator(body: Callable[..., Any], op: Op, error: Exception, input: Any, other: Any, **kwargs: Any) -> Any:
    """`retry`, but NotImplemented for an operand that is no tensor, number or array: Python then asks the other side."""
    if not isinstance(input, _core.Tensor):
        raise argument_error(op.name, "self", input)
    if as_operands((input, other)) is None:
        return NotImplemented
    return retry(body, op, error, input, other, **kwargs)


def retry(body: Callable[..., Any], op: Op, error: Exception, *operands: Any, **kwargs: Any) -> Any:
    """Call an elementwise body once more with NumPy arrays and leading numbers made tensors, or say what is wrong."""
    if isinstance(error, RuntimeWarning):  # somebody turned warnings into errors; dividing by zero is none of theirs
        with np.errstate(all="ignore"):
            return body(*operands, **kwargs)
    if op.impls and (t := mixed(op, operands)) is not None:
        return t
    tensors = as_operands(operands)
    if tensors is None or all(a is b for a, b in zip(operands, tensors, strict=True)):
        raise explain(op.name, error, *operands) from None
    return body(*tensors, **kwargs)


def mixed(op: Op, operands: tuple[Any, ...]) -> Any:
    """The result for tensors whose arrays are of two types, of which one brings its own kernel; None for any others."""
    if not all(isinstance(x, _core.Tensor) for x in operands):
        return None
    arrays = [x._a for x in operands]
    own = kernel_among(op, *arrays)
    if own is op.kernel or type(arrays[0]) is not ndarray:
        return None
    t = wrap(as_array(own(*arrays)))
    if any(x._tape is not None for x in operands):
        op.record(t, *operands)
    return t


def as_operands(operands: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Tensors for what stands in an op's tensor positions, or None if something there cannot be one.

    A number or a host tensor without dimensions takes part on whatever device the others are.
    """
    first = next((x for x in operands if isinstance(x, _core.Tensor)), None)
    if first is None:
        first = next((wrap(native(x)) for x in operands if isinstance(x, ndarray)), None)
    abroad = next((x for x in operands if isinstance(x, _core.Tensor) and type(x._a) is not ndarray), None)
    made: list[Any] = []
    for x in operands:
        if isinstance(x, ndarray):
            made.append(wrap(native(x)))
        elif isinstance(x, NUMBER) and first is not None:
            made.append(number(x, first._a.dtype, first._a))
        elif isinstance(x, NUMBER) and isinstance(x, np.generic):
            made.append(wrap(native(np.asarray(x))))
        elif not isinstance(x, _core.Tensor):
            return None
        elif abroad is not None and type(x._a) is ndarray and not x._a.ndim and x._tape is None:
            made.append(number(x._a[()], x._a.dtype, abroad._a))
        else:
            made.append(x)
    return tuple(made)


# For the `numbers` of `binary`: what to do when a call fails, and how to take the second operand.
_BY_NUMBERS: dict[str, tuple[Callable[..., Any], ...]] = {
    "all": (retry_numbers,),
    "both": (retry,),
    "other": (retry_strictly,),
    "none": (retry_strictly, no_number),
}


def primitive(
    kernel: Callable[..., Any], broadcasts: bool = False, aside: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Body for an op that is not elementwise: tensors are opened, the kernel runs on raw arrays, its result is wrapped.

    Tensors may stand anywhere among the arguments, also in a list where the declaration says so. A kernel that gives a tuple of
    arrays makes a tuple of tensors.

    Args:
        kernel: The function on raw arrays.
        broadcasts: Whether the op is elementwise, so that gradients are summed to the shapes of its inputs.
        aside: Whether its results but the first only serve the gradient rule, and have no history.
    """

    def bind(decl: Callable[P, R]) -> Callable[P, R]:
        op = new_op(decl, kernel)
        op.broadcasts, op.aside = broadcasts, aside
        finish = as_array if broadcasts else dense
        count, listed = len(op.params), op.lists

        def body(*args: Any, out: Any = None, **kwargs: Any) -> Any:
            raw, recorded = [], False
            for x in args:
                if isinstance(x, Tensor):
                    raw.append(x._a)
                    recorded = recorded or x._tape is not None
                elif listed and (type(x) is list or type(x) is tuple):
                    raw.append(opened(x))
                    recorded = recorded or taped(x)
                else:
                    raw.append(x)
            named = {k: opened(v) for k, v in kwargs.items()} if kwargs else kwargs
            function = kernel if not op.impls else _impl(op, raw)
            try:
                r = function(*raw, **named)
            except RuntimeWarning:
                with np.errstate(all="ignore"):
                    r = function(*raw, **named)
            except (TypeError, ValueError) as error:
                raise refusal(op, decl, error, args, kwargs) from error
            t = tuple([wrap(finish(x)) for x in r]) if type(r) is tuple else wrap(finish(r))
            if recorded or (kwargs and any(map(taped, kwargs.values()))):
                record = op.record
                record(t, *(args if len(args) == count else bound(op, args, kwargs)))
            return t if out is None else store(out, t, op.name)

        return declare(op, decl, body)

    return bind


def dense(r: Any) -> Any:
    """An array without gaps for what a kernel gave."""
    return r if type(r) is ndarray and r.flags.c_contiguous else packed(as_array(r))


def _impl(op: Op, raw: list[Any]) -> Callable[..., Any]:
    return next((op.impls[type(a)] for a in raw if type(a) in op.impls), op.kernel)  # type: ignore[return-value]


def opened(x: Any) -> Any:
    """The raw array of a tensor, also inside a list or tuple; anything else as it is."""
    if isinstance(x, _core.Tensor):
        return x._a
    if type(x) in (list, tuple) and any(isinstance(y, _core.Tensor) for y in x):
        return type(x)(opened(y) for y in x)
    return x


def taped(x: Any) -> bool:
    """Whether a tensor, or one in a list or tuple, carries a tape."""
    if isinstance(x, _core.Tensor):
        return x._tape is not None
    return type(x) in (list, tuple) and any(map(taped, x))


def bound(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """The values of an op's parameters in the order of its declaration."""
    given = dict(zip(op.params, args, strict=False))
    given.update(kwargs)
    return [given[name] if name in given else op.defaults[name] for name in op.params]


def refusal(op: Op, decl: Callable[..., Any], error: Exception, args: tuple[Any, ...], kwargs: Any) -> Exception:
    """The exception for a failed call: Python's own when the arguments do not fit the signature, else an explained one."""
    try:
        import inspect  # 10 ms: only when a call has failed

        inspect.signature(decl).bind(*args, **kwargs)
    except TypeError as mismatch:
        return TypeError(f"{op.name}(): {mismatch}")
    if args and not isinstance(args[0], (_core.Tensor, list, tuple)) and op.params[:1] == ("input",):
        return argument_error(op.name, "input", args[0])
    return (
        error
        if type(error) in (TypeError, ValueError) and error.__traceback__ is None
        else RuntimeError(f"{op.name}(): {error}")
    )


def view(op: Op, input: Any, array: Any, *params: Any) -> Any:
    """A tensor round a view of `input`'s memory; it remembers its parent so that a later write can find it."""
    t = new(_core.Tensor)
    t._a = array
    t._tape = None
    t._parent = input
    if input._tape is not None:
        op.record(t, input, *params)
    return t


def mapped(op: Op, array: Any, input: Any, *params: Any) -> Any:
    """A new tensor for what a written-out elementwise op of one input has computed, laid out in memory like its input."""
    t = new(_core.Tensor)
    t._a = array if type(array) is ndarray else as_array(array)
    t._tape = None
    if input._tape is not None:
        op.record(t, input, *params)
    return t


def result(op: Op, array: Any, input: Any, *params: Any) -> Any:
    """A new tensor for what any other written-out op of one input has computed."""
    t = new(_core.Tensor)
    t._a = packed(array if type(array) is ndarray else as_array(array))
    t._tape = None
    if input._tape is not None:
        op.record(t, input, *params)
    return t


__all__ = [
    "Op",
    "_dtypes",
    "binary",
    "mapped",
    "operator",
    "primitive",
    "reflected",
    "result",
    "unary",
    "view",
    "yielding",
]
