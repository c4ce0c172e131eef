"""What the functions of linear algebra ask of their arguments, and how they fail."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from tour import _core
from tour._core import Op, as_array, held, kernel_among, wrap
from tour._declare import opened, taped
from tour._dtypes import FLOATING, FROM_NUMPY
from tour._errors import argument_error
from tour._storing import store

NAMES = {
    np.dtype(np.int64): "Long",
    np.dtype(np.float16): "Half",
    np.dtype(np.bool_): "Bool",
}  # PyTorch's, in its messages


class LinAlgError(RuntimeError):
    """A matrix that has no such factorization, inverse or solution.

    Examples:
        >>> import tour
        >>> tour.linalg.inv(tour.zeros(2, 2))
        Traceback (most recent call last):
            ...
        tour.linalg._checks.LinAlgError: linalg.inv: The diagonal element 1 is zero...
    """


def fractional(name: str, input: Any, what: str = "a floating point or complex tensor", low: bool = False) -> Any:
    """The tensor itself, for an array too.

    Args:
        name: The function, for the message.
        input: The tensor.
        what: What is expected, for the message.
        low: Whether half precision is taken.

    Raises:
        TypeError: If it is no tensor.
        RuntimeError: If its dtype is boolean, an integer, or half precision.
    """
    if isinstance(input, np.ndarray):
        input = wrap(input)
    if not isinstance(input, _core.Tensor):
        raise argument_error(name, "input", input)
    d = FROM_NUMPY[input._a.dtype]
    if d.rank < FLOATING:
        raise RuntimeError(f"{name}: Expected {what} as input. Got {NAMES.get(d.numpy, d.name)}")
    if not low and d.numpy.itemsize <= 2:
        raise RuntimeError(
            f"{name}: Low precision dtypes not supported. Got {NAMES.get(d.numpy, d.name)}; cast to float32 first"
        )
    return input


def matrix(name: str, input: Any, letter: str = "A") -> Any:
    """A tensor of matrices.

    Raises:
        RuntimeError: If it has fewer than two dimensions, or no fractions.
    """
    input = fractional(name, input)
    if input._a.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {letter} must have at least 2 dimensions.")
    return input


def square(name: str, input: Any, letter: str = "A") -> Any:
    """A tensor of square matrices.

    Raises:
        RuntimeError: If they are not square.
    """
    input = matrix(name, input, letter)
    m, n = input._a.shape[-2:]
    if m != n:
        raise RuntimeError(f"{name}: {letter} must be batches of square matrices, but they are {m} by {n} matrices")
    return input


def alike(name: str, a: Any, b: Any) -> None:
    """Refuse two tensors of different dtypes.

    Raises:
        RuntimeError: If they differ.
    """
    if a._a.dtype != b._a.dtype:
        raise RuntimeError(
            f"{name}: Expected A and B to have the same dtype, but found A of type {a.dtype.name} and B of type {b.dtype.name} instead"
        )


def batches(name: str, a: Any, b: Any) -> tuple[int, ...]:
    """The common batch dimensions of two arrays of matrices.

    Raises:
        RuntimeError: If they do not broadcast.
    """
    try:
        return np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise RuntimeError(
            f"{name}: The batch dimensions {list(a.shape[:-2])} and {list(b.shape[:-2])} of the matrices do not broadcast"
        ) from None


def made(op: Op, *values: Any) -> Any:
    """Run an op's kernel on its parameters; a tensor, or a tuple of tensors, recorded where an input is."""
    try:
        with np.errstate(all="ignore"):
            raw = tuple(map(opened, values))
            r = kernel_among(op, *raw)(*raw)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.{op.name.removeprefix('linalg_')}: {error}") from None
    t = tuple(wrap(as_array(x)) for x in r) if type(r) is tuple else wrap(as_array(r))
    if any(map(taped, values)):
        op.record(t, *values)
    return t


def given(t: Any, out: Any, name: str, kind: Callable[..., Any] | None = None) -> Any:
    """A result, or several as a named tuple, written into what was given as `out=`."""
    if kind is None:
        return t if out is None else store(out, t, name)
    return kind(*(t if out is None else store(tuple(out), tuple(t), name)))


def demand(info: Any, name: str, complaint: Callable[[int], str]) -> None:
    """Refuse to go on where a factorization has failed.

    Args:
        info: 0 where it went well, otherwise the row where it stopped, counted from 1; one for each matrix.
        name: The function, for the message.
        complaint: What the row means.

    Raises:
        LinAlgError: If one has failed; names the first.
    """
    info = held(info)
    if info.any():
        at = int(np.flatnonzero(info)[0])
        batch = f"(Batch element {at}): " if info.ndim else ""
        raise LinAlgError(f"{name}: {batch}{complaint(int(info.reshape(-1)[at]))}")


def singular(row: int) -> str:
    """Why there is no inverse."""
    return f"The diagonal element {row} is zero, the inversion could not be completed because the input matrix is singular."


def scipy_lapack(name: str) -> Any:
    """SciPy's LAPACK, imported at first use.

    Raises:
        RuntimeError: If SciPy is not installed.
    """
    try:
        return import_module("scipy.linalg.lapack")
    except ModuleNotFoundError:
        raise RuntimeError(f"{name} needs SciPy; run `pip install tour-tensor[scipy]`") from None
