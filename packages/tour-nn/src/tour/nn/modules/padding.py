"""Padding as layers."""

from __future__ import annotations

from tour import Tensor
from tour.nn import functional as F
from tour.nn.functional._sizes import Ints, ntuple
from tour.nn.modules.module import Module

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip


class _Pad(Module):
    """A border round the last `dims` dimensions: widths in pairs (before, after) that begin with the last dimension."""

    dims: int
    mode: str

    def __init__(self, padding: Ints) -> None:
        super().__init__()
        self.padding = ntuple(padding, 2 * self.dims, "padding")

    def forward(self, input: Tensor) -> Tensor:
        """Add the border."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """Widths, for the printed tree."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    mode = "constant"
    value: float

    def __init__(self, padding: Ints, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Add the border."""
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        """Widths and value, for the printed tree."""
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Ints) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """Widths, for the printed tree."""
        return f"{self.padding}"


class _ReflectionPad(_Pad):
    mode = "reflect"


class _ReplicationPad(_Pad):
    mode = "replicate"


class _CircularPad(_Pad):
    mode = "circular"

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (self.dims + 1, self.dims + 2):
            raise ValueError(f"expected {self.dims + 1}D or {self.dims + 2}D input (got {input.dim()}D input)")

    def forward(self, input: Tensor) -> Tensor:
        """Add the border."""
        self._check_input_dim(input)
        return F.pad(input, self.padding, self.mode)


class ConstantPad1d(_ConstantPad):
    """Frames signals (N, C, L) or (C, L) with a constant.

    Args:
        padding: One width for all sides, or (left, right); negative widths cut.
        value: What the border holds.

    Examples:
        >>> import tour
        >>> ConstantPad1d(1, 7.0)(tour.arange(3.0).reshape(1, 3))
        tensor([[7., 0., 1., 2., 7.]])
    """

    dims = 1


class ConstantPad2d(_ConstantPad):
    """Frames images (N, C, H, W) or (C, H, W) with a constant.

    Args:
        padding: One width for all sides, or (left, right, top, bottom); negative widths cut.
        value: What the border holds.

    Examples:
        >>> import tour
        >>> ConstantPad2d(1, 7.0)(tour.ones(1, 3, 3)).shape
        tour.Size([1, 5, 5])
    """

    dims = 2


class ConstantPad3d(_ConstantPad):
    """Frames volumes (N, C, D, H, W) or (C, D, H, W) with a constant.

    Args:
        padding: One width for all sides, or (left, right, top, bottom, front, back); negative widths cut.
        value: What the border holds.

    Examples:
        >>> import tour
        >>> ConstantPad3d(1, 7.0)(tour.ones(1, 3, 3, 3)).shape
        tour.Size([1, 5, 5, 5])
    """

    dims = 3


class ZeroPad1d(_ZeroPad):
    """Frames signals (N, C, L) or (C, L) with zeros.

    Args:
        padding: One width for all sides, or (left, right); negative widths cut.

    Examples:
        >>> import tour
        >>> ZeroPad1d(1)(tour.arange(3.0).reshape(1, 3))
        tensor([[0., 0., 1., 2., 0.]])
    """

    dims = 1


class ZeroPad2d(_ZeroPad):
    """Frames images (N, C, H, W) or (C, H, W) with zeros.

    Args:
        padding: One width for all sides, or (left, right, top, bottom); negative widths cut.

    Examples:
        >>> import tour
        >>> ZeroPad2d(1)(tour.ones(1, 3, 3)).shape
        tour.Size([1, 5, 5])
    """

    dims = 2


class ZeroPad3d(_ZeroPad):
    """Frames volumes (N, C, D, H, W) or (C, D, H, W) with zeros.

    Args:
        padding: One width for all sides, or (left, right, top, bottom, front, back); negative widths cut.

    Examples:
        >>> import tour
        >>> ZeroPad3d(1)(tour.ones(1, 3, 3, 3)).shape
        tour.Size([1, 5, 5, 5])
    """

    dims = 3


class ReflectionPad1d(_ReflectionPad):
    """Frames signals (N, C, L) or (C, L) with the input reflected at its edge, which is not repeated.

    Args:
        padding: One width for all sides, or (left, right); negative widths cut.

    Examples:
        >>> import tour
        >>> ReflectionPad1d(1)(tour.arange(3.0).reshape(1, 3))
        tensor([[1., 0., 1., 2., 1.]])
    """

    dims = 1


class ReflectionPad2d(_ReflectionPad):
    """Frames images (N, C, H, W) or (C, H, W) with the input reflected at its edge, which is not repeated.

    Args:
        padding: One width for all sides, or (left, right, top, bottom); negative widths cut.

    Examples:
        >>> import tour
        >>> ReflectionPad2d(1)(tour.ones(1, 3, 3)).shape
        tour.Size([1, 5, 5])
    """

    dims = 2


class ReflectionPad3d(_ReflectionPad):
    """Frames volumes (N, C, D, H, W) or (C, D, H, W) with the input reflected at its edge, which is not repeated.

    Args:
        padding: One width for all sides, or (left, right, top, bottom, front, back); negative widths cut.

    Examples:
        >>> import tour
        >>> ReflectionPad3d(1)(tour.ones(1, 3, 3, 3)).shape
        tour.Size([1, 5, 5, 5])
    """

    dims = 3


class ReplicationPad1d(_ReplicationPad):
    """Frames signals (N, C, L) or (C, L) with the edge, repeated.

    Args:
        padding: One width for all sides, or (left, right); negative widths cut.

    Examples:
        >>> import tour
        >>> ReplicationPad1d(1)(tour.arange(3.0).reshape(1, 3))
        tensor([[0., 0., 1., 2., 2.]])
    """

    dims = 1


class ReplicationPad2d(_ReplicationPad):
    """Frames images (N, C, H, W) or (C, H, W) with the edge, repeated.

    Args:
        padding: One width for all sides, or (left, right, top, bottom); negative widths cut.

    Examples:
        >>> import tour
        >>> ReplicationPad2d(1)(tour.ones(1, 3, 3)).shape
        tour.Size([1, 5, 5])
    """

    dims = 2


class ReplicationPad3d(_ReplicationPad):
    """Frames volumes (N, C, D, H, W) or (C, D, H, W) with the edge, repeated.

    Args:
        padding: One width for all sides, or (left, right, top, bottom, front, back); negative widths cut.

    Examples:
        >>> import tour
        >>> ReplicationPad3d(1)(tour.ones(1, 3, 3, 3)).shape
        tour.Size([1, 5, 5, 5])
    """

    dims = 3


class CircularPad1d(_CircularPad):
    """Frames signals (N, C, L) or (C, L) with the input's other side.

    Args:
        padding: One width for all sides, or (left, right); negative widths cut.

    Examples:
        >>> import tour
        >>> CircularPad1d(1)(tour.arange(3.0).reshape(1, 3))
        tensor([[2., 0., 1., 2., 0.]])
    """

    dims = 1


class CircularPad2d(_CircularPad):
    """Frames images (N, C, H, W) or (C, H, W) with the input's other side.

    Args:
        padding: One width for all sides, or (left, right, top, bottom); negative widths cut.

    Examples:
        >>> import tour
        >>> CircularPad2d(1)(tour.ones(1, 3, 3)).shape
        tour.Size([1, 5, 5])
    """

    dims = 2


class CircularPad3d(_CircularPad):
    """Frames volumes (N, C, D, H, W) or (C, D, H, W) with the input's other side.

    Args:
        padding: One width for all sides, or (left, right, top, bottom, front, back); negative widths cut.

    Examples:
        >>> import tour
        >>> CircularPad3d(1)(tour.ones(1, 3, 3, 3)).shape
        tour.Size([1, 5, 5, 5])
    """

    dims = 3
