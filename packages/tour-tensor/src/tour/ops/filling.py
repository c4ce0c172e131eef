"""Writing values into tensors: fill, copy, masks, and index tensors for several dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._compiled import NEVER, compilable
from tour._core import Op, as_array, held, kernel_among, new, packed, sockets, wrap, wrote
from tour._declare import taped
from tour._devices import BY_ARRAY
from tour._dtypes import FROM_NUMPY
from tour._errors import shape_text
from tour._operands import cast, number, tensor_argument
from tour._writing import write, written
from tour.ops.gathering import broadcast
from tour.ops.indexing import _GETITEM, assign, brought, is_basic, note_places, raw_index
from tour.ops.scattering import reduce_at

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["fill", "fill_", "index_put", "index_put_", "masked_fill", "masked_scatter", "put", "zero_"]


# --- One value everywhere, or another tensor's values --------------------------------------------------------------------------


def _fill(a: Any, value: Any) -> None:
    a[...] = value


_FILL = Op("fill", ("input", "value"), _fill, tensors=("value",))


def _one_value(name: str, input: Tensor, value: Any) -> Any:
    """A value to fill a tensor with: a tensor without dimensions as it is, a number in the tensor's dtype."""
    if isinstance(value, _core.Tensor):
        if value._a.ndim:
            raise RuntimeError(
                f"{name} only supports 0-dimension value tensor but got tensor with {value._a.ndim} dimensions."
            )
        return value
    if isinstance(value, complex) and input._a.dtype.kind != "c":
        raise RuntimeError(f"value cannot be converted to type {input.dtype.name} without overflow")
    return wrap(np.asarray(value).astype(input._a.dtype))


_NUMBERS = frozenset((int, float, bool))


def _unrecorded(input: Tensor, src: Any = None) -> bool:
    """Whether a write into a tensor is nobody's business but its own, and allowed."""
    return (sockets.before_write is None or not sockets.before_write(input, src)) and input._a.flags.writeable


@numpy_too
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of `input`'s shape and dtype, filled with one value.

    Examples:
        >>> import tour
        >>> tour.fill(tour.zeros(2), 3)
        tensor([3., 3.])
    """
    return written(_FILL, input, _one_value("fill", input, value))


def fill_(input: Tensor, value: Any) -> Tensor:
    """Fill the tensor with one value, a number or a tensor without dimensions; returns the tensor itself.

    Examples:
        >>> import tour
        >>> tour.empty(3).fill_(7)
        tensor([7., 7., 7.])
    """
    a = input._a
    if type(value) in _NUMBERS and a.dtype.kind == "f" and 0 not in a.strides and _unrecorded(input):
        a[...] = value
        wrote(input)
        return input
    return write(_FILL, input, _one_value("fill_", input, value))


def zero_(input: Tensor) -> Tensor:
    """Fill the tensor with zeros; returns the tensor itself.

    Examples:
        >>> import tour
        >>> tour.ones(3).zero_()
        tensor([0., 0., 0.])
    """
    a = input._a
    if 0 not in a.strides and _unrecorded(input):
        a[...] = 0
        wrote(input)
        return input
    return write(_FILL, input, wrap(np.zeros((), input._a.dtype)))


def _copy(a: Any, src: Any, non_blocking: bool) -> None:
    a[...] = src.real if src.dtype.kind == "c" and a.dtype.kind != "c" else src


_COPY = Op("copy", ("input", "src", "non_blocking"), _copy, tensors=("src",))


def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Copy the values of `src`, broadcast and cast, into the tensor; returns the tensor itself.

    Args:
        input: The tensor to write into.
        src: What to copy, on any device.
        non_blocking: Whether a copy between pinned memory and a CUDA device may still run when this returns.

    Raises:
        RuntimeError: If `src` does not broadcast to the tensor's shape.

    Examples:
        >>> import tour
        >>> tour.zeros(2).copy_(tour.tensor([1, 2]))
        tensor([1., 2.])
    """
    if not isinstance(src, _core.Tensor):
        src = number(src, input._a.dtype) if not isinstance(src, np.ndarray) else wrap(src)
    a, b = input._a, src._a
    if (
        a.shape == b.shape
        and a.dtype is b.dtype
        and type(a) is type(b)
        and 0 not in a.strides
        and (type(a) is np.ndarray or input.device == src.device)
        and _unrecorded(input, src)
    ):
        a[...] = b
        wrote(input)
        return input
    if b.shape != a.shape:
        while b.ndim > a.ndim and b.shape[0] == 1:
            src = src[0]
            b = src._a
        extra = a.ndim - b.ndim
        for i, n in enumerate(b.shape, extra):
            if extra < 0 or n not in (1, a.shape[i]):
                raise RuntimeError(
                    f"The size of tensor a ({a.shape[i] if i < a.ndim and extra >= 0 else 1}) must match the size of tensor b ({n}) "
                    f"at non-singleton dimension {max(i, 0)}: copy_ of {shape_text(b.shape)} into {shape_text(a.shape)}"
                )
    if type(b) is not type(a) or (type(a) is not np.ndarray and input.device != src.device):
        if type(a) is not np.ndarray:
            src = src.to(input.device, non_blocking=non_blocking)
        elif non_blocking and _copied_meanwhile(input, src):
            return input
        else:
            src = src.to(input.device)
    del a  # `write` looks whether anything but tensors holds the memory
    return write(_COPY, input, src, non_blocking)


