"""Convolutions in compiled form: every residue of channels, rows and tiles, both gradients, against float64."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.nn.kernels import convolution as kernels
from tour.numba import _machine, _memory
from tour.numba.forms import convolution as forms

LANES = _machine.vector_bits() // 32
EPS = np.finfo(np.float32).eps

# Largest error over the largest result, in units of float32's resolution. PyTorch 2.13's over these cases are up to 8.7 forward, 6.5
# for the input and 11.7 for the weights. Winograd's F(4 x 4) is documented to lose more, see `tour.backends.cpu`.
LIMITS = {0: 8, 2: 16, 4: 60}


@pytest.fixture(autouse=True)
def _settings():
    yield
    tour.backends.cpu.winograd = "auto"


def exact(kernel, *args):
    return kernel(*(a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in args))


def compare(guarded, rng, samples, channels, size, depth, kernel, stride, padding, limit, dilation=None, groups=1):
    """A convolution and its gradients; says which of the three were served."""
    x = guarded.input(rng.standard_normal((samples, channels, *size)).astype(np.float32))
    w = guarded.input(rng.standard_normal((depth, channels // groups, *kernel)).astype(np.float32))
    b = guarded.input(rng.standard_normal(depth).astype(np.float32))
    options = stride, padding, dilation or (1,) * len(size), groups
    wanted = [exact(kernels.conv, x, w, b, *options)]
    g = guarded.input(rng.standard_normal(wanted[0].shape).astype(np.float32))
    wanted += [exact(kernels.conv_input_grad, g, w, x.shape, *options)]
    wanted += [exact(kernels.conv_weight_grad, g, x, w.shape, *options)]
    got = [forms.conv(x, w, b, *options), forms.conv_input_grad(g, w, x.shape, *options)]
    got += [forms.conv_weight_grad(g, x, w.shape, *options)]
    for result, right in zip(got, wanted, strict=True):
        if result is not NotImplemented:
            assert result.dtype == np.float32 and result.shape == right.shape
            assert np.abs(result - right).max() <= limit * EPS * np.abs(right).max()
    return [r is not NotImplemented for r in got]


@pytest.mark.parametrize("tile", [0, 2, 4])
@pytest.mark.parametrize("residue", range(0, 7))
def test_three_by_three(guarded, rng, tile, residue):
    """Channels, results, rows and columns at every residue of vectors, of the six rows of a product, and of tiles."""
    tour.backends.cpu.winograd = tile
    for channels, depth in ((LANES + residue, 2 * LANES - residue), (3 * LANES - residue, 5 * LANES + residue)):
        size = 3 * max(tile, 4) + residue, 3 * max(tile, 4) + (residue * 3) % 7
        served = compare(guarded, rng, 3, channels, size, depth, (3, 3), (1, 1), (residue % 3, 1), LIMITS[tile])
        assert served == [True] * 3


@pytest.mark.parametrize("slabs", range(1, 5))
def test_three_by_three_in_volumes(guarded, rng, slabs):
    """Slabs of the kernel, of the volume and of its border, all of which fewer than the others once."""
    for channels, depth, border in (
        (LANES, LANES + 3, 0),
        (2 * LANES - 5, LANES, slabs - 1),
        (LANES + 1, 19, slabs + 1),
    ):
        for volume in (slabs, slabs + 2):
            size, kernel, padding = (volume, 13, 14), (slabs, 3, 3), (border, 1, 0)
            served = compare(guarded, rng, 2, channels, size, depth, kernel, (1,) * 3, padding, LIMITS[4])
            assert served == [True] * 3


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        ((9, 30), (3, 3), (2, 2), (1, 1)),
        ((8, 27), (5, 5), (1, 1), (0, 2)),
        ((13, 25), (7, 7), (2, 2), (3, 3)),
        ((6, 31), (1, 4), (1, 3), (0, 0)),
        ((5, 5), (5, 5), (1, 1), (0, 0)),
        ((3, 26), (3, 2), (3, 1), (2, 1)),
        ((40,), (3,), (1,), (1,)),
        ((57,), (5,), (2,), (0,)),
        ((4, 5, 9), (3, 3, 3), (1, 1, 1), (1, 1, 1)),
        ((5, 7, 6), (2, 1, 4), (2, 1, 3), (0, 0, 2)),
    ],
)
def test_other_kernels_and_strides(guarded, rng, size, kernel, stride, padding):
    for channels in (1, 3, 6, 13, LANES):
        for depth in (1, 7, LANES, 4 * LANES + 3):
            served = compare(guarded, rng, 2, channels, size, depth, kernel, stride, padding, LIMITS[0])
            assert served == [size != kernel] * 3  # a window as large as the image makes a matrix product


@pytest.mark.parametrize(
    ("channels", "depth", "size", "kernel", "stride", "padding", "dilation", "groups"),
    [
        (6, 9, (17, 11), (3, 3), (1, 1), (2, 2), (2, 2), 1),
        (4, 6, (19, 13), (3, 2), (2, 3), (0, 1), (3, 2), 2),
        (8, 64, (9, 8), (4, 4), (2, 2), (1, 1), (1, 1), 4),
        (5, 5, (8, 21), (3, 3), (1, 1), (1, 1), (1, 1), 5),
        (4, 12, (9, 35), (5, 3), (2, 2), (2, 1), (1, 2), 4),
        (3, 6, (50,), (4,), (3,), (2,), (2,), 3),
        (4, 6, (5, 7, 8), (2, 3, 2), (1, 2, 3), (1, 0, 2), (2, 1, 2), 2),
        (5, 5, (4, 5, 19), (3, 2, 3), (1, 2, 1), (1, 1, 1), (1, 1, 2), 5),
        (3, 9, (5, 6, 7), (3, 3, 3), (2, 2, 2), (1, 0, 1), (1, 1, 1), 3),
        (2, 3, (6, 6), (2, 2), (3, 3), (0, 0), (1, 1), 1),  # windows that leave gaps
        (3, 2, (5, 5), (3, 3), (1, 1), (4, 4), (1, 1), 1),  # windows in the border alone
    ],
)
def test_dilation_and_groups(guarded, rng, channels, depth, size, kernel, stride, padding, dilation, groups):
    served = compare(
        guarded, rng, 3, channels, size, depth, kernel, stride, padding, LIMITS[0], dilation, groups
    )  # fmt: skip
    assert served == [True] * 3


@pytest.mark.parametrize("width", [*range(1, 12), LANES, 2 * LANES - 1, 2 * LANES + 1, 4 * LANES + 5])
def test_few_channels_of_every_width(guarded, rng, width):
    """Rows of every residue, groups of one to three channels, strides that deal them out to two and more."""
    for (channels, depth, groups), stride, dilation, kernel in (
        ((6, 6, 6), (1, 1), (1, 1), (3, 3)),
        ((4, 8, 4), (2, 2), (1, 1), (3, 3)),
        ((6, 4, 2), (1, 2), (2, 1), (2, 3)),
        ((3, 9, 3), (3, 3), (1, 2), (3, 2)),
        ((20, 20, 20), (2, 1), (1, 1), (5, 1)),
    ):
        size, padding = (
            (width % 5 + 3, width),
            tuple(d * (k - 1) // 2 + 1 for k, d in zip(kernel, dilation, strict=True)),
        )
        served = compare(
            guarded, rng, 2, channels, size, depth, kernel, stride, padding, LIMITS[0], dilation, groups
        )  # fmt: skip
        assert served == [True] * 3


def test_threads_share_channels(rng):
    before = tour.get_num_threads()
    x, w = (
        rng.standard_normal((3, 37, 20, 20)).astype(np.float32),
        rng.standard_normal((74, 1, 3, 3)).astype(np.float32),
    )
    options = (2, 2), (1, 1), (1, 1), 37

    def all_of_it():
        y = forms.conv(x, w, w[:, 0, 0, 0], *options)
        return y, forms.conv_input_grad(y, w, x.shape, *options), forms.conv_weight_grad(y, x, w.shape, *options)

    try:
        tour.set_num_threads(3)
        several = all_of_it()
        tour.set_num_threads(1)
        assert all(np.array_equal(a, b) for a, b in zip(several, all_of_it(), strict=True))
    finally:
        tour.set_num_threads(before)


@pytest.mark.parametrize("extra", [0, 1])
def test_transposed_convolutions(guarded, rng, extra):
    for channels, depth, size, kernel, stride, padding in (
        (24, 5, (5, 6), (4, 4), (2, 2), (1, 1)),
        (7, 3, (9, 4), (3, 5), (3, 2), (0, 2)),
        (3, 70, (6, 7), (2, 2), (2, 3), (0, 0)),
        (6, 5, (3, 4, 5), (4, 2, 3), (2, 1, 2), (1, 0, 1)),
    ):
        g = guarded.input(rng.standard_normal((2, channels, *size)).astype(np.float32))
        w = guarded.input(rng.standard_normal((channels, depth, *kernel)).astype(np.float32))
        out = (
            (n - 1) * s - 2 * p + k + extra for n, s, p, k in zip(size, stride, padding, kernel, strict=True)
        )  # with an output padding
        args = (2, depth, *out), stride, padding, (1,) * len(size), 1
        right = exact(kernels.conv_input_grad, g, w, *args)
        assert np.abs(forms.conv_input_grad(g, w, *args) - right).max() <= 8 * EPS * np.abs(right).max()
        x = guarded.input(rng.standard_normal(args[0]).astype(np.float32))
        right = exact(kernels.conv_weight_grad, g, x, w.shape, *args[1:])
        assert np.abs(forms.conv_weight_grad(g, x, w.shape, *args[1:]) - right).max() <= 8 * EPS * np.abs(right).max()


def test_views_and_gradients_without_a_bias(rng):
    x = rng.standard_normal((2, 16, 16, 40)).astype(np.float32)[:, :, ::-1, ::2]
    w = rng.standard_normal((16, 3, 3, 16)).astype(np.float32).transpose(0, 3, 1, 2)
    options = (1, 1), (1, 1), (1, 1), 1
    assert np.allclose(forms.conv(x, w, None, *options), exact(kernels.conv, x, w, None, *options), atol=1e-3)


def test_what_is_left_to_numpy(rng):
    x, w = np.ones((2, 16, 16, 16), np.float32), np.ones((16, 16, 3, 3), np.float32)
    one, none = (1, 1), (0, 0)
    assert forms.conv(x.astype(np.float64), w.astype(np.float64), None, one, none, one, 1) is NotImplemented
    assert forms.conv(x[:0], w, None, one, none, one, 1) is NotImplemented
    many, few = np.ones((512, 512, 3, 3), np.float32), np.ones((4, 512, 3, 3), np.float32)
    assert forms.conv(few, many, None, one, none, one, 1) is NotImplemented  # one pixel: a matrix product


def test_winograd_can_be_chosen(rng):
    x = rng.standard_normal((1, 32, 24, 24)).astype(np.float32)
    w = rng.standard_normal((32, 32, 3, 3)).astype(np.float32)
    options = (1, 1), (1, 1), (1, 1), 1
    right, errors = exact(kernels.conv, x, w, None, *options), {}
    for tile in (0, 2, 4, "auto"):
        tour.backends.cpu.winograd = tile
        errors[tile] = np.sqrt(np.mean((forms.conv(x, w, None, *options) - right) ** 2))
    assert errors[4] == errors["auto"] > errors[2] and errors[4] > 2 * errors[0] and errors[4] < 4e-6 * right.std()


def test_one_image_and_many_parts(rng):
    before = tour.get_num_threads()
    x = rng.standard_normal((5, 20, 18, 18)).astype(np.float32)
    w = rng.standard_normal((20, 20, 3, 3)).astype(np.float32)
    options = (1, 1), (1, 1), (1, 1), 1
    many = forms.conv(x, w, None, *options)
    assert np.array_equal(forms.conv(x[:1], w, None, *options), many[:1])  # in bands of tiles
    try:
        tour.set_num_threads(1)
        assert np.array_equal(forms.conv(x, w, None, *options), many)
        assert np.array_equal(forms.conv(x[:1], w, None, *options), many[:1])
        tour.set_num_threads(before)
        tour.backends.cpu.winograd = 0
        alone = forms.conv(x[:1], w, None, *options)  # in stripes
        tour.set_num_threads(1)
        assert np.array_equal(forms.conv(x[:1], w, None, *options), alone)
    finally:
        tour.set_num_threads(before)


def test_layers_use_them():
    conv = tour.nn.Conv2d(16, 32, 3, padding=1)
    x = tour.randn(4, 16, 20, 20, requires_grad=True)
    y = conv(x)
    y.square().sum().backward()
    z = conv.double()(x.double())
    assert (y - z).abs().max() < 1e-4 and {"tiles.winograd4", "tiles.winograd4_weight_grad"} <= set(
        tour.numba.compiled()
    )
    assert _memory.F32 == x.grad.numpy().dtype
