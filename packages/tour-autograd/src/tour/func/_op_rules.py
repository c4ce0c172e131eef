"""Batching rules of tour's own ops, where a kernel asks more of an array than NumPy's protocols give.

Each class of op has one rule: elementwise ones align the samples' axes and run on all samples at once, those along a dimension
shift it past the batch axes, those of matrices take the batch axes for more leading dimensions. The classes are lists of names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tour._core import OPS, Op, held, packed
from tour._shapes import wrap_dim, wrap_dims
from tour.func._batched import (
    BatchedArray,
    elementwise,
    flattened,
    led_array,
    levels_of,
    restored,
    stretched,
)
from tour.func._indexing import is_array, read, room
from tour.func._ufuncs import at, matmul

Array = Any
Rule = Callable[..., Any]


RULES: dict[
    str, Callable[[Op], Rule]
] = {}  # by name, because a package above declares its ops when they are first used


def batched_by(make: Callable[[Rule], Rule], *names: str) -> None:
    """Let the ops of these names be run on batched arrays by the rule that `make` makes of their kernels."""
    for name in names:
        RULES[name] = lambda op: make(op.kernel)  # type: ignore[arg-type]


def of(*names: str) -> Callable[[Rule], Rule]:
    """Declare the rule of ops by name."""

    def bind(rule: Rule) -> Rule:
        for name in names:
            RULES[name] = lambda _: rule
        return rule

    return bind


def kernel(name: str) -> Rule:
    """The kernel of an op."""
    return OPS[name].kernel  # type: ignore[return-value]


def give(op: Op) -> None:
    """Put the rule of an op, if there is one, into its socket."""
    if op.name in RULES:
        op.impls[BatchedArray] = RULES[op.name](op)
    elif op.broadcasts and op.kernel is not None and not isinstance(op.kernel, np.ufunc):
        op.impls[BatchedArray] = aligned(op.kernel)


def each(value: Any, make: Callable[[Array], Array]) -> Any:
    """What a kernel gave, an array or a tuple of them, as batched arrays."""
    return tuple(map(make, value)) if type(value) is tuple else make(value)


# --- Elementwise --------------------------------------------------------------------------------------------------------------


def aligned(kernel: Rule) -> Rule:
    """Operands broadcast."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        levels, arrays = elementwise(args)
        return each(kernel(*arrays, **kwargs), lambda r: BatchedArray(r, levels))

    return answer


_ELEMENTWISE = """
    leaky_relu elu gelu gelu_slope silu silu_slope mish mish_slope softplus logsigmoid hardtanh hardsigmoid hardswish threshold
    softshrink hardshrink nan_to_num pow_number round_decimals polygamma logit masked_fill
"""
batched_by(aligned, *_ELEMENTWISE.split())


# --- Along dimensions ---------------------------------------------------------------------------------------------------------


def along(kernel: Rule, position: int) -> Rule:
    """The dimension or dimensions are argument `position`; None and `()` mean all of a sample's."""

    def answer(a: BatchedArray, *args: Any) -> Any:
        k, given = len(a.levels), list(args)
        dim = given[position - 1] if len(given) >= position else None
        if not a.ndim:
            given[position - 1] = k
            return each(kernel(a.value[..., None], *given), lambda r: BatchedArray(r.reshape(a.lead), a.levels))
        if dim is None or (type(dim) is not int and not len(dim)):
            shifted: Any = tuple(range(k, k + a.ndim))
        elif type(dim) is int:
            shifted = wrap_dim(dim, a.ndim) + k
        else:
            shifted = tuple(d + k for d in wrap_dims(dim, a.ndim))
        given[position - 1] = shifted
        return each(kernel(a.value, *given), lambda r: BatchedArray(r, a.levels))

    return answer


_FIRST = """
    sum mean prod logsumexp amax amin max min cumsum cumprod logcumsumexp cummax cummin softmax log_softmax sort median nanmedian mode
    var std flip
"""
batched_by(lambda k: along(k, 1), *_FIRST.split())
batched_by(lambda k: along(k, 2), "topk", "kthvalue", "vector_norm", "roll")


@of("constant_pad_nd")
def _pad(a: BatchedArray, sizes: Any, value: Any) -> BatchedArray:
    return BatchedArray(kernel("constant_pad_nd")(a.value, ((0, 0),) * len(a.levels) + tuple(sizes), value), a.levels)


