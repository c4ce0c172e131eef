"""Weights of convolutions in another order of memory."""

from __future__ import annotations

from typing import Any, TypeVar

from tour.nn.modules.convolution import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from tour.nn.modules.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

M = TypeVar("M", bound=Module)


def convert_conv2d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Lay out the weights of all two-dimensional convolutions in a module in another order of memory.

    Args:
        module: Changed in place.
        memory_format: Such as `tour.channels_last`.

    Returns:
        The module.

    Examples:
        >>> import tour
        >>> layer = convert_conv2d_weight_memory_format(tour.nn.Conv2d(3, 4, 2), tour.channels_last)
        >>> layer.weight.is_contiguous(memory_format=tour.channels_last)
        True
    """
    return _convert(module, memory_format, (Conv2d, ConvTranspose2d))


def convert_conv3d_weight_memory_format(module: M, memory_format: Any) -> M:
    """`convert_conv2d_weight_memory_format` for three dimensions.

    Examples:
        >>> import tour
        >>> layer = convert_conv3d_weight_memory_format(tour.nn.Conv3d(3, 4, 2), tour.channels_last_3d)
        >>> layer.weight.is_contiguous(memory_format=tour.channels_last_3d)
        True
    """
    return _convert(module, memory_format, (Conv3d, ConvTranspose3d))


def _convert(module: M, memory_format: Any, kinds: tuple[type[Module], ...]) -> M:
    layers: list[Any] = [layer for layer in module.modules() if isinstance(layer, kinds)]
    for layer in layers:
        layer.weight.data = layer.weight.detach().clone(memory_format=memory_format)
    return module
