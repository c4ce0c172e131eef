"""Element types: PyTorch's names over NumPy's dtypes, and PyTorch's promotion.

A `dtype` names one element type of a tensor. Arithmetic follows PyTorch: `float32` is the default, Python scalars never widen, and
tensors without dimensions count less than those with (see `result_type`).
"""

from __future__ import annotations

import builtins
from functools import cache
from typing import Any, Final

import numpy as np

__all__ = ["can_cast", "dtype", "finfo", "get_default_dtype", "iinfo", "promote_types", "set_default_dtype"]


class dtype:
    """The type of a tensor's elements, such as `tour.float32`.

    `np.dtype(tour.float32)` gives NumPy's dtype, and a `dtype` equals the NumPy dtype it stands for.

    Attributes:
        name: PyTorch's name, for example `"float32"`.
        numpy: The NumPy dtype that holds the elements.
        itemsize: Bytes per element.
        is_floating_point: Whether elements are real floating-point numbers.
        is_complex: Whether elements are complex.
        is_signed: Whether elements may be negative.

    Examples:
        >>> import tour, numpy as np
        >>> tour.float32, tour.float32.itemsize, tour.float32 == np.float32
        (tour.float32, 4, True)
    """

    __slots__ = ("dtype", "is_complex", "is_floating_point", "is_signed", "itemsize", "name", "numpy", "rank")

    name: str
    numpy: np.dtype[Any]

    def __init__(self, name: str, numpy: Any, rank: builtins.int, signed: builtins.bool = True) -> None:
        self.name = name
        self.rank = rank
        if isinstance(numpy, builtins.int):  # bytes of a type that NumPy has from ml_dtypes: see __getattr__
            self.itemsize = numpy
        else:
            self._bind(np.dtype(numpy))
            self.itemsize = self.numpy.itemsize
        self.is_floating_point = rank == FLOATING
        self.is_complex = rank == COMPLEX
        self.is_signed = signed

    def _bind(self, numpy: np.dtype[Any]) -> None:
        self.numpy = numpy
        self.dtype = numpy  # NumPy reads this attribute in `np.dtype(tour.float32)`

    def __getattr__(self, name: str) -> Any:
        """Import ml_dtypes when one of its types is first needed: it would be a tenth of `import tour`."""
        if name not in ("numpy", "dtype"):
            raise AttributeError(f"'dtype' object has no attribute {name!r}", name=name, obj=self)
        _bind_ml_dtypes()
        return object.__getattribute__(self, name)

    def __repr__(self) -> str:
        return f"tour.{self.name}"

    def __eq__(self, other: object) -> builtins.bool:
        if self is other:
            return True
        if isinstance(other, dtype) or other is None:
            return False
        try:
            return builtins.bool(self.numpy == np.dtype(other))  # type: ignore[call-overload]
        except TypeError:
            return NotImplemented

    def __hash__(self) -> builtins.int:
        return hash(self.numpy)

    def __reduce__(self) -> str:
        return self.name

    def to_real(self) -> dtype:
        """The real dtype of one component of a complex dtype, or this dtype itself.

        Examples:
            >>> import tour
            >>> tour.complex64.to_real()
            tour.float32
        """
        return _REAL_OF.get(self, self)

    def to_complex(self) -> dtype:
        """The complex dtype whose components are at least this wide.

        Examples:
            >>> import tour
            >>> tour.float64.to_complex()
            tour.complex128
        """
        return self if self.is_complex else complex128 if self is float64 else complex64


# Kinds in the order in which arithmetic prefers them.
BOOLEAN, INTEGRAL, FLOATING, COMPLEX = range(4)

