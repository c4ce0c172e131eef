"""Matrices of Winograd's convolution F(m x m, 3 x 3), by Toom and Cook's construction from points (Lavin and Gray, 2016).

y = Aᵀ ((G w Gᵀ) ⊙ (Bᵀ x B)) A takes (m + 2)² products for m² results instead of 9 m². The points 0, 1, -1, 1/2, -2 for m = 4 lose
half as many digits as the usual 0, ±1, ±2: the root of the mean square of the error is four to nine times that of the plain sum.
"""

from __future__ import annotations

from fractions import Fraction

Matrix = list[list[Fraction]]

POINTS = {2: (0, 1, -1), 4: (0, 1, -1, Fraction(1, 2), -2)}
TAPS = 3


def _polynomial(roots: list[Fraction]) -> list[Fraction]:
    """Coefficients of the polynomial with these roots, the lowest first."""
    p = [Fraction(1)]
    for root in roots:
        p = [up - root * here for up, here in zip([Fraction(0), *p], [*p, Fraction(0)], strict=True)]
    return p


def matrices(m: int) -> tuple[Matrix, Matrix, Matrix]:
    """Aᵀ (m, n), G (n, 3) and Bᵀ (n, n), with n = m + 2.

    Examples:
        >>> at, g, bt = matrices(2)
        >>> [list(map(str, row)) for row in g]
        [['-1', '0', '0'], ['1/2', '1/2', '1/2'], ['1/2', '-1/2', '1/2'], ['0', '0', '1']]
    """
    points = [Fraction(p) for p in POINTS[m]]
    n = m + TAPS - 1
    others = [[q for q in points if q != p] for p in points]
    at = [[p**i for p in points] + [Fraction(i == m - 1)] for i in range(m)]
    bt, g = [], []
    for p, rest in zip(points, others, strict=True):
        weight = Fraction(1)
        for q in rest:
            weight *= p - q
        g.append([p**i / weight for i in range(TAPS)])
        bt.append(_polynomial(rest) + [Fraction(0)] * (n - len(rest) - 1))
    g.append([Fraction(0)] * (TAPS - 1) + [Fraction(1)])
    bt.append(_polynomial(points))
    return at, g, bt
