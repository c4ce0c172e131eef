"""Tensors with a role in a module: parameters are trained, buffers are only kept; both may wait for their shape."""

from __future__ import annotations

from typing import Any, Self

import tour
from tour import Tensor
from tour._printing import tensor_repr

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]


class Parameter(Tensor):
    """A tensor that a module trains: assigned to a module, it appears among `module.parameters()`.

    Args:
        data: The initial values, whose memory it shares; anything `tour.as_tensor` takes. Empty by default.
        requires_grad: Whether gradients flow to it.

    Raises:
        RuntimeError: If `requires_grad` is True and the elements are neither floating-point nor complex.

    Examples:
        >>> import tour
        >>> Parameter(tour.ones(2))
        Parameter containing:
        tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Self:
        made = cls._of_array(_array_of(data))
        if requires_grad:
            made.requires_grad_()
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]  # type: ignore[no-any-return]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild_parameter, (type(self), self.detach(), self.requires_grad, self.__dict__)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + tensor_repr(self, "tensor")


class Buffer(Tensor):
    """A tensor that belongs to a module's state but is not trained, such as a running mean.

    Args:
        data: The values, whose memory it shares; anything `tour.as_tensor` takes. Empty by default.
        persistent: Whether it belongs to the module's `state_dict`.

    Examples:
        >>> from tour import nn, zeros
        >>> net = nn.Module()
        >>> net.mean = Buffer(zeros(2))
        >>> net.state_dict()["mean"]
        tensor([0., 0.])
    """

    persistent: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Self:
        made = cls._of_array(_array_of(data))
        made.persistent = persistent
        if isinstance(data, Tensor) and data.requires_grad:
            made.requires_grad_()
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), persistent=self.persistent)
        return memo[id(self)]  # type: ignore[no-any-return]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild_parameter, (type(self), self.detach(), self.requires_grad, self.__dict__)

    def __repr__(self) -> str:
        return tensor_repr(self, "tensor")


def _array_of(data: Any) -> Any:
    """The raw array of anything that can be a tensor."""
    return (tour.empty(0) if data is None else tour.as_tensor(data))._a


def _rebuild_parameter(cls: type[Tensor], data: Tensor, requires_grad: bool, attributes: dict[str, Any]) -> Tensor:
    """A pickled parameter or buffer, as it was."""
    made = cls._of_array(data._a)
    made.__dict__.update(attributes)
    return made.requires_grad_(requires_grad)


class UninitializedTensorMixin(Tensor):
    """A tensor whose shape is not known yet: until `materialize` it has a dtype and a device, and nothing else.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyLinear(2)
        >>> isinstance(layer.weight, tour.nn.parameter.UninitializedTensorMixin)
        True
    """

    cls_to_become: type[Tensor]
    _what: str
    _sample: Tensor  # empty; carries the dtype and the device
    _requires_grad: bool

    @classmethod
    def _waiting(cls, requires_grad: bool, device: Any, dtype: Any) -> Self:
        made: Self = object.__new__(cls)
        made._tape = None
        made._requires_grad = requires_grad
        made._sample = tour.empty(0, device=device, dtype=dtype)
        return made

    @property
    def _a(self) -> Any:  # every op begins by reading the raw array, and ends here
        raise ValueError(
            f"Attempted to use an uninitialized {self._what}. This error happens when you are using a `LazyModule` or "
            f"explicitly manipulating `tour.nn.parameter.{type(self).__name__}` objects. When using LazyModules Call "
            "`forward` with a dummy batch to initialize the parameters before calling tour functions"
        )

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary parameter or buffer of this shape, with any values.

        Args:
            shape: Its sizes.
            device: Where it lives; by default the device it was made for.
            dtype: Its elements; by default the dtype it was made for.
        """
        sample, requires_grad = self._sample, self._requires_grad
        array = tour.empty(shape, device=device or sample.device, dtype=dtype or sample.dtype)._a
        del self._sample, self._requires_grad
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        self._a = array  # type: ignore[misc]
        self.requires_grad_(requires_grad)

    @property
    def shape(self) -> Any:
        """Not known yet: raises RuntimeError."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    @property
    def dtype(self) -> Any:
        """The element type it will have."""
        return self._sample.dtype

    @property
    def device(self) -> Any:
        """Where it will live."""
        return self._sample.device

    @property
    def requires_grad(self) -> bool:
        """Whether gradients will flow to it."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Decide whether gradients will flow to it."""
        self._requires_grad = requires_grad
        return self

    @property
    def data(self) -> Tensor:
        """An empty tensor of its dtype, on its device: `module.to()` casts and moves this one."""
        return self._sample

    @data.setter
    def data(self, value: Tensor) -> None:
        self._sample = value

    def detach(self) -> Any:
        """Itself: it has no history."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if id(self) not in memo:
            rebuild, arguments = self.__reduce_ex__(None)
            memo[id(self)] = rebuild(*arguments)
        return memo[id(self)]  # type: ignore[no-any-return]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild_uninitialized, (
            type(self),
            self.requires_grad,
            self.device,
            self.dtype,
            self.__dict__.get("persistent"),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape the first forward pass will tell; see `tour.nn.modules.lazy.LazyModuleMixin`.

    Args:
        requires_grad: Whether gradients will flow to it.
        device: Where it will live.
        dtype: Its elements.

    Examples:
        >>> weight = UninitializedParameter()
        >>> weight
        <UninitializedParameter>
        >>> weight.materialize((2, 3))
        >>> weight.shape, type(weight).__name__
        (tour.Size([2, 3]), 'Parameter')
    """

    cls_to_become = Parameter
    _what = "parameter"

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Self:
        return cls._waiting(requires_grad, device, dtype)


class UninitializedBuffer(UninitializedTensorMixin, Buffer):
    """A buffer whose shape the first forward pass will tell.

    Args:
        requires_grad: Whether gradients will flow to it.
        device: Where it will live.
        dtype: Its elements.
        persistent: Whether it belongs to the module's `state_dict`.

    Examples:
        >>> import tour
        >>> buffer = tour.nn.UninitializedBuffer()
        >>> buffer.materialize((2, 3))
        >>> buffer.shape
        tour.Size([2, 3])
    """

    cls_to_become = Buffer
    _what = "buffer"

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> Self:
        made = cls._waiting(requires_grad, device, dtype)
        made.persistent = persistent
        return made


def _rebuild_uninitialized(
    cls: Any, requires_grad: bool, device: Any, dtype: Any, persistent: bool | None
) -> UninitializedTensorMixin:
    """A copied or pickled tensor that still waits for its shape."""
    made: UninitializedTensorMixin = cls(requires_grad, device, dtype)
    if persistent is not None:
        made.__dict__["persistent"] = persistent
    return made


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer still waits for its shape.

    Examples:
        >>> import tour
        >>> layer = tour.nn.LazyLinear(2)
        >>> tour.nn.parameter.is_lazy(layer.weight)
        True
        >>> _ = layer(tour.ones(1, 3))
        >>> tour.nn.parameter.is_lazy(layer.weight)
        False
    """
    return isinstance(param, UninitializedTensorMixin)
