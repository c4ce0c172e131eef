"""Fourier transforms: NumPy's values, in the input's precision."""

from __future__ import annotations

import numpy as np
import pytest

import tour

rng = np.random.default_rng(0)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
@pytest.mark.parametrize("norm", [None, "backward", "forward", "ortho"])
@pytest.mark.parametrize("n", [None, 3, 6, 9])
def test_one_dimension(name, norm, n):
    a = rng.standard_normal((2, 6, 3))
    got = getattr(tour.fft, name)(tour.from_numpy(a), n, 1, norm)
    np.testing.assert_allclose(got.numpy(), getattr(np.fft, name)(a, n, 1, norm), atol=1e-12)


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2"])
def test_several_dimensions(name):
    a = rng.standard_normal((4, 5, 6)).astype(np.float32)
    got = getattr(tour.fft, name)(tour.from_numpy(a), (3, 7), (0, 2), "ortho")
    want = getattr(np.fft, name)(a, (3, 7), (0, 2), "ortho")
    np.testing.assert_allclose(got.numpy(), want, atol=1e-5)
    assert got.dtype in (tour.float32, tour.complex64)


def test_half_spectra_in_several_dimensions():
    x = tour.from_numpy(rng.standard_normal((4, 6)))
    np.testing.assert_allclose(tour.fft.hfftn(tour.fft.ihfftn(x)).numpy(), x.numpy(), atol=1e-12)
    np.testing.assert_allclose(tour.fft.hfft2(tour.fft.ihfft2(x)).numpy(), x.numpy(), atol=1e-12)


def test_helpers():
    assert tour.fft.fftfreq(5, 0.5).tolist() == pytest.approx(np.fft.fftfreq(5, 0.5).tolist())
    assert tour.fft.rfftfreq(5).dtype is tour.float32
    x = tour.arange(15).reshape(3, 5)
    assert tour.fft.ifftshift(tour.fft.fftshift(x)).equal(x)
    assert tour.fft.fftshift(x, 1)[0].tolist() == np.fft.fftshift(np.arange(5)).tolist()


def test_integers_take_the_default_dtype():
    assert tour.fft.fft(tour.arange(4)).dtype is tour.complex64


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: tour.fft.rfft(tour.ones(3, dtype=tour.complex64)), RuntimeError, "expects a real input"),
        (lambda: tour.fft.fft(tour.ones(3), norm="no"), RuntimeError, "Invalid normalization mode"),
        (lambda: tour.fft.fft(tour.ones(3), 0), RuntimeError, "Invalid number of data points"),
        (lambda: tour.fft.fft(tour.tensor(1.0)), IndexError, "no dimensions"),
        (lambda: tour.fft.fftn(tour.ones(3, 3), dim=(0, 0)), RuntimeError, "dim"),
        (lambda: tour.fft.fft(tour.ones(3, dtype=tour.float16)), RuntimeError, "Unsupported dtype"),
    ],
)
def test_refusals(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_frequencies_where_there_are_none():
    """PyTorch 2.13 gives these."""
    assert tour.fft.fftfreq(0).tolist() == [] and tour.fft.fftfreq(0, d=0.0).tolist() == []
    assert np.isnan(tour.fft.rfftfreq(0).tolist()).all() and tour.fft.rfftfreq(0).shape == (1,)
    assert np.array_equal(tour.fft.fftfreq(4, d=0.0), [np.nan, np.inf, -np.inf, -np.inf], equal_nan=True)
    for n in range(1, 9):
        assert np.array_equal(tour.fft.fftfreq(n, 0.3, dtype=tour.float64), np.fft.fftfreq(n, 0.3))
        assert np.array_equal(tour.fft.rfftfreq(n, 0.3, dtype=tour.float64), np.fft.rfftfreq(n, 0.3))
