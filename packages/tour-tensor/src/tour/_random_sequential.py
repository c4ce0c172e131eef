"""Samplers whose next draw depends on the last one: shuffles, sampling of categories, rejection.

What can be done for many numbers at once is; the rest goes number by number, as in PyTorch, which these follow draw by draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tour._compiled import Socket

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tour._random_engine import Engine
    from tour._random_transforms import Array

# ---- shuffle ----------------------------------------------------------------------------------------------------------


def shuffle(words: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The order into which words shuffle one number more than there are words. Uses the words up."""
    n = words.size + 1
    if (r := _shuffle_form.serve(n, 16, words)) is not NotImplemented:
        return r  # type: ignore[no-any-return]
    words %= np.arange(n, 1, -1, dtype=np.uint32)  # cell i changes places with one of the n - i from i on
    partner = words.astype(np.intp)
    partner += np.arange(n - 1)
    return swap_forward(partner)


_shuffle_form = Socket(shuffle)


def swap_forward(partner: NDArray[np.intp]) -> NDArray[np.int64]:
    """Swap cell i with cell `partner[i]` ≥ i for i = 0, 1, …, in cells that hold 0 … len(partner).

    No step touches a cell before its own, so cell i ends with what step i finds in its partner. A stretch of steps is done at
    once; the last thousand go one by one.
    """
    n = len(partner) + 1
    cells = np.arange(n)
    done = 0
    while n - done > 1000:
        stop = done + min(
            n - 1 - done, int(50 * math.sqrt(n - done))
        )  # measured: longer ones meet themselves too often
        cells[done:stop] = _swap_stretch(cells, done, stop, partner[done:stop])
        done = stop
    rest = cells[done:].tolist()
    for i, j in enumerate((partner[done:] - done).tolist()):
        rest[i], rest[j] = rest[j], rest[i]
    cells[done:] = rest
    return cells


