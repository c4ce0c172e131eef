"""Random masks."""

from __future__ import annotations

from tour.cuda._random import bernoulli as mask

__all__ = ["mask"]
