"""Trading time for memory: a part of the program keeps only its inputs, and runs once more when its gradients are computed.

A checkpoint is a `saved_tensors_hooks` block whose pack function throws each saved value away and leaves a `_Holder` in its place.
The first one that the backward pass opens runs the function again under a second block, which hands the values it saves, in the
same order, to the holders that are still alive. So everything else is as without a checkpoint: `backward` and `grad`, higher
orders, keyword arguments, results of any shape, parameters that the function finds outside its arguments. A checkpoint inside a
checkpoint keeps its inputs by the outer block, so that they too are forgotten and computed again.

Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, https://arxiv.org/abs/1604.06174
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from tour import _core, random
from tour.autograd.grad_mode import enable_grad
from tour.autograd.saved import SavedTensor, saved_tensors_hooks

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "noop_context_fn", "set_checkpoint_early_stop"]

Contexts = Callable[[], tuple[AbstractContextManager[Any], AbstractContextManager[Any]]]


class CheckpointError(RuntimeError):
    """Raised when a function computes something else the second time.

    Examples:
        >>> import tour
        >>> from tour.utils.checkpoint import CheckpointError, checkpoint
        >>> sizes = iter([2, 3])
        >>> x = tour.ones(1, requires_grad=True)
        >>> y = checkpoint(lambda x: (x * tour.ones(next(sizes), 1)).exp(), x)
        >>> try:
        ...     y.sum().backward()
        ... except CheckpointError:
        ...     print("another shape the second time")
        another shape the second time
    """


class _Stop(BaseException):
    """Leaves a function that is run again, once it has given everything that is needed."""


def noop_context_fn() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """The contexts of a checkpoint that needs none: one for the first run, one for the second.

    Examples:
        >>> first, second = noop_context_fn()
        >>> with first:
        ...     print("as if there were no block")
        as if there were no block
    """
    return nullcontext(), nullcontext()


_early_stop: list[bool] = []  # the innermost `set_checkpoint_early_stop` block stands last


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Say for all checkpoints made in this block whether their second run ends when everything needed is computed.

    Examples:
        >>> import tour
        >>> from tour.utils.checkpoint import checkpoint, set_checkpoint_early_stop
        >>> x = tour.ones(2, requires_grad=True)
        >>> with set_checkpoint_early_stop(False):
        ...     y = checkpoint(tour.exp, x)
        >>> y.sum().backward()
        >>> x.grad
        tensor([2.7183, 2.7183])
    """
    _early_stop.append(enable)
    try:
        yield
    finally:
        _early_stop.pop()


class _Holder:
    """Stands in a node for a value that was forgotten."""

    __slots__ = ("__weakref__", "segment", "value")

    def __init__(self, segment: _Segment) -> None:
        self.segment = segment
        self.value: Any = None  # the value, from the second run until it is used

    def open(self) -> Any:
        """The value, computed again if need be; it is given once, so that a pass holds it no longer than it must."""
        if self.value is None:
            self.segment.run_again()
        value, self.value = self.value, None
        if value is None:
            raise CheckpointError("a checkpointed function did not compute a value again that it had saved before")
        return value


