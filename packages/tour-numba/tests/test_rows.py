"""Softmax, cross entropy and normalisation in compiled form, at every length of a row near a vector's."""

from __future__ import annotations

import numpy as np
import pytest

from tour import _softmax
from tour.nn.kernels import normalization, softmax
from tour.numba.forms import normalization as norms
from tour.numba.forms import rows

LENGTHS = [*range(1, 36), 63, 64, 65, 100, 1000]
EPS = np.finfo(np.float32).eps


# Errors of PyTorch 2.13 over cases like these, in units of float32's resolution times the largest exact number (or times the scale
# that a test gives, where numbers cancel). Ours may be twice as large.
PYTORCH = {
    "softmax": 2.2, "softmax_grad": 11.2, "log_softmax": 0.9, "log_softmax_grad": 2.2, "cross_entropy": 46.0, "cross_entropy_grad": 1.0,
    "layer_norm": 2.5, "layer_norm_grad": 6.4, "rms_norm": 1.4, "rms_norm_grad": 2.1,
    "batch_norm": 1.0, "batch_norm_grad": 2.5, "group_norm": 1.2, "group_norm_grad": 3.0,
}  # fmt: skip


def check(name, got, wanted, *scales):
    """Every array of a result is as exact as PyTorch's, times two, or absent in both."""
    got, wanted = (r if isinstance(r, tuple) else (r,) for r in (got, wanted))
    for g, w, scale in zip(got, wanted, [*scales, *[1.0] * len(got)], strict=False):
        assert (g is None) == (w is None)
        if g is not None:
            assert g.dtype == np.float32 and g.shape == w.shape
            error = np.abs(g - w).max(initial=0) / max(np.abs(w).max(initial=0), scale) / EPS
            assert error <= 2 * PYTORCH[name], name


def exact(kernel, *args):
    """The NumPy kernel in double precision."""
    return kernel(*(a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype == np.float32 else a for a in args))


@pytest.mark.parametrize("name", ["softmax", "softmax_grad", "log_softmax", "log_softmax_grad"])
def test_softmax(guarded, rng, name):
    for n in LENGTHS:
        for count in (1, 3, 16):
            x = guarded.input(rng.standard_normal((count, n)).astype(np.float32) * 3)
            y = getattr(_softmax, name.removesuffix("_grad"))(x, -1)
            given = (guarded.input(rng.standard_normal((count, n)).astype(np.float32)), y) if "grad" in name else (x,)
            check(name, getattr(rows, name)(*given, -1), exact(getattr(_softmax, name), *given, -1), 0.1)


def test_softmax_of_what_is_not_finite():
    x = np.float32([[0, np.inf, 1], [0, np.nan, 1], [-np.inf] * 3, [-np.inf, 0, -np.inf], [1e30, -1e30, 0]])
    with np.errstate(invalid="ignore"):
        for name in ("softmax", "log_softmax"):
            wanted = getattr(_softmax, name)(x.astype(np.float64), 1)
            assert np.allclose(getattr(rows, name)(x, 1), wanted, equal_nan=True, rtol=1e-6)


def test_softmax_in_other_directions_and_dtypes_is_left_to_numpy(rng):
    x = rng.standard_normal((4, 5)).astype(np.float32)
    assert rows.softmax(x, 0) is NotImplemented and rows.softmax(x.astype(np.float16), 1) is NotImplemented
    assert rows.softmax_grad(x[:1], x, 1) is NotImplemented
    assert rows.softmax_grad(x.astype(np.float64), x, 1) is NotImplemented
    assert np.allclose(rows.softmax(x.T, 1), _softmax.softmax(x.T, 1)) and rows.softmax(x[:, :0], 1).shape == (4, 0)


@pytest.mark.parametrize("classes", LENGTHS)
def test_cross_entropy(guarded, rng, classes):
    for n in (1, 5, 33):
        x = guarded.input(rng.standard_normal((n, classes)).astype(np.float32) * 3)
        target = rng.integers(0, classes, n)
        target[::4] = -7
        options = target, None, -7
        check("cross_entropy", rows.cross_entropy(x, *options), exact(softmax.cross_entropy, x, *options), 0.01, 0.1)
        p = softmax.cross_entropy(x, *options)[1]
        g = guarded.input(rng.standard_normal(n).astype(np.float32))
        given = g, p, *options
        check("cross_entropy_grad", rows.cross_entropy_grad(*given), exact(softmax.cross_entropy_grad, *given))


