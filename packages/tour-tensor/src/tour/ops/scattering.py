"""Writing to places along a dimension, an index for each element: scatter, scatter_add, scatter_reduce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._compiled import compilable
from tour._core import Op, as_array, packed
from tour._dtypes import FROM_NUMPY
from tour._errors import shape_text
from tour._kernels import is_half
from tour._shapes import wrap_dim
from tour._writing import write, written
from tour.ops.gathering import check_along, check_index, grid

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["scatter", "scatter_add", "scatter_reduce"]


# --- Adding, multiplying, comparing at places that may come several times ------------------------------------------------------

_UFUNCS = {"sum": np.add, "prod": np.multiply, "mean": np.add, "amax": np.maximum, "amin": np.minimum}


def reduce_at(a: Any, where: tuple[Any, ...], values: Any, reduce: str = "sum", include_self: bool = True) -> None:
    """Combine `values` into the places `where` of a raw array, one place as often as it comes.

    `ufunc.at` is fast in one dimension only, so places are counted over all elements, of a copy where `a` has gaps or is narrow.
    """
    whole = packed(a)
    if is_half(a.dtype):
        whole = whole.astype(np.float32)
    places = flat_places(where, a.shape)
    values = np.broadcast_to(values, places.shape).astype(whole.dtype, copy=False).reshape(-1)
    line, places = whole.reshape(-1), places.reshape(-1)
    if not include_self:
        line[places] = {"prod": 1, "amax": _least(line.dtype), "amin": _most(line.dtype)}.get(reduce, 0)
    _UFUNCS[reduce].at(line, places, values)
    if reduce == "mean":
        _divide_by_count(line, places, include_self)
    if whole is not a:
        a[...] = whole.reshape(a.shape)


def _divide_by_count(line: Any, places: Any, include_self: bool) -> None:
    count = np.bincount(places, minlength=line.size) + include_self
    hit = count > (1 if include_self else 0)
    whole = line.dtype.kind in "iub"
    line[hit] = np.floor_divide(line[hit], count[hit]) if whole else line[hit] / count[hit]


def flat_places(where: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Places counted over all elements in row-major order, from an index array (or open grid) for each dimension."""
    total: Any = np.int64(0)
    for i, n in zip(where, shape, strict=True):
        total = total * n + i
    return as_array(total)


def _least(dtype: Any) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min if dtype.kind in "iu" else False


def _most(dtype: Any) -> Any:
    return np.inf if dtype.kind == "f" else np.iinfo(dtype).max if dtype.kind in "iu" else True


# --- scatter: an index for each element ------------------------------------------------------------------------------------


def _shrunk(src: Any, index: Any) -> Any:
    """The part of a source array that an index array of `scatter` speaks of."""
    if not np.isscalar(src) and src.ndim and src.shape != index.shape:
        return src[tuple(slice(n) for n in index.shape)]
    return src


def _along(a: Any, dim: int, index: Any) -> tuple[Any, tuple[Any, ...]]:
    """The array and the index array with at least one dimension, and the open grid of places."""
    if not a.ndim:
        a = a.reshape(1)
    index = index.reshape(1) if not index.ndim else index
    return a, grid(index.shape, dim, index)


@compilable(by=2)
def _scatter(a: Any, dim: int, index: Any, src: Any) -> None:
    if index.size:
        a, where = _along(a, dim, index)
        a[where] = _shrunk(src, index)


def _scatter_reduce(a: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool) -> None:
    if index.size:
        a, where = _along(a, dim, index)
        reduce_at(a, where, _shrunk(src, index), reduce, include_self)


@compilable(by=2)
def _scatter_add(a: Any, dim: int, index: Any, src: Any) -> None:
    _scatter_reduce(a, dim, index, src, "sum", True)


_SCATTER = Op("scatter", ("input", "dim", "index", "src"), _scatter, tensors=("src",))
_SCATTER_ADD = Op("scatter_add", ("input", "dim", "index", "src"), _scatter_add, tensors=("src",))
_SCATTER_REDUCE = Op(
    "scatter_reduce", ("input", "dim", "index", "src", "reduce", "include_self"), _scatter_reduce, tensors=("src",)
)


def _scattered(name: str, input: Tensor, dim: int, index: Tensor, src: Any) -> tuple[int, Any, Any]:
    """Dimension, index array and source of a scatter, refused where they do not fit."""
    a, i = input._a, index._a
    axis = wrap_dim(dim, a.ndim)
    if i.dtype.kind not in "iu" or i.dtype.itemsize < 4:
        raise RuntimeError(f"{name}(): Expected dtype int64 for index, got {FROM_NUMPY[i.dtype].name}")
    check_along(name, a, axis, i)
    check_index(name, i, a.shape[axis] if a.ndim else 1, axis)
    if isinstance(src, _core.Tensor):
        if src._a.dtype != a.dtype:
            raise RuntimeError(
                f"{name}(): Expected self.dtype to be equal to src.dtype, got {input.dtype.name} and {src.dtype.name}"
            )
        if i.size and max(src._a.ndim, 1) != max(i.ndim, 1):
            raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
        for d, n in enumerate(i.shape):
            if i.size and src._a.ndim and n > src._a.shape[d]:
                raise RuntimeError(
                    f"Expected index {shape_text(i.shape)} to be no larger than src {shape_text(src._a.shape)} in dimension {d}"
                )
    return axis, i, src if isinstance(src, _core.Tensor) else _element(input, src)


