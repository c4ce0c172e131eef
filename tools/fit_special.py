"""Write the rational approximations of tour._special: ``python tools/fit_special.py > .../tour/_special/_fits.py``.

With names as arguments, prints those only. Needs mpmath. Each fit minimises the squared relative error on a Chebyshev grid
in 60 digits, weighted with Q of the round before, and then leans on the points where the error is largest (Lawson's
iteration), which comes close to the best uniform error. The error printed is the largest on a finer grid, before
the coefficients are rounded to float64; the amplification is how much rounding errors of the polynomials can grow (the
largest ratio, over both ends of the interval, of the sum of |terms| to |sum|), printed where it is over two.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
from mpmath import mpf

mp.mp.dps = 60


@dataclass
class Fit:
    """A function of one real variable to fit on [a, b] by P/Q of the given degrees, lowest coefficient of Q one."""

    what: str
    function: Callable[[mpf], mpf]
    a: mpf
    b: mpf
    degrees: tuple[int, int]
    scale: Callable[[mpf], mpf] | None = None  # what the error is relative to, where not the function itself

    def solve(self, rounds: int = 8) -> tuple[list[mpf], list[mpf]]:
        """Coefficients of P and Q, lowest power first."""
        m, n = self.degrees
        count = 4 * (m + n + 1)
        xs = self.points([mp.cospi(mpf(2 * i + 1) / (2 * count)) for i in range(count)])
        ys = [self.function(x) for x in xs]
        scales = [abs(self.scale(x) if self.scale else y) for x, y in zip(xs, ys, strict=True)]
        q, lean = [mpf(1)], [mpf(1)] * count
        for turn in range(rounds):
            weights = [mp.sqrt(w) / (value(q, x) * s) for w, x, s in zip(lean, xs, scales, strict=True)]
            p, q = self.least_squares(xs, ys, weights)
            if turn > 1:
                errors = [abs(value(p, x) / value(q, x) - y) / s for x, y, s in zip(xs, ys, scales, strict=True)]
                lean = [w * e for w, e in zip(lean, errors, strict=True)]
                lean = [max(w * count / sum(lean), mpf(10) ** -12) for w in lean]
        return p, q

    def least_squares(self, xs: list[mpf], ys: list[mpf], weights: list[mpf]) -> tuple[list[mpf], list[mpf]]:
        """P and Q that minimise the sum of squares of weight * (P - y Q)."""
        m, n = self.degrees
        system, right = mp.matrix(len(xs), m + n + 1), mp.matrix(len(xs), 1)
        for i, (x, y, w) in enumerate(zip(xs, ys, weights, strict=True)):
            for j in range(m + 1):
                system[i, j] = w * x**j
            for j in range(1, n + 1):
                system[i, m + j] = -w * y * x**j
            right[i] = w * y
        solution = list(mp.qr_solve(system, right)[0])
        return solution[: m + 1], [mpf(1), *solution[m + 1 :]]

    def points(self, unit: list[mpf]) -> list[mpf]:
        """Points of [-1, 1] carried to [a, b]."""
        a, b = mpf(self.a), mpf(self.b)
        return [(a + b) / 2 + (b - a) / 2 * u for u in unit]

    def error(self, p: list[mpf], q: list[mpf], count: int = 300) -> mpf:
        """The largest relative error on a grid that is dense at both ends."""
        worst, signs = mpf(0), set()
        for x in self.points([mp.cospi(mpf(i) / count) for i in range(count + 1)]):
            y, below = self.function(x), value(q, x)
            signs.add(below > 0)
            worst = max(worst, abs(value(p, x) / below - y) / abs(self.scale(x) if self.scale else y))
        if len(signs) > 1:
            raise ArithmeticError("the fit has a pole in its interval; try another degree")
        return worst

    def amplification(self, p: list[mpf], q: list[mpf]) -> mpf:
        """The larger ratio of sum |c x^k| to |sum c x^k| at the ends of the interval."""
        return max(value([abs(c) for c in r], abs(x)) / abs(value(r, x)) for r in (p, q) for x in (self.a, self.b))


def value(c: list[mpf], x: mpf) -> mpf:
    """The polynomial with coefficients ``c``, lowest power first."""
    return mp.polyval(c[::-1], x)


def at_zero(value: mpf, function: Callable[[mpf], mpf]) -> Callable[[mpf], mpf]:
    """``function`` with its limit at zero."""
    return lambda x: mpf(value) if x == 0 else function(x)


def erfcx(x: mpf) -> mpf:
    """exp(x²) erfc(x), by its asymptotic series where erfc underflows even here."""
    if x < 100:
        return mp.exp(x * x) * mp.erfc(x)
    return mp.nsum(lambda k: (-1) ** k * mp.fac2(2 * k - 1) / (2 * x * x) ** k, [0, 20]) / (x * mp.sqrt(mp.pi))


def erfcx_whole(t: mpf) -> mpf:
    """(x + 2.75) erfcx(x) for t = (x - 2.75) / (x + 2.75), which carries [0.5, inf) to [-9/13, 1]."""
    return 1 / mp.sqrt(mp.pi) if t == 1 else erfcx(2.75 * (1 + t) / (1 - t)) * 5.5 / (1 - t)


def erfc_inverse(r: mpf, shift: mpf) -> mpf:
    """x with erfc(x) = 2 exp(-s²), s = r + shift, by Newton's method on the logarithm."""
    s = x = mpf(r) + shift
    for _ in range(80):
        w = erfcx(x)
        x += (mp.log(w) - x * x - mp.log(2) + s * s) * mp.sqrt(mp.pi) * w / 2
    return x


