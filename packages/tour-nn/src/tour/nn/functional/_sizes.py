"""Arguments of layers: whether indices fit; and over space, one number for all dimensions or one for each, with or without a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tour import Tensor

Ints = int | tuple[int, ...]


def ntuple(x: Any, n: int, name: str) -> tuple[int, ...]:
    """`n` integers from one integer, a sequence of one, or a sequence of `n`.

    Raises:
        RuntimeError: If the sequence has another length.

    Examples:
        >>> ntuple(3, 2, "stride")
        (3, 3)
    """
    if isinstance(x, int):
        return (x,) * n
    values = tuple(int(v) for v in x)
    if len(values) == 1:
        return values * n
    if len(values) != n:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {n} values, but got {name}={list(values)}"
        )
    return values


_UNSIGNED = {np.dtype(f"i{n}"): np.dtype(f"u{n}") for n in (4, 8)}


def all_below(numbers: Any, n: int) -> bool:
    """Whether all integers of a NumPy array are at least 0 and below `n`; read without a sign, negative ones are large.

    Examples:
        >>> all_below(np.array([0, 2]), 3), all_below(np.array([-1, 2]), 3)
        (True, False)
    """
    unsigned = _UNSIGNED.get(numbers.dtype)
    if unsigned is not None:
        numbers = numbers.view(unsigned)
    return not numbers.size or numbers.item(numbers.argmax()) < n  # a third of the time of looking at a mask


def pool_stride(stride: Any, kernel: tuple[int, ...]) -> tuple[int, ...]:
    """The step of a pooling window: the window's size where none (None or an empty sequence) is given.

    Examples:
        >>> pool_stride(None, (2, 3))
        (2, 3)
    """
    if stride is None or (not isinstance(stride, int) and not len(stride)):
        return kernel
    return ntuple(stride, len(kernel), "stride")


def with_batch(function: Callable[..., Any], input: Tensor, dims: int, name: str) -> Any:
    """Call `function` on a batch; a single sample gets a batch dimension for the call.

    Raises:
        RuntimeError: If the input has neither `dims + 1` nor `dims + 2` dimensions.
    """
    if input.dim() == dims + 2:
        return function(input)
    if input.dim() == dims + 1:
        out = function(input.unsqueeze(0))
        return tuple(t.squeeze(0) for t in out) if isinstance(out, tuple) else out.squeeze(0)
    raise RuntimeError(
        f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: {list(input.shape)}"
    )
