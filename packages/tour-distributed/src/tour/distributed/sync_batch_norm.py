"""Batch normalisation by the statistics of all ranks' batches together."""

from __future__ import annotations

from typing import Any

import tour
from tour import Tensor
from tour.autograd import Function
from tour.distributed.collectives import all_reduce
from tour.distributed.world import ProcessGroup, _member, is_initialized
from tour.nn.modules.batchnorm import _BatchNorm
from tour.nn.modules.module import Module

__all__ = ["SyncBatchNorm"]


class _Sum(Function):
    """The sum over ranks. Every rank's loss depends on it, so its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: ProcessGroup) -> Tensor:
        ctx.group = group
        total = x.detach().clone()
        all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        total = grad.detach().clone()
        all_reduce(total, group=ctx.group)
        return total, None


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation (Ioffe and Szegedy, 2015) over the batches of all ranks; on one rank as `tour.nn.BatchNorm2d`.

    Args:
        num_features: Number of channels C of inputs (N, C, ...).
        eps: Added to the variance.
        momentum: How far running statistics move towards a batch's; None for a cumulative average.
        affine: Whether to learn a scale and a shift for each channel.
        track_running_stats: Whether to keep running statistics for evaluation.
        process_group: The ranks that share statistics; None for all.
        device: Where the parameters live.
        dtype: Their dtype.

    Raises:
        ValueError: If an input has fewer than two dimensions, or all ranks together have one value per channel.

    Examples:
        >>> import tour
        >>> SyncBatchNorm(1)(tour.tensor([[1.0], [3.0]])).detach()
        tensor([[-1.0000],
                [ 1.0000]])
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: ProcessGroup | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype)
        self.process_group = process_group

    def check_input(self, input: Tensor) -> None:
        """Refuse inputs without a channel dimension.

        Raises:
            ValueError: Says how many dimensions fit.
        """
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")

    def forward(self, input: Tensor) -> Tensor:
        """Normalise a batch, by the statistics of all ranks in training, by the running ones otherwise."""
        group = _member(self.process_group) if is_initialized() else None
        if group is None or group.size() == 1 or not (self.training or self.running_mean is None):
            return super().forward(input)
        self.check_input(input)
        axes = tuple(d for d in range(input.dim()) if d != 1)
        shape = [-1 if d == 1 else 1 for d in range(input.dim())]
        count = tour.tensor(input.numel() // input.shape[1], dtype=input.dtype)
        all_reduce(count, group=group)
        n = float(count)
        if n <= 1:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size {list(input.shape)}"
            )
        mean = _Sum.apply(input.sum(axes), group) / n
        centred = input - mean.reshape(shape)
        var = _Sum.apply((centred * centred).sum(axes), group) / n
        self._follow(mean.detach(), var.detach() * (n / (n - 1)))
        out: Tensor = centred * (var + self.eps).rsqrt().reshape(shape)
        if self.weight is not None:
            out = out * self.weight.reshape(shape)
        return out if self.bias is None else out + self.bias.reshape(shape)

    def _follow(self, mean: Tensor, var: Tensor) -> None:
        """Move the running statistics."""
        if not self.training or self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        step = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), step)
        self.running_var.lerp_(var.to(self.running_var.dtype), step)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: ProcessGroup | None = None) -> Module:
        """A model with every batch normalisation in it replaced; parameters and statistics are taken along.

        Examples:
            >>> from tour import nn
            >>> SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))[1]
            SyncBatchNorm(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
        """
        if isinstance(module, _BatchNorm) and not isinstance(module, cls):
            made = cls(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
            )
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                setattr(made, name, getattr(module, name))
            made.training = module.training
            return made
        for name, child in module.named_children():
            setattr(module, name, cls.convert_sync_batchnorm(child, process_group))
        return module
