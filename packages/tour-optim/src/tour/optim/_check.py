"""Hyperparameters: what is accepted, and as which Python number it enters the arithmetic."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tour._tensor import Tensor

__all__ = ["check_betas", "check_eps", "check_flags", "check_lr", "check_not_negative", "hyperparameters", "number"]


def check_lr(lr: float | Tensor, message: str = "Invalid learning rate: {}") -> None:
    """Raise ValueError unless `lr` is one number, zero or more."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not number(lr) >= 0.0:
        raise ValueError(message.format(lr))


def check_not_negative(**options: Any) -> None:
    """Raise ValueError naming the first option that is not zero or more."""
    for name, value in options.items():
        if not number(value) >= 0.0:
            raise ValueError(f"Invalid {name} value: {value}")


def check_eps(eps: float) -> None:
    """Raise ValueError unless `eps` is zero or more."""
    if not eps >= 0.0:
        raise ValueError(f"Invalid epsilon value: {eps}")


def check_betas(betas: tuple[float | Tensor, float | Tensor]) -> None:
    """Raise ValueError unless both decay rates lie in [0, 1)."""
    for index, beta in enumerate(betas):
        if isinstance(beta, Tensor) and beta.numel() != 1:
            raise ValueError(f"Tensor betas[{index}] must be 1-element")
        if not 0.0 <= number(beta) < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")


def check_flags(foreach: bool | None, fused: bool | None, differentiable: bool) -> None:
    """Refuse the combinations of implementation flags that PyTorch refuses. Here the flags change nothing else."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


_PLAIN = frozenset((float, int, bool, str, type(None)))


def number(x: Any) -> Any:
    """A hyperparameter as plain Python: NumPy lets Python numbers take the dtype of the array they meet, nothing else.

    Examples:
        >>> import numpy as np
        >>> number(np.float64(0.5)), number((0.9, np.float32(0.5)))
        (0.5, (0.9, 0.5))
    """
    if type(x) in _PLAIN:
        return x
    if isinstance(x, tuple | list):
        return tuple(map(number, x))
    return x.item() if hasattr(x, "item") else x


def hyperparameters(group: dict[str, Any]) -> SimpleNamespace:
    """The options of a parameter group as attributes, numbers as plain Python."""
    h = {key: value if type(value) in _PLAIN else number(value) for key, value in group.items() if key != "params"}
    h.pop("param_names", None)
    return SimpleNamespace(**h)
