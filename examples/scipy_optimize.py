"""SciPy's optimizers, driven by gradients and curvature from tour: how a chain hangs.

The chain is 20 springs between two nails. It hangs so that its energy, of height and of stretching, is least. Only the energy is
written down; `jac` and `hessp` come from differentiating it once and twice.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from common import BLUE, GREY, ORANGE, Parser, picture
from scipy.optimize import minimize
from tqdm import tqdm

import tour

LINKS, STIFFNESS, LENGTH = 20, 500.0, 1.6
NAILS = tour.tensor([[0.0, 0.0], [1.0, 0.3]], dtype=tour.float64)


def energy(inner: tour.Tensor) -> tour.Tensor:
    """Energy of the chain whose inner joints stand at `inner`, shape (links − 1, 2)."""
    joints = tour.cat([NAILS[:1], inner, NAILS[1:]])
    lengths = joints.diff(dim=0).norm(dim=1)
    stretching = 0.5 * STIFFNESS * ((lengths - LENGTH / LINKS) ** 2).sum()
    total: tour.Tensor = inner[:, 1].sum() / LINKS + stretching
    return total


def value_and_gradient(x: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
    """What SciPy calls the function and its jac, at a flat array."""
    inner = tour.tensor(x).reshape(-1, 2).requires_grad_()
    value = energy(inner)
    value.backward()
    assert inner.grad is not None
    return value.item(), inner.grad.numpy().ravel()


def curvature(x: np.ndarray[Any, Any], direction: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What SciPy calls hessp: the second derivative along one direction, without the matrix."""
    inner = tour.tensor(x).reshape(-1, 2).requires_grad_()
    (slope,) = tour.autograd.grad(energy(inner), inner, create_graph=True)
    (second,) = tour.autograd.grad(slope, inner, tour.tensor(direction).reshape(-1, 2))
    return np.ravel(second)


def main() -> None:
    """Let several methods find the shape, and print what each needed."""
    options = Parser(__doc__, __file__).parse_args()
    random = np.random.default_rng(options.seed)
    along = np.linspace(0, 1, LINKS + 1)[1:-1, None]
    start = (1 - along) * NAILS[0].numpy() + along * NAILS[1].numpy() + random.normal(scale=0.03, size=(LINKS - 1, 2))
    start[:, 1:] -= 4 * along * (1 - along)  # deeper than it will hang
    most = 30 if options.short else 1000
    methods: dict[str, dict[str, Any]] = {
        "CG": {"fun": value_and_gradient, "jac": True, "method": "CG"},
        "L-BFGS-B": {"fun": value_and_gradient, "jac": True, "method": "L-BFGS-B"},
        "trust-krylov, with curvature": {
            "fun": value_and_gradient,
            "jac": True,
            "hessp": curvature,
            "method": "trust-krylov",
        },
        "L-BFGS-B, by differences": {"fun": lambda x: value_and_gradient(x)[0], "method": "L-BFGS-B"},
    }
    found = {}
    print(f"{'method':30} {'energy':>9} {'steps':>6} {'calls':>6} {'seconds':>8}")
    for name, arguments in tqdm(methods.items(), desc="hanging", leave=False):
        began = time.perf_counter()
        found[name] = minimize(x0=start.ravel(), options={"maxiter": most}, **arguments)
        seconds, result = time.perf_counter() - began, found[name]
        tqdm.write(f"{name:30} {result.fun:9.5f} {result.nit:6} {result.nfev:6} {seconds:8.2f}")
    best = min(found.values(), key=lambda result: result.fun).x.reshape(-1, 2)
    with picture(options.out, 5, 4) as figure:
        axis = figure.subplots()
        axis.plot(*np.vstack([NAILS[:1], start, NAILS[1:]]).T, color=GREY, marker=".", label="at first")
        axis.plot(*np.vstack([NAILS[:1], best, NAILS[1:]]).T, color=BLUE, marker=".", label="at rest")
        axis.plot(*NAILS.numpy().T, "o", color=ORANGE, label="nails")
        axis.set(title="A hanging chain", aspect="equal")
        axis.legend(frameon=False)


if __name__ == "__main__":
    main()
