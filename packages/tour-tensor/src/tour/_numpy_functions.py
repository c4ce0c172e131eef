"""What NumPy's functions do with tensors: NumPy's names, defaults and meaning of arguments, in tour's ops."""

from __future__ import annotations

from typing import Any

import numpy as np

import tour
from tour import _core
from tour._core import as_array, wrap
from tour._dtypes import FLOATING, FROM_NUMPY
from tour._numpy import BY_FUNCTION, BY_UFUNC, implements
from tour._operands import match, native

_MISSING: Any = np._NoValue


def _t(x: Any) -> Any:
    """A tensor for anything NumPy takes for an array of numbers."""
    return x if isinstance(x, _core.Tensor) else wrap(native(np.asarray(x)))


def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """Views of one shape; arrays of what no tensor holds, such as objects, stay arrays."""
    shape = np.broadcast_shapes(*(x.shape if isinstance(x, _core.Tensor) else np.shape(x) for x in args))
    return tuple(_t(x).expand(shape) if _held(x) else np.broadcast_to(x, shape) for x in args)


def _held(x: Any) -> bool:
    """Whether a tensor can hold it."""
    return isinstance(x, _core.Tensor) or np.asarray(x).dtype.kind in "biufc"


def _keep(keepdims: Any) -> bool:
    return keepdims is not _MISSING and bool(keepdims)


def _dims(axis: Any) -> Any:
    return axis if axis is None or isinstance(axis, int) else tuple(axis)


def _cast(t: Any, dtype: Any) -> Any:
    return t if dtype is None else t.to(tour._dtypes.as_dtype(np.dtype(dtype)))


BY_UFUNC.update(
    {
        np.matmul: lambda a, b: tour.matmul(*_of_one_dtype(a, b)),
        np.vecdot: lambda a, b: tour.linalg.vecdot(*_of_one_dtype(a, b)),
        np.power: lambda a, b: tour.pow(_t(a), _t(b)),
        np.float_power: lambda a, b: tour.float_power(_t(a), _t(b)),
        np.floor_divide: lambda a, b: tour.floor_divide(_t(a), _t(b)),
        np.remainder: lambda a, b: tour.remainder(_t(a), _t(b)),
        np.fmod: lambda a, b: tour.fmod(_t(a), _t(b)),
        np.divmod: lambda a, b: (tour.floor_divide(_t(a), _t(b)), tour.remainder(_t(a), _t(b))),
        np.logaddexp: lambda a, b: tour.logaddexp(_t(a), _t(b)),
        np.heaviside: lambda a, b: tour.heaviside(*_of_one_dtype(a, b)),
        np.cbrt: lambda a: _t(a).sign() * _t(a).abs() ** (1 / 3),
        np.degrees: lambda a: tour.rad2deg(_t(a)),
        np.radians: lambda a: tour.deg2rad(_t(a)),
        np.fabs: lambda a: tour.abs(_t(a)),
        np.positive: lambda a: tour.positive(_t(a)),
        np.rint: lambda a: tour.round(_t(a)),
        np.sign: lambda a: tour.sgn(_t(a)),
        np.signbit: lambda a: tour.signbit(_t(a)),
        np.square: lambda a: tour.square(_t(a)),
    }
)


def _of_one_dtype(a: Any, b: Any) -> Any:
    return match(_t(a), _t(b))


# --- Functions with the same arguments in another order or by other names -------------------------------------------------------------