bool = dtype("bool", np.bool_, BOOLEAN, signed=False)
uint8 = dtype("uint8", np.uint8, INTEGRAL, signed=False)
uint16 = dtype("uint16", np.uint16, INTEGRAL, signed=False)
uint32 = dtype("uint32", np.uint32, INTEGRAL, signed=False)
uint64 = dtype("uint64", np.uint64, INTEGRAL, signed=False)
int8 = dtype("int8", np.int8, INTEGRAL)
int16 = short = dtype("int16", np.int16, INTEGRAL)
int32 = int = dtype("int32", np.int32, INTEGRAL)
int64 = long = dtype("int64", np.int64, INTEGRAL)
float16 = half = dtype("float16", np.float16, FLOATING)
bfloat16 = dtype("bfloat16", 2, FLOATING)
float32 = float = dtype("float32", np.float32, FLOATING)
float64 = double = dtype("float64", np.float64, FLOATING)
float8_e4m3fn = dtype("float8_e4m3fn", 1, FLOATING)
float8_e4m3fnuz = dtype("float8_e4m3fnuz", 1, FLOATING)
float8_e5m2 = dtype("float8_e5m2", 1, FLOATING)
float8_e5m2fnuz = dtype("float8_e5m2fnuz", 1, FLOATING)
float8_e8m0fnu = dtype("float8_e8m0fnu", 1, FLOATING, signed=False)
complex64 = cfloat = dtype("complex64", np.complex64, COMPLEX)
complex128 = cdouble = dtype("complex128", np.complex128, COMPLEX)

ALL: Final[tuple[dtype, ...]] = (
    *(bool, uint8, uint16, uint32, uint64, int8, int16, int32, int64),
    *(float16, bfloat16, float32, float64, complex64, complex128),
    *(float8_e4m3fn, float8_e4m3fnuz, float8_e5m2, float8_e5m2fnuz, float8_e8m0fnu),
)
FROM_ML_DTYPES: Final = (bfloat16, float8_e4m3fn, float8_e4m3fnuz, float8_e5m2, float8_e5m2fnuz, float8_e8m0fnu)


class _FromNumPy(dict[np.dtype[Any], dtype]):
    """The dtype of each NumPy dtype; those of ml_dtypes join when one is first seen."""

    def __missing__(self, key: np.dtype[Any]) -> dtype:
        if key not in self:  # which binds them
            raise KeyError(key)
        return dict.__getitem__(self, key)

    def __contains__(self, key: object) -> builtins.bool:
        return dict.__contains__(self, key) or (
            getattr(key, "kind", "") == "V" and dict.__contains__(_bind_ml_dtypes(), key)
        )

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key] if key in self else default


FROM_NUMPY: Final = _FromNumPy({d.numpy: d for d in ALL if d not in FROM_ML_DTYPES})


def _bind_ml_dtypes() -> dict[np.dtype[Any], dtype]:
    """Give bfloat16 and float8 their NumPy dtypes."""
    import ml_dtypes

    for d in FROM_ML_DTYPES:
        d._bind(np.dtype(getattr(ml_dtypes, d.name)))
        FROM_NUMPY[d.numpy] = d
    return FROM_NUMPY


_REAL_OF: Final[dict[dtype, dtype]] = {complex64: float32, complex128: float64}
_PYTHON: Final[dict[type, dtype]] = {
    builtins.bool: bool,
    builtins.int: int64,
    builtins.float: float64,
    complex: complex128,
}


class _Default:
    """The dtype of new floating-point tensors; a holder, so that every module sees a change."""

    dtype = float32
    numpy = float32.numpy


def get_default_dtype() -> dtype:
    """The dtype of floating-point tensors made from Python numbers: `float32` unless changed.

    Examples:
        >>> import tour
        >>> tour.get_default_dtype()
        tour.float32
    """
    return _Default.dtype


def set_default_dtype(d: dtype, /) -> None:
    """Set the dtype of floating-point tensors made from Python numbers.

    Args:
        d: A floating-point dtype.

    Raises:
        TypeError: If `d` is not a floating-point dtype.

    Examples:
        >>> import tour
        >>> tour.set_default_dtype(tour.float64)
        >>> tour.tensor(1.0).dtype
        tour.float64
        >>> tour.set_default_dtype(tour.float32)
    """
    chosen = as_dtype(d)
    if not chosen.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {chosen}")
    _Default.dtype, _Default.numpy = chosen, chosen.numpy


def default_numpy() -> np.dtype[Any]:
    """NumPy's dtype for the default floating-point dtype."""
    return _Default.numpy


def default_complex() -> dtype:
    """The complex dtype that belongs to the default dtype."""
    return _Default.dtype.to_complex()


