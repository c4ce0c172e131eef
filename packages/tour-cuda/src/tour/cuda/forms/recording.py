"""Steps of optimizers in a captured graph: what the host counts and schedules goes to the device before each replay.

A captured step repeats the work of the device, while the count of steps and what follows from it, such as Adam's corrections, are
computed on the host. So the numbers that vary lie in device memory. Before each replay the host counts on, looks at the options of the
group, which a scheduler may have changed, and sends what has come out: one small kernel, nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from tour.cuda._launch import Array, Grid, Kernel, empty, runner
from tour.cuda.graphs import before_replay

_set = Kernel("optimizers.set_numbers")
_ONE = Grid((1, 1, 1), (1, 1, 1))

Group = dict[str, Any]
Read = Callable[[Group], SimpleNamespace]

PLACES = 4  # as in the source

# Options that no update reads, or that are accounted for.
_FREE = {"capturable", "differentiable", "foreach", "fused", "fresh", "lr", "step"}


class Options:
    """What `update` reads of a step: attributes, of which those that vary are arrays without dimensions in device memory.

    Attributes:
        numbers: Those that vary, together, as float64: for kernels that take them from there.
    """

    def __init__(self, h: SimpleNamespace, varying: tuple[str, ...], numbers: Array, dtype: Any) -> None:
        vars(self).update({name: value for name, value in vars(h).items() if name not in varying})
        self.numbers, self._varying, self._dtype = numbers, varying, dtype

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._varying:
            raise AttributeError(name)
        i = self._varying.index(name)
        value = self.numbers[i : i + 1].reshape(()).astype(self._dtype)
        setattr(self, name, value)
        return value


def step_group(optimizer: Any, group: Group, params: list[Any], plan: Any, grads: list[Array], options: Read) -> Any:
    """A step that is being captured; NotImplemented where none is. `plan` is None before one is made; `options` reads a group.

    Raises:
        RuntimeError: If the step would make state, which each replay would make anew.
    """
    if not runner(grads[0]).capturing():
        return NotImplemented
    if plan is None:
        if optimizer.init(np.zeros(0), group) and not all(optimizer.state.get(p) for p in params):
            raise _too_early(optimizer)
        return NotImplemented
    for run in plan.runs:
        _record(optimizer, group, run, grads, options)
    return None


def whole_group(optimizer: Any, group: Group, params: list[Any], grads: list[Array]) -> Any:
    """Refuse to capture an optimizer that decides by numbers of the host.

    Raises:
        RuntimeError: If a graph is being captured.
    """
    if runner(grads[0]).capturing():
        raise RuntimeError(
            f"a step of {type(optimizer).__name__} cannot be captured in a graph: its options would stay what they are now; call step() "
            "after replay()"
        )
    return NotImplemented


def _too_early(optimizer: Any) -> RuntimeError:
    return RuntimeError(
        f"the first step of {type(optimizer).__name__} cannot be captured in a graph: it makes state, which each replay would make anew; "
        "take some steps before the capture"
    )


def _record(optimizer: Any, group: Group, run: Any, grads: list[Array], options: Read) -> None:
    """Capture the step of some parameters, and see to its numbers before each replay."""
    if run.flat.fresh and run.flat.views:
        raise _too_early(optimizer)
    place = next(i for i, g in enumerate(optimizer.param_groups) if g is group)
    varying, numbers = optimizer.varying, empty((PLACES,), np.float64, grads[0])
    assert len(varying) <= PLACES
    # The learning rate may lie on the device; it is looked at before a replay, when the host may wait.
    h = _ahead(optimizer, run, {**group, "lr": 1.0}, options)
    seen = _fixed(optimizer, h)
    like = run.arrays[0].dtype
    run.update(optimizer, grads, Options(h, varying, numbers, like if like.itemsize >= 4 else np.dtype(np.float32)))

    def look() -> SimpleNamespace:
        h = _ahead(optimizer, run, optimizer.param_groups[place], options)
        for name, value in _fixed(optimizer, h).items():
            if seen.get(name) != value:
                raise RuntimeError(
                    f"{name} of {type(optimizer).__name__} was {seen.get(name)} when its step was captured, and is {value} now; only the "
                    "learning rate may change between replays, so capture the step anew"
                )
        return h

    def send(h: SimpleNamespace) -> None:
        run.tick(optimizer, h)
        optimizer._opt_called = True  # for schedulers, which ask whether a step has been taken
        values = [float(getattr(h, name, 0.0)) for name in varying]
        _set(_ONE, numbers, *values, *(0.0,) * (PLACES - len(values)), scalar=np.float32)

    if varying or run.flat.scalars:
        before_replay(look, send)


def _ahead(optimizer: Any, run: Any, group: Group, options: Read) -> SimpleNamespace:
    """The options of the next step, which is not taken."""
    h = options({name: group[name] for name in optimizer.defaults})
    before = {name: a.copy() for name, a in vars(run.numbers).items()}
    fresh = run.flat.fresh
    run.tick(optimizer, h)
    for name, a in before.items():
        vars(run.numbers)[name][...] = a
    run.flat.fresh = fresh
    return h


def _fixed(optimizer: Any, h: SimpleNamespace) -> dict[str, Any]:
    """What an update reads besides the numbers that vary: options, and what follows from them."""
    return {name: value for name, value in vars(h).items() if name not in _FREE and name not in optimizer.varying}