def test_cross_entropy_with_weights_is_left_to_numpy(rng):
    x, t, w = np.zeros((3, 4), np.float32), np.zeros(3, np.int64), np.ones(4, np.float32)
    assert rows.cross_entropy(x, t, w) is NotImplemented and rows.cross_entropy(x, t, None, -100, 0.1) is NotImplemented
    assert rows.cross_entropy_grad(x[:, 0], x, t, w) is NotImplemented
    assert rows.cross_entropy(x[:0], t[:0]) is NotImplemented


WANTED = [(True, True, True), (True, False, False), (False, True, True)]


def affine(guarded, rng, shape, with_affine):
    """Weight and bias, or none."""
    if not with_affine:
        return None, None
    return tuple(guarded.input(rng.standard_normal(shape).astype(np.float32)) for _ in range(2))


def compare(name, *given, scales=()):
    """A form against its kernel."""
    check(name, getattr(norms, name)(*given), exact(getattr(normalization, name), *given), *scales)


@pytest.mark.parametrize("with_affine", [True, False])
@pytest.mark.parametrize("length", [n for n in LENGTHS if n > 1])
def test_layer_and_rms_norm(guarded, rng, length, with_affine):
    for lead, shape in (((1,), (length,)), ((7, 2), (length,)), ((130,), (length, 2))):
        x = guarded.input((rng.standard_normal((*lead, *shape)) + 2).astype(np.float32))
        g = guarded.input(rng.standard_normal(x.shape).astype(np.float32))
        w, b = affine(guarded, rng, shape, with_affine)
        _, mean, rstd = normalization.layer_norm(x, shape, w, b, 1e-5)
        root = normalization.rms_norm(x, shape, w, 1e-5)[1]
        steep, sums = (
            max(1, rstd.max()),
            np.sqrt(len(rstd)),
        )  # near-constant rows magnify; the sums have a term for each row
        compare("layer_norm", x, shape, w, b, 1e-5, scales=(steep, 1, steep))
        compare("rms_norm", x, shape, w, 1e-5)
        for wanted in WANTED:
            compare("layer_norm_grad", g, x, shape, mean, rstd, w, wanted, scales=(steep**2, steep * sums, sums))
            compare("rms_norm_grad", g, x, shape, root, w, wanted[:2], scales=(1, sums))


@pytest.mark.parametrize("with_affine", [True, False])
@pytest.mark.parametrize("size", [(16,), (17,), (4, 5), (31,), (8, 8), (3, 6, 7), (129,)])
def test_batch_and_group_norm(guarded, rng, size, with_affine):
    for samples, channels, groups in ((1, 4, 2), (3, 6, 3), (5, 1, 1), (2, 7, 7), (9, 8, 1)):
        x = guarded.input((rng.standard_normal((samples, channels, *size)) + 1).astype(np.float32))
        g = guarded.input(rng.standard_normal(x.shape).astype(np.float32))
        w, b = affine(guarded, rng, (channels,), with_affine)
        _, mean, var = normalization.batch_norm(x, w, b, 1e-5)
        _, means, rstd = normalization.group_norm(x, groups, w, b, 1e-5)
        sums = np.sqrt(x.size / channels)
        compare("batch_norm", x, w, b, 1e-5)
        compare("group_norm", x, groups, w, b, 1e-5, scales=(1, 1, rstd.max()))
        for wanted in WANTED:
            compare("batch_norm_grad", g, x, mean, var, w, 1e-5, wanted, True, scales=(1, sums, sums))
            compare("group_norm_grad", g, x, groups, means, rstd, w, wanted, scales=(1, sums, sums))


