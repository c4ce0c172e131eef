"""The heart: what an op is, the sockets it offers, and how a raw array becomes a tensor.

Nothing in this package reads a gradient or names a device. `Tensor._tape` stays None until a package plugs in; an `Op` declares
empty sockets that others fill:

* `record`: what a call remembers so that gradients can flow back (tour-autograd).
* `impls`: the kernel for another array type (device packages), where NumPy's own protocols do not suffice.

The hot path of an op is one frame: kernel, new tensor, one `is not None` test.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import cache
from importlib import import_module
from sys import _getframe
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from tour._tensor import Tensor as TensorType

Array = Any  # a NumPy array, or the array type of another device

new: Any = object.__new__  # while an `inference_mode` block is open, a function that marks tensors takes its place
ndarray = np.ndarray
Tensor: Any = None  # bound by _tensor.py: the one late binding that replaces a circular import


class Op:
    """The identity of an operation, and the sockets that other packages fill.

    Attributes:
        name: The op's name as in the namespace, for example `"tanh"`.
        params: The names of its parameters, in order.
        kernel: The function on raw arrays, or None where the op is written out.
        record: Called as `record(out, *inputs)` when an input carries a tape.
        impls: Kernels for other array types.
        broadcasts: Whether it is elementwise: its inputs broadcast to the shape of its result.
        tensors: Parameters other than the first that may be tensors.
        lists: Whether a parameter is a sequence of tensors, as for `cat`.
        aside: Whether its results but the first only serve the gradient rule, and have no history.
        rule: Whatever the gradient package wants to remember about the op.
    """

    __slots__ = (
        "aside",
        "broadcasts",
        "defaults",
        "impls",
        "kernel",
        "lists",
        "name",
        "params",
        "record",
        "rule",
        "tensors",
    )

    def __init__(
        self,
        name: str,
        params: tuple[str, ...] = (),
        kernel: Callable[..., Any] | None = None,
        *,
        tensors: tuple[str, ...] = (),
        lists: bool = False,
    ) -> None:
        self.name = name
        self.params = params
        self.defaults: dict[str, Any] = {}
        self.kernel = kernel
        self.record: Callable[..., None] = unplugged
        self.impls: dict[type, Callable[..., Any]] = {}
        self.broadcasts = False
        self.tensors = tensors
        self.lists = lists
        self.aside = False
        self.rule: Any = None
        OPS[name] = self
        for tell in declared:
            tell(self)

    def __repr__(self) -> str:
        return f"Op({self.name})"


OPS: Final[dict[str, Op]] = {}
declared: Final[list[Callable[[Op], None]]] = []  # who wants to hear of ops that are declared from now on


def deferred(module: str, name: str) -> Callable[..., Any]:
    """A kernel whose module is imported when it is first called, so that `import tour` does not pay for it."""

    found: Any = None

    def kernel(*args: Any, **kwargs: Any) -> Any:
        nonlocal found
        if found is None:
            found = getattr(import_module(module), name)
        return found(*args, **kwargs)

    kernel.__name__ = kernel.__qualname__ = name
    return kernel


def parameters_of(function: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Names and defaults of a function's parameters; `inspect.signature` does the same in 20 times the time, 600 times at import."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if code.co_flags & 0x04:  # *args stand between the two
        names = (*positional, code.co_varnames[len(names)], *names[code.co_argcount :])
    defaults = dict(zip(reversed(positional), reversed(function.__defaults__ or ()), strict=False))
    return names, {**defaults, **(function.__kwdefaults__ or {})}


def unplugged(*_: Any) -> None:
    """The empty `record` socket."""
    raise RuntimeError("a tensor carries a tape, but no autograd package is installed; run `pip install tour-autograd`")


def wrap(array: Array) -> TensorType:
    """A tensor round a raw array, without a copy."""
    t = new(Tensor)
    t._a = array
    t._tape = None
    return t  # type: ignore[no-any-return]


def as_array(result: Any) -> Array:
    """An array for what a kernel gave: NumPy returns scalars, not arrays, for results without dimensions."""
    return np.asarray(result) if isinstance(result, np.generic) else result


def packed(array: Array) -> Array:
    """The array if its elements follow one another in memory, else a copy; so PyTorch lays out all but elementwise results."""
    return array if array.flags.c_contiguous else array.copy()


def kernel_for(op: Op, array: Array) -> Callable[..., Any]:
    """The kernel of an op for the array type at hand; NumPy's own protocols serve types that list none."""
    return op.impls.get(type(array), op.kernel) if type(array) is not ndarray else op.kernel  # type: ignore[return-value]


def held(array: Array) -> Array:
    """The elements of a raw array, for checks of their values; of an array round another one (all samples of `vmap`) that one's."""
    return array if type(array) is ndarray else getattr(array, "value", array)


def with_room(array: Array, *others: Any) -> Array:
    """A raw array, or a copy of it of the type among `others` that brings its own, so that those may be written into it."""
    for x in (array, *others):
        if type(x) is not ndarray and hasattr(x, "make_room"):
            return x.make_room(array, others)
    return array


