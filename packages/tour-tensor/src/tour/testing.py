"""PyTorch's `torch.testing`: comparison of tensors that says what differs, and random tensors for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _dtypes
from tour._dtypes import FLOATING, FROM_NUMPY, as_dtype
from tour._operands import NUMBER
from tour._shapes import as_shape
from tour.ops.creation import as_tensor, finish
from tour.ops.discrete import randint

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

# Relative and absolute tolerance by dtype; everything else must be equal. PyTorch's table.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise unless two tensors, numbers, arrays, or sequences or mappings of them, are close: `|a - b| <= atol + rtol * |b|`.

    Args:
        actual: What came out.
        expected: What should have.
        allow_subclasses: Whether the types may differ as long as one is a subclass of the other.
        rtol: Relative tolerance; by default that of the dtype (1.3e-6 for float32). Give both or none.
        atol: Absolute tolerance; by default that of the dtype (1e-5 for float32).
        equal_nan: Whether NaN equals NaN.
        check_device: Whether devices must be the same.
        check_dtype: Whether dtypes must be the same.
        check_layout: Accepted for PyTorch's sake.
        check_stride: Whether strides must be the same.
        msg: What to say instead, or a function that turns PyTorch's message into another.

    Raises:
        AssertionError: If they differ.
        ValueError: If only one tolerance is given.

    Examples:
        >>> import tour
        >>> tour.testing.assert_close(tour.tensor([1.0, 2.0]), tour.tensor([1.0, 2.5]))
        Traceback (most recent call last):
        ...
        AssertionError: Tensor-likes are not close!
        <BLANKLINE>
        Mismatched elements: 1 / 2 (50.0%)
        Greatest absolute difference: 0.5 at index (1,) (up to 1e-05 allowed)
        Greatest relative difference: 0.20000000298023224 at index (1,) (up to 1.3e-06 allowed)
    """
    if (rtol is None) is not (atol is None):
        raise ValueError(
            f"rtol and atol must both be specified or both be unspecified, but got rtol={rtol} and atol={atol} instead."
        )
    checks = {"device": check_device, "dtype": check_dtype, "stride": check_stride, "subclass": allow_subclasses}
    found = _difference(actual, expected, rtol, atol, equal_nan, checks)
    if found is not None:
        where, text = found
        text += f"\n\nThe failure occurred for item {where}" if where else ""
        raise AssertionError(text if msg is None else msg(text) if callable(msg) else msg)


assert_allclose = assert_close


