"""L-BFGS: a quasi-Newton method that remembers a few steps."""

from __future__ import annotations

from typing import Any

import numpy as np

import tour
from tour._core import wrap
from tour._tensor import Tensor
from tour.optim._check import check_lr, hyperparameters, number
from tour.optim._step import stamp_of, touch
from tour.optim._wolfe import Point, strong_wolfe
from tour.optim.optimizer import Closure, Optimizer, ParamsT, scalar

__all__ = ["LBFGS"]

Array = Any


class LBFGS(Optimizer):
    r"""L-BFGS: Newton's method with an inverse Hessian made of the last few steps s and gradient changes y.

    The direction is $d = -H g$, computed by the two-loop recursion from pairs $(s_i, y_i)$ and $H_0 = (s^T y)/(y^T y)$; a step is
    `lr` along it, or what a line search finds. Nocedal & Wright, Numerical Optimization, 2nd ed., algorithms 7.4, 3.5 and 3.6. For
    full batches: one `step` evaluates the closure several times.

    Args:
        params: Real parameters in one group.
        lr: Length of a step, as a multiple of the direction; the first guess of the line search.
        max_iter: Iterations in one `step`.
        max_eval: Evaluations of the closure in one `step`; 1.25 · `max_iter` if None.
        tolerance_grad: Stop when no gradient is larger.
        tolerance_change: Stop when neither parameters nor loss change more.
        history_size: How many pairs are remembered: two vectors the size of all parameters each.
        line_search_fn: "strong_wolfe", or None for steps of fixed length.

    Examples:
        >>> import tour
        >>> w = tour.tensor([3.0, -2.0], requires_grad=True)
        >>> optimizer = tour.optim.LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = ((w - 1) ** 2).sum()
        ...     loss.backward()
        ...     return loss
        >>> optimizer.step(closure).item()
        13.0
        >>> [round(x, 4) for x in w.tolist()]
        [1.0, 1.0]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Set the one parameter group; a second one is refused."""
        if self.param_groups:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        super().add_param_group(param_group)

    def step(self, closure: Closure) -> Any:  # type: ignore[override]
        """Go up to `max_iter` iterations towards the minimum.

        Args:
            closure: Clears the gradients, computes the loss, calls `backward` and returns the loss.

        Returns:
            The loss before the step, as `closure` returned it.
        """
        with np.errstate(all="ignore"):
            return _Search(self, closure).run()


class _Search:
    """One call of `step`."""

    def __init__(self, optimizer: LBFGS, closure: Closure) -> None:
        group = optimizer.param_groups[0]
        self.params: list[Tensor] = group["params"]
        self.h = hyperparameters(group)
        if self.h.line_search_fn not in (None, "strong_wolfe"):
            raise RuntimeError(f"only 'strong_wolfe' is supported, not {self.h.line_search_fn!r}")
        self.closure = closure
        self.caller = optimizer._caller
        self.stamps = list(map(stamp_of, self.params))
        self.state = optimizer.state[self.params[0]]  # there is one state for all; it is kept with the first parameter
        self.state.setdefault("func_evals", 0)
        self.state.setdefault("n_iter", 0)
        self.evals = 0

    def run(self) -> Any:
        """Iterate until one of the tolerances or limits is reached."""
        h, state = self.h, self.state
        loss, g = self.evaluate()
        value = float(loss)
        if _largest(g) <= h.tolerance_grad:
            return loss
        memory = _Memory(state, h.history_size)
        for n in range(1, h.max_iter + 1):
            state["n_iter"] += 1
            d = memory.direction(g)
            memory.prev_loss = before = value
            first = min(1.0, 1.0 / np.abs(g).sum().item()) if state["n_iter"] == 1 else 1
            memory.t = t = first * h.lr
            slope = _dot(g, d)
            if slope > -h.tolerance_change:
                break
            if h.line_search_fn:
                found = self.search(Point(0.0, value, g, np.float64(slope)), t, d)
                value, g, memory.t = found.value, found.grad, found.t
            else:
                self.move(t, d)
                if n < h.max_iter:  # in a stochastic setting the last evaluation would be for nothing
                    value, g = self.evaluate()
                    value = float(value)
            if (
                self.evals >= h.max_eval
                or _largest(g) <= h.tolerance_grad
                or _largest(d * memory.t) <= h.tolerance_change
                or abs(value - before) < h.tolerance_change
            ):
                break
        memory.save(state)
        return loss

    def search(self, start: Point, t: float, d: Array) -> Point:
        """Move to the point that a line search along `d` finds."""
        origin = [p._a.copy() for p in self.params]

        def phi(t: float) -> Point:
            self.move(t, d)
            loss, g = self.evaluate()
            for p, a in zip(self.params, origin, strict=True):
                p._a[...] = a
            touch(self.stamps, self.caller)
            return Point(t, float(loss), g, np.float64(_dot(g, d)))

        found = strong_wolfe(phi, start, t, _largest(d), self.h.max_eval - self.evals)
        self.move(found.t, d)
        return found

    def evaluate(self) -> tuple[Any, Array]:
        """What the closure returns, and the gradient of all parameters in one vector."""
        with tour.enable_grad():
            loss = self.closure()
        self.evals += 1
        self.state["func_evals"] += 1
        grads = [np.zeros_like(p._a) if p.grad is None else p.grad._a for p in self.params]
        return loss, np.concatenate([_as_vector(g) for g in grads])

    def move(self, t: float, d: Array) -> None:
        """Add `t` times the direction `d` to the parameters."""
        begin = 0
        for p in self.params:
            a = p._a
            end = begin + (2 if a.dtype.kind == "c" else 1) * a.size
            step = t * d[begin:end]
            a += step.view(a.dtype).reshape(a.shape)
            begin = end
        touch(self.stamps, self.caller)


