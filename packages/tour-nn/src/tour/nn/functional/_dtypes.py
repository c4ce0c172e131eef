"""What to say where an input and a weight have different dtypes."""

from __future__ import annotations

from tour import Tensor, dtype


def remedy(input: Tensor, wanted: dtype) -> str:
    """What makes the two agree: the input converted, or the model, unless that would make its parameters integers."""
    also = f", or model.to({input.dtype})" if input.is_floating_point() or input.is_complex() else ""
    return f"input.to({wanted}){also}"
