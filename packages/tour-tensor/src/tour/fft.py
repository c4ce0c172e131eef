"""PyTorch's `torch.fft`: discrete Fourier transforms over NumPy's, of real and complex signals in any number of dimensions.

Transforms of float32 are computed in single precision. `norm` says where the factor 1/n stands: `"backward"` (the default) in the
inverse transform, `"forward"` in the other, `"ortho"` its square root in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _dtypes
from tour._calling import numpy_too
from tour._core import Op, as_array
from tour._declare import result
from tour._dtypes import FLOATING, FROM_NUMPY
from tour._shapes import is_int, wrap_dims
from tour._storing import store
from tour.ops.arranging import roll
from tour.ops.creation import finish

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "ihfft2",
    "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

Size = int | tuple[int, ...] | None
Dims = int | tuple[int, ...] | None

# Every transform is one of three: complex to complex in both directions, real to half a spectrum, half a spectrum to real. Each takes
# the lengths and dimensions (the last is the halved one) and the factor, so that a gradient is a transform again.


def _c2c(a: Any, s: tuple[int, ...], dims: tuple[int, ...], norm: Any, inverse: bool) -> Any:
    return (np.fft.ifftn if inverse else np.fft.fftn)(a, s, dims, norm)


def _r2c(a: Any, s: tuple[int, ...], dims: tuple[int, ...], norm: Any) -> Any:
    return np.fft.rfftn(a, s, dims, norm)


def _c2r(a: Any, s: tuple[int, ...], dims: tuple[int, ...], norm: Any) -> Any:
    return np.fft.irfftn(a, s, dims, norm)


_C2C = Op("fft_c2c", ("input", "s", "dims", "norm", "inverse"), _c2c)
_R2C = Op("fft_r2c", ("input", "s", "dims", "norm"), _r2c)
_C2R = Op("fft_c2r", ("input", "s", "dims", "norm"), _c2r)

_SWAPPED = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def _run(op: Op, input: Any, *params: Any) -> Any:
    a = input._a
    if a.size and params[0]:
        r = as_array(op.kernel(a, *params))  # type: ignore[misc]
    else:
        r = _of_nothing(op, a, *params)
    return result(op, r, input, *params)


def _of_nothing(op: Op, a: Any, s: Any, dims: Any, *_: Any) -> Any:
    """The transform over no dimension, or of a tensor without elements along others."""
    shape = list(a.shape)
    for n, d in zip(s, dims, strict=True):
        shape[d] = n
    if s and op is _R2C:
        shape[dims[-1]] = s[-1] // 2 + 1
    if not s:
        return a.astype(FROM_NUMPY[a.dtype].to_complex().numpy)
    kind = FROM_NUMPY[a.dtype]
    return np.zeros(shape, (kind.to_real() if op is _C2R else kind.to_complex()).numpy)


def _signal(name: str, input: Any, real: bool = False) -> Any:
    """The input in a dtype that can be transformed."""
    d = FROM_NUMPY[input._a.dtype]
    if real and d.is_complex:
        raise RuntimeError(f"{name} expects a real input tensor, but got {d.name}")
    if d.rank < FLOATING:
        return input.to(_dtypes.get_default_dtype())
    if d.numpy.itemsize <= 2:
        raise RuntimeError(f"Unsupported dtype {d.name}: {name} needs float32 or wider; cast first")
    return input


def _norm(norm: str | None) -> str:
    if norm is None:
        return "backward"
    if norm not in _SWAPPED:
        raise RuntimeError(f"Invalid normalization mode: \"{norm}\"; choose 'backward', 'forward' or 'ortho'")
    return norm


def _plan(name: str, input: Any, s: Any, dim: Any, halved: bool = False) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Lengths and dimensions of a transform; where half a spectrum comes in, its last length is doubled."""
    shape, ndim = input._a.shape, input._a.ndim
    lengths = None if s is None else (s,) if is_int(s) else tuple(s)
    if not ndim and dim not in (None, ()):
        first = dim if is_int(dim) else dim[0]
        raise IndexError(f"Dimension specified as {first} but tensor has no dimensions")
    if dim is None:
        if lengths is not None and len(lengths) > ndim:
            raise RuntimeError(f"Got shape with {len(lengths)} values but input tensor only has {ndim} dimensions.")
        dims = tuple(range(ndim - len(lengths) if lengths is not None else 0, ndim))
    else:
        dims = wrap_dims(dim, ndim)
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
        if lengths is not None and len(lengths) != len(dims):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
    sizes = [shape[d] for d in dims]
    if halved and sizes:
        sizes[-1] = 2 * (sizes[-1] - 1)
    full = tuple(
        n if k is None or k == -1 else int(k) for n, k in zip(sizes, lengths or [None] * len(dims), strict=True)
    )
    for n in full:
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return full, dims


