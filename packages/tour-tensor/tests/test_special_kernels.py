"""Special functions of arrays against exact values and PyTorch's edges (`tools/golden_special.py`); dtypes and layouts."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tour import _special
from tour._special import _apply

GOLDEN = dict(np.load(Path(__file__).parent / "golden" / "special.npz"))
NAMES = sorted({key.split("/")[0] for key in GOLDEN})
EDGE_NAMES = sorted(key.split("/")[0] for key in GOLDEN if key.endswith("/edges"))
# Units in the last place by which a result may differ from the rounded exact value: what was measured, and a half; in
# float64, of the larger of the value and the number that follows, where the function has zeros that it cannot meet
# relative to themselves. In float32 most go through float64, and differ by a rounding of a rounding.
DOUBLE: dict[str, tuple[float, float]] = {
    "gammainc": (100, 0),
    "gammaincc": (100, 0),
    "hermite_polynomial_h": (1000, 1),
    "hermite_polynomial_he": (1000, 1),
    "laguerre_polynomial_l": (150, 1),
    "polygamma_10": (12, 0),
    "zeta": (20, 1),
    "lgamma_negative": (8, 1),
    "digamma_negative": (8, 1),
    "airy_ai_negative": (6, 0.3),
    **{f"bessel_{kind}": (8, 1) for kind in ("j0", "j1", "y0", "y1")},
    **{name: (60, 1) for name in NAMES if "chebyshev" in name or "legendre" in name},
}
SINGLE = {"erf": 2, "expit": 3, "logit": 3, "xlogy": 3, "xlog1py": 3, "entr": 3, "sinc": 3}
EVERYWHERE_ELSE = (7.0, 0.0)


def kernel(name: str) -> Callable[..., Any]:
    """The function of a golden name, which may end in a parameter, or in another range of arguments."""
    function, _, parameter = name.rpartition("_")
    if function == "polygamma":
        return partial(_special.polygamma, int(parameter))
    if function == "multigammaln":
        return lambda a: _special.multigammaln(a, int(parameter))
    return getattr(_special, name.removesuffix("_negative"))


kernels = {name: kernel(name) for name in NAMES}


def ulps(got: np.ndarray, exact: np.ndarray, at_least: float = 0.0) -> float:
    """The largest distance, in units in the last place of max(|exact|, at_least); infinity where one only is finite."""
    assert got.dtype == exact.dtype
    same = (got == exact) | (np.isnan(got) & np.isnan(exact))
    with np.errstate(all="ignore"):
        distance = np.abs(got - exact) / np.spacing(np.maximum(np.abs(exact), exact.dtype.type(at_least)))
    return float(np.max(np.where(same, 0, np.where(np.isnan(distance), np.inf, distance)), initial=0))


@pytest.mark.parametrize("name", NAMES)
def test_float64_is_accurate(name: str) -> None:
    *points, exact = np.concatenate([GOLDEN[f"{name}/single"], GOLDEN[f"{name}/double"]]).T
    limit, at_least = DOUBLE.get(name, EVERYWHERE_ELSE)
    assert ulps(kernels[name](*points), exact, at_least) <= limit


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_accurate(name: str) -> None:
    with np.errstate(over="ignore", under="ignore"):
        *points, exact = GOLDEN[f"{name}/single"].T.astype(np.float32)
    assert ulps(kernels[name](*points), exact) <= SINGLE.get(name, 1)


@pytest.mark.parametrize("name", EDGE_NAMES)
def test_edges_are_pytorchs(name: str) -> None:
    rows = GOLDEN[f"{name}/edges"]
    rows = rows[~np.isin(rows[:, 0], KINDER.get(name, []))]
    *points, theirs = rows.T
    numbers = ~np.isnan(rows[:, :-1]).any(1)
    got = kernels[name](*points)
    np.testing.assert_allclose(got[numbers], theirs[numbers], rtol=2e-6, atol=1e-12)
    assert np.isnan(got[~numbers & np.isnan(theirs)]).all()


# Where the first argument is one of these, tour answers the limit, or NaN, and PyTorch otherwise.
KINDER = {"airy_ai": [np.inf], "zeta": [np.inf]}


def test_trigamma_is_infinite_at_its_poles() -> None:
    np.testing.assert_array_equal(_special.trigamma([0.0, -0.0, -1.0, -2.0, np.inf]), [np.inf] * 4 + [0.0])


def test_multigammaln_of_dimension_one_is_lgamma() -> None:
    a = np.linspace(0.1, 9, 50)
    np.testing.assert_array_equal(_special.multigammaln(a, 1), _special.lgamma(a))


def test_polygamma_of_low_orders() -> None:
    x = np.linspace(-3.9, 9, 50)
    np.testing.assert_array_equal(_special.polygamma(0, x), _special.digamma(x))
    np.testing.assert_array_equal(_special.polygamma(1, x), _special.trigamma(x))


def test_polygamma_of_a_high_order_does_not_overflow_on_the_way() -> None:
    # mpmath: psi(200, 30)
    assert _special.polygamma(200, np.array(30.0)) == pytest.approx(-9.910905389911174e77, rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logit_clamps(dtype: Any) -> None:
    x = np.array([0.0, 0.05, 0.3, 0.95, 1.0, -3.0, 3.0, np.nan], dtype)
    low, high = np.log(1 / 9), np.log(9)
    expected = np.array([low, low, np.log(3 / 7), high, high, low, high, np.nan])
    np.testing.assert_allclose(_special.logit(x, eps=0.1), expected, rtol=1e-6)
    assert _special.logit(x, eps=0.1).dtype == dtype
    # Crossed bounds: the lower first, as in PyTorch.
    np.testing.assert_allclose(_special.logit(np.array([0.3, 0.7]), eps=0.6), [np.log(1.5), -np.log(1.5)])


UNARY = [name for name in NAMES if GOLDEN[f"{name}/single"].shape[1] == 2]


@pytest.mark.parametrize("name", UNARY)
def test_half_precisions_go_through_float32(name: str) -> None:
    x = np.linspace(-3, 3, 61)
    for dtype in (np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e5m2):
        narrow = x.astype(dtype)
        got = kernels[name](narrow)
        assert got.dtype == dtype
        with np.errstate(all="ignore"):
            expected = kernels[name](narrow.astype(np.float32)).astype(dtype)
        np.testing.assert_array_equal(got.astype(np.float32), expected.astype(np.float32))


@pytest.mark.parametrize("name", UNARY)
def test_results_do_not_depend_on_layout_or_neighbours(name: str) -> None:
    x = np.linspace(-4, 4, 2 * 3 * 4).reshape(2, 3, 4)
    expected = kernels[name](x.ravel()).reshape(x.shape)
    before = x.copy()
    views = [x, x.T, x[::-1], x[:, ::2], x.transpose(1, 0, 2), np.broadcast_to(x[0], (5, 3, 4)), x[:0], x[1, 2, 3]]
    answers = [
        expected,
        expected.T,
        expected[::-1],
        expected[:, ::2],
        expected.transpose(1, 0, 2),
        np.broadcast_to(expected[0], (5, 3, 4)),
        expected[:0],
        expected[1, 2, 3],
    ]
    for view, answer in zip(views, answers, strict=True):
        got = kernels[name](view)
        assert type(got) is np.ndarray and got.shape == np.shape(view)
        np.testing.assert_array_equal(got, answer)
    np.testing.assert_array_equal(x, before)


def test_result_keeps_the_memory_order() -> None:
    x = np.zeros((2, 3, 4, 5)).transpose(0, 3, 1, 2)
    assert _special.erf(x).strides == x.strides


def test_large_arrays_go_in_blocks() -> None:
    x = np.linspace(-7, 7, 2 * _apply.BLOCK + 3)
    for name in ("erf", "lgamma", "i0", "airy_ai", "ndtri"):
        parts = np.concatenate([kernels[name](part) for part in np.array_split(x, 7)])
        np.testing.assert_array_equal(kernels[name](x), parts)


def test_erf_costs_some_exponentials() -> None:
    x = np.random.default_rng(0).standard_normal(200_000).astype(np.float32)
    erf, exp = (min(timeit.repeat(lambda f=f: f(x), number=1, repeat=7)) for f in (_special.erf, np.exp))
    assert erf < 40 * exp  # 8 to 12, measured; a loop over elements takes hundreds


def test_arguments_broadcast_and_promote() -> None:
    a, x = np.array([[0.5], [30.0]], np.float32), np.linspace(0, 60, 7)
    got = _special.gammainc(a, x)
    assert got.shape == (2, 7) and got.dtype == np.float64
    np.testing.assert_array_equal(got[1], _special.gammainc(np.full(7, 30.0), x))
    assert _special.xlogy(2, np.ones(3, np.float32)).dtype == np.float32
    assert _special.zeta(np.ones(3, np.float32), 1.5).dtype == np.float32
    assert _special.chebyshev_polynomial_t(np.ones(3, np.float32), 4).dtype == np.float32


def test_integers_and_bools_count_as_float64() -> None:
    np.testing.assert_array_equal(_special.lgamma(np.array([1, 3, 4])), _special.lgamma(np.array([1.0, 3.0, 4.0])))
    assert _special.erf(np.array([True, False])).dtype == np.float64


def test_degrees_of_polynomials_are_cut_to_whole_numbers() -> None:
    x = np.full(6, 0.3)
    n = np.array([-2.0, -0.5, 0.9, 1.9, 2.5, np.nan])
    np.testing.assert_allclose(_special.legendre_polynomial_p(x, n), [0, 1, 1, 0.3, -0.365, 0])


def test_inverses_invert() -> None:
    x = np.linspace(-3.5, 3.5, 1001)
    np.testing.assert_allclose(_special.erfinv(_special.erf(x)), x, rtol=1e-9)
    np.testing.assert_allclose(_special.ndtri(_special.ndtr(-10 * np.abs(x))), -10 * np.abs(x), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(_special.logit(_special.expit(-100 * np.abs(x))), -100 * np.abs(x), rtol=1e-14)
