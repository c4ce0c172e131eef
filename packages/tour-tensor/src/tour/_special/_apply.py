"""What the kernels are made of: formulas over cache-sized blocks, split into pieces of the line, and polynomials."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, overload

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Formula = Callable[..., Array]
Fit = tuple[Sequence[float], Sequence[float]]
P = ParamSpec("P")

# Elements per block: several float64 temporaries of this length stay in a one-megabyte cache, the cost of starting a
# NumPy loop (half a microsecond) is small beside the loop, and a temporary stays below the 128 KiB from which malloc
# asks the system for fresh pages each time.
BLOCK = 16_000


@overload
def elementwise(formula: Callable[P, Array]) -> Callable[P, Array]: ...


@overload
def elementwise(*, single: Formula) -> Callable[[Callable[P, Array]], Callable[P, Array]]: ...


def elementwise(formula: Formula | None = None, *, single: Formula | None = None) -> Any:
    """Make an array function of a formula over equally long, one-dimensional float64 blocks.

    Arguments broadcast. float32 input goes to ``single`` where given (which gets float32 blocks), else through float64;
    float16, bfloat16 and float8 go through float32, as in PyTorch; integers and bools count as float64. The result is a
    new array, also for zero dimensions, of the inputs' common floating dtype. No floating-point warning escapes.
    """
    if formula is None:
        return functools.partial(elementwise, single=single)

    @functools.wraps(formula)
    def kernel(*arrays: npt.ArrayLike) -> Array:
        return apply(formula, *arrays, single=single)

    return kernel


def apply(formula: Formula, *arrays: npt.ArrayLike, single: Formula | None = None) -> Array:
    """``formula`` of arrays, block by block; see :func:`elementwise`."""
    if (
        abroad := next((a for a in arrays if hasattr(a, "__array_function__") and not isinstance(a, np.ndarray)), None)
    ) is not None:
        return _in_one_piece(formula, abroad, arrays)  # type: ignore[no-any-return]
    inputs = [np.asarray(a) for a in arrays]
    # NumPy's promotion, in which Python numbers do not count
    typed = [a if isinstance(a, (int, float)) else i.dtype for a, i in zip(arrays, inputs, strict=True)]
    dtype = _floating(np.result_type(*typed) if len(typed) > 1 else inputs[0].dtype)
    run, work = (single, np.float32) if single is not None and dtype.itemsize < 8 else (formula, np.float64)
    out, columns = _columns(inputs, dtype)
    flat = out.ravel("K")  # a view: out is dense
    with np.errstate(all="ignore"):
        for start in range(0, flat.size, BLOCK):
            block = slice(start, start + BLOCK)
            y = run(*(c[block].astype(work, copy=False) for c in columns))
            flat[block] = y if dtype.itemsize > 2 else y.astype(np.float32, copy=False)
    return out


def _in_one_piece(formula: Formula, like: Any, arrays: Any) -> Any:
    """``formula`` on another device: no blocks, and float64, which is exact enough for every dtype."""
    typed = [a if isinstance(a, (int, float)) else a.dtype for a in arrays]
    dtype = _floating(np.result_type(*typed) if len(typed) > 1 else like.dtype)
    wide = np.broadcast_arrays(
        *(np.full_like(like, a, np.float64, shape=()) if np.isscalar(a) else a.astype(np.float64) for a in arrays)
    )
    return formula(*(w.reshape(-1) for w in wide)).reshape(wide[0].shape).astype(dtype)


def _floating(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of a result: ``dtype`` if it is a real floating one (ml_dtypes' have kind V), else float64."""
    return dtype if dtype.kind in "fV" and dtype.itemsize <= 8 else np.dtype(np.float64)


def _columns(inputs: list[Array], dtype: np.dtype[Any]) -> tuple[Array, list[Array]]:
    """An empty result laid out like the first input of its shape, and the inputs as vectors in its memory order."""
    like = inputs[0]
    if all(a.shape == like.shape and a.flags.c_contiguous for a in inputs):
        return np.empty(like.shape, dtype), [a.reshape(-1) for a in inputs]
    shape = np.broadcast_shapes(*(a.shape for a in inputs))
    like = next((a for a in inputs if a.shape == shape), like)
    out = np.empty_like(like, dtype=dtype, shape=shape, subok=False)
    order = sorted(range(out.ndim), key=out.strides.__getitem__, reverse=True)
    flat = [a.reshape(()) if a.size == 1 else np.broadcast_to(a, shape).transpose(order).reshape(-1) for a in inputs]
    return out, [np.broadcast_to(a, (out.size,)) for a in flat]  # a single element repeats with stride 0


def fill(out: Array, mask: npt.NDArray[np.bool_], formula: Formula, *arrays: Array) -> None:
    """Write ``formula(*arrays)`` into ``out`` where ``mask`` holds, computing it only there (on other devices everywhere)."""
    if type(out) is not np.ndarray:
        np.copyto(out, formula(*arrays), where=mask)
        return
    index = mask.nonzero()[0]
    if index.size == mask.size:
        out[...] = formula(*arrays)
    elif index.size:
        out[index] = formula(*(a.take(index) for a in arrays))


def split(mask: npt.NDArray[np.bool_], inside: Formula, outside: Formula, *arrays: Array) -> Array:
    """``inside(*arrays)`` where ``mask`` holds, ``outside(*arrays)`` elsewhere, each computed only there."""
    out = np.empty_like(arrays[0])
    fill(out, mask, inside, *arrays)
    fill(out, ~mask, outside, *arrays)
    return out


def head(x: Array) -> Array:
    """x cut to its 26 leading bits, so that its square, and its product with another head, are exact."""
    bits: Array = x.view(np.int64) & -(1 << 27)
    return bits.view(np.float64)


def horner(x: Array, coefficients: Sequence[float]) -> Array:
    """The polynomial with these coefficients, highest power first: two passes a coefficient, no temporaries."""
    first, *middle, last = coefficients
    y = x * first
    for c in middle:
        y += c
        y *= x
    y += last
    return y


def ratio(x: Array, fit: Fit) -> Array:
    """The rational function P/Q with these coefficients, each highest power first."""
    above, below = fit
    y = horner(x, above)
    y /= horner(x, below)
    return y
