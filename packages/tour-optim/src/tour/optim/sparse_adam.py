"""SparseAdam, which there is no use for here."""

from __future__ import annotations

from typing import Any, NoReturn

from tour.optim.optimizer import Optimizer

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam for sparse gradients: refused, because tour has no sparse tensors.

    Raises:
        RuntimeError: Always.

    Examples:
        >>> import tour
        >>> tour.optim.SparseAdam([tour.zeros(2, requires_grad=True)])
        Traceback (most recent call last):
        ...
        RuntimeError: SparseAdam needs sparse gradients, and tour has no sparse tensors: ...
    """

    def __init__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(
            "SparseAdam needs sparse gradients, and tour has no sparse tensors: gradients of embeddings are dense here. Use Adam; "
            "rows without a gradient then keep moving by their momentum, which is the difference between the two"
        )
