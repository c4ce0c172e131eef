"""Layer, group, root-mean-square and local response normalisation as layers."""

from __future__ import annotations

from typing import Any

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn import init
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


class LayerNorm(Module):
    """Layer normalisation (Ba, Kiros and Hinton, 2016); see `tour.nn.functional.layer_norm`.

    Args:
        normalized_shape: The last dimensions, to normalise over.
        eps: Added to the variance.
        elementwise_affine: Whether to learn a scale for each element.
        bias: Whether to learn a shift as well.
        device: Where the parameters live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> LayerNorm(2)(tour.tensor([[1.0, 3.0]])).detach()
        tensor([[-1.0000,  1.0000]])
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        made = {"device": device, "dtype": dtype}
        self.register_parameter(
            "weight", Parameter(tour.empty(self.normalized_shape, **made)) if elementwise_affine else None
        )
        self.register_parameter(
            "bias", Parameter(tour.empty(self.normalized_shape, **made)) if elementwise_affine and bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale by 1 and shift by 0 again."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (..., *normalized_shape)."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Sizes and options, for the printed tree."""
        options = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {options}"


class RMSNorm(Module):
    """Root-mean-square normalisation (Zhang and Sennrich, 2019); see `tour.nn.functional.rms_norm`.

    Args:
        normalized_shape: The last dimensions, to normalise over.
        eps: Added to the mean square; the dtype's resolution if None.
        elementwise_affine: Whether to learn a scale for each element.
        device: Where the parameters live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> RMSNorm(2)(tour.tensor([[3.0, -4.0]])).detach()
        tensor([[ 0.8485, -1.1314]])
    """

    weight: Parameter | None

    def __init__(
        self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight = (
            Parameter(tour.empty(self.normalized_shape, device=device, dtype=dtype)) if elementwise_affine else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale by 1 again."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (..., *normalized_shape)."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Sizes and options, for the printed tree."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Group normalisation (Wu and He, 2018); see `tour.nn.functional.group_norm`.

    Args:
        num_groups: Number of groups of channels.
        num_channels: Number of channels.
        eps: Added to the variance.
        affine: Whether to learn a scale and a shift for each channel.
        device: Where the parameters live.
        dtype: Their dtype.
        bias: Whether `affine` learns a shift too.

    Raises:
        ValueError: If the channels cannot be grouped so.

    Examples:
        >>> import tour
        >>> GroupNorm(2, 4)(tour.rand(1, 4, 3)).shape
        tour.Size([1, 4, 3])
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self.register_parameter(
            "weight", Parameter(tour.empty(num_channels, device=device, dtype=dtype)) if affine else None
        )
        self.register_parameter(
            "bias", Parameter(tour.empty(num_channels, device=device, dtype=dtype)) if affine and bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale by 1 and shift by 0 again."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, ...)."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Sizes and options, for the printed tree."""
        options = f"affine={self.affine}, bias={self.bias is not None}"
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, {options}"


class LocalResponseNorm(Module):
    """Local response normalisation over neighbouring channels; see `tour.nn.functional.local_response_norm`.

    Args:
        size: How many neighbouring channels are averaged.
        alpha: Factor of the mean.
        beta: Exponent.
        k: Added to the mean.

    Examples:
        >>> import tour
        >>> LocalResponseNorm(2)(tour.ones(1, 2, 3)).shape
        tour.Size([1, 2, 3])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, ...)."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """Options, for the printed tree."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """Local response normalisation under its older name, for images (N, C, H, W).

    Examples:
        >>> import tour
        >>> tour.nn.CrossMapLRN2d(3)(tour.randn(2, 8, 4, 4)).shape
        tour.Size([2, 8, 4, 4])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)
