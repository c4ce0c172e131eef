"""Products of matrices and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tour import _core
from tour._calling import numpy_too
from tour._core import as_array, kernel_for, ndarray, new, packed
from tour._declare import new_op, retry
from tour._dtypes import BOOLEAN, FLOATING, float32
from tour._errors import argument_error, shape_text
from tour._kernels import is_half
from tour._operands import NUMBER, cast, promoted, tensor_argument
from tour._products import product
from tour._storing import in_place, store

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "addbmm", "addmm", "addmv", "addmv_", "addr", "baddbmm", "bmm", "dot", "ger", "inner", "matmul", "mm", "mv", "outer", "vdot",
]  # fmt: skip


def _fits(a: Any, b: Any) -> str | None:
    """What is wrong with the shapes of a matrix product, or None."""
    if not a.ndim or not b.ndim:
        return f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D"
    inner_a, inner_b = a.shape[-1], b.shape[-2] if b.ndim > 1 else b.shape[0]
    if inner_a == inner_b:
        return None
    return (
        f"mat1 and mat2 shapes cannot be multiplied ({shape_text(a.shape)} and {shape_text(b.shape)}): "
        f"the last dimension of the first ({inner_a}) must equal the {'second last' if b.ndim > 1 else 'only'} "
        f"dimension of the second ({inner_b})"
    )


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Matrix product of two tensors; leading dimensions broadcast, vectors count as a row or a column.

    Shapes: `(..., n, k) @ (..., k, m) -> (..., n, m)`.

    Raises:
        RuntimeError: If the inner dimensions or the dtypes differ.

    Examples:
        >>> import tour
        >>> tour.matmul(tour.ones(2, 3), tour.ones(3, 4)).shape
        tour.Size([2, 4])
    """
    try:
        a, b = input._a, other._a
        if a.dtype is not b.dtype:
            raise RuntimeError(
                f"expected m1 and m2 to have the same dtype, but got: {input.dtype.name} != {other.dtype.name}"
            )
        if a.dtype.kind == "b":
            raise NotImplementedError(
                "\"matmul\" not implemented for 'Bool'; cast to an integer or floating-point dtype first"
            )
        r = kernel_for(_MATMUL, a)(a, b) if type(a) is not ndarray else product(a, b)
    except (AttributeError, TypeError, ValueError) as error:
        if isinstance(input, _core.Tensor) and isinstance(other, _core.Tensor) and (wrong := _fits(input._a, other._a)):
            raise RuntimeError(wrong) from None
        for name, x in (("input", input), ("other", other)):
            if isinstance(x, NUMBER):
                raise argument_error("matmul", name, x) from None
        return retry(matmul, _MATMUL, error, input, other, out=out)  # type: ignore[no-any-return]
    t: Tensor = new(_core.Tensor)
    t._a = packed(r) if type(r) is ndarray else as_array(r)
    t._tape = None
    if input._tape is not None or other._tape is not None:
        _MATMUL.record(t, input, other)
    return t if out is None else store(out, t, "matmul")


_MATMUL = new_op(matmul, product)
matmul.op = _MATMUL  # type: ignore[attr-defined]


def _rmatmul(input: Tensor, other: Any) -> Tensor:
    """Product `other @ input`, for an array on the left."""
    return matmul(other, input)


# --- Products with a fixed number of dimensions ---------------------------------------------------------------------------------


def _matrices(name: str, *operands: tuple[str, Any, int]) -> None:
    """Refuse operands of the wrong number of dimensions, or of different dtypes.

    Raises:
        RuntimeError: If there is one.
    """
    words = {1: "a vector", 2: "a matrix", 3: "a 3D tensor"}
    for what, t, ndim in operands:
        if t._a.ndim != ndim:
            raise RuntimeError(
                f"{name}: {what} must be {words[ndim]}, got {t._a.ndim}D tensor of shape {shape_text(t._a.shape)}"
            )
    first = operands[0][1]
    for _, t, _ in operands[1:]:
        if t._a.dtype != first._a.dtype:
            raise RuntimeError(
                f"{name}: expected both to have same dtype, but got {first.dtype.name} and {t.dtype.name}"
            )


