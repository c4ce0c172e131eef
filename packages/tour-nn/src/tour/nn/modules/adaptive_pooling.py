"""Pooling to a given size as layers: adaptive average and max pooling, and fractional max pooling."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional._sizes import Ints, ntuple
from tour.nn.functional.adaptive_pooling import OutputSize, Ratio
from tour.nn.modules.module import Module

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d", "FractionalMaxPool2d", "FractionalMaxPool3d",
]  # fmt: skip


class _AdaptiveAvgPool(Module):
    def __init__(self, output_size: OutputSize) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """Output size, for the printed tree."""
        return f"output_size={self.output_size}"


class _AdaptiveMaxPool(_AdaptiveAvgPool):
    def __init__(self, output_size: OutputSize, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Mean of each of the bins that evenly cover signals (N, C, L) or (C, L).

    Args:
        output_size: Number of bins along each dimension; the input's size where None.

    Examples:
        >>> import tour
        >>> AdaptiveAvgPool1d(2)(tour.ones(1, 1, 4)).shape
        tour.Size([1, 1, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of signals, or one."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Mean of each of the bins that evenly cover images (N, C, H, W) or (C, H, W); arguments as for `AdaptiveAvgPool1d`.

    Examples:
        >>> import tour
        >>> AdaptiveAvgPool2d(2)(tour.ones(1, 1, 4, 4)).shape
        tour.Size([1, 1, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of images, or one."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Mean of each of the bins that evenly cover volumes (N, C, D, H, W) or (C, D, H, W); arguments as for `AdaptiveAvgPool1d`.

    Examples:
        >>> import tour
        >>> AdaptiveAvgPool3d(2)(tour.ones(1, 1, 4, 4, 4)).shape
        tour.Size([1, 1, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Pool a batch of volumes, or one."""
        return F.adaptive_avg_pool3d(input, self.output_size)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Largest of each of the bins that cover signals (N, C, L) or (C, L).

    Args:
        output_size: Number of bins along each dimension; the input's size where None.
        return_indices: Whether to give the flat index of each maximum as well.

    Examples:
        >>> import tour
        >>> AdaptiveMaxPool1d(2)(tour.ones(1, 1, 4)).shape
        tour.Size([1, 1, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """Pool a batch of signals, or one."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Largest of each of the bins that cover images (N, C, H, W) or (C, H, W); arguments as for `AdaptiveMaxPool1d`.

    Examples:
        >>> import tour
        >>> AdaptiveMaxPool2d(2)(tour.ones(1, 1, 4, 4)).shape
        tour.Size([1, 1, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """Pool a batch of images, or one."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Largest of each of the bins that cover volumes (N, C, D, H, W) or (C, D, H, W); arguments as for `AdaptiveMaxPool1d`.

    Examples:
        >>> import tour
        >>> AdaptiveMaxPool3d(2)(tour.ones(1, 1, 4, 4, 4)).shape
        tour.Size([1, 1, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """Pool a batch of volumes, or one."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class _FractionalMaxPool(Module):
    dims: int
    _random_samples: Tensor | None

    def __init__(
        self, kernel_size: Ints, output_size: Ints | None = None, output_ratio: Ratio | None = None,
        return_indices: bool = False, _random_samples: Tensor | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        name, n = type(self).__name__, self.dims
        self.kernel_size = ntuple(kernel_size, n, "kernel_size")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else ntuple(output_size, n, "output_size")
        self.output_ratio: tuple[float, ...] | None = None
        if output_ratio is not None:
            one = isinstance(output_ratio, int | float)
            self.output_ratio = (output_ratio,) * n if one else tuple(output_ratio)  # type: ignore[assignment, arg-type]
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError(f"{name}: only one of output_size and output_ratio may be specified")
        if any(not 0 < r < 1 for r in self.output_ratio or ()):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")


class FractionalMaxPool2d(_FractionalMaxPool):
    """Largest element of pseudo-random windows of images (N, C, H, W) or (C, H, W).

    Args:
        kernel_size: Size of the window.
        output_size: Number of windows along each dimension.
        output_ratio: That number as a share of the input's size, between 0 and 1; one of both is given.
        return_indices: Whether to give the flat index of each maximum as well.

    Examples:
        >>> import tour
        >>> FractionalMaxPool2d(2, output_size=2)(tour.ones(1, 1, 4, 4)).shape
        tour.Size([1, 1, 2, 2])
    """

    dims = 2

    def forward(self, input: Tensor) -> Any:
        """Pool a batch of images, or one."""
        return F.fractional_max_pool2d(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool3d(_FractionalMaxPool):
    """Largest element of pseudo-random windows of volumes (N, C, D, H, W) or (C, D, H, W); arguments as for `FractionalMaxPool2d`.

    Examples:
        >>> import tour
        >>> FractionalMaxPool3d(2, output_size=2)(tour.ones(1, 1, 4, 4, 4)).shape
        tour.Size([1, 1, 2, 2, 2])
    """

    dims = 3

    def forward(self, input: Tensor) -> Any:
        """Pool a batch of volumes, or one."""
        return F.fractional_max_pool3d(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )
