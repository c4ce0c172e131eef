"""Gradients of Fourier transforms against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.autograd import gradcheck, gradgradcheck


def signal(*shape, kind=np.float64):
    rng = np.random.default_rng(0)
    a = rng.standard_normal(shape)
    return tour.from_numpy(
        (a + 1j * rng.standard_normal(shape) if kind is np.complex128 else a).astype(kind)
    ).requires_grad_()


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
@pytest.mark.parametrize("n", [None, 3, 6])
def test_one_dimension(name, n):
    kind = np.float64 if name in ("rfft", "ihfft") else np.complex128
    f = getattr(tour.fft, name)
    assert gradcheck(lambda x: f(x, n, 0, "ortho"), signal(4, 2, kind=kind))


@pytest.mark.parametrize("name", ["fftn", "rfftn", "irfftn", "ifft2"])
def test_several_dimensions(name):
    f = getattr(tour.fft, name)
    x = signal(3, 4, kind=np.complex128 if name == "irfftn" else np.float64)
    assert gradcheck(lambda x: f(x, norm="forward"), x)
    assert gradgradcheck(f, x)
