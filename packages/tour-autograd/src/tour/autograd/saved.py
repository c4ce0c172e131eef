"""What happens to saved values between the forward and the backward pass: packed by the user's functions, or checked.

Recorders save raw arrays and know nothing of hooks. While a `saved_tensors_hooks` block is open in some thread, every op's recorder
is exchanged for one that packs afterwards; a program without such blocks pays nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Self

from tour import _core
from tour._core import OPS, wrap
from tour.autograd.tape import FIRST, OP, PICK, TIME, Leaf, saved_of

__all__ = ["disable_saved_tensors_hooks", "save_on_cpu", "saved_tensors_hooks"]


class _Stack(threading.local):
    """The blocks that are open in this thread, and why new ones are refused."""

    def __init__(self) -> None:
        self.blocks: list[saved_tensors_hooks] = []
        self.refusal: str | None = None


_stack = _Stack()
_lock = threading.Lock()
_open = 0  # blocks open in all threads
_plain: dict[str, Callable[..., None]] = {}  # the exchanged recorders, while there is a block

PACKED_TIME = -1  # a node's TIME that sends the engine to `checked`, which unpacks


class Packed:
    """A saved value in the form that the user's pack function gave it."""

    __slots__ = ("unpack", "value")

    def __init__(self, value: Any, unpack: Callable[[Any], Any]) -> None:
        self.value, self.unpack = value, unpack

    def open(self) -> Any:
        """The raw array again."""
        t = self.unpack(self.value)
        if not isinstance(t, _core.Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(t).__name__}"
            )
        return t._a


class saved_tensors_hooks:
    """Let `pack_hook` change each tensor that is saved for backward, and `unpack_hook` bring it back when it is needed.

    Examples:
        >>> import tour
        >>> x = tour.tensor([2.0, 3.0], requires_grad=True)
        >>> with tour.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), tour.tensor):
        ...     y = (x * x).sum()
        >>> y.backward()
        >>> x.grad
        tensor([4., 6.])
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> Self:
        global _open
        if _stack.refusal is not None:
            raise RuntimeError(_stack.refusal)
        _stack.blocks.append(self)
        with _lock:
            _open += 1
            if _open == 1:
                _exchange()
        return self

    def __exit__(self, *_: object) -> None:
        global _open
        _stack.blocks.pop()
        with _lock:
            _open -= 1
            if not _open:
                _restore()


class save_on_cpu(saved_tensors_hooks):
    """Keep saved tensors in host memory until the backward pass needs them on their device again."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: (t.device, t.cpu()), lambda packed: packed[1].to(packed[0]))


class disable_saved_tensors_hooks:
    """Refuse `saved_tensors_hooks` blocks, with a message that says why."""

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message

    def __enter__(self) -> Self:
        self._was, _stack.refusal = _stack.refusal, self.error_message
        return self

    def __exit__(self, *_: object) -> None:
        _stack.refusal = self._was


def _exchange() -> None:
    for name, op in OPS.items():
        _plain[name] = op.record
        op.record = _packing(op.record)


def _restore() -> None:
    for name, record in _plain.items():
        OPS[name].record = record
    _plain.clear()


def _packing(record: Callable[..., None]) -> Callable[..., None]:
    """A recorder that packs what another one has saved."""

    def packed(out: Any, *values: Any) -> None:
        record(out, *values)
        if _stack.blocks:
            first = next((t for t in (out if type(out) is tuple else (out,)) if t._tape is not None), None)
            if first is not None and type(first._tape) is not Leaf:
                node = first._tape
                pack(node[FIRST] if node[OP] is PICK else node, _stack.blocks[-1])

    return packed


def pack(node: Any, hooks: saved_tensors_hooks) -> None:
    """Put the saved arrays of a node into the form that the user's function gives them."""

    def one(x: Any) -> Any:
        if type(x) is tuple and any(hasattr(y, "__array_ufunc__") for y in x):
            return tuple(map(one, x))
        return Packed(hooks.pack_hook(wrap(x)), hooks.unpack_hook) if hasattr(x, "__array_ufunc__") else x

    node[node[OP].rule.first_saved :] = list(map(one, saved_of(node)))
    node[TIME] = PACKED_TIME


def unpacked(saved: Any) -> Any:
    """Saved values as raw arrays again."""
    return type(saved)(
        x.open() if type(x) is Packed else unpacked(x) if type(x) is tuple and any(type(y) is Packed for y in x) else x
        for x in saved
    )
