"""NumPy's functions that put elements elsewhere, and those made of a few ops; a part of the table in `_numpy_functions.py`.

What only moves elements is asked of NumPy itself, for the places 0, 1, 2 … in the stead of elements; the tensor is then indexed with
where they went, so that gradients flow.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

import tour
from tour._core import wrap
from tour._numpy import BY_FUNCTION, BY_UFUNC, implements, into
from tour._numpy_functions import _MISSING, _cast, _dims, _flat, _fraction, _keep, _of_one_dtype, _raw, _split, _t


def _places(t: Any) -> Any:
    return np.arange(t.numel()).reshape(t.shape)


def _moved(a: Any, places: Any) -> Any:
    """The elements at places, counted in row-major order."""
    return _t(a).reshape(-1)[places]


# --- Places ---------------------------------------------------------------------------------------------------------------------------

BY_FUNCTION.update(
    {
        np.delete: lambda arr, obj, axis=None: _moved(arr, np.delete(_places(_t(arr)), _raw(obj), axis)),
        np.compress: lambda condition, a, axis=None: _moved(a, np.compress(_raw(condition), _places(_t(a)), axis)),
        np.extract: lambda condition, arr: _moved(arr, np.extract(_raw(condition), _places(_t(arr)))),
        np.resize: lambda a, new_shape: _moved(a, np.resize(_places(_t(a)), new_shape)),
        np.rollaxis: lambda a, axis, start=0: _moved(a, np.rollaxis(_places(_t(a)), axis, start)),
        np.atleast_3d: lambda *arys: _all([_moved(a, np.atleast_3d(_places(_t(a)))) for a in arys]),
        np.reshape: lambda a, shape, order="C", copy=None: _reshape(_t(a), shape, order),
        np.ravel: lambda a, order="C": _reshape(_t(a), (-1,), order),
        np.partition: lambda a, kth, axis=-1: _moved(
            a, np.take_along_axis(_places(_t(a)), np.argpartition(_raw(a), kth, axis), axis)
        ),
        np.matrix_transpose: lambda x: _t(x).mT,
        np.unstack: lambda x, axis=0: tuple(_t(x).unbind(axis)),
        np.vsplit: lambda ary, parts: _split(_t(ary), parts, 0, True),
        np.hsplit: lambda ary, parts: _split(_t(ary), parts, 1 if _t(ary).ndim > 1 else 0, True),
        np.dsplit: lambda ary, parts: _split(_t(ary), parts, 2, True),
        np.ediff1d: lambda ary: tour.diff(_t(ary).reshape(-1)),
        np.select: lambda condlist, choicelist, default=0: reduce(
            lambda other, pair: tour.where(_t(pair[0]), pair[1], other),
            list(zip(condlist, map(_t, choicelist), strict=True))[::-1],
            default,
        ),
    }
)


def _all(found: list[Any]) -> Any:
    return found[0] if len(found) == 1 else tuple(found)


def _reshape(t: Any, shape: Any, order: str) -> Any:
    if order in ("C", "K", "A"):
        return t.reshape(shape)
    back = tuple(range(t.ndim - 1, -1, -1))
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return t.permute(back).reshape(shape[::-1]).permute(tuple(range(len(shape) - 1, -1, -1)))


def _beside(t: Any, values: Any) -> tuple[Any, Any]:
    """All elements of a tensor and then those of `values`; and the places that the latter have there, in their shape."""
    v = _t(np.asarray(values) if not isinstance(values, tour.Tensor) else values)
    line = tour.cat([t.reshape(-1), v.reshape(-1).to(t.dtype)])
    return line, np.arange(t.numel(), line.numel()).reshape(v.shape)


@implements(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    line, added = _beside(_t(arr), values)
    return line[np.insert(_places(_t(arr)), _raw(obj), added, axis)]


@implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0, **kwargs: Any) -> Any:
    t = _t(array)
    if mode == "constant":
        line, added = _beside(t, constant_values)
        return line[np.pad(_places(t), pad_width, constant_values=added)]
    if mode not in ("edge", "reflect", "symmetric", "wrap") or kwargs.get("reflect_type", "even") != "even":
        raise TypeError(f"np.pad of a tensor knows no mode {mode!r} {kwargs or ''}; call it on tensor.detach().numpy()")
    return _moved(t, np.pad(_places(t), pad_width, mode))  # type: ignore[call-overload]


@implements(np.choose)
def _choose(a: Any, choices: Any) -> Any:
    index, *options = tour.broadcast_tensors(_t(a).long(), *map(_t, choices))
    return tour.take_along_dim(tour.stack(options), index.unsqueeze(0), 0).squeeze(0)


@implements(np.block)
def _block(arrays: Any) -> Any:
    depth, inner = 0, arrays
    while isinstance(inner, (list, tuple)):
        depth, inner = depth + 1, inner[0]
    ndim = max(depth, *(x.ndim for x in _leaves(arrays)))
    return _joined(arrays, depth, ndim)


def _leaves(x: Any) -> list[Any]:
    return [leaf for y in x for leaf in _leaves(y)] if isinstance(x, (list, tuple)) else [_t(x)]


def _joined(x: Any, depth: int, ndim: int) -> Any:
    if not isinstance(x, (list, tuple)):
        t = _t(x)
        return t.reshape((1,) * (ndim - t.ndim) + tuple(t.shape))
    return tour.cat([_joined(y, depth - 1, ndim) for y in x], ndim - depth)


# --- Sums and products along a dimension ------------------------------------------------------------------------------------------------


def _filled(a: Any, value: float) -> Any:
    t = _t(a)
    return t.masked_fill(t.isnan(), value) if t.is_floating_point() or t.is_complex() else t


def _nan_extreme(extreme: Any, limit: float) -> Any:
    def call(a: Any, axis: Any = None, keepdims: Any = _MISSING) -> Any:
        dims, keep = _dims(axis), _keep(keepdims)
        r = extreme(_filled(a, limit), () if dims is None else dims, keep)
        empty = _t(a).isnan().all(dims, keep) if dims is not None else _t(a).isnan().all()
        return r.masked_fill(empty, float("nan")) if r.is_floating_point() else r

    return call


@implements(np.nanvar)
def _nanvar(a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: Any = _MISSING) -> Any:
    t, dims = _fraction(a, dtype), _dims(axis)
    away = t - tour.nanmean(t, dims, True)
    known = (~t.isnan()).sum(dims, _keep(keepdims))
    return tour.nansum(away * away, dims, _keep(keepdims)) / (known - ddof)


BY_FUNCTION.update(
    {
        np.nanmax: _nan_extreme(tour.amax, -float("inf")),
        np.nanmin: _nan_extreme(tour.amin, float("inf")),
        np.nanstd: lambda *args, **kwargs: tour.sqrt(_nanvar(*args, **kwargs)),
        np.nanprod: lambda a, axis=None, keepdims=_MISSING: np.prod(_filled(a, 1), axis, keepdims=_keep(keepdims)),
        np.nancumsum: lambda a, axis=None: np.cumsum(_filled(a, 0), axis),
        np.nancumprod: lambda a, axis=None: np.cumprod(_filled(a, 1), axis),
        np.nanquantile: lambda a, q, axis=None, method="linear", keepdims=_MISSING: tour.nanquantile(
            t := _fraction(a, None), _t(q).to(t.dtype), axis, _keep(keepdims), interpolation=method
        ),
        np.nanpercentile: lambda a, q, axis=None, method="linear", keepdims=_MISSING: np.nanquantile(
            _t(a), _t(q).double() / 100, axis, method=method, keepdims=_keep(keepdims)
        ),
        np.nanmedian: lambda a, axis=None, keepdims=_MISSING: np.nanquantile(
            _t(a), 0.5, axis, keepdims=_keep(keepdims)
        ),
        np.cumulative_sum: lambda x, axis=None, dtype=None, include_initial=False: _scan(
            tour.cumsum, 0, x, axis, dtype, include_initial
        ),
        np.cumulative_prod: lambda x, axis=None, dtype=None, include_initial=False: _scan(
            tour.cumprod, 1, x, axis, dtype, include_initial
        ),
    }
)


def _scan(function: Any, first: int, x: Any, axis: Any, dtype: Any, include_initial: bool) -> Any:
    axis = 0 if axis is None else axis
    r = function(_cast(_t(x), dtype), axis)
    return tour.cat([tour.full_like(r.narrow(axis, 0, 1), first), r], axis) if include_initial else r


# --- Series -------------------------------------------------------------------------------------------------------------------------

BY_UFUNC[np.modf] = lambda a: (tour.frac(_t(a)), tour.trunc(_t(a)))


@implements(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    t = _fraction(f, None)
    dims = tuple(range(t.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    steps = [_t(v).to(t.dtype) if np.ndim(v) else float(v) for v in varargs]
    spacing: Any = [1.0] * len(dims) if not steps else steps * len(dims) if len(steps) == 1 else steps
    found = [
        tour.gradient(t, spacing=(s,) if isinstance(s, tour.Tensor) else s, dim=d, edge_order=edge_order)[0]
        for s, d in zip(spacing, dims, strict=True)
    ]
    return _all(found)


@implements(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    long, short = _of_one_dtype(a, v)
    if len(long) < len(short):
        long, short = short, long
    n, m = len(long), len(short)
    full = tour.constant_pad_nd(long, (m - 1, m - 1)).unfold(0, m, 1) @ short.flip(0)
    kept = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}
    return full.narrow(0, *kept[mode])


@implements(np.correlate)
def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    return _convolve(_t(a), _t(v).flip(0).conj(), mode)


@implements(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    x, xp, fp = (_fraction(a, None) for a in (x, xp, fp))
    i = wrap(np.clip(np.searchsorted(_raw(xp), _raw(x), "right") - 1, 0, len(xp) - 2))
    share = ((x - xp[i]) / (xp[i + 1] - xp[i])).clamp(0, 1)
    r = fp[i] + share * (fp[i + 1] - fp[i])
    r = r if left is None else tour.where(x < xp[0], left, r)
    return r if right is None else tour.where(x > xp[-1], right, r)


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    x = _t(x)
    return reduce(lambda y, c: y * x + c, _t(p).unbind(), tour.zeros_like(x))


@implements(np.cov)
def _cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None) -> Any:
    rows = [_fraction(x, None) for x in (m, y) if x is not None]
    rows = [(x if rowvar or x.ndim < 2 else x.mT).reshape(-1 if x.ndim > 1 else 1, x.shape[-1 if rowvar or x.ndim < 2 else 0])
            for x in rows]  # fmt: skip
    return tour.cov(tour.cat(rows).squeeze(0), correction=int(not bias) if ddof is None else ddof)


@implements(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    c = _cov(x, y, rowvar)
    if not c.ndim:
        return c / c
    d = c.diagonal().sqrt()
    return c / d / d.unsqueeze(1)


def _lstsq(a: Any, b: Any, rcond: Any) -> tuple[Any, ...]:
    a, b = _of_one_dtype(a, b)
    return tuple(tour.linalg.lstsq(a, b, rcond=rcond))


# --- numpy.linalg's newer names -----------------------------------------------------------------------------------------------------

BY_FUNCTION.update(
    {
        np.linalg.matmul: lambda x1, x2: np.matmul(_t(x1), x2),
        np.linalg.outer: lambda x1, x2: np.outer(_t(x1), x2),
        np.linalg.cross: lambda x1, x2, axis=-1: tour.linalg.cross(*_of_one_dtype(x1, x2), dim=axis),
        np.linalg.vecdot: lambda x1, x2, axis=-1: tour.linalg.vecdot(*_of_one_dtype(x1, x2), dim=axis),
        np.linalg.tensordot: lambda x1, x2, axes=2: np.tensordot(_t(x1), x2, axes),
        np.linalg.matrix_transpose: lambda x: _t(x).mT,
        np.linalg.diagonal: lambda x, offset=0: tour.diagonal(_t(x), offset, -2, -1),
        np.linalg.trace: lambda x, offset=0, dtype=None: _cast(tour.diagonal(_t(x), offset, -2, -1), dtype).sum(-1),
        np.linalg.svdvals: lambda x: tour.linalg.svdvals(_t(x)),
        np.linalg.matrix_norm: lambda x, keepdims=False, ord="fro": tour.linalg.matrix_norm(
            _fraction(x, None), ord, keepdim=keepdims
        ),
        np.linalg.vector_norm: lambda x, axis=None, keepdims=False, ord=2: tour.linalg.vector_norm(
            _fraction(x, None), ord, _dims(axis), keepdims
        ),
        np.linalg.lstsq: lambda a, b, rcond=None: _lstsq(a, b, rcond),
        np.take_along_axis: lambda arr, indices, axis=-1: tour.take_along_dim(
            _flat(arr, axis), _t(indices), 0 if axis is None else axis
        ),
    }
)


# --- Writing into a tensor -------------------------------------------------------------------------------------------------------------


@implements(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if isinstance(dst, np.ndarray):
        into((dst if where is True else None,), _t(src))
        if where is not True:
            np.copyto(dst, into((np.empty_like(dst),), _t(src).expand(dst.shape)), where=_raw(where))
    elif where is True:
        dst.copy_(_t(src))
    else:
        dst.copy_(tour.where(_t(where), src, dst))


@implements(np.put)
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    index = _t(ind).long()
    a.put_(index, wrap(np.resize(_raw(v), tuple(index.shape)).astype(_raw(a).dtype)))


@implements(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    m = _t(mask).bool()
    arr[m] = wrap(np.resize(_raw(vals), int(m.sum())).astype(_raw(arr).dtype))


BY_FUNCTION.update(
    {
        np.fill_diagonal: lambda a, val, wrap=False: (a.fill_diagonal_(val, wrap), None)[1],
        np.putmask: lambda a, mask, values: (a.copy_(tour.where(_t(mask).bool(), _t(values).to(a.dtype), a)), None)[1],
        np.put_along_axis: lambda arr, indices, values, axis: (
            arr.scatter_(axis, _t(indices).long(), tour.broadcast_to(_t(values).to(arr.dtype), _t(indices).shape)),
            None,
        )[1],
    }
)
