"""Gradients of NumPy's functions of tensors, against central differences of the same functions of arrays."""

from __future__ import annotations

import numpy as np
import pytest

import tour

rng = np.random.default_rng(0)
x, a = rng.random((4, 4)) + np.eye(4), rng.random((4, 4))

CALLS = """
np.sin(t); np.exp(t) / np.sqrt(t); np.cbrt(t); np.hypot(t, a); np.arctan2(a, t); a + t; a - t; a * t; a / t; a ** t; a @ t; t @ a
np.float64(2) * t; np.concatenate([t, a]); np.stack([a, t], axis=-1); np.block([[t, a], [a, t]]); np.append(t, t); np.column_stack([t, a])
np.sum(t, axis=0); np.sum(t, where=a > 0.5); np.mean(t); np.std(t, ddof=1); np.var(t, axis=1); np.max(t, axis=1); np.prod(t, axis=0)
np.average(t, 0, [1, 2, 3, 4]); np.median(t); np.quantile(t, 0.4, axis=0); np.nanmax(t, axis=0); np.nanvar(t); np.nanmedian(t)
np.cumsum(t); np.cumprod(t, axis=1); np.diff(t); np.trapezoid(t); np.gradient(t)[0]; np.ptp(t); np.add.reduce(t); np.multiply.outer(t, a)
np.reshape(t, (2, 8), order="F"); np.ravel(t); np.moveaxis(t, 0, 1); np.rollaxis(t, 1); np.tile(t, 2); np.repeat(t, 2); np.flip(t)
np.roll(t, 1)
np.split(t, 2)[1]; np.hsplit(t, 2)[0]; np.pad(t, 1, mode="reflect"); np.pad(t, (1, 2)); np.take(t, [1, 2, 1], axis=1)
np.delete(t, 1, axis=0)
np.insert(t, 1, t[0], axis=0); np.compress([True, False, True], t, axis=1); np.choose([0, 1, 0, 3], t); np.select([a > 0.5], [t], 0.0)
np.where(a > 0.5, t, a); np.clip(t, 0.3, 0.8); np.sort(t, axis=0); np.partition(t, 2)[:, 2]; np.diag(t); np.trace(t); np.tril(t)
np.broadcast_to(t, (2, 4, 4))
np.dot(t, a); np.inner(t, a); np.outer(t, a); np.kron(t, a); np.tensordot(t, a); np.einsum("ij,kj->ik", t, a); np.vdot(t, a)
np.vecdot(t, a)
np.linalg.inv(t); np.linalg.det(t); np.linalg.solve(t, a); np.linalg.norm(t, axis=1); np.linalg.svd(t)[1]; np.linalg.eigvalsh(t @ t.T)
np.linalg.cholesky(t @ t.T); np.linalg.qr(t)[1]; np.linalg.pinv(t); np.linalg.matrix_power(t, 3); np.linalg.slogdet(t)[1]
np.linalg.multi_dot([t, a, t])
np.fft.fft(t).real; np.fft.irfft(np.fft.rfft(t)); np.convolve(t[0], t[1]); np.interp([0.5, 0.7], a[0].cumsum(), t[0])
np.polyval(t[0], t[1])
np.cov(t); np.corrcoef(t); np.modf(t)[0]; np.nan_to_num(t); np.sinc(t); t[a > 0.5]; t[np.array([1, 0])]; t[::-1, 1]
"""


@pytest.mark.parametrize("call", [c.strip() for c in CALLS.replace("\n", ";").split(";") if c.strip()])
def test_gradients_of_numpys_functions(call):
    f = eval("lambda t: " + call, {"np": np, "a": a})
    t = tour.tensor(x, requires_grad=True)
    y = f(t)
    w, d = np.random.default_rng(1).normal(size=y.shape), np.random.default_rng(2).normal(size=x.shape)
    y.backward(tour.tensor(w))
    step = 1e-6
    slope = (((f(x + step * d)) - f(x - step * d)) * w).sum() / (2 * step)
    assert (t.grad.numpy() * d).sum() == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_what_leaves_the_graph_is_a_plain_array():
    t = tour.tensor([1.0, 2.0], requires_grad=True)
    for made in (np.asarray(t), np.array(t), np.asarray(t * 2), np.array([t[0], t[1]]), np.asarray(t, dtype=np.int64)):
        assert type(made) is np.ndarray
    assert np.shares_memory(np.asarray(t), t.detach().numpy())
    assert (
        np.argmax(t) == 1
        and np.argwhere(t > 1).tolist() == [[1]]
        and np.searchsorted(np.array([0.0, 1.5]), t).tolist() == [1, 2]
    )
    with pytest.raises(TypeError, match=r"np.unwrap has no gradient.*detach"):
        np.unwrap(t)
    with pytest.raises(TypeError, match="records gradients"):
        np.add(t, 1, out=np.zeros(2, np.float32))


def test_a_write_by_numpy_is_recorded():
    t = tour.tensor([1.0, 2.0], requires_grad=True)
    u = t * 1
    np.copyto(u, 5.0, where=np.array([True, False]))
    u.sum().backward()
    assert t.grad.tolist() == [0.0, 1.0]