def _difference(
    a: Any, b: Any, rtol: Any, atol: Any, equal_nan: bool, checks: dict[str, bool]
) -> tuple[str, str] | None:
    """Where two things differ and how, or None."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if a.keys() != b.keys():
            missing = [k for k in a if k not in b], [k for k in b if k not in a]
            return "", (
                f"The keys of the mappings do not match:\nMissing keys in the actual mapping: {missing[1]}\n"
                f"Missing keys in the expected mapping: {missing[0]}"
            )
        pairs: Any = ((f"[{k!r}]", a[k], b[k]) for k in a)
    elif _is_sequence(a) and _is_sequence(b):
        if len(a) != len(b):
            return "", f"The length of the sequences mismatch: {len(a)} != {len(b)}"
        pairs = ((f"[{i}]", x, y) for i, (x, y) in enumerate(zip(a, b, strict=True)))
    else:
        text = _unlike(a, b, rtol, atol, equal_nan, checks)
        return None if text is None else ("", text)
    for where, x, y in pairs:
        found = _difference(x, y, rtol, atol, equal_nan, checks)
        if found is not None:
            return where + found[0], found[1]
    return None


def _is_sequence(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str)


def _unlike(a: Any, b: Any, rtol: Any, atol: Any, equal_nan: bool, checks: dict[str, bool]) -> str | None:
    """How two tensors or numbers differ, or None."""
    if a is None or b is None:
        return None if a is b else f"None mismatch: {a} is not {b}"
    numbers = isinstance(a, NUMBER) and isinstance(b, NUMBER)
    if numbers:
        a, b = (x.item() if isinstance(x, np.generic) else x for x in (a, b))
    if (
        not numbers
        and type(a) is not type(b)
        and not ((checks["subclass"] and isinstance(a, type(b))) or isinstance(b, type(a)))
    ):
        raise TypeError(
            f"No comparison pair was able to handle inputs of type {type(a)} and {type(b)}; convert one of them first"
        )
    if numbers and type(a) is not type(b) and checks["dtype"]:
        return f"The (d)types do not match: {type(a)} != {type(b)}."
    if not numbers and not hasattr(a, "__array__"):
        return None if a == b else f"Object comparison failed: {a!r} != {b!r}"
    x, y = (as_tensor(v, dtype=_dtypes.float64 if isinstance(v, float) else None) for v in (a, b))
    for what, left, right, checked in (
        ("shape", x.shape, y.shape, True),
        ("device", x.device, y.device, checks["device"]),
        ("dtype", x.dtype, y.dtype, checks["dtype"]),
        ("stride", x.stride(), y.stride(), checks["stride"]),
    ):
        if checked and left != right:
            return f"The values for attribute '{what}' do not match: {left} != {right}."
    return _not_close(x.detach().cpu()._a, y.detach().cpu()._a, rtol, atol, equal_nan, numbers)


def _not_close(a: Any, b: Any, rtol: Any, atol: Any, equal_nan: bool, scalars: bool) -> str | None:
    """PyTorch's report on two arrays of one shape, or None if they are close."""
    if rtol is None:
        found = [_TOLERANCES.get(FROM_NUMPY[x.dtype].name, (0.0, 0.0)) for x in (a, b)]
        rtol, atol = (max(t) for t in zip(*found, strict=True))
    with np.errstate(all="ignore"):
        wide = np.result_type(*(np.float32 if x.dtype.kind == "V" else x.dtype for x in (a, b)))
        a, b = a.astype(wide), b.astype(wide)
        if wide.kind in "fc":
            close = np.isclose(a, b, rtol, atol, equal_nan)
            gap = np.abs(a - b)
        else:
            a, b = (x.astype(np.int64) for x in (a, b))
            gap = np.abs(a - b)
            close = (a == b) | (gap <= atol + rtol * np.abs(b))
        if close.all():
            return None
        part = gap / np.abs(b)
        gap, part = (np.where(close, 0, x) for x in (gap, part))
    exact = not (rtol or atol)
    what = ("Scalars are not " if scalars or not a.ndim else "Tensor-likes are not ") + (
        "equal!" if exact else "close!"
    )
    bounds = ("", "") if exact else (f" (up to {atol} allowed)", f" (up to {rtol} allowed)")
    if scalars or not a.ndim:
        lines = [what, "", f"Expected {b.item()} but got {a.item()}."]
        return "\n".join(
            [*lines, f"Absolute difference: {gap.item()}{bounds[0]}", f"Relative difference: {part.item()}{bounds[1]}"]
        )
    count = int((~close).sum())
    lines = [what, "", f"Mismatched elements: {count} / {close.size} ({count / close.size:.1%})"]
    for word, x, allowed in (("absolute", gap, bounds[0]), ("relative", part, bounds[1])):
        at = tuple(int(i) for i in np.unravel_index(np.argmax(x), x.shape))
        lines.append(f"Greatest {word} difference: {x[at].item()} at index {at}{allowed}")
    return "\n".join(lines)


def make_tensor(
    *shape: Any,
    dtype: Dtype,
    device: Any = None,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of random numbers from [low, high): by default [-9, 9) for fractions, [-9, 10) for integers, [0, 2) for booleans.

    The numbers are evenly distributed and come from the default generator, so `tour.manual_seed` repeats them.

    Args:
        shape: The sizes, one by one or as a tuple.
        dtype: The element type.
        device: Where to put it.
        low: The least number; None for -9, or 0 if the dtype is unsigned. Cut to an integer for integers, unused for
            booleans.
        high: The number above all others; None for 9, or 10 for integers. Cut to an integer for integers, unused for
            booleans.
        requires_grad: Whether operations on it are recorded.
        noncontiguous: Whether to take every second element, along the last dimension, of a tensor twice as long.
        exclude_zero: Whether to put ones in the place of zeros.
        memory_format: Accepted for PyTorch's sake.

    Returns:
        A tensor of that shape; of complex numbers, both parts are from [low, high).

    Raises:
        ValueError: If `low` is greater than `high`, or equal to it for integers.
        OverflowError: If a bound is infinite.
        TypeError: If the shape is not of integers.
        RuntimeError: If `requires_grad` and the dtype is neither floating-point nor complex.

    Examples:
        >>> import tour
        >>> tour.testing.make_tensor(2, 3, dtype=tour.float32).shape
        tour.Size([2, 3])
    """
    size, d = as_shape(shape, "make_tensor"), as_dtype(dtype)
    if noncontiguous and size:
        size = (*size[:-1], 2 * size[-1])
    rng = np.random.default_rng(int(randint(2**62, ()).item()))
    if d is _dtypes.bool:
        array = rng.integers(0, 2, size).astype(np.bool_)
    elif d.rank < FLOATING:
        least = 0 if d.numpy.kind == "u" else -9
        array = rng.integers(least if low is None else int(low), 10 if high is None else int(high), size).astype(
            d.numpy
        )
    else:
        bounds = (-9.0 if low is None else low, 9.0 if high is None else high)
        values = rng.uniform(*bounds, size)
        array = (values + 1j * rng.uniform(*bounds, size) if d.is_complex else values).astype(d.numpy)
    if exclude_zero:
        array = np.where(array == 0, np.ones((), array.dtype), array)
    return finish(array[..., ::2] if noncontiguous and size else array, device, requires_grad)
