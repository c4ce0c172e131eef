"""Linear maps."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tour import Tensor
from tour._core import ndarray, new
from tour._declare import primitive
from tour._products import affine
from tour._storing import store
from tour.autograd.both import product
from tour.autograd.rule import op_of, vjp
from tour.nn.functional._dtypes import remedy
from tour.ops.extremes import same_dtype
from tour.ops.reductions import sum_rows

__all__ = ["bilinear", "linear"]

_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)


def _rows_of(x: Any) -> Any:
    """A matrix whose rows are the last dimension of `x`, which may be empty."""
    return x if x.ndim == 2 else x.reshape(-1 if x.size else prod(x.shape[:-1]), x.shape[-1])


def _affine(a: Any, w: Any, b: Any) -> Any:
    flat = _rows_of(a)
    if type(flat) is ndarray and type(w) is ndarray:
        y = affine(flat, w, b)
    else:
        y = flat @ w.T
        if b is not None:
            y += b
    return y if a.ndim == 2 else y.reshape(*a.shape[:-1], w.shape[0])


@primitive(_affine)
def _linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A linear map of the last dimension, plus a bias."""
    ...


_LINEAR = op_of(_linear)


def _sum_of_rows(g: Any) -> Any:
    flat = _rows_of(g)
    return flat.sum(0) if isinstance(g, Tensor) else sum_rows(flat)


vjp(
    _LINEAR,
    input=lambda g, weight: product(_rows_of(g), weight.conj()).reshape(*g.shape[:-1], weight.shape[1]),
    weight=lambda g, input: product(_rows_of(g).T, _rows_of(input).conj()),
    bias=_sum_of_rows,
)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None) -> Tensor:
    """Linear map `input @ weight.T + bias`.

    Args:
        input: Shape (..., in).
        weight: Shape (out, in), or (in,).
        bias: Shape (out,), or None.
        out: A tensor to write the result into.

    Returns:
        Shape (..., out).

    Raises:
        RuntimeError: If shapes or dtypes do not fit.

    Examples:
        >>> import tour
        >>> linear(tour.ones(2, 3), tour.ones(4, 3)).shape
        tour.Size([2, 4])
    """
    if out is not None:
        return store(same_dtype("linear", out, weight), linear(input, weight, bias), "linear")  # type: ignore[no-any-return]
    r = None
    try:
        a, w, b = input._a, weight._a, None if bias is None else bias._a
        d = a.dtype
        # The common case, without a second look: one dtype, on the host.
        if (
            w.ndim == 2
            and (d is _F32 or d is _F64)
            and w.dtype is d
            and (b is None or (b.dtype is d and b.shape == w.shape[:1]))
            and type(a) is ndarray
            and not _LINEAR.impls
        ):
            if a.ndim == 2:
                r = affine(a, w, b)
            elif a.ndim > 2:
                r = affine(a.reshape(-1, a.shape[-1]), w, b).reshape(*a.shape[:-1], len(w))
    except (AttributeError, ValueError):
        pass  # said better below
    if r is None:
        return _checked_linear(input, weight, bias)
    t: Tensor = new(Tensor)
    t._a = r
    t._tape = None
    if weight._tape is not None or input._tape is not None or (bias is not None and bias._tape is not None):
        _LINEAR.record(t, input, weight, bias)
    return t


def _checked_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`linear` of any shapes, dtypes and devices.

    Raises:
        RuntimeError: If shapes or dtypes do not fit.
    """
    if weight.dim() != 2 or not input.dim():
        y = input.matmul(weight.t())
        return y if bias is None else y + bias
    out, width = weight.shape
    if input.shape[-1] != width:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({_rows(input)}x{input.shape[-1]} and {width}x{out}): the input of shape "
            f"{list(input.shape)} should have {width} features in its last dimension, as the weight of shape {[out, width]} has"
        )
    if input.dtype is not weight.dtype:
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {input.dtype.name} and {weight.dtype.name}; use "
            f"{remedy(input, weight.dtype)}"
        )
    if bias is not None and bias.shape != (out,):
        y = _linear(input, weight, None)
        return y + bias
    return _linear(input, weight, bias)


def _rows(t: Tensor) -> int:
    return t.numel() // t.shape[-1] if t.shape[-1] else 0


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Bilinear map `y[k] = x1 @ weight[k] @ x2 + bias[k]` of the last dimensions of two inputs.

    Args:
        input1: Shape (..., in1).
        input2: Shape (..., in2), with the same sizes before.
        weight: Shape (out, in1, in2).
        bias: Shape (out,), or None.

    Returns:
        Shape (..., out).

    Raises:
        RuntimeError: If shapes do not fit.

    Examples:
        >>> import tour
        >>> bilinear(tour.ones(2, 3), tour.ones(2, 4), tour.ones(5, 3, 4)).shape
        tour.Size([2, 5])
    """
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match: got {list(input1.shape)} and {list(input2.shape)}"
        )
    out, in1, in2 = weight.shape
    if (input1.shape[-1], input2.shape[-1]) != (in1, in2):
        raise RuntimeError(
            f"bilinear(): inputs of shapes {list(input1.shape)} and {list(input2.shape)} do not fit the weight of shape "
            f"{list(weight.shape)}, whose last sizes should be {input1.shape[-1]} and {input2.shape[-1]}"
        )
    if bias is not None and bias.shape != (out,):
        raise RuntimeError(f"bilinear(): bias should have the shape [{out}], but has {list(bias.shape)}")
    first = (input1.reshape(-1, in1) @ weight.permute(1, 0, 2).reshape(in1, out * in2)).reshape(-1, out, in2)
    y = (first @ input2.reshape(-1, in2, 1)).reshape(*input1.shape[:-1], out)
    return y if bias is None else y + bias
