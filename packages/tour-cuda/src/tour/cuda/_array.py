"""The array behind a CUDA tensor: a CuPy array that answers all that tour asks of an array.

Ufuncs and NumPy's functions are looked up in CuPy by name; what CuPy lacks or spells differently stands in `_differences.py`. Here is
also what all of them share: the current device becomes that of the operands, and memory that has run out is looked for once more.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tour.cuda import _bounds, _cupy, _memory

Array = Any  # one of CuPy


class Mixed(RuntimeError, TypeError):
    """An array of the host where one of the device is needed, or the other way round."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}: Expected all tensors to be on the same device, but found at least two devices, cpu and cuda; move one by .to() or "
            ".cpu()"
        )


class Flags:
    """How an array lies in memory; CuPy's flags, and that it may be written."""

    __slots__ = ("c_contiguous", "f_contiguous", "forc", "owndata")
    writeable = True

    def __init__(self, flags: Any) -> None:
        self.c_contiguous, self.f_contiguous = flags.c_contiguous, flags.f_contiguous
        self.forc, self.owndata = flags.forc, flags.owndata


class CudaArray:
    """An array in the memory of a GPU.

    Attributes:
        array: CuPy's array.
        base: The array that owns the memory of this one, if it is a view.
        dtype: Its NumPy dtype.
    """

    __slots__ = ("__weakref__", "array", "base", "dtype")
    __array_priority__ = 1000
    __hash__ = None  # type: ignore[assignment]

    array: Array
    base: CudaArray | None
    dtype: Any

    def __init__(self, array: Array, base: CudaArray | None = None) -> None:
        self.array, self.base, self.dtype = array, base, array.dtype

    shape = property(lambda self: self.array.shape)
    ndim = property(lambda self: self.array.ndim)
    size = property(lambda self: self.array.size)
    strides = property(lambda self: self.array.strides)
    itemsize = property(lambda self: self.array.itemsize)
    nbytes = property(lambda self: self.array.nbytes)
    flags = property(lambda self: Flags(self.array.flags))
    data = property(lambda self: self.array.data)
    device = property(lambda self: self.array.device)
    T = property(lambda self: closed(self.array.T, (self,)))
    mT = property(lambda self: closed(self.array.mT, (self,)))

    @property
    def real(self) -> CudaArray:
        """The real part, a view."""
        return self if self.dtype.kind != "c" else closed(self.array.real, (self,))

    @property
    def imag(self) -> CudaArray:
        """The imaginary part, a view; zeros for real numbers."""
        return closed(self.array.imag, (self,))  # type: ignore[no-any-return]

    def get(self) -> np.ndarray[Any, Any]:
        """A copy in the memory of the host; waits for the device."""
        return self.array.get()  # type: ignore[no-any-return]

    def item(self, *args: Any) -> Any:
        """The one element as a Python number; waits for the device."""
        return _memory.to_host(self.array).item(*args)

    def tolist(self) -> Any:
        """The elements as nested lists; waits for the device."""
        return _memory.to_host(self.array).tolist()

    def strided(self, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> CudaArray:
        """A view of the memory with other sizes and strides, `offset` bytes from the first element."""
        kind = _cupy.array_type()
        seen = kind(shape, self.dtype, self.array.data + offset, strides)
        return CudaArray(seen, self if self.base is None else self.base)

    def within(self, low: int, high: int, name: str) -> None:
        """Note that every element should lie in [low, high); if one does not, the next synchronisation says so."""
        _bounds.watch(self.array, low, high, name)

    def __matmul__(self, other: Any) -> Any:
        return np.matmul(self, other) if _takes(other) else NotImplemented

    def __len__(self) -> int:
        return len(self.array)

    def __bool__(self) -> bool:
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return operator.index(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"CudaArray({_memory.to_host(self.array)!r})"

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise Mixed(
            "can't convert cuda device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
        )

    def __getitem__(self, index: Any) -> Any:
        return run(_differences().read, (self, index))

    def __setitem__(self, index: Any, value: Any) -> None:
        run(_differences().write, (self, index, value))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        for x in inputs:
            if type(x) is not CudaArray and hasattr(x, "__array_ufunc__") and not isinstance(x, _HOST):
                return NotImplemented  # an array round one of ours: its own rules know what to do
        function = _ufuncs.get((ufunc, method)) or _find_ufunc(ufunc, method)
        if out is None:
            return run(function, inputs, kwargs)
        if type(out) is tuple:
            (out,) = out
        if not isinstance(out, CudaArray):
            raise Mixed(f"np.{ufunc.__name__} into an array of the host")
        run(function, inputs, {**kwargs, "out": out})
        return out

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(t is not CudaArray and t is not np.ndarray for t in types):
            return NotImplemented
        return run(_functions.get(function) or _find_function(function), args, kwargs, near=self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        form = _differences().METHODS.get(name)
        value = functools.partial(form, self.array) if form is not None else getattr(self.array, name)
        return (lambda *args, **kwargs: run(value, args, kwargs, (self,))) if callable(value) else value

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()  # type: ignore[no-any-return]

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return self.array.__cuda_array_interface__  # type: ignore[no-any-return]


_HOST = (np.ndarray, np.generic)


def _takes(x: Any) -> bool:
    """Whether an operand is one of CuPy's operators: an array of this kind or a number, not an array round one."""
    return type(x) is CudaArray or not hasattr(x, "__array_ufunc__") or isinstance(x, _HOST)


def _give_operators() -> None:
    """Python's operators, straight to CuPy's."""

    def forward(act: Any) -> Any:
        return lambda a, b: run(act, (a, b)) if _takes(b) else NotImplemented

    def backward(act: Any) -> Any:
        return lambda a, b: run(act, (b, a)) if _takes(b) else NotImplemented

    def alone(act: Any) -> Any:
        return lambda a: run(act, (a,))

    def in_place(act: Any) -> Any:
        def body(a: CudaArray, b: Any) -> CudaArray:
            run(act, (a, b))
            return a

        return body

    for name in "add sub mul truediv floordiv mod pow and or xor lshift rshift".split():
        act = getattr(operator, {"and": "and_", "or": "or_"}.get(name, name))
        setattr(CudaArray, f"__{name}__", forward(act))
        setattr(CudaArray, f"__r{name}__", backward(act))
        setattr(CudaArray, f"__i{name}__", in_place(getattr(operator, f"i{name}")))
    for name in "lt le gt ge eq ne".split():
        setattr(CudaArray, f"__{name}__", forward(getattr(operator, name)))
    for name in "neg pos invert abs".split():
        setattr(CudaArray, f"__{name}__", alone(getattr(operator, name)))


_give_operators()


# --- Running ----------------------------------------------------------------------------------------------------------------


def opened(x: Any) -> Any:
    """CuPy's arrays for those of tensors, also in lists; anything else as it is."""
    kind = type(x)
    if kind is CudaArray:
        return x.array
    if kind is np.ndarray and not x.ndim:
        return x[()]  # a number of the host is an argument of the kernel
    if kind is np.ndarray:
        raise Mixed("CUDA")
    return kind(map(opened, x)) if kind is tuple or kind is list else x


def closed(x: Any, operands: Any = ()) -> Any:
    """An array for what CuPy gave, which knows among the operands whose memory it looks into; tuples of them too."""
    kind = type(x)
    if kind is tuple or kind is list:
        return kind(closed(y, operands) for y in x)
    if isinstance(x, tuple):  # a named one, as of `slogdet`
        return kind(*(closed(y, operands) for y in x))
    if kind is not _cupy.array_type():
        return x
    root = x.base
    for o in operands:
        if type(o) is CudaArray and (o.array is x or (root is not None and (o.array is root or o.array.base is root))):
            return o if o.array is x else CudaArray(x, o if o.base is None else o.base)
    made = object.__new__(CudaArray)
    made.array, made.base, made.dtype = x, None, x.dtype
    return made


_SENDS: set[Callable[..., Any]] = set()  # functions that take arrays of the host


def run(
    function: Callable[..., Any], args: Any, kwargs: Any = None, operands: Any = None, near: CudaArray | None = None
) -> Any:
    """Call a function of CuPy with the arrays of tensors, on the device of the first of them, or that of `near` if there is none.

    Raises:
        tour.cuda.OutOfMemoryError: If there is no memory, also after the cache has been emptied.
    """
    raw = [x.array if type(x) is CudaArray else x if function in _SENDS else opened(x) for x in args]
    named = {k: opened(v) for k, v in kwargs.items()} if kwargs else {}
    with_room = functools.partial(_memory.with_room, function, raw, named)
    if _cupy.several() and (home := _home(raw, named, operands, near)) not in (None, _cupy.current()):
        with _cupy.module().cuda.Device(home):
            found = with_room()
    else:
        try:
            found = function(*raw, **named)
        except MemoryError:
            found = with_room()
    return closed(found, args if operands is None else operands)


def _home(raw: Any, named: dict[str, Any], operands: Any, near: CudaArray | None) -> int | None:
    """The number of the device of all arrays, or else of `near`; None where there is none.

    Raises:
        RuntimeError: If they are on several.
    """
    found: dict[int, None] = {}

    def look(x: Any) -> None:
        if type(x) is _cupy.array_type():
            found[int(x.data.device_id)] = None
        elif type(x) in (list, tuple):
            for y in x:
                look(y)

    for x in (*raw, *named.values(), *map(opened, operands or ())):
        look(x)
    if len(found) > 1:
        first, second, *_ = found
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, cuda:{first} and cuda:{second}!"
        )
    return next(iter(found), None if near is None else int(near.array.data.device_id))


# --- Looking up ---------------------------------------------------------------------------------------------------------------

_ufuncs: dict[tuple[np.ufunc, str], Callable[..., Any]] = {}
_functions: dict[Any, Callable[..., Any]] = {}


def forget() -> None:
    """Look everything up anew: another module takes the place of CuPy."""
    _ufuncs.clear()
    _functions.clear()


@functools.cache
def _differences() -> Any:
    from tour.cuda import _differences

    return _differences


def _find_ufunc(ufunc: np.ufunc, method: str) -> Callable[..., Any]:
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    form = _differences().UFUNCS.get(name)
    if form is None and method == "__call__":
        form = getattr(_cupy.module(), ufunc.__name__, None)
    if form is None:
        raise TypeError(f"np.{name} has no form for CUDA arrays")
    _ufuncs[ufunc, method] = form
    return form  # type: ignore[no-any-return]


def _find_function(function: Any) -> Callable[..., Any]:
    module, name = function.__module__.removeprefix("numpy").lstrip("."), function.__name__
    path = f"{module}.{name}" if module else name
    form = _differences().FUNCTIONS.get(path)
    if form is None:
        try:
            form = functools.reduce(getattr, path.split("."), _cupy.module())
        except AttributeError:
            raise TypeError(f"np.{path} has no form for CUDA arrays") from None
    _functions[function] = form
    return form  # type: ignore[no-any-return]
