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
from functools import partial

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
    what: str, function: Callable[[mpf], mpf], scale: Callable[[mpf], mpf], start: mpf, degrees: tuple[int, int]
) -> Fit:
    """A fit in 1/x² of a function of x >= start, which is smooth at infinity."""

    def of(f: Callable[[mpf], mpf]) -> Callable[[mpf], mpf]:
        return lambda z: f(1 / mp.sqrt(z))

    return Fit(what, of(function), NEARLY, mpf(1) / start**2, degrees, of(scale))


def one(x: mpf) -> mpf:
    """The scale of an absolute error."""
    return mpf(1)


def even(function: Callable[[mpf], mpf]) -> Callable[[mpf], mpf]:
    """An even function of x as a function of x²; at zero, its value nearby."""
    return lambda z: function(mp.sqrt(max(z, mpf(10) ** -24)))


def shifted(function: Callable[[mpf], mpf], by: mpf) -> Callable[[mpf], mpf]:
    """``function`` about another origin."""
    return lambda t: function(t + by)


def regular_bessel(order: int, first: mpf, second: mpf) -> Callable[[mpf], mpf]:
    """J_n(x) / x^n without its first two zeros."""
    return lambda x: mp.besselj(order, x) / x**order / ((x * x - first**2) * (x * x - second**2))


def wave(order: int, quadrature: bool) -> Callable[[mpf], mpf]:
    """P and x Q of J, Y = √(2/πx) (P cos χ - Q sin χ, P sin χ + Q cos χ), χ = x - π/4 - nπ/2."""

    def function(x: mpf) -> mpf:
        chi = x - mp.pi / 4 - order * mp.pi / 2
        j, y = (f(order, x) * mp.sqrt(mp.pi * x / 2) for f in (mp.besselj, mp.bessely))
        return x * (y * mp.cos(chi) - j * mp.sin(chi)) if quadrature else j * mp.cos(chi) + y * mp.sin(chi)

    return function


def airy_wave(quadrature: bool) -> Callable[[mpf], mpf]:
    """P and ζ Q of Ai(-t) = (P cos χ + Q sin χ) / (√π t^¼), χ = ζ - π/4, ζ = ⅔ t^1.5, as functions of ζ."""

    def function(zeta: mpf) -> mpf:
        t, chi = (zeta * 3 / 2) ** (mpf(2) / 3), zeta - mp.pi / 4
        a, b = (f(-t) * mp.sqrt(mp.pi) * mp.root(t, 4) for f in (mp.airyai, mp.airybi))
        return zeta * (a * mp.sin(chi) + b * mp.cos(chi)) if quadrature else a * mp.cos(chi) - b * mp.sin(chi)

    return function


def airy_decaying(w: mpf) -> mpf:
    """2 √π x^¼ exp(ζ) Ai(x), ζ = ⅔ x^1.5 = 1/w."""
    x = (mpf(3) / 2 / w) ** (mpf(2) / 3)
    return mp.airyai(x) * 2 * mp.sqrt(mp.pi) * mp.root(x, 4) * mp.exp(1 / w)


def unscaled(function: Callable[[mpf, mpf], mpf], order: int, sign: int) -> Callable[[mpf], mpf]:
    """√x exp(sign x) times a modified Bessel function."""
    return lambda x: mp.sqrt(x) * mp.exp(sign * x) * function(order, x)


def temme(orders: int, terms: int) -> list[list[mpf]]:
    """Taylor coefficients of c_0 ... c_orders of Temme's expansion of the incomplete gamma functions (DLMF 8.12)."""
    mu = [mpf(0), mpf(1)]  # in η, η²/2 = μ - log(1 + μ), from μ μ' = η (1 + μ)
    for n in range(2, terms + 2):
        mu.append((mu[n - 1] - sum(mu[i] * (n + 1 - i) * mu[n + 1 - i] for i in range(2, n))) / (n + 1))
    inverse = [mpf(1)]  # η/μ
    for n in range(1, terms + 1):
        inverse.append(-sum(mu[j + 1] * inverse[n - j] for j in range(1, n + 1)))
    log_star = [mpf(0)] + [mp.bernoulli(k + 1) / (k * (k + 1)) for k in range(1, orders + 1)]
    star = [mpf(1)]  # Stirling's series, Γ(z) over its leading factor
    for k in range(1, orders + 1):
        star.append(sum(j * log_star[j] * star[k - j] for j in range(1, k + 1)) / k)
    rows = [inverse[1:]]  # c_0 = 1/μ - 1/η, c_k = c_{k-1}'/η + (-1)^k star_k/μ; the poles cancel
    for k in range(1, orders + 1):
        slope = [(j + 2) * c for j, c in enumerate(rows[-1][2:])]
        rows.append([c + (-1) ** k * star[k] * i for c, i in zip(slope, inverse[1:], strict=False)])
    return rows