@numpy_too
def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Product of two matrices.

    Examples:
        >>> import tour
        >>> tour.mm(tour.ones(2, 3), tour.ones(3, 1))
        tensor([[3.],
                [3.]])
    """
    if input._a.ndim != 2 or mat2._a.ndim != 2 or input._a.dtype is not mat2._a.dtype:
        _matrices("mm", ("self", input, 2), ("mat2", mat2, 2))
    return matmul(input, mat2, out=out)


@numpy_too
def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Products of two batches of as many matrices.

    Examples:
        >>> import tour
        >>> tour.bmm(tour.ones(5, 2, 3), tour.ones(5, 3, 4)).shape
        tour.Size([5, 2, 4])
    """
    if input._a.ndim != 3 or mat2._a.ndim != 3 or input._a.dtype is not mat2._a.dtype:
        _matrices("bmm", ("batch1", input, 3), ("batch2", mat2, 3))
    a, b = input._a.shape, mat2._a.shape
    if (a[0], a[2]) != (b[0], b[1]):
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] but got: [{b[0]}, {b[1]}]."
        )
    return matmul(input, mat2, out=out)


@numpy_too
def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Product of a matrix and a vector.

    Examples:
        >>> import tour
        >>> tour.mv(tour.ones(2, 3), tour.ones(3))
        tensor([3., 3.])
    """
    if input._a.ndim != 2 or vec._a.ndim != 1 or input._a.dtype is not vec._a.dtype:
        _matrices("mv", ("self", input, 2), ("vec", vec, 1))
    return matmul(input, vec, out=out)


def _vectors(name: str, input: Tensor, other: Tensor) -> None:
    if input._a.ndim != 1 or other._a.ndim != 1:
        raise RuntimeError(f"{name}: 1D tensors expected, but got {input._a.ndim}D and {other._a.ndim}D tensors")
    if input._a.dtype != other._a.dtype:
        raise RuntimeError(
            f"{name}: expected both vectors to have same dtype, but found {input.dtype.name} and {other.dtype.name}"
        )
    if input._a.shape != other._a.shape:
        raise RuntimeError(
            "inconsistent tensor size, expected tensor "
            f"{shape_text(input._a.shape)} and src {shape_text(other._a.shape)} to have the same number of elements"
        )


@numpy_too
def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sum of the products of two vectors' elements; complex ones are not conjugated.

    Examples:
        >>> import tour
        >>> tour.dot(tour.tensor([1, 2]), tour.tensor([3, 4]))
        tensor(11)
    """
    _vectors("dot", input, tensor)
    return matmul(input, tensor, out=out)


@numpy_too
def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sum of the products of two vectors' elements, those of the first conjugated.

    Examples:
        >>> import tour
        >>> tour.vdot(tour.tensor([1j]), tour.tensor([1j]))
        tensor(1.+0.j)
    """
    _vectors("vdot", input, other)
    return matmul(input.conj(), other, out=out)


@numpy_too
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sums of products over the last dimensions of two tensors.

    Examples:
        >>> import tour
        >>> tour.inner(tour.tensor([[1, 2], [3, 4]]), tour.tensor([1, 1]))
        tensor([3, 7])
    """
    if not input._a.ndim or not other._a.ndim:
        t = input * other
    else:
        if input._a.shape[-1] != other._a.shape[-1]:
            raise RuntimeError(
                f"inner() the last dimension must match on both input tensors but got shapes {shape_text(input._a.shape)} and "
                f"{shape_text(other._a.shape)}"
            )
        t = _inner(input, other)
    return t if out is None else store(out, t, "inner")


def _inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums over the last dimensions, as one product of matrices."""
    a, b, n = input._a.shape[:-1], other._a.shape[:-1], input._a.shape[-1]
    rows, columns = (x if x._a.ndim < 3 else x.reshape(-1, n) for x in (input, other))
    t = matmul(rows, columns.t())
    return t if t._a.shape == a + b else t.reshape(a + b)


@numpy_too
def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Products of all elements of one vector with all of another.

    Examples:
        >>> import tour
        >>> tour.outer(tour.tensor([1, 2]), tour.tensor([1, 10]))
        tensor([[ 1, 10],
                [ 2, 20]])
    """
    for what, x in (("self", input), ("vec2", vec2)):
        if x._a.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {what}, but got {x._a.ndim}-D")
    t = input[:, None] * vec2
    return t if out is None else store(out, t, "outer")