def as_dtype(d: Any) -> dtype:
    """A tour dtype from a tour dtype, a NumPy dtype, or Python's `bool`, `int`, `float` and `complex`.

    Raises:
        TypeError: If `d` names no element type that a tensor can hold.
    """
    if type(d) is dtype:
        return d
    if isinstance(d, type) and d in _PYTHON:
        return _PYTHON[d]
    try:
        return FROM_NUMPY[np.dtype(d).newbyteorder("=")]
    except (KeyError, TypeError):
        raise TypeError(f"{d!r} is not a tensor dtype; choose one of {', '.join(map(repr, ALL))}") from None


def as_numpy_dtype(d: Any) -> np.dtype[Any] | None:
    """NumPy's dtype for anything `as_dtype` accepts; None stays None."""
    return None if d is None else as_dtype(d).numpy


@cache
def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest dtype that arithmetic between the two dtypes gives.

    An integer beside a floating-point dtype takes the latter, whatever its size (NumPy would widen).

    Raises:
        RuntimeError: If either is a float8 dtype and they differ.

    Examples:
        >>> import tour
        >>> tour.promote_types(tour.int64, tour.float16), tour.promote_types(tour.float16, tour.bfloat16)
        (tour.float16, tour.float32)
    """
    a, b = as_dtype(type1), as_dtype(type2)
    if a is b:
        return a
    if a.rank < b.rank:
        a, b = b, a
    if "float8" in a.name or "float8" in b.name:
        raise RuntimeError(f"Promotion for Float8 Types is not supported, attempted to promote {type1} and {type2}")
    if a.rank == COMPLEX and b.rank >= FLOATING:
        return complex128 if float64 in (a.to_real(), b.to_real()) else complex64
    if a.rank > b.rank:
        return a
    if a.rank == FLOATING:
        return float64 if float64 in (a, b) else float32
    wider = FROM_NUMPY.get(np.promote_types(a.numpy, b.numpy), int64)
    return wider if wider.rank == INTEGRAL else int64  # uint64 beside a signed type: NumPy would turn to float64


def can_cast(from_: dtype, to: dtype) -> builtins.bool:
    """Whether PyTorch's rules allow a result of dtype `from_` to be stored as `to`.

    Examples:
        >>> import tour
        >>> tour.can_cast(tour.float64, tour.float32), tour.can_cast(tour.float32, tour.int64)
        (True, False)
    """
    a, b = as_dtype(from_), as_dtype(to)
    if a.rank == INTEGRAL and a.is_signed and b.rank == INTEGRAL and not b.is_signed:
        return False
    return a.rank <= b.rank


class finfo:
    """Limits of a floating-point dtype.

    Attributes:
        bits: Bits per element (per component of a complex dtype).
        eps: Gap between 1 and the next larger number.
        max: Largest finite number.
        min: Smallest finite number, `-max`.
        tiny: Smallest positive normal number; also `smallest_normal`.
        resolution: Decimal resolution.
        dtype: The dtype's name.

    Examples:
        >>> import tour
        >>> tour.finfo(tour.float32).eps
        1.1920928955078125e-07
    """

    def __init__(self, type: dtype | None = None) -> None:
        d = (get_default_dtype() if type is None else as_dtype(type)).to_real()
        if not d.is_floating_point:
            raise TypeError(f"tour.finfo() requires a floating point input type. Use tour.iinfo to handle '{d.name}'")
        import ml_dtypes

        info: Any = ml_dtypes.finfo(d.numpy)  # type: ignore[no-untyped-call]
        self.dtype = d.name
        self.bits = d.itemsize * 8
        self.eps, self.max, self.min = (info.eps.item(), info.max.item(), info.min.item())
        self.tiny = self.smallest_normal = info.smallest_normal.item()
        self.resolution = 10.0**-info.precision if d.itemsize > 1 else 1.0

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """Limits of an integer dtype.

    Attributes:
        bits: Bits per element.
        max: Largest number.
        min: Smallest number.
        dtype: The dtype's name.

    Examples:
        >>> import tour
        >>> tour.iinfo(tour.uint8).max
        255
    """

    def __init__(self, type: dtype) -> None:
        d = as_dtype(type)
        if d.rank != INTEGRAL:
            raise TypeError(f"tour.iinfo() requires an integer input type. Use tour.finfo to handle '{d.name}'")
        info = np.iinfo(d.numpy)
        self.dtype, self.bits, self.max, self.min = d.name, info.bits, info.max, info.min

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
