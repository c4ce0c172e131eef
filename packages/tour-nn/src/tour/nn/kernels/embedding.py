"""Rows of a table by number, and the sum of gradients that come back to each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tour._compiled import FEW, NEVER, compilable

Array = NDArray[Any]


@compilable(NEVER)
def embedding(weight: Array, index: Array, padding_idx: int | None = None, scale_grad_by_freq: bool = False) -> Array:
    """`weight[index]`; what else is given only concerns the gradient.

    Examples:
        >>> embedding(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1]))
        array([[3., 4.],
               [3., 4.]])
    """
    if type(weight) is type(index) is np.ndarray and weight.ndim == 2:
        size = index.size * weight.shape[1]  # of the result
        if (r := embedding.socket.serve(size, FEW, weight, index)) is not NotImplemented:  # type: ignore[attr-defined]
            found: Array = r
            return found
    return np.take(weight, index, axis=0)


def frequencies(index: Array, rows: int) -> Array:
    """How often each row was looked up.

    Examples:
        >>> frequencies(np.array([2, 0, 2]), 3)
        array([1, 0, 2])
    """
    return np.bincount(index.ravel(), minlength=rows)


@compilable()
def embedding_grad(
    g: Array, index: Array, rows: int, padding_idx: int | None = None, scale_grad_by_freq: bool = False
) -> Array:
    """Gradient of the table: every row's gradients added up.

    Args:
        g: Gradient of the result, shape (*index.shape, width).
        index: The numbers of the rows.
        rows: How many rows the table has.
        padding_idx: The row that gets none.
        scale_grad_by_freq: Whether to divide by how often the row was looked up.

    Returns:
        Shape (rows, width).

    Examples:
        >>> embedding_grad(np.array([[1.0], [2.0], [4.0]]), np.array([2, 0, 2]), 3)
        array([[2.],
               [0.],
               [5.]])
    """
    width = g.shape[-1]
    wide = g.dtype.itemsize < 4
    flat = index.reshape(-1, 1).astype(np.intp, copy=False)
    total = np.zeros(rows * width, np.float32 if wide else g.dtype, like=g)
    # In one dimension add.at is compiled: 2 ns for each element, ten times less than over rows.
    np.add.at(
        total, (flat * width + np.arange(width, like=index)).ravel(), g.reshape(-1).astype(total.dtype, copy=False)
    )
    total = total.reshape(rows, width)
    if scale_grad_by_freq:
        total /= np.maximum(frequencies(index, rows), 1)[:, None]
    if padding_idx is not None:
        total[padding_idx] = 0
    return total.astype(g.dtype, copy=False)


def renorm_rows(weight: Array, index: Array, max_norm: float, norm_type: float) -> bool:
    """Shrink, in place, the rows that are looked up and whose norm is larger than `max_norm`; whether any was.

    Examples:
        >>> table = np.array([[3.0, 4.0], [30.0, 40.0]])
        >>> renorm_rows(table, np.array([0]), 1.0, 2.0)
        True
        >>> table.round(4)
        array([[ 0.6,  0.8],
               [30. , 40. ]])
    """
    used = np.unique(index)
    norms = np.linalg.norm(weight[used], norm_type, axis=1)
    long = norms > max_norm
    weight[used[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(weight.dtype)
    return bool(long.any())


def bag_winners(rows: Array, starts: Array, bags: Array) -> Array:
    """For each bag and column, which row is the first largest.

    Args:
        rows: Shape (N, width), bag after bag.
        starts: Where each bag begins; none is empty.
        bags: For each row, which bag it is in.

    Returns:
        Shape (bags, width).

    Examples:
        >>> bag_winners(np.array([[1.0, 5.0], [2.0, 5.0], [0.0, 0.0]]), np.array([0, 2]), np.array([0, 0, 1]))
        array([[1, 0],
               [2, 2]])
    """
    largest = np.maximum.reduceat(rows, starts, axis=0)
    places = np.where((rows == largest[bags]) | (rows != rows), np.arange(len(rows), like=rows)[:, None], len(rows))
    return np.minimum.reduceat(places, starts, axis=0)
