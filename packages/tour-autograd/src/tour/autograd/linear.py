"""Ops that are linear in their tensors, which forward mode runs on tangents: by name, as functions of their parameters."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import tour
from tour import Tensor
from tour._core import OPS, as_array, kernel_among, wrap
from tour._declare import opened, taped
from tour._writing import written


def _by_kernel(name: str) -> Callable[..., Any]:
    """An op run by its kernel, and recorded."""

    def call(*values: Any) -> Any:
        op = OPS[name]
        raw = [opened(x) for x in values]
        r = kernel_among(op, *raw)(*raw)
        t = tuple(wrap(as_array(x)) for x in r) if type(r) is tuple else wrap(as_array(r))
        if any(map(taped, values)):
            op.record(t, *values)
        return t

    return call


def _by_writing(name: str) -> Callable[..., Any]:
    """An op whose kernel writes into a copy of its first argument."""
    return lambda input, *values: written(OPS[name], input, *values)


def _gathered(input: Any, indices: Any, dim: int, keepdim: bool) -> Any:
    """The elements that were chosen."""
    if not input.ndim:
        return input.reshape(indices.shape)
    where = wrap(indices)
    if keepdim or indices.ndim == input.ndim:
        return input.gather(dim, where)
    return input.gather(dim, where.unsqueeze(dim)).squeeze(dim)


LINEAR: dict[str, Callable[..., Any]] = {
    # Views and copies
    "view": lambda t, shape: t.reshape(shape),
    "permute": lambda t, dims: t.permute(dims),
    "transpose": lambda t, i, j: t.transpose(i, j),
    "getitem": lambda t, index: t[index],
    "expand": lambda t, size: t.expand(size),
    "diagonal": lambda t, offset, i, j: t.diagonal(offset, i, j),
    "unfold": lambda t, dimension, size, step: t.unfold(dimension, size, step),
    "split": lambda t, bounds, dim: t.split([b - a for a, b in pairwise(bounds)], dim),
    "unbind": lambda t, dim: t.unbind(dim),
    "clone": lambda t: t.clone(),
    "to_dtype": lambda t, dtype: t.to(dtype),
    "to_device": lambda t, device: t,
    "real": lambda t: t.real if t.is_complex() else t,
    "imag": lambda t: t.imag,
    "conj": lambda t: t.conj(),
    "view_as_real": tour.view_as_real,
    "view_as_complex": tour.view_as_complex,
    "complex": tour.complex,
    # Sums
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "rsub": lambda a, b: b - a,
    "neg": lambda t: -t,
    "sum": lambda t, dim, keepdim: t.sum(dim, keepdim),
    "mean": lambda t, dim, keepdim: t.mean(dim, keepdim),
    "cumsum": lambda t, dim: t.cumsum(dim),
    # Places
    "cat": lambda ts, dim: tour.cat(ts, dim),
    "stack": lambda ts, dim: tour.stack(ts, dim),
    "gather": lambda t, dim, index: t.gather(dim, wrap(index)),
    "where": lambda c, a, b: tour.where(c, a, b),
    "flip": lambda t, dims: t.flip(dims),
    "roll": lambda t, shifts, dims: t.roll(shifts, dims),
    "repeat": lambda t, times: t.repeat(*times),
    "tril": lambda t, diagonal: t.tril(diagonal),
    "triu": lambda t, diagonal: t.triu(diagonal),
    "diag_embed": tour.diag_embed,
    "constant_pad_nd": lambda t, sizes, value: _by_kernel("constant_pad_nd")(t, sizes, 0),
    "masked_fill": lambda t, mask, value: tour.where(wrap(mask), value if isinstance(value, Tensor) else 0, t),
    "place": _by_kernel("place"),
}

# Chosen elements: the indices are known.
for _name in ("max", "min", "median", "nanmedian", "mode", "sort", "topk", "kthvalue"):
    LINEAR[_name] = _gathered
for _name in ("cummax", "cummin"):
    LINEAR[_name] = lambda t, indices, dim, keepdim: t.gather(dim, wrap(indices)) if t.ndim else t
for _name in ("fft_c2c", "fft_r2c", "fft_c2r"):
    LINEAR[_name] = _by_kernel(_name)
for _name in """
    adaptive_avg_pooling adaptive_avg_pooling_grad avg_pooling avg_pooling_grad resizing resizing_grad patches patch_sums
    scatter_to_plane gather_from_plane max_unpooling embedding
    vmap_bind vmap_unbind vmap_lift vmap_total
""".split():
    LINEAR[_name] = _by_kernel(_name)
for _name in (
    "setitem",
    "scatter",
    "scatter_add",
    "index_add",
    "index_copy",
    "index_put",
    "set_part",
    "diagonal_scatter",
):
    LINEAR[_name] = _by_writing(_name)


def _affine(input: Any, weight: Any, bias: Any, i: int) -> Any:
    """The part of a linear map that is linear in its i-th argument."""
    if i == 2:
        return bias.expand(*input.shape[:-1], bias.shape[-1])
    return _by_kernel("linear")(input, weight, None)


def _convolved(input: Any, weight: Any, bias: Any, *options: Any) -> Any:
    *sizes, i = options
    y = _by_kernel("convolution")(input, weight, None, *sizes)
    if i != 2:
        return y
    return bias.reshape(-1, *(1,) * (y.dim() - 2)).expand(y.shape)


def _without_number(name: str) -> Callable[..., Any]:
    return lambda *values: _by_kernel(name)(*values[:-1])


# Linear in each tensor: with a tangent in the place of one of them, and the number of that one behind.
MULTILINEAR: dict[str, Callable[..., Any]] = {
    "matmul": lambda a, b, i: a @ b,
    "mul": lambda a, b, i: a * b,
    "linear": _affine,
    "convolution": _convolved,
    "convolution_input_grad": _without_number("convolution_input_grad"),
    "convolution_weight_grad": _without_number("convolution_weight_grad"),
}