def _copied_meanwhile(input: Tensor, src: Tensor) -> bool:
    """Whether a device now copies into pinned memory while the host goes on."""
    a, b = input._a, src._a
    device = BY_ARRAY.get(type(b))
    if a.shape != b.shape or a.dtype != b.dtype or not hasattr(device, "into_pinned") or not _unrecorded(input, src):
        return False
    if not device.into_pinned(b, a):  # type: ignore[union-attr]
        return False
    wrote(input, 3)
    return True


# --- Masks ----------------------------------------------------------------------------------------------------------------------


def _masked_fill(a: Any, mask: Any, value: Any) -> Any:
    return np.where(mask, value, a)


def _masked_write(a: Any, mask: Any, value: Any) -> None:
    np.copyto(a, value, where=mask)


_MASKED_FILL = Op("masked_fill", ("input", "mask", "value"), _masked_fill, tensors=("value",))
_MASKED_WRITE = Op("masked_fill_", ("input", "mask", "value"), _masked_write, tensors=("value",))


def _mask_and_value(input: Tensor, mask: Any, value: Any) -> tuple[Any, Any]:
    """A boolean mask, and the value in the tensor's dtype."""
    m = tensor_argument("masked_fill", "mask", mask)._a
    if m.dtype != np.bool_:
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {FROM_NUMPY[m.dtype].name}"
        )
    d = input._a.dtype
    if isinstance(value, _core.Tensor):
        if value._a.ndim:
            raise RuntimeError(
                "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._a.ndim} dimension(s)."
            )
        if value._a.dtype.kind == "c" and d.kind != "c":
            raise RuntimeError(
                f"value cannot be converted to type {FROM_NUMPY[d].name} without overflow: it is complex"
            )
        return m, cast(value, FROM_NUMPY[d])
    if type(value) is complex and d.kind != "c":
        raise RuntimeError(f"value cannot be converted to type {FROM_NUMPY[d].name} without overflow")
    if d.kind in "iu" and isinstance(value, float) and not -(2.0**63) <= value < 2.0**64:
        raise RuntimeError(f"value cannot be converted to type {FROM_NUMPY[d].name} without overflow")
    return m, number(value, d)._a if d.kind == "f" and type(value) in _NUMBERS else np.asarray(value).astype(d)


@numpy_too
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """The tensor with elements replaced by one value where a mask holds; mask and tensor broadcast.

    Args:
        input: Any tensor.
        mask: A boolean tensor.
        value: A number, or a tensor without dimensions.

    Raises:
        RuntimeError: If the mask is not boolean, or the shapes do not broadcast.

    Examples:
        >>> import tour
        >>> tour.masked_fill(tour.tensor([1.0, 2.0]), tour.tensor([True, False]), 0)
        tensor([0., 2.])
    """
    m, v = _mask_and_value(input, mask, value)
    a = input._a
    if m.shape != a.shape:
        broadcast("masked_fill", a.shape, m.shape)
    r = kernel_among(_MASKED_FILL, a, m)(a, m, v._a if isinstance(v, _core.Tensor) else v)
    t: Tensor = new(_core.Tensor)
    t._a = as_array(r)
    t._tape = None
    if input._tape is not None or taped(v):
        _MASKED_FILL.record(t, input, m, v)
    return t


