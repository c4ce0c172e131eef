"""Random numbers with fractions: uniform, normal, exponential and others; new tensors, and tensors filled in place.

The numbers are those that PyTorch draws on a CPU, in the same order: one stream on the host serves every device, and a tensor is
filled in the order of its memory. A sample does not vary with the tensors it was drawn from: gradients through it are zero.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, _dtypes
from tour._calling import numpy_too
from tour._core import held, with_room
from tour._devices import move
from tour._errors import check_out
from tour._random_engine import LARGEST, Engine
from tour._shapes import as_shape, is_int
from tour.ops._draw import (
    Array,
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
    is_fractional,
    is_real,
    near,
    real_part,
    shape_of,
    write,
)
from tour.ops.factories import like
from tour.random import Generator, recorders

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor
    from tour.ops._draw import Place

__all__ = ["normal", "rand", "rand_like", "randn", "randn_like"]

# --- Uniform and normal ---------------------------------------------------------------------------------------------------


def _uniform(a: Array, engine: Engine, low: float = 0.0, high: float = 1.0) -> Draw:
    """Fills an array like `a` with numbers from [low, high); complex ones have both parts from there."""
    demand(is_fractional(a.dtype), "a uniform distribution", a.dtype, "a floating-point", NotImplementedError)
    real = real_part(a.dtype)
    largest = LARGEST[real]
    if not (-largest <= low <= high <= largest and high - low <= largest):
        raise RuntimeError(
            f"uniform_ expects from <= to, both finite and at most {largest} apart in {real.name}, but found from={low}, to={high}"
        )
    return lambda flat: engine.uniform(flat if real is a.dtype else flat.view(real), low, high)


def _normal(a: Array, engine: Engine, mean: float = 0.0, std: float = 1.0) -> Draw:
    """Fills an array like `a` with normal numbers; for complex ones `std` counts both parts together."""
    demand(is_fractional(a.dtype), "a normal distribution", a.dtype, "a floating-point", NotImplementedError)
    check(std >= 0, f"normal expects std >= 0.0, but found std {std}")
    real, contiguous = real_part(a.dtype), a.flags.c_contiguous
    if real is a.dtype:
        return lambda flat: engine.normal(flat, mean, std, contiguous)
    return lambda flat: engine.normal(flat.view(real), mean, std / math.sqrt(2), contiguous)


def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Uniform random numbers from [0, 1).

    Args:
        sizes: The shape, as numbers or one tuple.
        size: The shape, by keyword.
        generator: The stream to draw from; the default one if None.
        out: A tensor to put them into, which takes the shape.
        dtype: A floating-point or complex dtype; complex numbers have both parts from [0, 1).
        layout: Accepted for PyTorch's sake.
        device: Where to put them; the numbers are the same everywhere.
        requires_grad: Whether operations on them are recorded.
        pin_memory: Accepted for PyTorch's sake.

    Raises:
        NotImplementedError: If `dtype` has no fractions.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.rand(2, 2)
        tensor([[0.4963, 0.7682],
                [0.0885, 0.1320]])
    """
    made = array_for(out, shape_of(sizes, size, "rand"), dtype, _dtypes.default_numpy(), device)
    made = drawn(made, _uniform(made, engine_of(generator)))
    return deliver(made, out, device, requires_grad)


def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Normal random numbers with mean 0 and variance 1; the parameters are those of `rand`.

    Raises:
        NotImplementedError: If `dtype` has no fractions.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.randn(3)
        tensor([ 1.5410, -0.2934, -2.1788])
    """
    made = array_for(out, shape_of(sizes, size, "randn"), dtype, _dtypes.default_numpy(), device)
    made = drawn(made, _normal(made, engine_of(generator)))
    return deliver(made, out, device, requires_grad)


@numpy_too
def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Uniform random numbers from [0, 1) in `input`'s shape, and in its dtype and on its device unless others are given.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.rand_like(tour.zeros(2))
        tensor([0.4963, 0.7682])
    """
    made = array_like(input, dtype, memory_format, device)
    made = drawn(made, _uniform(made, engine_of(generator)))
    return like(input, made, device, requires_grad)