def swap_backward(partner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Swap cell i with cell `partner[i]` ≤ i for i = 0, 1, …, in cells that hold 0 … len(partner) - 1.

    From the last swap to the first and with the cells counted from the end, this is `swap_forward`, and undoes the order wanted.
    """
    last = len(partner) - 1
    undone = last - swap_forward((last - partner[:0:-1]).astype(np.intp))[::-1]
    out = np.empty_like(undone)
    out[undone] = np.arange(last + 1)
    return out


def _swap_stretch(cells: Array, start: int, stop: int, partner: Array) -> Array:
    """What the cells from `start` to `stop` hold after their steps; the cells behind them are written."""
    within = np.flatnonzero(partner < stop)  # these change cells whose own step is yet to come
    goal = partner.take(within) - start
    moves = goal != within
    origin = np.arange(stop - start)  # which cell's first content step i finds in cell i
    met = goal[moves]
    origin[met] = within[moves]  # that of the last step that wrote there, whose own may come from an earlier one
    while True:
        before = origin.take(met)
        origin[met] = further = origin.take(before)
        if np.array_equal(before, further):
            break
    own = cells[start:stop].take(origin)
    found = _exchange(cells, partner, own)
    still = within[~moves]
    found[still] = own[still]
    return found


def _exchange(cells: Array, at: Array, put: Array) -> Array:
    """Put `put[k]` into `cells[at[k]]`, in order; what each found there. Values for one cell differ.

    `take` with a mode looks up in a tenth of the time of `cells[at]`.
    """
    found = cells.take(at, mode="clip")
    cells[at[::-1].copy()] = put[::-1].copy()  # of several for one cell the last written stays: the first in order
    late = np.flatnonzero(cells.take(at, mode="clip") != put)
    if late.size:
        found[late] = _exchange(cells, at.take(late), put.take(late))
    return found


# ---- categories -------------------------------------------------------------------------------------------------------


def multinomial(engine: Engine, weights: Array, n: int, replacement: bool) -> NDArray[np.int64]:
    """`n` categories for each row of `weights` (rows, categories), shape (rows, n).

    One, or without replacement: the largest `n` of weights / Exp(1), in falling order (Efraimidis and Spirakis 2006).

    Raises:
        RuntimeError: a weight is negative, infinite or NaN, or a row's weights sum to 0.
    """
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise RuntimeError("multinomial: the weights contain inf, nan or an element < 0; give finite weights >= 0")
    if n == 1 or not replacement:
        _check_sums(weights.sum(-1))
        keys = engine.exponential(np.empty(weights.size, weights.dtype))
        by_column = abs(weights.strides[0]) < abs(weights.strides[1])  # drawn in the order of the weights' memory
        keys = keys.reshape(weights.T.shape).T if by_column else keys.reshape(weights.shape)
        with np.errstate(all="ignore"):
            keys = weights / keys
        return _largest(keys, n)
    cumulative = weights.cumsum(-1, dtype=np.result_type(weights.dtype, np.float32))
    _check_sums(cumulative[:, -1])
    cumulative /= cumulative[:, -1:].copy()
    cumulative[:, -1] = 1
    unit = engine.uniform(np.empty(len(weights) * n)).reshape(len(weights), n)
    if n < len(weights):
        return np.stack([(cumulative < unit[:, j, None]).sum(-1) for j in range(n)], 1)
    return _found(cumulative.astype(np.float64), unit)


def _found(rising: Array, wanted: Array) -> NDArray[np.int64]:
    """In each row the first place whose number is not smaller than wanted; both float64 in rows."""
    if (r := _found_form.serve(wanted.size, 1 << 10, rising, wanted)) is not NotImplemented:
        return r  # type: ignore[no-any-return]
    return np.stack([np.searchsorted(row, x) for row, x in zip(rising, wanted, strict=True)])


_found_form = Socket(_found)


def _check_sums(sums: Array) -> None:
    if not (sums > 0).all():
        raise RuntimeError("invalid multinomial distribution: the weights of a row sum to 0; at least one must be > 0")


def _largest(keys: Array, n: int) -> NDArray[np.int64]:
    """Where the `n` largest of each row are, the largest first."""
    if n == 1:
        best: NDArray[np.int64] = keys.argmax(-1, keepdims=True)
        return best
    low = -keys
    first = np.argpartition(low, n - 1, -1)[:, :n]
    order = np.argsort(np.take_along_axis(low, first, -1), -1, kind="stable")
    return np.take_along_axis(first, order, -1)


# ---- rejection --------------------------------------------------------------------------------------------------------

Draw = Callable[[], float]


def poisson(engine: Engine, rate: Array) -> Any:
    """A Poisson number for each of `rate`, all ≥ 0: uniforms multiplied until they fall to exp(-rate) (Knuth), or, from a rate
    of 10, by rejection."""
    rate = rate.astype(np.float64)
    limits = np.exp(-rate)
    with engine.lock:
        if (r := _poisson_form.serve(rate.size, 16, engine.bits, rate, limits)) is not NotImplemented:
            return r
        hats = _poisson_hats(rate[rate >= 10])
        out = []
        with engine.one_by_one() as draw:
            for x, limit in zip(rate.tolist(), limits.tolist(), strict=True):
                if x >= 10:
                    out.append(_poisson_large(x, *next(hats), draw))
                    continue
                count = 0
                if x:
                    product = draw()
                    while product > limit:
                        count += 1
                        product *= draw()
                out.append(count)
    return out


_poisson_form = Socket(poisson)


def _poisson_hats(rate: Array) -> Iterator[tuple[float, float, float, float, float]]:
    """The constants of `_poisson_large` for each rate; logarithms by the C library, whose last bits compiled code has too."""
    b = 0.931 + 2.53 * np.sqrt(rate)
    a = -0.059 + 0.02483 * b
    v_r, alpha = 0.9277 - 3.6224 / (b - 2), 1.1239 + 1.1328 / (b - 3.4)
    logs = ([*map(math.log, x.tolist())] for x in (rate, alpha))
    return zip(a.tolist(), b.tolist(), v_r.tolist(), *logs, strict=True)


def _poisson_large(rate: float, a: float, b: float, v_r: float, log_rate: float, log_alpha: float, draw: Draw) -> int:
    """Transformed rejection (Hörmann 1993, PTRS)."""
    while True:
        u = draw() - 0.5
        v = draw()
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= v_r:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        height = math.log(v or TINY) + log_alpha - math.log(a / (us * us) + b)
        if height <= -rate + k * log_rate - _log_factorial(k):
            return k


def binomial(engine: Engine, count: Array, prob: Array) -> Any:
    """A binomial number for each pair of `count` and `prob`, both float32 or both float64, whose precision PyTorch keeps.

    NaN where either is NaN or the count is infinite.
    """
    flipped = prob > 0.5
    small = np.where(flipped, 1 - prob, prob)  # the probability of the rarer outcome
    none, all_ = (count <= 0) | (prob <= 0), (count > 0) & (prob >= 1)
    trivial = none | all_ | ~np.isfinite(count) | np.isnan(prob)
    with np.errstate(all="ignore"):
        mean = count * small
        columns = (count, small, np.log1p(-small), np.sqrt(mean * (1 - small)), mean, small / (1 - small),
                   np.floor((count + 1) * small))  # fmt: skip
    constants = np.empty((len(columns), count.size))
    for row, column in zip(constants, columns, strict=True):
        row[:] = column
    kind = np.where(trivial, -1, flipped + 2 * (mean >= 10))  # nothing to draw; from the other outcome; many
    out = np.where(none, 0, np.where(all_, count, np.nan)).astype(np.float64)
    with engine.lock:
        if (r := _binomial_form.serve(out.size, 16, engine.bits, kind, out, constants)) is not NotImplemented:
            return r
        with engine.one_by_one() as draw:
            for i in np.flatnonzero(~trivial).tolist():
                total, p, log_miss, deviation, mean, odds, mode = constants[:, i].tolist()
                if kind[i] & 2:
                    hits = _binomial_large(total, p, deviation, mean, odds, mode, draw)
                else:
                    hits = _binomial_small(total, log_miss, draw)
                out[i] = total - hits if flipped[i] else hits
    return out


_binomial_form = Socket(binomial)


def _binomial_small(total: float, log_miss: float, draw: Draw) -> float:
    """Geometric waiting times until they exceed `total` trials."""
    hits, trials = 0, 0.0
    while True:
        trials += math.ceil(math.log(draw() or TINY) / log_miss)
        if trials > total:
            return hits
        hits += 1


def _binomial_large(
    total: float, p: float, deviation: float, mean: float, odds: float, mode: float, draw: Draw
) -> float:
    """Transformed rejection with squeeze (Hörmann 1993, BTRS)."""
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    c = mean + 0.5
    v_r = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * deviation
    while True:
        u = draw() - 0.5
        v = draw()
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = math.floor((2 * a / us + b) * u + c)
        if k < 0 or k > total:
            continue
        if us >= 0.07 and v <= v_r:
            return k
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (odds * (total - mode + 1)))
            + (total + 1) * math.log((total - mode + 1) / (total - k + 1))
            + (k + 0.5) * math.log(odds * (total - k + 1) / (k + 1))
            + _stirling_tail(mode)
            + _stirling_tail(total - mode)
            - _stirling_tail(k)
            - _stirling_tail(total - k)
        )
        if math.log((v or TINY) * alpha / (a / (us * us) + b)) <= bound:
            return k


def _log_factorial(k: float) -> float:
    """log k!, by Stirling's approximation and its tail."""
    return HALF_LOG_2PI + (k + 0.5) * math.log(k + 1) - (k + 1) + _stirling_tail(k)


def _stirling_tail(k: float) -> float:
    """log k! less Stirling's approximation of it."""
    if k <= 9:
        return STIRLING_TAILS[int(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


HALF_LOG_2PI = math.log(2 * math.pi) / 2
STIRLING_TAILS = tuple(math.lgamma(k + 1) - (HALF_LOG_2PI + (k + 0.5) * math.log(k + 1) - (k + 1)) for k in range(10))
TINY = 5e-324  # stands for a uniform of 0, whose logarithm Python refuses
