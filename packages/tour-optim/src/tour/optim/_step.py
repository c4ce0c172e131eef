"""The frame of a step that all built-in optimizers share, and the way of those that treat each parameter as a whole."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

import tour
from tour._compiled import Socket
from tour._core import UNTRACKED, Stamp, clock, stamp_array, wrap
from tour._tensor import Tensor
from tour.optim._check import hyperparameters
from tour.optim.optimizer import Closure, Optimizer, scalar, scalar_dtype

__all__ = ["Stepping", "Whole", "stamp_of", "touch"]

Array = Any


class Stepping(Optimizer):
    """An optimizer whose step goes through its groups one by one; a subclass says how in `_step_group`."""

    def _step_group(self, group: dict[str, Any], params: list[Tensor], grads: list[Array]) -> None:
        """Update `params` of a group; they are those that have a gradient."""
        raise NotImplementedError

    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient; see `Optimizer.step`."""
        loss = None
        if closure is not None:
            with tour.enable_grad():
                loss = closure()
        with np.errstate(all="ignore"):  # infinities and NaNs travel silently, as in PyTorch
            for group in self.param_groups:
                given = [(p, g) for p in group["params"] if (g := getattr(p, "_grad", None)) is not None]
                if given:
                    self._step_group(group, [p for p, _ in given], [g._a for _, g in given])
        return loss

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        if options.get("differentiable"):
            raise RuntimeError(
                "differentiable=True is not supported: a step writes into the parameters' arrays, which records nothing to "
                "differentiate. For gradients through an update write it as an expression: `w - lr * w.grad`, with w.grad from "
                "backward(create_graph=True)"
            )


class Whole(Stepping):
    """An optimizer that needs each parameter in its own shape, because it looks at norms, rows or singular values."""

    @staticmethod
    def init(p: Array, group: dict[str, Any]) -> dict[str, Any]:
        """What to remember for the parameter `p`: arrays and numbers, by name."""
        raise NotImplementedError

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        """One step: write into `p` and into the arrays of the state `s`; `g` is not to be written.

        Besides the options, `h` has `step`, counted from 1, and `resolution`, the distance from 1 to the next number of the dtype.
        """
        raise NotImplementedError

    def _step_group(self, group: dict[str, Any], params: list[Tensor], grads: list[Array]) -> None:
        if type(grads[0]) is not np.ndarray:
            _recorded.on(type(grads[0]))(self, group, params, grads)
        h = hyperparameters(group)
        for p, g in zip(params, grads, strict=True):
            if p.is_complex():
                raise RuntimeError(f"{type(self).__name__} does not support complex parameters")
            state = self._state_of(p, group)
            if "step" in state:
                state["step"]._a[...] += 1
                h.step = state["step"].item()
            h.resolution = tour.finfo(p.dtype).eps
            _update_whole(self.update, p._a, g, {name: x._a for name, x in state.items()}, h)
            touch([stamp_of(p)], self._caller)

    def _state_of(self, p: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
        """The state of `p`: tensors, made at the first step. Numbers per parameter are tensors without dimensions, on the CPU."""
        state = self.state[p]
        for name, value in self.init(p._a, group).items() if not state else ():
            state[name] = wrap(value) if not isinstance(value, float) else value
        for name, value in state.items():
            if not isinstance(value, Tensor):
                state[name] = scalar(value, scalar_dtype(group))
        return state  # type: ignore[no-any-return]


_recorded = Socket(Whole._step_group)  # for a device that may be recording its work, and refuses


def _update_whole(update: Any, p: Array, g: Array, state: dict[str, Array], h: SimpleNamespace) -> None:
    """One update; narrow floats are widened to float32 and rounded once at the end."""
    if p.dtype.itemsize >= 4:
        update(p, g, SimpleNamespace(**state), h)
        return
    wide = {name: a.astype(np.float32) for name, a in state.items()}
    new = p.astype(np.float32)
    update(new, g.astype(np.float32), SimpleNamespace(**wide), h)
    for name, a in state.items():
        a[...] = wide[name]
    p[...] = new


def stamp_of(p: Tensor) -> Stamp | None:
    """The stamp of a parameter's buffer; None for `x.data`, whose writes are not tracked."""
    t: Any = p
    while (t := getattr(t, "_parent", None)) is not None:
        if t is UNTRACKED:
            return None
    return stamp_array(p._a)


def touch(stamps: list[Stamp | None], caller: Any) -> None:
    """Note that buffers have been written by the step that `caller` asked for, so that autograd notices overwritten values."""
    clock.now += 1
    for stamp in stamps:
        if stamp is not None:
            stamp.time = clock.now
            stamp.count += 1
            stamp.where = caller
