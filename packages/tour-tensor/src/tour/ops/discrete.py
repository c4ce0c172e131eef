"""Random whole numbers: ranges, permutations, coins, categories and counts; new tensors, and tensors filled in place.

As in `continuous`, the numbers are those that PyTorch draws on a CPU, and gradients through a sample are zero.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour import _random_sequential as sequential
from tour._calling import numpy_too
from tour._core import ndarray, sockets
from tour._devices import move
from tour._errors import check_out
from tour._random_engine import DIGITS, LARGEST, Engine
from tour._shapes import as_shape, is_int
from tour.ops._draw import (
    Draw,
    array_for,
    array_like,
    broadcast,
    check,
    constant_in,
    deliver,
    demand,
    drawn,
    engine_of,
    host,
    is_countable,
    is_real,
    memory_axes,
    near,
    write,
)
from tour.ops.creation import finish
from tour.ops.factories import like
from tour.random import Generator

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor
    from tour.ops._draw import Place

__all__ = [
    "bernoulli",
    "binomial",
    "multinomial",
    "poisson",
    "randint",
    "randint_like",
    "randperm",
]

# --- Integers -------------------------------------------------------------------------------------------------------------


def _integers(dtype: np.dtype[Any], engine: Engine, low: Any, high: Any) -> Draw:
    """Fills an array with integers from [low, high), a range that the dtype must be able to hold."""
    low, high = _int64("low", low), _int64("high", high)
    check(low < high, f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    demand(is_countable(dtype), "a range of integers", dtype, "an integer, floating-point or bool")
    smallest, largest = _limits(dtype)
    if not smallest <= low < high <= largest + 1:
        raise RuntimeError(f"the range [{low}, {high}) is out of bounds for {dtype.name}: [{smallest}, {largest}]")
    if dtype in DIGITS:
        low, high = _exact(dtype, low, high)
    return lambda flat: engine.integers(flat, low, high)


def _int64(name: str, x: Any) -> int:
    if isinstance(x, float) or not hasattr(x, "__index__"):
        raise TypeError(f"{name} must be an int, not {type(x).__name__}")
    number: int = x.__index__()
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{name}={number} does not fit int64")
    return number


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    if dtype in DIGITS:
        return -LARGEST[dtype], LARGEST[dtype]
    return (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)


def _exact(dtype: np.dtype[Any], low: int, high: int) -> tuple[int, int]:
    """The range narrowed so that no number in it rounds out of it."""
    digits = DIGITS[dtype]
    least, most = int(dtype.type(low + 1)), int(dtype.type(high - 1))
    if least < low:
        low = least + (1 << abs(low + 1).bit_length() - digits)
    if most >= high:
        high = most - (1 << abs(high - 1).bit_length() - digits)
    if low >= high:
        raise RuntimeError(
            f"random_: no {dtype.name} lies in the range; give one that holds a number {dtype.name} can be"
        )
    if low < -(1 << digits) or high - 1 > 1 << digits:
        warnings.warn(
            f"random_: {dtype.name} holds every integer only within [-2**{digits}, 2**{digits}]; in [{low}, {high}) some come "
            "twice as often as others, or never. Use an integer dtype for this range.",
            UserWarning,
            stacklevel=4,
        )
    return low, high


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Random integers from [low, high): `randint(high, size)` or `randint(low, high, size)`.

    Args:
        low: The smallest; 0 if only `high` is given.
        high: One more than the largest.
        size: The shape, a tuple.
        generator: The stream to draw from; the default one if None.
        out: A tensor to put them into, which takes the shape.
        dtype: int64 by default; it must be able to hold the range.
        layout, device, requires_grad, pin_memory: As for `rand`.

    Raises:
        RuntimeError: If low >= high, or the dtype cannot hold the range.
        TypeError: If `size` is no tuple of ints.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.randint(10, (5,))
        tensor([4, 9, 3, 0, 3])
        >>> tour.randint(-2, 3, (2,))
        tensor([2, 0])
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None or is_int(size):
        raise TypeError(f"randint(): size must be a tuple of ints, not {type(size).__name__}: randint(10, (5,))")
    made = array_for(out, as_shape((size,), "randint"), dtype, np.int64, device)
    made = drawn(made, _integers(made.dtype, engine_of(generator), low, high))
    return deliver(made, out, device, requires_grad)


@numpy_too
def randint_like(
    input: Tensor,
    low: Any = 0,
    high: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Random integers in `input`'s shape and dtype: `randint_like(x, high)` or `randint_like(x, low, high)`.

    Args:
        input: The tensor whose shape, dtype and device are taken.
        low: The smallest; 0 if only one number is given, which is then `high`.
        high: One more than the largest.
        generator: The stream to draw from; the default one if None.
        dtype: The dtype, if it is not that of `input`; it must be able to hold the range.
        layout: Accepted for PyTorch's sake.
        device: The device, if it is not that of `input`.
        requires_grad: Whether the result requires gradients.
        pin_memory: Accepted for PyTorch's sake.
        memory_format: How the elements lie in memory; None for the order that they have in `input`.

    Raises:
        RuntimeError: If low >= high, or the dtype is complex or cannot hold the range.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.randint_like(tour.zeros(3), 10)
        tensor([4., 9., 3.])
    """
    if high is None:
        low, high = 0, low
    made = array_like(input, dtype, memory_format, device)
    made = drawn(made, _integers(made.dtype, engine_of(generator), low, high))
    return like(input, made, device, requires_grad)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """The integers 0 … n-1 in random order.

    Args:
        n: How many.
        generator: The stream to draw from; the default one if None.
        out: A tensor to put them into, which takes the shape.
        dtype: int64 by default; it must be able to hold them.
        layout, device, requires_grad, pin_memory: As for `rand`.

    Raises:
        RuntimeError: If `n` is negative, or the dtype cannot hold n - 1.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.randperm(4)
        tensor([0, 1, 3, 2])
    """
    n = _int64("n", n)
    made = array_for(out, (n,), dtype, np.int64)
    fits = is_countable(made.dtype) and made.dtype.kind != "b"
    demand(fits, "randperm", made.dtype, "an integer or floating-point", NotImplementedError)
    largest = 1 << DIGITS[made.dtype] if made.dtype in DIGITS else int(np.iinfo(made.dtype).max)
    if n - 1 > largest:
        raise RuntimeError(f"randperm: n={n} is too large for {made.dtype.name}, which holds integers up to {largest}")
    engine = engine_of(generator)
    made = drawn(made, lambda flat: _permutations(engine, flat, n))
    return deliver(made, out, device, requires_grad)


