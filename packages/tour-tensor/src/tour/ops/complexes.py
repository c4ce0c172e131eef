"""Complex numbers: parts, angles, conjugates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._core import Op, ndarray, wrap
from tour._declare import primitive, unary, view
from tour._dtypes import float32, float64
from tour._storing import in_place, store
from tour.ops.trigonometry import cos, sin

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "angle",
    "complex",
    "conj",
    "conj_physical",
    "conj_physical_",
    "imag",
    "is_conj",
    "is_neg",
    "isreal",
    "polar",
    "real",
    "resolve_conj",
    "resolve_neg",
    "view_as_complex",
    "view_as_real",
]


@numpy_too
def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A complex tensor from real and imaginary parts, broadcasting.

    Raises:
        RuntimeError: If the dtypes differ, or are neither float32 nor float64.

    Examples:
        >>> import tour
        >>> tour.complex(tour.tensor([1.0]), tour.tensor([2.0]))
        tensor([1.+2.j])
    """
    _two_reals("complex", real, imag)
    t = _complex(real, imag)
    return t if out is None else _store_exactly(out, t, "complex")


def _complex_kernel(real: Any, imag: Any) -> Any:
    if type(real) is not ndarray:
        return real + imag * 1j  # an infinite part would spoil the other, which NumPy arrays are spared
    made = np.empty(
        np.broadcast_shapes(real.shape, imag.shape), np.complex64 if real.dtype.itemsize == 4 else np.complex128
    )
    made.real, made.imag = real, imag
    return made


@primitive(_complex_kernel, broadcasts=True)
def _complex(real: Tensor, imag: Tensor) -> Tensor:
    """Real and imaginary parts in one tensor."""
    ...


@numpy_too
def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A complex tensor from absolute values and angles: `abs * exp(1j * angle)`.

    Raises:
        RuntimeError: If the dtypes differ, or are neither float32 nor float64.

    Examples:
        >>> import tour
        >>> tour.polar(tour.tensor([2.0]), tour.tensor([0.0]))
        tensor([2.+0.j])
    """
    _two_reals("polar", abs, angle)
    t = _complex(abs * cos(angle), abs * sin(angle))
    return t if out is None else _store_exactly(out, t, "polar")


def _two_reals(name: str, a: Tensor, b: Tensor) -> None:
    if a.dtype not in (float32, float64) or b.dtype not in (float32, float64):
        raise RuntimeError(
            f"{name}: expected both inputs to be Float or Double tensors but got {a.dtype.name} and {b.dtype.name}"
        )
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"{name}: expected object of scalar type {a.dtype.name} but got scalar type {b.dtype.name} for second argument"
        )


def _store_exactly(out: Any, t: Any, name: str) -> Any:
    if out.dtype is not t.dtype:
        raise RuntimeError(
            f"{name}: expected object of scalar type {t.dtype.name} but got scalar type {out.dtype.name} for argument 'out'"
        )
    return store(out, t, name)


# --- Parts ----------------------------------------------------------------------------------------------------------------


@numpy_too
def real(input: Tensor) -> Tensor:
    """The real parts, as a view; a real tensor is returned as it is.

    Examples:
        >>> import tour
        >>> tour.real(tour.tensor([1 + 2j]))
        tensor([1.])
    """
    return view(_REAL, input, input._a.real) if input._a.dtype.kind == "c" else input


_REAL = Op("real", ("input",))


@numpy_too
def imag(input: Tensor) -> Tensor:
    """The imaginary parts of a complex tensor, as a view.

    Raises:
        RuntimeError: If the tensor is real.

    Examples:
        >>> import tour
        >>> tour.imag(tour.tensor([1 + 2j]))
        tensor([2.])
    """
    if input._a.dtype.kind != "c":
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return view(_IMAG, input, input._a.imag)  # type: ignore[no-any-return]


_IMAG = Op("imag", ("input",))


@numpy_too
def view_as_real(input: Tensor) -> Tensor:
    """A complex tensor as a real one with a last dimension of size 2 (real, imaginary), sharing memory.

    Examples:
        >>> import tour
        >>> tour.view_as_real(tour.tensor([1 + 2j]))
        tensor([[1., 2.]])
    """
    a = input._a
    if a.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return view(_VIEW_AS_REAL, input, a[..., None].view(a.real.dtype))  # type: ignore[no-any-return]


_VIEW_AS_REAL = Op("view_as_real", ("input",))


@numpy_too
def view_as_complex(input: Tensor) -> Tensor:
    """A real tensor whose last dimension has size 2 (real, imaginary) as a complex one, sharing memory.

    Raises:
        RuntimeError: If the last dimension has another size, or its pairs do not lie side by side.

    Examples:
        >>> import tour
        >>> tour.view_as_complex(tour.tensor([[1.0, 2.0]]))
        tensor([1.+2.j])
    """
    a = input._a
    if a.dtype not in (np.float32, np.float64):
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of "
            + input.dtype.name
        )
    if not a.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if a.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if a.strides[-1] != a.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(s % (2 * a.itemsize) for s in a.strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    pairs = a.view(np.complex64 if a.itemsize == 4 else np.complex128)
    return view(_VIEW_AS_COMPLEX, input, pairs[..., 0])  # type: ignore[no-any-return]


_VIEW_AS_COMPLEX = Op("view_as_complex", ("input",))


def _angle_kernel(a: Any) -> Any:
    if a.dtype.kind == "c":
        return np.arctan2(a.imag, a.real)
    return np.where(np.isnan(a), a, np.where(a < 0, a.dtype.type(math.pi), a.dtype.type(0)))


@unary(_angle_kernel, fractions=True)
def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Angle of each element in the complex plane, in (-π, π]; of a real tensor 0 or π.

    Examples:
        >>> import tour
        >>> tour.angle(tour.tensor([1j, -1 + 0j]))
        tensor([1.5708, 3.1416])
    """
    ...


