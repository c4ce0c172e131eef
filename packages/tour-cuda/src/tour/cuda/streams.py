"""Streams and events: work that may go on side by side, and what waits for what."""

from __future__ import annotations

from typing import Any

from tour.cuda import _bounds, _cupy, _faults
from tour.cuda.devices import index_of

__all__ = [
    "Event", "ExternalStream", "Stream", "StreamContext", "current_stream", "default_stream", "set_stream", "stream",
]  # fmt: skip


class Stream:
    """A queue of work on a device: one piece after another, but beside the work of other streams.

    Args:
        device: Where; the current device if None.
        priority: Lower numbers go first.
    """

    def __init__(self, device: Any = None, priority: int = 0, **_: Any) -> None:
        module = _cupy.ready()
        with module.cuda.Device(index_of(device)):
            self._stream = module.cuda.Stream(non_blocking=True, priority=priority)
        self._index = index_of(device)

    @classmethod
    def _of(cls, found: Any, index: int) -> Stream:
        made: Stream = object.__new__(Stream)
        made._stream, made._index = found, index
        return made

    @property
    def device(self) -> Any:
        """The device that it belongs to."""
        from tour import device as Device

        return Device("cuda", self._index)

    @property
    def cuda_stream(self) -> int:
        """The driver's handle."""
        return int(self._stream.ptr)

    @property
    def priority(self) -> int:
        """Lower numbers go first."""
        return int(self._stream.priority)

    def __cuda_stream__(self) -> tuple[int, int]:
        """The protocol by which libraries take each other's streams."""
        return 0, self.cuda_stream

    def query(self) -> bool:
        """Whether all of its work has been done."""
        return bool(self._stream.done)

    def synchronize(self) -> None:
        """Wait until all of its work has been done.

        Raises:
            IndexError: If a kernel has met an index out of range.
        """
        self._stream.synchronize()
        _bounds.look()
        _faults.check()

    def record_event(self, event: Event | None = None) -> Event:
        """Mark this place in its work, by a new event unless one is given."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Let what comes from now on wait for a mark in another stream; the host does not wait."""
        event.wait(self)

    def wait_stream(self, stream: Stream) -> None:
        """Let what comes from now on wait for all that another stream has been given so far."""
        self.wait_event(stream.record_event())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self.cuda_stream == other.cuda_stream and self._index == other._index

    def __hash__(self) -> int:
        return hash((self.cuda_stream, self._index))

    def __repr__(self) -> str:
        return f"<tour.cuda.Stream device=cuda:{self._index} cuda_stream={self.cuda_stream:#x}>"


class ExternalStream(Stream):
    """A stream of another library, by the driver's handle; it must outlive this object."""

    def __init__(self, stream_ptr: int, device: Any = None, **_: Any) -> None:
        module, self._index = _cupy.ready(), index_of(device)
        self._stream = module.cuda.ExternalStream(stream_ptr, self._index)


class Event:
    """A mark in the work of a stream.

    Args:
        enable_timing: Whether `elapsed_time` may be asked.
        blocking: Whether the host sleeps while it waits, rather than spinning.
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        module = _cupy.ready()
        self._event = module.cuda.Event(block=blocking, disable_timing=not enable_timing, interprocess=interprocess)
        self._recorded = False

    def record(self, stream: Stream | None = None) -> None:
        """Put the mark behind what a stream has been given so far; the current stream if None."""
        self._event.record((current_stream() if stream is None else stream)._stream)
        self._recorded = True

    def wait(self, stream: Stream | None = None) -> None:
        """Let what a stream gets from now on wait for the mark; the current stream if None."""
        if self._recorded:
            (current_stream() if stream is None else stream)._stream.wait_event(self._event)

    def query(self) -> bool:
        """Whether the work before the mark has been done; True where there is none."""
        return not self._recorded or bool(self._event.done)

    def synchronize(self) -> None:
        """Wait until the work before the mark has been done."""
        if self._recorded:
            self._event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds between two marks, both of which must have been reached."""
        return float(_cupy.ready().cuda.get_elapsed_time(self._event, end_event._event))

    def __repr__(self) -> str:
        return "<tour.cuda.Event>"


class StreamContext:
    """A block whose work goes to a stream, on the stream's device; None changes nothing."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream
        self._device: Any = None

    def __enter__(self) -> None:
        if self.stream is not None:
            self._device = _cupy.ready().cuda.Device(self.stream._index)
            self._device.__enter__()
            self.stream._stream.__enter__()

    def __exit__(self, *error: object) -> None:
        if self.stream is not None:
            self.stream._stream.__exit__(*error)
            self._device.__exit__(*error)


def stream(stream: Stream | None) -> StreamContext:
    """A block whose work goes to a stream."""
    return StreamContext(stream)


def set_stream(stream: Stream) -> None:
    """Send work to a stream from now on."""
    if stream is not None:
        _cupy.ready().cuda.Device(stream._index).use()
        stream._stream.use()


def current_stream(device: Any = None) -> Stream:
    """The stream that work goes to."""
    i = index_of(device)
    return Stream._of(_cupy.ready().cuda.get_current_stream(i), i)


def default_stream(device: Any = None) -> Stream:
    """The stream that work goes to where nobody has chosen another."""
    module, i = _cupy.ready(), index_of(device)
    with module.cuda.Device(i):
        return Stream._of(module.cuda.Stream.null, i)
