"""Switching recording off and on, as context managers and decorators, in the current thread."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, Self, TypeVar

from tour.autograd import inference, tape

F = TypeVar("F", bound=Callable[..., Any])

__all__ = [
    "enable_grad", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "no_grad", "set_grad_enabled",
    "set_multithreading_enabled",
]  # fmt: skip


class _Switch:
    """A context manager and decorator that sets whether this thread records, and puts it back."""

    __slots__ = ("_enabled", "_was")

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._was: list[bool] = []

    def __enter__(self) -> Self:
        self._was.append(tape.set_recording(self._enabled))
        return self

    def __exit__(self, *_: object) -> None:
        tape.set_recording(self._was.pop())

    def __call__(self, function: F) -> F:
        """Run `function`, or each step of a generator function, under this setting."""
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & 0x20:  # a generator function
            return self._wrap_generator(function)  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            was = tape.set_recording(self._enabled)
            try:
                return function(*args, **kwargs)
            finally:
                tape.set_recording(was)

        return wrapped  # type: ignore[return-value]

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                generator = function(*args, **kwargs)
            try:
                with self:
                    got = next(generator)
                while True:
                    try:
                        value = yield got
                    except GeneratorExit:
                        with self:
                            generator.close()
                        raise
                    except BaseException as error:
                        with self:
                            got = generator.throw(error)
                    else:
                        with self:
                            got = generator.send(value)
            except StopIteration as stop:
                return stop.value

        return wrapped


class no_grad(_Switch):
    """Do not record operations: `with tour.no_grad():` or `@tour.no_grad()`.

    Examples:
        >>> import tour
        >>> x = tour.ones(2, requires_grad=True)
        >>> with tour.no_grad():
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    __slots__ = ()

    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None else _decorated(cls, function)

    def __init__(self, function: Any = None) -> None:
        super().__init__(False)


class enable_grad(_Switch):
    """Record operations, also inside `no_grad`.

    Examples:
        >>> import tour
        >>> x = tour.ones(2, requires_grad=True)
        >>> with tour.no_grad(), tour.enable_grad():
        ...     y = x * 2
        >>> y.requires_grad
        True
    """

    __slots__ = ()

    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None else _decorated(cls, function)

    def __init__(self, function: Any = None) -> None:
        super().__init__(True)


def _decorated(cls: Any, function: Any) -> Any:
    """PyTorch also accepts the decorator without parentheses."""
    return cls()(function)


class set_grad_enabled(_Switch):
    """Record operations or not, from this call on; as a context manager, until its end.

    Examples:
        >>> import tour
        >>> with tour.set_grad_enabled(False):
        ...     tour.is_grad_enabled()
        False
    """

    __slots__ = ()

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self._was.append(tape.set_recording(self._enabled))

    def __enter__(self) -> Self:
        return self

    def __call__(self, function: F) -> F:
        tape.set_recording(self._was.pop())
        return super().__call__(function)


class inference_mode(_Switch):
    """Like `no_grad`, for code that will never be differentiated: what it makes cannot be used where gradients are recorded.

    Args:
        mode: False for a block in which tensors are ordinary again.

    Examples:
        >>> import tour
        >>> with tour.inference_mode():
        ...     x = tour.ones(2) * 3
        >>> x.is_inference()
        True
        >>> x.mul_(2)
        Traceback (most recent call last):
        ...
        RuntimeError: Inplace update to inference tensor outside InferenceMode is not allowed. ...
    """

    __slots__ = ("_before",)

    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls) if isinstance(mode, bool) else _decorated(cls, mode)

    def __init__(self, mode: Any = True) -> None:
        super().__init__(not mode)
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        self._before.append(tape.mode.inference)
        if not self._enabled:
            tape.mode.inference = inference.begin()
        elif tape.mode.inference is not None:
            inference.outlives(tape.mode.inference)
            tape.mode.inference = None
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        block = tape.mode.inference
        ended = None if block is None or self._enabled else weakref.ref(block)
        del block
        tape.mode.inference = self._before.pop()
        super().__exit__()
        if ended is not None:
            inference.end(ended)

    def __call__(self, function: F) -> F:
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & 0x20:  # a generator function
            return super().__call__(function)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with inference_mode(not self._enabled):
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


class set_multithreading_enabled:
    """PyTorch's switch for running backward passes in several threads: here a pass always runs in the thread that asks for it.

    Examples:
        >>> import tour
        >>> with tour.autograd.set_multithreading_enabled(False):
        ...     tour.ones(2, requires_grad=True).sum().backward()
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread.

    Examples:
        >>> import tour
        >>> with tour.no_grad():
        ...     tour.is_grad_enabled()
        False
    """
    return tape.recording()


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in an `inference_mode` block.

    Examples:
        >>> import tour
        >>> with tour.inference_mode():
        ...     tour.is_inference_mode_enabled()
        True
    """
    return tape.mode.inference is not None