def _element(input: Tensor, value: Any) -> Any:
    """A number as an element of a tensor's dtype.

    Raises:
        RuntimeError: If it does not fit.
    """
    if isinstance(value, complex) and input._a.dtype.kind != "c":
        raise RuntimeError(f"value cannot be converted to type {input.dtype.name} without overflow")
    try:
        return np.asarray(value).astype(input._a.dtype)[()]
    except (TypeError, ValueError):
        raise TypeError(f"expected a number or a tensor, got {type(value).__name__}") from None


def _source(name: str, src: Any, value: Any) -> Any:
    if src is None and value is None:
        raise TypeError(f"{name}(): missing argument: give src, a tensor, or value, a number")
    return value if src is None else src


_REDUCTIONS = {"add": "sum", "multiply": "prod"}


def _scatter_form(name: str, reduce: str | None) -> str | None:
    if reduce is not None and reduce not in _REDUCTIONS:
        raise RuntimeError(f"{name}(): reduce argument must be either add or multiply, got {reduce!r}")
    return None if reduce is None else _REDUCTIONS[reduce]


@numpy_too
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
    out: Any = None,
) -> Tensor:
    """A copy with `src` (a tensor or a number) written to places along a dimension: `out[i][index[i][j]] = src[i][j]` for `dim=1`.

    Args:
        input: What to copy.
        dim: The dimension along which `index` counts.
        index: An int64 tensor with as many dimensions as `input`.
        src: A tensor at least as large as `index`, of `input`'s dtype; or a number.
        value: A number, by name.
        reduce: None to replace, `"add"` or `"multiply"` to combine (without gradients).
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If an index is out of range, or shapes or dtypes do not fit.

    Examples:
        >>> import tour
        >>> tour.zeros(2, 3).scatter(1, tour.tensor([[2], [0]]), 1.0)
        tensor([[0., 0., 1.],
                [1., 0., 0.]])
    """
    axis, i, s = _scattered("scatter", input, dim, index, _source("scatter", src, value))
    how = _scatter_form("scatter", reduce)
    if how is None:
        return written(_SCATTER, input, axis, i, s, out=out)
    return written(_SCATTER_REDUCE, input, axis, i, s, how, True, out=out)


def scatter_(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """In-place version of `scatter`; returns the tensor itself.

    Examples:
        >>> import tour
        >>> tour.zeros(3).scatter_(0, tour.tensor([2, 0]), tour.tensor([5.0, 6.0]))
        tensor([6., 0., 5.])
    """
    axis, i, s = _scattered("scatter", input, dim, index, _source("scatter_", src, value))
    how = _scatter_form("scatter_", reduce)
    if how is None:
        return write(_SCATTER, input, axis, i, s)
    return write(_SCATTER_REDUCE, input, axis, i, s, how, True)


@numpy_too
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy with `src` added in at places along a dimension; one place may come several times.

    The formula is `out[i][index[i][j]] += src[i][j]` for `dim=1`.

    Args:
        input: What to copy.
        dim: The dimension along which `index` counts.
        index: An int64 or int32 tensor with as many dimensions as `input`, and apart from `dim` no larger.
        src: A tensor at least as large as `index`, of `input`'s dtype.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If an index is negative or too large, or shapes or dtypes do not fit.
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.zeros(2).scatter_add(0, tour.tensor([0, 0, 1]), tour.ones(3))
        tensor([2., 1.])
    """
    return written(_SCATTER_ADD, input, *_scattered("scatter_add", input, dim, index, src), out=out)


def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """In-place version of `scatter_add`; returns the tensor itself.

    Examples:
        >>> import tour
        >>> tour.zeros(2).scatter_add_(0, tour.tensor([0, 0, 1]), tour.tensor([1.0, 2.0, 3.0]))
        tensor([3., 3.])
    """
    return write(_SCATTER_ADD, input, *_scattered("scatter_add", input, dim, index, src))


def _reduction(name: str, reduce: str) -> str:
    if reduce not in _UFUNCS or (name == "index_reduce" and reduce == "sum"):
        known = "sum, prod, mean, amax or amin" if name != "index_reduce" else "prod, mean, amax or amin"
        raise RuntimeError(f"{name}(): reduce argument must be either {known}, got {reduce}")
    return reduce


@numpy_too
def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy with `src` combined into places along a dimension.

    Args:
        input: What to copy.
        dim: The dimension along which `index` counts.
        index: An int64 tensor with as many dimensions as `input`.
        src: A tensor at least as large as `index`, of `input`'s dtype.
        reduce: `"sum"`, `"prod"`, `"mean"`, `"amax"` or `"amin"`.
        include_self: Whether what stands there takes part.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.zeros(2).scatter_reduce(0, tour.tensor([0, 0, 1]), tour.tensor([1.0, 5.0, -1.0]), "amax")
        tensor([5., 0.])
    """
    how = _reduction("scatter_reduce", reduce)
    return written(
        _SCATTER_REDUCE, input, *_scattered("scatter_reduce", input, dim, index, src), how, include_self, out=out
    )


def scatter_reduce_(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """In-place version of `scatter_reduce`; returns the tensor itself.

    Examples:
        >>> import tour
        >>> tour.ones(2).scatter_reduce_(0, tour.tensor([0, 0]), tour.tensor([3.0, 4.0]), "amax")
        tensor([4., 1.])
    """
    how = _reduction("scatter_reduce", reduce)
    return write(_SCATTER_REDUCE, input, *_scattered("scatter_reduce", input, dim, index, src), how, include_self)


class Scattering:
    """Writing along a dimension, as methods."""

    __slots__ = ()

    scatter, scatter_add, scatter_reduce = scatter, scatter_add, scatter_reduce
    scatter_, scatter_add_, scatter_reduce_ = scatter_, scatter_add_, scatter_reduce_
