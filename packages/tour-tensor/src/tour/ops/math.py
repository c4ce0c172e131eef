"""Exponentials, logarithms, and what is made of them, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _activations, _special
from tour._core import ndarray
from tour._declare import binary, unary
from tour._storing import in_place

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "abs",
    "abs_",
    "absolute",
    "exp",
    "exp2",
    "exp2_",
    "exp_",
    "expm1",
    "expm1_",
    "log",
    "log1p",
    "log1p_",
    "log2",
    "log2_",
    "log10",
    "log10_",
    "log_",
    "logaddexp",
    "logaddexp2",
    "sigmoid",
    "sigmoid_",
    "xlogy",
    "xlogy_",
]


@unary(np.exp, fractions=True)
def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Exponential of each element.

    Examples:
        >>> import tour
        >>> tour.exp(tour.tensor([0.0, 1.0]))
        tensor([1.0000, 2.7183])
    """
    ...


@unary(np.exp2, fractions=True)
def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Two to the power of each element.

    Examples:
        >>> import tour
        >>> tour.exp2(tour.tensor([0.0, 3.0]))
        tensor([1., 8.])
    """
    ...


@unary(np.expm1, fractions=True)
def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`exp(input) - 1` of each element, accurate near zero.

    Examples:
        >>> import tour
        >>> tour.expm1(tour.tensor([0.0, 1e-8]))
        tensor([0.0000e+00, 1.0000e-08])
    """
    ...


@unary(np.log, fractions=True)
def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Natural logarithm of each element; NaN below zero.

    Examples:
        >>> import tour
        >>> tour.log(tour.tensor([1.0, 10.0]))
        tensor([0.0000, 2.3026])
    """
    ...


@unary(np.log2, fractions=True)
def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Logarithm to base 2 of each element; NaN below zero.

    Examples:
        >>> import tour
        >>> tour.log2(tour.tensor([1.0, 8.0]))
        tensor([0., 3.])
    """
    ...


@unary(np.log10, fractions=True)
def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Logarithm to base 10 of each element; NaN below zero.

    Examples:
        >>> import tour
        >>> tour.log10(tour.tensor([1.0, 1000.0]))
        tensor([0.0000, 3.0000])
    """
    ...


@unary(np.log1p, fractions=True)
def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log(1 + input)` of each element, accurate near zero.

    Examples:
        >>> import tour
        >>> tour.log1p(tour.tensor([0.0, 1e-8]))
        tensor([0.0000e+00, 1.0000e-08])
    """
    ...


def _logaddexp_kernel(a: Any, b: Any) -> Any:
    return np.logaddexp(a, b) if a.dtype.kind != "c" else _complex_logaddexp(a, b)


def _complex_logaddexp(a: Any, b: Any) -> Any:
    """`log(exp(a) + exp(b))`, counted from the operand with the larger real part."""
    larger = a.real >= b.real
    top, low = np.where(larger, a, b), np.where(larger, b, a)
    alike = np.isinf(a.real) & (a.real == b.real)  # their difference would be NaN
    return np.where(alike, np.log(np.exp(a) + np.exp(b)), top + np.log1p(np.exp(low - top)))


@binary(_logaddexp_kernel, refuses="bi")
def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log(exp(input) + exp(other))` without overflow, broadcasting.

    Examples:
        >>> import tour
        >>> tour.logaddexp(tour.tensor([0.0, 1000.0]), tour.tensor([0.0, 1000.0]))
        tensor([6.9315e-01, 1.0007e+03])
    """
    ...


@binary(np.logaddexp2, refuses="bic")
def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`log2(2**input + 2**other)` without overflow, broadcasting.

    Examples:
        >>> import tour
        >>> tour.logaddexp2(tour.tensor([0.0, 2000.0]), tour.tensor([0.0, 2000.0]))
        tensor([1.0000e+00, 2.0010e+03])
    """
    ...


def _xlogy_kernel(a: Any, b: Any) -> Any:
    return _special.xlogy(a, b) if type(a) is ndarray else np.where((a == 0) & ~np.isnan(b), a, a * np.log(b))


@binary(_xlogy_kernel, fractions=True, refuses="c")
def xlogy(input: Tensor, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """`input * log(other)`, which is zero where `input` is zero and `other` is not NaN.

    Examples:
        >>> import tour
        >>> tour.xlogy(tour.tensor([0.0, 2.0]), tour.tensor([0.0, 3.0]))
        tensor([0.0000, 2.1972])
    """
    ...


@unary(np.absolute, refuses="b")
def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Absolute value of each element; real for complex tensors.

    Examples:
        >>> import tour
        >>> tour.abs(tour.tensor([-1.0, 2.0]))
        tensor([1., 2.])
    """
    ...


@unary(_activations.sigmoid, fractions=True)
def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Logistic function `1 / (1 + exp(-input))` of each element.

    Examples:
        >>> import tour
        >>> tour.sigmoid(tour.tensor([0.0, 2.0]))
        tensor([0.5000, 0.8808])
    """
    ...


absolute = abs

abs_ = in_place(abs)
exp_, exp2_, expm1_ = in_place(exp), in_place(exp2), in_place(expm1)
log_, log2_, log10_, log1p_ = in_place(log), in_place(log2), in_place(log10), in_place(log1p)
sigmoid_, xlogy_ = in_place(sigmoid), in_place(xlogy)


class Math:
    """Exponentials and logarithms, as methods."""

    __slots__ = ()

    exp, exp2, expm1, exp_, exp2_, expm1_ = exp, exp2, expm1, exp_, exp2_, expm1_
    log, log2, log10, log1p, log_, log2_, log10_, log1p_ = log, log2, log10, log1p, log_, log2_, log10_, log1p_
    logaddexp, logaddexp2, xlogy, xlogy_ = logaddexp, logaddexp2, xlogy, xlogy_
    abs, absolute, abs_, absolute_ = abs, absolute, abs_, abs_
    sigmoid, sigmoid_ = sigmoid, sigmoid_
    __abs__ = abs
