"""NumPy's functions of tensors are tensors, with NumPy's values; what has no gradient says so."""

from __future__ import annotations

import numpy as np
import pytest

import tour

rng = np.random.default_rng(0)
x, a = rng.random((4, 4)) + np.eye(4), rng.random((4, 4))
holes = np.where(a > 0.8, np.nan, x)

CALLS = """
np.sum(t); np.sum(t, axis=0); np.mean(t, axis=1, keepdims=True); np.std(t); np.std(t, ddof=1); np.var(t, 0); np.max(t, axis=1); np.min(t)
np.prod(t); np.median(t); np.median(t, axis=0); np.percentile(t, 30, axis=0); np.quantile(t, 0.4); np.average(t, 0, [1, 2, 3, 4])
np.cumsum(t); np.cumprod(t, axis=1); np.diff(t); np.trapezoid(t); np.ptp(t, axis=0); np.any(t); np.all(t, axis=0); np.argmax(t, axis=1)
np.concatenate([t, a]); np.stack([a, t]); np.vstack([t, a]); np.hstack([t, a]); np.append(t, a); np.split(t, 2)[1]
np.array_split(t, 3)[0]
np.reshape(t, (2, 8)); np.ravel(t); np.transpose(t); np.swapaxes(t, 0, 1); np.moveaxis(t, 0, 1); np.expand_dims(t, (0, -1))
np.squeeze(t[:1])
np.broadcast_to(t, (2, 4, 4)); np.flip(t); np.flip(t, 0); np.roll(t, 1); np.rot90(t); np.tile(t, 2); np.repeat(t, 2)
np.take(t, [1, 2], axis=1)
np.diag(t); np.diagonal(t, 1); np.trace(t); np.tril(t); np.triu(t, 1); np.outer(t, a); np.inner(t, a); np.kron(t, a); np.dot(a, t); a @ t
np.matmul(t, a); np.tensordot(t, a); np.einsum("ij,jk", t, a); np.where(a > 0.5, t, 0); np.clip(t, 0.2, 0.8); np.round(t, 1)
np.sort(t, axis=0)
np.argsort(t); np.exp(t); np.maximum(t, a); a + t; a > t; np.ones(4) * t; 2.0 ** t; np.power(t, 2); np.square(t); np.sign(t); np.cbrt(t)
np.add.reduce(t); np.add.reduce(t, axis=1); np.add.accumulate(t); np.multiply.outer(t, a); np.zeros_like(t); np.full_like(t, 3)
np.copy(t)
np.linalg.inv(t); np.linalg.det(t); np.linalg.solve(t, a); np.linalg.norm(t); np.linalg.norm(t, axis=1); np.linalg.svd(t)[1]
np.fft.fft(t).real; np.fft.rfft2(t).imag; np.fft.fftn(t, axes=(0,)).real; np.fft.fftshift(t); np.meshgrid(t[0], a[0])[0]
np.nanmax(n); np.nanmin(n, axis=0); np.nanstd(n, ddof=1); np.nanvar(n, axis=1); np.nanprod(n); np.nanmedian(n); np.nancumsum(n)
np.nanpercentile(n, 40, axis=0); np.cumulative_sum(t, axis=1, include_initial=True); np.sum(t, where=a > 0.5); np.sum(t, initial=5)
np.max(t, initial=9); np.min(t, axis=0, initial=0.1); np.mean(t, axis=0, where=a > 0.1); np.prod(t, axis=0, where=a > 0.5)
np.delete(t, 1, axis=0); np.delete(t, [0, 3]); np.compress([True, False, True], t, axis=1); np.extract(a > 0.5, t); np.resize(t, (3, 7))
np.rollaxis(t, 1); np.atleast_3d(t); np.reshape(t, (2, 8), order="F"); np.ravel(t, order="F"); np.matrix_transpose(t); np.unstack(t)[1]
np.vsplit(t, 2)[1]; np.hsplit(t, [1, 3])[1]; np.ediff1d(t); np.select([a > 0.7, a > 0.3], [t, 2 * t], 5.0); np.choose([0, 1, 0, 3], t)
np.insert(t, 1, 5.0, axis=0); np.insert(t, [0, 2], [1.0, 2.0]); np.insert(t, 2, a[0], axis=1); np.block([[t, a], [a, t]])
np.pad(t, 1); np.pad(t, ((1, 0), (0, 2)), constant_values=3.0); np.pad(t, 2, mode="reflect"); np.pad(t, 1, mode="edge")
np.pad(t, (0, 3), mode="wrap"); np.gradient(t)[1]; np.gradient(t, 0.5, axis=0); np.gradient(t[0], a[0].cumsum()); np.convolve(t[0], a[0])
np.convolve(t[0], a[0, :2], "same"); np.correlate(t[0], a[0, :3], "valid"); np.interp([0.0, 0.5, 9.0], a[0].cumsum(), t[0], left=-1)
np.polyval(t[0], a[1]); np.cov(t); np.cov(t, a, rowvar=False); np.corrcoef(t); np.modf(t)[0]; np.modf(t)[1]; np.isin(t, a)
np.searchsorted(a[0].cumsum(), t[0]); np.digitize(t, [0.2, 0.6]); np.argwhere(t > 0.5); np.flatnonzero(t > 0.5)
np.take_along_axis(t, np.argsort(a), 1)
np.linalg.svdvals(t); np.linalg.matmul(t, a); np.linalg.outer(t[0], a[0]); np.linalg.trace(t); np.linalg.vector_norm(t)
np.linalg.matrix_norm(t)
np.linalg.lstsq(t, a)[0]; np.cross(t[:, :3], a[:, :3]); np.linalg.diagonal(t); np.linalg.vecdot(t, a); np.vecdot(t, a)
"""


