"""Every family of ops on tensors that are empty, without dimensions, transposed, or hold NaN."""

from __future__ import annotations

FAMILY = "corners"


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)
