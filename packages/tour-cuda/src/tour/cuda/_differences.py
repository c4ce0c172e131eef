"""Where a CUDA array is not like NumPy's: what CuPy lacks, spells differently or computes differently, one reason a line.

The tables are looked up by NumPy's name; the functions get and give CuPy's arrays. What is not listed here goes to the function of
the same name in CuPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tour._kernels import is_half
from tour.cuda import _blas, _cupy
from tour.cuda._array import _SENDS, CudaArray
from tour.cuda._launch import RUNNERS

UFUNCS: dict[str, Callable[..., Any]] = {}
FUNCTIONS: dict[str, Callable[..., Any]] = {}
METHODS: dict[str, Callable[..., Any]] = {}


def of(table: dict[str, Callable[..., Any]], *names: str) -> Callable[[Any], Any]:
    """Declare the form of NumPy's functions of these names."""

    def bind(form: Any) -> Any:
        for name in names:
            table[name] = form
        return form

    return bind


# --- Reductions and scans by ufuncs: CuPy has `reduce` for sums and products only, `accumulate` for none of these ----------------


def _reducing(name: str, dtype_too: bool) -> Any:
    def form(
        a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None
    ) -> Any:
        xp = _cupy.module()
        options = {"dtype": dtype} if dtype_too else {}
        if initial is not None:
            if not a.size:
                return xp.sum(xp.zeros_like(a), axis=axis, keepdims=keepdims) + a.dtype.type(initial)
        return getattr(xp, name)(a, axis=axis, out=out, keepdims=keepdims, **options)

    return form


for _ufunc, _function in (("add", "sum"), ("multiply", "prod")):
    UFUNCS[f"{_ufunc}.reduce"] = _reducing(_function, True)
for _ufunc, _function in (("maximum", "max"), ("minimum", "min"), ("logical_and", "all"), ("logical_or", "any")):
    UFUNCS[f"{_ufunc}.reduce"] = _reducing(_function, False)


