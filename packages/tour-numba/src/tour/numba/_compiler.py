"""From a function in `kernels/` to LLVM's assembly language, by Numba. Imported only where the cache has no code."""

from __future__ import annotations

import logging  # noqa: F401 (Numba writes to it; it has a lock and a hook, too)
from collections.abc import Callable
from typing import Any

from tour.numba._locks import wait_at_forks

wait_at_forks()

from numba import njit  # noqa: E402 (takes a second, in which somebody may fork)

# What may be rounded otherwise than written: products and sums are fused and reordered. NaN and infinity are respected.
FASTMATH = {"contract", "reassoc", "nsz", "arcp"}


def compiled(source: Callable[..., Any]) -> tuple[str, str]:
    """The assembly text of a kernel, optimised for this processor, and the symbol of its function.

    Args:
        source: Called as `source(arguments, part, parts)` with the address of its arguments.
    """
    function = njit(
        "void(int64, int64, int64)",
        nogil=True,
        error_model="numpy",
        fastmath=FASTMATH,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
    )(source)
    (result,) = function.overloads.values()
    return result.library.get_llvm_str(), result.fndesc.llvm_func_name
