"""Short-time Fourier transforms: spectra of the overlapping frames of a signal, and the signal that has them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tour._dtypes import FLOATING, FROM_NUMPY
from tour.ops.complexes import view_as_real
from tour.ops.creation import from_numpy
from tour.ops.factories import ones, zeros
from tour.ops.joining import cat

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["istft", "stft"]

PADDINGS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # PyTorch's names, NumPy's


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """Short-time Fourier transform: `X[f, t] = Σ_k window[k] input[t * hop_length + k] exp(-2πi f k / n_fft)`.

    Args:
        input: A signal, shape (L,), or a batch of them, (B, L).
        n_fft: Samples in a frame.
        hop_length: Samples from one frame to the next; a quarter of `n_fft` if None.
        win_length: Length of the window, `n_fft` if None; a shorter one is put in the middle of the frame.
        window: A factor for each sample of the window, such as `tour.hann_window(win_length)`; ones if None.
        center: Whether frame t has its middle at sample `t * hop_length`; the signal is then padded on both sides.
        pad_mode: What the signal is padded with: `"reflect"`, `"constant"` (zeros), `"replicate"` or `"circular"`.
        normalized: Whether to divide by the square root of `n_fft`.
        onesided: Whether to leave out the negative frequencies; by default for real signals.
        return_complex: Must be True for real signals; False is an older form, with real and imaginary parts in a last dimension.
        align_to_window: Without `center`, whether frames count from the window's first sample rather than the frame's.

    Returns:
        Shape (frequencies, frames), or (B, frequencies, frames).

    Raises:
        RuntimeError: If the lengths do not fit, or `return_complex` is left out for a real signal.

    Examples:
        >>> import tour
        >>> x = tour.ones(8)
        >>> tour.stft(x, 4, window=tour.ones(4), return_complex=True).abs()[:, 0]
        tensor([4., 0., 0.])
    """
    from tour import fft

    hop, width = n_fft // 4 if hop_length is None else hop_length, n_fft if win_length is None else win_length
    complexes = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None:
        return_complex = complexes
        if not complexes:
            raise RuntimeError("stft: give return_complex=True for a real signal (False is PyTorch's older form)")
    if center and align_to_window is not None:
        raise RuntimeError("stft: align_to_window only means something with center=False")
    single = input.dim() == 1
    x = input.unsqueeze(0) if single else input
    _demand(
        "stft", FROM_NUMPY[input._a.dtype].rank >= FLOATING, f"a floating-point or complex signal, not {input.dtype}"
    )
    _demand("stft", x.dim() == 2, f"a signal of shape (L,) or a batch (B, L), not {list(input.shape)}")
    if center:
        x = _padded(x, n_fft // 2, pad_mode)
    _demand("stft", 0 < n_fft <= x.shape[1], f"0 < n_fft <= {x.shape[1]}, the length of the signal, not n_fft={n_fft}")
    _demand("stft", hop > 0, f"hop_length > 0, not {hop}")
    _demand("stft", 0 < width <= n_fft, f"0 < win_length <= n_fft, not win_length={width} with n_fft={n_fft}")
    weights = _window("stft", window, width, n_fft)
    if align_to_window:
        x = _padded(x, (n_fft - width) // 2, "constant")
    if onesided is None:
        onesided = not complexes
    elif onesided and complexes:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    frames = x.unfold(1, n_fft, hop)
    frames = frames if weights is None else frames * weights
    norm = "ortho" if normalized else None
    spectra = (fft.rfft if onesided else fft.fft)(frames, norm=norm).transpose(1, 2)
    spectra = spectra[0] if single else spectra
    return spectra if return_complex else view_as_real(spectra)


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal with given short-time spectra, in the sense of least squares (Griffin and Lim, 1984): the inverse of `stft`.

    Args:
        input: Spectra, complex, shape (frequencies, frames) or (B, frequencies, frames).
        n_fft, hop_length, win_length, window, center, normalized: As they were given to `stft`.
        onesided: Whether negative frequencies were left out; told from the number of frequencies if None.
        length: Length of the signal: cut, or filled up with zeros. What the frames cover if None.
        return_complex: Whether the signal is complex.

    Returns:
        Shape (length,) or (B, length).

    Raises:
        RuntimeError: If the lengths do not fit, or the windows leave a sample without weight.

    Examples:
        >>> import tour
        >>> w = tour.hann_window(4)
        >>> tour.istft(tour.stft(tour.tensor([1.0, 2.0, 3.0, 4.0]), 4, window=w, return_complex=True), 4, window=w)
        tensor([1., 2., 3., 4.])
    """
    from tour import fft

    hop, width = n_fft // 4 if hop_length is None else hop_length, n_fft if win_length is None else win_length
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    _demand(
        "istft",
        input.dim() in (2, 3),
        f"spectra of shape (frequencies, frames) or a batch of them, not {list(input.shape)}",
    )
    _demand("istft", input.numel() > 0, f"at least one frame and frequency, not {list(input.shape)}")
    rows, count = input.shape[-2:]
    onesided = rows != n_fft if onesided is None else onesided
    _demand("istft", rows == (n_fft // 2 + 1 if onesided else n_fft),
            f"{n_fft // 2 + 1} frequencies (onesided) or {n_fft} for n_fft={n_fft}, not {rows}")  # fmt: skip
    _demand("istft", 0 < width <= n_fft, f"0 < win_length <= n_fft, not win_length={width} with n_fft={n_fft}")
    _demand("istft", 0 < hop <= width, f"0 < hop_length <= win_length, not hop_length={hop} with win_length={width}")
    if window is not None and window.is_complex() and not return_complex:
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    if onesided and return_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    weights = _window("istft", window, width, n_fft)
    if weights is None:
        weights = ones(n_fft, dtype=input.real.dtype)
    single = input.dim() == 2
    spectra = (input.unsqueeze(0) if single else input).transpose(1, 2)
    norm = "ortho" if normalized else None
    if return_complex:
        frames = fft.ifft(spectra, norm=norm)
    else:  # a real signal: negative frequencies say nothing new
        frames = fft.irfft(spectra[..., : n_fft // 2 + 1], n_fft, norm=norm)
    full = n_fft + hop * (count - 1)
    y = _overlapped(frames * weights, hop, full)
    envelope = _overlapped((weights * weights).expand(1, count, n_fft), hop, full)
    start = n_fft // 2 if center else 0
    end = full - start if length is None else start + length
    y, envelope = y[:, start:end], envelope[:, start:end]
    least = float(envelope.abs().min())
    _demand("istft", least > 1e-11, f"windows that overlap everywhere; a sample has the weight {least}")
    y = y / envelope
    if end > full:
        warnings.warn("The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail.",
                      stacklevel=2)  # fmt: skip
        y = cat([y, zeros(len(y), end - full, dtype=y.dtype)], 1)
    return y[0] if single else y  # type: ignore[no-any-return]


def _demand(name: str, holds: bool, what: str) -> None:
    if not holds:
        raise RuntimeError(f"{name}: expected {what}")


def _padded(x: Tensor, width: int, mode: str) -> Tensor:
    """A batch of signals with `width` more samples on both sides."""
    if mode == "constant":
        side = zeros(x.shape[0], width, dtype=x.dtype, device=x.device)
        return cat([side, x, side], 1)
    if mode not in PADDINGS:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    n = x.shape[1]
    _demand(
        "stft",
        width < n + (mode != "reflect"),
        f"a signal longer than n_fft // 2 = {width} for padding, not {n} samples",
    )
    places: Tensor = from_numpy(np.pad(np.arange(n), width, PADDINGS[mode]))  # type: ignore[call-overload]
    return x.index_select(1, places.to(x.device))


def _window(name: str, window: Any, width: int, n_fft: int) -> Any:
    """The window in the middle of a frame, or None if it is all ones."""
    if window is None:
        if width == n_fft:
            return None
        window = ones(width)
    _demand(name, tuple(window.shape) == (width,), f"a window of shape [{width}], not {list(window.shape)}")
    left = (n_fft - width) // 2
    if width == n_fft:
        return window
    left_side, right_side = (window.new_zeros(k) for k in (left, n_fft - width - left))
    return cat([left_side, window, right_side])


def _overlapped(frames: Any, hop: int, length: int) -> Any:
    """The sum of frames (B, count, n_fft), each `hop` samples after the one before."""
    batch, count, width = frames.shape
    places = (hop * np.arange(count)[:, None] + np.arange(width)).reshape(-1)
    return frames.new_zeros(batch, length).index_add(1, from_numpy(places).to(frames.device), frames.reshape(batch, -1))


class ShortTime:
    """Short-time Fourier transforms, as methods."""

    __slots__ = ()

    stft, istft = stft, istft