@of("repeat")
def _repeat(a: BatchedArray, times: Any) -> BatchedArray:
    value = a.value.reshape(*a.lead, *(1,) * (len(times) - a.ndim), *a.shape)
    return BatchedArray(kernel("repeat")(value, (*(1,) * len(a.levels), *times)), a.levels)


@of("diag_embed")
def _diag_embed(a: BatchedArray, offset: int, dim1: int, dim2: int) -> BatchedArray:
    k, ndim = len(a.levels), a.ndim + 1
    return BatchedArray(
        kernel("diag_embed")(a.value, offset, wrap_dim(dim1, ndim) + k, wrap_dim(dim2, ndim) + k), a.levels
    )


batched_by(lambda _: np.stack, "stack")


# --- Matrices: batch axes are more leading dimensions -------------------------------------------------------------------------


def leading(kernel: Rule, core: int = 2) -> Rule:
    """All operands have the last `core` dimensions for themselves; those before broadcast."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        levels = levels_of(args)
        k = len(levels)
        at_ = [i for i, x in enumerate(args) if is_array(x)]
        ndim = max(args[i].ndim for i in at_)
        values = {}
        for i in at_:
            v = led_array(args[i], levels)
            values[i] = v.reshape(v.shape[:k] + (1,) * (ndim - v.ndim + k) + v.shape[k:])
        if len(at_) > 1:
            own = {i: min(core, args[i].ndim) if ndim >= core else ndim for i in at_}
            lead = np.broadcast_shapes(*(v.shape[: v.ndim - own[i]] for i, v in values.items()))
            values = {i: np.broadcast_to(v, lead + v.shape[v.ndim - own[i] :]) for i, v in values.items()}
        r = kernel(*(values.get(i, x) for i, x in enumerate(args)), **kwargs)
        return each(r, lambda x: BatchedArray(x, levels))

    return answer


_MATRICES = """
    tril triu linalg_cholesky_ex linalg_qr linalg_eig linalg_eigh linalg_svd linalg_lu_factor_ex linalg_ldl_factor_ex linalg_inv_ex
    linalg_solve_ex linalg_solve_triangular linalg_lstsq linalg_det linalg_slogdet linalg_matrix_exp cholesky_solve euclidean