def erf_inverse(w: mpf) -> mpf:
    """erfinv(y) / y where exp(-w) = 1 - y²."""
    y = mp.sqrt(-mp.expm1(-w))
    return mp.erfinv(y) / y


def large(
    what: str, function: Callable[[mpf], mpf], scale: Callable[[mpf], mpf], start: int, degrees: tuple[int, int]
) -> Fit:
    """A fit in 1/x² of a function of x >= start, which is smooth at infinity."""

    def of(f: Callable[[mpf], mpf]) -> Callable[[mpf], mpf]:
        # 1e6 stands for infinity: the functions fitted here differ there by 1e-12 of a small correction.
        return lambda z: f(1 / mp.sqrt(z)) if z else f(mpf(10) ** 6)

    return Fit(what, of(function), mpf(10) ** -12, mpf(1) / start**2, degrees, of(scale))


DIGAMMA_ROOT = mp.findroot(mp.digamma, mpf("1.46163214496836234126"))
erf_over_x = at_zero(2 / mp.sqrt(mp.pi) - 1, lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1)

def one(x: mpf) -> mpf:
    """The scale of an absolute error."""
    return mpf(1)


ERF = "erf(x)/x - 1 in x², |x| <= 1 (error relative to erf)"
FAR = "exp(x²) erfc(x) in 1/x, 1 <= x <= {} (error relative to erf)"
FITS: dict[str, Fit] = {
    "ERF": Fit(ERF, erf_over_x, 0, 1, (5, 5), one),
    "ERF_SINGLE": Fit(ERF, erf_over_x, 0, 1, (6, 0), one),
    "ERFC_BY_EXP": Fit(FAR.format(6), lambda u: erfcx(1 / u), mpf(1) / 6, 1, (6, 5), lambda u: mp.exp(u**-2)),
    "ERFC_BY_EXP_SINGLE": Fit(FAR.format(4), lambda u: erfcx(1 / u), mpf(1) / 4, 1, (3, 2), lambda u: mp.exp(u**-2)),
    "ERFCX": Fit("(x + 2.75) exp(x²) erfc(x) in 1 - 5.5/(x + 2.75), 0.5 <= x", erfcx_whole, mpf(-9) / 13, 1, (10, 9)),
    "ERFC_SINGLE": Fit("exp(x²) erfc(x) in 1/x, 0.5 <= x <= 11", lambda u: erfcx(1 / u), mpf(1) / 11, 2, (5, 4)),
    "ERFINV": Fit(
        "erfinv(y)/y in w = -log(1 - y²), w <= 5", at_zero(mp.sqrt(mp.pi) / 2, erf_inverse), 0, 5, (8, 8)
    ),
    "TAIL": Fit(
        "x with erfc(x) = 2p in r - 2.5, r = √-log p, 2.5 <= r <= 6.1",
        lambda r: erfc_inverse(r, mpf("2.5")), 0, mpf("3.6"), (6, 6),
    ),
    "FAR_TAIL": Fit(
        "the same in r - 6, 6 <= r <= 27.4, down to subnormal p",
        lambda r: erfc_inverse(r, mpf(6)), 0, mpf("21.4"), (7, 7),
    ),
    "LGAMMA": Fit(
        "lgamma(1 + u) / (u (u - 1)), 0 <= u <= 2",
        lambda u: mp.loggamma(1 + u) / (u * (u - 1)), mpf("1e-30"), 2, (7, 7),
    ),
    "LGAMMA_LARGE": large(
        "x (lgamma(x) - (x - 1/2) log x + x - log √2π) in 1/x², 3 <= x (error relative to lgamma)",
        lambda x: x * (mp.loggamma(x) - (x - 0.5) * mp.log(x) + x - mp.log(2 * mp.pi) / 2),
        lambda x: x * mp.loggamma(x), 3, (4, 3),
    ),
    "DIGAMMA": Fit(
        "digamma(1 + u) / (1 + u - x0), digamma(x0) = 0, 0 <= u <= 2",
        lambda u: mp.digamma(1 + u) / (1 + u - DIGAMMA_ROOT), 0, 2, (6, 6),
    ),
    "DIGAMMA_LARGE": large(
        "x² (digamma(x) - log x + 1/(2x)) in 1/x², 3 <= x (error relative to digamma)",
        lambda x: x * x * (mp.digamma(x) - mp.log(x) + 1 / (2 * x)),
        lambda x: x * x * mp.digamma(x), 3, (4, 4),
    ),
    "TRIGAMMA": Fit("trigamma(1 + u), 0 <= u <= 2", lambda u: mp.psi(1, 1 + u), 0, 2, (7, 6)),
    "TRIGAMMA_LARGE": large(
        "x³ (trigamma(x) - 1/x - 1/(2x²)) in 1/x², 3 <= x (error relative to trigamma)",
        lambda x: x**3 * (mp.psi(1, x) - 1 / x - 1 / (2 * x * x)),
        lambda x: x**3 * mp.psi(1, x), 3, (5, 4),
    ),
    "SIN_PI": Fit(
        "sin(πr)/r in r², r <= 1/2",
        at_zero(mp.pi, lambda z: mp.sinpi(mp.sqrt(z)) / mp.sqrt(z)), 0, mpf("0.25"), (8, 0),
    ),
}  # fmt: skip


def show(name: str, fit: Fit) -> None:
    """Print a fit as a pair of tuples, highest power first, as ``ratio`` takes them."""
    p, q = fit.solve()
    amplification = fit.amplification(p, q)
    print(f"\n# {fit.what}: {mp.nstr(fit.error(p, q), 2)}.", end="")
    print(f" Amplification {mp.nstr(amplification, 2)}." if amplification > 2 else "")
    rows = [textwrap.fill(", ".join(repr(float(c)) for c in r[::-1]), 112, subsequent_indent=" " * 5) for r in (p, q)]
    print(f"{name} = (\n" + "".join(f"    ({row},),\n" for row in rows) + ")")


def main(names: list[str]) -> None:
    """Print the named fits, or the whole module."""
    if not names:
        print('"""Rational approximations P/Q, written by tools/fit_special.py; the comments say of what, and the relative error."""')
        print("\n# fmt: off")
    for name in names or FITS:
        show(name, FITS[name])


if __name__ == "__main__":
    main(sys.argv[1:])
