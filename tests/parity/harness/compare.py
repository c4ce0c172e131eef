"""Whether a result of tour's is PyTorch's."""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

import tour

from .convert import array_of

# Relative and absolute tolerance by dtype; the absolute one grows with the largest element.
TOLERANCE = {
    "float64": (1e-9, 1e-10),
    "complex128": (1e-9, 1e-10),
    "float32": (1e-5, 2e-6),
    "complex64": (2e-5, 4e-6),
    "float16": (4e-3, 1e-3),
    "bfloat16": (1.6e-2, 4e-3),
}


def differences(got: Any, want: Any, tolerance: float = 1.0, values: bool = True, where: str = "") -> Iterator[str]:
    """What differs between tour's result and PyTorch's, one line each.

    Args:
        got: tour's result.
        want: PyTorch's.
        tolerance: Factor on the tolerances.
        values: Whether elements are compared too, not only shapes and dtypes.
        where: Prefix of the lines, which part of a nested result is meant.
    """
    if isinstance(want, torch.Tensor):
        yield from _tensor(got, want, tolerance, values, where)
    elif isinstance(want, torch.Size):
        if not isinstance(got, tuple) or tuple(got) != tuple(want):
            yield f"{where}is {got!r}, not {want!r}"
    elif isinstance(want, (list, tuple)):
        if not isinstance(got, (list, tuple)) or len(got) != len(want):
            yield f"{where}is {_brief(got)}, not {len(want)} items"
            return
        for name in getattr(type(want), "__match_args__", ()) if isinstance(want, tuple) else ():
            if not hasattr(got, name):
                yield f"{where}has no field {name!r}"
        for i, (g, w) in enumerate(zip(got, want, strict=True)):
            yield from differences(g, w, tolerance, values, f"{where}[{i}] ")
    elif isinstance(want, dict):
        for k in want:
            yield from differences(got.get(k), want[k], tolerance, values, f"{where}[{k!r}] ")
    elif isinstance(want, (torch.dtype, torch.device)):
        if str(got).split(".")[-1] != str(want).split(".")[-1]:
            yield f"{where}is {got!r}, not {want!r}"
    elif isinstance(want, numbers.Number):
        if type(got) is not type(want):
            yield f"{where}is {_brief(got)}, not {want!r}"
        elif values and not np.isclose(got, want, rtol=1e-5, atol=1e-6, equal_nan=True):
            yield f"{where}is {got!r}, not {want!r}"
    elif got != want:
        yield f"{where}is {_brief(got)}, not {want!r}"


def _brief(x: Any) -> str:
    if isinstance(x, tour.Tensor):
        return f"a {x.dtype.name} tensor of shape {list(x.shape)}"
    return f"{type(x).__name__} {x!r}"[:80]


def _tensor(got: Any, want: torch.Tensor, tolerance: float, values: bool, where: str) -> Iterator[str]:
    if not isinstance(got, tour.Tensor):
        yield f"{where}is {_brief(got)}, not a {want.dtype} tensor"
        return
    if got.dtype.name != str(want.dtype).removeprefix("torch."):
        yield f"{where}dtype {got.dtype.name}, not {want.dtype}"
        return
    if tuple(got.shape) != tuple(want.shape):
        yield f"{where}shape {list(got.shape)}, not {list(want.shape)}"
        return
    if values:
        yield from _values(got._a, array_of(want), got.dtype.name, tolerance, where)


def _values(got: Any, want: Any, dtype: str, tolerance: float, where: str) -> Iterator[str]:
    if dtype not in TOLERANCE:
        wrong = got != want
    else:
        wide = np.complex128 if want.dtype.kind == "c" else np.float64
        g, w = (x.astype(np.float32).astype(wide) if x.dtype.kind == "V" else x.astype(wide) for x in (got, want))
        finite = np.isfinite(w)
        scale = max(1.0, float(np.max(np.abs(w[finite]), initial=0.0)))
        relative, absolute = TOLERANCE[dtype]
        with np.errstate(all="ignore"):
            near = np.abs(g - w) <= tolerance * (relative * np.abs(w) + absolute * scale)
        same = (g == w) | (np.isnan(g) & np.isnan(w))
        if wide is np.complex128:  # infinite complex numbers come in many spellings
            same |= np.isinf(g) & np.isinf(w)
        wrong = ~(same | (near & finite))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        count = f"{int(wrong.sum())} of {wrong.size} elements differ, " if wrong.size > 1 else ""
        yield f"{where}{count}at {list(at)}: {got[at]}, not {want[at]}"