class _Segment:
    """One call of a checkpointed function: what it takes to run it again, and the holders of what it has saved."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        context: AbstractContextManager[Any],
        preserve_rng_state: bool,
        check: bool,
        early_stop: bool,
    ) -> None:
        self.function = function
        self.args = [SavedTensor(x) if isinstance(x, _core.Tensor) else x for x in args]
        self.kwargs = {k: SavedTensor(x) if isinstance(x, _core.Tensor) else x for k, x in kwargs.items()}
        self.context, self.check, self.early_stop = context, check, early_stop
        self.random_state = random.snapshot() if preserve_rng_state else None
        self.holders: list[weakref.ref[_Holder]] = []
        self.kinds: list[Any] = []

    def pack(self, t: Any) -> _Holder:
        """Forget a value that an op saves."""
        holder = _Holder(self)
        self.holders.append(weakref.ref(holder))
        self.kinds.append(_kind(t))
        return holder

    def run_again(self) -> None:
        """Run the function once more and give each holder its value.

        Raises:
            CheckpointError: If it saves more, fewer or other values than the first time.
        """
        args = [_opened(x) for x in self.args]
        kwargs = {k: _opened(x) for k, x in self.kwargs.items()}
        count = 0

        def fill(t: Any) -> Any:
            nonlocal count
            if count < len(self.holders):
                if self.check and _kind(t) != self.kinds[count]:
                    raise CheckpointError(
                        "Recomputed values for the following tensors have different metadata than during the forward pass: "
                        f"saved value {count} was {_text(self.kinds[count])} and is now {_text(_kind(t))}"
                    )
                if (holder := self.holders[count]()) is not None:
                    holder.value = t
            count += 1
            if self.early_stop and count == len(self.holders):
                raise _Stop
            return t

        with random.fork_rng(enabled=self.random_state is not None):
            if self.random_state is not None:
                random.restore(self.random_state)
            try:
                with enable_grad(), self.context, saved_tensors_hooks(fill, lambda t: t):
                    self.function(*args, **kwargs)
            except _Stop:
                return
        if self.check and count != len(self.holders):
            raise CheckpointError(
                "A different number of tensors was saved during the original forward and recomputation: "
                f"{len(self.holders)} and {count}"
            )


def _opened(x: Any) -> Any:
    return x.open("a checkpoint, as its input") if type(x) is SavedTensor else x


def _kind(t: Any) -> tuple[Any, ...]:
    return t._a.shape, t.dtype, t.device


def _text(kind: tuple[Any, ...]) -> str:
    shape, dtype, device = kind
    return f"a {dtype.name} tensor of shape {list(shape)} on {device}"


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Contexts = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Call `function(*args, **kwargs)` without keeping what it saves for the backward pass, which runs it again instead.

    Args:
        function: Any function of tensors; it must do the same each time it is called.
        args: Its arguments.
        use_reentrant: Accepted for PyTorch's sake: one implementation serves both, and allows what PyTorch's non-reentrant one does.
        context_fn: Gives two context managers: one for the first run, one for the second.
        determinism_check: "default" compares shape, dtype and device of what both runs save, "none" nothing.
        debug: Accepted for PyTorch's sake: errors name the lines in any case.
        early_stop: Whether the second run ends when everything needed is computed.
        preserve_rng_state: Whether the second run draws the same random numbers, as dropout must.
        kwargs: Its keyword arguments.

    Returns:
        What the function returns.

    Raises:
        CheckpointError: In the backward pass, if the second run saves something else than the first.
        ValueError: If `determinism_check` is neither of the two.

    Examples:
        >>> import tour
        >>> x = tour.tensor([0.0, 1.0], requires_grad=True)
        >>> y = checkpoint(lambda x: (x.exp() * 2).sum(), x, use_reentrant=False)
        >>> y.backward()
        >>> x.grad
        tensor([2.0000, 5.4366])
    """
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'] but got {determinism_check}")
    first, second = context_fn()
    segment = _Segment(
        function,
        args,
        kwargs,
        context=second,
        preserve_rng_state=preserve_rng_state,
        check=determinism_check == "default",
        early_stop=_early_stop[-1] if _early_stop else early_stop,
    )
    with first, saved_tensors_hooks(segment.pack, _Holder.open):
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, *, preserve_rng_state: bool = True
) -> Any:
    """Call functions one after another, in segments that are checkpoints; the last one is none, its values are needed first.

    Args:
        functions: A sequence of functions or modules, or an `nn.Sequential`.
        segments: How many.
        input: The argument of the first function.
        use_reentrant: Accepted for PyTorch's sake.
        preserve_rng_state: Whether second runs draw the same random numbers.

    Examples:
        >>> import tour
        >>> x = tour.tensor(0.5, requires_grad=True)
        >>> checkpoint_sequential([tour.sin, tour.exp, tour.tanh], 2, x).backward()
        >>> x.grad
        tensor(0.2075)
    """
    steps = list(functions)
    size = len(steps) // segments
    start = 0
    for _ in range(segments - 1 if size else 0):
        input = checkpoint(_run, steps[start : start + size], input, preserve_rng_state=preserve_rng_state)
        start += size
    return _run(steps[start:], input)


def _run(steps: Sequence[Callable[[Any], Any]], x: Any) -> Any:
    for step in steps:
        x = step(x)
    return x
