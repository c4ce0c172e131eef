"""Sums, products, means and questions over dimensions."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, _dtypes
from tour._calling import numpy_too
from tour._compiled import FEW, Socket, compilable
from tour._core import as_array, kernel_for, ndarray, new, packed
from tour._declare import result
from tour._dtypes import FLOATING, FROM_NUMPY, as_dtype
from tour._errors import argument_error, check_out, dim_error
from tour._kernels import is_half
from tour._operands import floating
from tour._shapes import axes
from tour._storing import store
from tour._widening import BLOCK, add_up, reduce_add, reduce_maximum, reduce_multiply, single, sum_dtype

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = ["all", "any", "count_nonzero", "hash_tensor", "logsumexp", "mean", "nanmean", "nansum", "prod", "sum"]

Dim = int | tuple[int, ...] | None

_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)


_BIG = (
    1 << 13
)  # elements from which a sum over neighbours is a product with ones: BLAS adds three times as fast as np.add.reduce
_LARGE = 1 << 15  # elements from which compiled code adds faster still
_BLOCKS = 1 << 9  # from which it does if it is at hand, as blocks of rows are several calls of NumPy
_SHORT = 2 * BLOCK  # numbers that NumPy adds exactly enough, wherever they lie
_CHUNK = 512  # numbers that are added one after the other there; their sums are added in pairs
_LINE = 1 << 14  # so many, if they are all there is, are added at once: as exactly as PyTorch does
_ONE_THREAD = 1 << 16  # below which compiled code adds them in one thread, by a shorter call
_LINES = {d: np.ones(_LINE, d) for d in (_F32, _F64)}


def _sum(a: Any, dim: Any, keepdim: bool) -> Any:
    d = a.dtype
    axis: Any = axes(dim, a.ndim)
    n = a.size
    if (n >= _LARGE or (n >= _BLOCKS and _sum_form.at_hand())) and type(a) is ndarray:
        r = _sum_form.form(a, axis, keepdim)
        if r is not NotImplemented:
            return r
    if a.size >= _BIG and (d is _F32 or d is _F64) and type(a) is ndarray and _adds_neighbours(a, axis):
        return _sum_of_neighbours(a, axis, keepdim)
    if (d is _F32 or d is _F64) and type(a) is ndarray and a.ndim > 1:
        return _sum_in_blocks(a, axis, keepdim)
    wide = sum_dtype(d)
    r = reduce_add(a, axis, wide, None, keepdim)
    return r if FROM_NUMPY[d].rank < FLOATING or d is wide else r.astype(d)


def _sum_in_blocks(a: Any, axis: Any, keepdim: bool) -> Any:
    """`add_up`; where several dimensions follow each other, they are one."""
    if type(axis) is tuple and a.flags.c_contiguous and (first := min(axis)) + len(axis) == max(axis) + 1:
        shape = (*a.shape[:first], *([1] * len(axis) if keepdim else []), *a.shape[first + len(axis) :])
        joined = a.reshape(*a.shape[:first], -1, *a.shape[first + len(axis) :]) if a.size else a
        return add_up(joined, first).reshape(shape) if a.size else reduce_add(a, axis, None, None, keepdim)
    return add_up(a, axis, keepdim)


_sum_form = Socket(_sum)
_ALONE = 9216  # elements of a matrix that BLAS multiplies with a vector in one thread


def sum_rows(a: Any) -> Any:
    """The sum of the rows of a matrix of floating-point or complex numbers."""
    if type(a) is ndarray and (a.dtype is _F32 or a.dtype is _F64) and a.flags.c_contiguous:
        if a.size < _ALONE and len(a) <= _CHUNK:  # a product with ones: a third of the time of np.add.reduce
            return _LINES[a.dtype][: len(a)].dot(a)
        if (r := _sum_form.serve(a.size, _ALONE, a, 0, False)) is not NotImplemented:
            return r
    return kernel_for(_SUM, a)(a, 0, False)


def _adds_neighbours(a: Any, axis: Any) -> bool:
    """Whether a sum over an axis (None: all) adds up numbers that lie side by side, enough of them."""
    return a.flags.c_contiguous and (axis is None or (axis == a.ndim - 1 and a.shape[axis] >= 32))


def _sum_of_few(a: Any) -> Any:
    """The sum of at most `_LINE` elements: a product with ones, in a third of the time of `np.add.reduce`."""
    n, d = a.size, a.dtype
    if (
        n >= FEW
        and (n >= _BIG or _few_form.found or _few_form.at_hand())
        and (r := _few_form.form(a)) is not NotImplemented
    ):
        return r
    if n > _LINE:
        return np.asarray(_sum(a, None, False))
    if a.ndim != 1:
        if not a.flags.c_contiguous:
            return np.asarray(reduce_add(a, None))
        a = a.reshape(-1)
    total = _empty((), d)
    a.dot(_LINES[d][:n], total)  # which gives a scalar besides
    return total


_few_form, _empty = Socket(_sum_of_few), np.empty


def _sum_of_neighbours(a: Any, axis: Any, keepdim: bool) -> Any:
    """Sums of rows, or of all: products of chunks with ones, whose results are added in pairs."""
    rows = a.reshape(1, -1) if axis is None else a.reshape(-1, a.shape[axis])
    n = rows.shape[1]
    ones = _LINES[a.dtype][:_CHUNK]
    if n <= _CHUNK:
        r = rows.dot(ones[:n])
    else:
        whole = n // _CHUNK * _CHUNK
        r = reduce_add(rows[:, :whole].reshape(len(rows), -1, _CHUNK).dot(ones), 1)
        if whole < n:
            r += rows[:, whole:].dot(ones[: n - whole])
    if axis is None:
        return r.reshape((1,) * a.ndim) if keepdim else r[0]
    return r.reshape((*a.shape[:-1], 1) if keepdim else a.shape[:-1])


def sum(
    input: Tensor,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: Dtype | None = None,
    out: Tensor | None = None,
    axis: Dim = None,
    keepdims: bool = False,
) -> Tensor:
    """Sum over dimensions, or over all.

    Args:
        input: Any dtype; booleans and integers are added up in int64.
        dim: The dimension or dimensions to sum over; None for all. NumPy's name `axis` does as well.
        keepdim: Whether summed dimensions stay, with size 1; also `keepdims`.
        dtype: Cast to this dtype before adding; by default that of `out`, if there is one.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.sum(tour.ones(2, 3), dim=1)
        tensor([3., 3.])
    """
    if axis is not None:
        dim = axis
    if keepdims:
        keepdim = True
    try:
        a = input._a
    except AttributeError:
        return sum(tensor_argument("sum", input), dim, keepdim, dtype=dtype, out=out)
    if dtype is None and out is not None:
        check_out("sum", out)
        if out._a.dtype is not a.dtype and a.dtype.kind != "c":
            dtype = out.dtype
    if dtype is not None:
        input = _as_dtype(input, dtype)
        a = input._a
    d = a.dtype
    if (
        dim is None
        and not keepdim
        and (d is _F32 or d is _F64)
        and (a.size <= _LINE or (a.size < _ONE_THREAD and _few_form.found))
        and type(a) is ndarray
    ):
        r = _sum_of_few(a)
    else:
        if (d is _F32 or d is _F64) and a.size < _BIG and type(a) is ndarray and (dim is None or type(dim) is int):
            try:
                if dim is None or a.ndim < 2 or dim == -1 or a.shape[dim] <= _SHORT:
                    r = reduce_add(a, dim, None, None, keepdim)
                else:
                    r = _sum(a, dim, keepdim)
            except (ValueError, IndexError):
                raise dim_error(dim, a.ndim) from None  # type: ignore[arg-type]
        else:
            r = kernel_for(_SUM, a)(a, dim, keepdim)
            if dtype is not None and FROM_NUMPY[d].rank < FLOATING:
                r = r.astype(d)
        r = packed(r) if type(r) is ndarray else as_array(r)
    t: Tensor = new(_core.Tensor)
    t._a = r
    t._tape = None
    if input._tape is not None:
        _SUM.record(t, input, dim, keepdim)
    return t if out is None else store(out, t, "sum")


def tensor_argument(name: str, input: Any) -> Any:
    """A tensor, also for a NumPy array in the place of one.

    Raises:
        TypeError: If it is something else.
    """
    if isinstance(input, ndarray):
        return _core.wrap(input)
    if not isinstance(input, _core.Tensor):
        raise argument_error(name, "input", input)
    return input


def _as_dtype(input: Tensor, dtype: Any) -> Tensor:
    wanted = as_dtype(dtype)
    return input if input._a.dtype is wanted.numpy else input.to(wanted)


_SUM = _core.Op("sum", ("input", "dim", "keepdim"), _sum)


def _mean(a: Any, dim: Any, keepdim: bool) -> Any:
    total = _sum(a if not is_half(a.dtype) else a.astype(np.float32), dim, keepdim)
    mean = total / (a.size // total.size) if a.size else total * np.nan  # a mean of nothing
    return mean if mean.dtype is a.dtype else mean.astype(a.dtype)


def mean(
    input: Tensor,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: Dtype | None = None,
    out: Tensor | None = None,
    axis: Dim = None,
    keepdims: bool = False,
) -> Tensor:
    """Mean over dimensions, or over all.

    Args:
        input: A floating-point or complex tensor.
        dim: The dimension or dimensions to average over; None for all. NumPy's name `axis` does as well.
        keepdim: Whether averaged dimensions stay, with size 1; also `keepdims`.
        dtype: Cast to this dtype first.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the dtype is an integer or boolean one.

    Examples:
        >>> import tour
        >>> tour.mean(tour.tensor([[1.0, 2.0], [3.0, 5.0]]))
        tensor(2.7500)
    """
    if axis is not None:
        dim = axis
    if keepdims:
        keepdim = True
    try:
        a = input._a
    except AttributeError:
        return mean(tensor_argument("mean", input), dim, keepdim, dtype=dtype, out=out)
    if dtype is not None:
        input = _as_dtype(input, dtype)
        a = input._a
    d = a.dtype
    if (d is _F32 or d is _F64) and type(a) is ndarray and dim is None and not keepdim and 0 < a.size <= _LINE:
        r = _sum_of_few(a)[()] / a.size  # scalars divide in a quarter of the time that arrays without dimensions take
    else:
        if FROM_NUMPY[d].rank < FLOATING:
            what = f"Input dtype must be either a floating point or complex dtype. Got: {FROM_NUMPY[d].name}"
            if dtype is not None:
                what = f"Optional dtype must be either a floating point or complex dtype. Got: {FROM_NUMPY[d].name}"
            raise RuntimeError(f"mean(): could not infer output dtype. {what}; pass dtype=tour.float32")
        r = kernel_for(_MEAN, a)(a, dim, keepdim)
    t: Tensor = new(_core.Tensor)
    t._a = packed(r) if type(r) is ndarray else as_array(r)
    t._tape = None
    if input._tape is not None:
        _MEAN.record(t, input, dim, keepdim)
    return t if out is None else store(out, t, "mean")


_MEAN = _core.Op("mean", ("input", "dim", "keepdim"), _mean)


@numpy_too
def nansum(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Dtype | None = None, out: Tensor | None = None
) -> Tensor:
    """Sum over dimensions, with NaN counted as zero.

    Args:
        input: A tensor of real numbers; booleans and integers are added up in int64.
        dim: The dimension or dimensions to sum over; None for all.
        keepdim: Whether summed dimensions stay, with size 1.
        dtype: Cast to this dtype before adding; by default that of `out`, if there is one.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the elements are complex.
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.nansum(tour.tensor([1.0, float("nan"), 2.0]))
        tensor(3.)
    """
    _real("nansum", input)
    if out is not None and out._a.dtype.kind == "b" and input._a.dtype.kind not in "biu":
        raise NotImplementedError("\"nansum_cpu\" not implemented for 'Bool'")
    clean = input if FROM_NUMPY[input._a.dtype].rank < FLOATING else input.masked_fill(_is_nan(input), 0)
    return sum(clean, dim, keepdim, dtype=dtype, out=out)


@numpy_too
def nanmean(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Dtype | None = None, out: Tensor | None = None
) -> Tensor:
    """Mean over dimensions of what is not NaN.

    Args:
        input: A floating-point tensor.
        dim: The dimension or dimensions to average over; None for all.
        keepdim: Whether averaged dimensions stay, with size 1.
        dtype: Cast to this dtype before adding.
        out: A tensor to write the result into.

    Returns:
        The means; NaN where all elements are.

    Raises:
        RuntimeError: If the dtype is an integer, boolean or complex one.
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.nanmean(tour.tensor([1.0, float("nan"), 2.0]))
        tensor(1.5000)
    """
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got " + input.dtype.name
        )
    missing = _is_nan(input)
    count = sum(_core.wrap(~missing._a), dim, keepdim)
    t = nansum(input, dim, keepdim, dtype=dtype, out=out) / count
    return t if out is None else store(out, t, "nanmean")


def _is_nan(input: Tensor) -> Tensor:
    return _core.wrap(as_array(np.isnan(input._a)))


def _real(name: str, input: Tensor) -> None:
    if input._a.dtype.kind == "c":
        raise RuntimeError(f"{name}: This operator does not support complex inputs, got {input.dtype.name}")


@compilable()
def _prod(a: Any, dim: Any, keepdim: bool) -> Any:
    r = reduce_multiply(a, axis=axes(dim, a.ndim), dtype=sum_dtype(a.dtype), keepdims=keepdim)
    return r if FROM_NUMPY[a.dtype].rank < FLOATING else r.astype(a.dtype, copy=False)


@numpy_too
def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: Dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Product over one dimension, or over all; of booleans and integers in int64.

    Args:
        input: Any dtype.
        dim: The dimension; None for all elements.
        keepdim: Whether the dimension stays, with size 1.
        dtype: Cast to this dtype before multiplying.
        out: A tensor to write the result into.

    Returns:
        The products; 1 for no elements.

    Raises:
        IndexError: If the dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.prod(tour.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
        tensor([ 2., 12.])
    """
    if dtype is not None:
        input = _as_dtype(input, dtype)
    a = input._a
    t: Tensor = result(_PROD, kernel_for(_PROD, a)(a, dim, keepdim), input, dim, keepdim)
    if dtype is not None and FROM_NUMPY[a.dtype].rank < FLOATING:
        t = t.to(dtype)
    return t if out is None else store(out, t, "prod")


