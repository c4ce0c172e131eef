"""All parameters of a model as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

import tour
from tour import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all parameters, one after the other.

    Examples:
        >>> import tour
        >>> parameters_to_vector([tour.ones(2, 1), tour.zeros(1)])
        tensor([1., 1., 0.])
    """
    return tour.cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let the parameters be stretches of a vector, whose memory they then share.

    Args:
        vec: As many elements as the parameters have, or more.
        parameters: What gets them, in this order.

    Raises:
        TypeError: If `vec` is no tensor.
        RuntimeError: If it is too short; no parameter changes then.

    Examples:
        >>> import tour
        >>> w, b = tour.zeros(2, 1), tour.zeros(1)
        >>> vector_to_parameters(tour.tensor([1.0, 2.0, 3.0]), [w, b])
        >>> b
        tensor([3.])
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected a tensor, but got: {type(vec).__name__}")
    parameters = list(parameters)
    total = sum(p.numel() for p in parameters)
    if vec.numel() < total:
        raise RuntimeError(f"the parameters have {total} elements, but the vector only {vec.numel()}")
    start = 0
    for p in parameters:
        p.data = vec[start : start + p.numel()].view_as(p).data
        start += p.numel()