@numpy_too
def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Place = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Normal random numbers in `input`'s shape, and in its dtype and on its device unless others are given.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.randn_like(tour.zeros(2))
        tensor([ 1.5410, -0.2934])
    """
    made = array_like(input, dtype, memory_format, device)
    made = drawn(made, _normal(made, engine_of(generator)))
    return like(input, made, device, requires_grad)


def normal(
    mean: Tensor | float,
    std: Tensor | float = 1.0,
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
    """Normal random numbers with the given means and standard deviations.

    Args:
        mean: One mean, or a tensor of them.
        std: One standard deviation, or a tensor of them; tensors broadcast.
        size: The shape, where `mean` and `std` are both numbers.
        generator: The stream to draw from; the default one if None.
        out: A tensor to put them into.
        dtype, layout, device, requires_grad, pin_memory: As for `rand`, where `size` is given.

    Raises:
        RuntimeError: If a standard deviation is negative, or the shapes do not broadcast.
        TypeError: If neither is a tensor and `size` is missing.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.normal(tour.tensor([10.0, 100.0]), tour.tensor([0.1, 1.0]))
        tensor([10.1541, 99.7066])
        >>> tour.normal(2.0, 0.5, (1, 2))
        tensor([[0.9106, 2.2842]])
    """
    if not isinstance(mean, _core.Tensor) and not isinstance(std, _core.Tensor):
        if size is None or is_int(size):
            raise TypeError("normal() of two numbers needs a size, a tuple: normal(0.0, 1.0, (2, 3))")
        made = array_for(out, as_shape((size,), "normal"), dtype, _dtypes.default_numpy(), device)
        made = drawn(made, _normal(made, engine_of(generator), float(mean), float(std)))
        return deliver(made, out, device, requires_grad)
    return _normal_each(mean, std, engine_of(generator), out)


def _normal_each(mean: Any, std: Any, engine: Engine, out: Tensor | None) -> Tensor:
    """Normal numbers where `mean` or `std` is a tensor: standard ones, scaled and shifted in the result's dtype."""
    first = mean if isinstance(mean, _core.Tensor) else std
    centre = near(mean) if isinstance(mean, _core.Tensor) else mean
    spread = near(std) if isinstance(std, _core.Tensor) else float(std)
    if not isinstance(spread, float):
        check(spread.dtype.kind != "c", "normal expects standard deviation to be non-complex")
        looked = bool(recorders) or bool((held(spread) >= 0).all())  # work that is recorded is not waited for
        check(looked, "normal expects all elements of std >= 0.0")
    shape = broadcast(getattr(centre, "shape", ()), getattr(spread, "shape", ()))
    check_out("normal", out)
    if out is not None and out._a.shape != shape:  # only of two tensors PyTorch lets `out` take the shape of
        both = isinstance(mean, _core.Tensor) and isinstance(std, _core.Tensor)
        check(both, f"normal(): out has the shape {list(out._a.shape)}, the result {list(shape)}")
    made = array_for(out, shape, None, first._a.dtype, first.device)
    made = drawn(made, _normal(made, engine, 0.0, spread if isinstance(spread, float) else 1.0))
    made = with_room(made, centre, spread)
    if not isinstance(spread, float):
        np.multiply(made, spread, out=made, casting="unsafe")
    np.add(made, centre, out=made, casting="unsafe")
    return deliver(made, out, None) if out is not None else constant_in(move(made, first.device), mean, std)


def uniform_(input: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with uniform random numbers from [from_, to).

    Raises:
        RuntimeError: If from_ > to, or a bound exceeds the dtype.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.zeros(2).uniform_(-1, 1)
        tensor([-0.0075,  0.5364])
    """
    return write(input, _uniform(input._a, engine_of(generator), float(from_), float(to)))


def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with normal random numbers.

    Raises:
        RuntimeError: If `std` is negative.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.zeros(2).normal_(5, 0.1)
        tensor([5.1541, 4.9707])
    """
    return write(input, _normal(input._a, engine_of(generator), float(mean), float(std)))


# --- Other continuous distributions ---------------------------------------------------------------------------------------


def exponential_(input: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponential random numbers of rate `lambd`: density lambd · exp(-lambd · x).

    Raises:
        RuntimeError: If `lambd` is not positive, or the dtype has no fractions.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.zeros(2).exponential_()
        tensor([3.5083, 1.2304])
    """
    engine = engine_of(generator)
    demand(is_real(input._a.dtype), "the exponential distribution", input._a.dtype, "a floating-point")
    check(lambd > 0, f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
    return write(input, lambda flat: engine.exponential(flat, float(lambd)))


def cauchy_(input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with Cauchy random numbers: median + sigma · tan(π (u - 1/2)).

    Raises:
        RuntimeError: If `sigma` is not positive, or the dtype has no fractions.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.zeros(2).cauchy_()
        tensor([10.5977,  0.7648])
    """
    engine = engine_of(generator)
    demand(is_real(input._a.dtype), "the Cauchy distribution", input._a.dtype, "a floating-point")
    check(sigma > 0, f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    return write(input, lambda flat: engine.cauchy(flat, float(median), float(sigma)))


def log_normal_(input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with exp of normal random numbers; `mean` and `std` are those of the normal ones.

    Raises:
        RuntimeError: If `std` is not positive.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> tour.zeros(2).log_normal_(0, 0.5)
        tensor([2.1608, 0.8635])
    """
    engine = engine_of(generator)
    demand(is_real(input._a.dtype), "log_normal_", input._a.dtype, "a floating-point", NotImplementedError)
    check(std > 0, f"log_normal_ expects std > 0.0, but found std={std}")
    return write(input, lambda flat: engine.log_normal(flat, float(mean), float(std)))
