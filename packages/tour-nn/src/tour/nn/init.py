"""Initial values for parameters: every function fills its tensor in place, unrecorded, and returns it.

With the same seed the values are PyTorch's (those of `orthogonal_` to rounding: they come from a QR factorisation).
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any, Final, Literal, ParamSpec

import tour
from tour import Tensor

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

P = ParamSpec("P")
Generator = Any
FanMode = Literal["fan_in", "fan_out"]

_LINEAR: Final = tuple(f"conv{transposed}{n}d" for transposed in ("", "_transpose") for n in (1, 2, 3))
_GAINS: Final = {**dict.fromkeys(("linear", *_LINEAR, "sigmoid"), 1), "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75}


# --- Scale ------------------------------------------------------------------------------------------------------------


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a layer before this nonlinearity should scale its weights to keep the variance.

    | nonlinearity | gain |
    | --- | --- |
    | `linear`, `conv1d` … `conv_transpose3d`, `sigmoid` | 1 |
    | `tanh` | 5/3 |
    | `relu` | √2 |
    | `leaky_relu` | √(2 / (1 + slope²)), the slope being `param`, 0.01 by default |
    | `selu` | 3/4 |

    Raises:
        ValueError: If the name is unknown, or the slope is not a number.

    Examples:
        >>> calculate_gain("leaky_relu", 1)
        1.0
    """
    if nonlinearity in _GAINS:
        return _GAINS[nonlinearity]
    if nonlinearity != "leaky_relu":
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}; choose from {', '.join([*_GAINS, 'leaky_relu'])}")
    slope = 0.01 if param is None else param
    if isinstance(slope, bool) or not isinstance(slope, int | float):
        raise ValueError(f"negative_slope {param} not a valid number")
    return math.sqrt(2.0 / (1 + slope**2))


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs one output of a layer has, and how many outputs one input, from the shape of the weight."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    fan_out, fan_in, *kernel = tensor.shape
    return fan_in * math.prod(kernel), fan_out * math.prod(kernel)


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    fans = dict(zip(("fan_in", "fan_out"), _calculate_fan_in_and_fan_out(tensor), strict=True))
    if mode.lower() not in fans:
        raise ValueError(f"Mode {mode} not supported, please use one of {list(fans)}")
    return fans[mode.lower()]


