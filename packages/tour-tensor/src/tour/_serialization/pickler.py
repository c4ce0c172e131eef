"""Writes objects as PyTorch would: its names in the pickle, storages apart."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from functools import cache
from typing import Any

from tour._core import Tensor
from tour._devices import device
from tour._dtypes import dtype
from tour._layouts import layout
from tour._serialization.storages import STORAGE_NAMES, Keeper, Kept
from tour._shapes import Size


class Name:
    """A global of PyTorch, which need not be installed."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self) -> None:
        """Only so that `pickle` takes it for a function."""


@cache
def name(module: str, name: str) -> Name:
    """The one `Name` of a global, so that a pickle holds it once."""
    return Name(module, name)


class Pickler(pickle._Pickler):
    """Python's own pickler, which lets a subclass choose the names that it writes; C's does not.

    Attributes:
        keeper: The storages that the tensors share.
    """

    def __init__(self, file: Any, protocol: int) -> None:
        super().__init__(file, protocol)
        self.keeper = Keeper()

    def persistent_id(self, obj: Any) -> Any:
        """Storages are not part of the pickle."""
        if type(obj) is not Kept:
            return None
        kind = STORAGE_NAMES.get(obj.dtype.name)
        if kind is None:
            return "storage", name("torch.storage", "UntypedStorage"), obj.key, obj.location, int(obj.root.nbytes)
        count = int(obj.root.nbytes) // obj.dtype.itemsize
        return "storage", name("torch", kind), obj.key, obj.location, count

    def reducer_override(self, obj: Any) -> Any:
        """How the types of this package are written."""
        kind = type(obj)
        if kind is dtype or kind is Name:
            return "global"
        if kind is Size:
            return name("torch", "Size"), (tuple(obj),)
        if kind is device:
            return name("torch", "device"), (obj.type,) if obj.index is None else (obj.type, obj.index)
        if kind is layout:
            return name("torch.serialization", "_get_layout"), (f"torch.{str(obj).rpartition('.')[2]}",)
        if isinstance(obj, Tensor):
            return self._tensor(obj, kind)
        return NotImplemented

    def _tensor(self, t: Any, kind: type) -> Any:
        path = kind.__module__, kind.__name__
        if path == ("tour.nn.parameter", "Parameter"):
            hooks: OrderedDict[Any, Any] = OrderedDict()
            if vars(t):
                arguments = t.detach(), t.requires_grad, hooks, dict(vars(t))
                return name("torch._utils", "_rebuild_parameter_with_state"), arguments
            return name("torch._utils", "_rebuild_parameter"), (t.detach(), t.requires_grad, hooks)
        if kind is not Tensor and path != ("tour.nn.parameter", "Buffer"):
            return NotImplemented  # a class of its own pickles itself
        kept, offset, stride = self.keeper.keep(t._a, t.dtype)
        where: tuple[Any, ...] = kept, offset, tuple(t._a.shape), stride, t.requires_grad, OrderedDict()
        if t.dtype.name in STORAGE_NAMES and t.dtype is kept.dtype:
            return name("torch._utils", "_rebuild_tensor_v2"), where
        return name("torch._utils", "_rebuild_tensor_v3"), (*where, t.dtype)

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Write the name of a global; PyTorch's are not looked up."""
        if type(obj) is Name or type(obj) is dtype:
            module, local = (obj.module, obj.name) if type(obj) is Name else ("torch", obj.name)
            self.write(pickle.GLOBAL + f"{module}\n{local}\n".encode())  # type: ignore[attr-defined]
            self.memoize(obj)  # type: ignore[attr-defined]
        else:
            super().save_global(obj, name)  # type: ignore[misc]
