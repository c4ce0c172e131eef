"""A line search for steps that satisfy the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Point", "strong_wolfe"]


class Point(NamedTuple):
    """A place on the line: how far along, the loss there, its gradient, and its slope along the line."""

    t: float
    value: float
    grad: Any
    slope: np.float64


def strong_wolfe(
    phi: Callable[[float], Point],
    start: Point,
    t: float,
    size: float,
    max_steps: int,
    tolerance: float = 1e-9,
    c1: float = 1e-4,
    c2: float = 0.9,
) -> Point:
    """A point that lies low enough and is flat enough: φ(t) ≤ φ(0) + c₁tφ′(0) and |φ′(t)| ≤ c₂|φ′(0)|.

    First a bracket is found that must hold such a point, then it is narrowed; both by cubic interpolation. Nocedal & Wright, Numerical
    Optimization, 2nd ed., algorithms 3.5 and 3.6, with the safeguards of minFunc (Schmidt), which PyTorch follows too.

    Args:
        phi: Evaluates the line at a distance.
        start: The point at distance 0, where the slope is negative.
        t: The first distance to try.
        size: The largest component of the direction.
        max_steps: How many more evaluations may follow the first.
        tolerance: A bracket with all components closer than this is not narrowed further.
        c1: Sufficient decrease.
        c2: Curvature.

    Returns:
        The point found, or the lowest one seen when evaluations run out.
    """

    def too_high(point: Point) -> bool:
        return bool(point.value > start.value + c1 * point.t * start.slope)

    def flat(point: Point) -> bool:
        return bool(abs(point.slope) <= -c2 * start.slope)

    previous, new = start, phi(t)
    step = 0
    while step < max_steps:
        if too_high(new) or (step > 1 and new.value >= previous.value):
            break
        if flat(new):
            return new
        if new.slope >= 0:
            break
        t = _cubic_minimum(previous, new, (new.t + 0.01 * (new.t - previous.t), new.t * 10))
        previous, new = new, phi(t)
        step += 1
    else:
        previous = start
    ends = [previous, new]
    low, high = _order(ends)
    stuck = False
    while step < max_steps and abs(ends[1].t - ends[0].t) * size >= tolerance:
        t, stuck = _inside(_cubic_minimum(ends[0], ends[1]), ends, stuck)
        new = phi(t)
        step += 1
        if too_high(new) or new.value >= ends[low].value:
            ends[high] = new
            low, high = _order(ends)
            continue
        if flat(new):
            return new
        if new.slope * (ends[high].t - ends[low].t) >= 0:
            ends[high] = ends[low]
        ends[low] = new
    return ends[low]


def _order(ends: list[Point]) -> tuple[int, int]:
    """Which end lies lower, and which higher."""
    return (0, 1) if ends[0].value <= ends[1].value else (1, 0)


def _inside(t: float, ends: list[Point], stuck: bool) -> tuple[float, bool]:
    """`t`, moved a tenth of the bracket away from an end that it is close to for the second time; and whether it is close."""
    left, right = sorted((ends[0].t, ends[1].t))
    margin = 0.1 * (right - left)
    if not min(right - t, t - left) < margin:
        return t, False
    if not (stuck or t >= right or t <= left):
        return t, True
    return (right - margin if abs(t - right) < abs(t - left) else left + margin), False


def _cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through two points with their slopes has its minimum, within bounds (the points, if None are given)."""
    low, high = bounds or sorted((a.t, b.t))
    if a.t > b.t:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / np.float64(a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = np.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return float(min(max(t, low), high))
