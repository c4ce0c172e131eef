"""L-BFGS against PyTorch's losses on Rosenbrock's function, and its line search against the conditions it promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tour
from tour import optim
from tour.optim._wolfe import Point, strong_wolfe

CASES = json.loads((Path(__file__).parent / "golden" / "lbfgs.json").read_text())


def rosenbrock(x: Any) -> Any:
    return ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def closure_for(optimizer: Any, f: Any) -> Any:
    def closure() -> Any:
        optimizer.zero_grad()
        loss = f()
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(f"{k}={v}" for k, v in case["options"].items()))
def test_equals_pytorch(case: dict[str, Any]) -> None:
    x = tour.linspace(-1.0, 1.5, 6, dtype=tour.float64).requires_grad_()
    optimizer = optim.LBFGS([x], **case["options"])
    closure = closure_for(optimizer, lambda: rosenbrock(x))
    losses = [optimizer.step(closure).item() for _ in range(8)]
    np.testing.assert_allclose(losses, case["losses"], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(x.detach().numpy(), case["x"], rtol=1e-6)
    state = optimizer.state_dict()["state"][0]
    assert {name: state[name] for name in case["counts"]} == case["counts"]
    assert list(state) == case["keys"]


def test_several_parameters_and_checkpoints() -> None:
    def build() -> tuple[Any, Any, Any]:
        a = tour.tensor([[3.0, -1.0]], dtype=tour.float64, requires_grad=True)
        b = tour.tensor(2.0, dtype=tour.float64, requires_grad=True)
        unused = tour.ones(2, dtype=tour.float64, requires_grad=True)
        optimizer = optim.LBFGS([a, unused, b], max_iter=3, line_search_fn="strong_wolfe")
        return optimizer, closure_for(optimizer, lambda: ((a - 1) ** 4).sum() + (a.sum() - b) ** 2), (a, b)

    optimizer, closure, (a, b) = build()
    optimizer.step(closure)
    again, other, (c, d) = build()
    with tour.no_grad():
        c.numpy(force=True)[...] = a.numpy(force=True)
        d.numpy(force=True)[...] = b.numpy(force=True)
    again.load_state_dict(optimizer.state_dict())
    for _ in range(3):
        assert optimizer.step(closure).item() == again.step(other).item()
    assert a.tolist() == c.tolist()


def test_refused() -> None:
    p, q = tour.ones(1, requires_grad=True), tour.ones(1, requires_grad=True)
    with pytest.raises(ValueError, match="doesn't support per-parameter options"):
        optim.LBFGS([{"params": p}, {"params": q}])
    optimizer = optim.LBFGS([p], line_search_fn="armijo")
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optimizer.step(closure_for(optimizer, lambda: p.sum()))


def test_starts_at_the_minimum() -> None:
    p = tour.zeros(2, requires_grad=True)
    optimizer = optim.LBFGS([p])
    assert optimizer.step(closure_for(optimizer, lambda: (p * p).sum())).item() == 0.0
    assert p.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("t", [1e-3, 1.0, 50.0])
@pytest.mark.parametrize(
    ("f", "df"),
    [
        (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
        (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
        (
            lambda t: np.exp(-t) + 0.01 * t * t + 0.1 * np.sin(5 * t),
            lambda t: -np.exp(-t) + 0.02 * t + 0.5 * np.cos(5 * t),
        ),
    ],
)
def test_line_search_keeps_its_promise(f: Any, df: Any, t: float) -> None:
    def phi(t: float) -> Point:
        return Point(t, f(t), None, np.float64(df(t)))

    start = phi(0.0)
    found = strong_wolfe(phi, start, t, 1.0, 25)
    assert found.value <= start.value + 1e-4 * found.t * start.slope
    assert abs(found.slope) <= 0.9 * abs(start.slope)
