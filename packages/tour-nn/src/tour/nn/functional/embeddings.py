"""Embeddings: rows of a table by number, alone or summed up in bags; and one-hot vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

import tour
from tour import Tensor
from tour._core import held, wrap, wrote
from tour._declare import primitive
from tour.autograd.rule import vjp
from tour.nn.functional._sizes import all_below
from tour.nn.kernels import embedding as kernels

__all__ = ["embedding", "embedding_bag", "one_hot"]


@primitive(kernels.embedding)
def _embedding(weight: Tensor, index: Tensor, padding_idx: int | None, scale_grad_by_freq: bool) -> Tensor:
    """Rows of `weight`."""
    ...


def _table_grad(g: Any, index: Any, padding_idx: Any, scale_grad_by_freq: bool, weight_shape: Any) -> Any:
    if not isinstance(g, Tensor):
        return kernels.embedding_grad(g, index, weight_shape[0], padding_idx, scale_grad_by_freq)
    index = tour.as_tensor(index)
    total = g.new_zeros(weight_shape).index_add(0, index.reshape(-1), g.reshape(-1, weight_shape[1]))
    factor = np.ones(weight_shape[0], g._a.dtype, like=held(g._a))
    if scale_grad_by_freq:
        factor /= np.maximum(kernels.frequencies(index._a, weight_shape[0]), 1)
    if padding_idx is not None:
        factor[padding_idx] = 0
    return total * wrap(factor[:, None])


vjp(_embedding, weight=_table_grad)


def _check_table(name: str, weight: Tensor, sparse: bool) -> None:
    if weight.dim() != 2:
        raise RuntimeError(f"'weight' must be 2-D, but got the shape {list(weight.shape)}")
    if sparse:
        raise RuntimeError(
            f"{name}: sparse=True asks for a sparse gradient, but tour has no sparse tensors; leave it out for a dense one"
        )


def _row_numbers(input: Tensor, weight: Tensor, error: type[Exception]) -> Any:
    """The raw indices, once they are known to lie in the table.

    Raises:
        RuntimeError: If they are no int32 or int64.
        Exception: `error`, if one is out of range.
    """
    index = input._a
    if index.dtype.kind != "i" or index.dtype.itemsize < 4:
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.dtype.name} instead (while checking arguments for embedding); use input.long()"
        )
    rows, numbers = weight._a.shape[0], held(index)
    if type(numbers) is not np.ndarray:
        numbers.within(0, rows, "embedding")  # a device tells at the next synchronisation
    elif not all_below(numbers, rows):
        wrong = numbers[(numbers < 0) | (numbers >= rows)].flat[0]
        raise error(f"index out of range in self: {wrong}, but the table has rows 0 to {rows - 1}")
    return index


def padding_row(padding_idx: int | None, rows: int) -> int | None:
    """The number of the row that stands for padding, counted from the start.

    Raises:
        AssertionError: If there is no such row.
    """
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise AssertionError(f"Padding_idx must be within num_embeddings, but {padding_idx} is not, for {rows}")
    return padding_idx % rows


def _shorten(weight: Tensor, index: Any, max_norm: float | None, norm_type: float) -> None:
    if max_norm is not None and kernels.renorm_rows(weight._a, index, max_norm, norm_type):
        wrote(weight)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of a table: `weight[input]`.

    Args:
        input: Numbers of rows, int32 or int64, any shape.
        weight: The table, shape (rows, width).
        padding_idx: A row that gets no gradient; negative from the end.
        max_norm: Shrink the rows that are looked up to this norm first, in place.
        norm_type: Which norm: p of the p-norm.
        scale_grad_by_freq: Whether to divide the gradient of a row by how often the input names it.
        sparse: Refused if True: there are no sparse gradients.

    Returns:
        Shape (*input.shape, width).

    Raises:
        IndexError: If a number is out of range.
        RuntimeError: If a dtype or shape does not fit, or `sparse` is True.
        AssertionError: If `padding_idx` is out of range.

    Examples:
        >>> import tour
        >>> embedding(tour.tensor([1, 0]), tour.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([[3., 4.],
                [1., 2.]])
    """
    _check_table("embedding", weight, sparse)
    padding_idx = padding_row(padding_idx, weight.shape[0])
    index = _row_numbers(input, weight, IndexError)
    _shorten(weight, index, max_norm, norm_type)
    return _embedding(weight, input, padding_idx, scale_grad_by_freq)


