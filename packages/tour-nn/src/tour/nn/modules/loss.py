"""Losses as modules, in files by kind: numbers (`regression`), classes (`classification`), comparisons (`ranking`)."""

# ruff: noqa: F403

from __future__ import annotations

from tour.nn.modules import classification, ranking, regression
from tour.nn.modules.classification import *
from tour.nn.modules.ranking import *
from tour.nn.modules.regression import *

__all__: list[str] = []
__all__ += classification.__all__
__all__ += ranking.__all__
__all__ += regression.__all__
