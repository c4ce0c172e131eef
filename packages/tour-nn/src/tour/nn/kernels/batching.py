"""How `vmap` runs the kernels of this package: a batch of batches is one larger batch, a batch of weights is a group for each.

`tour.func` loads this file when the first `vmap` runs and `tour.nn.functional` is in use.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from tour._core import packed
from tour.func._batched import BatchedArray, Levels, flattened, led_array, levels_of, lift, restored, stretched
from tour.func._indexing import is_array, read
from tour.func._op_rules import batched_by, each, kernel, leading, of, one_by_one
from tour.func._ufuncs import matmul, same

Array = Any
Kernel = Callable[..., Any]


def sizes_of(levels: Levels) -> tuple[int, ...]:
    """How many samples each level has."""
    return tuple(level.size for level in levels)


# --- Samples beside samples ---------------------------------------------------------------------------------------------------


def joined(x: Any, levels: Levels) -> Array:
    """The samples of all levels and of the first dimension, along one."""
    value = stretched(x, levels)
    k = len(levels)
    return value.reshape(prod(value.shape[: k + 1]), *value.shape[k + 1 :])


def parted(value: Array, levels: Levels) -> BatchedArray:
    """The inverse of `joined`."""
    sizes = sizes_of(levels)
    return BatchedArray(value.reshape(*sizes, len(value) // max(prod(sizes), 1), *value.shape[1:]), levels)


def folded(function: Kernel) -> Kernel:
    """Kernels of batches (N, ...) whose samples do not know of each other; a shape among their arguments has N in front."""

    def answer(*args: Any) -> Any:
        levels = levels_of(args)
        arrays = [joined(x, levels) if is_array(x) else x for x in args]
        return each(function(*arrays), lambda r: parted(r, levels))

    return answer


def folded_grad(function: Kernel) -> Kernel:
    """The same for gradients `(g, input_shape, ...)`."""

    def answer(g: Array, input_shape: tuple[int, ...], *args: Any) -> Any:
        levels = levels_of((g,))
        shape = (prod(sizes_of(levels)) * input_shape[0], *input_shape[1:])
        return parted(function(joined(g, levels), shape, *args), levels)

    return answer


batched_by(
    folded,
    "max_pooling", "max_pooling_with_indices", "max_pooling_grad", "scatter_to_plane", "gather_from_plane", "max_unpooling",
    "adaptive_avg_pooling", "adaptive_max_pooling", "fractional_max_pooling", "avg_pooling", "resizing", "patches", "patch_sums",
    "grid_sampling",
)  # fmt: skip
batched_by(folded_grad, "adaptive_avg_pooling_grad", "avg_pooling_grad", "resizing_grad")


def in_columns(x: Array, levels: Levels) -> Array:
    """(T, N, C) of each sample as (T, samples · N, C)."""
    value = np.moveaxis(stretched(x, levels), len(levels), 0)
    return value.reshape(len(value), -1, value.shape[-1])


def from_columns(value: Array, levels: Levels) -> BatchedArray:
    """The inverse of `in_columns`."""
    sizes = sizes_of(levels)
    steps, columns, classes = value.shape
    apart = value.reshape(steps, *sizes, columns // max(prod(sizes), 1), classes)
    return BatchedArray(np.moveaxis(apart, 0, len(sizes)), levels)


@of("ctc_losses")
def _ctc(x: Array, targets: Array, input_lengths: Array, target_lengths: Array, blank: int) -> Any:
    levels = levels_of((x, targets, input_lengths, target_lengths))
    rows = [joined(r, levels) for r in (targets, input_lengths, target_lengths)]
    losses, alpha = kernel("ctc_losses")(in_columns(x, levels), *rows, blank)
    return parted(losses, levels), from_columns(alpha, levels)


@of("ctc_losses_grad")
def _ctc_grad(
    g: Array, x: Array, targets: Array, input_lengths: Array, target_lengths: Array, blank: int, losses: Array, alpha: Array,
    zero_infinity: bool,
) -> Any:  # fmt: skip
    levels = levels_of((g, x, targets, input_lengths, target_lengths, losses, alpha))
    rows = [joined(r, levels) for r in (targets, input_lengths, target_lengths)]
    found = kernel("ctc_losses_grad")(
        joined(g, levels),
        in_columns(x, levels),
        *rows,
        blank,
        joined(losses, levels),
        in_columns(alpha, levels),
        zero_infinity,
    )
    return from_columns(found, levels)


@of("cross_entropy")
def _cross_entropy(x: Array, target: Array, weight: Any, *options: Any) -> Any:
    if type(weight) is BatchedArray:
        return one_by_one(kernel("cross_entropy"))(x, target, weight, *options)
    levels = levels_of((x, target))
    r = kernel("cross_entropy")(joined(x, levels), joined(target, levels), weight, *options)
    return each(r, lambda y: parted(y, levels))


def _aligned(x: Array, target: Array) -> BatchedArray:
    levels = levels_of((x, target))
    return restored(kernel("binary_cross_entropy")(flattened(x, levels), flattened(target, levels)), levels)


batched_by(lambda _: _aligned, "binary_cross_entropy")


# --- Linear maps --------------------------------------------------------------------------------------------------------------


@of("linear")
def _linear(x: Array, weight: Array, bias: Any) -> Any:
    y = matmul(x, weight.T if weight.ndim == 2 else weight)
    return y if bias is None else y + bias


@of("embedding")
def _embedding(weight: Array, index: Array, *options: Any) -> BatchedArray:
    return read(weight, (index,))


# --- Convolutions: weights that differ from sample to sample are groups of one convolution ------------------------------------


def in_channels(x: Any, levels: Levels) -> Array:
    """The samples of all levels beside the channels: (B, N, C, *size) as (N, B * C, *size)."""
    value = flattened(x, levels)
    moved = np.moveaxis(value, 0, 1)
    return moved.reshape(moved.shape[0], -1, *moved.shape[3:])


def from_channels(value: Array, levels: Levels) -> BatchedArray:
    """The inverse of `in_channels`."""
    split = value.reshape(value.shape[0], prod(sizes_of(levels)), -1, *value.shape[2:])
    return restored(np.moveaxis(split, 1, 0), levels)


def plain(x: Any) -> Any:
    """An array that is the same for all samples, without batch axes."""
    return x.value.reshape(x.shape) if type(x) is BatchedArray else x


def add_channels(y: BatchedArray, bias: Array) -> Any:
    """`y` (N, C, *size) plus a number for each channel."""
    return y + bias.reshape(-1, *(1,) * (y.ndim - 2))


@of("convolution")
def _convolution(x: Array, weight: Array, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    conv = kernel("convolution")
    if same(weight):
        inner, plain_bias = levels_of((x,)), bias if bias is None or same(bias) else None
        y = conv(joined(x, inner), plain(weight), plain(plain_bias), stride, padding, dilation, groups)
        made = lift(parted(y, inner) if inner else y, levels_of((x, weight, bias)))
        return made if plain_bias is bias else add_channels(made, bias)
    levels = levels_of((x, weight))
    n = prod(sizes_of(levels))
    y = conv(in_channels(x, levels), joined(weight, levels), None, stride, padding, dilation, groups * n)
    made = from_channels(y, levels)
    return made if bias is None else add_channels(made, bias)


@of("convolution_input_grad")
def _input_grad(
    g: Array, weight: Array, input_shape: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    function = kernel("convolution_input_grad")
    levels = levels_of((g, weight))
    n = prod(sizes_of(levels))
    if same(weight):
        shape = (n * input_shape[0], *input_shape[1:])
        return parted(function(joined(g, levels), plain(weight), shape, stride, padding, dilation, groups), levels)
    shape = (input_shape[0], n * input_shape[1], *input_shape[2:])
    g, weight = in_channels(g, levels), joined(weight, levels)
    return from_channels(function(g, weight, shape, stride, padding, dilation, groups * n), levels)


@of("convolution_weight_grad")
def _weight_grad(g: Array, x: Array, weight_shape: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    levels = levels_of((g, x))
    n = prod(sizes_of(levels))
    shape = (n * weight_shape[0], *weight_shape[1:])
    g, x = in_channels(g, levels), in_channels(x, levels)
    r = kernel("convolution_weight_grad")(g, x, shape, stride, padding, dilation, groups * n)
    return parted(r, levels)


# --- Normalisation: statistics first, weights after ---------------------------------------------------------------------------


def scaled(y: Any, weight: Any, bias: Any, shape: tuple[int, ...]) -> Any:
    """`y * weight + bias`, of a shape that broadcasts."""
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def per_channel(y: Array) -> tuple[int, ...]:
    """The shape in which a number for each channel broadcasts."""
    return (-1, *(1,) * (y.ndim - 2))


@of("batch_norm")
def _batch_norm(x: BatchedArray, weight: Any, bias: Any, eps: float) -> Any:
    levels = levels_of((x,))
    if not levels:
        y, mean, var = kernel("batch_norm")(x, None, None, eps)
        return scaled(y, weight, bias, per_channel(y)), mean, var
    y, mean, var = kernel("batch_norm")(in_channels(x, levels), None, None, eps)
    made = from_channels(y, levels)
    mean, var = (BatchedArray(s.reshape(*sizes_of(levels), -1), levels) for s in (mean, var))
    return scaled(made, weight, bias, per_channel(made)), mean, var


@of("batch_norm_eval")
def _batch_norm_eval(x: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float) -> Any:
    shape = per_channel(x)
    return scaled((x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + x.dtype.type(eps)), weight, bias, shape)


@of("layer_norm")
def _layer_norm(x: Any, shape: Any, weight: Any, bias: Any, eps: float) -> Any:
    levels = levels_of((x,))
    if not levels:
        y, mean, root = kernel("layer_norm")(x, shape, None, None, eps)
        return scaled(y, weight, bias, shape), mean, root
    y, *rest = kernel("layer_norm")(led_array(x, levels), shape, None, None, eps)
    made = BatchedArray(y, levels)
    return scaled(made, weight, bias, shape), *(_rows(r, made) for r in rest)


def _rows(r: Array, of: BatchedArray) -> BatchedArray:
    return BatchedArray(r.reshape(*of.lead, r.size // max(prod(of.lead), 1), 1), of.levels)


@of("rms_norm")
def _rms_norm(x: Any, shape: Any, weight: Any, eps: float) -> Any:
    levels = levels_of((x,))
    if not levels:
        y, root = kernel("rms_norm")(x, shape, None, eps)
        return scaled(y, weight, None, shape), root
    y, root = kernel("rms_norm")(led_array(x, levels), shape, None, eps)
    made = BatchedArray(y, levels)
    return scaled(made, weight, None, shape), _rows(root, made)


@of("group_norm")
def _group_norm(x: Any, groups: int, weight: Any, bias: Any, eps: float) -> Any:
    levels = levels_of((x,))
    if not levels:
        y, mean, root = kernel("group_norm")(x, groups, None, None, eps)
        return scaled(y, weight, bias, per_channel(y)), mean, root
    y, mean, root = kernel("group_norm")(joined(x, levels), groups, None, None, eps)
    made = parted(y, levels)
    mean, root = (restored(r.reshape(prod(sizes_of(levels)), -1, 1), levels) for r in (mean, root))
    return scaled(made, weight, bias, per_channel(made)), mean, root


# --- Sequences ----------------------------------------------------------------------------------------------------------------


@of("attention")
def _attention(
    query: Any, key: Any, value: Any, mask: Any, keep: Any, causal: bool, scale: float, wants_grad: bool
) -> Any:
    options = [x for x in (mask, keep) if x is not None]
    arrays = iter(options)

    def function(q: Array, k: Array, v: Array, *others: Array) -> Any:
        given = iter(others)
        masks = [None if x is None else next(given) for x in (mask, keep)]
        return kernel("attention")(*map(packed, (q, k, v)), *masks, causal, scale)

    return leading(function)(query, key, value, *arrays)
