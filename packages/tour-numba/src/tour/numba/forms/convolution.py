"""Convolutions over one or two dimensions, and their gradients: which algorithm, how the weights lie, and how much scratch."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tour import backends
from tour.numba import _memory as memory
from tour.numba import _pool
from tour.numba._native import Kernel, vector_bits
from tour.numba.kernels.winograd import matrices

Array = Any
Ints = tuple[int, ...]

_forward, _weight_grad = Kernel("convolution.forward"), Kernel("convolution.weight_grad")
_winograd = {m: Kernel(f"convolution.winograd{m}") for m in (2, 4)}
_winograd_weight_grad = {m: Kernel(f"convolution.winograd{m}_weight_grad") for m in (2, 4)}

SHORT = 24  # numbers that a row of a kernel meets, below which the products are too thin: BLAS is faster on columns
SPILL = 1 << 17  # weights that no longer stay in the second-level cache
ROW = 24  # pixels of a row over which reading such weights again pays
TRANSFORMED = 150_000  # numbers of transformed tiles at a time: about half a megabyte


def conv(x: Array, weight: Array, bias: Array | None, stride: Ints, padding: Ints, dilation: Ints, groups: int) -> Any:
    """Cross-correlate x (N, C, *size) with weight (O, C, *kernel)."""
    same = x.dtype is weight.dtype is (x if bias is None else bias).dtype
    if not same or not _serves(x, weight.shape, stride, padding, dilation, groups):
        return NotImplemented
    return _correlate(x, weight, bias, stride, padding)


def conv_input_grad(
    g: Array, weight: Array, input_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Any:
    """Gradient of `conv` with respect to its input, for stride 1: a convolution with the flipped weights."""
    kernel = weight.shape[2:]
    around = tuple(k - 1 - p for k, p in zip(kernel, padding, strict=True))
    fits = all(n == m + k - 1 - 2 * p for n, m, k, p in zip(input_shape[2:], g.shape[2:], kernel, padding, strict=True))
    flipped = np.flip(weight, tuple(range(2, weight.ndim))).swapaxes(0, 1)
    if prod(stride) > 1 or not fits or g.dtype is not weight.dtype:
        return NotImplemented
    if not _serves(g, flipped.shape, stride, around, dilation, groups):
        return NotImplemented
    return _correlate(g, flipped, None, stride, around)


def conv_weight_grad(
    g: Array, x: Array, weight_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Any:
    """Gradient of `conv` with respect to its weight, from the gradient g of its output."""
    fits = all(
        m == (n + 2 * p - k) // s + 1
        for n, m, k, s, p in zip(x.shape[2:], g.shape[2:], weight_shape[2:], stride, padding, strict=True)
    )
    if g.dtype is not x.dtype or not fits or not _serves(x, weight_shape, stride, padding, dilation, groups):
        return NotImplemented
    plan = Plan(x, weight_shape, stride, padding)
    m = plan.tile()
    x, g = memory.dense(x), memory.dense(g)
    grad = plan.direct_weight_grad(x, g) if not m else plan.winograd_weight_grad(x, g, m)
    return grad.reshape(weight_shape)


def _serves(x: Array, weight_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int) -> bool:
    """Whether the kernels here take the convolution, and are faster than a matrix product of columns."""
    kernel, weights = weight_shape[2:], prod(weight_shape)
    if x.dtype is not memory.F32 or len(kernel) > 2 or groups > 1 or not x.size or not weights:
        return False
    if prod(kernel) == 1 or prod(dilation) > 1 or min(padding) < 0:
        return False
    plan = Plan(x, weight_shape, stride, padding)
    if plan.kernel_w * plan.channels < SHORT:
        return False
    return bool(plan.tile()) or plan.out_w >= ROW or weights <= SPILL


def _correlate(x: Array, weight: Array, bias: Array | None, stride: Ints, padding: Ints) -> Array:
    plan = Plan(x, weight.shape, stride, padding)
    m = plan.tile()
    x = memory.dense(x)
    y = plan.direct(x, weight, bias) if not m else plan.winograd(x, weight, bias, m)
    return y.reshape(len(x), len(weight), *plan.out_size)


class Plan:
    """The sizes of one convolution, as if it had two dimensions."""

    def __init__(self, x: Array, weight_shape: Ints, stride: Ints, padding: Ints) -> None:
        flat = len(weight_shape) == 3
        self.samples, self.channels = x.shape[:2]
        self.depth = weight_shape[0]
        self.h: int
        self.w: int
        self.h, self.w = (1, x.shape[2]) if flat else x.shape[2:]
        self.kernel_h, self.kernel_w = (1, weight_shape[2]) if flat else weight_shape[2:]
        self.stride_h, self.stride_w = (1, stride[0]) if flat else stride
        self.pad_h, self.pad_w = (0, padding[0]) if flat else padding
        self.out_h = (self.h + 2 * self.pad_h - self.kernel_h) // self.stride_h + 1
        self.out_w = (self.w + 2 * self.pad_w - self.kernel_w) // self.stride_w + 1
        self.out_size = (self.out_w,) if flat else (self.out_h, self.out_w)
        lanes = vector_bits() // 32
        self.columns = -(-self.depth // lanes) * lanes
        self.lanes = lanes
        self.parts = min(_pool.threads(), self.samples)

    def tile(self) -> int:
        """The m of Winograd's F(m x m, 3 x 3), or 0 for the plain sum."""
        said = backends.cpu.winograd
        plain = (self.kernel_h, self.kernel_w, self.stride_h, self.stride_w) != (3, 3, 1, 1)
        if said == 0 or plain or min(self.channels, self.depth) < self.lanes or self.channels * self.depth > 1 << 16:
            return 0
        m = 4 if said == "auto" else int(said)
        return m if self.out_h * self.out_w >= 9 * m * m else 0

    # --- The plain sum ---------------------------------------------------------------------------------------------------

    def direct(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """Rows of the result as sums of matrix products."""
        w = self._arranged(weight)
        y = memory.empty((self.samples, self.depth, self.out_h * self.out_w))
        _forward(self.parts, x, w, 0 if bias is None else memory.dense(bias), y, *self._sizes())
        return y

    def direct_weight_grad(self, x: Array, g: Array) -> Array:
        """Rows' shares of the gradient, summed over the parts."""
        total = memory.empty((self.parts, self.kernel_h * self.kernel_w * self.channels, self.columns))
        _weight_grad(self.parts, x, g, total, 0, *self._sizes())
        total = np.add.reduce(total, 0)[:, : self.depth]
        return total.reshape(self.kernel_h, self.kernel_w, self.channels, -1).transpose(3, 2, 0, 1)

    def _arranged(self, weight: Array) -> Array:
        """Weights (O, C, *kernel) as (KH, KW, C, O), O rounded up to whole vectors."""
        w = weight.reshape(self.depth, self.channels, self.kernel_h, self.kernel_w)
        w = w.transpose(2, 3, 1, 0)
        out = memory.zeros((*w.shape[:3], self.columns))
        out[..., : self.depth] = w
        return out

    def _sizes(self) -> tuple[Any, ...]:
        rows, width = self.h + 2 * self.pad_h, self.w + 2 * self.pad_w
        in_places = _places(self.h, self.w, self.pad_h, self.pad_w, width, self.channels)
        out_places = _places(self.out_h, self.out_w, 0, 0, self.out_w, self.columns)
        sizes = rows * width * self.channels, self.out_h * self.out_w * self.columns
        image, result = (memory.empty((self.parts, n)) for n in sizes)
        return (
            self.samples, self.channels, self.h * self.w, self.depth, self.out_h, self.out_w,
            self.kernel_h, self.kernel_w, self.stride_h, self.stride_w, width,
            in_places, out_places, image, sizes[0], result, sizes[1],
        )  # fmt: skip

    # --- Winograd --------------------------------------------------------------------------------------------------------

    def winograd(self, x: Array, weight: Array, bias: Array | None, m: int) -> Array:
        """Products of transformed tiles and weights."""
        n = m + 2
        g = _transform(m)
        taps = np.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(9, -1)
        w = memory.zeros((n * n, self.channels, self.columns))
        w[..., : self.depth] = (g @ taps).reshape(n * n, self.channels, self.depth)
        block = max(6, min(48, TRANSFORMED // (n * n * (self.channels + self.columns)) // 6 * 6))
        y = memory.empty((self.samples, self.depth, self.out_h * self.out_w))
        given = 0 if bias is None else memory.dense(bias)
        _winograd[m](self.parts, x, w, given, y, *self._tiled_sizes(m, block, block))
        return y

    def winograd_weight_grad(self, x: Array, g: Array, m: int) -> Array:
        """Products of transformed tiles of input and gradient, taken back."""
        n, tiles = m + 2, -(-self.out_h // m) * -(-self.out_w // m)
        together = max(1, 64 // tiles)
        total = memory.empty((self.parts, n * n, self.channels * self.columns))
        _winograd_weight_grad[m](self.parts, x, g, total, 0, *self._tiled_sizes(m, together, together * tiles))
        taps = _transform(m).T @ np.add.reduce(total, 0)
        return taps.reshape(3, 3, self.channels, -1)[..., : self.depth].transpose(3, 2, 0, 1)

    def _tiled_sizes(self, m: int, group: int, block: int) -> tuple[Any, ...]:
        down, across, squares = -(-self.out_h // m), -(-self.out_w // m), (m + 2) ** 2
        rows, width = down * m + 2, across * m + 2
        in_places = _places(self.h, self.w, self.pad_h, self.pad_w, width, self.channels)
        out_places = _places(self.out_h, self.out_w, 0, 0, across * m, self.columns)
        sizes = (
            rows * width * self.channels, down * m * across * m * self.columns,
            squares * block * self.channels, squares * block * self.columns,
        )  # fmt: skip
        scratch = [v for n in sizes for v in (memory.empty((self.parts, n)), n)]
        return (
            self.samples, self.channels, self.h * self.w, self.depth, self.out_h * self.out_w, down, across, group,
            in_places, out_places, *scratch,
        )  # fmt: skip


@lru_cache(maxsize=256)
def _places(h: int, w: int, pad_h: int, pad_w: int, width: int, channels: int) -> Array:
    """Where the pixels of an image (h, w) begin, in bytes, in a padded one with rows of `width` pixels of some channels."""
    y, x = np.divmod(np.arange(h * w, dtype=np.int64), w)
    return 4 * channels * ((y + pad_h) * width + x + pad_w)


@lru_cache(maxsize=4)
def _transform(m: int) -> Array:
    """The matrix ((m + 2)², 9) that transforms weights: G on both sides."""
    g = np.array(matrices(m)[1], np.float64)
    return np.kron(g, g).astype(np.float32)
