"""Windows: NumPy's values, symmetric or periodic."""

from __future__ import annotations

import numpy as np
import pytest

import tour

W = tour.signal.windows


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (W.hann, np.hanning),
        (W.hamming, np.hamming),
        (W.blackman, np.blackman),
        (W.bartlett, np.bartlett),
        (W.kaiser, lambda n: np.kaiser(n, 12.0)),
    ],
)
@pytest.mark.parametrize("m", [0, 1, 2, 7, 8])
def test_numpys_windows(window, expected, m):
    np.testing.assert_allclose(window(m, dtype=tour.float64).numpy(), expected(m), atol=1e-12)
    periodic = window(m, sym=False, dtype=tour.float64).numpy()
    np.testing.assert_allclose(periodic, expected(m + 1)[:m] if m > 1 else np.ones(m), atol=1e-12)


def test_the_others():
    np.testing.assert_allclose(W.gaussian(3, std=2.0).numpy(), np.exp([-1 / 8, 0, -1 / 8]), rtol=1e-6)
    np.testing.assert_allclose(W.exponential(3, tau=2.0).numpy(), np.exp([-0.5, 0, -0.5]), rtol=1e-6)
    np.testing.assert_allclose(W.cosine(2).numpy(), [0.5**0.5] * 2, rtol=1e-6)
    assert W.nuttall(5)[2].item() == pytest.approx(1.0)
    assert tour.hann_window(4).tolist() == pytest.approx([0, 0.5, 1, 0.5])
    assert tour.kaiser_window(4, periodic=False, beta=0.0).tolist() == [1, 1, 1, 1]


def test_refusals():
    with pytest.raises(ValueError, match="non-negative window length, got M=-1"):
        W.hann(-1)
    with pytest.raises(ValueError, match="float32 or float64"):
        W.hann(3, dtype=tour.int64)
