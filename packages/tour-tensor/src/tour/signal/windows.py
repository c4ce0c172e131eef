"""PyTorch's `torch.signal.windows`: weights that fade a piece of a signal in and out.

A symmetric window (`sym=True`) is for filters; otherwise it is one period of a window that repeats, for spectra.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _dtypes
from tour.ops.creation import finish

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann", "kaiser",
    "nuttall",
]  # fmt: skip


def _window(
    name: str, M: int, sym: bool, formula: Callable[[Any, int], Any], dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    """A window of M weights; the formula gets their numbers and how many a symmetric window would have."""
    target = _dtypes.default_numpy() if dtype is None else _dtypes.as_dtype(dtype).numpy
    if target not in (np.float32, np.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {_dtypes.FROM_NUMPY[target].name}")
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if M < 2:
        weights = np.ones(M)
    else:
        weights = formula(np.arange(M, dtype=np.float64), M if sym else M + 1)
    return finish(weights.astype(target), device, requires_grad)


def _cosines(a: Iterable[float]) -> Callable[[Any, int], Any]:
    """A sum of cosines with alternating signs."""
    return lambda k, n: sum((-1) ** i * x * np.cos(2 * np.pi * i * k / (n - 1)) for i, x in enumerate(a))


def general_cosine(
    M: int,
    *,
    a: Iterable[float],
    sym: bool = True,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A sum of cosines `Σ (-1)^i a[i] cos(2πik / (M - 1))`.

    The weights have the numbers k from 0 to M - 1.

    Args:
        M: How many weights; with 1 the only weight is 1.
        a: The factors of the cosines, from i = 0: the first is a constant.
        sym: Whether the window is symmetric; otherwise it is the first M weights of the symmetric one of M + 1.
        dtype: float32 or float64; None for the default dtype.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.

    Raises:
        ValueError: If `M` is negative, `a` is empty, or the dtype is not float32 or float64.

    Examples:
        >>> import tour
        >>> tour.signal.windows.general_cosine(3, a=[0.5, 0.5])
        tensor([0., 1., 0.])
    """
    a = tuple(a)
    if not a:
        raise ValueError("Coefficients cannot be empty")
    return _window("general_cosine", M, sym, _cosines(a), dtype, device, requires_grad)


def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The window `alpha - (1 - alpha) cos(2πk / (M - 1))`.

    The weights have the numbers k from 0 to M - 1.

    Args:
        M: How many weights; with 1 the only weight is 1.
        alpha: The constant part; 0.5 gives Hann's window, 0.54 Hamming's.
        sym: Whether the window is symmetric; otherwise it is the first M weights of the symmetric one of M + 1.
        dtype: float32 or float64; None for the default dtype.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.

    Raises:
        ValueError: If `M` is negative, or the dtype is not float32 or float64.

    Examples:
        >>> import tour
        >>> tour.signal.windows.general_hamming(5, alpha=0.6)
        tensor([0.2000, 0.6000, 1.0000, 0.6000, 0.2000])
    """
    return _window("general_hamming", M, sym, _cosines((alpha, 1 - alpha)), dtype, device, requires_grad)


def hamming(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Hamming's window `0.54 - 0.46 cos(2πk / (M - 1))`.

    Examples:
        >>> import tour
        >>> tour.signal.windows.hamming(5)
        tensor([0.0800, 0.5400, 1.0000, 0.5400, 0.0800])
    """
    return _window("hamming", M, sym, _cosines((0.54, 0.46)), dtype, device, requires_grad)


