"""Losses: how far predictions are from targets, as one number or one for each sample.

They live in files by kind: numbers (`regression`), classes (`likelihood`, `classification`), comparisons (`ranking`) and
sequences (`ctc`).
"""

# ruff: noqa: F403

from __future__ import annotations

from tour.nn.functional.classification import *
from tour.nn.functional.ctc import *
from tour.nn.functional.likelihood import *
from tour.nn.functional.ranking import *
from tour.nn.functional.regression import *
