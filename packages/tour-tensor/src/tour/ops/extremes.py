"""Largest and smallest elements, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, return_types
from tour._calling import numpy_too
from tour._compiled import LARGE, Socket
from tour._core import Op, as_array, kernel_for, ndarray, new, packed
from tour._declare import result
from tour._dtypes import FROM_NUMPY
from tour._errors import check_out
from tour._shapes import axes, wrap_dim
from tour._storing import store
from tour._widening import reduce_maximum, reduce_minimum
from tour.ops.clipping import maximum, minimum
from tour.ops.reductions import tensor_argument

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "max", "min"]

Dim = int | tuple[int, ...] | None
_PLAIN = {np.dtype(t) for t in (np.float32, np.float64, np.int32, np.int64)}


def ordered(name: str, a: Any) -> None:
    """Refuse dtypes whose elements have no order.

    Raises:
        NotImplementedError: If the elements are complex; it is a RuntimeError.
    """
    if a.dtype.kind == "c":
        raise NotImplementedError(f'"{name}" not implemented for complex numbers, got {FROM_NUMPY[a.dtype].name}')


def not_empty(name: str, a: Any, axis: Any) -> None:
    """Refuse to choose from nothing.

    Raises:
        RuntimeError: If the tensor is empty and no dimension is named; IndexError for an index.
        IndexError: If a named dimension has size 0.
    """
    if a.size:
        return
    if axis is None:
        raise (IndexError if name.startswith("arg") else RuntimeError)(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' "
            "argument."
        )
    for i in axis if type(axis) is tuple else (axis,):
        if not a.shape[i]:
            raise IndexError(f"{name}(): Expected reduction dim {i} to have non-zero size.")


# --- Values alone: elements that tie share the gradient --------------------------------------------------------------------


def _amax(a: Any, dim: Any, keepdim: bool) -> Any:
    axis: Any = axes(dim, a.ndim)
    large = a.size >= LARGE and type(a) is ndarray
    if large and (r := _amax_form.form(a, axis, keepdim)) is not NotImplemented:
        return r
    return reduce_maximum(a, axis=axis, keepdims=keepdim)


def _amin(a: Any, dim: Any, keepdim: bool) -> Any:
    axis: Any = axes(dim, a.ndim)
    large = a.size >= LARGE and type(a) is ndarray
    if large and (r := _amin_form.form(a, axis, keepdim)) is not NotImplemented:
        return r
    return reduce_minimum(a, axis=axis, keepdims=keepdim)


_amax_form, _amin_form = Socket(_amax), Socket(_amin)


_AMAX = Op("amax", ("input", "dim", "keepdim"), _amax)
_AMIN = Op("amin", ("input", "dim", "keepdim"), _amin)


def _extreme(op: Op, input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    a = input._a
    if dim is None and 0 < a.size < LARGE and type(a) is ndarray and a.flags.c_contiguous and a.dtype in _PLAIN:
        where = a.argmax() if op is _AMAX else a.argmin()  # a sixth of the time of reducing; NaN comes first in both
        return result(op, a.reshape(-1)[where], input, dim, keepdim)  # type: ignore[no-any-return]
    if not a.size or a.dtype.kind == "c":
        ordered(op.name, a)
        not_empty(op.name, a, axes(dim, a.ndim))
    return result(op, kernel_for(op, a)(a, dim, keepdim), input, dim, keepdim)  # type: ignore[no-any-return]


@numpy_too
def amax(input: Tensor, dim: Dim = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Largest elements over dimensions, or over all; NaN if there is one.

    Elements that tie share the gradient evenly.

    Args:
        input: A real or boolean tensor.
        dim: A dimension, or a tuple of them; all if it is empty (the default) or None.
        keepdim: Whether the dimensions stay, with size 1.
        out: A tensor of the same dtype as `input` to write the result into.

    Raises:
        RuntimeError: If a dimension is named twice, `input` is empty and no dimension is named, or `out` has another
            dtype.
        NotImplementedError: If the elements are complex.
        IndexError: If a dimension is out of range or has size 0.

    Examples:
        >>> import tour
        >>> tour.amax(tour.tensor([[1, 5], [3, 2]]), dim=1)
        tensor([5, 3])
    """
    t = _extreme(_AMAX, input, dim, keepdim)
    return t if out is None else store(same_dtype("amax", out, t), t, "amax")


