"""Activation functions. The elementwise ones are ops of tour-tensor; here stand those that need more, and the forms PyTorch gives them."""

from __future__ import annotations

import warnings
from typing import Any

import tour
from tour import Tensor
from tour._shapes import wrap_dim
from tour._storing import in_place
from tour.ops.activations import (
    celu,
    celu_,
    elu,
    gelu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu6,
    rrelu,
    rrelu_,
    selu,
    selu_,
    silu,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
    threshold_,
)

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid", "mish", "prelu", "relu", "relu6", "relu_", "rrelu",
    "rrelu_", "selu", "selu_", "sigmoid", "silu", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh",
    "tanhshrink", "threshold", "threshold_",
]  # fmt: skip

elu_, hardtanh_, leaky_relu_ = in_place(elu), in_place(hardtanh), in_place(leaky_relu)
relu_ = tour.relu_


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """`max(x, 0)` of each element; NaN stays NaN.

    Examples:
        >>> import tour
        >>> relu(tour.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    return input.relu_() if inplace else tour.relu(input)


def sigmoid(input: Tensor) -> Tensor:
    """`1 / (1 + exp(-x))` of each element.

    Examples:
        >>> import tour
        >>> sigmoid(tour.tensor([0.0, 2.0]))
        tensor([0.5000, 0.8808])
    """
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent of each element.

    Examples:
        >>> import tour
        >>> tanh(tour.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7616])
    """
    return input.tanh()


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Gated linear unit `a * sigmoid(b)` (Dauphin et al., 2017), where `a` and `b` are the halves of the input.

    Args:
        input: A floating-point tensor.
        dim: The dimension to halve.

    Raises:
        RuntimeError: If that dimension has an odd size, or the input no dimensions.

    Examples:
        >>> import tour
        >>> glu(tour.tensor([3.0, 0.0]))
        tensor([1.5000])
    """
    if not input.dim():
        raise RuntimeError("glu does not support 0-dimensional tensors")
    if not input.is_floating_point():
        raise NotImplementedError(f"glu is not implemented for {input.dtype.name}; use input.float()")
    axis = wrap_dim(dim, input.dim())
    size = input.shape[axis]
    if size % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {axis} is size {size}: glu gates one half of {list(input.shape)} "
            "by the other"
        )
    return input.narrow(axis, 0, size // 2) * input.narrow(axis, size // 2, size // 2).sigmoid()


# --- Softmax ----------------------------------------------------------------------------------------------------------


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    """The dimension that PyTorch guesses where none is given."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """`exp(x) / sum(exp(x))` along a dimension: positive numbers that add up to one.

    Args:
        input: A floating-point tensor.
        dim: The dimension to add up over; give one.
        dtype: Cast to this dtype first.

    Examples:
        >>> import tour
        >>> softmax(tour.tensor([0.0, 1.0, 1000.0]), dim=0)
        tensor([0., 0., 1.])
    """
    if dim is None:
        dim = _implicit_dim("softmax", input.dim(), _stacklevel)
    return tour.softmax(input, dim, dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Softmax of `-x`; arguments as for `softmax`.

    Args:
        input: A floating-point tensor of any shape, or any real one if `dtype` is given.
        dim: The dimension to add up over. None takes 0 for an input of 0, 1 or 3 dimensions and 1 for others, with a
            warning.
        dtype: Cast the input to this dtype first; None keeps the input's.

    Returns:
        `exp(-x) / sum(exp(-x))`, of the input's shape.

    Raises:
        IndexError: If the input has no dimension `dim`.
        NotImplementedError: If the dtype is not a floating-point one.

    Examples:
        >>> import tour
        >>> softmin(tour.tensor([0.0, 1.0, 1000.0]), dim=0)
        tensor([0.7311, 0.2689, 0.0000])
    """
    if dim is None:
        dim = _implicit_dim("softmin", input.dim(), _stacklevel)
    return tour.softmax(-input, dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Logarithm of `softmax`, without underflow; arguments as there.

    Args:
        input: A floating-point tensor of any shape, or any real one if `dtype` is given.
        dim: The dimension to add up over. None takes 0 for an input of 0, 1 or 3 dimensions and 1 for others, with a
            warning.
        dtype: Cast the input to this dtype first; None keeps the input's.

    Returns:
        `x - log(sum(exp(x)))`, of the input's shape; zero and below.

    Raises:
        IndexError: If the input has no dimension `dim`.
        NotImplementedError: If the dtype is not a floating-point one.

    Examples:
        >>> import tour
        >>> log_softmax(tour.tensor([0.0, 1000.0]), dim=0)
        tensor([-1000.,     0.])
    """
    if dim is None:
        dim = _implicit_dim("log_softmax", input.dim(), _stacklevel)
    return tour.log_softmax(input, dim, dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A random sample that is nearly one-hot, and differentiable (Jang, Gu and Poole, 2017): softmax of `(logits + noise) / tau`.

    Args:
        logits: Unnormalised log-probabilities.
        tau: Temperature; the lower, the nearer to one-hot.
        hard: Whether to round the result to one-hot, with the gradient of the unrounded one.
        eps: Not used; PyTorch keeps it for old callers.
        dim: The dimension of the choices.

    Examples:
        >>> import tour
        >>> gumbel_softmax(tour.zeros(2, 5), hard=True).sum(-1)
        tensor([1., 1.])
    """
    noise = -tour.empty_like(logits).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    with tour.no_grad():
        choice = tour.zeros_like(logits).scatter_(dim, soft.argmax(dim, keepdim=True), 1.0)
    return choice - soft.detach() + soft
