"""State of many parameters in one flat buffer, and arithmetic over blocks of it that stay in cache.

Two hundred small tensors cost a NumPy program two hundred times the overhead of every ufunc. So

* `Flat` keeps each kind of state of the parameters of one dtype and device side by side; `optimizer.state[p]` holds views of it;
* `Block` is a stretch of that, about 128 KiB per operand: many small parameters, gathered into a buffer and scattered back, or one
  parameter, or a part of a large one, where it lies;
* `Run` is a row of blocks that take the same step.

Parameters keep their own arrays: users hold them, share them and write into them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from tour._compiled import LARGE
from tour._core import wrap
from tour._tensor import Tensor
from tour.optim.optimizer import scalar_dtype

if TYPE_CHECKING:
    from tour.optim._elementwise import Elementwise

__all__ = ["Flat", "Run", "buffers_for", "kind_of"]

Array = Any

# Bytes per operand of a block. On a CPU six operands fit a second-level cache of 1 MiB, and smaller blocks pay for more calls (tried
# from 16 KiB to 1 MiB); elsewhere it only bounds the gather buffers.
CPU_BLOCK, DEVICE_BLOCK = 1 << 17, 1 << 26


def kind_of(a: Array) -> tuple[type, str, Any]:
    """What arrays must have in common to lie in one buffer: array type, device, dtype."""
    return type(a), str(a.device), a.dtype


def real_dtype(dtype: Any) -> Any:
    """The dtype of one component: complex numbers are updated as pairs of real ones, as in PyTorch."""
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


def work_dtype(dtype: Any) -> Any:
    """The dtype to compute in: float32 for narrower floats, which are rounded once a step."""
    real = real_dtype(dtype)
    return np.dtype(np.float32) if real.itemsize < 4 else real


def buffers_for(a: Array, total: int) -> tuple[Array, Array]:
    """Buffers for gathered parameters and gradients: as large as a block, or as all of them if that is less."""
    work = work_dtype(a.dtype)
    size = (CPU_BLOCK if isinstance(a, np.ndarray) else DEVICE_BLOCK) // work.itemsize
    shape = (min(size, 2 * total),)
    return np.empty_like(a, work, shape=shape), np.empty_like(a, work, shape=shape)


class Flat:
    """State of some parameters of one kind, side by side.

    Attributes:
        arrays: The flat buffers by name, real-valued.
        scalars: Host arrays by name with one number per parameter, such as step counts.
        views: The same state by name and parameter: the arrays inside `optimizer.state[p][name]`.
        offsets: Where each parameter starts in the flat buffers; one more entry for the end.
        fresh: Whether no step has been taken yet.
    """

    __slots__ = ("arrays", "fresh", "kind", "offsets", "params", "scalars", "shapes", "views")

    def __init__(
        self, params: list[Tensor], states: MutableMapping[Any, Any], init: Any, group: dict[str, Any]
    ) -> None:
        first = params[0]._a
        self.params, self.kind, self.shapes = params, kind_of(first), [p._a.shape for p in params]
        width = 2 if first.dtype.kind == "c" else 1
        self.offsets = [0]
        for p in params:
            self.offsets.append(self.offsets[-1] + width * p._a.size)
        self.arrays: dict[str, Array] = {}
        self.scalars: dict[str, Array] = {}
        self.views: dict[str, list[Array]] = {}
        like = np.empty_like(
            first, real_dtype(first.dtype), shape=(self.offsets[-1],)
        )  # never touched: costs no memory
        for name, value in init(like, group).items():
            if isinstance(value, float):
                self.scalars[name] = np.full(len(params), value, _scalar_dtype(states[params[0]].get(name), group))
                self.views[name] = [self.scalars[name][i : i + 1].reshape(()) for i in range(len(params))]
            else:
                self.arrays[name] = value
                self.views[name] = [
                    value[lo:hi].view(first.dtype).reshape(shape)
                    for lo, hi, shape in zip(self.offsets, self.offsets[1:], self.shapes, strict=False)
                ]
        moved = [
            _move_in(states[p], name, views[i]) for name, views in self.views.items() for i, p in enumerate(params)
        ]
        self.fresh = not any(moved)

    def holds(self, p: Tensor, index: int, state: dict[str, Any]) -> bool:
        """Whether the state of `p` is still at place `index` here, and still fits `p`."""
        if self.params[index] is not p or self.kind != kind_of(p._a) or self.shapes[index] != p._a.shape:
            return False
        return all(getattr(state.get(name), "_a", None) is views[index] for name, views in self.views.items())


def _move_in(state: dict[str, Any], name: str, home: Array) -> bool:
    """Let `state[name]` live in `home`. A tensor that was there stays the same tensor, on new memory. Returns whether one was."""
    old = state.get(name)
    if isinstance(old, Tensor):
        if old._a.shape != home.shape:
            raise RuntimeError(
                f"state {name!r} has shape {list(old._a.shape)}, but its parameter needs {list(home.shape)}"
            )
        home[...] = old._a
        old._a = home
        return True
    if old is not None:
        home[...] = old
    state[name] = wrap(home)
    return old is not None


def _scalar_dtype(loaded: Any, group: dict[str, Any]) -> Any:
    """The dtype of a number per parameter: that of a loaded one, so that it goes on rounding as it did."""
    return loaded._a.dtype if isinstance(loaded, Tensor) and loaded._a.dtype.kind == "f" else scalar_dtype(group)


class Run:
    """Neighbours in a `Flat` that take one step together.

    Args:
        flat: Their state.
        start: The place of the first one in it.
        places: Their positions among the parameters of this step.
        arrays: The arrays of all parameters of this step.
        buffers: For gathered parameters and gradients.
    """

    __slots__ = ("arrays", "blocks", "flat", "host", "large", "numbers", "places", "size", "state")

    def __init__(
        self, flat: Flat, start: int, places: list[int], arrays: list[Array], buffers: tuple[Array, Array]
    ) -> None:
        count = len(places)
        self.flat, self.places, self.arrays = flat, places, [arrays[i] for i in places]
        self.numbers = SimpleNamespace(**{name: s[start : start + count] for name, s in flat.scalars.items()})
        origin = flat.offsets[start]
        edges = [offset - origin for offset in flat.offsets[start : start + count + 1]]
        self.state = {name: a[origin : origin + edges[-1]] for name, a in flat.arrays.items()}
        self.size, self.host = edges[-1], flat.kind[0] is np.ndarray
        self.blocks: list[Block] = []
        self.large: list[int] = []
        limit = max(1, buffers[0].size)
        for i, j in _stretches(edges, limit):
            size = edges[j] - edges[i]
            if size > limit:
                self.large.append(places[i])
            divisible = j - i == 1 and self.arrays[i].flags.c_contiguous
            pace = limit if divisible else max(1, size)
            for lo in range(0, size, pace):
                part = slice(lo, min(lo + pace, size))
                state = {name: a[edges[i] :][part] for name, a in self.state.items()}
                self.blocks.append(Block(self.arrays[i:j], places[i:j], part, state, buffers))

    def uniform(self) -> bool:
        """Whether the numbers per parameter are still equal; users may write into them."""
        return all([s.tobytes() == s[:1].tobytes() * len(s) for s in vars(self.numbers).values()])

    def step(self, optimizer: Elementwise, grads: list[Array], h: SimpleNamespace) -> None:
        """One step of `optimizer` for these parameters."""
        self.tick(optimizer, h)
        self.update(optimizer, grads, h)

    def tick(self, optimizer: Elementwise, h: SimpleNamespace) -> None:
        """Advance the numbers per parameter, and put what `update` needs of them into `h`."""
        h.fresh, self.flat.fresh = self.flat.fresh, False
        if self.flat.scalars:
            self.numbers.step += 1
            h.step = self.numbers.step.item(0)
        optimizer.tick(self.numbers, h)

    def update(self, optimizer: Elementwise, grads: list[Array], h: SimpleNamespace) -> None:
        """Write into the parameters and their state."""
        kernel = optimizer.kernels.get(self.flat.kind[0])
        if kernel is None and self.host:
            kernel = optimizer.socket.form if self.size >= LARGE or optimizer.socket.at_hand() else None
        elif kernel is None:
            kernel = optimizer.socket.on(self.flat.kind[0])
        if kernel is not None:
            mine = [grads[i] for i in self.places]
            if kernel(self.arrays, mine, SimpleNamespace(**self.state), h) is not NotImplemented:
                return
        for i in self.large:
            grads[i] = grads[i].reshape(-1)  # once, in case it has to be copied
        for block in self.blocks:
            block.step(optimizer.update, grads, h)


def _stretches(edges: list[int], limit: int) -> Iterator[tuple[int, int]]:
    """Neighbours i to j - 1, as many as have no more than `limit` elements together, but at least one."""
    i = 0
    while i < len(edges) - 1:
        j = i + 1
        while j < len(edges) - 1 and edges[j + 1] - edges[i] <= limit:
            j += 1
        yield i, j
        i = j


class Block:
    """Elements that one call of `update` treats: of several parameters, or a part of one.

    A contiguous parameter of a dtype to compute in is updated where it lies. Others are gathered into a buffer and scattered back:
    `pairs` are places in the buffer with the parameters they stand for. `slots` are the same places for gradients.
    """

    __slots__ = ("g", "p", "pairs", "part", "places", "real", "slots", "state", "work")

    def __init__(
        self, params: list[Array], places: list[int], part: slice, state: dict[str, Array], buffers: tuple[Array, Array]
    ) -> None:
        self.places, self.part, self.state = places, part, state
        self.real, self.work = real_dtype(params[0].dtype), buffers[0].dtype
        size = part.stop - part.start
        self.p, self.g = (b[:size] if size <= b.size else np.empty_like(b, shape=(size,)) for b in buffers)
        self.slots = _carve(self.g, params) if len(params) > 1 else []
        self.pairs: list[tuple[Array, Array]] = []
        if len(params) > 1 or not params[0].flags.c_contiguous:
            self.pairs = list(zip(_carve(self.p, params), params, strict=True))
        else:
            here = params[0].reshape(-1).view(self.real)[part]
            if self.work == self.real:
                self.p = here
            else:
                self.pairs = [(self.p, here)]

    def step(self, update: Callable[..., None], grads: list[Array], h: SimpleNamespace) -> None:
        """Gather, update, scatter."""
        for slot, param in self.pairs:
            slot[...] = param
        if self.work == self.real:
            update(self.p, self.gradient(grads), SimpleNamespace(**self.state), h)
        else:
            wide = {name: a.astype(self.work) for name, a in self.state.items()}
            update(self.p, self.gradient(grads), SimpleNamespace(**wide), h)
            for name, a in self.state.items():
                a[...] = wide[name]
        for slot, param in self.pairs:
            param[...] = slot

    def gradient(self, grads: list[Array]) -> Array:
        """The gradient of these elements, flat, in the dtype to compute in."""
        if not self.slots:
            g = grads[self.places[0]].reshape(-1).view(self.real)[self.part]
            return g.astype(self.work, copy=False)
        for slot, i in zip(self.slots, self.places, strict=True):
            slot[...] = grads[i]
        return self.g


def _carve(buffer: Array, params: list[Array]) -> list[Array]:
    """Views of a real buffer with the shapes of `params`, one after another."""
    views, begin = [], 0
    for a in params:
        end = begin + (2 if a.dtype.kind == "c" else 1) * a.size
        flat = buffer[begin:end].view(a.dtype) if a.dtype.kind == "c" else buffer[begin:end]
        views.append(flat.reshape(a.shape))
        begin = end
    return views
