"""Windows under PyTorch's top-level names, by default periodic; `tour.signal.windows` has more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tour._shapes import is_int

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _length(name: str, n: Any) -> int:
    """A number of weights.

    Raises:
        TypeError: If it is no integer.
        RuntimeError: If it is negative.
    """
    if not is_int(n) or isinstance(n, bool):
        raise TypeError(f"{name}(): argument 'window_length' (position 1) must be int, not {type(n).__name__}")
    if n < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={n}")
    return int(n)


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Hann's window `sin²(πk / n)`.

    Examples:
        >>> import tour
        >>> tour.hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    from tour.signal import windows

    return windows.hann(
        _length("hann_window", window_length), sym=not periodic, dtype=dtype, device=device, requires_grad=requires_grad
    )


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Hamming's window: `alpha - beta cos(2πk / n)`; n is `window_length`, or one less if not `periodic`.

    Args:
        window_length: How many numbers; k counts them from 0.
        periodic: Whether the window is one period, without the last number, as for spectra; else it is symmetric.
        alpha: The constant term.
        beta: The factor of the cosine.
        dtype: float32 or float64; the default dtype if None.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        pin_memory: Accepted for PyTorch's sake.
        requires_grad: Whether operations on it are recorded.

    Raises:
        RuntimeError: If `window_length` is negative.
        ValueError: If `dtype` is another one.

    Examples:
        >>> import tour
        >>> tour.hamming_window(4)
        tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    from tour.signal import windows

    return windows.general_cosine(
        _length("hamming_window", window_length),
        a=(alpha, beta),
        sym=not periodic,
        dtype=dtype,
        device=device,
        requires_grad=requires_grad,
    )


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Blackman's window: `0.42 - 0.5 cos(2πk / n) + 0.08 cos(4πk / n)`; n is `window_length`, or one less if not `periodic`.

    Examples:
        >>> import tour
        >>> tour.blackman_window(6)[1:4]
        tensor([0.1300, 0.6300, 1.0000])
    """
    from tour.signal import windows

    return windows.blackman(
        _length("blackman_window", window_length),
        sym=not periodic,
        dtype=dtype,
        device=device,
        requires_grad=requires_grad,
    )


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Bartlett's window, a triangle: `1 - |2k / n - 1|`; n is `window_length`, or one less if not `periodic`.

    Examples:
        >>> import tour
        >>> tour.bartlett_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    from tour.signal import windows

    return windows.bartlett(
        _length("bartlett_window", window_length),
        sym=not periodic,
        dtype=dtype,
        device=device,
        requires_grad=requires_grad,
    )


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Kaiser's window: `I0(beta sqrt(1 - (2k / n - 1)²)) / I0(beta)`; n is `window_length`, or one less if not `periodic`.

    I0 is the modified Bessel function of the first kind, `tour.i0`.

    Args:
        window_length: How many numbers; k counts them from 0.
        periodic: Whether the window is one period, without the last number, as for spectra; else it is symmetric.
        beta: How narrow the window is, at least 0; 0 gives ones.
        dtype: float32 or float64; the default dtype if None.
        layout: Accepted for PyTorch's sake.
        device: Where to put it.
        pin_memory: Accepted for PyTorch's sake.
        requires_grad: Whether operations on it are recorded.

    Raises:
        RuntimeError: If `window_length` is negative.
        ValueError: If `beta` is negative, or `dtype` is another one.

    Examples:
        >>> import tour
        >>> tour.kaiser_window(5, periodic=False)
        tensor([5.2773e-05, 2.1567e-01, 1.0000e+00, 2.1567e-01, 5.2773e-05])
    """
    from tour.signal import windows

    return windows.kaiser(
        _length("kaiser_window", window_length),
        beta=beta,
        sym=not periodic,
        dtype=dtype,
        device=device,
        requires_grad=requires_grad,
    )
