"""The socket for compiled kernels: how a large call on the CPU, or any on another device, finds a faster form of a NumPy kernel.

A NumPy kernel that another package may have in compiled form has a `Socket`. It is asked only where an array is large enough to
gain; what it costs everybody else is the comparison of a size, and nothing at all where the kernel compares sizes anyway. A form
takes what the kernel takes and gives what it gives, or `NotImplemented` for arguments that it does not serve.

The first socket that is asked looks for tour-numba, by name. Nothing of it is imported before. A device brings its own forms, which are
asked for every call on its arrays, whatever the size.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any, Protocol, TypeVar

from tour._core import ndarray

Form = Callable[..., Any]
K = TypeVar("K", bound=Callable[..., Any])

LARGE = 1 << 14  # elements of an ordinary kernel from which a call is large
FEW = 32  # elements from which it gains where compiled kernels are in use anyway; of fewer, NumPy takes as long
PATIENCE = (
    16  # small calls after which a form is looked for that large ones have not needed: it may have to be compiled
)
NEVER = 1 << 62  # for kernels that only devices have in another form


class Forms(Protocol):
    """What a device offers for its arrays."""

    def find(self, name: str) -> Form | None:
        """The compiled form of the kernel called `name`, if there is one."""


class Provider(Forms, Protocol):
    """What a package of compiled kernels for the CPU offers."""

    def describe(self) -> list[str]:
        """Lines for `tour.show_config`."""

    def empty_cache(self) -> None:
        """Give memory that is kept to be used again back to the system."""

    def set_threads(self) -> None:
        """Use as many threads as `tour.set_num_threads` was given."""

    def hasten(self) -> None:
        """Exchange what can be had without a compiler for faster functions that give the same results: see `exchange`."""


class Socket:
    """Where a faster form of one kernel goes.

    Attributes:
        name: The kernel's module and name, such as `"tour._softmax.softmax"`.
        form: The faster form. Until the first call it is the search for one; where nothing is found it answers NotImplemented.
        found: Whether there is one, and it has been found: then it may serve small calls too.
        small: Small calls so far, while it has not been found.
        abroad: Forms for the arrays of other devices, by their type, once they have been looked for.
    """

    __slots__ = ("abroad", "form", "found", "name", "small")

    def __init__(self, kernel: Callable[..., Any]) -> None:
        self.name = f"{kernel.__module__}.{kernel.__qualname__}"
        self.form: Form = self._search
        self.found = False
        self.small = 0
        self.abroad: dict[type, Form] = {}
        SOCKETS[self.name] = self

    def _search(self, *args: Any) -> Any:
        serving = provider()
        form = serving.find(self.name) if serving is not None else None
        _large[:] = [serving is not None]
        self.form, self.found = form or _none, form is not None
        return self.form(*args)

    def at_hand(self) -> bool:
        """Whether a small call may use the form: a large one has found it, or small ones keep coming where others are in use."""
        if self.found or not in_use():
            return self.found
        self.small += 1
        return self.small > PATIENCE

    def serve(self, size: int, few: int, *args: Any) -> Any:
        """What the form gives for a call of a size: a large one, or one of at least `few` elements where the form is at hand."""
        if size < LARGE and (size < few or not self.at_hand()):
            return NotImplemented
        return self.form(*args)

    def on(self, kind: type) -> Form:
        """The form for arrays of another device; one that answers NotImplemented where the device brings none."""
        form = self.abroad.get(kind)
        if form is None:
            found = DEVICES.get(kind)
            form = self.abroad[kind] = (found.find(self.name) if found is not None else None) or _none
        return form


DEVICES: dict[type, Forms] = {}  # who has forms for the arrays of a device, by their type
SOCKETS: dict[str, Socket] = {}
_providers: list[Provider | None] = []  # none yet, or the one that serves; None where no package offers kernels
_large = [False]  # whether a large call has found one


def _none(*_: Any) -> Any:
    return NotImplemented


def compilable(large: int = LARGE, by: int = 0) -> Callable[[K], K]:
    """A kernel with a socket, which is asked where argument number `by`, an array, has at least `large` elements, or is abroad.

    Where the form is at hand, `FEW` elements are enough.
    """

    few = FEW if large < NEVER else NEVER

    def bind(kernel: K) -> K:
        socket = Socket(kernel)

        @wraps(kernel)
        def body(*args: Any) -> Any:
            a = args[by]
            if type(a) is ndarray:
                n = a.size
                if n >= few and (n >= large or socket.at_hand()) and (r := socket.form(*args)) is not NotImplemented:
                    return r
            elif (r := socket.on(type(a))(*args)) is not NotImplemented:
                return r
            return kernel(*args)

        body.socket = socket  # type: ignore[attr-defined]
        return body  # type: ignore[return-value]

    return bind


def provider() -> Provider | None:
    """The package that serves the sockets: the one that was plugged in, else tour-numba if it is installed."""
    if not _providers:
        try:
            import_module(
                "tour.numba"
            )  # plugs itself in; an entry point would cost everybody 40 ms at the first large call
        except ModuleNotFoundError as error:
            if error.name != "tour.numba":
                raise
        if not _providers:
            plug(None)
    return _providers[0]


def in_use() -> bool:
    """Whether a package serves the sockets, because a large call has looked for it."""
    return _large[0]


def empty_cache() -> None:
    """Have a package that serves the sockets give back the memory that it keeps; nobody is looked for."""
    for found in _providers:
        if found is not None:
            found.empty_cache()


def set_threads() -> None:
    """Tell a package that serves the sockets that there is another number of threads."""
    for found in _providers:
        if found is not None:
            found.set_threads()


# --- Ufuncs ---------------------------------------------------------------------------------------------------------------------

_holders: dict[Any, list[Any]] = {}  # cells of closures, by what each holds


def holds(body: Callable[..., Any], name: str, what: Any) -> None:
    """Note that a function calls something by the variable `name` of its closure.

    Args:
        body: The function.
        name: The variable.
        what: One of NumPy's ufuncs; or the name of the op whose kernel it is, or of the socket whose formula for small arrays it is.
    """
    found = body.__closure__[body.__code__.co_freevars.index(name)]  # type: ignore[index]
    _holders.setdefault(what, []).append(found)


def exchange(what: Any, other: Callable[[Any], Any]) -> None:
    """Let all that call something call another function from now on: `other(function)`. On the way there is nothing to ask."""
    for cell in _holders.get(what, ()):
        cell.cell_contents = other(cell.cell_contents)


OFTEN = 1 << 16  # calls that save together what loading machine code takes, 50 ms


def often() -> None:
    """Called when a formula has been walked `OFTEN` times, or for many elements: a package of compiled kernels may know a shorter way."""
    serving = provider()
    if serving is not None:
        serving.hasten()


def plug_device(kind: type, found: Forms) -> None:
    """Let a device serve the sockets for its type of array."""
    DEVICES[kind] = found
    for socket in SOCKETS.values():
        socket.abroad.pop(kind, None)


def plug(found: Provider | None) -> None:
    """Let a package serve the sockets, or none; forms found before are forgotten."""
    _providers[:], _large[:] = [found], [False]
    for socket in SOCKETS.values():
        socket.form, socket.found, socket.small = socket._search, False, 0
