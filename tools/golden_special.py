"""Write `packages/tour-tensor/tests/golden/special.npz`: special functions by mpmath, and at their edges by PyTorch.

    python tools/golden_special.py                    (needs mpmath, torch 2.13 and NumPy)
    python tools/golden_special.py measure 3000 erf   (the largest errors of tour's kernels, over that many points)

For each function: arguments that float32 holds, then others, and the values of the exact function there, rounded to float64;
and PyTorch's answers in float64 at zeros, infinities, NaN and small integers, in all combinations.
"""

from __future__ import annotations

import importlib
import itertools
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import numpy.typing as npt
from mpmath import mpf

Array = npt.NDArray[np.float64]
GOLDEN = Path(__file__).parents[1] / "packages/tour-tensor/tests/golden/special.npz"
EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5]
mp.mp.dps = 50


@dataclass
class Uniform:
    """Points between two bounds, evenly."""

    low: float
    high: float

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        return rng.uniform(self.low, self.high, count)


@dataclass
class Log:
    """Points between two positive bounds, evenly in their logarithms; times a sign, plus an offset."""

    low: float
    high: float
    sign: int = 1
    offset: float = 0.0

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        return self.offset + self.sign * np.exp(rng.uniform(np.log(self.low), np.log(self.high), count))


@dataclass
class Whole:
    """Whole numbers."""

    low: int
    high: int

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        return rng.integers(self.low, self.high, count).astype(float)


Range = Uniform | Log | Whole