BY_FUNCTION.update(
    {
        np.abs: lambda x: _t(x).abs(),
        np.tril: lambda m, k=0: tour.tril(_t(m), k),
        np.triu: lambda m, k=0: tour.triu(_t(m), k),
        np.diag: lambda v, k=0: tour.diag(_t(v), k),
        np.diagflat: lambda v, k=0: tour.diagflat(_t(v), k),
        np.diagonal: lambda a, offset=0, axis1=0, axis2=1: tour.diagonal(_t(a), offset, axis1, axis2),
        np.trace: lambda a, offset=0, axis1=0, axis2=1: tour.diagonal(_t(a), offset, axis1, axis2).sum(-1),
        np.outer: lambda a, b: tour.outer(_t(a).reshape(-1), _t(b).reshape(-1)),
        np.inner: lambda a, b: tour.inner(_t(a), _t(b)),
        np.kron: lambda a, b: tour.kron(_t(a), _t(b)),
        np.vdot: lambda a, b: tour.vdot(_t(a).reshape(-1), _t(b).reshape(-1)),
        np.dot: lambda a, b: _dot(_t(a), _t(b)),
        np.tensordot: lambda a, b, axes=2: tour.tensordot(_t(a), _t(b), axes),
        np.einsum: lambda equation, *operands: tour.einsum(equation, *map(_t, operands)),
        np.cross: lambda a, b: tour.linalg.cross(_t(a), _t(b)),
        np.transpose: lambda a, axes=None: _t(a).permute(
            *(axes if axes is not None else range(_t(a).ndim - 1, -1, -1))
        ),
        np.swapaxes: lambda a, axis1, axis2: _t(a).transpose(axis1, axis2),
        np.moveaxis: lambda a, source, destination: tour.movedim(_t(a), source, destination),
        np.squeeze: lambda a, axis=None: tour.squeeze(_t(a)) if axis is None else tour.squeeze(_t(a), axis),
        np.broadcast_to: lambda array, shape: tour.broadcast_to(
            _t(array), shape if not isinstance(shape, int) else (shape,)
        ),
        np.broadcast_arrays: _broadcast_arrays,
        np.atleast_1d: lambda *arys: tour.atleast_1d(*map(_t, arys)),
        np.atleast_2d: lambda *arys: tour.atleast_2d(*map(_t, arys)),
        np.concatenate: lambda arrays, axis=0: tour.cat(
            [_t(a).reshape(-1) if axis is None else _t(a) for a in arrays], axis or 0
        ),
        np.stack: lambda arrays, axis=0: tour.stack([_t(a) for a in arrays], axis),
        np.vstack: lambda tup: tour.vstack([_t(a) for a in tup]),
        np.hstack: lambda tup: tour.hstack([_t(a) for a in tup]),
        np.dstack: lambda tup: tour.dstack([_t(a) for a in tup]),
        np.column_stack: lambda tup: tour.column_stack([_t(a) for a in tup]),
        np.split: lambda ary, parts, axis=0: _split(_t(ary), parts, axis, True),
        np.array_split: lambda ary, parts, axis=0: _split(_t(ary), parts, axis, False),
        np.append: lambda arr, values, axis=None: _append(_t(arr), _t(values), axis),
        np.flip: lambda m, axis=None: tour.flip(_t(m), tuple(range(_t(m).ndim)) if axis is None else axis),
        np.fliplr: lambda m: tour.fliplr(_t(m)),
        np.flipud: lambda m: tour.flipud(_t(m)),
        np.roll: lambda a, shift, axis=None: tour.roll(_t(a), shift, axis),
        np.rot90: lambda m, k=1, axes=(0, 1): tour.rot90(_t(m), k, axes),
        np.tile: lambda A, reps: tour.tile(_t(A), (reps,) if isinstance(reps, int) else tuple(reps)),
        np.repeat: lambda a, repeats, axis=None: tour.repeat_interleave(_t(a), repeats, axis),
        np.meshgrid: lambda *xi, indexing="xy": tour.meshgrid(*map(_t, xi), indexing=indexing),
        np.clip: lambda a, a_min=None, a_max=None: tour.clamp(_t(a), a_min, a_max),
        np.round: lambda a, decimals=0: tour.round(_t(a), decimals=decimals) if decimals else tour.round(_t(a)),
        np.nan_to_num: lambda x, copy=True, nan=0.0, posinf=None, neginf=None: tour.nan_to_num(
            _t(x), nan, posinf, neginf
        ),
        np.real: lambda val: _t(val).real if _t(val).is_complex() else _t(val),
        np.imag: lambda val: _t(val).imag if _t(val).is_complex() else tour.zeros_like(_t(val)),
        np.angle: lambda z: tour.angle(_t(z)),
        np.sinc: lambda x: tour.sinc(_t(x)),
        np.i0: lambda x: tour.i0(_t(x)),
        np.diff: lambda a, n=1, axis=-1: tour.diff(_t(a), n, axis),
        np.trapezoid: lambda y, x=None, dx=1.0, axis=-1: (
            tour.trapezoid(_t(y), x, dim=axis) if x is not None else tour.trapezoid(_t(y), dx=dx, dim=axis)
        ),
        np.sort: lambda a, axis=-1, kind=None: tour.sort(_flat(a, axis), dim=-1 if axis is None else axis).values,
        np.argsort: lambda a, axis=-1, kind=None: tour.argsort(_flat(a, axis), dim=-1 if axis is None else axis),
        np.argmax: lambda a, axis=None, keepdims=_MISSING: tour.argmax(_t(a), axis, _keep(keepdims)),
        np.argmin: lambda a, axis=None, keepdims=_MISSING: tour.argmin(_t(a), axis, _keep(keepdims)),
        np.allclose: lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: bool(
            np.allclose(_raw(a), _raw(b), rtol, atol, equal_nan)
        ),
        np.isclose: lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: wrap(
            as_array(np.isclose(_raw(a), _raw(b), rtol, atol, equal_nan))
        ),
        np.array_equal: lambda a1, a2, equal_nan=False: bool(np.array_equal(_raw(a1), _raw(a2), equal_nan)),
        np.any: lambda a, axis=None, keepdims=_MISSING: tour.any(_t(a), _dims(axis), _keep(keepdims)),
        np.all: lambda a, axis=None, keepdims=_MISSING: tour.all(_t(a), _dims(axis), _keep(keepdims)),
        np.count_nonzero: lambda a, axis=None: tour.count_nonzero(_t(a), _dims(axis)),
        np.nonzero: lambda a: tuple(tour.nonzero(_t(a), as_tuple=True)),
        np.copy: lambda a, order="K": _t(a).clone(),
        np.ndim: lambda a: _t(a).ndim,
        np.size: lambda a, axis=None: _t(a).numel() if axis is None else _t(a).shape[axis],
        np.shape: lambda a: tuple(_t(a).shape),
        np.iscomplexobj: lambda x: _t(x).is_complex(),
        np.isrealobj: lambda x: not _t(x).is_complex(),
        np.zeros_like: lambda a, dtype=None, **_: _cast(tour.zeros_like(_t(a)), dtype),
        np.ones_like: lambda a, dtype=None, **_: _cast(tour.ones_like(_t(a)), dtype),
        np.empty_like: lambda a, dtype=None, **_: _cast(tour.empty_like(_t(a)), dtype),
        np.full_like: lambda a, fill_value, dtype=None, **_: _cast(tour.full_like(_t(a), fill_value), dtype),
    }
)


