"""What may stand beside a tensor: Python numbers, NumPy arrays, tensors of other dtypes; and PyTorch's promotion between them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core, _dtypes
from tour._core import wrap
from tour._dtypes import BOOLEAN, COMPLEX, FLOATING, FROM_NUMPY, INTEGRAL, as_dtype, dtype, promote_types
from tour._errors import argument_error

if TYPE_CHECKING:
    from tour._tensor import Tensor

NUMBER = (int, float, complex, np.generic)  # bool is an int


def operand(x: Any, beside: Tensor) -> Tensor:
    """A tensor for the second operand of an op on `beside`.

    Numbers become tensors without dimensions, in the dtype that the result will have.

    Raises:
        TypeError: If `x` is no tensor, number or array.
    """
    kind = type(x)
    if kind is float or kind is int:
        a = beside._a
        if type(a) is _core.ndarray:
            known = _numbers[kind].get(a.dtype)
            if known is not None and (found := known.get(x)) is not None:
                return found
    if isinstance(x, _core.Tensor):
        return x  # type: ignore[no-any-return]
    if isinstance(x, NUMBER):
        return number(x, beside._a.dtype, beside._a)
    if isinstance(x, np.ndarray) or type(x) in _array_types():
        return wrap(native(x))
    raise TypeError(f"unsupported operand type: a tensor and {type(x).__name__!r}")


def tensor_argument(op: str, name: str, x: Any) -> Any:
    """The argument itself, or a tensor round a NumPy array.

    Raises:
        TypeError: If it is anything else.
    """
    if isinstance(x, _core.Tensor):
        return x
    if isinstance(x, np.ndarray):
        return wrap(native(x))
    raise argument_error(op, name, x)


def _array_types() -> Any:
    from tour._devices import BY_ARRAY

    return BY_ARRAY


def native(array: Any) -> Any:
    """A raw array whose dtype a tensor can hold: byte order made native, foreign dtypes refused.

    Raises:
        TypeError: If the dtype is none of tour's.
    """
    if array.dtype in FROM_NUMPY and array.dtype.isnative:
        return array if type(array) is not np.memmap and not isinstance(array, np.matrix) else np.asarray(array)
    return array.astype(as_dtype(array.dtype).numpy)


# Constants that programs have used, by kind of number and dtype of the tensor beside them: NumPy takes 130 ns to make an array,
# and twice that to look at a Python number in a ufunc. 0.0 is left out, because -0.0 is the same key.
_numbers: dict[type, dict[np.dtype[Any], dict[Any, Tensor]]] = {float: {}, int: {}}
_MOST_NUMBERS = 4096  # remembered per dtype; a program has few, but a loop over `x * i` many


def number(x: Any, beside: np.dtype[Any], array: Any = None) -> Tensor:
    """A tensor without dimensions that holds a Python number, in the dtype that arithmetic with dtype `beside` gives.

    Args:
        x: The number.
        beside: The dtype of the tensor beside it.
        array: The raw array of that tensor, if it may live on another device: those refuse NumPy arrays but take its scalars.
    """
    if isinstance(x, np.generic):
        x = x.item()
    target = _beside_number(beside, type(x))
    made = wrap(_constant(x, target))
    if array is not None and type(_core.held(array)) is not _core.ndarray:
        made._a = made._a[()]
    elif (x or type(x) is int) and type(x) in _numbers:
        known = _numbers[type(x)].setdefault(beside, {})
        if len(known) < _MOST_NUMBERS:
            made._parent = None  # shared by all, so it is part of no `inference_mode` block
            known[x] = made
    return made


def _constant(x: Any, target: np.dtype[Any]) -> np.ndarray[Any, Any]:
    try:
        array = np.array(x, target)
    except OverflowError:  # PyTorch wraps numbers that do not fit
        array = np.array(x & ((1 << 64) - 1), np.uint64).astype(target)
    array.setflags(write=False)
    return array


def _beside_number(beside: np.dtype[Any], kind: type) -> np.dtype[Any]:
    """The dtype of `tensor <op> number`: the tensor's, unless the number is of a higher kind."""
    have = FROM_NUMPY[beside]
    if kind is float or issubclass(kind, float):
        return beside if have.rank >= FLOATING else _dtypes.default_numpy()
    if kind is bool:
        return beside
    if issubclass(kind, int):
        return beside if have.rank >= INTEGRAL else _dtypes.int64.numpy
    return have.to_complex().numpy if have.rank >= FLOATING else _dtypes.default_complex().numpy


