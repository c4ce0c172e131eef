"""Matrix products."""

from __future__ import annotations

from tour.cuda._blas import matmul as product

__all__ = ["product"]