def _permutations(engine: Engine, flat: Any, n: int) -> None:
    """Fill a flat array with permutations, one after the other."""
    for start in range(0, flat.size, max(n, 1)):
        flat[start : start + n] = engine.permutation(n)


_UNSET: Any = object()


def random_(input: Tensor, from_: int | None = None, to: Any = _UNSET, *, generator: Generator | None = None) -> Tensor:
    """Fill with random integers: `random_()`, `random_(to)` or `random_(from_, to)`.

    Without bounds, or with `to=None`, they reach up to the largest number of the dtype; for floating-point dtypes up to the largest
    up to which every integer is exact.

    Raises:
        RuntimeError: If from_ >= to, or the dtype cannot hold the range.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.zeros(4).random_(10)
        tensor([4., 9., 3., 0.])
    """
    engine, dtype = engine_of(generator), input._a.dtype
    if from_ is None and (to is _UNSET or to is None):
        demand(is_countable(dtype), "random_", dtype, "an integer, floating-point or bool", NotImplementedError)
        return write(input, engine.random)
    if from_ is None or to is _UNSET:
        return write(input, _integers(dtype, engine, 0, from_ if to is _UNSET else to))
    return write(input, _integers(dtype, engine, from_, to) if to is not None else _open(dtype, engine, from_))


