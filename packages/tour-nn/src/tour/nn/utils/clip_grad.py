"""Clipping gradients by their norm or by value, in place."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

import tour
from tour import Tensor
from tour._compiled import Socket
from tour._core import ndarray, wrap, wrote
from tour.ops.norms import vector_norm

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

Tensors = Tensor | Iterable[Tensor]


def _listed(tensors: Tensors) -> list[Tensor]:
    if isinstance(tensors, Tensor):
        return [tensors]
    listed = list(tensors)
    if not listed and isinstance(tensors, types.GeneratorType):
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3)
    return listed


def _gradients(parameters: list[Tensor]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]


def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all tensors together, as if they were one vector.

    Args:
        tensors: One tensor or several.
        norm_type: p of the p-norm; may be `inf`.
        error_if_nonfinite: Whether to refuse a norm that is infinite or no number.
        foreach: Accepted for PyTorch's sake; all tensors are handled alike.

    Returns:
        A tensor without dimensions.

    Raises:
        RuntimeError: If the norm is not finite and `error_if_nonfinite` says so.

    Examples:
        >>> import tour
        >>> get_total_norm([tour.tensor([3.0]), tour.tensor([[4.0]])])
        tensor(5.)
    """
    tensors, norm_type = _listed(tensors), float(norm_type)
    if not tensors:
        return tour.tensor(0.0)
    with tour.no_grad():
        total = _euclidean(tensors) if norm_type == 2 else None
        if total is None:
            total = vector_norm(tour.stack([vector_norm(t, norm_type) for t in tensors]), norm_type)
    if error_if_nonfinite and not np.isfinite(total.item()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be clipped. To "
            "disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return total


def _euclidean(tensors: list[Tensor]) -> Tensor | None:
    """The 2-norm of contiguous NumPy tensors of one dtype, in a microsecond for each; None for anything else."""
    first = tensors[0]._a
    if type(first) is not ndarray:
        return _total(tensors, type(first))
    kind = first.dtype
    if kind.char not in "fd":
        return None
    total: Any = 0.0
    for t in tensors:
        a = t._a
        if type(a) is not ndarray or a.dtype is not kind:
            return None
        flat = a.reshape(-1)
        total += float(flat.dot(flat))
    if not np.isfinite(total) or total < 1e-30:  # squares may have left the range; vector_norm scales
        return None
    return wrap(np.asarray(total**0.5, kind))


def _total(tensors: list[Tensor], kind: type) -> Tensor | None:
    """The 2-norm of arrays of a device, in two launches; None where it has none for them."""
    arrays = [t._a for t in tensors]
    total = _total_form.on(kind)(arrays) if all(type(a) is kind for a in arrays) else NotImplemented
    return None if total is NotImplemented else wrap(total)


def _scale_all(tensors: list[Tensor], max_norm: float, norm: Tensor) -> bool:
    """Whether a device has scaled all its arrays by `max_norm / norm`, without anybody waiting for the norm."""
    arrays, kind = [t._a for t in tensors], type(norm._a)
    if kind is ndarray or any(type(a) is not kind for a in arrays):
        return False
    if _scale_form.on(kind)(arrays, norm._a, max_norm) is NotImplemented:
        return False
    for t in tensors:
        wrote(t)
    return True


_total_form, _scale_form = Socket(_total), Socket(_scale_all)


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale gradients, in place, by `max_norm / total_norm` where that is below 1.

    Args:
        parameters: One tensor or several; those without gradient are left out.
        max_norm: The norm they may have together.
        total_norm: The norm they have, from `get_total_norm`.
        foreach: Accepted for PyTorch's sake; all tensors are handled alike.

    Examples:
        >>> import tour
        >>> from tour.nn.utils import clip_grads_with_norm_
        >>> w = tour.zeros(2, requires_grad=True)
        >>> w.grad = tour.tensor([3.0, 4.0])
        >>> clip_grads_with_norm_(w, 1.0, tour.tensor(5.0))
        >>> w.grad
        tensor([0.6000, 0.8000])
    """
    gradients, max_norm = _gradients(_listed(parameters)), float(max_norm)
    if not gradients:
        return
    if _scale_all(gradients, max_norm, total_norm):
        return
    with tour.no_grad():
        factor = (max_norm / (total_norm + 1e-6)).item()
        if factor >= 1:
            return
        for g in gradients:
            g.mul_(factor)


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that their norm together is at most `max_norm` (Pascanu et al., 2013).

    Args:
        parameters: One tensor or several; those without gradient are left out.
        max_norm: The norm they may have together.
        norm_type: p of the p-norm; may be `inf`.
        error_if_nonfinite: Whether to refuse a norm that is infinite or no number.
        foreach: Accepted for PyTorch's sake; all tensors are handled alike.

    Returns:
        The norm before, a tensor without dimensions.

    Raises:
        RuntimeError: If the norm is not finite and `error_if_nonfinite` says so.

    Examples:
        >>> import tour
        >>> w = tour.zeros(2, requires_grad=True)
        >>> (w * tour.tensor([3.0, 4.0])).sum().backward()
        >>> clip_grad_norm_(w, 1.0)
        tensor(5.)
        >>> w.grad
        tensor([0.6000, 0.8000])
    """
    parameters = _listed(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Deprecated: call `clip_grad_norm_`.

    Arguments, result and errors are described there.

    Warns:
        FutureWarning: That the name is deprecated.

    Examples:
        >>> import warnings
        >>> import tour
        >>> w = tour.zeros(2, requires_grad=True)
        >>> w.grad = tour.tensor([3.0, 4.0])
        >>> with warnings.catch_warnings(action="ignore"):
        ...     tour.nn.utils.clip_grad_norm(w, 1.0)
        tensor(5.)
    """
    warnings.warn(
        "`nn.utils.clip_grad_norm` is now deprecated in favor of `nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Keep every element of the gradients, in place, between `-clip_value` and `clip_value`.

    Args:
        parameters: One tensor or several; those without gradient are left out.
        clip_value: The bound.
        foreach: Accepted for PyTorch's sake; all tensors are handled alike.

    Examples:
        >>> import tour
        >>> w = tour.zeros(2, requires_grad=True)
        >>> (w * tour.tensor([3.0, -0.5])).sum().backward()
        >>> clip_grad_value_(w, 1.0)
        >>> w.grad
        tensor([ 1.0000, -0.5000])
    """
    bound = float(clip_value)
    with tour.no_grad():
        for g in _gradients(_listed(parameters)):
            g.clamp_(-bound, bound)
