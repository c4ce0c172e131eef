"""Activation functions as layers. `MultiheadAttention` has a file of its own, `attention.py`."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn import init as filling
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "SELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU",
    "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax", "Softmax2d",
    "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip


class _Activation(Module):
    """An activation whose options are attributes.

    Attributes:
        _shown: The options that the printed tree names; `inplace` only where it is True.
    """

    _shown: ClassVar[tuple[str, ...]] = ()

    def extra_repr(self) -> str:
        """Options, for the printed tree."""
        options = {name: getattr(self, name) for name in self._shown}
        return ", ".join(f"{name}={value!r}" for name, value in options.items() if name != "inplace" or value)


# --- Rectifiers -------------------------------------------------------------------------------------------------------------


class ReLU(_Activation):
    """`max(x, 0)` of each element.

    Args:
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> ReLU()(tour.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    _shown = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.relu(input, self.inplace)


class LeakyReLU(_Activation):
    """Each element, times `negative_slope` below zero.

    Args:
        negative_slope: The slope below zero.
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> LeakyReLU()(tour.tensor([-1.0, 2.0]))
        tensor([-0.0100,  2.0000])
    """

    _shown = (
        "negative_slope",
        "inplace",
    )

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class ELU(_Activation):
    """Each element; `alpha * (exp(x) - 1)` below zero (Clevert, Unterthiner and Hochreiter, 2016).

    Args:
        alpha: What it falls to, negated.
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> ELU()(tour.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])
    """

    _shown = (
        "alpha",
        "inplace",
    )

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.elu(input, self.alpha, self.inplace)


class CELU(_Activation):
    """Each element; `alpha * (exp(x / alpha) - 1)` below zero (Barron, 2017).

    Args:
        alpha: What it falls to, negated.
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> CELU()(tour.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])
    """

    _shown = (
        "alpha",
        "inplace",
    )

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.celu(input, self.alpha, self.inplace)


class SELU(_Activation):
    """Self-normalising unit (Klambauer et al., 2017): an `ELU` with a scale that keeps mean and variance.

    Args:
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> SELU()(tour.tensor([-1.0, 2.0]))
        tensor([-1.1113,  2.1014])
    """

    _shown = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.selu(input, self.inplace)


class Threshold(_Activation):
    """Each element above a threshold, and `value` in place of the others.

    Args:
        threshold: What an element must exceed.
        value: What stands in for the others.
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> Threshold(0.5, 9.0)(tour.tensor([-1.0, 2.0]))
        tensor([9., 2.])
    """

    _shown = (
        "threshold",
        "value",
        "inplace",
    )

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.threshold(input, self.threshold, self.value, self.inplace)


class RReLU(_Activation):
    """Each element, times a slope below zero: random in training, the mean of the bounds in evaluation (Xu et al., 2015).

    Args:
        lower: Smallest slope.
        upper: Largest slope.
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> RReLU().eval()(tour.tensor([-24.0, 2.0]))
        tensor([-5.5000,  2.0000])
    """

    _shown = ("lower", "upper", "inplace")

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class PReLU(_Activation):
    """Each element, times a learnt weight below zero (He et al., 2015).

    Args:
        num_parameters: One weight for all, or one for each channel, the second dimension.
        init: Their initial value.
        device: Where they live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> PReLU()(tour.tensor([-1.0, 2.0])).detach()
        tensor([-0.2500,  2.0000])
    """

    _shown = ("num_parameters",)
    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(tour.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Give every weight its initial value again."""
        filling.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to (N, C, ...)."""
        return F.prelu(input, self.weight)


class Hardtanh(_Activation):
    """Each element kept between two bounds.

    Args:
        min_val: Lower bound.
        max_val: Upper bound.
        inplace: Whether to write into the input.
        min_value: Deprecated name of `min_val`.
        max_value: Deprecated name of `max_val`.

    Raises:
        AssertionError: If the bounds cross.

    Examples:
        >>> import tour
        >>> Hardtanh()(tour.tensor([-2.0, 0.5]))
        tensor([-1.0000,  0.5000])
    """

    _shown: ClassVar[tuple[str, ...]] = ("min_val", "max_val", "inplace")

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        self.min_val = _renamed("min_value", "min_val", min_value, min_val)
        self.max_val = _renamed("max_value", "max_val", max_value, max_val)
        if not self.max_val > self.min_val:
            raise AssertionError(f"max_val must be larger than min_val, but got {self.max_val} and {self.min_val}")
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


def _renamed(old: str, new: str, given: float | None, value: float) -> float:
    """A value that may have come by its former name."""
    if given is None:
        return value
    warnings.warn(f"keyword argument `{old}` is deprecated and rename to `{new}`", FutureWarning, stacklevel=3)
    return given


class ReLU6(Hardtanh):
    """Each element kept between 0 and 6.

    Args:
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> ReLU6()(tour.tensor([-1.0, 8.0]))
        tensor([0., 6.])
    """

    _shown = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)


# --- Smooth -----------------------------------------------------------------------------------------------------------------


class Sigmoid(_Activation):
    """`1 / (1 + exp(-x))` of each element.

    Examples:
        >>> import tour
        >>> Sigmoid()(tour.tensor([-1.0, 2.0]))
        tensor([0.2689, 0.8808])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.sigmoid(input)


class Tanh(_Activation):
    """Hyperbolic tangent of each element.

    Examples:
        >>> import tour
        >>> Tanh()(tour.tensor([-1.0, 2.0]))
        tensor([-0.7616,  0.9640])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.tanh(input)


class LogSigmoid(_Activation):
    """`log(sigmoid(x))` of each element, without underflow.

    Examples:
        >>> import tour
        >>> LogSigmoid()(tour.tensor([-1.0, 2.0]))
        tensor([-1.3133, -0.1269])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.logsigmoid(input)


class Softsign(_Activation):
    """`x / (1 + |x|)` of each element.

    Examples:
        >>> import tour
        >>> Softsign()(tour.tensor([-1.0, 2.0]))
        tensor([-0.5000,  0.6667])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.softsign(input)


class Tanhshrink(_Activation):
    """`x - tanh(x)` of each element.

    Examples:
        >>> import tour
        >>> Tanhshrink()(tour.tensor([-1.0, 2.0]))
        tensor([-0.2384,  1.0360])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.tanhshrink(input)


class SiLU(_Activation):
    """`x * sigmoid(x)` of each element, also called swish.

    Args:
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> SiLU()(tour.tensor([-1.0, 2.0]))
        tensor([-0.2689,  1.7616])
    """

    _shown = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.silu(input, self.inplace)


class Mish(_Activation):
    """`x * tanh(softplus(x))` of each element (Misra, 2019).

    Args:
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> Mish()(tour.tensor([-1.0, 2.0]))
        tensor([-0.3034,  1.9440])
    """

    _shown = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.mish(input, self.inplace)


class GELU(_Activation):
    """Gaussian error linear unit `x * Φ(x)` of each element (Hendrycks and Gimpel, 2016).

    Args:
        approximate: `"none"`, or `"tanh"` for an approximation by a hyperbolic tangent.

    Examples:
        >>> import tour
        >>> GELU()(tour.tensor([-1.0, 2.0]))
        tensor([-0.1587,  1.9545])
    """

    _shown = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.gelu(input, approximate=self.approximate)


class Softplus(_Activation):
    """`log(1 + exp(beta * x)) / beta` of each element, a smooth `ReLU`.

    Args:
        beta: How sharp the bend is.
        threshold: Where `beta * x` is larger, the result is `x`.

    Examples:
        >>> import tour
        >>> Softplus()(tour.tensor([-1.0, 2.0]))
        tensor([0.3133, 2.1269])
    """

    _shown = (
        "beta",
        "threshold",
    )

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.softplus(input, self.beta, self.threshold)


class GLU(_Activation):
    """Gated linear unit (Dauphin et al., 2017): one half of the input, gated by the sigmoid of the other.

    Args:
        dim: The dimension to halve.

    Examples:
        >>> import tour
        >>> GLU()(tour.tensor([3.0, 0.0]))
        tensor([1.5000])
    """

    _shown = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Halve the dimension."""
        return F.glu(input, self.dim)


# --- Straight pieces ----------------------------------------------------------------------------------------------------------


class Hardsigmoid(_Activation):
    """`(x + 3) / 6` of each element, kept between 0 and 1.

    Args:
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> Hardsigmoid()(tour.tensor([-1.0, 2.0]))
        tensor([0.3333, 0.8333])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(_Activation):
    """`x * hardsigmoid(x)` of each element (Howard et al., 2019).

    Args:
        inplace: Whether to write into the input.

    Examples:
        >>> import tour
        >>> Hardswish()(tour.tensor([-1.0, 2.0]))
        tensor([-0.3333,  1.6667])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.hardswish(input, self.inplace)


class Hardshrink(_Activation):
    """Each element, and zero where it lies between `-lambd` and `lambd`.

    Args:
        lambd: The threshold.

    Examples:
        >>> import tour
        >>> Hardshrink()(tour.tensor([-1.0, 0.25]))
        tensor([-1.,  0.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """The threshold, for the printed tree."""
        return str(self.lambd)


class Softshrink(_Activation):
    """Each element moved towards zero by `lambd`, and zero where that would pass zero.

    Args:
        lambd: How far to move; not negative.

    Examples:
        >>> import tour
        >>> Softshrink()(tour.tensor([-1.0, 0.25]))
        tensor([-0.5000,  0.0000])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """The threshold, for the printed tree."""
        return str(self.lambd)


# --- Along a dimension --------------------------------------------------------------------------------------------------------


class Softmax(_Activation):
    """`exp(x) / sum(exp(x))` along a dimension.

    Args:
        dim: The dimension to add up over; give one.

    Examples:
        >>> import tour
        >>> Softmax(0)(tour.tensor([0.0, 1.0]))
        tensor([0.2689, 0.7311])
    """

    _shown = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Normalise a tensor of any shape."""
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmin(_Activation):
    """Softmax of `-x` along a dimension.

    Args:
        dim: The dimension to add up over; give one.

    Examples:
        >>> import tour
        >>> Softmin(0)(tour.tensor([0.0, 1.0]))
        tensor([0.7311, 0.2689])
    """

    _shown = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Normalise a tensor of any shape."""
        return F.softmin(input, self.dim, _stacklevel=5)


class LogSoftmax(_Activation):
    """Logarithm of the softmax along a dimension, without underflow.

    Args:
        dim: The dimension to add up over; give one.

    Examples:
        >>> import tour
        >>> LogSoftmax(0)(tour.tensor([0.0, 1000.0]))
        tensor([-1000.,     0.])
    """

    _shown = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Normalise a tensor of any shape."""
        return F.log_softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """Softmax over the channels of images.

    Examples:
        >>> import tour
        >>> Softmax2d()(tour.zeros(1, 2, 1, 1)).flatten()
        tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, H, W) or (C, H, W) over C.

        Raises:
            ValueError: If the input has another number of dimensions.
        """
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3, _stacklevel=5)