def _open(dtype: np.dtype[Any], engine: Engine, low: Any) -> Draw:
    """Fills an array with integers from `low` up to the largest that the dtype holds exactly."""
    low = _int64("from", low)
    demand(is_countable(dtype), "a range of integers", dtype, "an integer, floating-point or bool")
    if low == -(1 << 63) and dtype.name in ("int64", "float64", "float32", "bfloat16"):
        return lambda flat: engine.integers(flat, low, 1 << 63)
    smallest, largest = _limits(dtype)
    top = 1 << DIGITS[dtype] if dtype in DIGITS else int(largest)
    check(smallest <= low <= top, f"from={low} is out of bounds for {dtype.name}")
    start = _exact(dtype, low, top + 1)[0] if dtype in DIGITS else low
    return lambda flat: engine.integers(flat, start, top + 1)


def geometric_(input: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with the number of trials up to the first success of probability `p`: 1, 2, …

    Raises:
        RuntimeError: If `p` is not within (0, 1).

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.zeros(4).geometric_(0.5)
        tensor([1., 1., 2., 1.])
    """
    engine, dtype = engine_of(generator), input._a.dtype
    fits = is_countable(dtype) and dtype.kind != "b"
    demand(fits, "geometric_", dtype, "an integer or floating-point", NotImplementedError)
    check(0 < p < 1, f"geometric_ expects p to be in (0, 1), but got p={p}")
    return write(input, lambda flat: engine.geometric(flat, float(p)))


# --- Samples from given probabilities ------------------------------------------------------------------------------------


def _bernoulli(dtype: np.dtype[Any], engine: Engine, p: Any) -> Draw:
    """Fills an array with ones of probability `p`: a number, or a flat array."""
    demand(is_countable(dtype), "a Bernoulli distribution", dtype, "a real", NotImplementedError)
    if isinstance(p, ndarray):
        demand(is_real(p.dtype), "a probability", p.dtype, "a floating-point", NotImplementedError)
        check(bool(((p >= 0) & (p <= 1)).all()), "bernoulli expects all probabilities to be in [0, 1]")
        return lambda flat: engine.bernoulli(flat, p)
    if hasattr(p, "dtype"):  # on a device that records its work: nobody may look at the numbers
        return lambda flat: engine.bernoulli(flat, p)
    check(0 <= p <= 1, f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    return lambda flat: engine.bernoulli(flat, float(p))


def _uniform_numbers(engine: Engine) -> Draw:
    return lambda flat: engine.uniform(flat)


@numpy_too
def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """Zeros and ones, in `input`'s shape and dtype.

    Args:
        input: The probability of a one, for each element.
        p: One probability for all; then `input` gives only shape and dtype.
        generator: The stream to draw from; the default one if None.
        out: A tensor to put them into.

    Raises:
        RuntimeError: If a probability is not within [0, 1].

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.bernoulli(tour.tensor([0.0, 0.5, 1.0]))
        tensor([0., 0., 1.])
    """
    made = array_for(out, input._a.shape, None, input._a.dtype, input.device)
    if p is None and sockets.sample is not None:
        chance = drawn(np.empty(made.shape), _uniform_numbers(engine_of(generator)))
        return constant_in((chance < input._a).astype(made.dtype), input)
    made = drawn(made, _bernoulli(made.dtype, engine_of(generator), near(input).reshape(-1) if p is None else p))
    return deliver(made, out, None) if out is not None else constant_in(move(made, input.device), input)


def bernoulli_(input: Tensor, p: Tensor | float = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with ones of probability `p`, and zeros elsewhere.

    Args:
        input: The tensor to fill.
        p: One probability, or a tensor of them that broadcasts to `input`'s shape.
        generator: The stream to draw from; the default one if None.

    Raises:
        RuntimeError: If a probability is not within [0, 1], or the shapes do not fit.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.zeros(4).bernoulli_(0.5)
        tensor([0., 0., 1., 0.])
    """
    if not isinstance(p, _core.Tensor):
        return write(input, _bernoulli(input._a.dtype, engine_of(generator), p))
    a = input._a
    try:
        each = np.broadcast_to(near(p), a.shape)
    except ValueError:
        raise RuntimeError(
            f"bernoulli_: p of shape {list(p._a.shape)} does not broadcast to the tensor's shape {list(a.shape)}"
        ) from None
    return write(input, _bernoulli(a.dtype, engine_of(generator), each.transpose(memory_axes(a)).reshape(-1)), p)


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Random categories, drawn with the given weights.

    Args:
        input: Weights ≥ 0 of the categories, shape (categories,) or (rows, categories); they need not sum to 1.
        num_samples: How many to draw, for each row.
        replacement: Whether a category may come more than once.
        generator: The stream to draw from; the default one if None.
        out: An int64 tensor to put them into.

    Returns:
        Indices (int64) of shape (num_samples,) or (rows, num_samples).

    Raises:
        RuntimeError: If the weights are no distribution, or there are fewer categories than samples without replacement.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.multinomial(tour.tensor([0.0, 10.0, 3.0, 0.0]), 4, replacement=True)
        tensor([2, 1, 1, 2])
    """
    weights = host(input)
    demand(is_real(weights.dtype), "multinomial", weights.dtype, "a floating-point")
    check(weights.ndim in (1, 2), f"multinomial: the weights must have 1 or 2 dimensions, but have {weights.ndim}")
    check(num_samples > 0, f"multinomial: cannot draw {num_samples} samples; num_samples must be at least 1")
    categories = weights.shape[-1]
    check(
        replacement or num_samples <= categories,
        f"multinomial: cannot draw {num_samples} samples from {categories} categories without replacement",
    )
    check(categories > 0, "multinomial: there are no categories to draw from")
    check_out("multinomial", out)
    check(out is None or out._a.dtype == np.int64, "multinomial: out must be an int64 tensor")
    rows = weights.reshape(-1, categories) if weights.ndim == 2 else weights[None]
    made = sequential.multinomial(engine_of(generator), rows, num_samples, bool(replacement))
    return deliver(made.reshape(*weights.shape[:-1], num_samples), out, input.device)


@numpy_too
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson random numbers, of the rates in `input`, in its shape and dtype.

    Raises:
        RuntimeError: If a rate is negative or NaN.
        NotImplementedError: If the dtype has no fractions.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.poisson(tour.tensor([0.5, 3.0, 100.0]))
        tensor([  2.,   4., 102.])
    """
    rate = host(input)
    demand(is_real(rate.dtype), "poisson", rate.dtype, "a floating-point", NotImplementedError)
    check(bool((rate >= 0).all()), "invalid Poisson rate, expected rate to be non-negative")
    made = np.array(sequential.poisson(engine_of(generator), rate.reshape(-1))).astype(rate.dtype).reshape(rate.shape)
    return constant_in(move(made, input.device), input)


@numpy_too
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Binomial random numbers: how many of `count` trials succeed, each with probability `prob`.

    Args:
        count: Numbers of trials, in float32 or float64.
        prob: Probabilities, of the same dtype and of a shape that broadcasts with `count`'s.
        generator: The stream to draw from; the default one if None.

    Raises:
        ValueError: If `count` or `prob` are of no floating-point dtype.
        RuntimeError: If the dtypes differ, or the shapes do not broadcast.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.binomial(tour.full((3,), 10.0), tour.tensor([0.1, 0.5, 0.9]))
        tensor([2., 6., 9.])
    """
    for name, x in (("count", count), ("prob", prob)):
        if x._a.dtype not in DIGITS:
            raise ValueError(f"binomial only supports floating-point dtypes for {name}, got: {x.dtype.name}")
    dtype = count._a.dtype
    demand(dtype.itemsize > 2, "binomial", dtype, "a float32 or float64", NotImplementedError)
    check(dtype == prob._a.dtype, f"binomial: count is {count.dtype.name} but prob {prob.dtype.name}; make them equal")
    shape = broadcast(count._a.shape, prob._a.shape)
    flat = [np.broadcast_to(host(x), shape).reshape(-1) for x in (count, prob)]
    made = np.array(sequential.binomial(engine_of(generator), *flat), dtype).reshape(shape)
    return finish(made, count.device)