class _Memory:
    """Steps and changes of the gradient, and the inverse Hessian they stand for. It lives in the state between calls of `step`."""

    def __init__(self, state: dict[str, Any], size: int) -> None:
        self.size = size
        self.changes: list[Array] = [y._a for y in state.get("old_dirs") or ()]
        self.steps: list[Array] = [s._a for s in state.get("old_stps") or ()]
        self.scales: list[float] = [number(r) for r in state.get("ro") or ()]
        self.weights: list[float | None] | None = [number(a) for a in state["al"]] if "al" in state else None
        self.diagonal: float = number(state.get("H_diag") or 1)
        self.d: Array = state["d"]._a if "d" in state else None
        self.g: Array = state["prev_flat_grad"]._a if "prev_flat_grad" in state else None
        self.t: float = number(state.get("t"))
        self.prev_loss: float = state.get("prev_loss", 0.0)

    def direction(self, g: Array) -> Array:
        """Where to go from a point with gradient `g`; downhill along it at first."""
        if self.g is None:
            self.d = -g
        else:
            self._remember(g - self.g, self.d * self.t)
            self.d = self._inverse_hessian_times(-g)
        self.g = g
        return self.d

    def _remember(self, y: Array, s: Array) -> None:
        """Keep a change of gradient and the step that made it, unless the curvature along it is not positive."""
        curvature = _dot(y, s)
        if curvature <= 1e-10:
            return
        if len(self.changes) == self.size:
            del self.changes[0], self.steps[0], self.scales[0]
        self.changes.append(y)
        self.steps.append(s)
        self.scales.append(1.0 / curvature)
        self.diagonal = curvature / _dot(y, y)

    def _inverse_hessian_times(self, q: Array) -> Array:
        """The two-loop recursion, algorithm 7.4, in place."""
        self.weights = self.weights or [None] * self.size
        pairs = list(zip(self.changes, self.steps, self.scales, strict=True))
        for i, (y, s, scale) in reversed(list(enumerate(pairs))):
            self.weights[i] = weight = _dot(s, q) * scale
            q -= weight * y
        q *= self.diagonal
        for weight_i, (y, s, scale) in zip(self.weights, pairs, strict=False):
            q += ((weight_i or 0.0) - _dot(y, q) * scale) * s
        return q

    def save(self, state: dict[str, Any]) -> None:
        """Put everything into the state, as tensors where PyTorch has tensors."""
        dtype = self.g.dtype
        if self.weights is not None:
            state["al"] = [None if a is None else scalar(a, dtype) for a in self.weights]
        state["d"] = wrap(self.d)
        state["t"] = self.t
        state["old_dirs"] = [wrap(y) for y in self.changes]
        state["old_stps"] = [wrap(s) for s in self.steps]
        state["ro"] = [scalar(r, dtype) for r in self.scales]
        state["H_diag"] = scalar(self.diagonal, dtype) if self.changes else 1
        state["prev_flat_grad"] = wrap(self.g)
        state["prev_loss"] = self.prev_loss


def _dot(a: Array, b: Array) -> float:
    return (a @ b).item()  # type: ignore[no-any-return]


def _largest(a: Array) -> float:
    return np.abs(a).max().item() if a.size else 0.0


def _as_vector(a: Array) -> Array:
    """The components of an array, one after another; real ones."""
    flat = a.reshape(-1)
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat
