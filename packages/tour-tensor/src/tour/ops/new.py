"""New tensors made by a tensor, in its dtype and on its device unless others are given: `x.new_zeros(2, 3)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tour._core import with_room
from tour._python_data import raw_data
from tour.ops.creation import finish
from tour.ops.factories import empty, empty_strided, full, ones, zeros

if TYPE_CHECKING:
    from tour._dtypes import dtype as Dtype
    from tour._tensor import Tensor

__all__: list[str] = []


def _beside(input: Tensor, made: Tensor) -> Tensor:
    """A new tensor, with room for what `input` holds."""
    made._a = with_room(made._a, input._a)
    return made


class New:
    """New tensors beside a tensor, as methods."""

    __slots__ = ()

    def new_empty(self: Any, *size: Any, dtype: Dtype | None = None, device: Any = None, **options: Any) -> Tensor:
        """A tensor of the given shape whose elements are whatever the memory holds.

        Examples:
            >>> import tour
            >>> tour.ones(2, dtype=tour.int16).new_empty(3).dtype
            tour.int16
        """
        return _beside(self, empty(*size, dtype=dtype or self.dtype, device=device or self.device, **options))

    def new_zeros(self: Any, *size: Any, dtype: Dtype | None = None, device: Any = None, **options: Any) -> Tensor:
        """A tensor of zeros of the given shape.

        Examples:
            >>> import tour
            >>> tour.tensor([1, 2]).new_zeros(2)
            tensor([0, 0])
        """
        return _beside(self, zeros(*size, dtype=dtype or self.dtype, device=device or self.device, **options))

    def new_ones(self: Any, *size: Any, dtype: Dtype | None = None, device: Any = None, **options: Any) -> Tensor:
        """A tensor of ones of the given shape.

        Examples:
            >>> import tour
            >>> tour.ones(2, dtype=tour.int16).new_ones(3)
            tensor([1, 1, 1], dtype=tour.int16)
        """
        return _beside(self, ones(*size, dtype=dtype or self.dtype, device=device or self.device, **options))

    def new_full(
        self: Any, size: Any, fill_value: Any, dtype: Dtype | None = None, device: Any = None, **options: Any
    ) -> Tensor:
        """A tensor of the given shape filled with one value.

        Examples:
            >>> import tour
            >>> tour.ones(2, dtype=tour.int16).new_full((2,), 7)
            tensor([7, 7], dtype=tour.int16)
        """
        return _beside(self, full(size, fill_value, dtype=dtype or self.dtype, device=device or self.device, **options))

    def new_empty_strided(
        self: Any, size: Any, stride: Any, dtype: Dtype | None = None, device: Any = None, **options: Any
    ) -> Tensor:
        """A tensor of the given shape and strides whose elements are whatever the memory holds.

        Examples:
            >>> import tour
            >>> tour.ones(2).new_empty_strided((2, 3), (1, 2)).stride()
            (1, 2)
        """
        return _beside(
            self, empty_strided(size, stride, dtype=dtype or self.dtype, device=device or self.device, **options)
        )

    def new_tensor(
        self: Any, data: Any, *, dtype: Dtype | None = None, device: Any = None, requires_grad: bool = False, **_: Any
    ) -> Tensor:
        """A tensor holding a copy of `data`.

        Examples:
            >>> import tour
            >>> tour.ones(2, dtype=tour.float64).new_tensor([1, 2])
            tensor([1., 2.], dtype=tour.float64)
        """
        return finish(raw_data(data, dtype or self.dtype), device or self.device, requires_grad)

    def new(self: Any, *args: Any, device: Any = None) -> Tensor:
        """A tensor of this dtype in PyTorch's legacy form: sizes give uninitialised memory, anything else is data.

        Examples:
            >>> import tour
            >>> tour.ones(2, dtype=tour.float64).new([1, 2])
            tensor([1., 2.], dtype=tour.float64)
        """
        from tour._legacy import legacy_array

        return finish(legacy_array(args, self.dtype, "new"), device or self.device)