def _raw(x: Any) -> Any:
    return x._a if isinstance(x, _core.Tensor) else x


def _flat(a: Any, axis: Any) -> Any:
    return _t(a).reshape(-1) if axis is None else _t(a)


def _dot(a: Any, b: Any) -> Any:
    """NumPy's `dot`: a sum over the last dimension of the first and the second last of the second."""
    if not a.ndim or not b.ndim:
        return a * b
    return tour.tensordot(a, b, ([-1], [-2 if b.ndim > 1 else 0]))


def _split(t: Any, parts: Any, axis: int, equal: bool) -> list[Any]:
    if isinstance(parts, int) and equal and t.shape[axis] % parts:
        raise ValueError("array split does not result in an equal division")
    return list(tour.tensor_split(t, parts if isinstance(parts, int) else [int(i) for i in parts], axis))


def _append(t: Any, values: Any, axis: Any) -> Any:
    return tour.cat([t.reshape(-1), values.reshape(-1)]) if axis is None else tour.cat([t, values], axis)


@implements(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> Any:
    t = _t(a)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    n = t.ndim + len(axes)
    for d in sorted(d % n for d in axes):
        t = t.unsqueeze(d)
    return t


@implements(np.where)
def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    condition = _t(condition)
    return tour.where(condition) if x is None else tour.where(condition.bool(), x, y)


# --- Reductions ---------------------------------------------------------------------------------------------------------------------


def _where_or(a: Any, where: Any, other: float) -> Any:
    """The elements that a reduction is to count; `other` for the rest."""
    t = _t(a)
    return t if where is _MISSING or where is True else tour.where(_t(where), t, other)


@implements(np.sum)
def _sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: Any = _MISSING,
    initial: Any = _MISSING,
    where: Any = _MISSING,
) -> Any:
    r = _cast(_where_or(a, where, 0), dtype).sum(_dims(axis), _keep(keepdims))
    return r if initial is _MISSING else r + initial