def _c2c_of(name: str, input: Any, s: Any, dim: Any, norm: Any, inverse: bool, out: Any) -> Any:
    input = _signal(name, input)
    full, dims = _plan(name, input, s, dim)
    return _given(_run(_C2C, input, full, dims, _norm(norm), inverse), out, name)


def _r2c_of(name: str, input: Any, s: Any, dim: Any, norm: Any, out: Any, conjugate: bool = False) -> Any:
    input = _signal(name, input, real=True)
    full, dims = _plan(name, input, s, dim)
    _some(name, dims)
    how = _norm(norm)
    t = _run(_R2C, input, full, dims, _SWAPPED[how] if conjugate else how)
    return _given(t.conj() if conjugate else t, out, name)


def _c2r_of(name: str, input: Any, s: Any, dim: Any, norm: Any, out: Any, conjugate: bool = False) -> Any:
    input = _signal(name, input)
    full, dims = _plan(name, input, s, dim, halved=True)
    _some(name, dims)
    how = _norm(norm)
    if not input.is_complex():
        input = input.to(input.dtype.to_complex())
    t = _run(_C2R, input.conj() if conjugate else input, full, dims, _SWAPPED[how] if conjugate else how)
    return _given(t, out, name)


def _some(name: str, dims: tuple[int, ...]) -> None:
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")


def _given(t: Any, out: Any, name: str) -> Any:
    return t if out is None else store(out, t, name)


# --- One dimension --------------------------------------------------------------------------------------------------------------


@numpy_too
def fft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Fourier transform along a dimension: `X[k] = Σ x[j] exp(-2πi jk/n)`.

    Args:
        input: A real or complex signal; integers become the default dtype.
        n: The length: the signal is cut or padded with zeros to it; None or -1 for its own.
        dim: The dimension.
        norm: `"backward"` or None: no factor; `"forward"`: 1/n; `"ortho"`: 1/√n.
        out: A tensor to write the result into.

    Returns:
        A complex tensor with n entries in the dimension.

    Raises:
        IndexError: If the dimension is out of range.
        RuntimeError: If the length is less than 1, the input is float16, bfloat16 or narrower, or `norm` is another
            word.

    Examples:
        >>> import tour
        >>> tour.fft.fft(tour.tensor([1.0, 0.0, 0.0]))
        tensor([1.+0.j, 1.+0.j, 1.+0.j])
    """
    return _c2c_of("fft", input, n, dim, norm, False, out)  # type: ignore[no-any-return]


@numpy_too
def ifft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Inverse of `fft`.

    `x[j] = 1/n Σ X[k] exp(2πi jk/n)`.

    Args:
        input: A spectrum, real or complex; integers become the default dtype.
        n: The length: the spectrum is cut or padded with zeros to it; None or -1 for its own.
        dim: The dimension.
        norm: `"backward"` or None: the factor 1/n; `"forward"`: none; `"ortho"`: 1/√n.
        out: A tensor to write the result into.

    Returns:
        A complex tensor with n entries in the dimension.

    Raises:
        IndexError: If the dimension is out of range.
        RuntimeError: If the length is less than 1, the input is float16, bfloat16 or narrower, or `norm` is another
            word.

    Examples:
        >>> import tour
        >>> tour.fft.ifft(tour.tensor([3.0, 0.0, 0.0]))
        tensor([1.+0.j, 1.+0.j, 1.+0.j])
    """
    return _c2c_of("ifft", input, n, dim, norm, True, out)  # type: ignore[no-any-return]


