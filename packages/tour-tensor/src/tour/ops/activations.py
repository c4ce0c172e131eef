"""Activation functions: every one that `nn.functional` shows as elementwise, with its in-place form by `inplace=True`.

PyTorch shows some of them in its top namespace too; those are in `__all__`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _activations as kernels
from tour._calling import numpy_too
from tour._core import Op, kernel_for, wrap
from tour._declare import mapped, primitive, unary
from tour._dtypes import COMPLEX, FLOATING, FROM_NUMPY
from tour._operands import tensor_argument
from tour._storing import in_place, store
from tour.ops._draw import engine_of
from tour.ops.trigonometry import tanh

if TYPE_CHECKING:
    from tour._tensor import Tensor
    from tour.random import Generator

__all__ = [
    "celu", "celu_", "hardshrink", "prelu", "relu", "relu_", "rrelu", "rrelu_", "selu", "selu_", "threshold", "threshold_",
]  # fmt: skip


def _apply(input: Tensor, op: Op, *numbers: Any) -> Tensor:
    """An activation of a tensor whose dtype has been looked at."""
    a = input._a
    return mapped(op, kernel_for(op, a)(a, *numbers), input, *numbers)  # type: ignore[no-any-return]


_apply_ = in_place(_apply)


def _run(op: Op, input: Tensor, inplace: bool, *numbers: Any) -> Tensor:
    """An activation, new or in place, of a real floating-point tensor.

    Raises:
        NotImplementedError: If the tensor holds integers, booleans or complex numbers.
    """
    d = FROM_NUMPY[tensor_argument(op.name, "input", input)._a.dtype]
    if d.rank != FLOATING:
        raise NotImplementedError(f'"{op.name}" is not implemented for {d.name}')
    return _apply_(input, op, *numbers) if inplace else _apply(input, op, *numbers)


def _stored(t: Tensor, out: Tensor | None, name: str) -> Tensor:
    return t if out is None else store(out, t, name)


# --- Rectifiers -------------------------------------------------------------------------------------------------------------


@unary(kernels.relu, refuses="bc")
def relu(input: Tensor) -> Tensor:
    """`max(input, 0)` of each element; NaN stays NaN.

    Examples:
        >>> import tour
        >>> tour.relu(tour.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    ...


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Each element, times `negative_slope` below zero.

    Examples:
        >>> import tour
        >>> tour.nn.functional.leaky_relu(tour.tensor([-1.0, 2.0]))
        tensor([-0.0100,  2.0000])
    """
    return _run(_LEAKY_RELU, input, inplace, negative_slope)


_LEAKY_RELU = Op("leaky_relu", ("input", "negative_slope"), kernels.leaky_relu)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element; `alpha * (exp(input) - 1)` below zero (https://arxiv.org/abs/1511.07289).

    Examples:
        >>> import tour
        >>> tour.nn.functional.elu(tour.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])
    """
    return _run(_ELU, input, inplace, alpha, 1.0, 1.0)


_ELU = Op("elu", ("input", "alpha", "scale", "rate"), kernels.elu)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Self-normalising unit: `scale * elu(input, alpha)` with the constants of https://arxiv.org/abs/1706.02515.

    Examples:
        >>> import tour
        >>> tour.selu(tour.tensor([-1.0, 2.0]))
        tensor([-1.1113,  2.1014])
    """
    return _run(_ELU, input, inplace, 1.6732632423543772, 1.0507009873554805, 1.0)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element; `alpha * (exp(input / alpha) - 1)` below zero, with a continuous slope (https://arxiv.org/abs/1704.07483).

    Raises:
        RuntimeError: If `alpha` is zero.

    Examples:
        >>> import tour
        >>> tour.celu(tour.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])
    """
    if not alpha:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _run(_ELU, input, inplace, alpha, 1.0, 1 / alpha)


@primitive(kernels.prelu, broadcasts=True)
def _prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Each element, times its weight below zero."""
    ...


@numpy_too
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Each element, times a learnt weight below zero (https://arxiv.org/abs/1502.01852).

    Args:
        input: A floating-point tensor; channels are its second dimension.
        weight: One weight, or one for each channel; of the same dtype.

    Raises:
        RuntimeError: If the weights do not fit the channels.

    Examples:
        >>> import tour
        >>> tour.prelu(tour.tensor([-1.0, 2.0]), tour.tensor([0.25]))
        tensor([-0.2500,  2.0000])
    """
    if input._a.dtype is not weight._a.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {input.dtype.name} and {weight.dtype.name}")
    if weight._a.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight._a.ndim}")
    ndim, n = input._a.ndim, weight._a.size
    if n != 1:
        if not ndim:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input._a.shape[1] if ndim > 1 else 1
        if n != channels:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {n} and channel size = {channels}, "
                f"for an input of shape {list(input.shape)}; channels are dimension 1"
            )
    shape = (1,) * ndim if ndim < 2 else (1, n, *(1,) * (ndim - 2))
    return _prelu(input, weight.reshape(shape))


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Each element, times a slope below zero: random in [lower, upper) while training, their mean otherwise.

    Args:
        input: A floating-point tensor.
        lower: The smallest slope.
        upper: Where the slopes end; at least `lower`.
        training: Whether each element that is not positive draws a slope of its own; otherwise all have the slope
            `(lower + upper) / 2`.
        inplace: Whether to write the result into `input`.
        generator: The stream to draw from; the default one if None. Read in training only.

    Raises:
        RuntimeError: If `lower` is larger than `upper`.
        NotImplementedError: If the elements are integers.

    Examples:
        >>> import tour
        >>> tour.rrelu(tour.tensor([-24.0, 2.0]))
        tensor([-5.5000,  2.0000])
    """
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    if not input.is_floating_point():
        raise NotImplementedError(f"rrelu is not implemented for {input.dtype.name} in training; use input.float()")
    noise = wrap(_slopes(input._a, lower, upper, generator))
    return input.mul_(noise) if inplace else input * noise


def _slopes(a: Any, lower: float, upper: float, generator: Generator | None) -> Any:
    """1 above zero, and below a random number for each element, in the order of memory, as PyTorch draws them."""
    slopes, below = np.ones(a.shape, a.dtype), a <= 0
    slopes[below] = engine_of(generator).uniform(np.empty(np.count_nonzero(below)), lower, upper)
    return slopes


# --- Smooth -----------------------------------------------------------------------------------------------------------------


def gelu(input: Tensor, approximate: str = "none", *, out: Tensor | None = None) -> Tensor:
    """Gaussian error linear unit `input * Φ(input)` (https://arxiv.org/abs/1606.08415).

    Args:
        input: A floating-point tensor.
        approximate: `"none"` for the normal distribution function, `"tanh"` for its approximation by a hyperbolic tangent.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If `approximate` is neither.

    Examples:
        >>> import tour
        >>> tour.nn.functional.gelu(tour.tensor([-1.0, 2.0]))
        tensor([-0.1587,  1.9545])
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return _stored(_run(_GELU, input, False, approximate), out, "gelu")


_GELU = Op("gelu", ("input", "approximate"), kernels.gelu)


@primitive(kernels.gelu_slope, broadcasts=True)
def gelu_slope(input: Tensor, approximate: str) -> Tensor:
    """Derivative of `gelu`."""
    ...


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """`input * sigmoid(input)` of each element, also called swish; for complex tensors too.

    Examples:
        >>> import tour
        >>> tour.nn.functional.silu(tour.tensor([-1.0, 2.0]))
        tensor([-0.2689,  1.7616])
    """
    if FROM_NUMPY[input._a.dtype].rank == COMPLEX:
        return _apply_(input, _SILU) if inplace else _apply(input, _SILU)
    return _run(_SILU, input, inplace)


_SILU = Op("silu", ("input",), kernels.silu)


@primitive(kernels.silu_slope, broadcasts=True)
def silu_slope(input: Tensor) -> Tensor:
    """Derivative of `silu`."""
    ...


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """`input * tanh(softplus(input))` of each element (https://arxiv.org/abs/1908.08681).

    Examples:
        >>> import tour
        >>> tour.nn.functional.mish(tour.tensor([-1.0, 2.0]))
        tensor([-0.3034,  1.9440])
    """
    return _run(_MISH, input, inplace)


_MISH = Op("mish", ("input",), kernels.mish)


@primitive(kernels.mish_slope, broadcasts=True)
def mish_slope(input: Tensor) -> Tensor:
    """Derivative of `mish`."""
    ...


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0, *, out: Tensor | None = None) -> Tensor:
    """`log(1 + exp(beta * input)) / beta` of each element, a smooth `relu`.

    Args:
        input: A floating-point tensor.
        beta: How sharp the bend is.
        threshold: Where `beta * input` is larger, the result is `input` itself.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.nn.functional.softplus(tour.tensor([-1.0, 2.0]))
        tensor([0.3133, 2.1269])
    """
    return _stored(_run(_SOFTPLUS, input, False, beta, threshold), out, "softplus")


