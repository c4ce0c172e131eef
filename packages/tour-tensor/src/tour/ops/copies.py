"""Copies of what views show: `permute_copy` for `permute`, and its kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tour._layouts import contiguous_format
from tour._operands import tensor_argument
from tour._storing import store
from tour.ops.broadcasting import expand
from tour.ops.casting import detach
from tour.ops.complexes import view_as_complex, view_as_real
from tour.ops.indexing import getitem
from tour.ops.permuting import permute, t, transpose
from tour.ops.shaping import squeeze, unsqueeze, view_as_shape
from tour.ops.slicing import as_strided, diagonal, narrow, select, unfold
from tour.ops.splitting import split, split_with_sizes, unbind

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = [
    "alias_copy", "as_strided_copy", "detach_copy", "diagonal_copy", "expand_copy", "narrow_copy", "permute_copy", "select_copy",
    "slice_copy",
    "split_copy", "split_with_sizes_copy", "squeeze_copy", "t_copy", "transpose_copy", "unbind_copy", "unfold_copy",
    "unsqueeze_copy", "view_as_complex_copy", "view_as_real_copy", "view_copy",
]  # fmt: skip


def _fresh(seen: Tensor) -> Tensor:
    return seen.clone(memory_format=contiguous_format)


def copied(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The form of a view that copies."""

    def body(input: Any, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        seen = function(tensor_argument(name, "input", input), *args, **kwargs)
        t = tuple(map(_fresh, seen)) if type(seen) is tuple else _fresh(seen)
        if out is None:
            return t
        stored = store(tuple(out) if type(t) is tuple else out, t, name)
        return None if type(t) is tuple else stored  # as PyTorch does

    body.__doc__ = f"A copy of what `{name.removesuffix('_copy')}` shows; it takes the same arguments, and `out`."
    body.__name__ = body.__qualname__ = name
    body.__wrapped__ = function  # type: ignore[attr-defined]
    return body


def _alias(input: Any) -> Any:
    """The tensor itself.

    Examples:
        >>> import tour
        >>> t = tour.ones(2)
        >>> tour.alias_copy(t) is t
        False
    """
    return input


def _slice(input: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Any:
    """The elements from `start` to `end`, `step` apart, along a dimension.

    Examples:
        >>> import tour
        >>> tour.slice_copy(tour.arange(6), 0, 1, 5, 2)
        tensor([1, 3])
    """
    return getitem(input, (slice(None),) * dim + (slice(start, end, step),))


def _narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """The elements of a stretch along a dimension.

    Examples:
        >>> import tour
        >>> tour.narrow_copy(tour.arange(6), 0, 1, 2)
        tensor([1, 2])
    """
    if dim >= input._a.ndim:  # the one place where PyTorch raises no IndexError
        raise RuntimeError(
            f"narrow_copy(): dimension {dim} is out of range for a tensor of shape {list(input._a.shape)}"
        )
    return narrow(input, dim, start, length)


alias_copy = copied(_alias, "alias_copy")
as_strided_copy = copied(as_strided, "as_strided_copy")
detach_copy = copied(detach, "detach_copy")
diagonal_copy = copied(diagonal, "diagonal_copy")
expand_copy = copied(expand, "expand_copy")
narrow_copy = copied(_narrow, "narrow_copy")
permute_copy = copied(permute, "permute_copy")
select_copy = copied(select, "select_copy")
split_copy = copied(split, "split_copy")
split_with_sizes_copy = copied(split_with_sizes, "split_with_sizes_copy")
squeeze_copy = copied(squeeze, "squeeze_copy")
t_copy = copied(t, "t_copy")
transpose_copy = copied(transpose, "transpose_copy")
slice_copy = copied(_slice, "slice_copy")
unbind_copy = copied(unbind, "unbind_copy")
unfold_copy = copied(unfold, "unfold_copy")
unsqueeze_copy = copied(unsqueeze, "unsqueeze_copy")
view_as_complex_copy = copied(view_as_complex, "view_as_complex_copy")
view_as_real_copy = copied(view_as_real, "view_as_real_copy")
view_copy = copied(view_as_shape, "view_copy")


class Copies:
    """Copies of parts, as methods."""

    __slots__ = ()

    narrow_copy = narrow_copy
