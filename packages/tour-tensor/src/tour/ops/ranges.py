"""Evenly spaced numbers, and the identity matrix."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, _dtypes
from tour._dtypes import COMPLEX, FLOATING, FROM_NUMPY
from tour.ops.factories import made, new_dtype

if TYPE_CHECKING:
    from tour._devices import device as Device
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = ["arange", "eye", "linspace", "logspace", "range"]


def _number(x: Any) -> Any:
    """A Python number, also from a tensor without dimensions."""
    return x.item() if hasattr(x, "item") else x


def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to but without `end`, `step` apart.

    Args:
        start: The first number.
        end: Where to stop.
        step: The distance of neighbours.
        out: A tensor to write the result into.
        dtype: The element type; by default int64 if all numbers are integers, else the default dtype.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.
        pin_memory: Accepted for PyTorch's sake.

    Raises:
        RuntimeError: If `step` is 0 or leads away from `end`, or a number is not finite.

    Examples:
        >>> import tour
        >>> tour.arange(1, 7, 2)
        tensor([1, 3, 5])
    """
    if end is None:
        start, end = 0, start
    if type(start) is type(end) is type(step) is int and dtype is None and out is None and (end - start) * step > 0:
        return made("arange", np.arange(start, end, step), None, layout, device, requires_grad)
    low, high, by = map(_number, (start, end, step))
    _check_range(low, high, by)
    if dtype is not None or out is not None:
        low, high, by = _as_integers(new_dtype("arange", dtype, out), low, high, by)
    whole = all([isinstance(x, int) for x in (low, high, by)])
    target = np.dtype(np.int64) if whole and dtype is None and out is None else new_dtype("arange", dtype, out)
    if target.kind in "bc":
        raise NotImplementedError(f'"arange_cpu" not implemented for {FROM_NUMPY[target].name}')
    count = -((low - high) // by) if whole else int(np.ceil((high - low) / by))
    values = np.arange(count, dtype=np.int64 if FROM_NUMPY[target].rank < FLOATING and whole else np.float64)
    if by != 1:
        values = values * by
    if low:
        values = values + low
    return made("arange", values.astype(target, copy=False), out, layout, device, requires_grad)


def _as_integers(target: Any, low: Any, high: Any, by: Any) -> tuple[Any, Any, Any]:
    """For int64, the numbers without their fractions, as PyTorch takes them."""
    if target != np.int64:
        return low, high, by
    low, high, by = int(low), int(high), int(by)
    if not by:
        raise ValueError("step must be nonzero: as an integer it is 0")
    return low, high, by


def _check_range(low: Any, high: Any, by: Any) -> None:
    if any(isinstance(x, complex) for x in (low, high, by)):
        raise RuntimeError("arange(): complex numbers have no order")
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise RuntimeError(f"unsupported range: {low} -> {high}")
    if not by:
        raise RuntimeError("step must be nonzero")
    if (high - low) * by < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def range(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from `start` to `end`, both included, `step` apart, in the default dtype; deprecated in favour of `arange`.

    There are `floor((end - start) / step) + 1` of them, so `end` is met only if `step` divides the distance.

    Args:
        start: The first number; if `end` is None the last, and the first is 0.
        end: The last number.
        step: The distance of neighbours, not 0.
        out: A tensor to write the result into.
        dtype: The element type; the default dtype if None.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.

    Raises:
        RuntimeError: If `step` is 0 or leads away from `end`, or `start` or `end` is not finite.

    Examples:
        >>> import warnings
        >>> import tour
        >>> with warnings.catch_warnings(action="ignore"):
        ...     tour.range(1, 2, 0.5)
        tensor([1.0000, 1.5000, 2.0000])
    """
    warnings.warn(
        "tour.range is deprecated, as in PyTorch: its behaviour is inconsistent with Python's range. Use tour.arange, which leaves "
        "out the end",
        UserWarning,
        stacklevel=2,
    )
    if end is None:
        start, end = 0, start
    low, high, by = map(_number, (start, end, step))
    _check_range(low, high, by)
    values = low + np.arange(int((high - low) / by) + 1) * by
    return made("range", np.asarray(values).astype(new_dtype("range", dtype, out)), out, layout, device, requires_grad)


def _ends(name: str, start: Any, end: Any) -> tuple[Any, Any]:
    """First and last number of a range, also from tensors without dimensions."""
    for what, x in (("start", start), ("end", end)):
        if isinstance(x, _core.Tensor) and x._a.ndim:
            raise RuntimeError(
                f"{name} only supports 0-dimensional start and end tensors, but got {what} with {x._a.ndim} dimension(s)"
            )
    return _number(start), _number(end)


def _spaced_dtype(name: str, ends: tuple[Any, Any], dtype: Any, out: Any) -> Any:
    if not any(isinstance(x, complex) for x in ends):
        return new_dtype(name, dtype, out)
    target = _dtypes.default_complex().numpy if dtype is None and out is None else new_dtype(name, dtype, out)
    if FROM_NUMPY[target].rank < COMPLEX:
        raise RuntimeError(
            f"{name}(): inferred dtype complex can't be safely cast to passed dtype {FROM_NUMPY[target].name}"
        )
    return target


def _spaced(name: str, low: Any, high: Any, steps: Any, target: Any) -> Any:
    """Evenly spaced numbers with both ends: the first half counted from the start, the second from the end, as PyTorch does."""
    count = _number(steps)
    if isinstance(count, float) or not hasattr(count, "__index__"):
        raise TypeError(f"{name}(): argument 'steps' (position 3) must be int, not {type(steps).__name__}")
    if count < 0:
        raise RuntimeError("number of steps must be non-negative")
    low, high = (x if isinstance(x, complex) else np.asarray(x).astype(target).item() for x in (low, high))
    step = (high - low) / (count - 1) if count > 1 else 0
    values = np.empty(count, np.complex128 if target.kind == "c" else np.float64)
    if count == 1:
        values[0] = low
    else:
        half = count // 2
        values[:half] = np.arange(half) * step + low
        values[half:] = high - np.arange(count - 1 - half, -1, -1) * step
    return values


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """`steps` evenly spaced numbers from `start` to `end`, both included.

    The formula is `out[i] = start + i (end - start) / (steps - 1)`; a single number is `start`.

    Args:
        start: The first number; also a tensor without dimensions.
        end: The last number; also a tensor without dimensions.
        steps: How many numbers, at least 0.
        out: A tensor to write the result into.
        dtype: The element type; if None the default dtype, or the complex one of that precision for complex ends.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.
        pin_memory: Accepted for PyTorch's sake.

    Raises:
        TypeError: If `steps` is not an integer.
        RuntimeError: If `steps` is negative, an end has dimensions, or an end is complex and the dtype is not.

    Examples:
        >>> import tour
        >>> tour.linspace(0, 1, 3)
        tensor([0.0000, 0.5000, 1.0000])
    """
    low, high = _ends("linspace", start, end)
    target = _spaced_dtype("linspace", (low, high), dtype, out)
    values = _spaced("linspace", low, high, steps, target)
    return made("linspace", values.astype(target), out, layout, device, requires_grad)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """`steps` numbers from `base ** start` to `base ** end`, both included, whose logarithms are evenly spaced.

    The formula is `out[i] = base ** (start + i (end - start) / (steps - 1))`; a single number is `base ** start`.

    Args:
        start: The first exponent; also a tensor without dimensions.
        end: The last exponent; also a tensor without dimensions.
        steps: How many numbers, at least 0.
        base: What is raised to the exponents.
        out: A tensor to write the result into.
        dtype: The element type; if None the default dtype, or the complex one of that precision for complex exponents.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.
        pin_memory: Accepted for PyTorch's sake.

    Raises:
        TypeError: If `steps` is not an integer.
        RuntimeError: If `steps` is negative, an end has dimensions, or an end is complex and the dtype is not.

    Examples:
        >>> import tour
        >>> tour.logspace(0, 2, 3)
        tensor([  1.,  10., 100.])
    """
    low, high = _ends("logspace", start, end)
    target = _spaced_dtype("logspace", (low, high), dtype, out)
    values = np.power(base, _spaced("logspace", low, high, steps, target))
    return made("logspace", values.astype(target), out, layout, device, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Device | str | int | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A matrix with ones on the diagonal and zeros elsewhere; square unless `m`, the number of columns, is given.

    Examples:
        >>> import tour
        >>> tour.eye(2)
        tensor([[1., 0.],
                [0., 1.]])
    """
    for name, k in (("n", n), ("m", m)):
        if k is not None and k < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {k}")
    return made("eye", np.eye(n, m, dtype=new_dtype("eye", dtype, out)), out, layout, device, requires_grad)
