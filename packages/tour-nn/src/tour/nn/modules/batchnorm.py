"""Batch and instance normalisation as layers."""

from __future__ import annotations

from typing import Any

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn import init
from tour.nn.modules.lazy import LazyModuleMixin
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter, UninitializedBuffer, UninitializedParameter, is_lazy

__all__ = [
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d",
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d",
]  # fmt: skip


class _NormBase(Module):
    """What batch and instance normalisation share: scale and shift, and running statistics."""

    _version = 2
    ranks: tuple[int, ...]  # numbers of dimensions an input may have
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, track_running_stats: bool,
        device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        made = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(tour.empty(num_features, **made)) if affine else None)
        self.register_parameter("bias", Parameter(tour.empty(num_features, **made)) if affine and bias else None)
        self.register_buffer("running_mean", tour.zeros(num_features, **made) if track_running_stats else None)
        self.register_buffer("running_var", tour.ones(num_features, **made) if track_running_stats else None)
        count = tour.tensor(0, dtype=tour.int64, device=device) if track_running_stats else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the running statistics."""
        if self.track_running_stats:
            assert (
                self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
            )
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the running statistics, and scale by 1 and shift by 0 again."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def check_input(self, input: Tensor) -> None:
        """Refuse inputs with another number of dimensions.

        Raises:
            ValueError: Says which numbers of dimensions fit.
        """
        if input.dim() not in self.ranks:
            wanted = " or ".join(f"{n}D" for n in self.ranks)
            raise ValueError(f"expected {wanted} input (got {input.dim()}D input)")

    def extra_repr(self) -> str:
        """Sizes and options, for the printed tree."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, *rest: Any
    ) -> None:
        version = local_metadata.get("version", None)
        key = prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            state_dict[key] = tour.tensor(0, dtype=tour.int64)  # states of before the counter was introduced
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, *rest)


class _BatchNorm(_NormBase):
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise a batch, by its own statistics in training, by the running ones otherwise."""
        self.check_input(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # a cumulative average
                momentum = 1.0 / float(self.num_batches_tracked)
        by_batch = self.training or self.running_mean is None
        keep = not self.training or self.track_running_stats
        mean, var = (self.running_mean, self.running_var) if keep else (None, None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, by_batch, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Batch normalisation (Ioffe and Szegedy, 2015) over (N, C) or (N, C, L); see `tour.nn.functional.batch_norm`.

    Args:
        num_features: Number of channels C.
        eps: Added to the variance.
        momentum: How far running statistics move towards a batch's; None for a cumulative average.
        affine: Whether to learn a scale and a shift for each channel.
        track_running_stats: Whether to keep running statistics for evaluation.
        device: Where the parameters live.
        dtype: Their dtype.
        bias: Whether `affine` learns a shift too.

    Attributes:
        weight: Scale, shape (C,).
        bias: Shift, shape (C,).
        running_mean: Buffer of shape (C,).
        running_var: Buffer of shape (C,).
        num_batches_tracked: Buffer without dimensions.

    Examples:
        >>> import tour
        >>> BatchNorm1d(1)(tour.tensor([[1.0], [3.0]])).detach()
        tensor([[-1.0000],
                [ 1.0000]])
    """

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation over images (N, C, H, W); arguments as for `BatchNorm1d`.

    Examples:
        >>> import tour
        >>> BatchNorm2d(3)(tour.rand(2, 3, 4, 4)).shape
        tour.Size([2, 3, 4, 4])
    """

    ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation over volumes (N, C, D, H, W); arguments as for `BatchNorm1d`.

    Examples:
        >>> import tour
        >>> BatchNorm3d(1)(tour.rand(2, 1, 2, 2, 2)).shape
        tour.Size([2, 1, 2, 2, 2])
    """

    ranks = (5,)