# --- Plain distributions and constants --------------------------------------------------------------------------------


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator = None) -> Tensor:
    """Fill with draws from the uniform distribution on `[a, b)`.

    Args:
        tensor: A floating-point tensor of any shape.
        a: The lower bound.
        b: The upper bound.
        generator: The source of random numbers; the default one if None.

    Returns:
        The tensor.

    Raises:
        RuntimeError: If `a > b`.
        NotImplementedError: If the tensor has an integer dtype.

    Examples:
        >>> import tour
        >>> bool((uniform_(tour.empty(9), 2, 3) >= 2).all())
        True
    """
    with tour.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator = None) -> Tensor:
    """Fill with draws from the normal distribution.

    Args:
        tensor: A floating-point tensor of any shape.
        mean: The mean.
        std: The standard deviation, not negative.
        generator: The source of random numbers; the default one if None.

    Returns:
        The tensor.

    Raises:
        RuntimeError: If `std` is negative.
        NotImplementedError: If the tensor has an integer dtype.

    Examples:
        >>> import tour
        >>> w = normal_(tour.empty(100, 100), std=0.02)
        >>> f"{w.std():.3f}"
        '0.020'
    """
    with tour.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Generator = None
) -> Tensor:
    """Fill with draws from the normal distribution that fall into `[a, b]`; draws outside are repeated.

    Args:
        tensor: A floating-point tensor of any shape.
        mean: The mean before truncation.
        std: The standard deviation before truncation, positive.
        a: The lower bound, in the units of the values, not of `std`.
        b: The upper bound, likewise.
        generator: The source of random numbers; the default one if None.

    Returns:
        The tensor.

    Raises:
        RuntimeError: If `a > b`.
        NotImplementedError: If the tensor has an integer dtype.

    Warns:
        UserWarning: If the mean lies more than two standard deviations outside `[a, b]`.

    Examples:
        >>> import tour
        >>> bool((trunc_normal_(tour.empty(99), std=5).abs() <= 2).all())
        True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    inside = (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2))) / 2
    draw = _reject_from_normal if inside > 0.3 else _reject_from_uniform
    with tour.no_grad():
        return draw(tensor, mean, std, a, b, generator)


def _reject_from_normal(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator) -> Tensor:
    """Draw from the normal distribution until everything lies within the bounds; every round draws for all elements."""
    low, high = (tour.tensor(bound, dtype=tensor.dtype).item() for bound in (a, b))
    tensor.normal_(mean, std, generator=generator)
    while (outside := (tensor < low) | (tensor > high)).any():
        tensor.copy_(tour.where(outside, tour.empty_like(tensor).normal_(mean, std, generator=generator), tensor))
    return tensor


def _reject_from_uniform(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator) -> Tensor:
    """Draw uniformly within the bounds, accept in proportion to the density: cheaper where little of it lies inside."""
    log_peak = -0.5 * ((min(max(mean, a), b) - mean) / std) ** 2
    rejected: Tensor | None = None
    while rejected is None or rejected.any():
        drawn = tour.empty_like(tensor).uniform_(a, b, generator=generator)
        log_density = ((drawn - mean) / std) ** 2 * -0.5 - log_peak
        too_high = tour.empty_like(tensor).uniform_(generator=generator).log() > log_density
        tensor.copy_(drawn if rejected is None else tour.where(rejected, drawn, tensor))
        rejected = too_high if rejected is None else rejected & too_high
    return tensor


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value.

    Examples:
        >>> import tour
        >>> constant_(tour.empty(2), 0.3)
        tensor([0.3000, 0.3000])
    """
    with tour.no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones.

    Examples:
        >>> import tour
        >>> ones_(tour.empty(3))
        tensor([1., 1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros.

    Examples:
        >>> import tour
        >>> zeros_(tour.empty(3))
        tensor([0., 0., 0.])
    """
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity: a linear layer hands its inputs through, as many as it can.

    Raises:
        ValueError: If the tensor is not a matrix.

    Examples:
        >>> import tour
        >>> eye_(tour.empty(2, 3))
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with tour.no_grad():
        return tensor.copy_(tour.eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill the weight of a convolution so that it hands its input channels through, as many as it can.

    Args:
        tensor: Shape `(channels_out, channels_in / groups, *kernel)`, with one to three kernel dimensions.
        groups: In each of so many groups of output channels, the identity begins anew.

    Raises:
        ValueError: If the number of dimensions does not fit, or `groups` does not divide the output channels.

    Examples:
        >>> import tour
        >>> dirac_(tour.empty(2, 2, 3))[0]
        tensor([[0., 1., 0.],
                [0., 0., 0.]])
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    channels_out, channels_in, *kernel = tensor.shape
    if channels_out % groups:
        raise ValueError("dim 0 must be divisible by groups")
    centre = tuple(size // 2 for size in kernel)
    per_group = channels_out // groups
    with tour.no_grad():
        tensor.zero_()
        for first in range(0, channels_out, per_group):
            for channel in range(min(per_group, channels_in)):
                tensor[(first + channel, channel, *centre)] = 1
    return tensor


# --- Scaled to the layer ----------------------------------------------------------------------------------------------


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Fill with draws from `U(-a, a)` with `a = gain · √(6 / (fan_in + fan_out))`.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.

    Raises:
        ValueError: If the tensor has fewer than two dimensions.

    Examples:
        >>> import tour
        >>> w = xavier_uniform_(tour.empty(3, 3))
        >>> bool((w.abs() <= 1).all())
        True
    """
    bound = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Fill with draws from `N(0, std²)` with `std = gain · √(2 / (fan_in + fan_out))`.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.

    Raises:
        ValueError: If the tensor has fewer than two dimensions.

    Examples:
        >>> import tour
        >>> w = xavier_normal_(tour.empty(300, 500))
        >>> f"{w.std():.2f}"
        '0.05'
    """
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def _xavier_std(tensor: Tensor, gain: float) -> float:
    return gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: FanMode = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """Fill with draws from `U(-b, b)` with `b = gain · √(3 / fan)`.

    He et al., "Delving deep into rectifiers", 2015.

    Args:
        tensor: The weight, of at least two dimensions.
        a: The slope of the leaky rectifier that follows.
        mode: `"fan_in"` keeps the variance in the forward pass, `"fan_out"` in the backward pass.
        nonlinearity: What follows; see `calculate_gain`.
        generator: The source of random numbers.

    Raises:
        ValueError: If the tensor has fewer than two dimensions, or mode or nonlinearity are unknown.

    Examples:
        >>> import tour
        >>> w = kaiming_uniform_(tour.empty(4, 600), nonlinearity="relu")
        >>> bool((w.abs() <= 0.1).all())
        True
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: FanMode = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """Fill with draws from `N(0, std²)` with `std = gain / √fan`; arguments as for `kaiming_uniform_`.

    He et al., "Delving deep into rectifiers", 2015.

    Args:
        tensor: The weight, of at least two dimensions: (outputs, inputs, *kernel). One without elements is left alone,
            with a warning.
        a: The slope of the leaky rectifier that follows; only `"leaky_relu"` looks at it.
        mode: `"fan_in"` keeps the variance in the forward pass, `"fan_out"` in the backward pass.
        nonlinearity: What follows; its gain is that of `calculate_gain`.
        generator: The source of random numbers; the default one if None.

    Returns:
        The tensor.

    Raises:
        ValueError: If the tensor has fewer than two dimensions, or mode or nonlinearity are unknown.

    Examples:
        >>> import tour
        >>> w = kaiming_normal_(tour.empty(500, 200), nonlinearity="relu")
        >>> f"{w.std():.2f}"
        '0.10'
    """
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _is_empty(tensor: Tensor) -> bool:
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return 0 in tensor.shape


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator = None) -> Tensor:
    """Fill with `gain` times a matrix whose rows, or columns if there are fewer, are orthonormal.

    Trailing dimensions count as one. Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks", 2013.

    Raises:
        ValueError: If the tensor has fewer than two dimensions.

    Examples:
        >>> import tour
        >>> w = orthogonal_(tour.empty(2, 5, dtype=tour.float64))
        >>> tour.allclose(w @ w.T, tour.eye(2, dtype=tour.float64))
        True
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows, cols = tensor.shape[0], tensor.numel() // tensor.shape[0]
    with tour.no_grad():
        flat = tour.empty(rows, cols, dtype=tensor.dtype, device=tensor.device).normal_(generator=generator)
        q, r = tour.linalg.qr(flat.t() if rows < cols else flat)
        q = q * tour.diag(r).sign()  # makes q uniform: Mezzadri, arXiv:math-ph/0609050
        return tensor.copy_((q.t() if rows < cols else q).reshape(tensor.shape)).mul_(gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator = None) -> Tensor:
    """Fill a matrix with draws from `N(0, std²)`, and set a fraction of each column, rounded up, to zero.

    Martens, "Deep learning via Hessian-free optimization", 2010.

    Args:
        tensor: A matrix.
        sparsity: The fraction of zeros in each column.
        std: Standard deviation of the others.
        generator: The source of the values; as in PyTorch, the places of the zeros come from the global one.

    Raises:
        ValueError: If the tensor is not a matrix.

    Examples:
        >>> import tour
        >>> w = sparse_(tour.empty(10, 4), sparsity=0.3)
        >>> (w == 0).sum(0)
        tensor([3, 3, 3, 3])
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, cols = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with tour.no_grad():
        tensor.normal_(0, std, generator=generator)
        for col in range(cols):
            tensor[tour.randperm(rows)[:zeros], col] = 0
    return tensor


# --- Deprecated names -------------------------------------------------------------------------------------------------


def _deprecated(fill: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """The same function under its name without the underscore, with a FutureWarning."""
    new = fill.__name__
    old = new.removesuffix("_")

    @functools.wraps(fill)
    def fill_and_warn(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        warnings.warn(f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning, stacklevel=2)
        return fill(*args, **kwargs)

    fill_and_warn.__name__ = fill_and_warn.__qualname__ = old
    fill_and_warn.__doc__ = f"Deprecated: call `{new}`."
    return fill_and_warn


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
