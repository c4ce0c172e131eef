"""Losses that need care at the ends of their domain."""

from __future__ import annotations

import numpy as np

from tour._activations import logsigmoid
from tour._core import as_array

from .windows import Array

_LEAST = -100  # logarithms are cut off here, so that no loss is infinite; PyTorch's number


def binary_cross_entropy(x: Array, target: Array) -> Array:
    """-(t log(x) + (1 - t) log(1 - x)) of each element, with logarithms of at least -100.

    Examples:
        >>> binary_cross_entropy(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
        array([100.,  -0.])
    """
    with np.errstate(divide="ignore"):
        log_x, log_rest = np.maximum(np.log(x), x.dtype.type(_LEAST)), np.maximum(np.log1p(-x), x.dtype.type(_LEAST))
    losses: Array = -(target * log_x + (1 - target) * log_rest)
    return as_array(losses).astype(x.dtype, copy=False)  # type: ignore[no-any-return]


def cross_entropy_of_logits(x: Array, target: Array) -> Array:
    """(1 - t) x - log(sigmoid(x)) of each element.

    Examples:
        >>> cross_entropy_of_logits(np.array([0.0, 50.0]), np.array([1.0, 1.0])).round(4)
        array([0.6931, 0.    ])
    """
    losses: Array = 1 - target
    losses *= x
    losses -= logsigmoid(x)
    return losses
