"""Random masks."""

from __future__ import annotations

from tour.cuda._random import keep_mask

__all__ = ["keep_mask"]