def masked_fill_(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """Replace elements by one value where a mask holds; returns the tensor itself.

    Examples:
        >>> import tour
        >>> x = tour.tensor([1.0, -2.0])
        >>> x.masked_fill_(x < 0, 0)
        tensor([1., 0.])
    """
    m, v = _mask_and_value(input, mask, value)
    if broadcast("masked_fill_", input._a.shape, m.shape) != input._a.shape:
        raise RuntimeError(
            f"masked_fill_: a mask of shape {shape_text(m.shape)} does not fit shape {shape_text(input._a.shape)}"
        )
    return write(_MASKED_WRITE, input, m, v)


def _masked_scatter(a: Any, mask: Any, source: Any) -> None:
    mask = np.broadcast_to(mask, a.shape)
    a[mask] = source.reshape(-1)[: np.count_nonzero(mask)]


_MASKED_SCATTER = Op("masked_scatter", ("input", "mask", "source"), _masked_scatter, tensors=("source",))


def _mask_and_source(input: Tensor, mask: Tensor, source: Tensor) -> tuple[Any, Tensor]:
    m, source = tensor_argument("masked_scatter", "mask", mask)._a, tensor_argument("masked_scatter", "source", source)
    if m.dtype != np.bool_:
        raise RuntimeError(
            f"masked_scatter_ only supports boolean masks, but got mask with dtype {FROM_NUMPY[m.dtype].name}"
        )
    if source._a.dtype != input._a.dtype:
        raise RuntimeError(
            "masked_scatter_: expected self and source to have same dtypes but got "
            f"{input.dtype.name} and {source.dtype.name}"
        )
    shape = broadcast("masked_scatter", input._a.shape, m.shape)
    count = np.count_nonzero(np.broadcast_to(m, shape))
    if count > source._a.size:
        raise RuntimeError(
            f"Number of elements of source < number of ones in mask: {source._a.size} elements for {count} places"
        )
    return m, source


@numpy_too
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy with elements replaced, where a mask holds, by those of `source` one after the other.

    Args:
        input: What to copy; its shape and that of `mask` broadcast.
        mask: A boolean tensor.
        source: A tensor of the same dtype as `input`, in any shape, of at least as many elements as there are places to
            fill; they are taken in row-major order, and those left over are passed over.

    Returns:
        A tensor of the shape to which `input` and `mask` broadcast.

    Raises:
        RuntimeError: If the mask is not boolean, the dtypes differ, the shapes do not broadcast, or `source` has too
            few elements.
        TypeError: If `mask` or `source` is no tensor.

    Examples:
        >>> import tour
        >>> tour.masked_scatter(tour.zeros(3), tour.tensor([True, False, True]), tour.tensor([1.0, 2.0]))
        tensor([1., 0., 2.])
    """
    m, s = _mask_and_source(input, mask, source)
    shape = broadcast("masked_scatter", input._a.shape, m.shape)
    return written(_MASKED_SCATTER, input if shape == input._a.shape else input.expand(shape), m, s)


def masked_scatter_(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """In-place version of `masked_scatter`; returns the tensor itself.

    Examples:
        >>> import tour
        >>> tour.zeros(3).masked_scatter_(tour.tensor([True, False, True]), tour.tensor([1.0, 2.0]))
        tensor([1., 0., 2.])
    """
    m, s = _mask_and_source(input, mask, source)
    if broadcast("masked_scatter_", input._a.shape, m.shape) != input._a.shape:
        raise RuntimeError(
            f"masked_scatter_: a mask of shape {shape_text(m.shape)} does not fit shape {shape_text(input._a.shape)}"
        )
    return write(_MASKED_SCATTER, input, m, s)


# --- Index tensors for several dimensions ----------------------------------------------------------------------------------------


def _index_put(a: Any, indices: Any, values: Any, accumulate: bool) -> None:
    if not accumulate:
        assign(a, indices, values)
        return
    if is_basic(indices):
        a[indices] += values
        return
    if type(a) is not np.ndarray:
        note_places(a, indices)
    places = np.arange(a.size, like=held(a)).reshape(a.shape)[indices]
    line = packed(a)
    reduce_at(line.reshape(-1), (places,), values)
    if line is not a:
        a[...] = line


_INDEX_PUT = Op("index_put", ("input", "indices", "values", "accumulate"), _index_put, tensors=("values",))


def _places_and_values(input: Tensor, indices: Any, values: Any) -> tuple[Any, Tensor]:
    """Raw index arrays and the values, refused where they do not fit."""
    values = tensor_argument("index_put", "values", values)
    if isinstance(values, _core.Tensor) and values._a.dtype != input._a.dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {input.dtype.name} for the destination and "
            f"{values.dtype.name} for the source."
        )
    where = tuple(slice(None) if i is None else i for i in indices)
    index = raw_index(where)
    if any(isinstance(i, int) for i in index):  # a tensor without dimensions: an index array, not a selecting integer
        index = tuple(np.asarray(i) if isinstance(i, int) else i for i in index)
    index = brought(input._a, index)
    own = kernel_among(_GETITEM, input._a, *index)
    try:
        part = (input._a[index] if own is None else own(input._a, index)).shape
    except IndexError as error:
        from tour.ops.indexing import index_error

        raise index_error(input._a, index, error) from None
    if broadcast("index_put_: shape mismatch: value tensor and indexing result", part, values._a.shape) != part:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {shape_text(values._a.shape)} cannot be broadcast to indexing result of shape "
            f"{shape_text(part)}"
        )
    return index, values


@numpy_too
def index_put(input: Tensor, indices: tuple[Tensor | None, ...], values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy with `values` written to, or added in at, the places that a tuple of index tensors names.

    Args:
        input: What to copy.
        indices: An integer tensor for each of the first dimensions; their shapes broadcast. None takes a dimension as a
            whole, and a boolean tensor stands for the indices of its True elements.
        values: A tensor of the same dtype as `input`, whose shape broadcasts to that of `input[indices]`.
        accumulate: Whether to add in; indices that occur twice then count twice. Otherwise the values replace what
            stands there.

    Raises:
        RuntimeError: If the dtypes differ, or `values` does not broadcast to the places.
        IndexError: If an index is out of range, or the tensors do not index `input`.
        TypeError: If `values` is no tensor.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 2).index_put((tour.tensor([0, 1]), tour.tensor([1, 1])), tour.tensor(5.0))
        tensor([[0., 5.],
                [0., 5.]])
    """
    return written(_INDEX_PUT, input, *_places_and_values(input, indices, values), accumulate)


def index_put_(input: Tensor, indices: tuple[Tensor | None, ...], values: Tensor, accumulate: bool = False) -> Tensor:
    """In-place version of `index_put`; returns the tensor itself.

    The arguments and errors are those of `index_put`.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 2).index_put_((tour.tensor([0, 1]), tour.tensor([1, 0])), tour.tensor([5.0, 6.0]))
        tensor([[0., 5.],
                [6., 0.]])
    """
    return write(_INDEX_PUT, input, *_places_and_values(input, indices, values), accumulate)


@compilable(NEVER)
def _put(a: Any, index: Any, source: Any, accumulate: bool) -> None:
    places, values = index.reshape(-1), source.reshape(-1)
    places = np.where(places < 0, places + a.size, places)
    if accumulate:
        where = np.unravel_index(places, a.shape) if a.ndim else ()
        reduce_at(a.reshape(1) if not a.ndim else a, where if a.ndim else (places,), values)
    elif places.size:
        a[np.unravel_index(places, a.shape) if a.ndim else ()] = values if a.ndim else values[-1]


_PUT = Op("put", ("input", "index", "source", "accumulate"), _put, tensors=("source",))


def _put_params(input: Tensor, index: Tensor, source: Tensor) -> tuple[Any, Tensor]:
    i, source = tensor_argument("put", "index", index)._a, tensor_argument("put", "source", source)
    if i.dtype != np.int64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {FROM_NUMPY[i.dtype].name}")
    if source._a.dtype != input._a.dtype:
        raise RuntimeError(
            f"put_(): Expected self and source to have the same dtype, but got {input.dtype.name} and {source.dtype.name}"
        )
    if i.size != source._a.size:
        raise RuntimeError(
            f"put_(): Expected source and index to have the same number of elements, but got source.numel() = {source._a.size}, "
            f"index.numel() = {i.size}"
        )
    n, numbers = input._a.size, held(i)
    if type(numbers) is not np.ndarray:
        numbers.within(-n, n, "put")  # a device tells at the next synchronisation
    elif numbers.size and (numbers.min() < -n or numbers.max() >= n):
        raise IndexError(f"out of range: tried to access index {numbers.max()} on a tensor of {n} elements.")
    return i, source


@numpy_too
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy with `source` written to, or added in at, places counted over all elements in row-major order.

    Args:
        input: What to copy.
        index: An int64 tensor of places; negative ones count from the end.
        source: A tensor of as many elements as `index`, of the same dtype as `input`.
        accumulate: Whether to add in; places that occur twice then count twice. Otherwise the elements replace what
            stands there.

    Raises:
        RuntimeError: If the dtypes do not fit, or the numbers of elements differ.
        IndexError: If a place is out of range.
        TypeError: If `index` or `source` is no tensor.

    Examples:
        >>> import tour
        >>> tour.put(tour.zeros(2, 2), tour.tensor([3]), tour.tensor([9.0]))
        tensor([[0., 0.],
                [0., 9.]])
    """
    return written(_PUT, input, *_put_params(input, index, source), accumulate)


def put_(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """In-place version of `put`; returns the tensor itself.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 2).put_(tour.tensor([3, 0]), tour.tensor([5.0, 6.0]))
        tensor([[6., 0.],
                [0., 5.]])
    """
    return write(_PUT, input, *_put_params(input, index, source), accumulate)


class Filling:
    """Writing values, as methods."""

    __slots__ = ()

    fill_, zero_, copy_ = fill_, zero_, copy_
    masked_fill, masked_scatter, index_put, put = masked_fill, masked_scatter, index_put, put
    masked_fill_, masked_scatter_, index_put_, put_ = masked_fill_, masked_scatter_, index_put_, put_
