"""Looking for NaN in the backward pass."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from tour._core import ndarray
from tour.autograd.tape import line_of_node, node_name

__all__ = [
    "detect_anomaly",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "set_anomaly_enabled",
    "set_detect_anomaly",
]


class _State:
    """Whether anomalies are looked for, and whether NaN is one."""

    enabled = False
    check_nan = True


class set_detect_anomaly:
    """Switch the search for anomalies on or off, from this call on; as a context manager, until its end.

    The line of every forward operation is recorded in any case, so that errors of the backward pass name it; this adds the search
    for NaN.

    Args:
        mode: Whether to search.
        check_nan: Whether a gradient with NaN is an error.

    Examples:
        >>> import tour
        >>> with tour.autograd.set_detect_anomaly(True):
        ...     tour.autograd.anomaly.is_anomaly_enabled()
        True
        >>> tour.autograd.anomaly.is_anomaly_enabled()
        False
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._was = (_State.enabled, _State.check_nan)
        _State.enabled, _State.check_nan = mode, check_nan

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _State.enabled, _State.check_nan = self._was


class detect_anomaly(set_detect_anomaly):
    """Raise when an operation's backward makes a NaN, and name the line of its forward.

    Examples:
        >>> import tour
        >>> x = tour.tensor(0.0, requires_grad=True)
        >>> with tour.autograd.detect_anomaly():
        ...     (x.sqrt() * 0).backward()
        Traceback (most recent call last):
        ...
        RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.
        ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """`set_detect_anomaly` that is no context manager.

    Examples:
        >>> from tour.autograd import anomaly
        >>> anomaly.set_anomaly_enabled(True, check_nan=False)
        >>> anomaly.is_anomaly_check_nan_enabled()
        False
        >>> anomaly.set_anomaly_enabled(False)
    """
    set_detect_anomaly(mode, check_nan)


def is_anomaly_enabled() -> bool:
    """Whether anomalies are looked for.

    Examples:
        >>> import tour
        >>> tour.is_anomaly_enabled()
        False
    """
    return _State.enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether NaN counts as an anomaly.

    Examples:
        >>> import tour
        >>> tour.is_anomaly_check_nan_enabled()
        True
    """
    return _State.check_nan


def searching() -> bool:
    """Whether a backward pass looks for NaN."""
    return _State.enabled and _State.check_nan


def has_nan(g: Any) -> bool:
    """Whether a gradient, or one of a list, has a NaN, found in a fraction of the time of looking at each element and asking for any.

    NumPy takes a NaN for the largest element, which serves small arrays of any layout. In large ones the product of an array with
    itself is quicker; it is NaN only if an element is, or where complex infinities meet, for which a second look decides.
    """
    if type(g) is ndarray:
        if g.size < _SMALL:
            try:
                largest = g.item(g.argmax())
            except ValueError:  # no elements
                return False
            return largest != largest  # type: ignore[no-any-return]
        flat = g if g.ndim == 1 else g.ravel("K")
        square = flat.dot(flat)
        if square == square:
            return False
    if type(g) is list or type(g) is tuple:
        return any(map(has_nan, g))
    a = getattr(g, "_a", g)
    return hasattr(a, "dtype") and a.dtype.kind in "fcV" and bool(np.isnan(a).any())


_SMALL = 4096  # elements; at a megabyte the product takes half the time, or less where the elements are not in order


def found(node: Any, i: int) -> RuntimeError:
    """The error of an op whose backward made a NaN."""
    return RuntimeError(
        f"Function '{node_name(node)}' returned nan values in its {i}th output.\n"
        f"  the forward was called at {line_of_node(node)}"
    )


def check(node: Any, results: Any) -> None:
    """Refuse gradients with NaN.

    Raises:
        RuntimeError: Names the operation and the line that called it.
    """
    for r in results:
        if r is not None and has_nan(r):
            flat = [x for r in results for x in (r if type(r) in (list, tuple) else (r,))]
            raise found(node, next(i for i, x in enumerate(flat) if has_nan(x)))
