"""Reading images at points, with modes by number."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour.nn import functional as F

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`nn.functional.grid_sample` with modes by number.

    Args:
        input: Images or volumes, (N, C, ...).
        grid: Points.
        interpolation_mode: 0 bilinear, 1 nearest, 2 bicubic.
        padding_mode: 0 zeros, 1 border, 2 reflection.
        align_corners: Whether -1 and 1 are the centres of the corner pixels.

    Examples:
        >>> import tour
        >>> tour.grid_sampler(tour.arange(4.0).reshape(1, 1, 2, 2), tour.zeros(1, 1, 1, 2), 0, 0, False)
        tensor([[[[1.5000]]]])
    """
    return F.grid_sample(input, grid, MODES[interpolation_mode], PADDINGS[padding_mode], align_corners)


grid_sampler_2d = grid_sampler_3d = grid_sampler


def affine_grid_generator(theta: Tensor, size: Any, align_corners: bool) -> Tensor:
    """`nn.functional.affine_grid`.

    Examples:
        >>> import tour
        >>> turn = tour.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]])
        >>> tour.affine_grid_generator(turn, (1, 1, 2, 2), True)[0, 0]
        tensor([[ 1., -1.],
                [ 1.,  1.]])
    """
    return F.affine_grid(theta, list(size), align_corners)