def temme_fits(start: int, eta: mpf, error: mpf) -> list[list[mpf]]:
    """The shortest polynomials that give Σ c_k a^-k for a >= start and |η| <= eta to about this absolute error."""
    fits: list[list[mpf]] = []
    for k, row in enumerate(temme(14, 90)):
        allowed = error * mpf(start) ** k
        if max(abs(value(row, x)) for x in (-eta, 0, eta)) < allowed:
            return fits
        for degree in range(25):
            fit = Fit("", partial(value, row), -eta, eta, (degree, 0), one)
            p, q = fit.solve()
            if fit.error(p, q) < allowed:
                fits.append(p)
                break
    raise ArithmeticError("the expansion does not reach this error")


DIGAMMA_ROOT = mp.findroot(mp.digamma, mpf("1.46163214496836234126"))
erf_over_x = at_zero(2 / mp.sqrt(mp.pi) - 1, lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1)

NEARLY = mpf(10) ** -12  # for zero, where a function is a limit there
AIRY_EDGE = mpf(2) / 3 * mpf(2) ** mpf("1.5")
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
    "I0": Fit("I0(x) in x², x <= 10", even(lambda x: mp.besseli(0, x)), 0, 100, (16, 0)),
    "I1": Fit("I1(x)/x in x², x <= 10", even(lambda x: mp.besseli(1, x) / x), 0, 100, (15, 0)),
    "I0_LARGE": Fit(
        "√x exp(-x) I0(x) in 20/x - 1, 10 <= x",
        lambda t: unscaled(mp.besseli, 0, -1)(20 / (1 + t)), NEARLY - 1, 1, (18, 0),
    ),
    "I1_LARGE": Fit(
        "√x exp(-x) I1(x) in 20/x - 1, 10 <= x",
        lambda t: unscaled(mp.besseli, 1, -1)(20 / (1 + t)), NEARLY - 1, 1, (18, 0),
    ),
    "I0_NEAR": Fit("I0(x) in x², x <= 1", even(lambda x: mp.besseli(0, x)), 0, 1, (7, 0)),
    "I1_NEAR": Fit("I1(x)/x in x², x <= 1", even(lambda x: mp.besseli(1, x) / x), 0, 1, (7, 0)),
    "K0": Fit(
        "K0(x) + log(x/2) I0(x) in x², x <= 1",
        even(lambda x: mp.besselk(0, x) + mp.log(x / 2) * mp.besseli(0, x)), 0, 1, (4, 3),
    ),
    "K1": Fit(
        "(K1(x) - log(x/2) I1(x) - 1/x) / x in x², x <= 1 (error relative to K1)",
        even(lambda x: (mp.besselk(1, x) - mp.log(x / 2) * mp.besseli(1, x) - 1 / x) / x), 0, 1, (3, 3),
        even(lambda x: mp.besselk(1, x) / x),
    ),
    "K0_LARGE": Fit(
        "√x exp(x) K0(x) in 1/x, 1 <= x", lambda u: unscaled(mp.besselk, 0, 1)(1 / u), NEARLY, 1, (8, 8)
    ),
    "K1_LARGE": Fit(
        "√x exp(x) K1(x) in 1/x, 1 <= x", lambda u: unscaled(mp.besselk, 1, 1)(1 / u), NEARLY, 1, (8, 8)
    ),
    "J0": Fit(
        "J0(x) / (x² - j1²) / (x² - j2²) in x², x <= 5",
        even(regular_bessel(0, mp.besseljzero(0, 1), mp.besseljzero(0, 2))), 0, 25, (6, 5),
    ),
    "J1": Fit(
        "J1(x) / x / (x² - j1²) / (x² - j2²) in x², x <= 5",
        even(regular_bessel(1, mp.besseljzero(1, 1), mp.besseljzero(1, 2))), 0, 25, (5, 5),
    ),
    "Y0": Fit(
        "Y0(x) - 2/π log(x) J0(x) in x² - 12.5, x <= 5 (error absolute)",
        shifted(even(lambda x: mp.bessely(0, x) - 2 / mp.pi * mp.log(x) * mp.besselj(0, x)), mpf("12.5")),
        mpf("-12.5"), mpf("12.5"), (6, 6), one,
    ),
    "Y1": Fit(
        "(Y1(x) - 2/π (log(x) J1(x) - 1/x)) / x in x² - 12.5, x <= 5 (error absolute)",
        shifted(
            even(lambda x: (mp.bessely(1, x) - 2 / mp.pi * (mp.log(x) * mp.besselj(1, x) - 1 / x)) / x), mpf("12.5")
        ),
        mpf("-12.5"), mpf("12.5"), (6, 6), one,
    ),
    **{
        f"{letter}{order}": large(
            f"{'x ' * quadrature}{letter} of J{order}, Y{order} = √(2/πx) (P cos χ - Q sin χ, P sin χ + Q cos χ), "
            f"χ = x - {2 * order + 1}π/4, in 1/x², 5 <= x",
            wave(order, quadrature), (lambda x: x) if quadrature else one, 5, (6, 6 - quadrature),
        )
        for order in (0, 1)
        for letter, quadrature in (("P", False), ("Q", True))
    },
    "ATANH_REST": Fit(
        "(atanh(s)/s - 1) / s² in s², s² <= 0.05",
        at_zero(mpf(1) / 3, lambda z: (mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z), 0, mpf("0.05"), (4, 3),
    ),
    "AIRY_EVEN": Fit(
        "f of Ai(x) = Ai(0) f(x³) + Ai'(0) x g(x³), -2 <= x <= 1 (error absolute)",
        lambda y: mp.hyp0f1(mpf(2) / 3, y / 9), -8, 1, (9, 0), one,
    ),
    "AIRY_ODD": Fit("g of the same", lambda y: mp.hyp0f1(mpf(4) / 3, y / 9), -8, 1, (8, 0), one),
    "AIRY_LARGE": Fit(
        "2 √π x^¼ exp(ζ) Ai(x) in 1/ζ, ζ = ⅔ x^1.5, 1 <= x", airy_decaying, NEARLY, mpf("1.5"), (9, 8)
    ),
    "AIRY_P": large(
        "P of Ai(-t) = (P cos χ + Q sin χ) / (√π t^¼), χ = ζ - π/4, in 1/ζ², 2 <= t",
        airy_wave(False), one, AIRY_EDGE, (9, 9),
    ),
    "AIRY_Q": large("ζ Q of the same", airy_wave(True), lambda zeta: zeta, AIRY_EDGE, (9, 8)),
}  # fmt: skip