_PROD = _core.Op("prod", ("input", "dim", "keepdim"), _prod)


def _question(name: str, reduce: Any, input: Tensor, dim: Any, keepdim: bool, out: Any) -> Tensor:
    """A question whose answer is boolean, or uint8 for uint8 as in PyTorch."""
    a = input._a
    t = _core.wrap(packed(as_array(reduce(a, axis=_all_if_none(dim, a.ndim), keepdims=keepdim, dtype=np.bool_))))
    if a.dtype == np.uint8:
        t = t.to(_dtypes.uint8)
    if out is not None and out.dtype not in (_dtypes.bool, _dtypes.uint8):
        raise RuntimeError(f"{name} only supports bool tensor for result, got: {out.dtype.name}")
    return t if out is None else store(out, t, name)


def _all_if_none(dim: Any, ndim: int) -> Any:
    """NumPy's `axis` where PyTorch's empty tuple of dimensions means what NumPy means by it: none of them."""
    return () if type(dim) in (tuple, list) and not dim else axes(dim, ndim)


@numpy_too
def all(input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Whether all elements are true, over dimensions or over all.

    Args:
        input: Any dtype; what is not zero is true, NaN too.
        dim: The dimension or dimensions; None for all, an empty tuple for none of them.
        keepdim: Whether the dimensions stay, with size 1.
        out: A tensor to write the result into, bool or uint8.

    Returns:
        A bool tensor, or uint8 for uint8; true for no elements.

    Raises:
        IndexError: If a dimension is out of range.
        RuntimeError: If `out` has another dtype.

    Examples:
        >>> import tour
        >>> tour.all(tour.tensor([[True, False], [True, True]]), dim=1)
        tensor([False,  True])
    """
    return _question("all", np.logical_and.reduce, input, dim, keepdim, out)


@numpy_too
def any(input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Whether any element is true, over dimensions or over all.

    Args:
        input: Any dtype; what is not zero is true, NaN too.
        dim: The dimension or dimensions; None for all, an empty tuple for none of them.
        keepdim: Whether the dimensions stay, with size 1.
        out: A tensor to write the result into, bool or uint8.

    Returns:
        A bool tensor, or uint8 for uint8; false for no elements.

    Raises:
        IndexError: If a dimension is out of range.
        RuntimeError: If `out` has another dtype.

    Examples:
        >>> import tour
        >>> tour.any(tour.tensor([[True, False], [False, False]]), dim=1)
        tensor([ True, False])
    """
    return _question("any", np.logical_or.reduce, input, dim, keepdim, out)


@numpy_too
def count_nonzero(input: Tensor, dim: Dim = None) -> Tensor:
    """How many elements are not zero, over dimensions or over all.

    Examples:
        >>> import tour
        >>> tour.count_nonzero(tour.tensor([[1, 0], [2, 3]]), dim=0)
        tensor([2, 1])
    """
    a = input._a
    return _core.wrap(packed(as_array(reduce_add(a.astype(np.bool_), axis=axes(dim, a.ndim), dtype=np.int64))))


def _logsumexp(a: Any, dim: Any, keepdim: bool) -> Any:
    a, d = single(a), a.dtype
    axis: Any = axes(dim, a.ndim)
    if not a.size:
        return np.log(reduce_add(np.exp(a), axis=axis, keepdims=keepdim)).astype(d, copy=False)
    top = reduce_maximum(a.real, axis=axis, keepdims=True)
    top = np.where(np.isinf(top), 0, top).astype(a.real.dtype, copy=False)
    r = np.log(_sum(np.exp(a - top), axis, True)) + top
    return (r if keepdim else np.squeeze(r, axis)).astype(d, copy=False)


@numpy_too
def logsumexp(input: Tensor, dim: Dim, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Logarithm of the sum of exponentials, without overflow.

    The formula is `m + log Σ exp(x - m)`, with m the largest (real part of) x.

    Args:
        input: Any dtype; integers and booleans are taken in the default dtype.
        dim: The dimension or dimensions; None or an empty tuple for all.
        keepdim: Whether the dimensions stay, with size 1.
        out: A tensor to write the result into.

    Returns:
        The logarithms; minus infinity for no elements.

    Raises:
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.logsumexp(tour.tensor([-1000.0, -1000.0, -1000.0]), dim=0)
        tensor(-998.9014)
    """
    input = floating(input)
    a = input._a
    t: Tensor = result(_LOGSUMEXP, kernel_for(_LOGSUMEXP, a)(a, dim, keepdim), input, dim, keepdim)
    return t if out is None else store(out, t, "logsumexp")


_LOGSUMEXP = _core.Op("logsumexp", ("input", "dim", "keepdim"), _logsumexp)


@numpy_too
def hash_tensor(
    input: Tensor, dim: Dim = (), *, keepdim: bool = False, mode: int = 0, out: Tensor | None = None
) -> Tensor:
    """A hash of the elements over dimensions, or of all: the exclusive or of their bits as 64-bit numbers, in uint64.

    Args:
        input: A tensor of real numbers; integers and booleans are taken as int64, floating-point numbers as float64.
        dim: The dimension or dimensions; None or an empty tuple for all.
        keepdim: Whether the dimensions stay, with size 1.
        mode: The kind of hash; 0, the exclusive or, is the only one.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If `mode` is not 0, or the elements are complex.
        IndexError: If a dimension is out of range.

    Examples:
        >>> import tour
        >>> tour.hash_tensor(tour.tensor([1, 2, 3]))
        tensor(0, dtype=tour.uint64)
    """
    if mode:
        raise RuntimeError(f"hash_tensor(): only mode 0 (exclusive or) is known, got {mode}")
    a = input._a
    _real("hash_tensor", input)
    wide = a.astype(np.int64 if FROM_NUMPY[a.dtype].rank < FLOATING else np.float64).view(np.uint64)
    t = _core.wrap(as_array(np.bitwise_xor.reduce(wide, axis=axes(dim, a.ndim), keepdims=keepdim)))  # type: ignore[call-overload]
    return t if out is None else store(out, t, "hash_tensor")


class Reductions:
    """Reductions, as methods."""

    __slots__ = ()

    sum, mean, nansum, nanmean, prod = sum, mean, nansum, nanmean, prod
    all, any, count_nonzero, logsumexp, hash_tensor = all, any, count_nonzero, logsumexp, hash_tensor

    def sum_to_size(self: Any, *size: Any) -> Tensor:
        """The sum over the dimensions in which a tensor of shape `size` would be broadcast to this one's shape.

        Raises:
            RuntimeError: If `size` does not broadcast to this shape.

        Examples:
            >>> import tour
            >>> tour.ones(3, 2).sum_to_size(1, 2)
            tensor([[3., 3.]])
        """
        from tour._shapes import as_shape

        wanted, have = as_shape(size, "sum_to_size"), self._a.shape
        if not wanted:
            return sum(self)
        extra = len(have) - len(wanted)
        if extra < 0 or builtins.any(n not in (1, m) for n, m in zip(wanted, have[extra:], strict=True)):
            raise RuntimeError(f"size {{{list(wanted)}}} is not expandable to size {{{list(have)}}}.")
        gone = (*range(extra), *(i + extra for i, n in enumerate(wanted) if n == 1 != have[i + extra]))
        return sum(self, gone).reshape(wanted) if gone else self
