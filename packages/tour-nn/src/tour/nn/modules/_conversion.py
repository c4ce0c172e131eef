"""Other dtypes, other devices, other memory: what a module does to all its tensors at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

import tour
from tour import Tensor
from tour.nn.modules._traversal import Traversal
from tour.nn.parameter import is_lazy

Convert = Callable[[Tensor], Tensor]


class Conversion(Traversal):
    """The part of `Module` that converts its tensors. Parameters stay the same objects, so an optimizer keeps them."""

    def _apply(self, fn: Convert, recurse: bool = True) -> Self:
        """Replace the values of every parameter, of its gradient, and every buffer by `fn` of them."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        with tour.no_grad():
            for param in self._parameters.values():
                if param is not None:
                    param.data = fn(param.data if is_lazy(param) else param)
                    if param.grad is not None:
                        param.grad.data = fn(param.grad)
            for name, buffer in self._buffers.items():
                if buffer is None:
                    continue
                if is_lazy(buffer):
                    buffer.data = fn(buffer.data)
                else:
                    self._buffers[name] = fn(buffer)
        return self

    def to(
        self,
        *args: Any,
        device: Any = None,
        dtype: Any = None,
        non_blocking: bool = False,
        copy: bool = False,
        memory_format: Any = None,
        tensor: Tensor | None = None,
    ) -> Self:
        """Move parameters and buffers to a device, cast those that are not integers to a dtype, or both, in place.

        Args:
            args: A device, a dtype, a device and a dtype, or a tensor to be like; then `non_blocking`.
            device: Where to.
            dtype: A floating-point or complex dtype.
            non_blocking: Whether copies between devices may still run when this returns.
            copy: Copy even where nothing changes.
            memory_format: The order of the elements of tensors with four or five dimensions.
            tensor: Take its device and dtype.

        Raises:
            TypeError: If the dtype is neither floating-point nor complex.

        Examples:
            >>> import tour
            >>> from tour import nn
            >>> nn.Linear(2, 2).to(tour.float64).weight.dtype
            tour.float64
        """
        like, *rest = args if args else (tensor,)
        if isinstance(like, Tensor):
            device, dtype = like.device, like.dtype
        elif isinstance(like, tour.dtype):
            dtype = like
        elif args:
            device = like
            dtype = rest.pop(0) if rest and not isinstance(rest[0], bool) else dtype
        non_blocking = rest[0] if rest else non_blocking
        _check_dtype(dtype)

        def convert(t: Tensor) -> Tensor:
            options = {"memory_format": memory_format} if memory_format is not None and t.ndim in (4, 5) else {}
            inexact = t.is_floating_point() or t.is_complex()
            return t.to(
                device=device, dtype=dtype if inexact else None, non_blocking=non_blocking, copy=copy, **options
            )

        return self._apply(convert)

    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers to a dtype, in place."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Cast floating-point parameters and buffers to float32, in place."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Self:
        """Cast floating-point parameters and buffers to float64, in place."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Self:
        """Cast floating-point parameters and buffers to float16, in place."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self) -> Self:
        """Cast floating-point parameters and buffers to bfloat16, in place."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def cpu(self) -> Self:
        """Move parameters and buffers to the CPU, in place."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Self:
        """Move parameters and buffers to a CUDA device, in place; to the current one if none is named."""
        return self._apply(lambda t: t.cuda(device))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move parameters and buffers to a device without their values, in place."""
        return self._apply(lambda t: tour.empty_like(t, device=device), recurse=recurse)

    def share_memory(self) -> Self:
        """Move parameters and buffers to memory that other processes can share, in place."""
        return self._apply(lambda t: t.share_memory_())


def _check_dtype(dtype: Any) -> None:
    """Refuse to cast a module to integers; warn of complex numbers."""
    if dtype is None:
        return
    if dtype.is_complex:
        warnings.warn(
            "Complex modules are a new feature: some modules might not work as expected when using complex tensors as "
            "parameters or buffers.",
            stacklevel=3,
        )
    elif not dtype.is_floating_point:
        raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}")
