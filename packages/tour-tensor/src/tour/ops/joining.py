"""Putting tensors together: cat, stack and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._core import Op, kernel_among, ndarray, new, packed
from tour._errors import shape_text
from tour._layouts import is_channels_last
from tour._operands import cast, promoted
from tour._shapes import wrap_dim
from tour._storing import store

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["cat", "column_stack", "concat", "concatenate", "dstack", "hstack", "row_stack", "stack", "vstack"]

Tensors = Sequence["Tensor"]


# --- Together -------------------------------------------------------------------------------------------------------------


def _cat(arrays: Any, dim: int) -> Any:
    return np.concatenate(arrays, dim)


_CAT = Op("cat", ("tensors", "dim"), _cat, lists=True)


def cat(tensors: Tensors, dim: int = 0, *, out: Tensor | None = None, axis: int | None = None) -> Tensor:
    """Tensors put together along a dimension that they have.

    Args:
        tensors: Tensors of equal shapes but for `dim`; their dtypes are promoted. Empty vectors are passed over.
        dim: The dimension; NumPy's name `axis` does as well.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the shapes do not fit.

    Examples:
        >>> import tour
        >>> tour.cat([tour.zeros(1, 2), tour.ones(1, 2)])
        tensor([[0., 0.],
                [1., 1.]])
    """
    if axis is not None:
        dim = axis
    if type(tensors) is not list and type(tensors) is not tuple:
        tensors = _tensors("cat", tensors)
    try:
        arrays = [t._a for t in tensors]
        r = np.concatenate(arrays, dim)
    except (AttributeError, TypeError, ValueError):
        r = None
    if r is not None:
        d = r.dtype
        for a in arrays:
            if a.dtype is not d:
                r = None
                break
    if r is None:
        tensors = _fitting(tensors, dim)
        r = np.concatenate([t._a for t in tensors if t._a.shape != (0,)] or [t._a for t in tensors], dim)
    t: Tensor = new(_core.Tensor)
    t._a = r if r.ndim > 3 and is_channels_last(r) else packed(r)
    t._tape = None
    for x in tensors:
        if x._tape is not None:
            _CAT.record(t, tensors, dim)
            break
    return t if out is None else store(out, t, "cat", *tensors)


def _fitting(tensors: Any, dim: int) -> list[Tensor]:
    """Tensors to be joined, in one dtype.

    Raises:
        TypeError: If one is no tensor.
        RuntimeError: If there is none, or their shapes do not fit.
    """
    made = _tensors("cat", tensors)
    solid = [t._a.shape for t in made if t._a.shape != (0,)]
    if solid:
        axis = wrap_dim(dim, len(solid[0]))
    for i, t in enumerate(made):
        if not t._a.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated; use stack")
        if t._a.shape != (0,):
            _same_but(solid[0], t._a.shape, axis, i)
    common = promoted(made)
    return [cast(t, common) for t in made]


def _tensors(name: str, tensors: Any) -> list[Any]:
    """The tensors of a sequence, NumPy arrays made tensors."""
    if isinstance(tensors, _core.Tensor) or not hasattr(tensors, "__iter__"):
        kind = type(tensors).__name__
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {kind}")
    made = [_core.wrap(t) if isinstance(t, ndarray) else t for t in tensors]
    for i, t in enumerate(made):
        if not isinstance(t, _core.Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}")
    if not made:
        raise (ValueError if name == "cat" else RuntimeError)(f"{name}(): expected a non-empty list of Tensors")
    return made


def _same_but(first: tuple[int, ...], shape: tuple[int, ...], axis: int, i: int) -> None:
    if len(shape) != len(first):
        raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
    for d, (n, m) in enumerate(zip(first, shape, strict=True)):
        if n != m and d != axis:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {axis}. Expected size {n} but got size {m} for tensor number "
                f"{i} in the list."
            )


concat = concatenate = cat


def _stack(arrays: Any, dim: int) -> Any:
    if not dim and len(arrays) < 64 and type(arrays[0]) is ndarray:
        return np.array(arrays)  # half the time where there are few
    lead = (slice(None),) * dim
    return np.concatenate([a[(*lead, None)] for a in arrays], dim)


_STACK = Op("stack", ("tensors", "dim"), _stack, lists=True)


def stack(tensors: Tensors, dim: int = 0, *, out: Tensor | None = None, axis: int | None = None) -> Tensor:
    """Tensors of one shape put together along a new dimension.

    Raises:
        RuntimeError: If the shapes differ.

    Examples:
        >>> import tour
        >>> tour.stack([tour.zeros(2), tour.ones(2)], dim=1)
        tensor([[0., 1.],
                [0., 1.]])
    """
    if axis is not None:
        dim = axis
    try:
        arrays = [t._a for t in tensors]
        first = arrays[0]
        axis = dim if dim >= 0 else dim + first.ndim + 1
        r = _stack(arrays, axis)
    except (AttributeError, TypeError, ValueError, IndexError):
        r = None
    if r is not None:
        d, shape = r.dtype, first.shape
        for a in arrays:
            if a.dtype is not d or a.shape != shape:
                r = None
                break
    if r is None:
        tensors = _alike(tensors, dim)
        axis = wrap_dim(dim, tensors[0]._a.ndim + 1)
        arrays = [t._a for t in tensors]
        r = kernel_among(_STACK, *arrays)(arrays, axis)
    t: Tensor = new(_core.Tensor)
    t._a = packed(r)
    t._tape = None
    for x in tensors:
        if x._tape is not None:
            _STACK.record(t, tensors, axis)
            break
    return t if out is None else store(out, t, "stack")


def _alike(tensors: Any, dim: int) -> list[Tensor]:
    """Tensors to be stacked, in one dtype.

    Raises:
        RuntimeError: If their shapes differ.
    """
    made = _tensors("stack", tensors)
    wrap_dim(dim, made[0]._a.ndim + 1)
    for i, t in enumerate(made):
        if t._a.shape != made[0]._a.shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {shape_text(made[0]._a.shape)} at entry 0 and "
                f"{shape_text(t._a.shape)} at entry {i}"
            )
    common = promoted(made)
    return [cast(t, common) for t in made]


def _at_least(tensors: Any, name: str, ndim: int) -> list[Any]:
    """The tensors with at least so many dimensions, as NumPy's `atleast_2d` and `atleast_3d` add them."""
    return [_with_dims(t, ndim) for t in _tensors(name, tensors)]