def _scanning(name: str) -> Any:
    """Prefixes of an associative function by doubling: log2(n) passes, where CuPy has no scan."""

    def form(a: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        ufunc = getattr(_cupy.module(), name)
        r = a.copy() if dtype is None else a.astype(dtype)
        rows = r.swapaxes(axis, 0) if r.ndim else r
        step = 1
        while step < len(rows):
            rows[step:] = ufunc(rows[:-step], rows[step:])
            step *= 2
        return r

    return form


for _ufunc in ("maximum", "minimum", "logaddexp", "multiply", "add"):
    UFUNCS[f"{_ufunc}.accumulate"] = _scanning(_ufunc)


@of(UFUNCS, "add.at")
def _add_at(a: Any, index: Any, values: Any) -> None:
    """CuPy adds into few dtypes: others are added up in a wider one, complex numbers by parts."""
    xp = _cupy.module()
    if a.dtype.kind == "c":
        values = xp.asarray(values, a.dtype)
        _add_at(a.real, index, values.real)
        _add_at(a.imag, index, values.imag)
    elif a.dtype.char in "iIlLqQfd":
        xp.add.at(a, index, values)
    else:
        wide = xp.zeros_like(a, dtype=np.float32 if a.dtype.kind in "fV" else np.int64)
        xp.add.at(wide, index, values.astype(wide.dtype))
        a += wide.astype(a.dtype)


@of(UFUNCS, "subtract.at")
def _subtract_at(a: Any, index: Any, values: Any) -> None:
    _add_at(a, index, -values)


def _comparing_at(name: str) -> Any:
    """CuPy compares in few dtypes only: others go through a wider one."""

    def form(a: Any, index: Any, values: Any) -> None:
        xp = _cupy.module()
        if a.dtype.char in "iIlLqQfd":
            getattr(xp, name).at(a, index, values)
        else:
            wide = a.astype(np.float32 if a.dtype.kind in "fV" else np.int64)
            getattr(xp, name).at(wide, index, values.astype(wide.dtype))
            a[...] = wide.astype(a.dtype)

    return form


UFUNCS["maximum.at"], UFUNCS["minimum.at"] = _comparing_at("maximum"), _comparing_at("minimum")


@of(UFUNCS, "multiply.at")
def _multiply_at(a: Any, index: Any, values: Any) -> None:
    """CuPy has none: factors of one place are sorted together, multiplied by doubling, and the last of each place is taken."""
    xp = _cupy.module()
    order = xp.argsort(index, kind="stable")
    places, factors = index[order], values[order].copy()
    n, step = len(places), 1
    while step < n:
        same = places[step:] == places[:-step]
        factors[step:] = xp.where(same, factors[step:] * factors[:-step], factors[step:])
        step *= 2
    last = xp.ones(n, bool)
    last[:-1] = places[1:] != places[:-1]
    product = xp.ones_like(a)
    # Other members of a group write into a spare place behind the last one.
    spare = xp.ones((a.size + 1,), a.dtype)
    spare[xp.where(last, places, a.size)] = factors
    product = spare[:-1]
    a *= product


def _reducing_at(name: str) -> Any:
    """CuPy has `reduceat` for sums only."""

    def form(a: Any, starts: Any, axis: int = 0) -> Any:
        xp = _cupy.module()
        row = xp.searchsorted(starts, xp.arange(len(a)), "right") - 1
        out = a[starts]
        getattr(xp, name).at(out, row, a)
        return out

    return form


UFUNCS["maximum.reduceat"], UFUNCS["minimum.reduceat"] = _reducing_at("maximum"), _reducing_at("minimum")


@of(UFUNCS, "bitwise_xor.reduce")
def _xor(a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    """CuPy has none: halves are combined until one element is left."""
    xp = _cupy.module()
    axes = tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    axes = tuple(i % a.ndim for i in axes)
    kept = [n for i, n in enumerate(a.shape) if i not in axes]
    r = xp.moveaxis(a, axes, tuple(range(len(axes)))).reshape(-1, *kept)
    while len(r) > 1:
        half = len(r) // 2
        rest = r[2 * half :]
        r = xp.concatenate([r[:half] ^ r[half : 2 * half], rest]) if len(rest) else r[:half] ^ r[half:]
    r = r[0] if len(r) else xp.zeros(kept, a.dtype)
    return r.reshape([1 if i in axes else n for i, n in enumerate(a.shape)]) if keepdims else r


@of(UFUNCS, "vecdot")
def _vecdot(a: Any, b: Any) -> Any:
    """CuPy's is a matrix product, which cannot be captured in a graph."""
    return (a.conj() * b if a.dtype.kind == "c" else a * b).sum(-1)


@of(UFUNCS, "matmul")
@of(METHODS, "dot")
def _matmul(a: Any, b: Any, out: Any = None) -> Any:
    """CuPy's cannot be captured in a graph, computes batches of float16 in float32 and copies transposed operands."""
    xp, (first, second) = _cupy.module(), (CudaArray(x) if isinstance(x, _cupy.array_type()) else x for x in (a, b))
    found: Any = NotImplemented
    if type(first) is type(second) is CudaArray and CudaArray in RUNNERS and (a.ndim <= 2 or b.ndim > 1):
        found = _blas.matmul(first, second)
    if found is NotImplemented and is_half(a.dtype):
        found = CudaArray(_matmul(a.astype(np.float32), b.astype(np.float32)).astype(a.dtype))
    if found is NotImplemented:
        return xp.matmul(a, b, out=out) if a.ndim and b.ndim else xp.dot(a, b, out)
    if out is None:
        return found.array
    out[...] = found.array
    return out


# --- Making arrays: NumPy's functions with `like=` -------------------------------------------------------------------------------


_tables: dict[tuple[Any, ...], Any] = {}
_MOST, _LARGEST = 512, 1 << 16  # tables kept, and bytes of one


@of(FUNCTIONS, "asarray")
def _asarray(a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: Any = None) -> Any:
    """A small table of the host is sent once and kept, so that the next call sends nothing, and can be captured."""
    xp = _cupy.module()
    if not isinstance(a, np.ndarray) or a.nbytes > _LARGEST:
        return xp.asarray(a, dtype)
    key = (_cupy.current(), a.dtype, a.shape, a.tobytes(), dtype)
    found = _tables.get(key)
    if found is None:
        if len(_tables) >= _MOST:
            _tables.clear()
        found = _tables[key] = xp.asarray(a, dtype)
        xp.cuda.get_current_stream().synchronize()  # once: from now on it may be read from any stream
    return found


_SENDS.add(_asarray)


@of(FUNCTIONS, "full")
def _full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", *, device: Any = None) -> Any:
    return _cupy.module().full(shape, fill_value, dtype)


def _made(name: str) -> Any:
    def form(*args: Any, device: Any = None, **kwargs: Any) -> Any:
        return getattr(_cupy.module(), name)(*args, **kwargs)

    return form


for _name in ("arange", "empty", "eye", "ones", "tri", "zeros"):
    FUNCTIONS[_name] = _made(_name)


# --- Indexing ------------------------------------------------------------------------------------------------------------------


def read(a: Any, index: Any) -> Any:
    """`a[index]`."""
    return a[index]


def write(a: Any, index: Any, value: Any) -> None:
    """`a[index] = value`."""
    a[index] = value


def forget() -> None:
    """Forget the tables that were sent: another module takes the place of CuPy."""
    _tables.clear()
