"""Normalisation with its arguments by position, and with the statistics that it used."""

from __future__ import annotations

from typing import Any

import tour
from tour import Tensor
from tour._storing import store
from tour.nn import functional as F


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`nn.functional.batch_norm`; the last argument means nothing here.

    Examples:
        >>> import tour
        >>> x = tour.tensor([[1.0], [3.0]])
        >>> tour.batch_norm(x, None, None, None, None, True, 0.1, 1e-12, False)
        tensor([[-1.],
                [ 1.]])
    """
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`nn.functional.instance_norm`; the last argument means nothing here.

    Examples:
        >>> import tour
        >>> x = tour.tensor([[[1.0, 3.0]]])
        >>> tour.instance_norm(x, None, None, None, None, True, 0.1, 0.0, False)
        tensor([[[-1.,  1.]]])
    """
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """`nn.functional.layer_norm`; the last argument means nothing here.

    Examples:
        >>> import tour
        >>> tour.layer_norm(tour.tensor([[1.0, 3.0]]), (2,), eps=0.0)
        tensor([[-1.,  1.]])
    """
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`nn.functional.group_norm`; the last argument means nothing here.

    Examples:
        >>> import tour
        >>> tour.group_norm(tour.tensor([[1.0, 3.0, 0.0, 4.0]]), 2, eps=0.0)
        tensor([[-1.,  1., -1.,  1.]])
    """
    return F.group_norm(input, num_groups, weight, bias, eps)


Statistics = tuple[Tensor, Tensor, Tensor]


def native_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    *,
    out: Any = None,
) -> Statistics:
    """Batch normalisation, and the batch's mean and inverse deviation of each channel; both are empty outside training.

    Examples:
        >>> import tour
        >>> x = tour.tensor([[1.0], [3.0]])
        >>> y, mean, invstd = tour.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5)
        >>> y.flatten(), mean, invstd
        (tensor([-1.0000,  1.0000]), tensor([2.]), tensor([1.0000]))
    """
    y = F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    x = input.detach()
    if training and input.numel():
        made = (y, *_moments(x, (0, *range(2, x.dim())), eps, keepdim=False))
    else:
        made = (y, x.new_empty(0), x.new_empty(0))
    return made if out is None else store(tuple(out), made, "native_batch_norm")


def native_layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Statistics:
    """Layer normalisation, and the mean and inverse deviation of each row.

    Examples:
        >>> import tour
        >>> tour.native_layer_norm(tour.tensor([1.0, 3.0]), [2], None, None, 0.0)
        (tensor([-1.,  1.]), tensor([2.]), tensor([1.]))
    """
    y = F.layer_norm(input, normalized_shape, weight, bias, eps)
    return (y, *_moments(input, tuple(range(-len(tuple(normalized_shape)), 0)), eps))


def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> Statistics:
    """Group normalisation of N samples of C channels of HxW elements, and the mean and inverse deviation of each group.

    Examples:
        >>> import tour
        >>> tour.native_group_norm(tour.tensor([[1.0, 3.0]]), None, None, 1, 2, 1, 1, 0.0)
        (tensor([[-1.,  1.]]), tensor([[2.]]), tensor([[1.]]))
    """
    y = F.group_norm(input, group, weight, bias, eps)
    rows = input.reshape(N, group, C // group * HxW)
    return (y, *_moments(rows, (2,), eps, keepdim=False))


def _moments(x: Tensor, dims: tuple[int, ...], eps: float, keepdim: bool = True) -> tuple[Tensor, Tensor]:
    """Mean and inverse deviation over dimensions; those of half precision are rounded once."""
    wide = x.float() if x.dtype in (tour.float16, tour.bfloat16) else x
    var = wide.var(dims, correction=0, keepdim=keepdim)
    return wide.mean(dims, keepdim).to(x.dtype), (var + eps).rsqrt().to(x.dtype)