@pytest.mark.parametrize("call", [c.strip() for c in CALLS.replace("\n", ";").split(";") if c.strip()])
def test_numpys_values(call):
    f = eval("lambda t, n: " + call, {"np": np, "a": a})
    got, want = f(tour.from_numpy(x), tour.from_numpy(holes)), f(x, holes)
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


WRITES = {
    "copyto": lambda x: np.copyto(x, [1.0, 2.0, 3.0, 4.0]), "copyto where": lambda x: np.copyto(x, 7.0, where=a > 0.5),
    "fill_diagonal": lambda x: np.fill_diagonal(x, 9.0), "put": lambda x: np.put(x, [0, 4], [8.0, 7.0]),
    "place": lambda x: np.place(x, a > 0.5, [1.0, 2.0]), "putmask": lambda x: np.putmask(x, a > 0.5, a),
    "put_along_axis": lambda x: np.put_along_axis(x, np.array([[0], [1], [3], [2]]), 5.0, 1),
    "at index": lambda x: x.__setitem__(a > 0.5, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
def test_numpys_writes_reach_the_tensor(name):
    t, b = tour.tensor(x), x.copy()
    version = t._version
    WRITES[name](t)
    WRITES[name](b)
    np.testing.assert_array_equal(t.numpy(), b)
    assert t._version > version


def test_what_is_no_number_stays_an_array_of_objects():
    t, nothing = np.broadcast_arrays(tour.ones(2), None)
    assert isinstance(t, tour.Tensor) and nothing.tolist() == [None, None]
    with pytest.raises(TypeError):
        np.concatenate([tour.ones(2), np.array(["a"])])


def test_an_unknown_padding_is_refused():
    with pytest.raises(TypeError, match="linear_ramp"):
        np.pad(tour.ones(3), 1, mode="linear_ramp")


def test_arrays_of_every_kind_come_in():
    base = np.arange(12.0).reshape(3, 4)
    read_only = base.copy()
    read_only.setflags(write=False)
    for array in (
        base[::-1],
        base[:, ::-2],
        base.T,
        read_only,
        base[:, :0],
        base[1, 1],
        np.asfortranarray(base),
        np.ma.masked_array(base).data,
    ):
        array = np.asarray(array)
        t = tour.from_numpy(array)
        assert np.shares_memory(t.numpy(), array) or not array.size
        np.testing.assert_array_equal((t + 1).numpy(), array + 1)
        np.testing.assert_array_equal(t.sum().numpy(), array.sum())
        np.testing.assert_array_equal(t.clone().numpy(), array)
        assert t.tolist() == array.tolist()
    t = tour.from_numpy(read_only)
    with pytest.raises(RuntimeError, match="read-only"):
        t += 1
    assert read_only[0, 0] == 0 and not read_only.flags.writeable
