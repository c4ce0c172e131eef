"""The base of optimizers that treat every element alike, and the plan by which they walk the parameters of a group."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from operator import attrgetter, is_, itemgetter
from types import SimpleNamespace
from typing import Any, ClassVar, TypeAlias

import numpy as np

from tour._compiled import Socket
from tour._tensor import Tensor
from tour.optim._check import hyperparameters
from tour.optim._flat import Flat, Run, buffers_for, kind_of
from tour.optim._step import Stepping, stamp_of, touch

__all__ = ["Elementwise", "Kernel"]

Array = Any
Kernel: TypeAlias = Callable[[list[Array], list[Array], SimpleNamespace, SimpleNamespace], Any]

PLANS = 16  # plans kept, for programs in which the set of parameters with a gradient alternates
_array_of = attrgetter("_a")


class Elementwise(Stepping):
    """An optimizer that treats every element alike: two functions on raw arrays, over all parameters of a group at once.

    `init` says what to remember, `update` is one step for a block of elements; `tick` advances numbers such as the step count, once
    a step. They know nothing of tensors, groups or blocks.

    Attributes:
        kernels: Faster updates, by array type: `kernel(params, grads, s, h)` gets the lists of the parameters' and gradients'
            arrays, and what `update` gets, where the arrays of `s` hold the state of all `params` one after another. It writes into
            `params` and `s`, or returns NotImplemented to leave the step to `update`.
        socket: Where a compiled form goes, a kernel of the same kind for many elements on the CPU.
        switches: The options that decide what `init` returns.
        varying: What `update` reads of `h` that changes from step to step, or by a scheduler; no decision may hang on it. A device that
            records a step to repeat it keeps these numbers in its memory (`_recorded`).
    """

    kernels: ClassVar[dict[type, Kernel]]
    socket: ClassVar[Socket]
    switches: ClassVar[tuple[str, ...]] = ()
    varying: ClassVar[tuple[str, ...]] = ("lr",)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.kernels = {}
        if "update" in vars(cls):  # AdamW takes Adam's
            cls.socket = Socket(cls.update)

    @staticmethod
    def init(like: Array, group: dict[str, Any]) -> dict[str, Any]:
        """What to remember, in the order of PyTorch's state.

        Args:
            like: Room for one number for each element of all parameters; only its shape, dtype and device say anything.
            group: The options.

        Returns:
            By name, an array like `like` (a number per element) or a float (a number per parameter; a count is called `step`).
        """
        raise NotImplementedError

    @staticmethod
    def tick(s: SimpleNamespace, h: SimpleNamespace) -> None:
        """Once a step, before `update`: advance the numbers per parameter, and put what `update` needs of them into `h`.

        Args:
            s: Arrays of the numbers per parameter, `step` already advanced. They are equal for all parameters of this step.
            h: The options as attributes; `h.step`, counted from 1; `h.fresh`, whether these parameters take their first step.
        """

    @staticmethod
    def update(p: Array, g: Array, s: SimpleNamespace, h: SimpleNamespace) -> None:
        """One step: write into the elements `p` and into the arrays of the state `s`; the gradient `g` is not to be written."""
        raise NotImplementedError

    def _step_group(self, group: dict[str, Any], params: list[Tensor], grads: list[Array]) -> None:
        plans = self._plans
        key = tuple(map(id, params))
        plan = plans.get(key)
        record = None if type(grads[0]) is np.ndarray else _recorded.on(type(grads[0]))
        if plan is None or plan.switches != self._switched(group) or not plan.fits(self.state):
            if record is not None:
                record(self, group, params, None, grads, hyperparameters)
            if len(plans) >= PLANS:
                plans.clear()
            plan = plans[key] = Plan(self, group, params)
        if record is None or record(self, group, params, plan, grads, hyperparameters) is NotImplemented:
            h = hyperparameters(group)
            for run in plan.runs:
                run.step(self, grads, h)
        touch(plan.stamps, self._caller)

    _plans: dict[tuple[int, ...], Plan]
    _homes: dict[int, tuple[Flat, int]]

    def _add_missing_attributes(self) -> None:
        super()._add_missing_attributes()
        self._plans = {}
        self._homes = {}

    def _switched(self, group: dict[str, Any]) -> list[bool]:
        return [bool(group[name]) for name in self.switches]

    def _settle(self, params: list[Tensor], group: dict[str, Any]) -> None:
        """See to it that all parameters have state in a `Flat`; state that was made elsewhere moves in."""
        names = self.init(np.zeros_like(params[0]._a, shape=(0,)), group).keys()
        apart: dict[Any, list[Tensor]] = {}
        for p in params:
            state, home = self.state.get(p, {}), self._homes.get(id(p))
            if home is None or home[0].views.keys() != names or not home[0].holds(p, home[1], state):
                known = any(state.get(name) is not None for name in names)
                apart.setdefault((kind_of(p._a), known), []).append(p)
        for together in apart.values():
            flat = Flat(together, self.state, self.init, group)
            self._homes.update({id(p): (flat, i) for i, p in enumerate(together)})


_recorded = Socket(Elementwise._step_group)  # for a device that may be recording its work


class Plan:
    """How one choice of parameters is walked.

    Attributes:
        runs: In the order in which they are taken.
        stamps: Those of the parameters' buffers.
    """

    def __init__(self, optimizer: Elementwise, group: dict[str, Any], params: list[Tensor]) -> None:
        self.params = params  # kept alive: plans are found by the parameters' addresses
        self.arrays = list(map(_array_of, params))
        for i, a in enumerate(self.arrays):
            if isinstance(a, np.ndarray) and not a.flags.writeable:
                raise RuntimeError(
                    f"parameter {i}, of shape {list(a.shape)}, is a read-only array; optimize a copy of it"
                )
        self.switches = optimizer._switched(group)
        self.runs: list[Run] = []
        self.stamps = list(map(stamp_of, params))
        for places in passes(params):
            optimizer._settle([params[i] for i in places], group)
            self._add_runs(places, [optimizer._homes[id(params[i])] for i in places])
        homes = [optimizer._homes[id(p)] for p in params]
        self.views = {name: [flat.views[name][i] for flat, i in homes] for name in homes[0][0].views}

    def _add_runs(self, places: list[int], homes: list[tuple[Flat, int]]) -> None:
        """Split parameters where they do not follow each other in one buffer, or take different steps."""
        buffers: dict[Any, Any] = {}
        total = sum(self.arrays[i].size for i in places)
        row: list[int] = []
        in_order = sorted(zip(homes, places, strict=True), key=lambda entry: (id(entry[0][0]), entry[0][1]))
        for (home, place), (after, _) in zip(in_order, [*in_order[1:], ((None, 0), 0)], strict=True):
            row.append(place)
            if not _follows(after, home):
                flat, last = home
                if flat.kind not in buffers:
                    buffers[flat.kind] = buffers_for(self.arrays[place], total)
                self.runs.append(Run(flat, last + 1 - len(row), row, self.arrays, buffers[flat.kind]))
                row = []

    def fits(self, state: dict[Any, Any]) -> bool:
        """Whether parameters and state are still where they were, and parameters of a run still take the same step."""
        if not all(map(is_, self.arrays, map(_array_of, self.params))):
            return False
        try:
            states: list[Any] = list(map(state.get, self.params)) if self.views else []
            return all(
                all(map(is_, views, map(_array_of, map(itemgetter(name), states))))
                for name, views in self.views.items()
            ) and all(run.uniform() for run in self.runs)
        except (KeyError, TypeError, AttributeError):
            return False


def _follows(b: tuple[Any, int], a: tuple[Flat, int]) -> bool:
    """Whether `b` is right behind `a` in one buffer and takes the same step."""
    return a[0] is b[0] and a[1] + 1 == b[1] and all(s[a[1]] == s[b[1]] for s in a[0].scalars.values())


def passes(params: list[Tensor]) -> list[list[int]]:
    """Positions of `params`, in parts within which no two share memory: those that do are updated one after the other.

    Examples:
        >>> import tour
        >>> a = tour.zeros(4)
        >>> passes([a[:2], a[2:], a])
        [[0, 1], [2]]
    """
    extents = list(map(_extent, params))
    if all(a[1] <= b[0] for a, b in pairwise(sorted(extents))):
        return [list(range(len(params)))]
    turn: list[int] = []
    for begin, end in extents:
        before = (t for t, (b, e) in zip(turn, extents, strict=False) if b < end and begin < e)
        turn.append(1 + max(before, default=-1))
    return [[i for i, t in enumerate(turn) if t == part] for part in range(max(turn) + 1)]


def _extent(p: Tensor) -> tuple[int, int]:
    """The addresses of the first byte of a tensor and of the first byte behind it."""
    start = end = p.data_ptr()
    for length, stride in zip(p._a.shape, p._a.strides, strict=True):
        start += min(0, (length - 1) * stride)
        end += max(0, (length - 1) * stride)
    return start, end + p._a.itemsize if p._a.size else start
