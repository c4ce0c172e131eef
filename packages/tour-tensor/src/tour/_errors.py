"""What NumPy says, as PyTorch would say it: the exception's type, the operands' shapes, and what would fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from tour import _core
from tour._devices import device_of


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as PyTorch's messages write it.

    Examples:
        >>> shape_text((2, 3))
        '[2, 3]'
    """
    return str(list(shape))


def describe(t: Any) -> str:
    """One operand in words: shape, dtype, and the device if it is not the CPU.

    Examples:
        >>> import tour
        >>> describe(tour.zeros(2, 3))
        'a float32 tensor of shape [2, 3]'
    """
    if not isinstance(t, _core.Tensor):
        return f"a {type(t).__name__}"
    where = device_of(t._a)
    on = "" if where.type == "cpu" else f" on {where}"
    return f"a {t.dtype.name} tensor of shape {shape_text(t.shape)}{on}"


def argument_error(op: str, name: str, got: Any, wanted: str = "Tensor") -> TypeError:
    """The TypeError for an argument of the wrong type.

    Examples:
        >>> argument_error("tanh", "input", "x")
        TypeError("tanh(): argument 'input' must be Tensor, not str")
    """
    return TypeError(f"{op}(): argument '{name}' must be {wanted}, not {type(got).__name__}")


def check_out(op: str, out: Any) -> None:
    """Refuse what is no tensor as `out=`.

    Raises:
        TypeError: If it is neither a tensor nor None.
    """
    if out is not None and not isinstance(out, _core.Tensor):
        raise argument_error(op, "out", out)


def explain(op: str, error: Exception, *operands: Any) -> Exception:
    """PyTorch's exception for a failure of NumPy's kernel of `op` on these operands."""
    tensors = [x for x in operands if isinstance(x, _core.Tensor)]
    devices = list(dict.fromkeys(str(device_of(t._a)) for t in tensors if type(t._a) in _device_types()))
    if len(devices) > 1:
        found = " and ".join(devices)
        return RuntimeError(
            f"{op}: Expected all tensors to be on the same device, but found at least two devices, {found}!"
        )
    for i, x in enumerate(operands):
        if not isinstance(x, _core.Tensor):
            return argument_error(op, ("input", "other")[i] if len(operands) <= 2 else f"#{i}", x)
    if isinstance(error, ValueError) and len(tensors) >= 2:
        return broadcast_error(op, *tensors)
    if isinstance(error, TypeError):
        kinds = ", ".join(dict.fromkeys(t.dtype.name for t in tensors))
        return NotImplementedError(f'"{op}" is not implemented for {kinds}')
    return RuntimeError(f"{op}: {error}")


def _device_types() -> Any:
    from tour._devices import BY_ARRAY

    return {np.ndarray, *BY_ARRAY}


def broadcast_error(op: str, *tensors: Any) -> RuntimeError:
    """The RuntimeError for shapes that do not broadcast, naming the dimension that fails."""
    shapes = [t.shape for t in tensors]
    for i in range(1, max(map(len, shapes)) + 1):
        sizes = {s[-i] for s in shapes if len(s) >= i and s[-i] != 1}
        if len(sizes) > 1:
            dim = max(map(len, shapes)) - i
            a, b = [s[-i] for s in shapes if len(s) >= i and s[-i] != 1][:2]
            listed = " and ".join(shape_text(s) for s in shapes)
            return RuntimeError(
                f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension {dim}: "
                f"{op} of shapes {listed}; sizes must be equal, or one of them 1"
            )
    return RuntimeError(f"{op}: shapes {' and '.join(shape_text(s) for s in shapes)} do not fit")


def dim_error(dim: int, ndim: int) -> IndexError:
    """The IndexError for a dimension out of range.

    Examples:
        >>> dim_error(5, 2)
        IndexError('Dimension out of range (expected to be in range of [-2, 1], but got 5)')
    """
    low, high = (-ndim, ndim - 1) if ndim else (-1, 0)
    return IndexError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got {dim})")
