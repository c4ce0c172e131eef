"""What happens to saved values between the forward and the backward pass: packed by the user's functions, or checked.

Recorders save raw arrays and know nothing of hooks. While a `saved_tensors_hooks` block is open in some thread, every op's recorder
is exchanged for one that packs afterwards; a program without such blocks pays nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Self

from tour import _core
from tour._core import Op, clock, stamp_of, wrap
from tour.autograd import recorders, tape
from tour.autograd.blame import overwritten_error
from tour.autograd.tape import FIRST, OP, PICK, TIME, Leaf, saved_of

__all__ = ["disable_saved_tensors_hooks", "save_on_cpu", "saved_tensors_hooks"]


class _Stack(threading.local):
    """The blocks that are open in this thread, and why new ones are refused."""

    def __init__(self) -> None:
        self.blocks: list[saved_tensors_hooks] = []
        self.refusal: str | None = None


_stack = _Stack()

PACKED_TIME = -1  # a node's TIME that sends the engine to `checked`, which unpacks


class Packed:
    """A saved value in the form that the user's pack function gave it."""

    __slots__ = ("unpack", "value")

    def __init__(self, value: Any, unpack: Callable[[Any], Any]) -> None:
        self.value, self.unpack = value, unpack

    @classmethod
    def now(cls, array: Any) -> Packed:
        """An array packed by the innermost open block."""
        hooks = _stack.blocks[-1]
        return cls(hooks.pack_hook(wrap(array)), hooks.unpack_hook)

    def open(self) -> Any:
        """The raw array again."""
        t = self.unpack(self.value)
        if not isinstance(t, _core.Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(t).__name__}"
            )
        return t._a


def refuse_inference(t: Any) -> None:
    """Refuse to save a tensor that was made in an `inference_mode` block.

    Raises:
        RuntimeError: If it was.
    """
    if tape.mode.inference is None and _core.is_inference(t):
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation "
            "tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use "
            "`no_grad()` instead of `inference_mode()`."
        )


class SavedTensor:
    """A tensor kept for later with its history, outside a node: by the user's `Function`, or by a checkpoint.

    Args:
        t: The tensor.
        history: Whether its tape is kept too; an output of the node that keeps it would make a cycle.
    """

    __slots__ = ("tape", "time", "value")

    def __init__(self, t: Any, history: bool = True) -> None:
        if tape.inferred:
            refuse_inference(t)
        self.value = Packed.now(t._a) if _stack.blocks else t._a
        self.tape = tape.edge(t) if history else None
        self.time = clock.now

    def open(self, by: str) -> Any:
        """The tensor again; `by` says in words who saved it.

        Raises:
            RuntimeError: If its memory was written into since.
        """
        if type(self.value) is Packed:
            t = wrap(self.value.open())
        else:
            if (stamp := stamp_of(self.value)) is not None and stamp.time > self.time:
                raise overwritten_error(self.value, stamp, by)
            t = wrap(self.value)
        t._tape = self.tape
        return t


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
        if _stack.refusal is not None:
            raise RuntimeError(_stack.refusal)
        _stack.blocks.append(self)
        recorders.exchange(_packing)
        return self

    def __exit__(self, *_: object) -> None:
        _stack.blocks.pop()
        recorders.restore(_packing)


class save_on_cpu(saved_tensors_hooks):
    """Keep saved tensors in host memory until the backward pass needs them on their device again.

    Examples:
        >>> import tour
        >>> x = tour.ones(2, requires_grad=True)
        >>> with tour.autograd.graph.save_on_cpu():
        ...     y = x.exp()
        >>> y.sum().backward()
        >>> x.grad
        tensor([2.7183, 2.7183])
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: (t.device, t.cpu()), lambda packed: packed[1].to(packed[0]))


class disable_saved_tensors_hooks:
    """Refuse `saved_tensors_hooks` blocks, with a message that says why.

    Examples:
        >>> import tour
        >>> from tour.autograd.graph import disable_saved_tensors_hooks, save_on_cpu
        >>> with disable_saved_tensors_hooks("not inside this block"):
        ...     with save_on_cpu():
        ...         pass
        Traceback (most recent call last):
            ...
        RuntimeError: not inside this block
    """

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message

    def __enter__(self) -> Self:
        self._was, _stack.refusal = _stack.refusal, self.error_message
        return self

    def __exit__(self, *_: object) -> None:
        _stack.refusal = self._was


def _packing(op: Op, record: Callable[..., None]) -> Callable[..., None]:
    """A recorder that packs what another one has saved."""

    def packed(out: Any, *values: Any) -> None:
        record(out, *values)
        if _stack.blocks:
            first = next((t for t in (out if type(out) is tuple else (out,)) if t._tape is not None), None)
            if first is not None and type(first._tape) is not Leaf:
                node = first._tape
                pack(node[FIRST] if node[OP] is PICK else node)

    return packed


def pack(node: Any) -> None:
    """Put the saved arrays of a node into the form that the innermost block gives them."""
    node[node[OP].rule.first_saved :] = list(map(_packed, saved_of(node)))
    node[TIME] = PACKED_TIME


def _packed(x: Any) -> Any:
    if type(x) is tuple and any(hasattr(y, "__array_ufunc__") for y in x):
        return tuple(map(_packed, x))
    return Packed.now(x) if hasattr(x, "__array_ufunc__") else x


def unpacked(saved: Any) -> Any:
    """Saved values as raw arrays again."""
    return type(saved)(
        x.open() if type(x) is Packed else unpacked(x) if type(x) is tuple and any(type(y) is Packed for y in x) else x
        for x in saved
    )
