"""Dropout: elements, or whole channels, set to zero at random during training."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np

import tour
from tour import Tensor
from tour._compiled import FEW, Socket
from tour._core import ndarray, wrap
from tour._declare import result
from tour._random_engine import Engine
from tour.ops._draw import engine_of
from tour.ops.arithmetic import mul

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]

MaskShape = Callable[[Tensor], tuple[int, ...]]

# Where the activation of self-normalising networks (Klambauer et al., 2017) saturates: -scale * alpha of SELU.
SELU_FLOOR = -1.7580993408473766


def check_probability(p: float) -> None:
    """Refuse a probability that is none.

    Raises:
        ValueError: If `p` is not between 0 and 1.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _elements(input: Tensor) -> tuple[int, ...]:
    """Shape of a mask for single elements."""
    return input.shape


def _channels(input: Tensor) -> tuple[int, ...]:
    """Shape of a mask with one element per channel of a batch."""
    if input.dim() < 2:
        raise RuntimeError(f"Feature dropout requires at least 2 dimensions in the input, but got {list(input.shape)}")
    return (*input.shape[:2], *(1,) * (input.dim() - 2))


def _channels_of_one(input: Tensor) -> tuple[int, ...]:
    """Shape of a mask with one element per channel of a single sample."""
    return (input.shape[0], *(1,) * (input.dim() - 1))


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to zero with probability `p`, and divide the others by `1 - p`.

    On a CPU the mask is the one PyTorch draws from the same seed; a GPU draws from a counter in its memory, so that a captured step has a
    new mask at each replay.

    Args:
        input: Any floating-point tensor.
        p: Probability of a zero.
        training: Whether to do anything at all.
        inplace: Whether to write into the input.

    Raises:
        ValueError: If `p` is not between 0 and 1.

    Examples:
        >>> import tour
        >>> dropout(tour.ones(3), 0.5, training=False)
        tensor([1., 1., 1.])
    """
    check_probability(p)
    return _dropout(input, p, training, inplace, _elements)


def _dropout(input: Tensor, p: float, training: bool, inplace: bool, shape: MaskShape) -> Tensor:
    """Dropout with a mask of a shape that broadcasts."""
    if not training or p == 0 or not input.numel():
        return input
    if p == 1:
        mask = tour.zeros((), dtype=input.dtype, device=input.device)
    else:
        if shape is _elements and not inplace and (t := _in_one_pass(input, 1 - p)) is not None:
            return t
        mask = _mask(_like(input, shape), 1 - p, True)
    return input.mul_(mask) if inplace else input * mask


def _mask(mask: Tensor, keep: float, scaled: bool) -> Tensor:
    """`mask` filled with ones, or 1 / keep, with that probability, and zeros. A device may draw them from a stream of its own."""
    a = mask._a
    if type(a) is not ndarray and _drawn.on(type(a))(a, keep, 1 / keep if scaled else 1.0) is not NotImplemented:
        return mask
    mask.bernoulli_(keep)
    return mask.div_(keep) if scaled else mask


_drawn = Socket(_mask)


def _in_one_pass(input: Tensor, keep: float) -> Tensor | None:
    """Dropout where compiled code draws the mask and multiplies with it at once; None elsewhere. It draws the same numbers."""
    a = input._a
    if type(a) is not ndarray or ((d := a.dtype) is not _F32 and d is not _F64):
        return None
    engine = engine_of(None)
    if type(engine) is not Engine:
        return None
    found = _multiplied.serve(a.size, FEW, engine, a, keep, input._tape is not None)
    if found is NotImplemented:
        return None
    y, mask = found
    if mask is None:
        return wrap(y)
    t: Tensor = result(_MUL, y, input, wrap(mask))
    return t


_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)
_MUL = mul.op  # type: ignore[attr-defined]
_multiplied = Socket(_in_one_pass)


def _like(input: Tensor, shape: MaskShape) -> Tensor:
    """Memory for a mask. For single elements it is laid out as the input's is, and so filled in PyTorch's order."""
    if shape is _elements:
        return tour.empty_like(input)
    return input.new_empty(shape(input))


def channel_dropout(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """Dropout of whole channels of a batch (N, C, ...)."""
    check_probability(p)
    return _dropout(input, p, training, inplace, _channels)


def _warn_of_dimensions(name: str, input: Tensor, usual: tuple[int, ...]) -> None:
    if input.dim() not in usual:
        warnings.warn(
            f"{name}: Received a {input.dim()}-D input to {name}, which is deprecated and will result in an error in a future "
            f"release; it expects {' or '.join(f'{n}-D' for n in usual)} input.",
            stacklevel=3,
        )


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each channel of signals (N, C, L) or (C, L) to zero with probability `p`; arguments as in `dropout`.

    Args:
        input: Shape (N, C, L) or (C, L), floating-point.
        p: Probability that a channel is set to zero; the others are divided by `1 - p`.
        training: Whether to do anything at all.
        inplace: Whether to write into the input.

    Returns:
        The input's shape; the input itself if `inplace`, not `training`, or p is 0.

    Raises:
        ValueError: If `p` is not between 0 and 1.
        RuntimeError: If the input has neither two nor three dimensions.

    Examples:
        >>> import tour
        >>> dropout1d(tour.ones(1, 2, 2), 1.0)
        tensor([[[0., 0.],
                 [0., 0.]]])
    """
    check_probability(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input.")
    return _dropout(input, p, training, inplace, _channels if input.dim() == 3 else _channels_of_one)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each channel of images (N, C, H, W) to zero with probability `p`; arguments as in `dropout`.

    Three dimensions are taken as (N, C, L), with a warning, as in PyTorch.

    Args:
        input: Shape (N, C, H, W), floating-point; (N, C, L) and (N, C) are taken with a warning.
        p: Probability that a channel is set to zero; the others are divided by `1 - p`.
        training: Whether to do anything at all.
        inplace: Whether to write into the input.

    Returns:
        The input's shape; the input itself if `inplace`, not `training`, or p is 0.

    Raises:
        ValueError: If `p` is not between 0 and 1.
        RuntimeError: In training, if the input has fewer than two dimensions and p is neither 0 nor 1.

    Warns:
        UserWarning: If the input does not have four dimensions.

    Examples:
        >>> import tour
        >>> dropout2d(tour.ones(1, 2, 1, 1), 1.0).flatten()
        tensor([0., 0.])
    """
    check_probability(p)
    _warn_of_dimensions("dropout2d", input, (3, 4))
    if input.dim() == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input "
            "is interpreted as shape (N, C, L). Please use dropout1d for it.",
            stacklevel=2,
        )
    return _dropout(input, p, training, inplace, _channels)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each channel of volumes (N, C, D, H, W) or (C, D, H, W) to zero with probability `p`; arguments as in `dropout`.

    Args:
        input: Shape (N, C, D, H, W) or (C, D, H, W), floating-point; other shapes are taken as (C, ...), with a
            warning.
        p: Probability that a channel is set to zero; the others are divided by `1 - p`.
        training: Whether to do anything at all.
        inplace: Whether to write into the input.

    Returns:
        The input's shape; the input itself if `inplace`, not `training`, or p is 0.

    Raises:
        ValueError: If `p` is not between 0 and 1.

    Warns:
        UserWarning: If the input has neither four nor five dimensions.

    Examples:
        >>> import tour
        >>> dropout3d(tour.ones(1, 2, 1, 1, 1), 1.0).flatten()
        tensor([0., 0.])
    """
    check_probability(p)
    _warn_of_dimensions("dropout3d", input, (4, 5))
    return _dropout(input, p, training, inplace, _channels if input.dim() == 5 else _channels_of_one)


# --- Dropout that keeps mean and variance of self-normalising networks ----------------------------------------------------------


def _alpha_dropout(input: Tensor, p: float, training: bool, inplace: bool, shape: MaskShape) -> Tensor:
    """`a (x mask + floor (1 - mask)) + b`, with a and b such that mean 0 and variance 1 stay."""
    if not training or p == 0 or not input.numel():
        return input
    if p == 1:
        return _dropout(input, p, training, inplace, shape)
    mask = _mask(_like(input, shape), 1 - p, False)
    a = 1 / math.sqrt((SELU_FLOOR**2 * p + 1) * (1 - p))
    shift = (mask - 1) * (-SELU_FLOOR * a) - SELU_FLOOR * a * p
    return input.mul_(mask * a).add_(shift) if inplace else input * (mask * a) + shift


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps the mean and variance of SELU activations (Klambauer et al., 2017, arXiv:1706.02515).

    Args:
        input: Any floating-point tensor.
        p: Probability that an element is set to the floor of SELU.
        training: Whether to do anything at all.
        inplace: Whether to write into the input.

    Raises:
        ValueError: If `p` is not between 0 and 1.

    Examples:
        >>> import tour
        >>> alpha_dropout(tour.ones(3), 0.5)
        tensor([1., 1., 1.])
    """
    check_probability(p)
    return _alpha_dropout(input, p, training, inplace, _elements)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, ...); arguments as there.

    Args:
        input: Shape (N, C, ...), floating-point.
        p: Probability that a channel is set to the floor of SELU, about -1.758, before all is scaled and shifted.
        training: Whether to do anything at all.
        inplace: Whether to write into the input.

    Returns:
        The input's shape; the input itself if `inplace`, not `training`, or p is 0.

    Raises:
        ValueError: If `p` is not between 0 and 1.
        RuntimeError: In training, if the input has fewer than two dimensions and p is neither 0 nor 1.

    Examples:
        >>> import tour
        >>> feature_alpha_dropout(tour.ones(1, 3, 1), 0.5).flatten()
        tensor([1., 1., 1.])
    """
    check_probability(p)
    return _alpha_dropout(input, p, training, inplace, _channels)
