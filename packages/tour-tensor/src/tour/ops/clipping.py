"""Bounds: elements kept between two, the larger or smaller of two, and numbers for what is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._declare import binary, primitive
from tour._dtypes import BOOLEAN, COMPLEX, FLOATING, FROM_NUMPY, finfo
from tour._errors import argument_error
from tour._kernels import bounded
from tour._operands import NUMBER, cast, common
from tour._storing import in_place, store

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "clamp",
    "clamp_",
    "clamp_max",
    "clamp_max_",
    "clamp_min",
    "clamp_min_",
    "clip",
    "clip_",
    "fmax",
    "fmin",
    "maximum",
    "minimum",
    "nan_to_num",
    "nan_to_num_",
]


_PLAIN = (float, int, type(None))  # bounds that leave a floating-point dtype as it is


def _clamp_kernel(a: Any, low: Any, high: Any) -> Any:
    """NaN anywhere gives NaN, and `high` wins where the bounds cross."""
    if type(low) in _PLAIN and type(high) in _PLAIN:
        return bounded(a, low, high)
    if low is not None:
        a = np.maximum(a, _bound(low, a))
    return a if high is None else np.minimum(a, _bound(high, a))


def _bound(x: Any, a: Any) -> Any:
    return a.dtype.type(x) if isinstance(x, (int, float)) else x


@primitive(_clamp_kernel, broadcasts=True)
def _clamp(input: Tensor, min: Tensor | float | None, max: Tensor | float | None) -> Tensor:
    """Each element between two bounds."""
    ...


def clamp(
    input: Tensor, min: Tensor | float | None = None, max: Tensor | float | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Each element, or the nearer bound if it lies outside; NaN stays NaN.

    Args:
        input: A real tensor.
        min: Lower bound, a number or a tensor; None for none.
        max: Upper bound; wins where the bounds cross.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If there is neither bound, or the dtype is complex.

    Examples:
        >>> import tour
        >>> tour.clamp(tour.tensor([-2.0, 0.5, 3.0]), min=0.0, max=1.0)
        tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    t = _clamp(*_matched(input, min, max))
    if t.dtype.rank == BOOLEAN:
        raise NotImplementedError('"clamp" is not implemented for bool')
    return t if out is None else store(out, t, "clamp")


def _matched(input: Any, low: Any, high: Any) -> Any:
    """The tensor and its bounds in the dtype of the result."""
    if input._a.dtype.kind == "f" and type(low) in _PLAIN and type(high) in _PLAIN:
        return input, low, high
    bounds = [x for x in (low, high) if x is not None]
    for x in bounds:
        if not isinstance(x, (_core.Tensor, *NUMBER)):
            raise argument_error("clamp", "min" if x is low else "max", x, "Tensor or Number")
    d = FROM_NUMPY[input._a.dtype]
    if d.rank < FLOATING or not all(isinstance(x, (int, float)) for x in bounds):
        d = common(input, *(_core.Tensor._of(x, input) for x in bounds))[0].dtype
    if d.rank == COMPLEX:
        raise NotImplementedError("clamp is not supported for complex types")
    return cast(input, d), *(cast(x, d) if isinstance(x, _core.Tensor) else x for x in (low, high))


def clamp_min(input: Tensor, min: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Each element, or the lower bound if that is larger.

    Examples:
        >>> import tour
        >>> tour.clamp_min(tour.tensor([-2.0, 0.5, 3.0]), 0.0)
        tensor([0.0000, 0.5000, 3.0000])
    """
    t = _clamp(*_matched(input, min, None))
    return t if out is None else store(out, t, "clamp_min")