@implements(np.nansum)
def _nansum(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = _MISSING) -> Any:
    return tour.nansum(_cast(_t(a), dtype), _dims(axis), _keep(keepdims))


@implements(np.prod)
def _prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: Any = _MISSING,
    initial: Any = _MISSING,
    where: Any = _MISSING,
) -> Any:
    t = _cast(_where_or(a, where, 1), dtype)
    r = t.prod() if axis is None else t.prod(axis, _keep(keepdims))
    r = r.reshape((1,) * t.ndim) if axis is None and _keep(keepdims) else r
    return r if initial is _MISSING else r * initial


def _fraction(a: Any, dtype: Any) -> Any:
    """A tensor that can be averaged: integers in float64, as NumPy does."""
    t = _cast(_t(a), dtype)
    return t if FROM_NUMPY[t._a.dtype].rank >= FLOATING else t.double()


@implements(np.mean)
def _mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = _MISSING, where: Any = _MISSING) -> Any:
    t = _fraction(a, dtype)
    if where is _MISSING or where is True:
        return t.mean(_dims(axis), _keep(keepdims))
    count = tour.broadcast_to(_t(where), t.shape).sum(_dims(axis), _keep(keepdims))
    return _where_or(t, where, 0).sum(_dims(axis), _keep(keepdims)) / count


@implements(np.nanmean)
def _nanmean(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = _MISSING) -> Any:
    return tour.nanmean(_fraction(a, dtype), _dims(axis), _keep(keepdims))


@implements(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, keepdims: Any = _MISSING) -> Any:
    t = _fraction(a, None)
    if weights is None:
        return t.mean(_dims(axis), _keep(keepdims))
    w = _t(weights).to(t.dtype)
    if w.ndim != t.ndim:
        shape = [1] * t.ndim
        shape[axis] = -1
        w = w.reshape(shape).expand(t.shape)
    return (t * w).sum(_dims(axis), _keep(keepdims)) / w.sum(_dims(axis), _keep(keepdims))


@implements(np.var)
def _var(
    a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: Any = _MISSING, correction: Any = _MISSING
) -> Any:
    ddof = ddof if correction is _MISSING else correction
    return tour.var(_fraction(a, dtype), _dims(axis), correction=ddof, keepdim=_keep(keepdims))


@implements(np.std)
def _std(
    a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: Any = _MISSING, correction: Any = _MISSING
) -> Any:
    ddof = ddof if correction is _MISSING else correction
    return tour.std(_fraction(a, dtype), _dims(axis), correction=ddof, keepdim=_keep(keepdims))


@implements(np.max, np.amax)
def _max(a: Any, axis: Any = None, keepdims: Any = _MISSING, initial: Any = _MISSING, where: Any = _MISSING) -> Any:
    r = tour.amax(_where_or(a, where, initial), () if axis is None else axis, _keep(keepdims))
    return r if initial is _MISSING else r.clamp(min=initial)


@implements(np.min, np.amin)
def _min(a: Any, axis: Any = None, keepdims: Any = _MISSING, initial: Any = _MISSING, where: Any = _MISSING) -> Any:
    r = tour.amin(_where_or(a, where, initial), () if axis is None else axis, _keep(keepdims))
    return r if initial is _MISSING else r.clamp(max=initial)


