"""Short-time Fourier transforms against the definition, and the way back; what does not fit is refused."""

from __future__ import annotations

import numpy as np
import pytest

import tour

SIGNAL = np.random.default_rng(0).standard_normal(50)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular", "constant"])
def test_frames_are_transformed_one_by_one(mode: str) -> None:
    window = np.hanning(8)
    got = tour.stft(
        tour.tensor(SIGNAL), 10, 3, 8, tour.tensor(window), pad_mode=mode, normalized=True, return_complex=True
    )
    names = {"replicate": "edge", "circular": "wrap"}
    x = np.pad(SIGNAL, 5, names.get(mode, mode))  # type: ignore[call-overload]
    frames = np.stack([x[start : start + 10] for start in range(0, len(x) - 9, 3)])
    np.testing.assert_allclose(got, np.fft.rfft(frames * np.pad(window, 1), norm="ortho").T, atol=1e-12)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("normalized", [True, False])
def test_the_way_back(center: bool, normalized: bool) -> None:
    x = tour.tensor(np.stack([SIGNAL, SIGNAL[::-1]]))
    given = {"window": tour.hamming_window(16, dtype=tour.float64), "center": center, "normalized": normalized}
    spectra = tour.stft(x, 16, 4, return_complex=True, **given)
    back = tour.istft(spectra, 16, 4, **given)
    np.testing.assert_allclose(back, x[:, : back.shape[1]], atol=1e-12)
    assert back.shape[1] == 48


def test_a_given_length_cuts_or_fills_up() -> None:
    w = tour.hann_window(8, dtype=tour.float64)
    spectra = tour.stft(tour.tensor(SIGNAL), 8, window=w, return_complex=True)
    assert tour.istft(spectra, 8, window=w, length=20).shape == (20,)
    with pytest.warns(UserWarning, match="padded with zeros"):
        long = tour.istft(spectra, 8, window=w, length=60)
    assert not long[56:].any()


def test_complex_signals_keep_their_negative_frequencies() -> None:
    x = tour.tensor(SIGNAL * 1j)
    spectra = tour.stft(x, 8, window=tour.ones(8, dtype=tour.float64))
    assert spectra.shape == (8, 26)
    back = tour.istft(spectra, 8, window=tour.ones(8, dtype=tour.float64), return_complex=True)
    np.testing.assert_allclose(back, SIGNAL * 1j, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"return_complex": None}, "return_complex=True"),
        ({"n_fft": 0}, "0 < n_fft"),
        ({"hop_length": 0}, "hop_length > 0"),
        ({"win_length": 9}, "win_length <= n_fft"),
        ({"window": tour.ones(5)}, "window of shape"),
        ({"window": tour.ones(8) * 1j, "onesided": True}, "onesided"),
        ({"n_fft": 110}, "signal longer than"),
        ({"align_to_window": True}, "align_to_window"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        tour.stft(tour.tensor(SIGNAL), **({"n_fft": 8, "return_complex": True} | change))  # type: ignore[arg-type]


def test_windows_that_leave_a_sample_without_weight_are_refused() -> None:
    spectra = tour.stft(tour.tensor(SIGNAL), 8, return_complex=True)
    with pytest.raises(RuntimeError, match="weight"):
        tour.istft(spectra, 8, window=tour.hann_window(8, dtype=tour.float64), center=False)
    with pytest.raises(RuntimeError, match="complex-valued"):
        tour.istft(tour.view_as_real(spectra), 8)
