"""Arguments that an op takes, by which names, and those that it refuses: as PyTorch does."""

from __future__ import annotations

FAMILY = "arguments"


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)