_SOFTPLUS = Op("softplus", ("input", "beta", "threshold"), kernels.softplus)


def logsigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log(sigmoid(input))` of each element, without underflow.

    Examples:
        >>> import tour
        >>> tour.nn.functional.logsigmoid(tour.tensor([-1000.0, 2.0]))
        tensor([-1.0000e+03, -1.2693e-01])
    """
    return _stored(_run(_LOGSIGMOID, input, False), out, "logsigmoid")


_LOGSIGMOID = Op("logsigmoid", ("input",), kernels.logsigmoid)


def softsign(input: Tensor) -> Tensor:
    """`input / (1 + abs(input))` of each element.

    Examples:
        >>> import tour
        >>> tour.nn.functional.softsign(tour.tensor([-1.0, 4.0]))
        tensor([-0.5000,  0.8000])
    """
    return input / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """`input - tanh(input)` of each element.

    Examples:
        >>> import tour
        >>> tour.nn.functional.tanhshrink(tour.tensor([-1.0, 2.0]))
        tensor([-0.2384,  1.0360])
    """
    return input - tanh(input)


# --- Straight pieces ----------------------------------------------------------------------------------------------------------


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element kept between two bounds; integers too.

    Raises:
        ValueError: If the bounds cross.

    Examples:
        >>> import tour
        >>> tour.nn.functional.hardtanh(tour.tensor([-2.0, 0.5]))
        tensor([-1.0000,  0.5000])
    """
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return _run_real(_HARDTANH, input, inplace, min_val, max_val)


_HARDTANH = Op("hardtanh", ("input", "min_val", "max_val"), kernels.hardtanh)


def _run_real(op: Op, input: Tensor, inplace: bool, *numbers: Any) -> Tensor:
    """An activation of a real tensor, of integers too."""
    if (kind := input._a.dtype.kind) in "bc":
        raise RuntimeError(f"{'Bool' if kind == 'b' else 'Complex'} inputs not supported for {op.name}")
    return _apply_(input, op, *numbers) if inplace else _apply(input, op, *numbers)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element kept between 0 and 6.

    Examples:
        >>> import tour
        >>> tour.nn.functional.relu6(tour.tensor([-1.0, 8.0]))
        tensor([0., 6.])
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """`(input + 3) / 6` of each element, kept between 0 and 1.

    Examples:
        >>> import tour
        >>> tour.nn.functional.hardsigmoid(tour.tensor([-1.0, 2.0]))
        tensor([0.3333, 0.8333])
    """
    return _run(_HARDSIGMOID, input, inplace)


_HARDSIGMOID = Op("hardsigmoid", ("input",), kernels.hardsigmoid)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """`input * hardsigmoid(input)` of each element (https://arxiv.org/abs/1905.02244).

    Examples:
        >>> import tour
        >>> tour.nn.functional.hardswish(tour.tensor([-1.0, 2.0]))
        tensor([-0.3333,  1.6667])
    """
    return _run(_HARDSWISH, input, inplace)


_HARDSWISH = Op("hardswish", ("input",), kernels.hardswish)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Each element above a threshold, and `value` in place of the others; integers too.

    Args:
        input: A real tensor, not of booleans.
        threshold: Elements larger than this stay, and so does NaN; one that equals it is replaced.
        value: What stands in place of the others.
        inplace: Whether to write the result into `input`.

    Raises:
        RuntimeError: If the elements are boolean or complex.

    Examples:
        >>> import tour
        >>> tour.threshold(tour.tensor([-1.0, 2.0]), 0.5, 9.0)
        tensor([9., 2.])
    """
    return _run_real(_THRESHOLD, input, inplace, threshold, value)


_THRESHOLD = Op("threshold", ("input", "threshold", "value"), kernels.threshold)


def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """Each element moved towards zero by `lambd`, and zero where that would pass zero.

    Raises:
        RuntimeError: If `lambd` is negative.

    Examples:
        >>> import tour
        >>> tour.nn.functional.softshrink(tour.tensor([-1.0, 0.25]))
        tensor([-0.5000,  0.0000])
    """
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return _stored(_run(_SOFTSHRINK, input, False, lambd), out, "softshrink")


_SOFTSHRINK = Op("softshrink", ("input", "lambd"), kernels.softshrink)


def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """Each element, and zero where it lies between `-lambd` and `lambd`.

    Examples:
        >>> import tour
        >>> tour.hardshrink(tour.tensor([-1.0, 0.25]))
        tensor([-1.,  0.])
    """
    return _stored(_run(_HARDSHRINK, input, False, lambd), out, "hardshrink")


_HARDSHRINK = Op("hardshrink", ("input", "lambd"), kernels.hardshrink)


relu_, selu_, celu_, threshold_ = in_place(relu), in_place(selu), in_place(celu), in_place(threshold)
rrelu_ = in_place(rrelu)


class Activations:
    """Activation functions, as methods."""

    __slots__ = ()

    relu, relu_, prelu, hardshrink = relu, relu_, prelu, hardshrink
