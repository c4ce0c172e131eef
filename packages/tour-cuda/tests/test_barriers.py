"""That the simulator would notice a missing barrier: each one is taken out of the source, and a result must change."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from tour.cuda import _source
from tour.cuda.forms import attention, normalization, rows

pytestmark = pytest.mark.simulator

BARRIER = "__syncthreads();"
SEEDS = range(4)  # which warp goes first

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


X, G, W = normal(6, 700), normal(6, 700), normal(700)


def _rows():
    y = rows.softmax(X, 1)
    return y, rows.softmax_grad(G, y, 1)


def _norms():
    y, mean, rstd = normalization.layer_norm(X, (700,), W, W, 1e-5)
    return y, *normalization.layer_norm_grad(G, X, (700,), mean, rstd, W, (True, True, True))


Q, K, V = normal(2, 80, 8), normal(2, 80, 8), normal(2, 80, 8)


def _attention():
    out, sums = attention.attention(Q, K, V, None, None, True, 0.5)
    return out, sums, *attention.attention_grad(K, Q, K, V, None, None, True, 0.5, out, sums)[:3]


# What runs every barrier of a source, and gives the same numbers each time.
PROBES: dict[str, Callable[[], tuple[np.ndarray, ...]]] = {"rows": _rows, "norms": _norms, "attention": _attention}


def barriers(text):
    return [match.start() for match in re.finditer(re.escape(BARRIER), text)]


COMMON = len(barriers((_source.FOLDER / "common.cuh").read_text(encoding="utf-8")))  # they come first in every source


def cases():
    """Each barrier once: a source, and the number of a barrier in it; those of common.cuh in the source that uses them all."""
    for file in _source.files():
        count = len(barriers(_source.text(file)))
        yield from [(file, i) for i in range(0 if file == "rows" else COMMON, count)]


@pytest.mark.parametrize(("file", "number"), list(cases()))
def test_a_missing_barrier_is_seen(simulated, file, number):
    expected, text = PROBES[file](), _source.text(file)
    spot = barriers(text)[number]
    simulated.texts[file] = text[:spot] + text[spot + len(BARRIER) :]
    for simulated.seed in SEEDS:
        try:
            got = PROBES[file]()
        except AssertionError:  # threads that wait for ever, or a write beside an array
            return
        if any(not np.array_equal(a, e, equal_nan=True) for a, e in zip(got, expected, strict=True)):
            return
    raise AssertionError(f"without barrier {number} of {file} every result is the same")


@pytest.mark.parametrize("file", sorted(PROBES))
def test_the_order_of_warps_changes_nothing(simulated, file):
    expected = PROBES[file]()
    for simulated.seed in SEEDS:
        for a, e in zip(PROBES[file](), expected, strict=True):
            np.testing.assert_array_equal(a, e)
