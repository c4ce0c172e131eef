"""Switches of the whole library that programs set at their beginning."""

from __future__ import annotations

import warnings

__all__ = [
    "are_deterministic_algorithms_enabled", "get_deterministic_debug_mode", "get_float32_matmul_precision",
    "is_deterministic_algorithms_warn_only_enabled", "set_deterministic_debug_mode", "set_float32_matmul_precision",
    "set_flush_denormal", "use_deterministic_algorithms",
]  # fmt: skip

PRECISIONS = ("highest", "high", "medium")
MODES = ("default", "warn", "error")


class _Settings:
    determinism = 0  # an index into MODES
    precision = "highest"


# --- Determinism: everything on a CPU repeats to the last bit; other devices may ask here ---------------------------------------


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for operations that give the same numbers in every run. On a CPU all of them do.

    Args:
        mode: Whether to ask for it.
        warn_only: Whether an operation that cannot should warn rather than raise.

    Examples:
        >>> import tour
        >>> tour.use_deterministic_algorithms(True)
        >>> tour.are_deterministic_algorithms_enabled()
        True
        >>> tour.use_deterministic_algorithms(False)
    """
    _Settings.determinism = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms` asked for them.

    Examples:
        >>> import tour
        >>> tour.are_deterministic_algorithms_enabled()
        False
    """
    return _Settings.determinism > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether an operation that is not deterministic should only warn.

    Examples:
        >>> import tour
        >>> tour.is_deterministic_algorithms_warn_only_enabled()
        False
    """
    return _Settings.determinism == 1


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by one word or number: `"default"` or 0, `"warn"` or 1, `"error"` or 2.

    Raises:
        TypeError: If it is neither a word nor a number.
        RuntimeError: If it is none of these.

    Examples:
        >>> import tour
        >>> tour.set_deterministic_debug_mode("warn")
        >>> tour.is_deterministic_algorithms_warn_only_enabled()
        True
        >>> tour.set_deterministic_debug_mode("default")
    """
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode).__name__}")
    if debug_mode not in (*MODES, 0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, 2 or one of {MODES}, but got {debug_mode!r}")
    _Settings.determinism = MODES.index(debug_mode) if isinstance(debug_mode, str) else debug_mode


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2, as `set_deterministic_debug_mode` counts.

    Examples:
        >>> import tour
        >>> tour.get_deterministic_debug_mode()
        0
    """
    return _Settings.determinism


# --- Arithmetic -----------------------------------------------------------------------------------------------------------------


def set_float32_matmul_precision(precision: str) -> None:
    """How exact products of float32 matrices must be: `"highest"`, `"high"` or `"medium"`. On a CPU they are always exact.

    Examples:
        >>> import tour
        >>> tour.set_float32_matmul_precision("high")
        >>> tour.get_float32_matmul_precision()
        'high'
        >>> tour.set_float32_matmul_precision("highest")
    """
    if precision not in PRECISIONS:
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current setting stays", stacklevel=2
        )
        return
    _Settings.precision = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given last; `"highest"` at first.

    Examples:
        >>> import tour
        >>> tour.get_float32_matmul_precision()
        'highest'
    """
    return _Settings.precision


def set_flush_denormal(mode: bool) -> bool:
    """Whether tiny numbers can be rounded to zero on this system: False, NumPy keeps them.

    Examples:
        >>> import tour
        >>> tour.set_flush_denormal(True)
        False
    """
    return False