@numpy_too
def rfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Fourier transform of a real signal: the frequencies 0 to n/2, of which the others are mirror images.

    `X[k] = Σ x[j] exp(-2πi jk/n)` for k from 0 to n // 2; what is left out is `X[n - k] = conj(X[k])`.

    Args:
        input: A real signal; integers become the default dtype.
        n: The length: the signal is cut or padded with zeros to it; None or -1 for its own.
        dim: The dimension.
        norm: `"backward"` or None: no factor; `"forward"`: 1/n; `"ortho"`: 1/√n.
        out: A tensor to write the result into.

    Returns:
        A complex tensor with n // 2 + 1 entries in the dimension.

    Raises:
        IndexError: If the dimension is out of range.
        RuntimeError: If the input is complex, the length is less than 1, the input is float16, bfloat16 or narrower, or
            `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.rfft(tour.ones(4))
        tensor([4.+0.j, 0.+0.j, 0.+0.j])
    """
    return _r2c_of("rfft", input, n, dim, norm, out)  # type: ignore[no-any-return]


@numpy_too
def irfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Inverse of `rfft`: a real signal, of even length unless `n` is given.

    `x[j] = 1/n Σ X[k] exp(2πi jk/n)` over k from 0 to n - 1, with `X[n - k] = conj(X[k])` for what is left out.

    Args:
        input: The frequencies 0 to n/2 of a spectrum; real numbers are taken as complex ones.
        n: The length of the result: the input is cut or padded with zeros to n // 2 + 1; None or -1 for 2 (m - 1),
            where m is the input's length.
        dim: The dimension.
        norm: `"backward"` or None: the factor 1/n; `"forward"`: none; `"ortho"`: 1/√n.
        out: A tensor to write the result into.

    Returns:
        A real tensor with n entries in the dimension.

    Raises:
        IndexError: If the dimension is out of range.
        RuntimeError: If the length is less than 1, the input is float16, bfloat16 or narrower, or `norm` is another
            word.

    Examples:
        >>> import tour
        >>> tour.fft.irfft(tour.fft.rfft(tour.ones(4)))
        tensor([1., 1., 1., 1.])
    """
    return _c2r_of("irfft", input, n, dim, norm, out)  # type: ignore[no-any-return]


@numpy_too
def hfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Fourier transform of half of a signal whose other half is its mirrored conjugate; the result is real.

    `X[k] = Σ x[j] exp(-2πi jk/n)` over j from 0 to n - 1, with `x[n - j] = conj(x[j])` for what is left out.

    Args:
        input: The first half of a signal, x[0] to x[n // 2]; real numbers are taken as complex ones.
        n: The length of the result: the input is cut or padded with zeros to n // 2 + 1; None or -1 for 2 (m - 1),
            where m is the input's length.
        dim: The dimension.
        norm: `"backward"` or None: no factor; `"forward"`: 1/n; `"ortho"`: 1/√n.
        out: A tensor to write the result into.

    Returns:
        A real tensor with n entries in the dimension.

    Raises:
        IndexError: If the dimension is out of range.
        RuntimeError: If the length is less than 1, the input is float16, bfloat16 or narrower, or `norm` is another
            word.

    Examples:
        >>> import tour
        >>> tour.fft.hfft(tour.fft.ihfft(tour.tensor([1.0, 2.0, 3.0, 4.0])))
        tensor([1., 2., 3., 4.])
    """
    return _c2r_of("hfft", input, n, dim, norm, out, conjugate=True)  # type: ignore[no-any-return]


@numpy_too
def ihfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Inverse of `hfft`.

    `x[j] = 1/n Σ X[k] exp(2πi jk/n)` for j from 0 to n // 2; what is left out is `x[n - j] = conj(x[j])`.

    Args:
        input: A real spectrum; integers become the default dtype.
        n: The length: the spectrum is cut or padded with zeros to it; None or -1 for its own.
        dim: The dimension.
        norm: `"backward"` or None: the factor 1/n; `"forward"`: none; `"ortho"`: 1/√n.
        out: A tensor to write the result into.

    Returns:
        A complex tensor with n // 2 + 1 entries in the dimension.

    Raises:
        IndexError: If the dimension is out of range.
        RuntimeError: If the input is complex, the length is less than 1, the input is float16, bfloat16 or narrower, or
            `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.ihfft(tour.tensor([1.0, 1.0, 1.0, 1.0])).real
        tensor([1., 0., 0.])
    """
    return _r2c_of("ihfft", input, n, dim, norm, out, conjugate=True)  # type: ignore[no-any-return]


# --- Several dimensions -----------------------------------------------------------------------------------------------------------


@numpy_too
def fftn(
    input: Tensor, s: Size = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Fourier transform along several dimensions, by default all.

    Args:
        input: A real or complex signal; integers become the default dtype.
        s: The length in each dimension: the signal is cut or padded with zeros; -1 leaves it, None leaves all.
        dim: The dimensions; None for the last `len(s)`, or all without `s`.
        norm: `"backward"` or None: no factor; `"forward"`: 1/N; `"ortho"`: 1/√N, for N the product of the lengths.
        out: A tensor to write the result into.

    Returns:
        A complex tensor.

    Raises:
        IndexError: If a dimension is out of range.
        RuntimeError: If a length is less than 1, a dimension is named twice, `s` and `dim` do not match, the input is
            float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.fftn(tour.ones(2, 2))
        tensor([[4.+0.j, 0.+0.j],
                [0.+0.j, 0.+0.j]])
    """
    return _c2c_of("fftn", input, s, dim, norm, False, out)  # type: ignore[no-any-return]