def kernel_among(op: Op, *arrays: Array) -> Any:
    """The kernel of an op of several arrays, of which any may be of the type that brings its own."""
    for array in arrays:
        if type(array) is not ndarray and type(array) in op.impls:
            return op.impls[type(array)]
    return op.kernel


batching: list[str] = []  # modules of batching rules for the ops of packages above; the first `vmap` imports them


# --- Writes -------------------------------------------------------------------------------------------------------------
# A write stamps the buffer with the next tick of one clock. Whoever keeps an array for later (a tape) keeps the clock's reading
# with it; if the buffer's stamp is newer, somebody wrote in between. So keeping is free, and only writers pay.


class _Clock:
    __slots__ = ("now",)
    now: int


clock = _Clock()
clock.now = 0


class Stamp:
    """When a buffer was last written, how often, and from which line."""

    __slots__ = ("count", "ref", "time", "where")

    def __init__(self, ref: Any) -> None:
        self.ref, self.count, self.time = ref, 0, 0
        self.where: Any = None


_stamps: dict[int, Stamp] = {}
UNTRACKED: Final[Any] = type(
    "Untracked", (), {"__slots__": (), "__repr__": lambda _: "UNTRACKED"}
)()  # the parent of `x.data`


class Siblings:
    """The parent of views that one call made together, such as the parts of `split`: nothing recorded may write into one of them.

    Attributes:
        op: The op that made them.
    """

    __slots__ = ("_parent", "op")

    def __init__(self, parent: TensorType, op: Op) -> None:
        self._parent, self.op = parent, op


class Inference:
    """An `inference_mode` block: the parent of the tensors that were made in it, so it lives until the last of them is gone."""

    __slots__ = ("__weakref__",)


def inference_of(t: TensorType) -> Inference | None:
    """The `inference_mode` block in which a tensor, or the one that it looks into, was made."""
    parent = getattr(t, "_parent", None)
    while parent is not None and type(parent) is not Inference:
        parent = getattr(parent, "_parent", None)
    return parent


def is_inference(t: TensorType) -> bool:
    """Whether a tensor was made in an `inference_mode` block."""
    return inference_of(t) is not None


def root_of(array: Array) -> Array:
    """The array that owns the memory of a view; arrays that share a root share a buffer."""
    kind = type(array)
    while type(base := array.base) is kind:
        array = base
    return array if kind is ndarray or (inner := held(array)) is array else root_of(inner)


def stamp_of(array: Array) -> Stamp | None:
    """The stamp of an array's buffer, or None if nobody has written into it."""
    return _stamps.get(id(root_of(array)))


def wrote(t: TensorType, depth: int = 2) -> None:
    """Stamp the buffer of a tensor that has just been written in place; `depth` frames up is the line that asked for it."""
    parent = getattr(t, "_parent", None)
    while parent is not None:
        if parent is UNTRACKED:
            return
        parent = getattr(parent, "_parent", None)
    stamp = stamp_array(t._a)
    frame = _getframe(depth)
    stamp.where = (frame.f_code, frame.f_lasti)


def stamp_array(array: Array) -> Stamp:
    """Stamp the buffer of a raw array that has just been written."""
    root = root_of(array)
    key = id(root)
    stamp = _stamps.get(key)
    if stamp is None:
        forget: Callable[..., Any] = lambda _, key=key: _stamps.pop(key, None)  # noqa: E731
        stamp = _stamps[key] = Stamp(weakref.ref(root, forget))
    clock.now += 1
    stamp.time = clock.now
    stamp.count += 1
    return stamp


# --- Sockets of the tensor itself -----------------------------------------------------------------------------------------


class Sockets:
    """What a gradient package offers to in-place and random ops, and to modules; empty until one is plugged in.

    Attributes:
        before_write: `before_write(target, *others)`: True when the write must be recorded; raises when it is refused.
        preserve: `preserve(op, target)`: what to compute a recorded write from: the target, or a copy if the op's rule keeps it.
        rewrite: `rewrite(target, result)`: the history of `target` becomes that of `result`, whose values it now holds.
        sample: `sample(array, draw)`: `array` filled with random numbers, or several of it; refuses if there may be none.
        called: `called(tape, module, args)`: a module's call, whose result has this tape, has ended.
    """

    __slots__ = ("before_write", "called", "preserve", "rewrite", "sample")
    called: Callable[..., None]
    before_write: Callable[..., bool] | None
    preserve: Callable[..., Any]
    rewrite: Callable[..., None]
    sample: Callable[..., Any] | None


sockets = Sockets()
sockets.before_write = sockets.sample = None


@cache
def autograd() -> Any:
    """tour-autograd, loaded by name at first use: the one place where this package asks for a layer above it.

    Raises:
        RuntimeError: If it is not installed.
    """
    try:
        return import_module("tour.autograd")  # not from sys.modules: another thread may be loading it
    except ModuleNotFoundError as error:
        if error.name != "tour.autograd":
            raise
        raise RuntimeError("gradients need the package tour-autograd; run `pip install tour-autograd`") from None
