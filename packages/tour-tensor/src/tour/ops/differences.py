"""Differences as estimates of derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tour import _core
from tour._calling import numpy_too
from tour._shapes import is_int, wrap_dims
from tour.ops.joining import cat

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["gradient"]


@numpy_too
def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Estimates of the derivatives along dimensions, by differences of neighbours on both sides (of second order inside).

    Args:
        input: The values of a function on a grid.
        spacing: The distance of neighbours: one number, one for each dimension, or a vector of coordinates for each.
        dim: The dimension or dimensions; None for all.
        edge_order: Order of the estimates at the ends, 1 or 2.

    Returns:
        One tensor for each dimension.

    Raises:
        RuntimeError: If there are too few points, or the spacing does not fit.

    Examples:
        >>> import tour
        >>> tour.gradient(tour.tensor([0.0, 1.0, 4.0, 9.0]))
        (tensor([1., 2., 4., 5.]),)
    """
    dims = wrap_dims(range(input._a.ndim) if dim is None else dim, input._a.ndim)
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient only supports edge_order=1 and edge_order=2, got {edge_order}")
    steps = _spacings(input, spacing, dims)
    for d in dims:
        if input._a.shape[d] < edge_order + 1:
            raise RuntimeError(
                f"gradient expected each dimension size to be at least edge_order+1, got size {input._a.shape[d]} in dimension {d}"
            )
    if input._a.dtype.kind in "iub":
        input = input.float()
    return tuple([_along(input, d, h, edge_order) for d, h in zip(dims, steps, strict=True)])


def _spacings(input: Tensor, spacing: Any, dims: tuple[int, ...]) -> list[Any]:
    """For each dimension the distance of neighbours, or their coordinates."""
    if spacing is None:
        spacing = 1
    if is_int(spacing) or isinstance(spacing, (float, complex)):
        return [spacing] * len(dims)
    steps = [spacing] if isinstance(spacing, _core.Tensor) else list(spacing)
    if len(steps) != len(dims):
        raise RuntimeError(
            f"gradient expected spacing to be unspecified, a scalar, or a list of length equal to {len(dims)}, the number of "
            f"dimensions, but got a list of length {len(steps)}"
        )
    for d, h in zip(dims, steps, strict=True):
        if isinstance(h, _core.Tensor):
            if h._a.ndim != 1:
                raise RuntimeError(
                    f"gradient expected each element of spacing to have one dimension, but got {h._a.ndim}"
                )
            if h._a.size != input._a.shape[d]:
                raise RuntimeError(
                    f"gradient expected the coordinates of dimension {d} to be as many as its size {input._a.shape[d]}, got {h._a.size}"
                )
    return steps


def _along(y: Tensor, d: int, h: Any, edge_order: int) -> Tensor:
    """The estimates along one dimension."""
    n = y._a.shape[d]
    at = _Slices(y, d)
    if not isinstance(h, _core.Tensor):
        inside = (at(2, n) - at(0, n - 2)) / (2 * h)
        if edge_order == 1:
            ends = (at(1, 2) - at(0, 1)) / h, (at(n - 1, n) - at(n - 2, n - 1)) / h
        else:
            first = at(0, 1) * -1.5 + at(1, 2) * 2 - at(2, 3) * 0.5
            last = at(n - 1, n) * 1.5 - at(n - 2, n - 1) * 2 + at(n - 3, n - 2) * 0.5
            ends = first / h, last / h
        return cat([ends[0], inside, ends[1]], d)
    gaps = (h[1:] - h[:-1]).reshape(-1, *[1] * (y._a.ndim - d - 1))
    left, right = gaps[:-1], gaps[1:]
    inside = (
        at(0, n - 2) * (-right / (left * (left + right)))
        + at(1, n - 1) * ((right - left) / (left * right))
        + at(2, n) * (left / (right * (left + right)))
    )
    if edge_order == 1:
        ends = (at(1, 2) - at(0, 1)) / gaps[:1], (at(n - 1, n) - at(n - 2, n - 1)) / gaps[-1:]
    else:
        a, b = gaps[:1], gaps[1:2]
        first = (
            at(0, 1) * (-(2 * a + b) / (a * (a + b))) + at(1, 2) * ((a + b) / (a * b)) - at(2, 3) * (a / (b * (a + b)))
        )
        a, b = gaps[-2:-1], gaps[-1:]
        last = (
            at(n - 3, n - 2) * (b / (a * (a + b)))
            - at(n - 2, n - 1) * ((a + b) / (a * b))
            + at(n - 1, n) * ((2 * b + a) / (b * (a + b)))
        )
        ends = first, last
    return cat([ends[0], inside, ends[1]], d)


class _Slices:
    """Slices of a tensor along one dimension."""

    def __init__(self, y: Tensor, d: int) -> None:
        self.y, self.lead = y, (slice(None),) * d

    def __call__(self, start: int, end: int) -> Tensor:
        return self.y[(*self.lead, slice(start, end))]
