"""The one way to a kernel: `Kernel("rows.softmax_rows")(rows(n), x, y, n, 5, 0)`.

A call checks its arguments against the declaration in the source, packs them as the driver's `cuLaunchKernel` takes them, and hands
them to the `Runner` of the arrays' type. Only runners know a device: this package's is CuPy's; the tests have one that runs the
sources on the CPU; a C extension could be another.

Nothing here waits for the device, so calls may be captured in a graph once each has been made before (which compiles it).
"""

from __future__ import annotations

import ctypes
import struct
from contextlib import AbstractContextManager
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np

from tour.cuda import _source

Array = Any

WARP, BLOCK = 32, 256
MOST_BLOCKS = 1 << 14  # for kernels whose threads take one element after another: several rounds of any GPU there is
MOST_ROWS = 1 << 30
SIDE = 65535  # the most blocks along y and z

# C++ types of the sources: NumPy's dtype and the code of `struct`. T and A depend on how numbers are stored.
_TYPES = {
    "int": ("int32", "i"), "u32": ("uint32", "I"), "i64": ("int64", "q"), "u64": ("uint64", "Q"),
    "u8": ("bool", "B"), "float": ("float32", "f"), "double": ("float64", "d"),
    "Table": ("", "2312s"),  # of optimizers.cu, by value
}  # fmt: skip


class Grid(NamedTuple):
    """How many blocks, of how many threads: along x, y and z."""

    blocks: tuple[int, int, int]
    threads: tuple[int, int, int]


class Runner(Protocol):
    """What launches kernels on arrays of one type."""

    @property
    def several(self) -> bool:
        """Whether there may be several devices."""

    def function(self, file: str, kernel: str, defines: tuple[str, ...], like: Array) -> Any:
        """A compiled kernel, for the device of `like`."""

    def launch(self, function: Any, grid: Grid, parameters: int, arrays: list[Array]) -> None:
        """Start a kernel on the current stream; `parameters` is the address of an array of the addresses of its arguments."""

    def address(self, array: Array) -> int:
        """Where an array's elements begin."""

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Array) -> Array:
        """An array that is not filled, on the device of `like`."""

    def device(self, array: Array) -> Any:
        """What arrays that may be used together have in common."""

    def read(self, array: Array) -> np.ndarray[Any, Any]:
        """A copy on the host; waits for the device."""

    def on(self, like: Array) -> AbstractContextManager[Any]:
        """Within it the device of `like` is the current one."""

    def stream(self, like: Array) -> int:
        """The handle of the stream that is current on the device of `like`."""

    def capturing(self) -> bool:
        """Whether what is launched goes into a graph."""


RUNNERS: dict[type, Runner] = {}
captures: list[Any] = []  # the graphs that are being captured, which keep what their work needs in `kept`


def runner(array: Array) -> Runner:
    """The runner of an array.

    Raises:
        TypeError: If it is of no type that kernels can be run on.
    """
    found = RUNNERS.get(type(array))
    if found is None:
        raise TypeError(f"kernels take arrays of the device, but this one is a {type(array).__name__}")
    return found


def alike(*arrays: Array | None) -> None:
    """Refuse arrays of the host and of a device, or of several devices.

    Raises:
        RuntimeError: If there are some.
    """
    given = [a for a in arrays if a is not None]
    kinds = {type(a) for a in given}
    if len(kinds) > 1 and all(kind is np.ndarray or kind in RUNNERS for kind in kinds):
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, cpu and cuda!"
        )
    served = RUNNERS.get(*kinds) if len(kinds) == 1 else None
    if len(given) > 1 and served is not None and served.several:
        devices = list(dict.fromkeys(map(served.device, given)))
        if len(devices) > 1:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{' and '.join(f'cuda:{device}' for device in devices[:2])}!"
            )


# --- Grids ----------------------------------------------------------------------------------------------------------------


