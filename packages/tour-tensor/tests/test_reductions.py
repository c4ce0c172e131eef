"""Reductions, extremes, scans, statistics: PyTorch's answers, NumPy's values, and what neither may change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tour

FAMILY = "reductions"


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)


arrays = hnp.arrays(np.float64, hnp.array_shapes(max_dims=4, max_side=4), elements=st.integers(-9, 9).map(float))


def test_sums_of_all_are_arrays_without_dimensions():
    for t in (
        tour.ones(1),
        tour.ones(16),
        tour.ones(3, 5),
        tour.ones(3, 5).T,
        tour.ones(100, dtype=tour.float64),
        tour.ones(9000),
        tour.tensor(2.0),
    ):
        for total in (t.sum(), t.mean(), t.sum(dtype=tour.float64)):
            assert type(total._a) is np.ndarray and total.shape == ()
        assert t.sum() == (t.numel() if t.ndim else 2) and t.mean().dtype is t.sum().dtype is t.dtype


@given(arrays, st.data())
def test_values_over_any_dimensions_are_numpy_s(a, data):
    dims = data.draw(st.none() | st.sets(st.integers(0, a.ndim - 1), min_size=1).map(lambda s: tuple(sorted(s))))
    keep = data.draw(st.booleans())
    t = tour.from_numpy(a)
    for ours, theirs in ((t.sum, a.sum), (t.mean, a.mean), (t.all, a.all), (t.any, a.any)):
        assert np.allclose(ours(dims, keep).numpy(), theirs(axis=dims, keepdims=keep))
    for ours, theirs in ((t.amax, a.max), (t.amin, a.min)):
        assert np.allclose(ours(dims or (), keep).numpy(), theirs(axis=dims, keepdims=keep))
    assert np.allclose(t.var(dims, correction=0, keepdim=keep).numpy(), a.var(axis=dims, keepdims=keep))


@given(arrays, st.data())
def test_an_index_beside_a_value_points_to_it(a, data):
    dim = data.draw(st.integers(-a.ndim, a.ndim - 1))
    t = tour.from_numpy(a)
    for pair in (t.max(dim), t.min(dim), t.median(dim), t.mode(dim), t.kthvalue(1, dim)):
        assert t.gather(dim, pair.indices.unsqueeze(dim)).squeeze(dim).equal(pair.values)
    for pair in (t.cummax(dim), t.cummin(dim), t.sort(dim), t.sort(dim, True), t.topk(1, dim)):
        assert t.gather(dim, pair.indices).equal(pair.values)


@given(arrays, st.data())
def test_scans_end_where_reductions_are(a, data):
    dim = data.draw(st.integers(0, a.ndim - 1))
    t = tour.from_numpy(a)
    last = a.shape[dim] - 1
    assert t.cumsum(dim).select(dim, last).equal(t.sum(dim))
    assert t.cumprod(dim).select(dim, last).equal(t.prod(dim))
    assert t.cummax(dim).values.select(dim, last).equal(t.amax(dim))


def test_long_sums_in_float32_are_as_exact_as_numpy_s():
    a = np.random.default_rng(0).standard_normal((3, 70001)).astype(np.float32) + 1
    t = tour.from_numpy(a)
    exact = a.astype(np.float64).sum(1)
    assert np.allclose(t.sum(1).numpy(), exact, rtol=1e-6)
    assert np.allclose(t.mean(1, keepdim=True).numpy()[:, 0], exact / 70001, rtol=1e-6)
    assert t.sum().item() == pytest.approx(exact.sum(), rel=1e-6)


def test_half_precision_is_added_up_in_float32():
    ones = tour.ones(4096, dtype=tour.bfloat16)
    assert ones.sum().item() == 4096
    assert ones.cumsum(0)[-1].item() == 4096
    assert (tour.ones(4096, dtype=tour.float16) * 20).mean().item() == 20


def test_integers_do_not_go_through_floats():
    big = tour.tensor([2**53 + 1, 2])
    assert big.sum().item() == 2**53 + 3
    assert big.prod().item() == 2**54 + 2
    assert big.max().item() == big.cumsum(0)[0].item() == big.sort(descending=True).values[0].item() == 2**53 + 1


def test_out_takes_a_result_and_refuses_what_does_not_fit():
    x = tour.tensor([[1.0, 2.0], [3.0, 4.0]])
    out = tour.empty(2, dtype=tour.float64)
    assert tour.sum(x, 0, out=out) is out
    assert out.tolist() == [4.0, 6.0]
    values, indices = tour.empty(2), tour.empty(2, dtype=tour.int64)
    tour.max(x, 1, out=(values, indices))
    assert (values.tolist(), indices.tolist()) == ([2.0, 4.0], [1, 1])
    assert tour.sum(x + 0.5, 0, out=tour.empty(2, dtype=tour.int64)).tolist() == [4, 6]  # added up in out's dtype
    with pytest.raises(RuntimeError, match="can't be cast"):
        tour.mean(x, 0, out=tour.empty(2, dtype=tour.int64))


def test_numpy_s_names_and_arrays_are_understood():
    a = np.array([[1.0, 2.0], [3.0, 5.0]])
    assert tour.var(a, axis=1, keepdims=True).shape == (2, 1)
    assert tour.sum(a, axis=0).tolist() == [4.0, 7.0]
    with pytest.raises(TypeError, match="argument 'input' must be Tensor, not str"):
        tour.var("x")


def test_named_tuples_print_and_unpack():
    pair = tour.tensor([[1, 3]]).max(1)
    values, indices = pair
    assert values is pair.values and indices is pair.indices
    assert repr(pair) == "tour.return_types.max(\nvalues=tensor([3]),\nindices=tensor([1]))"


def error(got, wanted):
    """The largest relative error, in units of the dtype's resolution."""
    return float((np.abs(got.numpy() - wanted) / np.abs(wanted)).max() / np.finfo(got.numpy().dtype).eps)