@implements(np.ptp)
def _ptp(a: Any, axis: Any = None, keepdims: Any = _MISSING) -> Any:
    return _max(a, axis, keepdims) - _min(a, axis, keepdims)


@implements(np.cumsum)
def _cumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return tour.cumsum(_cast(_flat(a, axis), dtype), 0 if axis is None else axis)


@implements(np.cumprod)
def _cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return tour.cumprod(_cast(_flat(a, axis), dtype), 0 if axis is None else axis)


@implements(np.quantile)
def _quantile(a: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: Any = _MISSING) -> Any:
    t = _fraction(a, None)
    q = _t(q).to(t.dtype)
    return tour.quantile(t, q, axis, _keep(keepdims), interpolation=method)


@implements(np.percentile)
def _percentile(a: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: Any = _MISSING) -> Any:
    return _quantile(a, _t(q).double() / 100, axis, method, keepdims)


@implements(np.median)
def _median(a: Any, axis: Any = None, keepdims: Any = _MISSING) -> Any:
    """The mean of the two middle elements, where PyTorch's median is the lower one."""
    return _quantile(a, 0.5, axis, "linear", keepdims)


@implements(np.take)
def _take(a: Any, indices: Any, axis: Any = None) -> Any:
    t, index = _flat(a, axis), _t(indices).long()
    d = 0 if axis is None else axis % t.ndim
    return t[(*[slice(None)] * d, index)]


# --- Submodules -----------------------------------------------------------------------------------------------------------------------

_LINALG = (
    "cholesky",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "matrix_power",
    "pinv",
    "solve",
    "tensorinv",
    "tensorsolve",
)
_FFT = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
_FFTN = ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")


def _plainly(module: str, name: str) -> Any:
    """tour's function of the same name and arguments."""
    return lambda a, *args, **kwargs: getattr(getattr(tour, module), name)(_t(a), *map(_tensor_or_not, args), **kwargs)


def _tensor_or_not(x: Any) -> Any:
    return wrap(x) if isinstance(x, np.ndarray) else x


def _spectrum(name: str, lengths: str, axis: str) -> Any:
    def call(a: Any, n: Any = None, dim: Any = -1 if lengths == "n" else None, norm: Any = None, **named: Any) -> Any:
        n, dim = named.get(lengths, n), named.get(axis, dim)
        if dim is None and name.endswith("2"):
            dim = (-2, -1)
        return getattr(tour.fft, name)(_t(a), n, dim, norm)

    return call


BY_FUNCTION.update({getattr(np.linalg, name): _plainly("linalg", name) for name in _LINALG})
BY_FUNCTION.update({getattr(np.fft, name): _spectrum(name, "n", "axis") for name in _FFT})
BY_FUNCTION.update({getattr(np.fft, name): _spectrum(name, "s", "axes") for name in _FFTN})
BY_FUNCTION.update(
    {
        np.fft.fftshift: lambda x, axes=None: tour.fft.fftshift(_t(x), axes),
        np.fft.ifftshift: lambda x, axes=None: tour.fft.ifftshift(_t(x), axes),
        np.linalg.slogdet: lambda a: tuple(tour.linalg.slogdet(_t(a))),
        np.linalg.qr: lambda a, mode="reduced": (
            tuple(tour.linalg.qr(_t(a), mode)) if mode != "r" else tour.linalg.qr(_t(a), mode).R
        ),
        np.linalg.matrix_rank: lambda A, tol=None, hermitian=False: tour.linalg.matrix_rank(_t(A), tol, hermitian),
        np.linalg.cond: lambda x, p=None: tour.linalg.cond(_t(x), p),
        np.linalg.norm: lambda x, ord=None, axis=None, keepdims=False: tour.linalg.norm(
            _fraction(x, None), ord, axis, keepdims
        ),
        np.linalg.multi_dot: lambda arrays: tour.linalg.multi_dot([_t(a) for a in arrays]),
    }
)


@implements(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    return tuple(tour.linalg.svd(_t(a), full_matrices)) if compute_uv else tour.linalg.svdvals(_t(a))