def elements(n: int) -> Grid:
    """A thread for each of n elements, or for several where they are many."""
    return Grid((max(1, min(-(-n // BLOCK), MOST_BLOCKS)), 1, 1), (BLOCK, 1, 1))


def rows(count: int, length: int) -> Grid:
    """A block for each of `count` rows, with about four numbers of a row for each thread."""
    threads = min(max(WARP, -(-length // (4 * WARP)) * WARP), 1024)
    return Grid((max(1, min(count, MOST_ROWS)), 1, 1), (threads, 1, 1))


def tiles(across: int, down: int, width: int, height: int) -> Grid:
    """Blocks of width times height threads, as many as are given."""
    return Grid((max(1, across), max(1, min(down, SIDE)), 1), (width, height, 1))


# --- Kernels --------------------------------------------------------------------------------------------------------------

KERNELS: dict[str, Kernel] = {}


class Form(NamedTuple):
    """A kernel for one way to store numbers.

    Attributes:
        function: The runner's compiled kernel.
        layout: How its arguments are packed.
        offsets: Where each begins.
        dtypes: Of arrays; None for numbers.
    """

    function: Any
    layout: struct.Struct
    offsets: list[int]
    dtypes: list[Any]


class Kernel:
    """A kernel of one of the sources.

    Args:
        name: File and function, such as `"rows.softmax_rows"`.
    """

    def __init__(self, name: str) -> None:
        self.file, _, self.kernel = name.partition(".")
        self.name = name
        self.parameters = _source.kernels(self.file)[self.kernel]
        self._forms: dict[Any, Form] = {}
        KERNELS[name] = self

    def __call__(self, grid: Grid, *args: Any, scalar: Any = None, like: Array = None, **defines: int) -> None:
        """Launch it on the current stream.

        Args:
            grid: Blocks and threads.
            args: What the source declares: arrays, contiguous, on one device, None for a null pointer; and numbers.
            scalar: The dtype of its `T`; that of the first array of such where it is not given.
            like: An array on the device, where there may be none among the arguments.
            defines: Further macros that the source asks for.

        Raises:
            TypeError: If the arguments are not those of the declaration.
            ValueError: If an array has gaps.
            RuntimeError: If they are on several devices.
        """
        arrays = [a for p, a in zip(self.parameters, args, strict=False) if p.pointer and a is not None]
        alike(*(a for p, a in zip(self.parameters, args, strict=False) if p.pointer and type(a) is not bytes))
        like = arrays[0] if arrays else like
        served = runner(like)
        if scalar is None:
            scalar = next(
                a.dtype
                for p, a in zip(self.parameters, args, strict=False)
                if p.type == "T" and p.pointer and a is not None
            )
        device = served.device(like)
        key = served, device, scalar, *defines.items()
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = self._form(served, like, scalar, defines)
        function, layout, offsets, dtypes = form
        if len(args) != len(dtypes):
            raise TypeError(f"kernel {self.name} takes {len(dtypes)} arguments, but got {len(args)}")
        values = [
            self._address(served, p, dtype, a) if p.pointer else a
            for p, dtype, a in zip(self.parameters, dtypes, args, strict=True)
        ]
        buffer = ctypes.create_string_buffer(layout.size)
        try:
            layout.pack_into(buffer, 0, *values)
        except struct.error as error:
            raise TypeError(f"kernel {self.name}: {error}, in {values}") from None
        start = ctypes.addressof(buffer)
        addresses = (ctypes.c_void_p * len(values))(*[start + offset for offset in offsets])
        served.launch(function, grid, ctypes.addressof(addresses), arrays or [like])

    def _form(self, served: Runner, like: Array, scalar: Any, defines: dict[str, int]) -> Form:
        """The kernel for one way to store numbers."""
        stored = np.dtype(scalar).name
        if stored not in _source.SCALARS:
            raise TypeError(f"kernel {self.name} is for {', '.join(_source.SCALARS)}, but got {stored}")
        types = _TYPES | {"T": (stored, ""), "A": _TYPES["double" if stored == "float64" else "float"]}
        macros = f"SCALAR={_source.SCALARS[stored]}", *(f"{name}={value}" for name, value in defines.items())
        codes = ["Q" if p.pointer else types[p.type][1] for p in self.parameters]
        padded = [f"{code}{-struct.calcsize(code) % 8}x" for code in codes]
        offsets = [struct.calcsize("<" + "".join(padded[:i])) for i in range(len(padded))]
        dtypes = [types[p.type][0] if p.pointer else None for p in self.parameters]
        function = served.function(self.file, self.kernel, macros, like)
        return Form(function, struct.Struct("<" + "".join(padded)), offsets, dtypes)

    def _address(self, served: Runner, parameter: _source.Parameter, dtype: str, array: Array) -> int:
        if array is None:
            return 0
        if array.dtype.name != dtype:
            raise TypeError(f"kernel {self.name}: {parameter.name} must be {dtype}, but is {array.dtype.name}")
        if not array.flags.c_contiguous:
            raise ValueError(f"kernel {self.name}: {parameter.name} must be contiguous")
        return served.address(array)


# --- Memory ---------------------------------------------------------------------------------------------------------------


def empty(shape: tuple[int, ...], dtype: Any, like: Array) -> Array:
    """Memory for a result, on the device of `like`."""
    return runner(like).empty(shape, np.dtype(dtype), like)


def dense(a: Array, dtype: Any = None) -> Array:
    """The array itself if it is of that dtype and contiguous, else a copy that is; None stays None."""
    if a is None:
        return None
    if dtype is not None and a.dtype != dtype:
        a = a.astype(dtype)
    return a if a.flags.c_contiguous else a.copy()


def three(shape: tuple[int, ...], axis: int) -> tuple[int, int, int]:
    """How many elements lie before, along and behind a dimension.

    Examples:
        >>> three((2, 3, 4, 5), 1)
        (2, 3, 20)
    """
    return prod(shape[:axis]), shape[axis] if shape else 1, prod(shape[axis + 1 :])


def wide(dtype: Any) -> Any:
    """The dtype that numbers of a dtype are computed in."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


def serves(*arrays: Array | None) -> bool:
    """Whether all arrays are stored alike, in a way that the sources know."""
    alike(*arrays)
    kinds = {a.dtype for a in arrays if a is not None}
    return len(kinds) == 1 and kinds.pop().name in _source.SCALARS
