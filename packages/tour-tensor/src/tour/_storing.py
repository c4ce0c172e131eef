"""Writing results into tensors that are there: the in-place forms of ops, and `out=`.

Everything is checked before anything is written, so that a refused call leaves its tensor untouched.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tour import _core
from tour._compiled import holds
from tour._core import Op, ndarray, root_of, sockets, wrote
from tour._dtypes import FROM_NUMPY, can_cast
from tour._errors import argument_error, shape_text
from tour._operands import NUMBER, number

P = ParamSpec("P")
R = TypeVar("R")

_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)


def in_place(function: Callable[P, R], plain: Callable[..., Any] | None = None) -> Callable[P, R]:
    """The in-place form of an op: `x.tanh_()` for `tanh`. The result's dtype must fit the tensor's, and its shape must be the same.

    Args:
        function: The op.
        plain: The op without options that does the same where none is given.
    """
    op: Op | None = getattr(plain or function, "op", None)
    name = op.name if op is not None else function.__name__
    fast = op.kernel if op is not None and isinstance(op.kernel, np.ufunc) else None
    optional = function

    def body(input: Any, *args: Any, **kwargs: Any) -> Any:
        function: Any = optional if kwargs or plain is None else plain
        try:
            if sockets.before_write is not None and sockets.before_write(input, *args, *kwargs.values()):
                t = function(sockets.preserve(op, input), *args, **kwargs)
                if t is NotImplemented:
                    return t
                fill(input, t, name)
                sockets.rewrite(input, t)
            elif fast is not None and not kwargs and _write_ufunc(fast, input._a, args):
                pass
            else:
                t = function(input, *args, **kwargs)
                if t is NotImplemented:
                    return t
                fill(input, t, name)
        except AttributeError:
            if isinstance(input, _core.Tensor):
                raise
            raise argument_error(f"{name}_", "input", input) from None
        wrote(input)
        return input

    if fast is not None:
        holds(body, "fast", fast)
    body.__doc__ = f"In-place version of `{function.__name__}`; returns the tensor itself."
    body.__name__ = body.__qualname__ = f"{function.__name__}_"
    body.__module__ = function.__module__
    body.__wrapped__ = function  # type: ignore[attr-defined]
    return body  # type: ignore[return-value]


def _write_ufunc(ufunc: np.ufunc, a: Any, args: tuple[Any, ...]) -> bool:
    """Let a ufunc write into its first input where nothing can go wrong: same dtype, and a shape that does not grow."""
    if (a.dtype is not _F32 and a.dtype is not _F64) or 0 in a.strides:
        return False
    try:
        if not args:
            ufunc(a, out=a)
            return True
        b = args[0]
        if type(b) is bool:  # which not every op takes
            return False
        if isinstance(b, NUMBER):
            b = number(b, a.dtype, a)
        if (
            isinstance(b, _core.Tensor)
            and b._a.dtype is a.dtype
            and type(b._a) is type(a)
            and _covers(a.shape, b._a.shape)
        ):
            ufunc(a, b._a, out=a)
            return True
    except RuntimeWarning:  # raised after the loop, where somebody turned warnings into errors
        return True
    except ValueError:  # read-only memory, for one
        return False
    return False


def _covers(target: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether `shape` broadcasts into `target` without enlarging it."""
    extra = len(target) - len(shape)
    return target == shape or (extra >= 0 and all(n in (1, m) for n, m in zip(shape, target[extra:], strict=True)))


def fill(target: Any, source: Any, name: str) -> None:
    """Copy a result into an existing tensor, refusing shapes that differ and dtypes that do not fit, before anything is written.

    Raises:
        RuntimeError: If the shapes differ, or the result's kind of dtype is higher than the target's.
    """
    a, b = target._a, source._a
    writable(a)
    if a.shape != b.shape:
        raise RuntimeError(
            f"output with shape {shape_text(a.shape)} doesn't match the broadcast shape {shape_text(b.shape)} of {name}_"
        )
    if a.dtype is not b.dtype and not can_cast(FROM_NUMPY[b.dtype], FROM_NUMPY[a.dtype]):
        raise RuntimeError(
            f"result type {source.dtype.name} can't be cast to the desired output type {target.dtype.name} in {name}_"
        )
    a[...] = b


def writable(a: Any) -> None:
    """Refuse to write where several elements share memory, or memory is read-only.

    Raises:
        RuntimeError: If the array is expanded or read-only.
    """
    if 0 in a.strides and a.size and any(not s and n > 1 for n, s in zip(a.shape, a.strides, strict=True)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location; the tensor "
            f"of shape {shape_text(a.shape)} is expanded. Please clone() it before writing"
        )
    if not getattr(a.flags, "writeable", True):
        raise RuntimeError("this tensor shares the memory of a read-only NumPy array; write into a .clone() of it")


def store(out: Any, source: Any, name: str, *read: Any) -> Any:
    """Put a result into the tensor or tensors given as `out=`.

    Args:
        out: The tensor, or a sequence of them.
        source: The result.
        name: The op's, for messages.
        read: Inputs that `out` may share no memory with, for ops that PyTorch lets write while they read.

    Raises:
        RuntimeError: If a tensor here records gradients, the dtype does not fit, the devices differ, or memory is shared.
    """
    if type(source) is tuple:
        return type(source)(store(o, s, name, *read) for o, s in zip(out, source, strict=True))
    if not isinstance(out, _core.Tensor):
        raise argument_error(name, "out", out)
    if source._tape is not None or (out._tape is not None and _core.autograd().is_grad_enabled()):
        raise RuntimeError(f"{name}(): functions with out=... arguments don't support automatic differentiation")
    if not can_cast(FROM_NUMPY[source._a.dtype], FROM_NUMPY[out._a.dtype]):
        raise RuntimeError(f"result type {source.dtype.name} can't be cast to the desired output type {out.dtype.name}")
    writable(out._a)
    if sockets.before_write is not None and _core.is_inference(out):
        sockets.before_write(out)
    grows = out._a.shape != source._a.shape
    for x in read:
        _apart(name, out._a, x._a, grows)
    if grows:
        _resize(out, source._a.shape, name)
    out._a[...] = source._a
    wrote(out, 3)
    return out


def _apart(name: str, out: Any, a: Any, grows: bool) -> None:
    """Refuse to write into memory that is read; a tensor that grows may reach anything in its buffer.

    Raises:
        RuntimeError: If the two overlap.
    """
    if type(out) is type(a) is ndarray and (root_of(out) is root_of(a) if grows else np.may_share_memory(out, a)):
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. "
            f"Please clone() the tensor before performing the operation ({name})."
        )


def _resize(out: Any, shape: tuple[int, ...], name: str) -> None:
    """Give `out` another shape; PyTorch warns unless it was empty."""
    if out._a.size:
        warnings.warn(
            f"An output with one or more elements was resized since it had shape {shape_text(out._a.shape)}, which does not "
            f"match the required output shape {shape_text(shape)} of {name}(). Pass an output of that shape, or none.",
            UserWarning,
            stacklevel=4,
        )
    out._a = np.empty_like(out._a, shape=shape)
