"""Dual numbers: tensors that carry a tangent, which every op on them carries on (forward mode).

    with dual_level():
        x = make_dual(primal, tangent)
        y = f(x)
        value, tangent = unpack_dual(y)

A dual tensor is a recorded one whose ops are noted; `unpack_dual` pushes the tangents along the tape. So `requires_grad` is True of
dual tensors, and what runs under `no_grad` counts as constant.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple, Self

import tour
from tour import Tensor
from tour.autograd import forward, tape

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """What a dual tensor consists of; the tangent is None for a tensor that is none.

    Examples:
        >>> import tour
        >>> from tour.autograd import forward_ad
        >>> with forward_ad.dual_level():
        ...     forward_ad.unpack_dual(tour.ones(2)).tangent is None
        True
    """

    primal: Tensor
    tangent: Tensor | None


class _Duals:
    """The tensors that were made dual in one block."""

    def __init__(self) -> None:
        self.noting = forward.Noting()
        self.notes = self.noting.__enter__()
        self.inputs: list[Any] = []
        self.tangents: list[Any] = []
        self.was = tape.set_recording(True)

    def close(self) -> None:
        """Forget them."""
        tape.set_recording(self.was)
        self.noting.__exit__()


class _Open(threading.local):
    def __init__(self) -> None:
        self.blocks: list[_Duals] = []


_open = _Open()


def enter_dual_level() -> int:
    """Open a block in which tensors may be dual; returns its number.

    Raises:
        RuntimeError: If one is open already: nest `tour.func.jvp` instead.

    Examples:
        >>> import tour
        >>> from tour.autograd import forward_ad
        >>> forward_ad.enter_dual_level()
        0
        >>> forward_ad.exit_dual_level()
    """
    if _open.blocks:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _open.blocks.append(_Duals())
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Close the block: tensors made dual in it are dual no longer.

    Raises:
        RuntimeError: If there is none.

    Examples:
        >>> import tour
        >>> from tour.autograd import forward_ad
        >>> level = forward_ad.enter_dual_level()
        >>> x = forward_ad.make_dual(tour.tensor(3.0), tour.tensor(1.0))
        >>> forward_ad.exit_dual_level(level=level)
    """
    if not _open.blocks:
        raise RuntimeError("exit_dual_level: trying to exit a forward AD level but there is no such level")
    _open.blocks.pop().close()


class dual_level:
    """A block in which tensors may be dual.

    Examples:
        >>> import tour
        >>> from tour.autograd import forward_ad
        >>> with forward_ad.dual_level():
        ...     x = forward_ad.make_dual(tour.tensor(3.0), tour.tensor(1.0))
        ...     forward_ad.unpack_dual(x * x).tangent
        tensor(6.)
    """

    def __enter__(self) -> Self:
        self.level = enter_dual_level()
        return self

    def __exit__(self, *_: object) -> None:
        exit_dual_level(level=self.level)


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor with the values of `tensor` that carries `tangent`.

    Args:
        tensor: The values, of a floating-point or complex dtype.
        tangent: The direction in which to differentiate, of the same shape and dtype.
        level: Accepted for PyTorch's sake: only one block can be open.

    Returns:
        A view of `tensor`; it is dual until the block is closed.

    Raises:
        RuntimeError: If no block is open, or the tangent has another shape or dtype.
        ValueError: If the tensor is neither floating-point nor complex.

    Examples:
        >>> import tour
        >>> from tour.autograd import forward_ad
        >>> with forward_ad.dual_level():
        ...     x = forward_ad.make_dual(tour.tensor(3.0), tour.tensor(1.0))
        ...     forward_ad.unpack_dual(x * x).tangent
        tensor(6.)
    """
    if not _open.blocks:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    if not (tensor.is_floating_point() or tensor.is_complex()):
        raise ValueError(f"Expected primal to be floating point or complex, but got: {tensor.dtype}")
    if tensor.shape != tangent.shape or tensor.dtype is not tangent.dtype:
        raise RuntimeError(
            f"Trying to set a forward gradient of shape {list(tangent.shape)} and dtype {tangent.dtype.name} that does not fit the "
            f"tensor of shape {list(tensor.shape)} and dtype {tensor.dtype.name}"
        )
    dual = tensor.view_as(tensor) if tensor._tape is not None else tensor.detach().requires_grad_()
    block = _open.blocks[-1]
    block.inputs.append(dual)
    block.tangents.append(tangent)
    return dual


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value of a dual tensor and its tangent; None where it has none.

    Examples:
        >>> import tour
        >>> from tour.autograd import forward_ad
        >>> with forward_ad.dual_level():
        ...     forward_ad.unpack_dual(forward_ad.make_dual(tour.tensor(0.0), tour.tensor(2.0)).sin())
        UnpackedDualTensor(primal=tensor(0.), tangent=tensor(2.))
    """
    if not _open.blocks or tensor._tape is None:
        return UnpackedDualTensor(tensor, None)
    block = _open.blocks[-1]
    recorded = any(t.requires_grad for t in block.tangents) or any(type(x._tape) is not tape.Leaf for x in block.inputs)
    (tangent,) = forward.push([tensor], block.inputs, block.tangents, block.notes, recorded)
    return UnpackedDualTensor(tensor if recorded else tour.Tensor.detach(tensor), tangent)