@pytest.mark.parametrize("size", [(16,), (17,), (4, 5), (31,), (129,)])
def test_batch_and_group_norm_in_double_precision(guarded, rng, size):
    """The same source for float64, beside NumPy's kernels: errors of 1e-14 times what the numbers are."""

    def same(got, wanted):
        for a, b in zip(got, wanted, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                assert a.dtype == np.float64 and a.shape == b.shape
                assert np.abs(a - b).max() <= 2e-14 * max(10, np.abs(b).max())

    for samples, channels, groups in ((1, 4, 2), (3, 6, 3), (5, 1, 1), (70, 2, 2)):
        x, g = (guarded.input(rng.standard_normal((samples, channels, *size)) + 1) for _ in range(2))
        w, b = (guarded.input(rng.standard_normal(channels)) for _ in range(2))
        for weight, bias in ((w, b), (None, None)):
            same(norms.batch_norm(x, weight, bias, 1e-5), normalization.batch_norm(x, weight, bias, 1e-5))
            same(
                norms.group_norm(x, groups, weight, bias, 1e-5), normalization.group_norm(x, groups, weight, bias, 1e-5)
            )
            _, mean, var = normalization.batch_norm(x, weight, bias, 1e-5)
            _, means, rstd = normalization.group_norm(x, groups, weight, bias, 1e-5)
            for wanted in WANTED:
                given = g, x, mean, var, weight, 1e-5, wanted, True
                same(norms.batch_norm_grad(*given), normalization.batch_norm_grad(*given))
                given = g, x, groups, means, rstd, weight, wanted
                same(norms.group_norm_grad(*given), normalization.group_norm_grad(*given))
    assert norms.batch_norm(x, w.astype(np.float32), None, 1e-5) is NotImplemented
    assert norms.group_norm_grad(g.astype(np.float32), x, groups, means, rstd, w, WANTED[0]) is NotImplemented


def test_norms_of_views_and_other_dtypes(rng):
    x = rng.standard_normal((6, 40, 2)).astype(np.float32)
    for view in (x[::2, ::-1], x.transpose(2, 0, 1)):
        shape = view.shape[-1:]
        assert np.allclose(
            norms.layer_norm(view, shape, None, None, 1e-5)[0],
            normalization.layer_norm(view, shape, None, None, 1e-5)[0],
            atol=1e-5,
        )
    assert norms.layer_norm(x.astype(np.float16), (2,), None, None, 1e-5) is NotImplemented
    assert norms.layer_norm(x, (2,), np.ones(2), None, 1e-5) is NotImplemented
    assert norms.layer_norm(x[:0], (2,), None, None, 1e-5) is NotImplemented
    assert norms.batch_norm(x, None, None, 1e-5) is NotImplemented  # runs of two numbers: NumPy is as fast


@pytest.mark.parametrize("n", LENGTHS)
def test_double_precision(guarded, rng, n):
    """The same source for float64, beside NumPy's kernels: errors of 1e-14 times what the numbers are."""

    def same(got, wanted, scale=1.0):
        for a, b in zip(*(r if isinstance(r, tuple) else (r,) for r in (got, wanted)), strict=True):
            assert a.dtype == np.float64 and a.shape == b.shape
            assert np.abs(a - b).max() <= 2e-14 * max(scale, np.abs(b).max())

    x, g = (guarded.input(rng.standard_normal((17, n)) * 3 + 1) for _ in range(2))
    for name in ("softmax", "log_softmax"):
        y = guarded.input(getattr(_softmax, name)(x, 1))
        same(getattr(rows, name)(x, 1), y)
        same(getattr(rows, f"{name}_grad")(g, y, 1), getattr(_softmax, f"{name}_grad")(g, y, 1), 10.0)
    target = rng.integers(0, n, 17)
    same(rows.cross_entropy(x, target), softmax.cross_entropy(x, target), 10.0)
    p = softmax.cross_entropy(x, target)[1]
    same(rows.cross_entropy_grad(g[:, 0], p, target), softmax.cross_entropy_grad(g[:, 0], p, target))
    if n > 1:
        w, b = (guarded.input(rng.standard_normal(n)) for _ in range(2))
        for name, given in (("layer_norm", (w, b)), ("rms_norm", (w,))):
            forward, backward = getattr(normalization, name), getattr(normalization, f"{name}_grad")
            y, *kept = forward(x, (n,), *given, 1e-5)
            steep = max(1, *(np.abs(k).max() for k in kept)) ** 2
            same(getattr(norms, name)(x, (n,), *given, 1e-5), (y, *kept), steep)
            asked = g, x, (n,), *kept, w, (True,) * (len(given) + 1)
            same(getattr(norms, f"{name}_grad")(*asked), backward(*asked), 100 * steep)


def test_double_exponentials_of_what_is_not_finite():
    x = np.array(
        [[0, np.inf, 1], [0, np.nan, 1], [-np.inf] * 3, [-np.inf, 0, -np.inf], [1e300, -1e300, 0], [-800, 0, -708]]
    )
    with np.errstate(invalid="ignore"):
        for name in ("softmax", "log_softmax"):
            wanted = getattr(_softmax, name)(x, 1)
            assert np.allclose(getattr(rows, name)(x, 1), wanted, equal_nan=True, rtol=1e-14, atol=1e-307)