"""
batched_by(leading, *_MATRICES.split())


@of("linalg_pinv")
def _pinv(a: BatchedArray, atol: Any, rtol: Any, hermitian: bool) -> BatchedArray:
    levels = levels_of((a, atol, rtol))
    tolerances = (led_array(x, levels) if is_array(x) else x for x in (atol, rtol))
    return BatchedArray(kernel("linalg_pinv")(led_array(a, levels), *tolerances, hermitian), levels)


batched_by(lambda _: matmul, "matmul")


# --- By index -----------------------------------------------------------------------------------------------------------------

batched_by(lambda _: read, "getitem")


@of("gather")
def _gather(a: Array, dim: int, index: Array) -> BatchedArray:
    levels = levels_of((a, index))
    values = [stretched(x, levels) for x in (a, index)]
    if not a.ndim:
        values = [v.reshape((*v.shape[: len(levels)], -1)) for v in values]
    r = kernel("gather")(values[0], len(levels) + dim, values[1])
    return BatchedArray(r.reshape(r.shape[: len(levels)] + index.shape), levels)


def scattering(kernel: Rule) -> Rule:
    """Writes into the first argument, which has room, along dimension `dim`; an index for each element."""

    def answer(a: BatchedArray, dim: int, index: Array, src: Any, *options: Any) -> None:
        levels = levels_of((a, index, src))
        room(a, levels)
        k = len(levels)
        i = stretched(index, levels)
        s = stretched(src, levels) if getattr(src, "ndim", 0) or type(src) is BatchedArray else src
        value = a.value
        if not a.ndim:
            value, i = value.reshape(*a.lead, 1), i.reshape(*a.lead, index.size)
        if not is_array(s) or not i.size:
            s = s if i.size else 0
        elif s.ndim < i.ndim:
            s = np.broadcast_to(s.reshape(s.shape[:k] + (1,) * (i.ndim - s.ndim) + s.shape[k:]), i.shape)
        kernel(value, k + dim, i, s, *options)

    return answer


batched_by(scattering, "scatter", "scatter_add", "scatter_reduce")


def slices(kernel: Rule, scatter: Rule) -> Rule:
    """Writes to whole slices that a vector names; a vector that differs from sample to sample is written as an index for each."""

    def answer(a: BatchedArray, dim: int, index: Array, src: Any, *options: Any) -> None:
        levels = levels_of((a, index, src))
        room(a, levels)
        k = len(levels)
        value = a.value if a.ndim else a.value.reshape(*a.lead, 1)
        s = stretched(src, levels) if is_array(src) else src
        n = index.size
        if is_array(s):
            s = s.reshape(
                s.shape[:k]
                + ((-1,) if value.ndim == k + 1 and src.ndim else (1,) * (value.ndim - s.ndim) + s.shape[k:])
            )
        shape = (*value.shape[: k + dim], n, *value.shape[k + dim + 1 :])
        if is_array(s):
            s = np.broadcast_to(s, shape)
        if type(index) is not BatchedArray:
            kernel(value, k + dim, index, s, *options)
            return
        i = stretched(index, levels).reshape(*a.lead, *(1,) * dim, n, *(1,) * (value.ndim - k - dim - 1))
        scatter(value, k + dim, np.broadcast_to(i, shape), s, *options)

    return answer


def _scaled_add(a: Array, dim: int, index: Array, source: Array, alpha: Any) -> None:
    kernel("scatter_add")(a, dim, index, source if alpha == 1 else source * source.dtype.type(alpha))


batched_by(lambda k: slices(k, _scaled_add), "index_add")
batched_by(lambda k: slices(k, kernel("scatter_reduce")), "index_reduce")
batched_by(lambda k: slices(k, kernel("scatter")), "index_copy", "index_fill")


@of("place")
def _place(values: Array, shape: tuple[int, ...], index: Any) -> BatchedArray:
    levels = levels_of((values, *(index if type(index) is tuple else (index,))))
    whole = BatchedArray(np.zeros_like(held(values), shape=(*(level.size for level in levels), *shape)), levels)
    at(np.add, whole, index, values)
    return whole


@of("index_put")
def _index_put(a: BatchedArray, indices: Any, values: Any, accumulate: bool) -> None:
    if accumulate:
        at(np.add, a, indices, values)
    else:
        a[indices] = values


@of("put")
def _put(a: BatchedArray, index: Array, source: Array, accumulate: bool) -> None:
    line = BatchedArray(packed(a.value).reshape(*a.lead, a.size), a.levels)
    places = index.reshape(-1)
    places = np.where(places < 0, places + a.size, places)
    _index_put(line, (places,), source.reshape(-1), accumulate)
    a.value[...] = line.value.reshape(a.value.shape)


@of("set_part")
def _set_part(a: BatchedArray, index: Any, src: Array) -> None:
    a[index] = src


@of("diagonal_scatter")
def _diagonal_scatter(a: BatchedArray, src: Array, offset: int, dim1: int, dim2: int) -> None:
    levels = levels_of((a, src))
    room(a, levels)
    k = len(levels)
    kernel("diagonal_scatter")(
        a.value, stretched(src, levels), offset, wrap_dim(dim1, a.ndim) + k, wrap_dim(dim2, a.ndim) + k
    )


# --- One sample after the other -----------------------------------------------------------------------------------------------


def one_by_one(kernel: Rule) -> Rule:
    """The last resort, for kernels that make decisions for each sample: a loop."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        levels = levels_of(args)
        rows = [flattened(x, levels) if type(x) is BatchedArray else x for x in args]
        size = next(len(r) for r, x in zip(rows, args, strict=True) if type(x) is BatchedArray)
        results = [
            kernel(*(r[i] if type(x) is BatchedArray else x for r, x in zip(rows, args, strict=True)), **kwargs)
            for i in range(size)
        ]
        if type(results[0]) is tuple:
            return tuple(restored(np.stack(parts), levels) for parts in zip(*results, strict=True))
        return restored(np.stack(results), levels)

    return answer


def one_by_one_into(kernel: Rule) -> Rule:
    """The same for kernels that write into their first argument."""

    def answer(a: BatchedArray, *args: Any) -> None:
        levels = levels_of((a, *args))
        room(a, levels)
        rows = [flattened(x, levels) if type(x) is BatchedArray else x for x in args]
        whole = a.value.reshape(math.prod(a.lead), *a.shape)
        for i in range(len(whole)):
            kernel(whole[i, ...], *(r[i] if type(x) is BatchedArray else x for r, x in zip(rows, args, strict=True)))
        a.value[...] = whole.reshape(a.value.shape)

    return answer


batched_by(one_by_one_into, "masked_scatter")
batched_by(one_by_one, "linalg_ldl_solve")