def _with_dims(t: Any, ndim: int) -> Any:
    n = t._a.shape
    if len(n) >= ndim:
        return t
    shape = (n or (1,)) if ndim == 1 else (1, *(n or (1,))) if ndim == 2 else _with_dims(t, 2)._a.shape
    return t.reshape(shape if ndim < 3 else (*shape, 1))


@numpy_too
def hstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """Tensors put side by side: along the second dimension, or the first of vectors.

    Examples:
        >>> import tour
        >>> tour.hstack([tour.tensor([1, 2]), tour.tensor([3])])
        tensor([1, 2, 3])
    """
    made = _at_least(tensors, "hstack", 1)
    return cat(made, int(made[0]._a.ndim > 1), out=out)


@numpy_too
def vstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """Tensors put below one another: along the first dimension; vectors count as rows.

    Examples:
        >>> import tour
        >>> tour.vstack([tour.tensor([1, 2]), tour.tensor([3, 4])])
        tensor([[1, 2],
                [3, 4]])
    """
    return cat(_at_least(tensors, "vstack", 2), 0, out=out)


row_stack = vstack


@numpy_too
def dstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """Tensors put behind one another: along the third dimension.

    Examples:
        >>> import tour
        >>> tour.dstack([tour.tensor([1, 2]), tour.tensor([3, 4])])
        tensor([[[1, 3],
                 [2, 4]]])
    """
    return cat(_at_least(tensors, "dstack", 3), 2, out=out)


@numpy_too
def column_stack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """Tensors put side by side, where vectors count as columns.

    Examples:
        >>> import tour
        >>> tour.column_stack([tour.tensor([1, 2]), tour.tensor([3, 4])])
        tensor([[1, 3],
                [2, 4]])
    """
    made = [t if t._a.ndim > 1 else t.reshape(t._a.size, 1) for t in _tensors("column_stack", tensors)]
    return cat(made, 1, out=out)