def clamp_max(input: Tensor, max: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Each element, or the upper bound if that is smaller.

    Examples:
        >>> import tour
        >>> tour.clamp_max(tour.tensor([-2.0, 0.5, 3.0]), 1.0)
        tensor([-2.0000,  0.5000,  1.0000])
    """
    t = _clamp(*_matched(input, None, max))
    return t if out is None else store(out, t, "clamp_max")


# --- The larger and the smaller of two ----------------------------------------------------------------------------------------


@binary(np.maximum, refuses="c", numbers="none")
def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two elements, broadcasting; NaN if either is.

    Examples:
        >>> import tour
        >>> tour.maximum(tour.tensor([1.0, 5.0]), tour.tensor([3.0, 4.0]))
        tensor([3., 5.])
    """
    ...


@binary(np.minimum, refuses="c", numbers="none")
def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two elements, broadcasting; NaN if either is.

    Examples:
        >>> import tour
        >>> tour.minimum(tour.tensor([1.0, 5.0]), tour.tensor([3.0, 4.0]))
        tensor([1., 4.])
    """
    ...


@binary(np.fmax, refuses="c", numbers="none")
def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two elements, broadcasting; the other one where one is NaN.

    Examples:
        >>> import tour
        >>> tour.fmax(tour.tensor([1.0, float("nan")]), tour.tensor([3.0, 4.0]))
        tensor([3., 4.])
    """
    ...


@binary(np.fmin, refuses="c", numbers="none")
def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two elements, broadcasting; the other one where one is NaN.

    Examples:
        >>> import tour
        >>> tour.fmin(tour.tensor([1.0, float("nan")]), tour.tensor([3.0, 4.0]))
        tensor([1., 4.])
    """
    ...


# --- What is no number ----------------------------------------------------------------------------------------------------


def _nan_to_num_kernel(a: Any, nan: float | None, posinf: float | None, neginf: float | None) -> Any:
    if a.dtype.kind == "c":
        parts = a.reshape(*a.shape, 1).view(a.real.dtype)
        return _nan_to_num_kernel(parts, nan, posinf, neginf).view(a.dtype).reshape(a.shape)
    if a.dtype.kind not in "fV":
        return a.copy()
    limits = finfo(FROM_NUMPY[a.dtype])
    a = np.where(np.isnan(a), a.dtype.type(0 if nan is None else nan), a)
    a = np.where(a == np.inf, a.dtype.type(limits.max if posinf is None else posinf), a)
    return np.where(a == -np.inf, a.dtype.type(limits.min if neginf is None else neginf), a)


@primitive(_nan_to_num_kernel, broadcasts=True)
def _nan_to_num(input: Tensor, nan: float | None, posinf: float | None, neginf: float | None) -> Tensor:
    """Each element, with NaN and infinities replaced."""
    ...


@numpy_too
def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Each element, with NaN and infinities replaced by numbers.

    Args:
        input: Any tensor; integers are copied.
        nan: What stands for NaN; 0 if None.
        posinf: What stands for infinity; the dtype's largest number if None.
        neginf: What stands for minus infinity; the dtype's smallest number if None.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.nan_to_num(tour.tensor([float("nan"), float("inf"), 1.0]), posinf=9.0)
        tensor([0., 9., 1.])
    """
    for name, x in (("nan", nan), ("posinf", posinf), ("neginf", neginf)):
        if x is not None and not isinstance(x, (int, float, np.number)):
            raise argument_error("nan_to_num", name, x, "float")
    t = _nan_to_num(input, nan, posinf, neginf)
    return t if out is None else store(out, t, "nan_to_num")


clip = clamp

clamp_, clamp_min_, clamp_max_ = in_place(clamp), in_place(clamp_min), in_place(clamp_max)
clip_ = clamp_
nan_to_num_ = in_place(nan_to_num)


class Clipping:
    """Bounds and extremes of two, as methods."""

    __slots__ = ()

    clamp, clip, clamp_min, clamp_max, nan_to_num = clamp, clip, clamp_min, clamp_max, nan_to_num
    clamp_, clip_, clamp_min_, clamp_max_, nan_to_num_ = clamp_, clip_, clamp_min_, clamp_max_, nan_to_num_
    maximum, minimum, fmax, fmin = maximum, minimum, fmax, fmin