@numpy_too
def amin(input: Tensor, dim: Dim = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Smallest elements over dimensions, or over all; NaN if there is one.

    Elements that tie share the gradient evenly.

    Args:
        input: A real or boolean tensor.
        dim: A dimension, or a tuple of them; all if it is empty (the default) or None.
        keepdim: Whether the dimensions stay, with size 1.
        out: A tensor of the same dtype as `input` to write the result into.

    Raises:
        RuntimeError: If a dimension is named twice, `input` is empty and no dimension is named, or `out` has another
            dtype.
        NotImplementedError: If the elements are complex.
        IndexError: If a dimension is out of range or has size 0.

    Examples:
        >>> import tour
        >>> tour.amin(tour.tensor([[1, 5], [3, 2]]), dim=1)
        tensor([1, 2])
    """
    t = _extreme(_AMIN, input, dim, keepdim)
    return t if out is None else store(same_dtype("amin", out, t), t, "amin")


def same_dtype(name: str, out: Any, t: Any) -> Any:
    """`out` itself, refused if it is no tensor, or its dtype is not that of the result."""
    check_out(name, out)
    if out.dtype is not t.dtype:
        raise RuntimeError(
            f"{name}(): Expected out tensor to have dtype {t.dtype.name}, the dtype of the input, but got {out.dtype.name} instead"
        )
    return out


@numpy_too
def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: tuple[Tensor, Tensor] | None = None
) -> return_types.aminmax:
    """Smallest and largest elements over a dimension, or over all.

    Both are NaN if there is one. Elements that tie share the gradient evenly.

    Args:
        input: A real or boolean tensor.
        dim: A dimension; None for all elements.
        keepdim: Whether the dimension stays, with size 1.
        out: A pair of tensors of the same dtype as `input` to write the results into.

    Returns:
        A named tuple of `min` and `max`.

    Raises:
        RuntimeError: If `input` is empty and no dimension is named, or a tensor of `out` has another dtype.
        NotImplementedError: If the elements are complex.
        IndexError: If the dimension is out of range or has size 0.

    Examples:
        >>> import tour
        >>> low, high = tour.aminmax(tour.tensor([3, 1, 2]))
        >>> low, high
        (tensor(1), tensor(3))
    """
    ordered("aminmax", input._a)
    not_empty("aminmax", input._a, axes(dim, input._a.ndim))
    pair = _extreme(_AMIN, input, dim, keepdim), _extreme(_AMAX, input, dim, keepdim)
    if out is not None:
        for o in out:
            same_dtype("aminmax", o, pair[0])
        pair = store(tuple(out), pair, "aminmax")
    return return_types.aminmax(*pair)


# --- Values and indices: the element that is chosen gets the gradient --------------------------------------------------------


def choose(op: Op, input: Tensor, pair: tuple[Any, Any], dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    """Chosen elements and their indices, as tensors; `op` records which were chosen.

    Args:
        op: An op with the parameters input, indices, dim and keepdim.
        input: What was chosen from.
        pair: The chosen elements, without `dim` unless `keepdim`; and where along `dim` each stands, in the same shape.
        dim: The dimension, counted from the front.
        keepdim: Whether the values still have that dimension.
    """
    values, indices = pair
    t: Tensor = new(_core.Tensor)
    t._a = packed(as_array(values))
    t._tape = None
    where = _core.wrap(packed(as_array(indices)))
    if input._tape is not None:
        op.record(t, input, where._a, dim, keepdim)
    return t, where


CHOICE = ("input", "indices", "dim", "keepdim")  # the parameters of every op that chooses along a dimension


def at(a: Any, indices: Any, axis: int, keepdim: bool) -> tuple[Any, Any]:
    """The elements of an array at one index along `axis` for each of the others, and the indices, with or without `axis`."""
    if not a.ndim:
        return a.copy(), np.zeros_like(indices)
    full = np.expand_dims(indices, axis)
    values = np.take_along_axis(a, full, axis)
    return (values, full) if keepdim else (np.squeeze(values, axis), indices)


def _maximum(a: Any, axis: int, keepdim: bool) -> tuple[Any, Any]:
    return _at_extreme(a, a.argmax(axis), reduce_maximum, axis, keepdim)


def _minimum(a: Any, axis: int, keepdim: bool) -> tuple[Any, Any]:
    return _at_extreme(a, a.argmin(axis), reduce_minimum, axis, keepdim)


def _at_extreme(a: Any, indices: Any, reduce: Any, axis: int, keepdim: bool) -> tuple[Any, Any]:
    """Values and indices of extremes: reducing twice is faster than gathering."""
    values = reduce(a, axis, None, None, keepdim)
    return values, np.expand_dims(indices, axis) if keepdim and a.ndim else indices


_MAX, _MIN = Op("max", CHOICE, _maximum), Op("min", CHOICE, _minimum)


def _choose_extreme(op: Op, input: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    a = input._a
    ordered(op.name, a)
    axis = wrap_dim(dim, a.ndim)
    if not a.size:
        not_empty(op.name, a, axis if a.ndim else None)
    return choose(op, input, kernel_for(op, a)(a, axis, keepdim), axis, keepdim)


def max(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out: Any = None,
    axis: int | None = None,
    keepdims: bool = False,
) -> Any:
    """Largest element of all; or, with `dim`, largest elements along it and their indices; or the larger of two tensors.

    Args:
        input: A real tensor.
        dim: A dimension, or a second tensor, which makes this `maximum`.
        keepdim: Whether the dimension stays, with size 1.
        other: The second tensor, by name.
        out: A tensor, or with `dim` a pair of tensors, to write the result into.
        axis: NumPy's name of `dim`.
        keepdims: NumPy's name of `keepdim`.

    Returns:
        One tensor; with `dim` a named tuple of `values` and `indices` (of the first of elements that tie).

    Raises:
        RuntimeError: If there is nothing to choose from, or the elements are complex.

    Examples:
        >>> import tour
        >>> values, indices = tour.tensor([[1, 5], [3, 2]]).max(dim=1)
        >>> values, indices
        (tensor([5, 3]), tensor([1, 0]))
    """
    if axis is not None:
        dim = axis
    if not isinstance(input, _core.Tensor):
        input = tensor_argument("max", input)
    if dim is None and other is None:
        t = _extreme(_AMAX, input, None, False)
        return t if out is None else store(same_dtype("max", out, t), t, "max")
    if other is not None or isinstance(dim, _core.Tensor):
        return maximum(input, dim if other is None else other, out=out)
    pair = _choose_extreme(_MAX, input, dim, keepdim or keepdims)
    return tuple.__new__(return_types.max, pair if out is None else store(tuple(out), pair, "max"))


def min(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out: Any = None,
    axis: int | None = None,
    keepdims: bool = False,
) -> Any:
    """Smallest element of all; or, with `dim`, smallest elements along it and their indices; or the smaller of two tensors.

    Args:
        input: A real tensor.
        dim: A dimension, or a second tensor, which makes this `minimum`.
        keepdim: Whether the dimension stays, with size 1.
        other: The second tensor, by name.
        out: A tensor, or with `dim` a pair of tensors, to write the result into.
        axis: NumPy's name of `dim`.
        keepdims: NumPy's name of `keepdim`.

    Returns:
        One tensor; with `dim` a named tuple of `values` and `indices` (of the first of elements that tie).

    Raises:
        RuntimeError: If there is nothing to choose from, or the elements are complex.

    Examples:
        >>> import tour
        >>> tour.min(tour.tensor([3, 1, 2]))
        tensor(1)
    """
    if axis is not None:
        dim = axis
    if not isinstance(input, _core.Tensor):
        input = tensor_argument("min", input)
    if dim is None and other is None:
        t = _extreme(_AMIN, input, None, False)
        return t if out is None else store(same_dtype("min", out, t), t, "min")
    if other is not None or isinstance(dim, _core.Tensor):
        return minimum(input, dim if other is None else other, out=out)
    pair = _choose_extreme(_MIN, input, dim, keepdim or keepdims)
    return tuple.__new__(return_types.min, pair if out is None else store(tuple(out), pair, "min"))


def _index_of(name: str, a: Any, dim: int | None, keepdim: bool, out: Any) -> Tensor:
    """Where the extreme elements of a raw array stand."""
    if a.dtype.kind in "bc":
        ordered(name, a)
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for 'Bool'; call .int() first")
    axis = None if dim is None else wrap_dim(dim, a.ndim)
    if not a.size:
        not_empty(name, a, axis if a.ndim else None)
    r = a.argmax(axis) if name == "argmax" else a.argmin(axis)
    if keepdim and a.ndim:
        r = np.expand_dims(r, axis) if axis is not None else as_array(r).reshape((1,) * a.ndim)
    t = _core.wrap(packed(as_array(r)))
    return t if out is None else store(out, t, name)


@numpy_too
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Index of the largest element: along a dimension, or among all elements in row-major order.

    NaN, if there is one, is taken.

    Args:
        input: A real tensor, not of booleans.
        dim: A dimension; None for all elements, as if the tensor were flat.
        keepdim: Whether the dimensions that are searched stay, with size 1.
        out: A tensor to write the result into.

    Returns:
        int64 indices; the first of elements that tie.

    Raises:
        IndexError: If there is nothing to choose from, or the dimension is out of range.
        NotImplementedError: If the elements are boolean or complex.

    Examples:
        >>> import tour
        >>> tour.argmax(tour.tensor([[1, 5], [3, 2]]), dim=1)
        tensor([1, 0])
    """
    return _index_of("argmax", input._a, dim, keepdim, out)


@numpy_too
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Index of the smallest element: along a dimension, or among all elements in row-major order.

    NaN, if there is one, is taken.

    Args:
        input: A real tensor, not of booleans.
        dim: A dimension; None for all elements, as if the tensor were flat.
        keepdim: Whether the dimensions that are searched stay, with size 1.
        out: A tensor to write the result into.

    Returns:
        int64 indices; the first of elements that tie.

    Raises:
        IndexError: If there is nothing to choose from, or the dimension is out of range.
        NotImplementedError: If the elements are boolean or complex.

    Examples:
        >>> import tour
        >>> tour.argmin(tour.tensor([[1, 5], [3, 2]]), dim=1)
        tensor([0, 1])
    """
    return _index_of("argmin", input._a, dim, keepdim, out)


class Extremes:
    """Extremes, as methods."""

    __slots__ = ()

    amax, amin, aminmax, max, min, argmax, argmin = amax, amin, aminmax, max, min, argmax, argmin