# --- Conjugates -------------------------------------------------------------------------------------------------------------


@unary(np.conjugate)
def _conj(input: Tensor) -> Tensor:
    """Complex conjugate of each element."""
    ...


@numpy_too
def conj(input: Tensor) -> Tensor:
    """Complex conjugate of each element; a real tensor is returned as it is.

    Examples:
        >>> import tour
        >>> tour.conj(tour.tensor([1 + 2j]))
        tensor([1.-2.j])
    """
    return _conj(input) if input._a.dtype.kind == "c" else input


@numpy_too
def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Complex conjugate of each element, as `conj`: nothing is put off in tour.

    Examples:
        >>> import tour
        >>> tour.conj_physical(tour.tensor([1 + 2j]))
        tensor([1.-2.j])
    """
    t = conj(input)
    return t if out is None else store(out, t, "conj_physical")


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: conjugates are never put off in tour.

    Examples:
        >>> import tour
        >>> tour.resolve_conj(tour.tensor([1 + 2j]).conj())
        tensor([1.-2.j])
    """
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: negations are never put off in tour.

    Examples:
        >>> import tour
        >>> tour.resolve_neg(tour.tensor([1.0]))
        tensor([1.])
    """
    return input


def is_conj(input: Tensor) -> bool:
    """False: conjugates are never put off in tour.

    Examples:
        >>> import tour
        >>> tour.is_conj(tour.tensor([1 + 2j]).conj())
        False
    """
    return False


def is_neg(input: Tensor) -> bool:
    """False: negations are never put off in tour.

    Examples:
        >>> import tour
        >>> tour.is_neg(tour.tensor([1.0]))
        False
    """
    return False


@numpy_too
def isreal(input: Tensor) -> Tensor:
    """Whether each element's imaginary part is zero; true for every element of a real tensor.

    Examples:
        >>> import tour
        >>> tour.isreal(tour.tensor([1 + 0j, 1j]))
        tensor([ True, False])
    """
    a = input._a
    return wrap(a.imag == 0 if a.dtype.kind == "c" else np.ones_like(a, np.bool_))


conj_physical_ = in_place(conj_physical)


class Complexes:
    """Complex numbers, as methods."""

    __slots__ = ()

    angle, conj, conj_physical, conj_physical_ = angle, conj, conj_physical, conj_physical_
    resolve_conj, resolve_neg, is_conj, is_neg, isreal = resolve_conj, resolve_neg, is_conj, is_neg, isreal

    @property
    def real(self: Any) -> Tensor:
        """The real parts, as a view.

        Examples:
            >>> import tour
            >>> tour.tensor([1 + 2j, 3 - 4j]).real
            tensor([1., 3.])
        """
        return real(self)

    @real.setter
    def real(self: Any, value: Any) -> None:
        real(self).copy_(_core.Tensor._of(value, real(self)))

    @property
    def imag(self: Any) -> Tensor:
        """The imaginary parts of a complex tensor, as a view.

        Examples:
            >>> import tour
            >>> tour.tensor([1 + 2j, 3 - 4j]).imag
            tensor([ 2., -4.])
        """
        return imag(self)

    @imag.setter
    def imag(self: Any, value: Any) -> None:
        imag(self).copy_(_core.Tensor._of(value, imag(self)))
