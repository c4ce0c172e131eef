"""Grids and combinations of vectors."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from tour.ops.indexing import getitem
from tour.ops.joining import _tensors, stack

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["cartesian_prod", "combinations", "meshgrid"]


def _several(tensors: Any) -> Any:
    return tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Coordinates of a grid: each vector expanded along the dimensions of the others.

    Args:
        tensors: Vectors, as varargs or a list.
        indexing: `"ij"` for matrix order (PyTorch's default), `"xy"` for Cartesian order, NumPy's default.

    Examples:
        >>> import tour
        >>> rows, columns = tour.meshgrid(tour.arange(2), tour.arange(3), indexing="ij")
        >>> columns
        tensor([[0, 1, 2],
                [0, 1, 2]])
    """
    made = _tensors("meshgrid", _several(tensors))
    if indexing is None:
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for t in made:
        if t._a.ndim > 1:
            raise RuntimeError(f"meshgrid: Expected 0D or 1D tensor in the tensor list but got: {t}")
        if t._a.dtype is not made[0]._a.dtype:
            raise RuntimeError("meshgrid: expects all tensors to have the same dtype")
    swap = indexing == "xy" and len(made) > 1
    if swap:
        made[:2] = made[1::-1]
    shape = tuple(t._a.size for t in made)
    grids = [t.reshape(-1, *[1] * (len(made) - i - 1)).expand(shape) for i, t in enumerate(made)]
    if swap:
        grids[:2] = grids[1::-1]
    return tuple(grids)


def cartesian_prod(*tensors: Any) -> Tensor:
    """All tuples with one element of each vector, as rows.

    Examples:
        >>> import tour
        >>> tour.cartesian_prod(tour.tensor([1, 2]), tour.tensor([3, 4]))
        tensor([[1, 3],
                [1, 4],
                [2, 3],
                [2, 4]])
    """
    made = _tensors("cartesian_prod", _several(tensors))
    for t in made:
        if t._a.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(t._a.shape)}")
    if len(made) == 1:
        return made[0]  # type: ignore[no-any-return]
    return stack([g.reshape(-1) for g in meshgrid(*made, indexing="ij")], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of `r` elements of a vector, in order, as rows.

    Args:
        input: A vector of n elements.
        r: How many are chosen.
        with_replacement: Whether an element may be chosen more than once.

    Returns:
        Shape (c, r) for c choices, of which there are `n! / (r! (n - r)!)` without replacement; an empty vector if `r`
        is 0.

    Raises:
        RuntimeError: If `input` is no vector, or `r` is negative.

    Examples:
        >>> import tour
        >>> tour.combinations(tour.tensor([1, 2, 3]))
        tensor([[1, 2],
                [1, 3],
                [2, 3]])
    """
    if input._a.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input._a.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if not r:
        return input.new_empty(0)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(input._a.size), r)), np.int64).reshape(-1, r)
    return getitem(input, rows if type(input._a) is np.ndarray else np.asarray(rows, like=input._a))
