"""Named tuples that functions with several results return, such as `values, indices = x.max(dim=0)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "aminmax", "cummax", "cummin", "frexp", "histogram", "histogramdd", "kthvalue", "max", "median", "min", "mode", "nanmedian", "sort",
    "topk",
]  # fmt: skip


def text_of(named: Any) -> str:
    """A named tuple of tensors as PyTorch prints it: one field a line."""
    fields = ",\n".join(f"{name}={value!r}" for name, value in zip(named._fields, named, strict=True))
    return f"tour.return_types.{type(named).__name__}(\n{fields})"


class _Selected(NamedTuple):
    values: Tensor
    indices: Tensor

    __repr__ = text_of


class max(_Selected):
    """Largest values and where they stand."""

    __slots__ = ()


class min(_Selected):
    """Smallest values and where they stand."""

    __slots__ = ()


class median(_Selected):
    """Medians and where they stand."""

    __slots__ = ()


class nanmedian(_Selected):
    """Medians of what is not NaN, and where they stand."""

    __slots__ = ()


class mode(_Selected):
    """Most frequent values and where they stand."""

    __slots__ = ()


class kthvalue(_Selected):
    """k-th smallest values and where they stand."""

    __slots__ = ()


class topk(_Selected):
    """The k largest values and where they stand."""

    __slots__ = ()


class sort(_Selected):
    """Sorted values and where they stood."""

    __slots__ = ()


class cummax(_Selected):
    """Running maxima and where they stand."""

    __slots__ = ()


class cummin(_Selected):
    """Running minima and where they stand."""

    __slots__ = ()


class aminmax(NamedTuple):
    """Smallest and largest values."""

    min: Tensor
    max: Tensor

    __repr__ = text_of


class frexp(NamedTuple):
    """Mantissas and exponents."""

    mantissa: Tensor
    exponent: Tensor

    __repr__ = text_of


class histogram(NamedTuple):
    """Counts in bins, and the edges of the bins."""

    hist: Tensor
    bin_edges: Tensor

    __repr__ = text_of


class histogramdd(NamedTuple):
    """Counts in bins of several dimensions, and the edges along each."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]

    __repr__ = text_of
