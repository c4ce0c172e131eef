"""Dropout with its arguments by position, its in-place forms, and its mask."""

from __future__ import annotations

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional.dropouts import channel_dropout


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`nn.functional.dropout`.

    Examples:
        >>> import tour
        >>> tour.dropout(tour.ones(3), 0.5, False)
        tensor([1., 1., 1.])
    """
    return F.dropout(input, p, train)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`nn.functional.dropout` in place.

    Examples:
        >>> import tour
        >>> x = tour.ones(3)
        >>> tour.dropout_(x, 1.0, True) is x, x
        (True, tensor([0., 0., 0.]))
    """
    return F.dropout(input, p, train, inplace=True)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Dropout of whole channels, of inputs (N, C, ...).

    Examples:
        >>> import tour
        >>> tour.feature_dropout(tour.ones(1, 2, 2), 1.0, True)
        tensor([[[0., 0.],
                 [0., 0.]]])
    """
    return channel_dropout(input, p, train, False)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`feature_dropout` in place.

    Examples:
        >>> import tour
        >>> tour.feature_dropout_(tour.ones(1, 2, 2), 1.0, True)
        tensor([[[0., 0.],
                 [0., 0.]]])
    """
    return channel_dropout(input, p, train, True)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`nn.functional.alpha_dropout`.

    Examples:
        >>> import tour
        >>> tour.alpha_dropout(tour.ones(3), 0.5, False)
        tensor([1., 1., 1.])
    """
    return F.alpha_dropout(input, p, train)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`nn.functional.alpha_dropout` in place.

    Examples:
        >>> import tour
        >>> x = tour.randn(3)
        >>> tour.alpha_dropout_(x, 0.5, True) is x
        True
    """
    return F.alpha_dropout(input, p, train, inplace=True)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`nn.functional.feature_alpha_dropout`.

    Examples:
        >>> import tour
        >>> tour.feature_alpha_dropout(tour.ones(1, 2, 2), 0.5, False)
        tensor([[[1., 1.],
                 [1., 1.]]])
    """
    return F.feature_alpha_dropout(input, p, train)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`nn.functional.feature_alpha_dropout` in place.

    Examples:
        >>> import tour
        >>> x = tour.randn(1, 2, 2)
        >>> tour.feature_alpha_dropout_(x, 0.5, True) is x
        True
    """
    return F.feature_alpha_dropout(input, p, train, inplace=True)


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """Dropout, and the mask of what is kept.

    Examples:
        >>> import tour
        >>> tour.native_dropout(tour.ones(2), 0.5, False)
        (tensor([1., 1.]), tensor([True, True]))
    """
    if train is False or p == 0 or not input.numel():
        return input.clone(), tour.ones_like(input, dtype=tour.bool)
    keep = tour.empty_like(input).bernoulli_(1 - p)
    return input * keep * (0.0 if p == 1 else 1 / (1 - p)), keep.bool()
