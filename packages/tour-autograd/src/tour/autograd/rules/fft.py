"""Gradients of Fourier transforms: transforms in the other direction, cut or padded to the input's shape."""

from __future__ import annotations

from typing import Any

import tour
from tour import fft
from tour.autograd.rule import tensor_vjp

_OTHER = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def _resized(g: Any, shape: tuple[int, ...], dims: tuple[int, ...]) -> Any:
    """`g` cut or padded with zeros along the transformed dimensions."""
    for d in dims:
        n, have = shape[d], g.shape[d]
        if have > n:
            g = g.narrow(d, 0, n)
        elif have < n:
            missing = list(g.shape)
            missing[d] = n - have
            g = tour.cat([g, tour.zeros(missing, dtype=g.dtype)], d)
    return g


def _to_dtype(g: Any, dtype: Any) -> Any:
    return g if dtype.kind == "c" else g.real


def _c2c(g: Any, input_shape: Any, input_dtype: Any, s: Any, dims: Any, norm: str, inverse: bool) -> Any:
    if not dims:
        return _to_dtype(g, input_dtype)
    g = fft._run(fft._C2C, g, s, dims, _OTHER[norm], not inverse)
    return _to_dtype(_resized(g, input_shape, dims), input_dtype)


def _r2c(g: Any, input_shape: Any, s: Any, dims: Any, norm: str) -> Any:
    """Half a spectrum is the whole one with the rest left out: its transpose pads with zeros."""
    whole = list(g.shape)
    whole[dims[-1]] = s[-1]
    g = fft._run(fft._C2C, _resized(g, tuple(whole), dims[-1:]), s, dims, _OTHER[norm], True)
    return _resized(g.real, input_shape, dims)


def _c2r(g: Any, input_shape: Any, s: Any, dims: Any, norm: str) -> Any:
    """Frequencies whose mirror image is not in the half spectrum count twice."""
    g = fft._run(fft._R2C, g, s, dims, _OTHER[norm])
    n, last = s[-1], dims[-1]
    shape = [1] * g.ndim
    shape[last] = n // 2 + 1
    weight = tour.full((n // 2 + 1,), 2.0, dtype=g.dtype.to_real())
    weight[0] = 1.0
    if n % 2 == 0:
        weight[-1] = 1.0
    return _resized(g * weight.reshape(shape), input_shape, dims)


tensor_vjp(fft._C2C, input=_c2c)
tensor_vjp(fft._R2C, input=_r2c)
tensor_vjp(fft._C2R, input=_c2r)
