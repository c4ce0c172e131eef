"""Dropout as layers: they act in training mode only."""

from __future__ import annotations

from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional.dropouts import check_probability
from tour.nn.modules.module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Probability, for the printed tree."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Sets elements to zero with probability `p` in training, and divides the others by `1 - p`.

    Args:
        p: Probability of a zero.
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> Dropout(0.5).eval()(tour.ones(2))
        tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop elements of a tensor of any shape."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """Sets channels of signals (N, C, L) or (C, L) to zero in training; arguments as for `Dropout`.

    Examples:
        >>> import tour
        >>> Dropout1d(1.0)(tour.ones(1, 2, 1)).flatten()
        tensor([0., 0.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop channels."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """Sets channels of images (N, C, H, W) to zero in training; arguments as for `Dropout`.

    Examples:
        >>> import tour
        >>> Dropout2d(1.0)(tour.ones(1, 2, 1, 1)).flatten()
        tensor([0., 0.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop channels."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """Sets channels of volumes (N, C, D, H, W) or (C, D, H, W) to zero in training; arguments as for `Dropout`.

    Examples:
        >>> import tour
        >>> Dropout3d(1.0)(tour.ones(1, 2, 1, 1, 1)).flatten()
        tensor([0., 0.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop channels."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """Dropout that keeps the mean and variance of SELU activations; see `tour.nn.functional.alpha_dropout`.

    Args:
        p: Probability that an element is set to the floor of SELU.
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> AlphaDropout(0.5).eval()(tour.ones(2))
        tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop elements of a tensor of any shape."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of (N, C, ...); arguments as there.

    Examples:
        >>> import tour
        >>> FeatureAlphaDropout(0.5).eval()(tour.ones(1, 2)).flatten()
        tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop channels."""
        return F.feature_alpha_dropout(input, self.p, self.training)
