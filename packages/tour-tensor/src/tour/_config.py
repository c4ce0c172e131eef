"""What tour computes with on this machine."""

from __future__ import annotations

import os

import numpy as np

from tour import _compiled
from tour.ops.questions import get_num_threads


def show_config() -> None:
    """Print what computes here: NumPy and its linear algebra, the number of threads, and compiled kernels if there are any.

    Examples:
        >>> import tour
        >>> tour.show_config()
        NumPy ...
        threads: ...
        compiled kernels: ...
    """
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    print(f"NumPy {np.__version__}, linear algebra by {blas.get('name', 'unknown')} {blas.get('version', '')}".rstrip())
    print(f"threads: {get_num_threads()}")
    found = _compiled.provider()
    if found is not None:
        print("\n".join(found.describe()))
    elif os.environ.get("TOUR_NUMBA") == "0":
        print("compiled kernels: turned off by TOUR_NUMBA=0")
    else:
        print("compiled kernels: none; run `pip install tour-numba`")
