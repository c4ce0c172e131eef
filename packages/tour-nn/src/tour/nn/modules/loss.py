"""Losses as modules, in files by kind: numbers (`regression`), classes (`classification`), comparisons (`ranking`)."""

# ruff: noqa: F403

from __future__ import annotations

from tour.nn.modules.classification import *
from tour.nn.modules.ranking import *
from tour.nn.modules.regression import *
