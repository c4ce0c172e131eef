"""The few functions that rules need beyond operators and NumPy's protocols, each reading arrays and tensors alike."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

import tour
from tour import _core, _products
from tour._core import as_array, held, ndarray, packed
from tour._kernels import keep


def expand(g: Any, shape: tuple[int, ...]) -> Any:
    """`g` repeated to `shape`, without a copy where that is large; the result of the first reading must not be written into."""
    if isinstance(g, _core.Tensor):
        return g.expand(shape)
    g = as_array(g)
    if (
        not g.ndim and type(g) is ndarray and prod(shape) < _SMALL
    ):  # quicker to fill, and quicker to multiply with later
        filled = ndarray(shape, g.dtype)
        filled[...] = g
        return filled
    if type(g) is not ndarray or not g.flags.c_contiguous or not g.size:
        return np.broadcast_to(g, shape)
    extra = (0,) * (len(shape) - g.ndim)
    strides = extra + tuple([0 if n == 1 else s for n, s in zip(g.shape, g.strides, strict=True)])
    return ndarray(shape, g.dtype, g, 0, strides)  # a third of the time of np.broadcast_to


_SMALL = 4096  # elements
_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)
_ONE32, _ONE64 = np.ones((), _F32), np.ones((), _F64)


def one_minus(x: Any) -> Any:
    """`1 - x`; NumPy takes twice as long to look at a number as at an array without dimensions."""
    d = x.dtype if type(x) is ndarray else None
    return (_ONE32 if d is _F32 else _ONE64 if d is _F64 else 1) - x


def permute(g: Any, order: tuple[int, ...]) -> Any:
    """The dimensions in another order."""
    return g.permute(order) if isinstance(g, _core.Tensor) else g.transpose(order)


def product(a: Any, b: Any) -> Any:
    """Matrix product."""
    return _products.product(a, b) if type(a) is type(b) is ndarray else a @ b


def place(g: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros of `shape` with `g` added in at `index`: the transpose of reading `x[index]`."""
    if isinstance(g, _core.Tensor):
        return tour.ops.indexing.place(g, shape, index)
    return tour.ops.indexing.place_array(as_array(g), shape, index)


def cast(g: Any, dtype: Any) -> Any:
    """`g` in a tour dtype; the real part where that is real and `g` is complex."""
    if isinstance(g, _core.Tensor):
        return tour.ops.casting.astype(g, dtype)
    if g.dtype.kind == "c" and not dtype.is_complex:
        g = g.real
    return g.astype(dtype.numpy, copy=False)


def zeros(g: Any) -> Any:
    """The gradient of what moves in steps."""
    return _core.wrap(np.zeros_like(g._a)) if isinstance(g, _core.Tensor) else np.zeros_like(g)


def masked(g: Any, mask: Any) -> Any:
    """`g` where the mask holds, zeros elsewhere, also where `g` is not finite."""
    if isinstance(g, _core.Tensor):
        return tour.where(mask if isinstance(mask, _core.Tensor) else _core.wrap(mask), g, 0)
    return keep(as_array(g), mask)


def components(g: Any) -> Any:
    """A complex array as a real one with a last dimension of size 2."""
    return tour.view_as_real(g) if isinstance(g, _core.Tensor) else as_array(g)[..., None].view(g.real.dtype)


def united(g: Any) -> Any:
    """The inverse of `components`."""
    if isinstance(g, _core.Tensor):
        return tour.view_as_complex(g.contiguous())
    return packed(g).view(np.complex64 if g.dtype.itemsize == 4 else np.complex128)[..., 0]


def everywhere(mask: Any) -> bool:
    """Whether a mask, a tensor or an array, holds in all elements; of a batch in those of every sample."""
    return bool(held(mask._a if isinstance(mask, _core.Tensor) else mask).all())


def reading(function: Any) -> Any:
    """A primitive op as rules call it: on raw arrays its kernel, on tensors the op itself, so that it is recorded."""
    op = function.op

    def call(*args: Any) -> Any:
        if any(isinstance(x, _core.Tensor) for x in args):
            return function(*args)
        return _core.kernel_for(op, args[0])(*args)

    return call


def differentiate(expression: Any, inputs: tuple[Any, ...], wanted: tuple[bool, ...], g: Any) -> tuple[Any, ...]:
    """Gradients of an op with a kernel of its own in a recorded pass: those of the same function written in other ops.

    Args:
        expression: The function, in ops that have rules; its result, or a list of its results.
        inputs: Its arguments: tensors with their history, or None.
        wanted: Which of their gradients are wanted.
        g: The gradient of its result, or a list of gradients; None for a result without dimensions.
    """
    recorded = tour.is_grad_enabled()
    with tour.enable_grad():
        # Views stand in for the inputs: an input may also have a part in the history of another one, which does not count here.
        inputs = tuple(_stand_in(x) if w else x for x, w in zip(inputs, wanted, strict=True))
        y = expression(*inputs)
    watched = [x for x, w in zip(inputs, wanted, strict=True) if w]
    results, arriving = (x if isinstance(x, list) else [x] for x in (y, g))
    arriving = [tour.ones_like(t) if x is None else x for t, x in zip(results, arriving, strict=True)]
    found = iter(tour.autograd.pullback(results, watched, arriving, recorded))
    return tuple(next(found) if w else None for w in wanted)


def _stand_in(x: Any) -> Any:
    """A tensor in the place of another one in a piece of history of its own."""
    return x.view_as(x) if x._tape is not None else x.detach().requires_grad_()
