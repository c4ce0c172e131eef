"""What the random ops share: which stream, which dtypes, and how numbers get into a tensor's memory.

A sampler is made in two steps, so that nothing is drawn or written before everything is checked: `_uniform(array, engine, 0, 1)` checks
and returns a function that fills a flat array; `write` or `draw_into` call it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._core import ndarray, sockets, wrap, wrote
from tour._devices import CPU, as_device, filled, move
from tour._dtypes import FROM_NUMPY, as_dtype
from tour._random_engine import DIGITS, Engine
from tour._shapes import as_shape
from tour._storing import writable
from tour.ops.creation import finish
from tour.random import Generator, default_generator, recorders

if TYPE_CHECKING:
    from tour._devices import device as Device
    from tour._tensor import Tensor

    Place = Device | str | int | None

Array = Any
Draw = Callable[[Array], Any]  # fills a flat host array

# --- What may be drawn ----------------------------------------------------------------------------------------------------


def engine_of(generator: Generator | None) -> Engine:
    """The stream of a generator, or the default one."""
    if sockets.sample is not None:
        sockets.sample(None, None)
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"generator must be a tour.Generator, but got {type(generator).__name__}")
    engine = default_generator._engine if generator is None else generator._engine
    return recorders[-1](engine, generator is not None) if recorders else engine


def is_real(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype has fractions and no imaginary part."""
    return dtype in DIGITS


def is_fractional(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype has fractions."""
    return dtype in DIGITS or dtype.kind == "c"


def real_part(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of a complex dtype's parts; any other as it is."""
    return dtype if dtype.kind != "c" else FROM_NUMPY[dtype].to_real().numpy


def is_countable(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype holds whole numbers, perhaps among others."""
    return dtype in DIGITS or dtype.kind in "iub"


def demand(fits: bool, what: str, dtype: np.dtype[Any], wanted: str, error: type[Exception] = RuntimeError) -> None:
    """Raise `error` unless a dtype fits what is asked of it; NotImplementedError is what PyTorch raises for most."""
    if not fits:
        name = FROM_NUMPY[dtype].name
        raise error(f"{what} is not implemented for {name}; give {wanted} dtype")


def check(holds: bool, message: str) -> None:
    """Raise RuntimeError unless something holds."""
    if not holds:
        raise RuntimeError(message)


# --- Into memory ----------------------------------------------------------------------------------------------------------


def memory_axes(a: Array) -> list[int]:
    """The axes of an array in the order of its memory, largest steps first."""
    return sorted(range(a.ndim), key=lambda axis: -abs(a.strides[axis]))


def draw_into(a: Array, draw: Draw) -> None:
    """Fill a host array with what `draw` writes into a flat one, in the order of `a`'s memory."""
    ordered = a if a.flags.c_contiguous else a.transpose(memory_axes(a))
    if ordered.flags.c_contiguous:
        draw(ordered.reshape(-1))
    else:
        flat = np.empty(a.size, a.dtype)
        draw(flat)
        ordered[...] = flat.reshape(ordered.shape)


def drawn(a: Array, draw: Draw) -> Array:
    """An array of `array_for`, filled; inside `vmap` one for all samples, or one for each."""
    if sockets.sample is not None:
        return sockets.sample(a, draw)
    if recorders and type(a) is not ndarray:
        draw(a.reshape(-1))
        return a
    draw_into(a, draw)
    return a


def write(input: Tensor, draw: Draw, *others: Any) -> Tensor:
    """Fill a tensor in place, on whatever device, and stamp it as written by the caller's caller."""
    a = input._a
    writable(a)
    recorded = sockets.before_write is not None and sockets.before_write(input, *others)
    if sockets.sample is not None:
        a[...] = move(sockets.sample(np.empty(a.shape, a.dtype), draw), input.device)
    elif type(a) is ndarray:
        draw_into(a, draw)
    else:
        ordered = a.transpose(memory_axes(a))
        made = _room(ordered.shape, a.dtype, input.device)
        draw(made.reshape(-1))
        ordered[...] = made if recorders else move(made, input.device)
    if recorded:
        sockets.rewrite(input, constant_in(a, input, *others))
    wrote(input, 3)
    return input


def constant_in(array: Array, *inputs: Any) -> Tensor:
    """A tensor round `array` whose gradients with respect to `inputs` are zero: the history of their sum times 0."""
    taped = [x for x in inputs if isinstance(x, _core.Tensor) and x._tape is not None]
    if not taped:
        return wrap(array)
    made = reduce(operator.add, (x * 0 for x in taped), wrap(np.zeros_like(array))).to(FROM_NUMPY[array.dtype])
    made._a = array
    return made


def _room(shape: Any, dtype: Any, device: Place) -> Array:
    """An array to fill: on the host, where numbers are drawn, but on a device while that records its work."""
    where = as_device(device)
    if not recorders or where.type == "cpu":
        return np.empty(shape, dtype)
    return filled(np.empty(shape, dtype), 0, where)


def array_for(out: Tensor | None, shape: tuple[int, ...], dtype: Any, default: Any, device: Place = None) -> Array:
    """The array to fill: a new one of `dtype`, or one for `out`, which decides the dtype; see `_room`."""
    if shape and min(shape) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    chosen = None if dtype is None else as_dtype(dtype).numpy
    if out is not None and not isinstance(out, _core.Tensor):
        raise TypeError(f"argument 'out' must be Tensor, not {type(out).__name__}")
    if out is None:
        return _room(shape, default if chosen is None else chosen, device)
    if chosen is not None and chosen != out._a.dtype:
        raise RuntimeError(f"dtype {as_dtype(dtype).name} does not match dtype of out parameter ({out.dtype.name})")
    return _room(shape, out._a.dtype, out.device)


def deliver(made: Array, out: Tensor | None, device: Place, requires_grad: bool = False) -> Tensor:
    """A filled host array as a tensor, or put into `out`, which takes its shape."""
    if out is None:
        return finish(made, device, requires_grad)
    writable(out._a)
    if out._a.shape != made.shape:
        out._a = np.empty_like(out._a, shape=made.shape)
    out._a[...] = made if type(out._a) is ndarray else move(made, out.device)
    wrote(out, 3)
    return out


def shape_of(sizes: tuple[Any, ...], size: Any, op: str) -> tuple[int, ...]:
    """A shape from varargs, a tuple, or the keyword `size`."""
    if size is None and not sizes:
        raise TypeError(f"{op}() needs a size: {op}(2, 3) or {op}((2, 3))")
    return as_shape(sizes if size is None else (size,), op)


def array_like(input: Tensor, dtype: Any, memory_format: Any, device: Place = None) -> Array:
    """An array to fill of a tensor's shape and, unless a memory format is named, with its axes in the same order of memory."""
    a = input._a
    axes = memory_axes(a) if memory_format is None or "preserve" in str(memory_format) else list(range(a.ndim))
    target = a.dtype if dtype is None else as_dtype(dtype).numpy
    if recorders:
        return _room(a.shape, target, input.device if device is None else device)
    return np.empty([a.shape[axis] for axis in axes], target).transpose(np.argsort(axes))


def host(t: Tensor) -> Array:
    """A tensor's array, on the host."""
    return move(t._a, CPU)


def near(t: Tensor) -> Array:
    """A tensor's array where numbers are drawn: on the host, or on a device that records its work."""
    return t._a if recorders else host(t)


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of two tensors together."""
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        raise RuntimeError(f"the shapes {list(a)} and {list(b)} do not broadcast to one shape") from None