ger = outer


# --- Products added to something --------------------------------------------------------------------------------------------------


def _added(name: str, multiply: Any, operands: Any, factors: tuple[Any, Any], out: Any) -> Tensor:
    """The sum `beta * input + alpha * multiply(a, b)`; with `beta` 0 the input is passed over, NaN and all."""
    input, a, b = (tensor_argument(name, which, x) for which, x in zip(("input", "a", "b"), operands, strict=True))
    d = a._a.dtype
    if input._a.dtype != d or b._a.dtype != d:
        raise RuntimeError(
            f"{name}: self and mat2 must have the same dtype, but got {input.dtype.name}, {a.dtype.name} and {b.dtype.name}"
        )
    if is_half(d):  # rounded once, at the end
        t = cast(_added(name, multiply, [cast(x, float32) for x in (input, a, b)], factors, None), a.dtype)
        return t if out is None else store(out, t, name)
    product = multiply(a, b)
    if product._a.dtype is not d:
        product = cast(product, a.dtype)
    if d.kind != "c" and any(isinstance(x, complex) for x in factors):
        raise RuntimeError(
            f"{name}: complex factors {factors} of tensors of {a.dtype.name}, which cannot hold the result"
        )
    beta, alpha = factors if d.kind in "fc" else (int(x) for x in factors)
    if input._a.shape != product._a.shape:
        _fits_into(name, input._a.shape, product._a.shape)
    t = product if alpha == 1 else product * alpha
    if beta != 0:
        t = t + (input if beta == 1 else input * beta)
    return t if out is None else store(out, t, name)  # type: ignore[no-any-return]


def _fits_into(name: str, shape: tuple[int, ...], target: tuple[int, ...]) -> None:
    """Refuse an input that does not broadcast to the shape of a product."""
    extra = len(target) - len(shape)
    if extra < 0 or any(n not in (1, m) for n, m in zip(shape, target[extra:], strict=True)):
        raise RuntimeError(
            f"{name}: The expanded size of the tensor must match the existing size: input of shape {shape_text(shape)} does not "
            f"broadcast to {shape_text(target)}"
        )


@numpy_too
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: complex = 1, alpha: complex = 1, out: Tensor | None = None
) -> Tensor:
    """Matrix product added to a matrix: `beta * input + alpha * (mat1 @ mat2)`.

    Args:
        input: A tensor that broadcasts to (n, m).
        mat1: A matrix, shape (n, k).
        mat2: A matrix, shape (k, m). All three have the same dtype.
        beta: A factor of `input`; with 0, `input` is passed over, even where it holds NaN.
        alpha: A factor of the product.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the dtypes differ, the matrices do not fit, or `input` does not broadcast to their product.

    Examples:
        >>> import tour
        >>> tour.addmm(tour.ones(2, 2), tour.ones(2, 3), tour.ones(3, 2))
        tensor([[4., 4.],
                [4., 4.]])
    """
    if mat1._a.ndim != 2 or mat2._a.ndim != 2:
        _matrices("addmm", ("mat1", mat1, 2), ("mat2", mat2, 2))
    return _added("addmm", matmul, (input, mat1, mat2), (beta, alpha), out)


@numpy_too
def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: complex = 1, alpha: complex = 1, out: Tensor | None = None
) -> Tensor:
    """Product of a matrix and a vector added to a vector: `beta * input + alpha * (mat @ vec)`.

    Args:
        input: A tensor that broadcasts to (n,).
        mat: A matrix, shape (n, k).
        vec: A vector, shape (k,). All three have the same dtype.
        beta: A factor of `input`; with 0, `input` is passed over, even where it holds NaN.
        alpha: A factor of the product.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the dtypes differ, matrix and vector do not fit, or `input` does not broadcast to their
            product.

    Examples:
        >>> import tour
        >>> tour.addmv(tour.ones(2), tour.ones(2, 3), tour.ones(3))
        tensor([4., 4.])
    """
    _matrices("addmv", ("mat", mat, 2), ("vec", vec, 1))
    return _added("addmv", matmul, (input, mat, vec), (beta, alpha), out)