@numpy_too
def ifftn(
    input: Tensor, s: Size = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Inverse of `fftn`.

    Args:
        input: A spectrum, real or complex; integers become the default dtype.
        s: The length in each dimension: the spectrum is cut or padded with zeros; -1 leaves it, None leaves all.
        dim: The dimensions; None for the last `len(s)`, or all without `s`.
        norm: `"backward"` or None: the factor 1/N; `"forward"`: none; `"ortho"`: 1/√N, for N the product of the
            lengths.
        out: A tensor to write the result into.

    Returns:
        A complex tensor.

    Raises:
        IndexError: If a dimension is out of range.
        RuntimeError: If a length is less than 1, a dimension is named twice, `s` and `dim` do not match, the input is
            float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.ifftn(tour.fft.fftn(tour.eye(2))).real
        tensor([[1., 0.],
                [0., 1.]])
    """
    return _c2c_of("ifftn", input, s, dim, norm, True, out)  # type: ignore[no-any-return]


@numpy_too
def rfftn(
    input: Tensor, s: Size = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Fourier transform of a real signal along several dimensions; the last one keeps its first half.

    It is `rfft` along the last of the dimensions, then `fft` along the others.

    Args:
        input: A real signal; integers become the default dtype.
        s: The length in each dimension: the signal is cut or padded with zeros; -1 leaves it, None leaves all.
        dim: The dimensions; None for the last `len(s)`, or all without `s`. The one named last is halved.
        norm: `"backward"` or None: no factor; `"forward"`: 1/N; `"ortho"`: 1/√N, for N the product of the lengths.
        out: A tensor to write the result into.

    Returns:
        A complex tensor; the last of the dimensions has n // 2 + 1 entries, where n is its length.

    Raises:
        IndexError: If a dimension is out of range.
        RuntimeError: If the input is complex, a length is less than 1, a dimension is named twice, `s` and `dim` do not
            match, there is no dimension, the input is float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.rfftn(tour.ones(2, 4)).shape
        tour.Size([2, 3])
    """
    return _r2c_of("rfftn", input, s, dim, norm, out)  # type: ignore[no-any-return]


@numpy_too
def irfftn(
    input: Tensor, s: Size = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Inverse of `rfftn`.

    It is `ifft` along all dimensions but the last, then `irfft` along that.

    Args:
        input: The spectrum of a real signal, halved along the last dimension; real numbers are taken as complex ones.
        s: The length of the result in each dimension: the input is cut or padded with zeros, in the last dimension to
            s // 2 + 1; None or -1 for its own, in the last dimension 2 (m - 1), where m is the input's length there.
        dim: The dimensions; None for the last `len(s)`, or all without `s`. The one named last is halved.
        norm: `"backward"` or None: the factor 1/N; `"forward"`: none; `"ortho"`: 1/√N, for N the product of the
            lengths.
        out: A tensor to write the result into.

    Returns:
        A real tensor.

    Raises:
        IndexError: If a dimension is out of range.
        RuntimeError: If a length is less than 1, a dimension is named twice, `s` and `dim` do not match, there is no
            dimension, the input is float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.irfftn(tour.fft.rfftn(tour.eye(2)))
        tensor([[1., 0.],
                [0., 1.]])
    """
    return _c2r_of("irfftn", input, s, dim, norm, out)  # type: ignore[no-any-return]


@numpy_too
def hfftn(
    input: Tensor, s: Size = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """`hfft` along several dimensions: the last one is halved in the input.

    It is `fft` along all dimensions but the last, then `hfft` along that.

    Args:
        input: A signal whose transform is real, halved along the last dimension; real numbers are taken as complex
            ones.
        s: The length of the result in each dimension: the input is cut or padded with zeros, in the last dimension to
            s // 2 + 1; None or -1 for its own, in the last dimension 2 (m - 1), where m is the input's length there.
        dim: The dimensions; None for the last `len(s)`, or all without `s`. The one named last is halved.
        norm: `"backward"` or None: no factor; `"forward"`: 1/N; `"ortho"`: 1/√N, for N the product of the lengths.
        out: A tensor to write the result into.

    Returns:
        A real tensor.

    Raises:
        IndexError: If a dimension is out of range.
        RuntimeError: If a length is less than 1, a dimension is named twice, `s` and `dim` do not match, there is no
            dimension, the input is float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.hfftn(tour.ones(1, 3)).shape
        tour.Size([1, 4])
    """
    return _c2r_of("hfftn", input, s, dim, norm, out, conjugate=True)  # type: ignore[no-any-return]


@numpy_too
def ihfftn(
    input: Tensor, s: Size = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Inverse of `hfftn`.

    It is `ihfft` along the last of the dimensions, then `ifft` along the others.

    Args:
        input: A real spectrum; integers become the default dtype.
        s: The length in each dimension: the spectrum is cut or padded with zeros; -1 leaves it, None leaves all.
        dim: The dimensions; None for the last `len(s)`, or all without `s`. The one named last is halved.
        norm: `"backward"` or None: the factor 1/N; `"forward"`: none; `"ortho"`: 1/√N, for N the product of the
            lengths.
        out: A tensor to write the result into.

    Returns:
        A complex tensor; the last of the dimensions has n // 2 + 1 entries, where n is its length.

    Raises:
        IndexError: If a dimension is out of range.
        RuntimeError: If the input is complex, a length is less than 1, a dimension is named twice, `s` and `dim` do not
            match, there is no dimension, the input is float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.ihfftn(tour.ones(1, 4)).real
        tensor([[1., 0., 0.]])
    """
    return _r2c_of("ihfftn", input, s, dim, norm, out, conjugate=True)  # type: ignore[no-any-return]


# --- Two dimensions -----------------------------------------------------------------------------------------------------------------


@numpy_too
def fft2(
    input: Tensor, s: Size = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """`fftn` along the last two dimensions.

    Args:
        input: A real or complex signal; integers become the default dtype.
        s: The length in each of the two dimensions: the signal is cut or padded with zeros; -1 leaves it, None leaves
            all.
        dim: The dimensions, by default the last two.
        norm: `"backward"` or None: no factor; `"forward"`: 1/N; `"ortho"`: 1/√N, for N the product of the lengths.
        out: A tensor to write the result into.

    Returns:
        A complex tensor.

    Raises:
        IndexError: If a dimension is out of range, as -2 is for a tensor with one dimension.
        RuntimeError: If a length is less than 1, a dimension is named twice, `s` and `dim` do not match, the input is
            float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.fft2(tour.ones(3, 2, 2))[0]
        tensor([[4.+0.j, 0.+0.j],
                [0.+0.j, 0.+0.j]])
    """
    return fftn(input, s, dim, norm, out=out)


@numpy_too
def ifft2(
    input: Tensor, s: Size = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """`ifftn` along the last two dimensions.

    Args:
        input: A spectrum, real or complex; integers become the default dtype.
        s: The length in each of the two dimensions: the spectrum is cut or padded with zeros; -1 leaves it, None leaves
            all.
        dim: The dimensions, by default the last two.
        norm: `"backward"` or None: the factor 1/N; `"forward"`: none; `"ortho"`: 1/√N, for N the product of the
            lengths.
        out: A tensor to write the result into.

    Returns:
        A complex tensor.

    Raises:
        IndexError: If a dimension is out of range, as -2 is for a tensor with one dimension.
        RuntimeError: If a length is less than 1, a dimension is named twice, `s` and `dim` do not match, the input is
            float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.ifft2(tour.fft.fft2(tour.eye(2))).real
        tensor([[1., 0.],
                [0., 1.]])
    """
    return ifftn(input, s, dim, norm, out=out)


@numpy_too
def rfft2(
    input: Tensor, s: Size = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """`rfftn` along the last two dimensions.

    Args:
        input: A real signal; integers become the default dtype.
        s: The length in each of the two dimensions: the signal is cut or padded with zeros; -1 leaves it, None leaves
            all.
        dim: The dimensions, by default the last two. The one named last is halved.
        norm: `"backward"` or None: no factor; `"forward"`: 1/N; `"ortho"`: 1/√N, for N the product of the lengths.
        out: A tensor to write the result into.

    Returns:
        A complex tensor; the last of the dimensions has n // 2 + 1 entries, where n is its length.

    Raises:
        IndexError: If a dimension is out of range, as -2 is for a tensor with one dimension.
        RuntimeError: If the input is complex, a length is less than 1, a dimension is named twice, `s` and `dim` do not
            match, the input is float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.rfft2(tour.ones(8, 8)).shape
        tour.Size([8, 5])
    """
    return rfftn(input, s, dim, norm, out=out)


@numpy_too
def irfft2(
    input: Tensor, s: Size = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """`irfftn` along the last two dimensions.

    Args:
        input: The spectrum of a real signal, halved along the last dimension; real numbers are taken as complex ones.
        s: The length of the result in each of the two dimensions: the input is cut or padded with zeros, in the last
            dimension to s // 2 + 1; None or -1 for its own, in the last dimension 2 (m - 1), where m is the input's
            length there.
        dim: The dimensions, by default the last two. The one named last is halved.
        norm: `"backward"` or None: the factor 1/N; `"forward"`: none; `"ortho"`: 1/√N, for N the product of the
            lengths.
        out: A tensor to write the result into.

    Returns:
        A real tensor.

    Raises:
        IndexError: If a dimension is out of range, as -2 is for a tensor with one dimension.
        RuntimeError: If a length is less than 1, a dimension is named twice, `s` and `dim` do not match, the input is
            float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.irfft2(tour.fft.rfft2(tour.eye(2)))
        tensor([[1., 0.],
                [0., 1.]])
    """
    return irfftn(input, s, dim, norm, out=out)


@numpy_too
def hfft2(
    input: Tensor, s: Size = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """`hfftn` along the last two dimensions.

    Args:
        input: A signal whose transform is real, halved along the last dimension; real numbers are taken as complex
            ones.
        s: The length of the result in each of the two dimensions: the input is cut or padded with zeros, in the last
            dimension to s // 2 + 1; None or -1 for its own, in the last dimension 2 (m - 1), where m is the input's
            length there.
        dim: The dimensions, by default the last two. The one named last is halved.
        norm: `"backward"` or None: no factor; `"forward"`: 1/N; `"ortho"`: 1/√N, for N the product of the lengths.
        out: A tensor to write the result into.

    Returns:
        A real tensor.

    Raises:
        IndexError: If a dimension is out of range, as -2 is for a tensor with one dimension.
        RuntimeError: If a length is less than 1, a dimension is named twice, `s` and `dim` do not match, the input is
            float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.hfft2(tour.ones(1, 3)).shape
        tour.Size([1, 4])
    """
    return hfftn(input, s, dim, norm, out=out)


@numpy_too
def ihfft2(
    input: Tensor, s: Size = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """`ihfftn` along the last two dimensions.

    Args:
        input: A real spectrum; integers become the default dtype.
        s: The length in each of the two dimensions: the spectrum is cut or padded with zeros; -1 leaves it, None leaves
            all.
        dim: The dimensions, by default the last two. The one named last is halved.
        norm: `"backward"` or None: the factor 1/N; `"forward"`: none; `"ortho"`: 1/√N, for N the product of the
            lengths.
        out: A tensor to write the result into.

    Returns:
        A complex tensor; the last of the dimensions has n // 2 + 1 entries, where n is its length.

    Raises:
        IndexError: If a dimension is out of range, as -2 is for a tensor with one dimension.
        RuntimeError: If the input is complex, a length is less than 1, a dimension is named twice, `s` and `dim` do not
            match, the input is float16, bfloat16 or narrower, or `norm` is another word.

    Examples:
        >>> import tour
        >>> tour.fft.ihfft2(tour.ones(1, 4)).shape
        tour.Size([1, 3])
    """
    return ihfftn(input, s, dim, norm, out=out)


# --- Helpers ------------------------------------------------------------------------------------------------------------------------


def _spaced(numbers: Any, n: int, d: float) -> Any:
    """Multiples of 1 / (n d); infinite or NaN where that is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return numbers * np.divide(1.0, n * d)


def _frequencies(values: Any, out: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    target = _dtypes.default_numpy() if dtype is None else _dtypes.as_dtype(dtype).numpy
    return _given(finish(values.astype(target), device, requires_grad), out, "fftfreq")  # type: ignore[no-any-return]


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of `fft`'s results in cycles per unit, for n samples `d` apart.

    Examples:
        >>> import tour
        >>> tour.fft.fftfreq(4)
        tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    return _frequencies(
        _spaced(np.arange(n) - n * (np.arange(n) >= (n + 1) // 2), n, d), out, dtype, device, requires_grad
    )


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of `rfft`'s results in cycles per unit, for n samples `d` apart.

    Examples:
        >>> import tour
        >>> tour.fft.rfftfreq(4)
        tensor([0.0000, 0.2500, 0.5000])
    """
    return _frequencies(_spaced(np.arange(n // 2 + 1), n, d), out, dtype, device, requires_grad)


def _shifted(input: Any, dim: Any, sign: int) -> Any:
    dims = tuple(range(input._a.ndim)) if dim is None else wrap_dims(dim, input._a.ndim)
    shape = input._a.shape
    return (
        roll(input, [n // 2 if sign > 0 else (n + 1) // 2 for n in (shape[d] for d in dims)], dims)
        if dims
        else input.clone()
    )


@numpy_too
def fftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """The frequency zero moved to the middle, along some dimensions or all.

    Examples:
        >>> import tour
        >>> tour.fft.fftshift(tour.tensor([0, 1, -2, -1]))
        tensor([-2, -1,  0,  1])
    """
    return _shifted(input, dim, 1)  # type: ignore[no-any-return]


@numpy_too
def ifftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """Inverse of `fftshift`.

    Examples:
        >>> import tour
        >>> tour.fft.ifftshift(tour.tensor([-2, -1, 0, 1]))
        tensor([ 0,  1, -2, -1])
    """
    return _shifted(input, dim, -1)  # type: ignore[no-any-return]
