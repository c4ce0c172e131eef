"""State side by side and arithmetic in blocks give the steps that each parameter would take alone."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import tour
from tour import optim
from tour.optim._elementwise import passes

ELEMENTWISE: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    ("SGD", {"lr": 0.1}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.01}),
    ("AdamW", {}),
    ("Adamax", {}),
    ("NAdam", {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("RAdam", {"betas": (0.9, 0.5)}),
    ("Adagrad", {"initial_accumulator_value": 0.1}),
    ("Adadelta", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Rprop", {}),
    ("ASGD", {"t0": 2}),
]
each_optimizer = pytest.mark.parametrize(("name", "options"), ELEMENTWISE, ids=[n for n, _ in ELEMENTWISE])

# Small ones that are gathered, none at all, some that fill a block alone, and some that take several.
SHAPES: list[tuple[int, ...]] = [(3,), (), (2, 0), (0,), (200, 70), (50, 400), (7,), (3, 5, 5), (300, 401), (11,)]


def make(shapes: list[tuple[int, ...]], dtype: Any, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    arrays = [
        rng.standard_normal(s) + (1j * rng.standard_normal(s) if np.dtype(dtype).kind == "c" else 0) for s in shapes
    ]
    return [tour.tensor(np.asarray(a).astype(dtype)) for a in arrays]


def run(name: str, options: dict[str, Any], params: list[Any], grads: Any, together: bool) -> list[Any]:
    """Parameters after steps by one optimizer for all, or one for each."""
    build = getattr(optim, name)
    optimizers = [build(params, **options)] if together else [build([p], **options) for p in params]
    for step in grads:
        for p, g in zip(params, step, strict=True):
            p.grad = g
        for optimizer in optimizers:
            optimizer.step()
    return [p.detach().numpy().copy() for p in params]


def leaves(tensors: list[Any]) -> list[Any]:
    return [t.clone().requires_grad_() for t in tensors]


@each_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_together_is_as_alone(name: str, options: dict[str, Any], dtype: Any) -> None:
    start = make(SHAPES, dtype)
    grads = [make(SHAPES, dtype, seed) for seed in (1, 2, 3)]
    together = run(name, options, leaves(start), grads, together=True)
    alone = run(name, options, leaves(start), grads, together=False)
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_array_equal(a, b)


@each_optimizer
def test_parameters_without_gradient_are_skipped(name: str, options: dict[str, Any]) -> None:
    start = make(SHAPES, np.float32)
    rng = np.random.default_rng(0)
    grads = [[g if rng.random() < 0.6 else None for g in make(SHAPES, np.float32, seed)] for seed in range(1, 9)]
    grads[3] = [None] * len(SHAPES)
    together = run(name, options, leaves(start), grads, together=True)
    alone = run(name, options, leaves(start), grads, together=False)
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32_and_rounded_once(dtype: str) -> None:
    narrow = getattr(tour, dtype)
    start = [t.to(narrow) for t in make([(40, 900), (3,)], np.float32)]
    grads = [[g.to(narrow) for g in make([(40, 900), (3,)], np.float32, 1)]]
    got = run("SGD", {"lr": 0.1}, leaves(start), grads, together=True)
    wide = run(
        "SGD", {"lr": 0.1}, leaves([t.to(tour.float32) for t in start]), [[g.to(tour.float32) for g in grads[0]]], True
    )
    for a, b in zip(got, wide, strict=True):
        np.testing.assert_array_equal(a, b.astype(a.dtype))


@pytest.mark.parametrize("shape", [(6, 4), (300, 401)])
@pytest.mark.parametrize("layout", ["transposed", "strided", "reversed"])
def test_any_memory_layout(shape: tuple[int, int], layout: str) -> None:
    dense, other, grad = (np.random.default_rng(seed).standard_normal(shape) for seed in (0, 1, 2))
    view = {
        "transposed": lambda a: a.T.copy().T,
        "strided": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        "reversed": lambda a: a[::-1].copy()[::-1],
    }[layout]
    params = [tour.from_numpy(view(dense)).requires_grad_(), tour.from_numpy(other.copy()).requires_grad_()]
    grads = [[tour.from_numpy(view(grad)), tour.from_numpy(view(grad))]] * 3
    expected = [tour.tensor(a, requires_grad=True) for a in (dense, other)]
    got = run("Adam", {"lr": 0.1}, params, grads, together=True)
    want = run("Adam", {"lr": 0.1}, expected, [[tour.tensor(grad)] * 2] * 3, together=False)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


def test_parameters_keep_their_arrays() -> None:
    array = np.ones(3, np.float32)
    p, q = tour.from_numpy(array).requires_grad_(), tour.ones(4, requires_grad=True)
    p.grad, q.grad = tour.ones(3), tour.ones(4)
    optim.SGD([p, q], lr=0.5).step()
    np.testing.assert_array_equal(array, 0.5)
    assert p.numpy(force=True) is array


def test_parameters_that_share_memory_take_both_steps() -> None:
    base = tour.zeros(10)
    a, b = base[:6].detach().requires_grad_(), base[3:].detach().requires_grad_()
    a.grad, b.grad = tour.ones(6), tour.ones(7)
    optim.SGD([b, a], lr=1.0).step()
    assert base.tolist() == [-1.0] * 3 + [-2.0] * 3 + [-1.0] * 4


def test_passes_keep_the_order() -> None:
    base = tour.zeros(10)
    assert passes([base[5:], base[:5]]) == [[0, 1]]
    assert passes([base, base[:2], base[5:], base[1:3]]) == [[0], [1, 2], [3]]


def test_a_parameter_given_twice_takes_two_steps() -> None:
    p = tour.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optimizer = optim.Adam([p, p], lr=0.1)
    p.grad = tour.ones(2)
    optimizer.step()
    assert optimizer.state[p]["step"].item() == 2
    np.testing.assert_allclose(p.detach().numpy(), 0.8, rtol=1e-6)


def test_read_only_parameter_is_refused_before_anything_is_written() -> None:
    array = np.ones(3, np.float32)
    p, q = tour.ones(2, requires_grad=True), tour.from_numpy(array).requires_grad_()
    array.flags.writeable = False
    p.grad, q.grad = tour.ones(2), tour.ones(3)
    with pytest.raises(RuntimeError, match=r"parameter 1, of shape \[3\], is a read-only array"):
        optim.SGD([p, q], lr=1.0).step()
    assert p.tolist() == [1.0, 1.0]


class TestState:
    """`optimizer.state[p]` is the state: what is written into it or put there counts."""

    def setup_method(self) -> None:
        self.p, self.q = tour.zeros(3, requires_grad=True), tour.zeros(4, requires_grad=True)
        self.p.grad, self.q.grad = tour.ones(3), tour.ones(4)
        self.optimizer = optim.Adam([self.p, self.q], lr=0.1)
        self.optimizer.step()
        self.state = self.optimizer.state[self.p]

    def test_views_of_one_buffer(self) -> None:
        roots = {id(self.optimizer.state[x]["exp_avg"].numpy().base) for x in (self.p, self.q)}
        assert len(roots) == 1

    def test_written_values_count(self) -> None:
        self.state["exp_avg"].numpy()[...] = 7.0
        self.optimizer.step()
        np.testing.assert_allclose(self.state["exp_avg"].numpy(), 6.4, rtol=1e-6)

    def test_a_tensor_put_there_is_used_and_stays_the_same_tensor(self) -> None:
        mine = tour.full((3,), 7.0)
        self.state["exp_avg"] = mine
        self.optimizer.step()
        assert self.state["exp_avg"] is mine
        np.testing.assert_allclose(mine.numpy(), 6.4, rtol=1e-6)

    def test_step_counts_may_differ(self) -> None:
        self.state["step"].numpy()[...] = 100
        self.optimizer.step()
        assert [self.optimizer.state[x]["step"].item() for x in (self.p, self.q)] == [101, 2]
        assert self.p.tolist() != [self.q.tolist()[0]] * 3

    def test_forgotten_state_starts_anew(self) -> None:
        del self.optimizer.state[self.p]
        self.optimizer.step()
        assert [self.optimizer.state[x]["step"].item() for x in (self.p, self.q)] == [1, 2]

    def test_state_follows_the_dtype(self) -> None:
        self.p.data, self.p.grad = self.p.detach().to(tour.float64), None
        self.p.grad = tour.ones(3, dtype=tour.float64)
        self.optimizer.step()
        assert self.optimizer.state[self.p]["exp_avg"].dtype is tour.float64
        assert self.optimizer.state[self.p]["step"].item() == 2

    def test_an_option_that_needs_more_state(self) -> None:
        self.optimizer.param_groups[0]["amsgrad"] = True
        self.optimizer.step()
        assert list(self.optimizer.state[self.p]) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]

    def test_misshaped_state_is_refused(self) -> None:
        self.state["exp_avg"] = tour.zeros(1)
        with pytest.raises(RuntimeError, match=r"state 'exp_avg' has shape \[1\], but its parameter needs \[3\]"):
            self.optimizer.step()


def test_momentum_may_come_later() -> None:
    p = tour.zeros(1, requires_grad=True)
    optimizer = optim.SGD([p], lr=1.0)
    p.grad = tour.ones(1)
    optimizer.step()
    assert not optimizer.state_dict()["state"]
    optimizer.param_groups[0]["momentum"] = 0.5
    optimizer.step()
    optimizer.step()
    assert p.tolist() == [-1.0 - 1.0 - 1.5]


def test_kernel_socket() -> None:
    calls = []

    class Mine(optim.SGD):
        pass

    def kernel(params: list[Any], grads: list[Any], s: Any, h: Any) -> Any:
        calls.append((len(params), len(grads), s.momentum_buffer.size, h.lr))
        if len(calls) > 1:
            return NotImplemented
        for p in params:
            p[...] = 42.0
        return None

    Mine.kernels[np.ndarray] = kernel
    params = leaves(make([(3,), (2, 2)], np.float32))
    optimizer = Mine(params, lr=0.5, momentum=0.9)
    for p in params:
        p.grad = tour.ones(*p.shape)
    optimizer.step()
    assert all((p.detach().numpy() == 42).all() for p in params)
    optimizer.step()
    assert calls == [(2, 2, 7, 0.5)] * 2
    assert not any((p.detach().numpy() == 42).any() for p in params)
    assert not optim.SGD.kernels


def test_infinite_gradients_pass_silently() -> None:
    p = tour.zeros(3, requires_grad=True)
    p.grad = tour.tensor([float("inf"), float("nan"), 1.0])
    optim.Adam([p]).step()
    assert np.isnan(p.detach().numpy()).tolist() == [True, True, False]


def test_default_dtype_float64_counts_in_float64() -> None:
    tour.set_default_dtype(tour.float64)
    try:
        p = tour.zeros(1, requires_grad=True)
        p.grad = tour.ones(1)
        optimizer = optim.Adam([p])
        optimizer.step()
        assert optimizer.state[p]["step"].dtype is tour.float64
    finally:
        tour.set_default_dtype(tour.float32)


def test_many_small_tensors_cost_less_than_one_by_one() -> None:
    """The budget: a step over 200 tensors takes less than 0.7 of a plain NumPy loop over them."""
    params = leaves(make([(10, 100)] * 200, np.float32))
    for p in params:
        p.grad = tour.ones(10, 100)
    optimizer = optim.Adam(params)
    arrays = [(p.detach().numpy(), np.ones((10, 100), np.float32)) for p in params]
    moments = [(np.zeros_like(a), np.zeros_like(a)) for a, _ in arrays]

    def loop() -> None:
        for (p, g), (m, v) in zip(arrays, moments, strict=True):
            m += (g - m) * 0.1
            v *= 0.999
            v += 0.001 * g * g
            p -= 0.001 * m / (np.sqrt(v) / 0.5 + 1e-8)

    def best(f: Any) -> float:
        times = []
        for _ in range(15):
            begin = time.perf_counter()
            f()
            times.append(time.perf_counter() - begin)
        return min(times)

    best(optimizer.step), best(loop)
    assert best(optimizer.step) < 0.7 * best(loop)
