"""Where a program's time and memory go, by the lines that the user wrote and by the modules of the model.

Nothing in tour looks whether it is being profiled. Python's own profiling hook tells of every call while a `profile` block is open;
of these, calls from the user's code into tour and calls of modules become events. In a backward pass the engine takes one node after
another from a list; here it gets a list that notes the time at each. A node knows the line that recorded it, and so milliseconds of
the backward pass find their way to the forward's lines.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
import weakref
from collections.abc import Callable
from functools import partial
from time import perf_counter_ns as clock
from types import CodeType, FrameType
from typing import Any, Self

from tour import Tensor
from tour._core import root_of
from tour.autograd import engine
from tour.autograd.blame import modules_of, reachable
from tour.autograd.tape import CODE, OP, PICK, Leaf, is_ours, lasti_of, line_of, node_name
from tour.utils._profile_report import Event, Move, Row, rows, table, write_chrome_trace

__all__ = ["profile"]

USER, TOUR, MODULE, NEITHER = range(1, 5)  # what a piece of code is to the profiler


class _Span:
    """A call that is under way: the event it becomes, and the frame whose return ends it."""

    __slots__ = ("event", "frame", "root")

    def __init__(self, event: Event, frame: FrameType | None, root: Any) -> None:
        self.event, self.frame, self.root = event, frame, root


class profile:
    """Measure milliseconds and memory of what runs inside a `with` block, by line of the program, module and op.

    Time belongs to the innermost line of the program that has called into tour, and each nanosecond is counted once. What a backward
    pass takes is counted for the lines and modules whose operations it differentiates. Memory is that of new tensors and gradients;
    views are free, and what a kernel needs for itself is not seen. Only the thread that opens the block is measured. While the block
    is open, a small operation takes about 6 µs more than without, of which some 2 are counted; when it is closed, not one nanosecond.

    Args:
        synchronize: Called before the clock is read, for devices whose calls return before their work is done: on a GPU
            `tour.cuda.synchronize`.

    Attributes:
        events: Calls and backward steps, in the order in which they ended.
        seconds: How long the block took.

    Raises:
        RuntimeError: If another profiler is at work in this thread.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> with tour.utils.profile() as p:
        ...     y = net(tour.zeros(100, 4))
        >>> [row.memory for row in p.rows("module")]  # bytes: of all three layers, then of each
        [7200, 3200, 3200, 800]
    """

    def __init__(self, synchronize: Callable[[], Any] | None = None) -> None:
        self.events: list[Event] = []
        self.seconds = 0.0
        self._synchronize = synchronize
        self._moves: list[Move] = []
        self._stack: list[_Span] = []
        self._roles: dict[int, int] = {}  # of code, by its id, because to hash code takes long
        self._code: list[CodeType] = []
        self._lines: dict[tuple[int, int], str] = {}
        self._names: dict[tuple[int, int], str] = {}
        self._kept: list[Any] = []  # modules, so that their ids stay theirs
        self._known: dict[int, weakref.ref[Any]] = {}
        self._since = self._began = 0
        self._open = False

    def __enter__(self) -> Self:
        if sys.getprofile() is not None or engine.watch is not None:
            raise RuntimeError("another profiler is at work; close it first")
        import gc

        for x in gc.get_objects():  # what is there already is not new
            if issubclass(type(x), Tensor):
                self._remember(root_of(x._a), None)
        self._thread = threading.get_ident()
        self._open, self._began = True, clock()
        engine.watch = self._watch
        sys.setprofile(self._on_event)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        engine.watch = None
        self._open = False
        while self._stack:
            self._end(clock())
        self.seconds += (clock() - self._began) / 1e9
        self._known.clear()

    # --- What it tells ------------------------------------------------------------------------------------------------------

    def rows(self, by: str = "line") -> list[Row]:
        """What the events amount to.

        Args:
            by: "line" or "op", the slowest first, or "module", in the order of their calls, each with all that is inside it.
        """
        return rows(self.events, self._moves, by)

    def table(self, by: str = "line", limit: int = 15, width: int | None = None) -> str:
        """The rows as text.

        Args:
            by: "line", "op" or "module".
            limit: How many rows to show at most, those that took most time.
            width: How many characters a line may have; by default as many as the terminal has.
        """
        return table(self.rows(by), by, limit, width)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write all events as a timeline, which chrome://tracing, Perfetto and Edge show.

        Raises:
            OSError: If the file cannot be written.
        """
        write_chrome_trace(path, self.events, self._moves, self._began)

    def __repr__(self) -> str:
        if not self.events:
            return "profile: nothing of tour was called" if self.seconds else "profile: not finished"
        inside = sum(e.own for e in self.events) / 1e6
        back = sum(e.own for e in self.events if e.backward) / 1e6
        head = f"{self.seconds * 1e3:,.1f} ms, of these {inside:,.1f} in tour ({back:,.1f} in backward passes)"
        parts = [head, self.table("line")]
        if any(e.modules for e in self.events):
            parts.append(self.table("module", limit=40))
        return "\n\n".join(parts)

    # --- Calls ----------------------------------------------------------------------------------------------------------------

    def _on_event(self, frame: FrameType, event: str, arg: Any) -> None:
        """What Python calls at each call and return, also of functions in C."""
        if event == "call":
            role = self._roles.get(id(frame.f_code)) or self._look(frame)
            if role == TOUR:
                caller = frame.f_back
                if caller is not None and (self._roles.get(id(caller.f_code)) or self._look(caller)) == USER:
                    self._begin(frame, frame.f_code.co_qualname.partition(".<locals>")[0], caller, None)
            elif role == MODULE:
                caller = frame.f_back
                module = frame.f_locals["self"]
                direct = caller is not None and (self._roles.get(id(caller.f_code)) or self._look(caller)) == USER
                self._begin(frame, type(module).__name__, caller if direct else None, module)
        elif event == "return" and self._stack:
            span = self._stack[-1]
            if arg is not None:
                self._note(arg, frame, span.event)
            if span.frame is frame:
                self._end(self._now())

    def _look(self, frame: FrameType) -> int:
        """What the code of a frame is to the profiler, which is remembered."""
        self._code.append(frame.f_code)
        role = self._roles[id(frame.f_code)] = _role_of(frame)
        return role

    def _now(self) -> int:
        if self._synchronize is not None:
            self._synchronize()
        return clock()

    def _begin(self, frame: FrameType, name: str, caller: FrameType | None, module: Any) -> None:
        now = self._now()
        above = self._stack[-1] if self._stack else None
        modules = above.event.modules if above is not None else ()
        root = above.root if above is not None else None
        line = "" if above is None else above.event.line
        if caller is not None:
            line = self._line(caller.f_code, caller.f_lasti)
        if module is not None:
            root = module if root is None else root
            modules = (*modules, self._name(root, module))
        backward = above is not None and above.event.backward
        kind = "call" if module is None else "module" if caller is not None else "submodule"
        self._push(_Span(Event(name, kind, line, modules, backward, now), frame, root), now)

    def _push(self, span: _Span, now: int) -> None:
        if self._stack:
            self._stack[-1].event.own += now - self._since
        self._stack.append(span)
        self._since = clock()  # what passed since `now` was ours, and counts for nobody

    def _end(self, now: int) -> None:
        span = self._stack.pop()
        span.event.own += now - self._since
        span.event.duration = now - span.event.start
        self.events.append(span.event)
        self._since = clock()

    def _line(self, code: CodeType, lasti: int) -> str:
        """`line_of`, which decodes a table, once for each instruction."""
        key = id(code), lasti
        if key not in self._lines:
            self._lines[key] = line_of(code, lasti)
            self._code.append(code)
        return self._lines[key]

    def _name(self, root: Any, module: Any) -> str:
        """The path of a module from the one that the user called, such as `net.encoder.2`."""
        key = id(root), id(module)
        if key not in self._names:
            self._names[key] = root._where(module, described=False)
            self._kept += [root, module]
        return self._names[key]

    # --- Memory ---------------------------------------------------------------------------------------------------------------

    def _note(self, made: Any, frame: FrameType, event: Event) -> None:
        """Count the memory of what a call gives, if it is new."""
        if type(made) is Tensor:
            self._remember(root_of(made._a), event)
        elif event.kind == "node":  # what a formula gives to the engine: arrays, and lists of them for lists of tensors
            caller = frame.f_back
            if caller is not None and caller.f_globals is vars(engine):
                for x in made if type(made) in (tuple, list) else (made,):
                    for array in x if type(x) in (tuple, list) else (x,):
                        if hasattr(array, "__array_ufunc__") and type(array) is not Tensor:
                            self._remember(root_of(array), event)
        elif type(made) is tuple:  # a node of the tape is a list, which leads to all others
            for t in made:
                if type(t) is Tensor:
                    self._remember(root_of(t._a), event)

    def _remember(self, buffer: Any, event: Event | None) -> None:
        key = id(buffer)
        if key in self._known:
            return

        def gone(_: Any, size: int = buffer.nbytes) -> None:
            if self._open:
                self._known.pop(key, None)
                if event is not None:
                    self._moves.append((clock(), -size, event))

        try:
            self._known[key] = weakref.ref(buffer, gone)
        except TypeError:  # one number, which NumPy gives for a sum, or an array that does not say when it goes
            return
        if event is not None:
            event.memory += buffer.nbytes
            self._moves.append((clock(), buffer.nbytes, event))

    # --- The backward pass ----------------------------------------------------------------------------------------------------

    def _watch(self, ready: list[Any], roots: list[Any]) -> list[Any]:
        """What the engine takes its nodes from, in place of `ready`."""
        if threading.get_ident() != self._thread:
            return ready
        sys.setprofile(None)  # nothing here is the program's
        now = self._now()
        if self._stack:
            self._stack[-1].event.own += now - self._since
        frame = sys._getframe(1)
        names = {}
        for key, modules in modules_of(reachable(roots)).items():
            root = modules[-1]
            names[key] = tuple(self._name(root, m) for m in reversed(modules))
        self._since = clock()
        sys.setprofile(self._on_event)
        return _Ready(ready, self, frame, names)

    def _take(self, frame: FrameType, names: dict[int, tuple[str, ...]], node: Any) -> None:
        """The engine has taken a node: the one before is done."""
        sys.setprofile(None)
        now = self._now()
        if self._stack and self._stack[-1].frame is frame:
            self._end(now)
        if type(node) is not Leaf and node[OP] is not PICK and node[CODE] is not None:
            line = self._line(node[CODE], lasti_of(node))
            event = Event(node_name(node), "node", line, names.get(id(node), ()), True, now)
            self._push(_Span(event, frame, None), now)
        sys.setprofile(self._on_event)


class _Ready(list[Any]):
    """The nodes whose gradients have arrived; tells the profiler which one the engine takes."""

    def __init__(
        self, ready: list[Any], profiler: profile, frame: FrameType, names: dict[int, tuple[str, ...]]
    ) -> None:
        super().__init__(ready)
        self._taken: Callable[[Any], None] = partial(profiler._take, frame, names)

    def pop(self, *at: Any) -> Any:
        """The next node."""
        node = super().pop(*at)
        self._taken(node)
        return node


_STDLIB = sysconfig.get_paths()["stdlib"]


def _role_of(frame: FrameType) -> int:
    code = frame.f_code
    if is_ours(frame.f_globals.get("__package__")):
        if code.co_filename == __file__ or code.co_name == "<module>":
            return NEITHER
        module = code.co_name == "_call_impl" and frame.f_globals.get("__name__") == "tour.nn.modules.module"
        return MODULE if module else TOUR
    library = code.co_filename.startswith(("<frozen", _STDLIB)) and "site-packages" not in code.co_filename
    return NEITHER if library else USER
