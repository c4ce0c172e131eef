"""What is known to differ from PyTorch, each with its reason. Whatever is listed here and passes all the same fails the run."""

from __future__ import annotations

# An operator as the database names it (`name` or `name.variant`), or one of its checks (`name/check`).
EXPECTED: dict[str, str] = {}

# Factors on the tolerances, for operators whose results are less certain than most.
LOOSE: dict[str, float] = {}
