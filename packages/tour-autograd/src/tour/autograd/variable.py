"""`Variable`, which was what recorded before tensors did; old programs still name it."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour._core import wrap

__all__ = ["Variable"]


class _AnyTensor(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_AnyTensor):
    """A tensor round the memory of another one: `Variable(data, requires_grad=True)`. Every tensor is an instance.

    Examples:
        >>> import tour
        >>> x = tour.autograd.Variable(tour.ones(2), requires_grad=True)
        >>> x.requires_grad, isinstance(tour.ones(1), tour.autograd.Variable)
        (True, True)
    """

    def __new__(cls, data: Any, requires_grad: bool = False, volatile: bool = False) -> Any:
        """Make the tensor; `volatile` is ignored, as in PyTorch."""
        return wrap(data._a).requires_grad_(requires_grad)


def variable(*args: Any, **kwargs: Any) -> Any:
    """What PyTorch says of its former way to make a tensor.

    Raises:
        RuntimeError: Always.
    """
    raise RuntimeError("tour.autograd.variable(...) is deprecated, use tour.tensor(...) instead")