@dataclass
class Case:
    """A function, and boxes from which its arguments are drawn: for several arguments, tuples of ranges."""

    reference: Callable[..., mpf]
    boxes: list[Any]

    def draw(self, count: int, rng: np.random.Generator, single: bool) -> Array:
        """Arguments as columns, all of them float32 numbers if ``single``."""
        boxes = [b if isinstance(b, tuple) else (b,) for b in self.boxes]
        columns = [
            np.concatenate([box[i].draw(-(-count // len(boxes)), rng) for box in boxes]) for i in range(len(boxes[0]))
        ]
        points = np.stack(columns, 1)
        with np.errstate(all="ignore"):
            return points.astype(np.float32).astype(np.float64) if single else points

    def exact(self, points: Array) -> list[mpf]:
        """The function at these points; NaN at poles, where rounding to float32 led there."""
        return [self.at(*map(mpf, row)) for row in points.tolist()]

    def at(self, *arguments: mpf) -> mpf:
        try:
            return mpf(self.reference(*arguments))
        except (ZeroDivisionError, ValueError):
            return mp.nan


TINY, SMALL_TAILS = Log(1e-320, 1.0), [Log(1e-320, 1.0), Log(1e-40, 1.0, -1)]
ROOT_TWO = mp.sqrt(2)


def erfcx(x: mpf) -> mpf:
    if x < 1000:
        return mp.exp(x * x) * mp.erfc(x)
    return sum((-1) ** k * mp.fac2(2 * k - 1) / (2 * x * x) ** k for k in range(10)) / (x * mp.sqrt(mp.pi))


def erfinv(y: mpf) -> mpf:
    if abs(y) < 0.9:
        return mp.erfinv(y)
    return ndtri_below((1 + y) / 2) / ROOT_TWO if y < 0 else -ndtri_below((1 - y) / 2) / ROOT_TWO


def ndtri_below(p: mpf) -> mpf:
    """The quantile for p <= 1/2, by Newton's method on the logarithm."""
    r = mp.sqrt(-mp.log(p))
    x = max(r - mpf("0.83"), mpf(0))  # times -√2
    for _ in range(100):
        w = erfcx(x)
        step = (mp.log(w / 2) - x * x + r * r) * mp.sqrt(mp.pi) * w / 2
        x += step
        if abs(step) < mpf(10) ** -45:
            break
    return -ROOT_TWO * x


def log_ndtr(x: mpf) -> mpf:
    if x > 0:
        return mp.log1p(-mp.erfc(x / ROOT_TWO) / 2)
    return mp.log(erfcx(-x / ROOT_TWO) / 2) - x * x / 2


def lgamma(x: mpf) -> mpf:
    return mp.loggamma(x) if x > 0 else mp.log(mp.pi / abs(x * mp.sinpi(x))) - mp.loggamma(-x)


def zeta(s: mpf, q: mpf) -> mpf:
    if q > 0:
        return mp.zeta(s, q)
    first = [q + k for k in range(int(mp.ceil(-q)))]
    return mp.zeta(s, q + len(first)) + sum(x**-s for x in first)


def chebyshev(n: mpf, x: mpf, add: mpf, f: Callable[[mpf], mpf]) -> mpf:
    t = mp.acos(x)
    return mp.re(f((n + add) * t) / f(add * t))


def polynomial(f: Callable[[mpf, mpf], mpf], high: float = 1.5) -> Case:
    """A polynomial of (x, n)."""
    return Case(lambda x, n: f(n, x), [(Uniform(-high, high), Whole(0, 8)), (Uniform(-high, high), Whole(0, 30))])


SHIFTED_RANGE = [(Uniform(-0.5, 1.5), Whole(0, 8)), (Uniform(0, 1), Whole(0, 30))]
POSITIVE = [Uniform(0, 4), Uniform(0, 20), TINY, Log(1.0, 1e300)]
NEGATIVE = [Uniform(-6, 0), Uniform(-40, 0), Log(1e-300, 1, -1)]
WAVES = [Uniform(0, 6), Uniform(4, 60), TINY, Log(1.0, 1e9)]
DECAYS = [Uniform(0, 3), Uniform(0, 700), TINY, Log(1.0, 700.0)]
GROWS = [Uniform(-3, 3), Uniform(-30, 30), Uniform(-700, 700), TINY]
SCALED = [*GROWS, Log(1.0, 1e9)]

CASES: dict[str, Case] = {
    "erf": Case(mp.erf, [Uniform(-1, 1), Uniform(-6, 6), *SMALL_TAILS]),
    "erfc": Case(mp.erfc, [Uniform(-1, 1), Uniform(-6, 9), Uniform(6, 27), TINY]),
    "erfcx": Case(erfcx, [Uniform(-1, 1), Uniform(-26, 9), Uniform(0, 50), Log(1, 1e300)]),
    "erfinv": Case(erfinv, [Uniform(-1, 1), Log(1e-16, 0.1, -1, 1.0), Log(1e-7, 0.1, 1, -1.0), TINY]),
    "ndtr": Case(lambda x: mp.erfc(-x / ROOT_TWO) / 2, [Uniform(-2, 2), Uniform(-9, 9), Uniform(-38, -6), TINY]),
    "log_ndtr": Case(log_ndtr, [Uniform(-2, 2), Uniform(-9, 9), Uniform(-38, 30), Log(1, 1e100, -1)]),
    "ndtri": Case(
        lambda p: ndtri_below(p) if p < 0.5 else -ndtri_below(1 - p),
        [Uniform(0, 1), Uniform(0.4, 0.6), TINY, Log(1e-16, 0.1, -1, 1.0)],
    ),
    "expit": Case(lambda x: 1 / (1 + mp.exp(-x)), [Uniform(-5, 5), Uniform(-100, 40), Uniform(-740, 0), TINY]),
    "logit": Case(
        lambda p: mp.log(p / (1 - p)), [Uniform(0, 1), TINY, Log(1e-16, 0.1, 1, 0.5), Log(1e-16, 0.1, -1, 1.0)]
    ),
    "xlogy": Case(
        lambda x, y: x * mp.log(y), [(Uniform(-5, 5), Uniform(0, 3)), (Log(1e-30, 1e30), Log(1e-300, 1e300))]
    ),
    "xlog1py": Case(
        lambda x, y: x * mp.log1p(y), [(Uniform(-5, 5), Uniform(-1, 3)), (Log(1e-30, 1e30), Log(1e-30, 1e300))]
    ),
    "entr": Case(lambda x: -x * mp.log(x), [Uniform(0, 2), Log(1e-300, 1e300)]),
    "sinc": Case(lambda x: mp.sincpi(x), [Uniform(-3, 3), Uniform(-100, 100), TINY, Log(1.0, 1e8)]),
    "lgamma": Case(lgamma, [*POSITIVE, Uniform(0.9, 2.1)]),
    "lgamma_negative": Case(lgamma, NEGATIVE),
    "digamma": Case(mp.digamma, [*POSITIVE, Uniform(1.3, 1.6)]),
    "digamma_negative": Case(mp.digamma, NEGATIVE),
    "trigamma": Case(lambda x: mp.psi(1, x), [Uniform(0, 4), Uniform(-6, 0), Uniform(0, 40), Log(1e-30, 1e8)]),
    "polygamma_2": Case(lambda x: mp.psi(2, x), [Uniform(0, 4), Uniform(0, 40), Log(1e-9, 1e8)]),
    "polygamma_3": Case(lambda x: mp.psi(3, x), [Uniform(0, 4), Uniform(-9, 0), Log(1e-9, 1e8)]),
    "polygamma_10": Case(lambda x: mp.psi(10, x), [Uniform(0, 4), Uniform(0, 40), Log(0.01, 1e4)]),
    "zeta": Case(
        zeta,
        [
            (Log(1e-6, 1, 1, 1.0), Uniform(0, 10)),
            (Uniform(1, 8), Uniform(0, 30)),
            (Uniform(5, 40), Uniform(0, 20)),
            (Whole(2, 9), Uniform(-9, 0)),
        ],
    ),
    "multigammaln_3": Case(
        lambda a: sum(mp.loggamma(a - mpf(j) / 2) for j in range(3)) + 3 * mp.log(mp.pi) / 2,
        [Uniform(1, 5), Log(1, 1e9, 1, 1.0)],
    ),
    "gammainc": Case(
        lambda a, x: mp.gammainc(a, 0, x, regularized=True),
        [(Uniform(0, 20), Uniform(0, 20)), (Uniform(20, 60), Uniform(20, 60)), (Log(1e-6, 1), Log(1e-6, 1))],
    ),
    "gammaincc": Case(
        lambda a, x: mp.gammainc(a, x, regularized=True),
        [(Uniform(0, 20), Uniform(0, 20)), (Uniform(20, 60), Uniform(20, 60)), (Log(1e-6, 1), Log(1e-6, 1))],
    ),
    "i0": Case(lambda x: mp.besseli(0, x), GROWS),
    "i0e": Case(lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), SCALED),
    "i1": Case(lambda x: mp.besseli(1, x), GROWS),
    "i1e": Case(lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), SCALED),
    "modified_bessel_k0": Case(lambda x: mp.besselk(0, x), DECAYS),
    "modified_bessel_k1": Case(lambda x: mp.besselk(1, x), DECAYS),
    "scaled_modified_bessel_k0": Case(lambda x: mp.besselk(0, x) * mp.exp(x), [*DECAYS, Log(1.0, 1e9)]),
    "scaled_modified_bessel_k1": Case(lambda x: mp.besselk(1, x) * mp.exp(x), [*DECAYS, Log(1.0, 1e9)]),
    "bessel_j0": Case(lambda x: mp.besselj(0, x), WAVES),
    "bessel_j1": Case(lambda x: mp.besselj(1, x), WAVES),
    "bessel_y0": Case(lambda x: mp.bessely(0, x), WAVES),
    "bessel_y1": Case(lambda x: mp.bessely(1, x), WAVES),
    "spherical_bessel_j0": Case(mp.sinc, [Uniform(-3, 3), Uniform(-100, 100), TINY, Log(1.0, 1e15)]),
    "airy_ai": Case(mp.airyai, [Uniform(-2.2, 3), Uniform(0, 20), Uniform(20, 103), TINY]),
    "airy_ai_negative": Case(mp.airyai, [Uniform(-10, -2), Uniform(-60, 0), Log(10, 1e5, -1)]),
    "chebyshev_polynomial_t": polynomial(lambda n, x: chebyshev(n, x, mpf(0), mp.cos)),
    "chebyshev_polynomial_u": polynomial(lambda n, x: chebyshev(n, x, mpf(1), mp.sin)),
    "chebyshev_polynomial_v": polynomial(lambda n, x: chebyshev(n, x, mpf(0.5), mp.cos)),
    "chebyshev_polynomial_w": polynomial(lambda n, x: chebyshev(n, x, mpf(0.5), mp.sin)),
    "shifted_chebyshev_polynomial_t": Case(lambda x, n: chebyshev(n, 2 * x - 1, mpf(0), mp.cos), SHIFTED_RANGE),
    "shifted_chebyshev_polynomial_u": Case(lambda x, n: chebyshev(n, 2 * x - 1, mpf(1), mp.sin), SHIFTED_RANGE),
    "shifted_chebyshev_polynomial_v": Case(lambda x, n: chebyshev(n, 2 * x - 1, mpf(0.5), mp.cos), SHIFTED_RANGE),
    "shifted_chebyshev_polynomial_w": Case(lambda x, n: chebyshev(n, 2 * x - 1, mpf(0.5), mp.sin), SHIFTED_RANGE),
    "hermite_polynomial_h": polynomial(mp.hermite, 4),
    "hermite_polynomial_he": polynomial(lambda n, x: mp.hermite(n, x / ROOT_TWO) / ROOT_TWO**n, 4),
    "laguerre_polynomial_l": polynomial(lambda n, x: mp.laguerre(n, 0, x), 9),
    "legendre_polynomial_p": polynomial(mp.legendre),
}


def torch_at_edges(name: str, arity: int) -> tuple[Array, Array]:
    """Every combination of edges, and PyTorch's answers."""
    torch: Any = importlib.import_module("torch")
    points = np.array(list(itertools.product(EDGES, repeat=arity)))
    columns = [torch.from_numpy(c.copy()) for c in points.T]
    function, _, parameter = name.rpartition("_")
    if function == "polygamma":
        return points, torch.polygamma(int(parameter), columns[0]).numpy()
    plain = {"lgamma": "gammaln"}.get(name, name)
    return points, getattr(torch.special, plain)(*columns).numpy()


def write() -> None:
    """Compute and store all of it."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, case in CASES.items():
        rng = np.random.default_rng(sum(name.encode()))
        single = case.draw(80, rng, single=True)
        double = case.draw(80, rng, single=False)
        for kind, points in (("single", single), ("double", double)):
            exact = np.array([float(v) for v in case.exact(points)])
            keep = np.isfinite(exact)
            arrays[f"{name}/{kind}"] = np.column_stack([points, exact])[keep]
        if name not in NO_EDGES:
            points, answers = torch_at_edges(name, single.shape[1])
            arrays[f"{name}/edges"] = np.column_stack([points, answers])
    np.savez_compressed(GOLDEN, **arrays)  # type: ignore[arg-type]


# Not functions of PyTorch, or other ranges of functions that are there.
NO_EDGES = {"lgamma_negative", "digamma_negative", "trigamma", "multigammaln_3", "airy_ai_negative"}


def kernel(name: str) -> Callable[..., npt.NDArray[Any]]:
    """tour's function of that name; a trailing number is a parameter, `_negative` another range."""
    special: Any = importlib.import_module("tour._special")
    function, _, parameter = name.rpartition("_")
    if function == "polygamma":
        return lambda x: special.polygamma(int(parameter), x)
    if function == "multigammaln":
        return lambda a: special.multigammaln(a, int(parameter))
    found: Callable[..., npt.NDArray[Any]] = getattr(special, name.removesuffix("_negative"))
    return found


def measure(count: int, names: list[str]) -> None:
    """Print the largest errors in units in the last place, of the result and of max(|result|, 1)."""
    for name in names or CASES:
        for single in (False, True):
            points = CASES[name].draw(count, np.random.default_rng(1), single)
            dtype = np.float32 if single else np.float64
            exact = CASES[name].exact(points)
            got = kernel(name)(*points.T.astype(dtype))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rounded = np.array([float(v) for v in exact]).astype(dtype)
            finite = np.isfinite(rounded)
            error = np.array([float(abs(mpf(float(g)) - e)) for g, e, f in zip(got, exact, finite, strict=True) if f])
            own = error / np.spacing(np.abs(rounded[finite]))
            unit = error / np.spacing(np.maximum(np.abs(rounded[finite]), dtype(1)))
            at = points[finite][own.argmax()]
            print(
                f"{name:32} {dtype.__name__} {own.max():9.3g} ulp at {at}, median {np.median(own):.2f}; "
                f"of max(|y|, 1): {unit.max():.3g}; overflows wrong: {int((~np.isfinite(got) & finite).sum())}",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(int(sys.argv[2]), sys.argv[3:])
    else:
        write()
