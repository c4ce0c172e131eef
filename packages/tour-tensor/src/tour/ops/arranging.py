"""Elements in another order or several times: flip, roll, rot90, repeat, tile, pad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._core import Op, kernel_for
from tour._declare import result
from tour._errors import shape_text
from tour._layouts import contiguous_format
from tour._shapes import as_shape, index_of, is_int, wrap_dim, wrap_dims
from tour.ops.indexing import getitem

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "constant_pad_nd", "flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile",
]  # fmt: skip


# --- Another order -----------------------------------------------------------------------------------------------------------


def _flip(a: Any, dims: tuple[int, ...]) -> Any:
    return a[tuple(slice(None, None, -1) if i in dims else slice(None) for i in range(a.ndim))].copy()


_FLIP = Op("flip", ("input", "dims"), _flip)


@numpy_too
def flip(input: Tensor, *axes: Any, dims: Any = None) -> Tensor:
    """A copy with the order of elements reversed along dimensions, given as varargs or a tuple; `x[::-1]` gives a view.

    Examples:
        >>> import tour
        >>> tour.flip(tour.tensor([1, 2, 3]), (0,))
        tensor([3, 2, 1])
    """
    a = input._a
    order = wrap_dims(dims if dims is not None else axes[0] if len(axes) == 1 else axes, a.ndim)
    return result(_FLIP, kernel_for(_FLIP, a)(a, order), input, order)  # type: ignore[no-any-return]


@numpy_too
def fliplr(input: Tensor) -> Tensor:
    """A copy with the columns in reverse order.

    Examples:
        >>> import tour
        >>> tour.fliplr(tour.tensor([[1, 2]]))
        tensor([[2, 1]])
    """
    if input._a.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, (1,))


@numpy_too
def flipud(input: Tensor) -> Tensor:
    """A copy with the rows in reverse order.

    Examples:
        >>> import tour
        >>> tour.flipud(tour.tensor([[1], [2]]))
        tensor([[2],
                [1]])
    """
    if input._a.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, (0,))


def _roll(a: Any, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Any:
    return np.roll(a, shifts, dims) if a.ndim and a.size else a.copy()


_ROLL = Op("roll", ("input", "shifts", "dims"), _roll)


@numpy_too
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """A copy with elements shifted along dimensions; those that fall out come in again at the other end.

    Args:
        input: Any tensor.
        shifts: How far, for each dimension.
        dims: The dimensions; None shifts all elements in row-major order.

    Examples:
        >>> import tour
        >>> tour.roll(tour.tensor([1, 2, 3]), 1)
        tensor([3, 1, 2])
    """
    far = (shifts,) if is_int(shifts) else tuple(shifts)
    if not far:
        raise RuntimeError("`shifts` required")
    if dims is None or (not is_int(dims) and not tuple(dims)):
        if len(far) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(far)}, dims:0")
        return roll(input.reshape(-1), far, 0).reshape(input._a.shape)
    axes = (dims,) if is_int(dims) else tuple(dims)
    if len(axes) != len(far):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(far)}, dims:{len(axes)}")
    a = input._a
    if not a.ndim:
        raise IndexError(f"Dimension specified as {axes[0]} but tensor has no dimensions")
    axes = tuple(wrap_dim(d, a.ndim) for d in axes)
    return result(_ROLL, kernel_for(_ROLL, a)(a, far, axes), input, far, axes)  # type: ignore[no-any-return]


@numpy_too
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """A copy rotated by 90 degrees in the plane of two dimensions, `k` times from the first towards the second.

    Args:
        input: A tensor of at least two dimensions.
        k: How many quarter turns; negative ones go the other way round.
        dims: The two dimensions of the plane.

    Raises:
        RuntimeError: If `input` has fewer than two dimensions, or `dims` are not two different ones.
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.rot90(tour.tensor([[1, 2], [3, 4]]))
        tensor([[2, 4],
                [1, 3]])
    """
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input._a.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input._a.ndim}")
    i, j = (wrap_dim(d, input._a.ndim) for d in dims)
    if i == j:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    turns = k % 4
    if turns == 1:
        return flip(input, (j,)).transpose(i, j)
    if turns == 2:
        return flip(input, (i, j))
    return flip(input, (i,)).transpose(i, j) if turns == 3 else input.clone()


# --- Several times ------------------------------------------------------------------------------------------------------------


def _repeat(a: Any, times: tuple[int, ...]) -> Any:
    """Each dimension repeated as a whole: one copy of a broadcast view."""
    extra = len(times) - a.ndim
    shape = (1,) * extra + a.shape
    twice = [k for n, m in zip(times, shape, strict=True) for k in (n, m)]
    out = np.empty(twice, a.dtype) if type(a) is np.ndarray else np.empty_like(a, shape=twice)
    out[...] = a.reshape([k for n in shape for k in (1, n)])
    return out.reshape([n * m for n, m in zip(times, shape, strict=True)])


_REPEAT = Op("repeat", ("input", "repeats"), _repeat)


def repeat(input: Tensor, *sizes: Any, repeats: Any = None) -> Tensor:
    """A copy in which each dimension is repeated as a whole; further dimensions are added in front.

    Examples:
        >>> import tour
        >>> tour.tensor([1, 2]).repeat(2, 2)
        tensor([[1, 2, 1, 2],
                [1, 2, 1, 2]])
    """
    a = input._a
    times = as_shape(sizes if repeats is None else (repeats,), "repeat")
    if len(times) < a.ndim:
        raise RuntimeError(
            f"Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: {list(times)} for "
            f"shape {shape_text(a.shape)}"
        )
    if any(n < 0 for n in times):
        raise RuntimeError(f"Trying to create tensor with negative dimension: repeats {list(times)}")
    return result(_REPEAT, kernel_for(_REPEAT, a)(a, times), input, times)  # type: ignore[no-any-return]


@numpy_too
def tile(input: Tensor, *sizes: Any, dims: Any = None) -> Tensor:
    """A copy in which each dimension is repeated as a whole; dimensions that are not named are repeated once.

    Examples:
        >>> import tour
        >>> tour.tile(tour.tensor([1, 2]), (2,))
        tensor([1, 2, 1, 2])
    """
    times = as_shape(sizes if dims is None else (dims,), "tile")
    return repeat(input, (1,) * (input._a.ndim - len(times)) + times)


@numpy_too
def repeat_interleave(
    input: Tensor, repeats: int | Tensor | None = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """A copy in which each element or slice is repeated in place.

    Args:
        input: Any tensor; or, alone, a vector of repetitions, which gives the indices of what it repeats.
        repeats: How often: a number, or a vector with one for each slice.
        dim: The dimension; None for all elements in row-major order.
        output_size: Accepted for PyTorch's sake.

    Examples:
        >>> import tour
        >>> tour.repeat_interleave(tour.tensor([1, 2]), 2)
        tensor([1, 1, 2, 2])
    """
    if repeats is None:
        return _core.wrap(np.repeat(np.arange(input._a.size), _times(input, input._a.size))).to(input.device)
    flat, axis = (input.reshape(-1), 0) if dim is None else (input, wrap_dim(dim, input._a.ndim))
    if not flat._a.ndim:
        flat = flat.reshape(1)
    n = flat._a.shape[axis]
    times = _times(repeats, n)
    if times.size != 1 and times.size != n:
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {times.size} and input.size({axis}) = "
            f"{n}"
        )
    if output_size is not None and int(np.broadcast_to(times, n).sum()) != output_size:
        raise RuntimeError(
            f"allocated size {output_size} does not match required size {np.broadcast_to(times, n).sum()}"
        )
    if times.size == 1:
        each = int(times.reshape(-1)[0])
        shape = flat._a.shape
        wide = flat.unsqueeze(axis + 1).expand(*shape[: axis + 1], each, *shape[axis + 1 :])
        made = wide.reshape(*shape[:axis], n * each, *shape[axis + 1 :])
        viewed = getattr(made, "_parent", None) is not None  # one slice, or each once
        return made.clone(memory_format=contiguous_format) if viewed else made
    index = np.repeat(np.arange(n), times)
    return getitem(
        flat, (*(slice(None),) * axis, index if type(flat._a) is np.ndarray else np.asarray(index, like=flat._a))
    )


def _times(repeats: Any, n: int) -> Any:
    """How often each of `n` is repeated, as an array."""
    times = np.asarray(repeats if not isinstance(repeats, _core.Tensor) else repeats.cpu()._a)  # the size of the result
    if times.ndim > 1:
        raise RuntimeError("repeat_interleave only accept 0D or 1D repeats vector")
    if times.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"repeats has to be Long or Int tensor, got {times.dtype}")
    if times.size and times.min() < 0:
        raise RuntimeError("repeats can not be negative")
    return times


# --- A frame --------------------------------------------------------------------------------------------------------------------


def _pad(a: Any, sizes: tuple[tuple[int, int], ...], value: Any) -> Any:
    inner = tuple(slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in zip(a.shape, sizes, strict=True))
    shape = [n + low + high for n, (low, high) in zip(a.shape, sizes, strict=True)]
    out = np.full_like(a, value, order="C", shape=shape)
    out[tuple(slice(max(low, 0), n + low + min(high, 0)) for n, (low, high) in zip(a.shape, sizes, strict=True))] = a[
        inner
    ]
    return out


_PAD = Op("constant_pad_nd", ("input", "sizes", "value"), _pad)


@numpy_too
def constant_pad_nd(input: Tensor, pad: Any, value: complex = 0) -> Tensor:
    """A copy with a frame of one value; negative sizes cut.

    Args:
        input: Any tensor.
        pad: Sizes before and behind, in pairs that begin with the last dimension.
        value: What to fill in.

    Examples:
        >>> import tour
        >>> tour.constant_pad_nd(tour.ones(2), (1, 2))
        tensor([0., 1., 1., 0., 0.])
    """
    a = input._a
    pad = tuple(index_of(n) for n in pad)
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * a.ndim:
        raise RuntimeError(
            f"Length of pad should be no more than twice the number of dimensions of the input. Pad length is {len(pad)} while the "
            f"input has {a.ndim} dimensions."
        )
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    sizes = ((0, 0),) * (a.ndim - len(pairs)) + tuple(reversed(pairs))
    for d, (n, (low, high)) in enumerate(zip(a.shape, sizes, strict=True)):
        if n + low + high < 0 or n + min(low, 0) + min(high, 0) < 0:
            raise RuntimeError(
                f"The input size {n}, plus negative padding {low} and {high} resulted in a negative output size, which is invalid. "
                f"Check dimension {d} of your input."
            )
    return result(_PAD, kernel_for(_PAD, a)(a, sizes, value), input, sizes, value)  # type: ignore[no-any-return]


class Arranging:
    """Orders and repetitions, as methods."""

    __slots__ = ()

    flip, fliplr, flipud, roll, rot90 = flip, fliplr, flipud, roll, rot90
    repeat, tile, repeat_interleave = repeat, tile, repeat_interleave
