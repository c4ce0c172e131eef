"""The names that stand in a `.pt` file's pickle, and what each of them means here."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from importlib import import_module
from typing import Any

import tour
from tour._core import Tensor
from tour._devices import device
from tour._lazy import subpackage
from tour._serialization.archive import FileError
from tour._serialization.storages import DTYPES, STORAGE_NAMES, Storage, StorageType, view
from tour._shapes import Size


def rebuild_tensor(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any = False,
    hooks: Any = None,
    metadata: Any = None,
    dtype: Any = None,
) -> Any:
    """A tensor over a storage, of the storage's dtype."""
    kind = dtype or storage.dtype
    if not isinstance(storage, Storage) or not isinstance(kind, tour.dtype):
        raise FileError("a tensor has no storage or no dtype")
    t = view(storage, kind, offset, tuple(size), tuple(stride))
    for name, value in dict(metadata or {}).items():
        if name not in ("conj", "neg"):
            raise FileError(f"a tensor has the property {name!r}, which this tour does not know")
        if value:
            t = t.conj() if name == "conj" else -t
    return t.requires_grad_() if requires_grad is True else t


def rebuild_tensor_v3(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, dtype: Any, metadata: Any = None
) -> Any:
    """A tensor over a storage of bytes."""
    return rebuild_tensor(storage, offset, size, stride, requires_grad, hooks, metadata, dtype)


def rebuild_parameter(data: Any, requires_grad: Any, hooks: Any, state: Any = None) -> Any:
    """A module's parameter; `tour.nn` is asked for only here."""
    if not isinstance(data, Tensor):
        raise FileError("a parameter has no tensor")
    made = parameter_class()(data, requires_grad is True)
    made.__dict__.update(state or {})
    return made


def rebuild_from_type(function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    """A tensor with attributes of its own; the class of those that are no Parameter is not kept."""
    if function not in (rebuild_tensor, rebuild_tensor_v3, rebuild_parameter):
        raise FileError("a tensor is made by a function that makes none")
    made = function(*arguments)
    if isinstance(state, dict) and hasattr(made, "__dict__"):
        made.__dict__.update(state)
    return made


def parameter_class() -> Any:
    """`tour.nn.Parameter`.

    Raises:
        FileError: If tour-nn is not installed.
    """
    try:
        return subpackage("nn").Parameter
    except AttributeError as error:
        raise FileError(f"it holds an nn.Parameter, and {error}") from None


def get_layout(name: Any) -> Any:
    """The layout of a tensor; there is one."""
    if name != "torch.strided":
        raise FileError(f"the layout {name} is not supported")
    return tour.strided


def encode(text: Any, encoding: Any) -> bytes:
    """How protocol 2 writes bytes."""
    if not isinstance(text, str) or encoding != "latin1":
        raise FileError("bytes are written in an unknown way")
    return text.encode("latin1")


def no_bytes() -> bytes:
    """How protocol 2 writes bytes when there are none."""
    return b""


def byte_array(data: Any = b"") -> bytearray:
    """A bytearray of bytes; a number would reserve as much memory as it says."""
    if not isinstance(data, (bytes, list)):
        raise FileError("a bytearray is made of neither bytes nor a list")
    return bytearray(data)


def mapping(kind: Callable[..., Any]) -> Callable[..., Any]:
    """A dict of some kind, empty or of pairs."""

    def make(items: Any = ()) -> Any:
        return kind(items if isinstance(items, dict) else [(key, value) for key, value in items])

    return make


# Everything that a file may name under weights_only=True. None of it imports, opens or runs anything that the file chooses.
ALLOWED: dict[str, Any] = {
    "_codecs.encode": encode,
    "builtins.bytearray": byte_array,
    "builtins.bytes": no_bytes,
    "builtins.complex": complex,
    "builtins.set": set,
    "collections.Counter": mapping(Counter),
    "collections.OrderedDict": mapping(OrderedDict),
    "torch.Size": Size,
    "torch.Tensor": Tensor,
    "torch._tensor._rebuild_from_type_v2": rebuild_from_type,
    "torch._utils._rebuild_parameter": rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": rebuild_parameter,
    "torch._utils._rebuild_tensor": rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor,
    "torch._utils._rebuild_tensor_v3": rebuild_tensor_v3,
    "torch.device": device,
    "torch.nn.parameter.Parameter": parameter_class,
    "torch.serialization._get_layout": get_layout,
    "torch.storage.UntypedStorage": StorageType(None),
    **{f"torch.{name}": d for name, d in DTYPES.items()},
    **{f"torch.{storage}": StorageType(DTYPES[name]) for name, storage in STORAGE_NAMES.items()},
    **{f"torch.cuda.{storage}": StorageType(DTYPES[name]) for name, storage in STORAGE_NAMES.items()},
}

CALLABLE = {
    id(ALLOWED[name])
    for name in ALLOWED
    if callable(ALLOWED[name]) and name not in ("torch.Tensor", "torch.nn.parameter.Parameter")
}


def full_name(module: str, name: str) -> str:
    """A global as the table has it: Python 3's and PyTorch's names, for this package's too."""
    if module == "__builtin__":
        module = "builtins"
    elif module == "tour" or module.startswith("tour."):
        module = "torch" + module[4:]
    return f"{module}.{name}"


def imported(module: str, name: str) -> Any:
    """What a trusted file names; PyTorch's names are looked up in tour."""
    known = ALLOWED.get(full_name(module, name))
    if known is not None:
        return known
    if module == "torch" or module.startswith("torch."):
        module = "tour" + module[5:]
    value: Any = import_module("builtins" if module == "__builtin__" else module)
    for part in name.split("."):
        value = getattr(value, part)
    return value