@numpy_too
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: complex = 1, alpha: complex = 1, out: Tensor | None = None
) -> Tensor:
    """Outer product of two vectors added to a matrix: `beta * input + alpha * outer(vec1, vec2)`.

    Args:
        input: A tensor that broadcasts to (n, m).
        vec1: A vector of n elements.
        vec2: A vector of m elements. The result has the dtype to which all three promote; for booleans, sums are `|`
            and products `&`.
        beta: A factor of `input`, which is passed over with 0, even where it holds NaN; no float for integers.
        alpha: A factor of the product; no float for integers.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If `vec1` or `vec2` is no vector, `input` does not broadcast, or a factor does not suit the dtype.

    Examples:
        >>> import tour
        >>> tour.addr(tour.zeros(2, 2), tour.tensor([1.0, 2.0]), tour.tensor([1.0, 10.0]))
        tensor([[ 1., 10.],
                [ 2., 20.]])
    """
    if vec1._a.ndim != 1 or vec2._a.ndim != 1:
        raise RuntimeError(f"addr: Expected 1-D argument vec1 and vec2, but got {vec1._a.ndim}-D and {vec2._a.ndim}-D")
    common = promoted((input, vec1, vec2))
    for name, factor in (("beta", beta), ("alpha", alpha)):
        if isinstance(factor, float) and common.rank < FLOATING:
            raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    if common.rank == BOOLEAN:
        t = (input & bool(beta)) | (outer(vec1, vec2) & bool(alpha))
        return t if out is None else store(out, t, "addr")
    return _added("addr", outer, [cast(x, common) for x in (input, vec1, vec2)], (beta, alpha), out)


@numpy_too
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: complex = 1, alpha: complex = 1, out: Tensor | None = None
) -> Tensor:
    """Products of batches of matrices added to a batch: `beta * input + alpha * (batch1 @ batch2)`.

    Args:
        input: A tensor that broadcasts to (b, n, m).
        batch1: Matrices, shape (b, n, k).
        batch2: As many matrices, shape (b, k, m). All three have the same dtype.
        beta: A factor of `input`; with 0, `input` is passed over, even where it holds NaN.
        alpha: A factor of the product.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the dtypes differ, the batches do not fit, or `input` does not broadcast to their product.

    Examples:
        >>> import tour
        >>> tour.baddbmm(tour.zeros(5, 2, 2), tour.ones(5, 2, 3), tour.ones(5, 3, 2)).shape
        tour.Size([5, 2, 2])
    """
    return _added("baddbmm", bmm, (input, batch1, batch2), (beta, alpha), out)


@numpy_too
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: complex = 1, alpha: complex = 1, out: Tensor | None = None
) -> Tensor:
    """The sum of products of batches of matrices added to a matrix: `beta * input + alpha * (batch1 @ batch2).sum(0)`.

    Args:
        input: A tensor that broadcasts to (n, m).
        batch1: Matrices, shape (b, n, k).
        batch2: As many matrices, shape (b, k, m). All three have the same dtype.
        beta: A factor of `input`; with 0, `input` is passed over, even where it holds NaN.
        alpha: A factor of the sum of products.
        out: A tensor to write the result into.

    Raises:
        RuntimeError: If the dtypes differ, the batches do not fit, or `input` does not broadcast to that sum.

    Examples:
        >>> import tour
        >>> tour.addbmm(tour.zeros(2, 2), tour.ones(5, 2, 3), tour.ones(5, 3, 2))
        tensor([[15., 15.],
                [15., 15.]])
    """
    return _added("addbmm", lambda a, b: bmm(a, b).sum(0), (input, batch1, batch2), (beta, alpha), out)


addmv_ = in_place(addmv)


class Linear:
    """Products of matrices, as methods and operators."""

    __slots__ = ()

    matmul, mm, bmm, mv, dot, vdot, inner, outer, ger = matmul, mm, bmm, mv, dot, vdot, inner, outer, outer
    addmm, addmv, addr, baddbmm, addbmm = addmm, addmv, addr, baddbmm, addbmm
    addmm_, addmv_, addr_ = in_place(addmm), addmv_, in_place(addr)
    baddbmm_, addbmm_ = in_place(baddbmm), in_place(addbmm)
    __matmul__ = matmul
    __rmatmul__ = _rmatmul
