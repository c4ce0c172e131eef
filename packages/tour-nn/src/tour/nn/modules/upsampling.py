"""Resizing as layers."""

from __future__ import annotations

from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional._sizes import Ints
from tour.nn.modules.module import Module

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]

Scale = float | tuple[float, ...]


class Upsample(Module):
    """Resizes signals, images or volumes (N, C, *size); see `tour.nn.functional.interpolate`.

    Args:
        size: The new size.
        scale_factor: What to multiply the size by, instead.
        mode: `"nearest"`, `"linear"`, `"bilinear"`, `"bicubic"`, `"trilinear"` …
        align_corners: Whether the centres of the corner pixels match.
        recompute_scale_factor: Whether positions follow from the rounded size.

    Examples:
        >>> import tour
        >>> Upsample(scale_factor=2)(tour.tensor([[[1.0, 2.0]]]))
        tensor([[[1., 1., 2., 2.]]])
    """

    def __init__(
        self,
        size: Ints | None = None,
        scale_factor: Scale | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        if isinstance(scale_factor, tuple):
            scale_factor = tuple(float(factor) for factor in scale_factor)
        elif scale_factor is not None:
            scale_factor = float(scale_factor) if scale_factor else None
        self.scale_factor = scale_factor
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Resize a batch."""
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        """Size or factor, and mode, for the printed tree."""
        what = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{what}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Resizes images (N, C, H, W) by repeating pixels.

    Args:
        size: The new size.
        scale_factor: What to multiply the size by, instead.

    Examples:
        >>> import tour
        >>> UpsamplingNearest2d(size=2)(tour.ones(1, 1, 1, 1))
        tensor([[[[1., 1.],
                  [1., 1.]]]])
    """

    def __init__(self, size: Ints | None = None, scale_factor: Scale | None = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Resizes images (N, C, H, W) bilinearly, with aligned corners.

    Args:
        size: The new size.
        scale_factor: What to multiply the size by, instead.

    Examples:
        >>> import tour
        >>> UpsamplingBilinear2d(size=(1, 3))(tour.tensor([[[[0.0, 1.0]]]]))
        tensor([[[[0.0000, 0.5000, 1.0000]]]])
    """

    def __init__(self, size: Ints | None = None, scale_factor: Scale | None = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