def match(input: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Both operands in the dtype of their result; a cast is recorded like any other op."""
    common = result_dtype(input._a, other._a)
    return cast(input, common), cast(other, common)


def common(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Any number of operands in the dtype of their result."""
    first = tensors[0]._a.dtype
    if all(t._a.dtype is first for t in tensors):
        return tensors
    target = promoted(tensors)
    return tuple(cast(t, target) for t in tensors)


def is_operand(x: Any) -> bool:
    """Whether `x` may stand beside a tensor in arithmetic: a tensor, a number or an array."""
    return isinstance(x, (_core.Tensor, np.ndarray, *NUMBER)) or type(x) in _array_types()


def cast(t: Tensor, target: dtype) -> Tensor:
    """The tensor itself, or a recorded copy in another dtype."""
    return t if t._a.dtype is target.numpy else t.to(target)


def result_dtype(a: Any, b: Any) -> dtype:
    """The dtype of an op on two raw arrays: those without dimensions count only by their kind."""
    da, db = FROM_NUMPY[a.dtype], FROM_NUMPY[b.dtype]
    if a.ndim and not b.ndim:
        return _outrank(da, db)
    if b.ndim and not a.ndim:
        return _outrank(db, da)
    return promote_types(da, db)


def promoted(tensors: Any) -> dtype:
    """The dtype of an op on a list of tensors: those without dimensions count only by their kind."""
    levels: list[dtype | None] = [None, None]
    for t in tensors:
        level, d = int(not t._a.ndim), FROM_NUMPY[t._a.dtype]
        held = levels[level]
        levels[level] = d if held is None else promote_types(held, d)
    first, second = levels
    return second if first is None else first if second is None else _outrank(first, second)  # type: ignore[return-value]


@cache
def _outrank(higher: dtype, lower: dtype) -> dtype:
    """The result of a tensor with dimensions beside one of lower priority."""
    if lower.rank <= higher.rank:
        return higher
    if higher.rank == FLOATING and lower.rank == COMPLEX:
        return higher.to_complex()
    return promote_types(higher, lower)


def result_type(tensor1: Tensor | complex, tensor2: Tensor | complex) -> dtype:
    """The dtype that arithmetic between two tensors or numbers gives.

    Priority falls from tensors with dimensions, over those without, to Python numbers: an operand of lower priority changes the
    result only when it is of a higher kind (bool < integer < floating < complex).

    Examples:
        >>> import tour
        >>> tour.result_type(tour.tensor([1, 2]), 1.0)
        tour.float32
    """
    rows: list[dtype | None] = [None, None, None]
    for x in (tensor1, tensor2):
        if isinstance(x, NUMBER) and not isinstance(x, np.generic):
            level, d = 2, as_dtype(type(x))
            d = (
                d
                if d.rank < FLOATING
                else _dtypes.get_default_dtype()
                if d.rank == FLOATING
                else _dtypes.default_complex()
            )
        else:
            array = x._a if isinstance(x, _core.Tensor) else np.asarray(x)
            level, d = (0 if array.ndim else 1), FROM_NUMPY[array.dtype]
        held = rows[level]
        rows[level] = d if held is None else promote_types(held, d)
    present = [d for d in rows if d is not None]
    return present[0] if len(present) == 1 else _outrank(present[0], present[1])


def floating(t: Tensor) -> Tensor:
    """The tensor itself if its dtype has fractions, otherwise a copy in the default dtype (as `sqrt` of integers needs)."""
    return t if FROM_NUMPY[t._a.dtype].rank >= FLOATING else t.to(_dtypes.get_default_dtype())


def is_boolean(array: Any) -> bool:
    """Whether a raw array holds booleans."""
    return FROM_NUMPY[array.dtype].rank == BOOLEAN