# --- Bags -------------------------------------------------------------------------------------------------------------------


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sums, means or maxima over bags of rows of a table.

    Args:
        input: Numbers of rows: shape (bags, n) for bags of equal size, or (N,), bag after bag.
        weight: The table, shape (rows, width).
        offsets: For a flat input, where each bag begins; shape (bags,).
        max_norm: Shrink the rows that are looked up to this norm first, in place.
        norm_type: Which norm: p of the p-norm.
        scale_grad_by_freq: Whether to divide the gradient of a row by how often the input names it; not for `"max"`.
        mode: `"sum"`, `"mean"` or `"max"`.
        sparse: Refused if True: there are no sparse gradients.
        per_sample_weights: A factor for each element of the input, for `"sum"` only.
        include_last_offset: Whether `offsets` ends with the end of the last bag.
        padding_idx: A row that bags leave out; negative from the end.

    Returns:
        Shape (bags, width); zeros for an empty bag.

    Raises:
        ValueError: If shapes, `offsets` or `mode` do not fit.
        RuntimeError: If a number is out of range, `sparse` is True, or a dtype does not fit.
        NotImplementedError: If `per_sample_weights` comes with another mode than `"sum"`.

    Examples:
        >>> import tour
        >>> table = tour.tensor([[1.0], [2.0], [4.0]])
        >>> embedding_bag(tour.tensor([0, 1, 2]), table, tour.tensor([0, 2]), mode="sum")
        tensor([[3.],
                [4.]])
    """
    _check_table("embedding_bag", weight, sparse)
    _check_bag(input, weight, mode, scale_grad_by_freq, per_sample_weights)
    starts = _bag_starts(input, offsets, include_last_offset)
    index = _row_numbers(input, weight, RuntimeError).reshape(-1)
    bags = np.searchsorted(starts, np.arange(len(index), like=index), "right") - 1
    factors = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    if padding_idx is not None:
        keep = np.flatnonzero(index != _bag_padding(padding_idx, weight.shape[0]))
        index, bags = index[keep], bags[keep]
        factors = None if factors is None else factors[wrap(keep)]
    _shorten(weight, index, max_norm, norm_type)
    rows = _embedding(weight, wrap(index), None, scale_grad_by_freq)
    if factors is not None:
        rows = rows * factors.unsqueeze(1)
    return _max_of_bags(rows, bags, len(starts)) if mode == "max" else _sum_of_bags(rows, bags, len(starts), mode)


def _sum_of_bags(rows: Tensor, bags: Any, count: int, mode: str) -> Tensor:
    total = rows.new_zeros((count, rows.shape[1])).index_add(0, wrap(bags), rows)
    if mode == "sum":
        return total
    sizes = np.maximum(np.bincount(bags, minlength=count), 1)
    return total / wrap(sizes[:, None].astype(rows._a.dtype))


def _max_of_bags(rows: Tensor, bags: Any, count: int) -> Tensor:
    filled, starts = np.unique(bags, return_index=True)
    if not len(filled):
        return rows.new_zeros((count, rows.shape[1]))
    best = rows.gather(0, wrap(kernels.bag_winners(rows._a, starts, np.searchsorted(filled, bags))))
    if len(filled) == count:
        return best
    return rows.new_zeros((count, rows.shape[1])).index_copy(0, wrap(filled), best)


def _bag_padding(padding_idx: int, rows: int) -> int:
    if not -rows <= padding_idx < rows:
        raise RuntimeError(f"padding_idx must be within the number of embeddings, -{rows} through {rows - 1}")
    return padding_idx % rows


def _bag_starts(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> Any:
    """Where each bag begins in the flat input.

    Raises:
        ValueError: If offsets are missing, needless, or do not fit.
    """
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated as a mini-batch of fixed length sequences. "
                f"However, found offsets of shape {list(offsets.shape)}"
            )
        return np.arange(input.shape[0], like=input._a) * input.shape[1]
    if input.dim() != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    starts = offsets._a
    if len(starts) and starts[0]:
        raise RuntimeError(
            f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {starts[0]}"
        )
    if len(starts) and starts[-1] > input.shape[0]:
        raise RuntimeError(f"offsets[-1] can not be greater than input's length({input.shape[0]}) but got {starts[-1]}")
    return starts[:-1] if include_last_offset else starts


def _check_bag(
    input: Tensor, weight: Tensor, mode: str, scale_grad_by_freq: bool, per_sample_weights: Tensor | None
) -> None:
    """Refuse options that do not go together.

    Raises:
        ValueError: If the mode is unknown, does not scale, or the factors have another shape than the input.
        NotImplementedError: If the mode takes no factors.
    """
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"mode has to be one of sum, mean or max, but got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if per_sample_weights is None:
        return
    if per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({list(per_sample_weights.shape)}) is not None, then it must have the same shape "
            f"as the input ({list(input.shape)})"
        )
    if mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got mode={mode!r})"
        )
    if per_sample_weights.dtype is not weight.dtype:
        raise RuntimeError(
            f"expected scalar type {weight.dtype.name} but found {per_sample_weights.dtype.name} for per_sample_weights"
        )


# --- One-hot ----------------------------------------------------------------------------------------------------------------


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Vectors of zeros with a single one.

    Args:
        tensor: Classes, int64, any shape.
        num_classes: Length of the vectors; -1 for the largest class plus one.

    Returns:
        Shape (*tensor.shape, num_classes), int64.

    Raises:
        RuntimeError: If a class is negative or too large, or the dtype is not int64.

    Examples:
        >>> import tour
        >>> one_hot(tour.tensor([1, 0]), 3)
        tensor([[0, 1, 0],
                [1, 0, 0]])
    """
    classes = tensor._a
    if classes.dtype != np.int64:
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type LongTensor, but got {tensor.dtype.name}; use tensor.long()"
        )
    if not classes.size and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    numbers = held(classes)
    there = type(numbers) is not np.ndarray and num_classes > 0
    if there:
        numbers.within(0, num_classes, "one_hot")  # a device tells at the next synchronisation
    elif classes.size and numbers.min() < 0:
        raise RuntimeError(f"Class values must be non-negative, but got {numbers.min()}.")
    if num_classes == -1:
        num_classes = int(classes.max()) + 1
    elif num_classes < 1:
        raise RuntimeError(f"num_classes should be positive, but got {num_classes}")
    if not there and classes.size and numbers.max() >= num_classes:
        raise RuntimeError(f"Class values must be smaller than num_classes: {numbers.max()} is not, for {num_classes}.")
    if type(classes) is np.ndarray:
        ones = np.zeros((classes.size, num_classes), np.int64)
        ones[np.arange(classes.size), classes.reshape(-1)] = 1
        return wrap(ones.reshape(*classes.shape, num_classes))
    return wrap((classes[..., None] == np.arange(num_classes, like=held(classes))).astype(np.int64))