def show(name: str, fit: Fit) -> None:
    """Print a fit as a pair of tuples, highest power first, as ``ratio`` takes them."""
    p, q = fit.solve()
    amplification = fit.amplification(p, q)
    print(f"\n# {fit.what}: {mp.nstr(fit.error(p, q), 2)}.", end="")
    print(f" Amplification {mp.nstr(amplification, 2)}." if amplification > 2 else "")
    show_rows(name, [p, q])


def show_rows(name: str, rows: list[list[mpf]]) -> None:
    """Print a tuple of tuples, highest power first."""
    lines = [textwrap.fill(", ".join(repr(float(c)) for c in r[::-1]), 112, subsequent_indent=" " * 5) for r in rows]
    print(f"{name} = (\n" + "".join(f"    ({line},),\n" for line in lines) + ")")


def main(names: list[str]) -> None:
    """Print the named fits, or the whole module."""
    if not names:
        print(
            '"""Rational approximations P/Q by tools/fit_special.py; comments say of what, and the relative error."""'
        )
        print("\n# fmt: off")
    for name in names or [*FITS, "TEMME"]:
        if name == "TEMME":
            print("\n# c_k(η) of Temme's expansion (DLMF 8.12.8), for a >= 20, |η| <= 0.39: 3e-17 of Σ c_k a^-k.")
            show_rows(name, temme_fits(20, mpf("0.39"), mpf("3e-17")))
        else:
            show(name, FITS[name])


if __name__ == "__main__":
    main(sys.argv[1:])
