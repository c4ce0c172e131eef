"""Batch normalisation folded into the convolution or linear map before it, for inference."""

from __future__ import annotations

import copy
from typing import TypeVar

import tour
from tour import Tensor
from tour.nn.modules.batchnorm import _BatchNorm
from tour.nn.modules.convolution import _ConvNd
from tour.nn.modules.linear import Linear
from tour.nn.parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]

ConvT = TypeVar("ConvT", bound=_ConvNd)
LinearT = TypeVar("LinearT", bound=Linear)


def _statistics(bn: _BatchNorm) -> tuple[Tensor, Tensor]:
    """Running mean and variance.

    Raises:
        AssertionError: If it keeps none.
    """
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("Only support fusion of batch norms with running statistics, but this one keeps none")
    return bn.running_mean, bn.running_var


def fuse_conv_bn_eval(conv: ConvT, bn: _BatchNorm, transpose: bool = False) -> ConvT:
    """A convolution that does what convolution and batch normalisation do in evaluation.

    Args:
        conv: The convolution, in evaluation mode.
        bn: What follows it, likewise.
        transpose: Whether the convolution is a transposed one.

    Raises:
        AssertionError: If one is in training mode, or there are no running statistics.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).eval()
        >>> x = tour.rand(1, 1, 5, 5)
        >>> tour.allclose(fuse_conv_bn_eval(*net)(x), net(x), atol=1e-6)
        True
    """
    if conv.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    fused = copy.deepcopy(conv)
    mean, var = _statistics(bn)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, mean, var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution that `fuse_conv_bn_eval` makes.

    Args:
        conv_w: The convolution's weight.
        conv_b: Its bias.
        bn_rm: Running mean.
        bn_rv: Running variance.
        bn_eps: Added to the variance.
        bn_w: Scale of each channel.
        bn_b: Shift of each channel.
        transpose: Whether the convolution is a transposed one, whose outputs are the weight's second dimension.

    Examples:
        >>> import tour
        >>> from tour.nn.utils.fusion import fuse_conv_bn_weights
        >>> zero, one = tour.zeros(1), tour.ones(1)
        >>> w, b = fuse_conv_bn_weights(tour.ones(1, 1, 1), None, zero, 4 * one, 0.0, 6 * one, one)
        >>> w, b
        (Parameter containing:
        tensor([[[3.]]]), Parameter containing:
        tensor([1.]))
    """
    scale = (bn_rv + bn_eps).rsqrt()
    scale = scale if bn_w is None else bn_w * scale
    shape = [1, -1] if transpose else [-1, 1]
    weight = (conv_w * scale.reshape(shape + [1] * (conv_w.dim() - 2))).to(conv_w.dtype)
    bias = ((0 if conv_b is None else conv_b) - bn_rm) * scale + (0 if bn_b is None else bn_b)
    dtype = conv_w.dtype if conv_b is None else conv_b.dtype
    needs = conv_w.requires_grad, conv_w.requires_grad if conv_b is None else conv_b.requires_grad
    return Parameter(weight.detach(), needs[0]), Parameter(bias.to(dtype).detach(), needs[1])


def fuse_linear_bn_eval(linear: LinearT, bn: _BatchNorm) -> LinearT:
    """A linear map that does what linear map and batch normalisation do in evaluation.

    Args:
        linear: The linear map, in evaluation mode.
        bn: What follows it, likewise; over as many features, or over one.

    Raises:
        AssertionError: If one is in training mode, sizes do not fit, or there are no running statistics.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval()
        >>> x = tour.rand(4, 3)
        >>> tour.allclose(fuse_linear_bn_eval(*net)(x), net(x), atol=1e-6)
        True
    """
    if linear.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            f"To fuse, linear.out_features ({linear.out_features}) must equal bn.num_features ({bn.num_features}), or that be 1"
        )
    fused = copy.deepcopy(linear)
    mean, var = _statistics(bn)
    scale = tour.ones_like(mean) if bn.weight is None else bn.weight
    shift = tour.zeros_like(mean) if bn.bias is None else bn.bias
    fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, mean, var, bn.eps, scale, shift)
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the linear map that `fuse_linear_bn_eval` makes; arguments as for `fuse_conv_bn_weights`.

    With `s = bn_w / √(bn_rv + bn_eps)` they are `s · linear_w`, row by row, and `(linear_b - bn_rm) · s + bn_b`.

    Args:
        linear_w: The linear map's weight, (O, I).
        linear_b: Its bias, (O,); None counts as zero.
        bn_rm: Running mean, (O,) or (1,).
        bn_rv: Running variance, likewise.
        bn_eps: Added to the variance.
        bn_w: Scale of each feature, likewise.
        bn_b: Shift of each feature, likewise.

    Returns:
        The weight, (O, I), and the bias, (O,) or (1,), as new parameters.

    Raises:
        RuntimeError: If sizes do not fit.

    Examples:
        >>> import tour
        >>> from tour.nn.utils.fusion import fuse_linear_bn_weights
        >>> zero, one = tour.zeros(1), tour.ones(1)
        >>> w, b = fuse_linear_bn_weights(tour.ones(1, 2), one, zero, 4 * one, 0.0, 6 * one, one)
        >>> w, b
        (Parameter containing:
        tensor([[3., 3.]]), Parameter containing:
        tensor([4.]))
    """
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
