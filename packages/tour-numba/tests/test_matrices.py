"""Matrix products in compiled form: every residue of every dimension, every layout, stacks, biases; as exact as PyTorch's."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tour
from tour.numba.forms import matrices

WIDE, LANES, DEPTH, HEIGHT = matrices.WIDE, matrices.LANES, matrices.DEPTH, matrices.HEIGHT
THIN = 192  # rows up to which panels are read where they lie
EPS = np.finfo(np.float32).eps

# Root mean square of PyTorch 2.13's errors, relative to that of the exact result, for standard normal matrices of these sizes m, n, k.
PYTORCH = {(64, 512, 784): 2.49e-7, (130, 70, 1000): 2.52e-7, (33, 65, 3000): 2.55e-7}


@pytest.fixture(autouse=True)
def _small_ones_too(monkeypatch):
    monkeypatch.setattr(matrices, "TINY", 0)


def matrix(rng, height, width, layout):
    """A matrix with adjacent rows, adjacent columns, or neither."""
    if layout == "rows":
        return rng.standard_normal((height, width), np.float32)
    if layout == "columns":
        return rng.standard_normal((width, height), np.float32).T
    return rng.standard_normal((2 * height, 3 * width + 1), np.float32)[::-2, 1::3]


def close(y, a, b):
    """`y` is a @ b but for rounding."""
    a, b = np.float64(a), np.float64(b)
    assert y.dtype == np.float32 and y.shape == np.matmul(a, b).shape and y.flags.c_contiguous
    assert (np.abs(y - np.matmul(a, b)) <= 4 * EPS * np.matmul(abs(a), abs(b))).all()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("other", ["rows", "columns", "neither"])
@pytest.mark.parametrize("layout", ["rows", "columns", "neither"])
def test_every_residue(guarded, rng, monkeypatch, layout, other, threads):
    monkeypatch.setattr(matrices, "ALONE", 0)
    before = tour.get_num_threads()
    tour.set_num_threads(threads)
    try:
        heights = [*range(2, 14), 16, 22, HEIGHT - 1, HEIGHT, HEIGHT + 1, HEIGHT + 8, THIN, THIN + 1, THIN + HEIGHT]
        widths = [*range(2, LANES + 2), 2 * LANES - 1, 3 * LANES, WIDE - 1, WIDE, WIDE + 1, 5 * WIDE + 3]
        depths = [*range(1, LANES + 2), 2 * LANES, 3 * LANES + 5]
        for m, n, k in [
            *((m, WIDE + 3, 7) for m in heights), *((HEIGHT + 5, n, LANES + 1) for n in widths),
            *((9, 2 * LANES + 1, k) for k in depths), (2, 2, 1), (THIN + 1, 2 * WIDE, DEPTH + 1),
            (7, WIDE + 1, DEPTH), (7, WIDE, DEPTH + 1), (50, 5, 2 * DEPTH + 3),
        ]:  # fmt: skip
            a, b = matrix(rng, m, k, layout), matrix(rng, k, n, other)
            close(matrices.product(a, b), a, b)
    finally:
        tour.set_num_threads(before)
    guarded.check()


@pytest.mark.parametrize("threads", [1, 2])
def test_few_rows_with_a_matrix_whose_rows_are_adjacent(guarded, rng, monkeypatch, threads):
    """There the smaller factor is turned, and the result; as in linear layers."""
    monkeypatch.setattr(matrices, "ALONE", 0)
    before = tour.get_num_threads()
    tour.set_num_threads(threads)
    try:
        rows = [*range(max(2, LANES - 3), LANES + 1), 2 * LANES - 1, 4 * LANES - 5, WIDE, WIDE + LANES, THIN - 1, THIN]
        for m, n, k in [
            *((m, 6 * WIDE, 130) for m in rows), *((LANES, 5 * WIDE + i, 97 + i) for i in range(LANES + 1)),
            (LANES, HEIGHT + 7, 300), (LANES - 1, 2 * WIDE, DEPTH), (2 * LANES, 7 * LANES + 3, DEPTH + 1),
            (WIDE, 5 * WIDE + 1, 2 * DEPTH + 9),
        ]:  # fmt: skip
            x, w, b = (guarded.input(rng.standard_normal(s, np.float32)) for s in ((m, k), (n, k), (n,)))
            close(matrices.affine(x, w, None), x, w.T)
            close(matrices.affine(x, w, b), np.column_stack([x, np.ones(m)]), np.vstack([w.T, b]))
            spread = rng.standard_normal((2 * n, k + 3), np.float32)[::-2, 3:]
            close(matrices.product(x[:, ::-1], spread.T), x[:, ::-1], spread.T)
    finally:
        tour.set_num_threads(before)


def test_nothing_outside_is_read(guarded, rng):
    for m, n, k in [(5, 3, 7), (13, LANES + 1, LANES), (50, WIDE + 2, 2 * LANES + 1)]:
        a, b = (guarded.input(rng.standard_normal(s, np.float32)) for s in ((m, k), (k, n)))
        close(matrices.product(a, b), a, b)
        at, bt = (guarded.input(rng.standard_normal(s, np.float32)).T for s in ((k, m), (n, k)))
        close(matrices.product(at, bt), at, bt)


@pytest.mark.parametrize("m, n, k", [(5, 10, 7), (HEIGHT + 3, WIDE, LANES), (64, WIDE + 10, 2 * DEPTH + 1)])
def test_affine(guarded, rng, m, n, k):
    x, w, b = (guarded.input(rng.standard_normal(s, np.float32)) for s in ((m, k), (n, k), (n,)))
    close(matrices.affine(x, w, None), x, w.T)
    close(matrices.affine(x, w, b), np.column_stack([x, np.ones(m)]), np.vstack([w.T, b]))
    close(matrices.affine(x, w, b[::-1]), np.column_stack([x, np.ones(m)]), np.vstack([w.T, b[::-1]]))


@pytest.mark.parametrize(
    "left, right",
    [((3,), (3,)), ((3,), ()), ((), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((1, 3), (2, 1)), ((2, 1, 2), (3, 1))],
)
def test_stacks(guarded, rng, left, right):
    for m, n, k in ((5, 7, 9), (50, WIDE + 1, 3)):
        a, b = (guarded.input(rng.standard_normal(s, np.float32)) for s in ((*left, m, k), (*right, n, k)))
        close(matrices.product(a, b.swapaxes(-1, -2)), a, b.swapaxes(-1, -2))
        a = rng.standard_normal((m, *left, k), np.float32)
        a = a.transpose(*range(1, a.ndim - 1), 0, a.ndim - 1)  # heads apart, rows far from each other
        close(matrices.product(a, b.swapaxes(-1, -2)), a, b.swapaxes(-1, -2))
        still = np.broadcast_to(rng.standard_normal(k).astype(np.float32), (4, m, k))
        close(
            matrices.product(still, b.swapaxes(-1, -2)[(0,) * len(right)]), still, b.swapaxes(-1, -2)[(0,) * len(right)]
        )


@pytest.mark.parametrize("count", [1, 2, 31, 33, 64, 100, 1000])
def test_threads_share_many_small_products(guarded, rng, monkeypatch, count):
    monkeypatch.setattr(matrices, "ALONE", 0)
    a, b = (guarded.input(rng.standard_normal(s, np.float32)) for s in ((count, 5, 7), (count, 7, 6)))
    close(matrices.product(a, b), a, b)


@pytest.mark.parametrize("m, n, k", PYTORCH)
def test_errors_are_at_most_twice_those_of_pytorch(rng, m, n, k):
    a, b = rng.standard_normal((m, k), np.float32), rng.standard_normal((k, n), np.float32)
    exact = np.float64(a) @ np.float64(b)
    error = np.sqrt(np.mean((matrices.product(a, b) - exact) ** 2) / np.mean(exact**2))
    assert error <= 2 * PYTORCH[m, n, k]


def test_what_is_not_finite_stays_in_its_rows_and_columns(rng):
    a, b = rng.standard_normal((60, 70), np.float32), rng.standard_normal((70, WIDE + 5), np.float32)
    a[3, 4], b[1, WIDE + 2] = np.inf, np.nan
    y = matrices.product(a, b)
    assert not np.isfinite(y[3]).any() and np.isnan(y[:, WIDE + 2]).all()
    y[3], y[:, WIDE + 2] = 0, 0
    assert np.isfinite(y).all()


def test_what_is_left_to_numpy(rng, monkeypatch):
    a, b = rng.standard_normal((4, 5)), rng.standard_normal((5, 6))
    assert matrices.product(a, b) is NotImplemented
    a, b = a.astype(np.float32), b.astype(np.float32)
    assert matrices.product(a, b[:4]) is NotImplemented and matrices.product(a[0], b) is NotImplemented
    assert matrices.product(a[:0], b) is NotImplemented and matrices.product(a[:, :0], b[:0]) is NotImplemented
    assert (
        matrices.product(a[:1], b) is NotImplemented and matrices.product(a, b[:, :1]) is NotImplemented
    )  # BLAS is as fast
    monkeypatch.setattr(matrices, "TINY", 4 * 5 * 6)  # at most ALONE
    assert matrices.product(a, b) is NotImplemented  # so is a kernel of its own for small ones
    assert matrices.product(a, b.T.copy().T) is not NotImplemented
    assert matrices.affine(a, b, None) is NotImplemented and matrices.affine(a, b.T, a[0]) is NotImplemented


def test_several_python_threads(rng):
    a, b = rng.standard_normal((200, 300), np.float32), rng.standard_normal((300, 200), np.float32)
    wanted, wrong = matrices.product(a, b), []

    def work() -> None:
        for _ in range(20):
            if not np.array_equal(matrices.product(a, b), wanted):
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not wrong


def test_linear_layers_and_their_gradients_take_it(monkeypatch):
    calls = []
    run = matrices._run
    monkeypatch.setattr(matrices, "_run", lambda *args: calls.append(args[4:7]) or run(*args))
    x, net = tour.randn(64, 96, requires_grad=True), tour.nn.Linear(96, 128)
    net(x).sum().backward()
    assert calls == [(64, 128, 96), (64, 96, 128), (128, 96, 64)]
    ones = np.ones((64, 128))
    close(x.grad.numpy(), ones, net.weight.detach().numpy())
    close(net.weight.grad.numpy(), ones.T, x.detach().numpy())
    calls.clear()
    a, b = tour.randn(2, 3, 64, 64, requires_grad=True), tour.randn(3, 64, 80, requires_grad=True)
    (a @ b).sum().backward()
    assert calls == [(64, 80, 64), (64, 64, 80), (64, 80, 64)]
    close(a.grad.numpy(), np.ones((2, 3, 64, 80)), b.detach().numpy().swapaxes(1, 2))