class _InstanceNorm(_NormBase):
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each channel of each sample."""
        self.check_input(input)
        batched = input if input.dim() == self.ranks[-1] else input.unsqueeze(0)
        if self.affine and batched.shape[1] != self.num_features:
            raise ValueError(
                f"expected input's size at dim=1 to match num_features ({self.num_features}), but got: {batched.shape[1]}, "
                f"of {list(input.shape)}"
            )
        own = self.training or not self.track_running_stats
        momentum = 0.0 if self.momentum is None else self.momentum
        y = F.instance_norm(
            batched, self.running_mean, self.running_var, self.weight, self.bias, own, momentum, self.eps
        )
        return y if batched is input else y.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation over (N, C, L) or (C, L); see `tour.nn.functional.instance_norm`.

    Args:
        num_features: Number of channels C.
        eps: Added to the variance.
        momentum: How far running statistics move.
        affine: Whether to learn a scale and a shift for each channel.
        track_running_stats: Whether to keep running statistics for evaluation.
        device: Where the parameters live.
        dtype: Their dtype.
        bias: Whether `affine` learns a shift too.

    Examples:
        >>> import tour
        >>> InstanceNorm1d(1)(tour.tensor([[[1.0, 3.0]]]))
        tensor([[[-1.0000,  1.0000]]])
    """

    ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation over images (N, C, H, W) or (C, H, W); arguments as for `InstanceNorm1d`.

    Examples:
        >>> import tour
        >>> InstanceNorm2d(3)(tour.rand(2, 3, 4, 4)).shape
        tour.Size([2, 3, 4, 4])
    """

    ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation over volumes (N, C, D, H, W) or (C, D, H, W); arguments as for `InstanceNorm1d`.

    Examples:
        >>> import tour
        >>> InstanceNorm3d(1)(tour.rand(2, 1, 2, 2, 2)).shape
        tour.Size([2, 1, 2, 2, 2])
    """

    ranks = (4, 5)


class _LazyNorm(LazyModuleMixin, _NormBase):
    def __init__(
        self, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True, track_running_stats: bool = True,
        device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(0, eps, momentum, False, False, device, dtype)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            self.register_parameter("bias", UninitializedParameter(device=device, dtype=dtype) if bias else None)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = tour.tensor(0, dtype=tour.int64, device=device)

    def reset_parameters(self) -> None:
        """Reset, once the number of channels is known."""
        if self.num_features and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take the number of channels from the first input."""
        if not self.has_uninitialized_params():
            return
        self.num_features = input.shape[1]
        for t in (self.weight, self.bias, self.running_mean, self.running_var):
            if is_lazy(t):
                t.materialize((self.num_features,))  # type: ignore[union-attr]
        self.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A `BatchNorm1d` that takes `num_features` from its first input.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyBatchNorm1d()
        >>> layer(tour.randn(8, 4)).shape, layer.num_features
        (tour.Size([8, 4]), 4)
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A `BatchNorm2d` that takes `num_features` from its first input.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyBatchNorm2d()
        >>> layer(tour.randn(8, 3, 4, 4)).shape, layer.num_features
        (tour.Size([8, 3, 4, 4]), 3)
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """A `BatchNorm3d` that takes `num_features` from its first input.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyBatchNorm3d()
        >>> layer(tour.randn(2, 3, 4, 4, 4)).shape, layer.num_features
        (tour.Size([2, 3, 4, 4, 4]), 3)
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """An `InstanceNorm1d` that takes `num_features` from its first input.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyInstanceNorm1d(affine=True)
        >>> layer(tour.randn(8, 4, 5)).shape, layer.weight.shape
        (tour.Size([8, 4, 5]), tour.Size([4]))
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """An `InstanceNorm2d` that takes `num_features` from its first input.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyInstanceNorm2d(affine=True)
        >>> layer(tour.randn(8, 3, 4, 4)).shape, layer.weight.shape
        (tour.Size([8, 3, 4, 4]), tour.Size([3]))
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """An `InstanceNorm3d` that takes `num_features` from its first input.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyInstanceNorm3d(affine=True)
        >>> layer(tour.randn(2, 3, 4, 4, 4)).shape, layer.weight.shape
        (tour.Size([2, 3, 4, 4, 4]), tour.Size([3]))
    """

    cls_to_become = InstanceNorm3d
