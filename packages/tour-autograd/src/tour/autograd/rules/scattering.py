"""Gradients of writing to places along a dimension, by an index for each element or for whole slices."""

from __future__ import annotations

from typing import Any

import tour
from tour.autograd.both import everywhere
from tour.autograd.rule import joint_vjp, tensor_vjp
from tour.ops import index_writing
from tour.ops import scattering as op


def _to_src(g: Any, dim: int, index: Any, src_shape: tuple[int, ...]) -> Any:
    """What a scattered source gets: the gradients at its places, and zeros where the index does not reach."""
    picked = g.gather(dim, index)
    if picked.shape == src_shape:
        return picked
    if not src_shape or not picked.ndim:
        return picked.reshape(src_shape)
    return tour.constant_pad_nd(
        picked, [k for n, m in zip(reversed(src_shape), reversed(picked.shape), strict=True) for k in (0, n - m)]
    )


tensor_vjp(op._SCATTER, input=lambda g, dim, index: g.scatter(dim, index, 0), src=_to_src)
tensor_vjp(op._SCATTER_ADD, input=lambda g: g, src=_to_src)


def _slices(g: Any, dim: int, index: Any) -> Any:
    return g.index_select(dim, index)


def _index_add(g: Any, dim: int, index: Any, source_shape: tuple[int, ...], alpha: Any) -> Any:
    return (_slices(g, dim, index) * alpha).reshape(source_shape)


tensor_vjp(index_writing._INDEX_ADD, input=lambda g: g, source=_index_add)
tensor_vjp(
    index_writing._INDEX_COPY,
    input=lambda g, dim, index: g.index_fill(dim, index, 0),
    source=lambda g, dim, index, source_shape: _slices(g, dim, index).reshape(source_shape),
)
tensor_vjp(
    index_writing._INDEX_FILL,
    input=lambda g, dim, index: g.index_fill(dim, index, 0),
    value=lambda g, dim, index: _slices(g, dim, index.reshape(-1).unique()).sum(),
)


# --- Combining: prod, mean, amax, amin ------------------------------------------------------------------------------------------


class _Places:
    """The two ways of naming places: an index for each element (scatter), or for whole slices (index_*)."""

    def __init__(self, read: Any, add: Any, fill: Any) -> None:
        self.read, self.add, self.fill = read, add, fill


_BY_ELEMENT = _Places(
    lambda x, dim, index: x.gather(dim, index),
    lambda x, dim, index, source: x.scatter_add(dim, index, source),
    lambda x, dim, index, value: x.scatter(dim, index, value),
)
_BY_SLICE = _Places(
    lambda x, dim, index: x.index_select(dim, index),
    lambda x, dim, index, source: x.index_add(dim, index, source),
    lambda x, dim, index, value: x.index_fill(dim, index, value),
)


def _combined(
    by: _Places, g: Any, input: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool, out: Any
) -> tuple[Any, Any]:
    """Gradients of what was combined: of the input, and of the source at its places."""
    if reduce == "sum":
        to_input, to_source = g, by.read(g, dim, index)
    elif reduce == "mean":
        start = tour.ones_like(g) if include_self else tour.zeros_like(g)
        count = by.add(start, dim, index, tour.ones_like(source))
        share = g / count.masked_fill(count == 0, 1)
        to_input, to_source = share, by.read(share, dim, index)
    elif reduce == "prod":
        to_input, to_source = _of_products(by, g, input, dim, index, source, include_self, out)
    else:
        best = by.read(out, dim, index)
        mine, theirs = (input == out).to(g.dtype), (source == best).to(g.dtype)
        if not include_self:
            mine = by.fill(mine, dim, index, 0)
        count = by.add(mine, dim, index, theirs)
        share = g / count.masked_fill(count == 0, 1)
        to_input, to_source = share * mine, by.read(share, dim, index) * theirs
    if not include_self:
        to_input = by.fill(to_input, dim, index, 0)
    return to_input, to_source


def _of_products(
    by: _Places, g: Any, input: Any, dim: int, index: Any, source: Any, include_self: bool, out: Any
) -> Any:
    """Gradients of products: of all factors but one; with a single zero among them only that one gets any."""
    start = by.fill(input, dim, index, 1) if not include_self else input
    to_input = (g * out) / start.masked_fill(start == 0, 1)
    if not everywhere(start != 0):
        alone = by.fill(tour.ones_like(start), dim, index, 1)
        others = _product(by, alone, dim, index, source)
        to_input = tour.where(start == 0, g * others, to_input)
    zero = source == 0
    zeros = by.add((start == 0).to(g.dtype), dim, index, zero.to(g.dtype))
    single = zero & (by.read(zeros, dim, index) == 1)
    without = _product(by, start, dim, index, source.masked_fill(single, 1))
    plain = by.read(g * out, dim, index) / source.masked_fill(zero, 1)
    to_source = tour.where(single, by.read(g * without, dim, index), plain.masked_fill(zero, 0))
    return to_input, to_source


def _product(by: _Places, start: Any, dim: int, index: Any, source: Any) -> Any:
    if by is _BY_ELEMENT:
        return start.scatter_reduce(dim, index, source, "prod")
    return start.index_reduce(dim, index, source, "prod")


@joint_vjp(op._SCATTER_REDUCE, "input", "src", on_tensors=True)
def _scatter_reduce(
    g: Any,
    wanted: Any,
    input: Any,
    dim: int,
    index: Any,
    src: Any,
    reduce: str,
    include_self: bool,
    out: Any,
) -> Any:
    if not index.numel():
        return g, tour.zeros_like(src)
    part = src[tuple(slice(n) for n in index.shape)] if src.ndim else src.reshape(index.shape)
    to_input, picked = _combined(_BY_ELEMENT, g, input, dim, index, part, reduce, include_self, out)
    if picked.shape == src.shape or not src.ndim:
        return to_input, picked.reshape(src.shape)
    frame = [k for n, m in zip(reversed(src.shape), reversed(picked.shape), strict=True) for k in (0, n - m)]
    return to_input, tour.constant_pad_nd(picked, frame)


@joint_vjp(index_writing._INDEX_REDUCE, "input", "source", on_tensors=True)
def _index_reduce(
    g: Any,
    wanted: Any,
    input: Any,
    dim: int,
    index: Any,
    source: Any,
    reduce: str,
    include_self: bool,
    out: Any,
) -> Any:
    shape = source.shape
    if input.ndim == 0 or source.ndim == 0:
        input_line, g_line, out_line = (x.reshape(-1) if not x.ndim else x for x in (input, g, out))
        to_input, to_source = _combined(
            _BY_SLICE, g_line, input_line, dim, index.reshape(-1), source.reshape(-1), reduce, include_self, out_line
        )
        return to_input.reshape(input.shape), to_source.reshape(shape)
    return _combined(_BY_SLICE, g, input, dim, index, source, reduce, include_self, out)
