"""PyTorch's operators: which are in scope, how tour's counterpart is called, which samples to take."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from itertools import islice
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db

import tour

PROTOTYPES = ("masked.", "sparse.", "to_sparse", "jiterator", "torch.", "_")
INTERNALS = ("max_pool2d_with_indices_backward",)  # wrappers round torch.ops.aten


def in_scope(op: Any) -> bool:
    """Whether an operator is public and neither masked, sparse, quantised nor for GPUs only."""
    if type(op.op).__module__ == "torch._ops" or op.name in INTERNALS:
        return False
    return not op.name.startswith(PROTOTYPES) or op.name.startswith("__")


def name_of(op: Any) -> str:
    """An operator's name with its variant: `div.floor_rounding`, `linalg.norm`."""
    return f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name


OPERATORS: dict[str, Any] = {name_of(op): op for op in op_db if in_scope(op)}


def module_of(op: Any) -> str:
    """The module that shows an operator: `torch`, `Tensor` for what is only a method, `linalg`, `nn.functional`, …"""
    head, _, _ = op.name.rpartition(".")
    return head or ("torch" if callable(getattr(torch, op.name, None)) else "Tensor")


class Missing(Exception):
    """tour has no such name."""


def attribute(root: Any, path: str) -> Any:
    """A dotted name under a module or class.

    Raises:
        Missing: If it does not exist.
    """
    found = root
    for part in path.removeprefix("torch.").split("."):
        try:
            found = getattr(found, part)
        except (AttributeError, ImportError):
            raise Missing(f"{getattr(root, '__name__', root)}.{path} does not exist") from None
    return found


def function(op: Any) -> Callable[..., Any]:
    """tour's function for an operator.

    The database wraps some operators in Python functions (`lambda x, n: torch.polygamma(n, x)`): such a wrapper is run as it is,
    with `torch` meaning tour. Every other operator is found by its name.
    """
    f = op.op
    if isinstance(f, types.FunctionType) and f.__module__.startswith("torch.testing"):
        return _rebound(f)
    if callable(getattr(torch, op.name, None)) or "." in op.name:
        return attribute(tour, op.name)
    return attribute(tour.Tensor, op.name)


def counterpart(variant: Any) -> Callable[..., Any] | None:
    """tour's callable for a method variant of the database: a method, or a wrapper such as `partial(F.silu, inplace=True)`."""
    if isinstance(variant, functools.partial):
        return functools.partial(
            attribute(tour.nn.functional, variant.func.__name__), *variant.args, **variant.keywords
        )
    if isinstance(variant, types.FunctionType) and variant.__module__.startswith("torch.testing"):
        return _rebound(variant)
    name = getattr(variant, "__name__", None)
    return attribute(tour.Tensor, name) if name and hasattr(torch.Tensor, name) else None


def _rebound(f: types.FunctionType) -> Callable[..., Any]:
    """A wrapper of the database's with tour where it says torch."""
    shim = {**f.__globals__, "torch": tour, "wrapper_set_seed": seeded, "F": _Lazy("nn.functional")}
    cells = tuple(
        types.CellType(
            _rebound(c.cell_contents) if isinstance(c.cell_contents, types.FunctionType) else c.cell_contents
        )
        for c in f.__closure__ or ()
    )
    made = types.FunctionType(f.__code__, shim, f.__name__, f.__defaults__, cells)
    made.__kwdefaults__ = f.__kwdefaults__
    return made


class _Lazy:
    def __init__(self, path: str) -> None:
        self.path = path

    def __getattr__(self, name: str) -> Any:
        return attribute(tour, f"{self.path}.{name}")


def seeded(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A call after `manual_seed(42)`, as the database does with random operators."""
    tour.manual_seed(42)
    return f(*args, **kwargs)


def seed(number: int = 0) -> None:
    """The same random numbers in both libraries, where tour has them already."""
    torch.manual_seed(number)
    if hasattr(tour, "manual_seed"):
        tour.manual_seed(number)


def samples(op: Any, dtype: torch.dtype, limit: int, requires_grad: bool = False, reference: bool = False) -> list[Any]:
    """At most `limit` of an operator's samples, spread evenly over those it has."""
    torch.manual_seed(1)
    source = op.reference_inputs if reference else op.sample_inputs
    chosen = spread(list(islice(source("cpu", dtype, requires_grad=requires_grad), 20 * limit)), limit)
    return [sample.transform(_own_leaf) for sample in chosen] if requires_grad else chosen


def _own_leaf(x: Any) -> Any:
    """A leaf that is a part of another tensor on its own: PyTorch gives such a part no gradient."""
    part = isinstance(x, torch.Tensor) and x.requires_grad and x.is_leaf and x._is_view()
    return x.detach().clone().requires_grad_() if part else x


def spread(items: list[Any], limit: int) -> list[Any]:
    """At most `limit` items at even distances, the first among them.

    Examples:
        >>> spread(list(range(10)), 4)
        [0, 2, 5, 7]
    """
    return items if len(items) <= limit else [items[i * len(items) // limit] for i in range(limit)]


def is_uninitialised(op: Any) -> bool:
    """Whether the result's elements mean nothing, so that only its shape and dtype can be compared."""
    return op.name.removeprefix("new_").startswith("empty")
