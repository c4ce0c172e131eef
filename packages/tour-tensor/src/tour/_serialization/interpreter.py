"""A reader of pickles that runs nothing: it builds plain Python data, and calls only what a table allows.

Python's unpickler calls whatever a file names. This one knows the opcodes that data need, looks names up in
`tour._serialization.names`, sets attributes of nothing that the table does not name, and refuses the rest.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from tour._core import Tensor
from tour._devices import device
from tour._dtypes import dtype
from tour._serialization.archive import DeviceError, FileError
from tour._serialization.names import ALLOWED, CALLABLE, full_name
from tour._shapes import Size

MARK: Any = type("Mark", (), {"__repr__": lambda _: "MARK"})()
_DICTS = (dict, OrderedDict, Counter)
_ATOMS = (str, int, float, complex, bool, bytes, type(None), dtype, device)


class Interpreter:
    """One run over a pickle.

    Args:
        data: The pickle.
        find_storage: Gives the storage for a persistent identity.
        trusted: More that a file may name: `{full name: class or function}`.
    """

    def __init__(self, data: bytes, find_storage: Callable[[Any], Any], trusted: dict[str, Any]) -> None:
        self._data, self._at = data, 0
        self._find_storage, self._trusted = find_storage, trusted
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._trusted_ids = {id(value) for value in trusted.values()}

    def load(self) -> Any:
        """The object of the pickle.

        Raises:
            FileError: If it is damaged, or wants something that is not allowed.
        """
        start = 0
        try:
            while True:
                start = self._at
                code = self._take(1)[0]
                if code == pickle.STOP[0]:
                    (value,) = self._stack
                    return value
                step = STEPS.get(code)
                if step is None:
                    raise FileError(f"the opcode {bytes([code])!r} is not one of data")
                step(self)
        except FileError as error:
            raise FileError(f"{error} (byte {start} of its pickle)") from error.__cause__
        except (DeviceError, MemoryError):
            raise
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise FileError(f"its pickle cannot be read at byte {start}: {reason}") from error

    # --- Reading -------------------------------------------------------------------------------------------------------

    def _take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) < count:
            raise FileError("its pickle ends too early")
        self._at += count
        return piece

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self) -> str:
        end = self._data.index(b"\n", self._at)
        text = self._data[self._at : end].decode()
        self._at = end + 1
        return text

    # --- The stack -----------------------------------------------------------------------------------------------------

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is MARK:
            raise FileError("a value is missing")
        return value

    def _since_mark(self) -> list[Any]:
        """Everything above the last mark, which goes too."""
        where = len(self._stack) - 1
        while self._stack[where] is not MARK:
            where -= 1
            if where < 0:
                raise FileError("a mark is missing")
        values = self._stack[where + 1 :]
        del self._stack[where:]
        return values

    def _top(self, *kinds: type) -> Any:
        if type(self._stack[-1]) not in kinds:
            raise FileError(f"something is added to a {type(self._stack[-1]).__name__}")
        return self._stack[-1]

    def _pushes(self, read: Callable[[Interpreter], Any]) -> None:
        self._push(read(self))

    # --- Steps -----------------------------------------------------------------------------------------------------------

    def _extend(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def _set_items(self, pairs: list[Any]) -> None:
        target = self._top(*_DICTS)
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            target[checked_key(key)] = value

    def _add_items(self, values: list[Any]) -> None:
        self._top(set).update(map(checked_key, values))

    def _remember(self, number: int) -> None:
        if self._stack[-1] is MARK:
            raise FileError("a value is missing")
        self._memo[number] = self._stack[-1]

    def _global(self, module: str, name: str) -> Any:
        full = full_name(module, name)
        for table in (self._trusted, ALLOWED):
            if full in table:
                return table[full]
        raise FileError(
            f"it asks for {module}.{name}, which plain data do not need. If you trust it, allow that name with "
            "tour.serialization.add_safe_globals, or everything with weights_only=False, which may run any program"
        )

    def _call(self) -> Any:
        arguments, function = self._pop(), self._pop()
        if type(arguments) is not tuple:
            raise FileError("a function is called with something else than a tuple")
        if id(function) in self._trusted_ids:
            return function(*arguments)
        if id(function) not in CALLABLE:
            raise FileError(f"it calls {str(function)[:80]}, which is no function for data")
        if function is set:
            return set(map(checked_key, *arguments))
        if function is Size and not all(type(n) is int for n in arguments[0]):
            raise FileError("a size holds something else than integers")
        return function(*arguments)

    def _new(self) -> Any:
        arguments, kind = self._pop(), self._pop()
        if kind in (OrderedDict, Counter) or id(kind) in self._trusted_ids:
            return kind.__new__(kind, *arguments)
        raise FileError(f"it makes a {str(kind)[:80]}, which is no class for data")

    def _build(self) -> None:
        state = self._pop()
        target = self._stack[-1]
        if type(target) in _DICTS[1:] and type(state) is dict:
            target.__dict__.update({str(key): value for key, value in state.items()})
        elif id(type(target)) in self._trusted_ids:
            _set_state(target, state)
        elif not (isinstance(target, Tensor) and not state):
            raise FileError(f"it sets the state of a {type(target).__name__}")


def _set_state(target: Any, state: Any) -> None:
    """What `pickle` does with the state of an object of a trusted class."""
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return
    plain, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    target.__dict__.update(plain or {})
    for key, value in (slots or {}).items():
        setattr(target, key, value)


def checked_key(key: Any, depth: int = 3) -> Any:
    """A key that is quick to hash: tuples in tuples, each twice in the next, would take for ever.

    Raises:
        FileError: If it is not plain.
    """
    if isinstance(key, _ATOMS):
        return key
    if isinstance(key, (tuple, frozenset)) and depth and len(key) <= 1000:
        for part in key:
            checked_key(part, depth - 1)
        return key
    raise FileError(f"a {type(key).__name__} is used as a key")


Step = Callable[[Interpreter], None]


def _constant(value: Any) -> Step:
    return lambda self: self._push(value)


def _fresh(kind: Callable[[], Any]) -> Step:
    return lambda self: self._push(kind())


def _read(form: str) -> Step:
    return lambda self: self._push(self._number(form))


def _text(length: str) -> Step:
    return lambda self: self._push(self._take(self._number(length)).decode("utf-8", "surrogatepass"))


def _old_text(length: str) -> Step:
    return lambda self: self._push(self._take(self._number(length)).decode("latin1"))


def _bytes(length: str, kind: Callable[[bytes], Any] = bytes) -> Step:
    return lambda self: self._push(kind(self._take(self._number(length))))


def _long(length: str) -> Step:
    return lambda self: self._push(int.from_bytes(self._take(self._number(length)), "little", signed=True))


def _tuple(count: int) -> Step:
    return lambda self: self._push(tuple([self._pop() for _ in range(count)][::-1]))


def _put(form: str) -> Step:
    return lambda self: self._remember(self._number(form))


def _get(form: str) -> Step:
    return lambda self: self._push(self._memo[self._number(form)])


def _version(self: Interpreter) -> None:
    if (version := self._take(1)[0]) > 5:
        raise FileError(f"its pickle has protocol {version}, newer than 5")


def _stack_global(self: Interpreter) -> None:
    name, module = self._pop(), self._pop()
    self._push(self._global(str(module), str(name)))


def _one_item(self: Interpreter) -> None:
    value, key = self._pop(), self._pop()
    self._set_items([key, value])


def _one_more(self: Interpreter) -> None:
    value = self._pop()
    self._extend([value])


STEPS: dict[int, Step] = {
    code[0]: step
    for code, step in (
        (pickle.PROTO, _version),
        (pickle.FRAME, lambda self: self._number("<Q")),
        (pickle.MARK, _constant(MARK)),
        (pickle.POP, lambda self: self._stack.pop()),
        (pickle.NONE, _constant(None)),
        (pickle.NEWTRUE, _constant(True)),
        (pickle.NEWFALSE, _constant(False)),
        (pickle.BININT, _read("<i")),
        (pickle.BININT1, _read("<B")),
        (pickle.BININT2, _read("<H")),
        (pickle.LONG1, _long("<B")),
        (pickle.LONG4, _long("<I")),
        (pickle.BINFLOAT, _read(">d")),
        (pickle.BINUNICODE, _text("<I")),
        (pickle.SHORT_BINUNICODE, _text("<B")),
        (pickle.BINUNICODE8, _text("<Q")),
        (pickle.SHORT_BINSTRING, _old_text("<B")),
        (pickle.BINSTRING, _old_text("<I")),
        (pickle.BINBYTES, _bytes("<I")),
        (pickle.SHORT_BINBYTES, _bytes("<B")),
        (pickle.BINBYTES8, _bytes("<Q")),
        (pickle.BYTEARRAY8, _bytes("<Q", bytearray)),
        (pickle.EMPTY_TUPLE, _constant(())),
        (pickle.TUPLE1, _tuple(1)),
        (pickle.TUPLE2, _tuple(2)),
        (pickle.TUPLE3, _tuple(3)),
        (pickle.TUPLE, lambda self: self._push(tuple(self._since_mark()))),
        (pickle.EMPTY_LIST, _fresh(list)),
        (pickle.LIST, lambda self: self._push(self._since_mark())),
        (pickle.APPEND, _one_more),
        (pickle.APPENDS, lambda self: self._extend(self._since_mark())),
        (pickle.EMPTY_DICT, _fresh(dict)),
        (pickle.SETITEM, _one_item),
        (pickle.SETITEMS, lambda self: self._set_items(self._since_mark())),
        (pickle.EMPTY_SET, _fresh(set)),
        (pickle.ADDITEMS, lambda self: self._add_items(self._since_mark())),
        (pickle.FROZENSET, lambda self: self._push(frozenset(map(checked_key, self._since_mark())))),
        (pickle.GLOBAL, lambda self: self._push(self._global(self._line(), self._line()))),
        (pickle.STACK_GLOBAL, _stack_global),
        (pickle.REDUCE, lambda self: self._push(self._call())),
        (pickle.NEWOBJ, lambda self: self._push(self._new())),
        (pickle.BUILD, Interpreter._build),
        (pickle.BINPUT, _put("<B")),
        (pickle.LONG_BINPUT, _put("<I")),
        (pickle.MEMOIZE, lambda self: self._remember(len(self._memo))),
        (pickle.BINGET, _get("<B")),
        (pickle.LONG_BINGET, _get("<I")),
        (pickle.BINPERSID, lambda self: self._push(self._find_storage(self._pop()))),
    )
}
