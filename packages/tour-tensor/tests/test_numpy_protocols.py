"""NumPy's functions of tensors are tensors, with NumPy's values; what has no gradient says so."""

from __future__ import annotations

import numpy as np
import pytest

import tour

rng = np.random.default_rng(0)
x, a = rng.random((4, 4)) + np.eye(4), rng.random((4, 4))

CALLS = """
np.sum(t); np.sum(t, axis=0); np.mean(t, axis=1, keepdims=True); np.std(t); np.std(t, ddof=1); np.var(t, 0); np.max(t, axis=1); np.min(t)
np.prod(t); np.median(t); np.median(t, axis=0); np.percentile(t, 30, axis=0); np.quantile(t, 0.4); np.average(t, 0, [1, 2, 3, 4])
np.cumsum(t); np.cumprod(t, axis=1); np.diff(t); np.trapezoid(t); np.ptp(t, axis=0); np.any(t); np.all(t, axis=0); np.argmax(t, axis=1)
np.concatenate([t, a]); np.stack([a, t]); np.vstack([t, a]); np.hstack([t, a]); np.append(t, a); np.split(t, 2)[1]; np.array_split(t, 3)[0]
np.reshape(t, (2, 8)); np.ravel(t); np.transpose(t); np.swapaxes(t, 0, 1); np.moveaxis(t, 0, 1); np.expand_dims(t, (0, -1))
np.squeeze(t[:1])
np.broadcast_to(t, (2, 4, 4)); np.flip(t); np.flip(t, 0); np.roll(t, 1); np.rot90(t); np.tile(t, 2); np.repeat(t, 2)
np.take(t, [1, 2], axis=1)
np.diag(t); np.diagonal(t, 1); np.trace(t); np.tril(t); np.triu(t, 1); np.outer(t, a); np.inner(t, a); np.kron(t, a); np.dot(a, t); a @ t
np.matmul(t, a); np.tensordot(t, a); np.einsum("ij,jk", t, a); np.where(a > 0.5, t, 0); np.clip(t, 0.2, 0.8); np.round(t, 1)
np.sort(t, axis=0)
np.argsort(t); np.exp(t); np.maximum(t, a); a + t; a > t; np.ones(4) * t; 2.0 ** t; np.power(t, 2); np.square(t); np.sign(t); np.cbrt(t)
np.add.reduce(t); np.add.reduce(t, axis=1); np.add.accumulate(t); np.multiply.outer(t, a); np.zeros_like(t); np.full_like(t, 3); np.copy(t)
np.linalg.inv(t); np.linalg.det(t); np.linalg.solve(t, a); np.linalg.norm(t); np.linalg.norm(t, axis=1); np.linalg.svd(t)[1]
np.fft.fft(t).real; np.fft.rfft2(t).imag; np.fft.fftn(t, axes=(0,)).real; np.fft.fftshift(t); np.meshgrid(t[0], a[0])[0]
"""


@pytest.mark.parametrize("call", [c.strip() for c in CALLS.replace("\n", ";").split(";") if c.strip()])
def test_numpys_values(call):
    f = eval("lambda t: " + call, {"np": np, "a": a})
    got, want = f(tour.from_numpy(x)), f(x)
    assert isinstance(got, tour.Tensor)
    assert got.shape == np.shape(want)
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-10, atol=1e-12)


def test_plain_answers():
    t = tour.from_numpy(x)
    assert np.allclose(t, x) is True and np.array_equal(t, x) is True and np.shape(t) == (4, 4) and np.ndim(t) == 2
    assert np.split(t, [1, 3])[1].shape == (2, 4)
    with pytest.raises(ValueError, match="equal division"):
        np.split(t, 3)


def test_out():
    t, o = tour.from_numpy(x), np.zeros((4, 4))
    assert np.add(t, 1, out=o) is o and np.allclose(o, x + 1)
    np.sum(t, axis=0, out=o[0])
    assert np.allclose(o[0], x.sum(0))
    r = tour.zeros(4, 4).double()
    assert np.exp(t, out=r) is r and np.allclose(r.numpy(), np.exp(x))


def test_arrays_with_tensors():
    assert a[tour.tensor([1, 0])].shape == (2, 4)
    assert np.asarray(tour.tensor(3)).shape == ()
    assert np.array(tour.ones(2), copy=True).base is None


def test_without_counterpart_it_runs_on_arrays():
    counts, _ = np.histogram(tour.from_numpy(x))
    assert isinstance(counts, tour.Tensor) and counts.sum().item() == 16