def hann(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Hann's window `sin²(πk / (M - 1))`.

    Examples:
        >>> import tour
        >>> tour.signal.windows.hann(5)
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    return _window("hann", M, sym, _cosines((0.5, 0.5)), dtype, device, requires_grad)


def blackman(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Blackman's window, of three cosines.

    Examples:
        >>> import tour
        >>> tour.signal.windows.blackman(5)[1:4]
        tensor([0.3400, 1.0000, 0.3400])
    """
    return _window("blackman", M, sym, _cosines((0.42, 0.5, 0.08)), dtype, device, requires_grad)


def nuttall(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Nuttall's window, of four cosines, with the least side lobes of its kind.

    Examples:
        >>> import tour
        >>> tour.signal.windows.nuttall(5)
        tensor([3.6280e-04, 2.2698e-01, 1.0000e+00, 2.2698e-01, 3.6280e-04])
    """
    a = (0.3635819, 0.4891775, 0.1365995, 0.0106411)
    return _window("nuttall", M, sym, _cosines(a), dtype, device, requires_grad)


def bartlett(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Bartlett's window, a triangle that begins and ends at zero.

    Examples:
        >>> import tour
        >>> tour.signal.windows.bartlett(5)
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    return _window("bartlett", M, sym, lambda k, n: 1 - np.abs(2 * k / (n - 1) - 1), dtype, device, requires_grad)


def cosine(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Half a wave: `sin(π(k + 1/2) / M)`.

    Examples:
        >>> import tour
        >>> tour.signal.windows.cosine(5)
        tensor([0.3090, 0.8090, 1.0000, 0.8090, 0.3090])
    """
    return _window("cosine", M, sym, lambda k, n: np.sin(np.pi * (k + 0.5) / n), dtype, device, requires_grad)


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The window `exp(-|k - center| / tau)`.

    The weights have the numbers k from 0 to M - 1.

    Args:
        M: How many weights; with 1 the only weight is 1.
        center: The k at which the window is 1, which may be a fraction; None for the middle, (M - 1) / 2, or M / 2
            if not `sym`.
        tau: After how many samples a weight has fallen to 1/e.
        sym: Whether the window is symmetric; otherwise it is the first M weights of the symmetric one of M + 1.
        dtype: float32 or float64; None for the default dtype.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.

    Raises:
        ValueError: If `M` is negative, `tau` is not positive, a centre is given for a symmetric window, or the dtype is
            not float32 or float64.

    Examples:
        >>> import tour
        >>> tour.signal.windows.exponential(5)
        tensor([0.1353, 0.3679, 1.0000, 0.3679, 0.1353])
    """
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")

    def formula(k: Any, n: int) -> Any:
        return np.exp(-np.abs(k - ((n - 1) / 2 if center is None else center)) / tau)

    return _window("exponential", M, sym, formula, dtype, device, requires_grad)


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The bell `exp(-(k - centre)² / (2 std²))`.

    The weights have the numbers k from 0 to M - 1; the centre is (M - 1) / 2, or M / 2 if not `sym`.

    Args:
        M: How many weights; with 1 the only weight is 1.
        std: The standard deviation of the bell, in samples.
        sym: Whether the window is symmetric; otherwise it is the first M weights of the symmetric one of M + 1.
        dtype: float32 or float64; None for the default dtype.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.

    Raises:
        ValueError: If `M` is negative, `std` is not positive, or the dtype is not float32 or float64.

    Examples:
        >>> import tour
        >>> tour.signal.windows.gaussian(5)
        tensor([0.1353, 0.6065, 1.0000, 0.6065, 0.1353])
    """
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    return _window(
        "gaussian", M, sym, lambda k, n: np.exp(-(((k - (n - 1) / 2) / std) ** 2) / 2), dtype, device, requires_grad
    )


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Kaiser's window `I0(beta sqrt(1 - (2k / (M - 1) - 1)²)) / I0(beta)`.

    The weights have the numbers k from 0 to M - 1; `I0` is the modified Bessel function of order 0.

    Args:
        M: How many weights; with 1 the only weight is 1.
        beta: The larger, the narrower the window and the lower the side lobes of its spectrum; 0 gives weights of 1.
        sym: Whether the window is symmetric; otherwise it is the first M weights of the symmetric one of M + 1.
        dtype: float32 or float64; None for the default dtype.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        requires_grad: Whether operations on it are recorded.

    Raises:
        ValueError: If `M` is negative, `beta` is negative, or the dtype is not float32 or float64.

    Examples:
        >>> import tour
        >>> tour.signal.windows.kaiser(5, beta=3.0)
        tensor([0.2049, 0.7269, 1.0000, 0.7269, 0.2049])
    """
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")

    def formula(k: Any, n: int) -> Any:
        inside = np.sqrt(np.maximum(0, 1 - (2 * k / (n - 1) - 1) ** 2))
        return np.i0(beta * inside) / np.i0(beta)

    return _window("kaiser", M, sym, formula, dtype, device, requires_grad)