@pytest.mark.parametrize("dtype", [tour.float32, tour.float64])
def test_long_columns_round_like_short_ones(dtype):
    """PyTorch's error over such sums is 1.5 of the resolution at most; added one after another they would err by 3 to 50."""
    rng = np.random.default_rng(0)
    for shape, dim in (
        ((100, 50), 0), ((1000, 7), 0), ((20000, 3), 0), ((10, 60, 12), 1), ((33, 2), 0), ((300, 300), 0), ((47, 5), -2),
        ((5, 7, 90), (0, 1)), ((30, 40, 50), (0, 1)), ((3, 30, 40, 5), (1, 2)),
    ):  # fmt: skip
        a = tour.tensor(rng.random(shape), dtype=dtype)
        exact = a.numpy().astype(np.longdouble)
        where = tuple(dim) if isinstance(dim, tuple) else dim
        for keepdim in (False, True):
            wanted = exact.sum(where, keepdims=keepdim)
            assert a.sum(dim, keepdim).shape == wanted.shape and error(a.sum(dim, keepdim), wanted) <= 3
        if not isinstance(dim, tuple) and len(shape) == 2:
            assert error(tour.tensor(a.numpy().T.copy()).T.sum(dim), exact.sum(where)) <= 3
        assert error(a.mean(dim), exact.mean(where)) <= 3
        assert error(tour.logsumexp(a, dim), np.log(np.exp(exact).sum(where))) <= 3
        assert error(tour.linalg.vector_norm(a, 2, dim), np.sqrt((exact**2).sum(where))) <= 3
        assert error(a.var(dim), exact.var(where, ddof=1)) <= (1 if dtype is tour.float32 else 6)


def test_single_precision_is_scanned_in_double():
    rng = np.random.default_rng(0)
    for shape, dim in (((1000, 7), 0), ((50, 60), 1), ((200, 200), 0), ((2000,), 0)):
        a = tour.tensor(rng.standard_normal(shape).astype(np.float32))
        wide = a.numpy().astype(np.float64)
        for name in ("cumsum", "cumprod"):
            got, wanted = getattr(a, name)(dim), getattr(np, name)(wide, dim).astype(np.float32)
            assert got.dtype is tour.float32 and np.abs(got.numpy() - wanted).max() <= 1e-7 * np.abs(wanted).max()
        assert np.allclose(a.logcumsumexp(dim).numpy(), np.logaddexp.accumulate(wide, dim), rtol=1e-7, atol=1e-7)


def test_a_dimension_out_of_range_is_refused_whatever_the_size():
    for x in (tour.ones(3, 4), tour.ones(50, 40), tour.ones(300, 300)):
        for dim in (2, -3):
            with pytest.raises(IndexError, match="Dimension out of range"):
                x.sum(dim)


def test_deviations_are_finite_where_variances_are_not():
    x = tour.tensor([3e38, 1.0, -1.0, 0.5] * 30)
    assert x.var().item() == float("inf") and x.std().item() == pytest.approx(1.3045e38, rel=1e-3)
    assert tour.tensor([60000.0, 0.0], dtype=tour.float16).std().item() == pytest.approx(42432, rel=1e-3)
