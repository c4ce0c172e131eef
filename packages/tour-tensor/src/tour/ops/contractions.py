"""Sums of products over named dimensions: einsum, tensordot, Kronecker and cross products."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tour import _core
from tour._calling import numpy_too
from tour._errors import shape_text
from tour._shapes import wrap_dim, wrap_dims
from tour._storing import store
from tour.ops.linear import matmul

if TYPE_CHECKING:
    from tour._tensor import Tensor

__all__ = ["chain_matmul", "cross", "einsum", "kron", "tensordot"]


@numpy_too
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sums of products of two tensors over some dimensions of each.

    Args:
        a: A tensor.
        b: A tensor.
        dims: How many of the last dimensions of `a` and first of `b`; or two lists of dimensions.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> tour.tensordot(tour.ones(2, 3), tour.ones(3, 4), dims=1).shape
        tour.Size([2, 4])
    """
    if hasattr(dims, "_a"):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a._a.ndim, b._a.ndim):
            raise RuntimeError(
                f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}, shapes {a._a.shape}, {b._a.shape}"
            )
        dims = (range(a._a.ndim - dims, a._a.ndim), range(dims))
    left, right = (tuple(d) if not isinstance(d, int) else (d,) for d in dims)
    if len(left) != len(right):
        raise RuntimeError(f"both dimension lists should have same length, got {list(left)} and {list(right)}")
    left, right = wrap_dims(left, a._a.ndim), wrap_dims(right, b._a.ndim)
    for i, j in zip(left, right, strict=True):
        n, m = a._a.shape[i], b._a.shape[j]
        if n == 1 != m:  # a single slice serves all of the other's
            b = b.sum(j, True)
        elif m == 1 != n:
            a = a.sum(i, True)
        elif n != m:
            raise RuntimeError(
                "contracted dimensions need to match, but first has size "
                f"{a._a.shape[i]} in dim {i} and second has size {b._a.shape[j]} in dim {j}"
            )
    rows, columns = ([i for i in range(t._a.ndim) if i not in gone] for t, gone in ((a, left), (b, right)))
    count = math.prod(a._a.shape[i] for i in left)
    shape = [a._a.shape[i] for i in rows] + [b._a.shape[i] for i in columns]
    t = matmul(
        a.permute(*rows, *left).reshape(math.prod(a._a.shape[i] for i in rows), count),
        b.permute(*right, *columns).reshape(count, math.prod(b._a.shape[i] for i in columns)),
    ).reshape(shape)
    return t if out is None else store(out, t, "tensordot")


@numpy_too
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Kronecker product: `input` with each element replaced by its product with `other`.

    Examples:
        >>> import tour
        >>> tour.kron(tour.tensor([1, 10]), tour.tensor([1, 2]))
        tensor([ 1,  2, 10, 20])
    """
    n = max(input._a.ndim, other._a.ndim)
    a, b = ((1,) * (n - x._a.ndim) + x._a.shape for x in (input, other))
    both = input.reshape([k for m in a for k in (m, 1)]) * other.reshape([k for m in b for k in (1, m)])
    t = both.reshape([i * j for i, j in zip(a, b, strict=True)])
    return t if out is None else store(out, t, "kron")


@numpy_too
def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """Product of several matrices, in the order that takes the fewest operations.

    Examples:
        >>> import tour
        >>> tour.chain_matmul(tour.ones(2, 3), tour.ones(3, 4), tour.ones(4, 1)).shape
        tour.Size([2, 1])
    """
    from tour.linalg import multi_dot

    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for i, m in enumerate(matrices):
        if m._a.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {m._a.ndim}, expected 2 instead (matrix {i})")
    t = matrices[0] if len(matrices) == 1 else multi_dot(matrices)
    return t if out is None else store(out, t, "chain_matmul")


@numpy_too
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """Cross products of the vectors of three elements along a dimension (by default the first of size 3).

    Args:
        input: A tensor with size 3 along `dim`.
        other: A tensor with as many dimensions, and size 3 along `dim`, too; the other sizes broadcast.
        dim: The dimension of the vectors; None for the first of size 3 in `input`.
        out: A tensor to write the result into.

    Returns:
        The products, in the shape to which both broadcast.

    Raises:
        RuntimeError: If the numbers of dimensions differ, the vectors do not have three elements, or the shapes do not
            broadcast.
        IndexError: If `dim` is out of range.

    Examples:
        >>> import tour
        >>> tour.cross(tour.tensor([1, 0, 0]), tour.tensor([0, 1, 0]))
        tensor([0, 0, 1])
    """
    if input._a.ndim != other._a.ndim:
        raise RuntimeError(
            f"linalg.cross: inputs must have the same number of dimensions, got {input._a.ndim} and {other._a.ndim}"
        )
    if dim is None:
        found = [i for i, n in enumerate(input._a.shape) if n == 3]
        if not found:
            raise RuntimeError(f"no dimension of size 3 in input of shape {shape_text(input._a.shape)}")
        dim = found[0]
    axis = wrap_dim(dim, input._a.ndim)
    for t in (input, other):
        if t._a.shape[axis] != 3:
            raise RuntimeError(
                f"linalg.cross: inputs dimension {axis} must have length 3. Got {input._a.shape[axis]} and {other._a.shape[axis]}"
            )
    try:
        shape = np.broadcast_shapes(input._a.shape, other._a.shape)
    except ValueError:
        raise RuntimeError(
            f"linalg.cross: shapes {shape_text(input._a.shape)} and {shape_text(other._a.shape)} do not broadcast"
        ) from None
    a, b = input.expand(shape), other.expand(shape)
    t = a.roll(-1, axis) * b.roll(-2, axis) - a.roll(-2, axis) * b.roll(-1, axis)
    return t if out is None else store(out, t, "cross")


# --- einsum ---------------------------------------------------------------------------------------------------------------------
# Each operand loses what it alone has; then operands are contracted from left to right, every step one batched matrix product.


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sums of products of tensors whose dimensions are named by letters (Einstein's convention).

    Args:
        equation: Letters for the dimensions of each operand, and after `->` those of the result: `"ij,jk->ik"`. Letters that are
            missing there are summed over; without `->` the result has those that occur once, in alphabetical order. `...` stands
            for leading dimensions, which broadcast. Or operands and lists of numbers in turns: `einsum(a, [0, 1], b, [1, 2])`.
        operands: The tensors.

    Raises:
        RuntimeError: If letters and dimensions do not fit.

    Examples:
        >>> import tour
        >>> tour.einsum("ij,j->i", tour.tensor([[1, 2], [3, 4]]), tour.tensor([1, 10]))
        tensor([21, 43])
    """
    if isinstance(equation, str):
        tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
        inputs, output = _letters(equation)
    else:
        tensors, inputs, output = _sublists((equation, *operands))
    if len(tensors) != len(inputs):
        more = "fewer" if len(tensors) < len(inputs) else "more"
        raise RuntimeError(f"einsum(): {more} operands were provided than specified in the equation")
    for i, t in enumerate(tensors):
        if not isinstance(t, _core.Tensor):
            raise TypeError(f"einsum(): operand {i} must be a Tensor, not {type(t).__name__}")
    shapes = tuple([t._a.shape for t in tensors])
    steps, last = _plan(tuple(map(tuple, inputs)), None if output is None else tuple(output), shapes)
    held = dict(enumerate(tensors))
    for step in steps:
        _STEPS[step[0]](held, *step[1:])
    return held[last]  # type: ignore[no-any-return]


# What a plan may ask for, on the tensors held so far; the first parameters name them.
_STEPS: dict[str, Any] = {
    "diagonal": lambda held, k, i, j: held.__setitem__(k, held[k].diagonal(0, i, j)),
    "scale": lambda held, k, n: held.__setitem__(k, held[k] * n),
    "sum": lambda held, k, dims: held.__setitem__(k, held[k].sum(dims).to(held[k].dtype)),
    "permute": lambda held, k, order: held.__setitem__(k, held[k].permute(order)),
    "expand": lambda held, k, shape: held.__setitem__(k, held[k].expand(shape)),
    "reshape": lambda held, k, shape: held.__setitem__(k, held[k].reshape(shape)),
    "multiply": lambda held, k, other: held.__setitem__(k, held[k] * held.pop(other)),
    "matmul": lambda held, k, other: held.__setitem__(k, matmul(held[k], held.pop(other))),
}


@lru_cache(maxsize=512)
def _plan(inputs: Any, output: Any, shapes: tuple[tuple[int, ...], ...]) -> tuple[list[Any], int]:
    """The steps from the operands to the result, and which tensor that is; it depends on labels and shapes only."""
    steps: list[Any] = []
    named = [
        _named(steps, k, shape, list(labels)) for k, (shape, labels) in enumerate(zip(shapes, inputs, strict=True))
    ]
    if output is None:
        output = _implied([labels for _, labels in named])
    else:
        output = _spread_ellipsis(list(output), max(_rank_of_ellipsis(labels) for _, labels in named))
    sizes = _sizes(named, output)
    shape, have = _reduced(steps, 0, *named[0], [*(x for _, labels in named[1:] for x in labels), *output], sizes)
    for k in range(1, len(named)):
        later = {*(x for _, labels in named[k + 1 :] for x in labels), *output}
        right = _reduced(steps, k, *named[k], [*have, *later], sizes)
        shape, have = _contract(steps, k, (shape, have), right, later, sizes)
    shape, have = _reduced(steps, 0, shape, have, output, sizes)
    if have != output:
        steps.append(("permute", 0, tuple(have.index(x) for x in output)))
    return steps, 0


@lru_cache(maxsize=512)
def _letters(equation: str) -> tuple[list[list[Any]], list[Any] | None]:
    """Labels of the operands and of the result, from an equation."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    for i, part in enumerate([*left.split(","), right]):
        dots = part.replace("...", "", 1)
        if "." in dots:
            raise RuntimeError(
                f"einsum(): found '.' for operand {i} that is not part of any ellipsis, or an ellipsis that occurs twice"
            )
        for letter in dots:
            if not letter.isalpha():
                raise RuntimeError(f"einsum(): invalid subscript given at index {equation.find(letter)} in the equation string, "
                                   "subscripts must be in [a-zA-Z]")  # fmt: skip
    return [_split(part) for part in left.split(",")], _split(right) if arrow else None


def _split(part: str) -> list[Any]:
    before, dots, behind = part.partition("...")
    return [*before, Ellipsis, *behind] if dots else list(before)


def _sublists(args: tuple[Any, ...]) -> tuple[list[Any], list[list[Any]], list[Any] | None]:
    """Tensors, their labels and those of the result, from tensors and lists in turns."""
    if len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or at least one operand and its "
                         "subscripts list")  # fmt: skip
    output = list(args[-1]) if len(args) % 2 else None
    lists = [list(x) for x in args[1 : len(args) - len(args) % 2 : 2]]
    for x in (n for labels in [*lists, output or []] for n in labels):
        if x is not Ellipsis and not 0 <= x < 52:
            raise RuntimeError(f"einsum(): expected subscripts to be in range [0, 52), got {x}")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    spelled = [[x if x is Ellipsis else letters[x] for x in labels] for labels in [*lists, output or []]]
    return list(args[: len(args) - len(args) % 2 : 2]), spelled[:-1], spelled[-1] if output is not None else None


def _named(steps: list[Any], k: int, shape: tuple[int, ...], labels: list[Any]) -> tuple[tuple[int, ...], list[Any]]:
    """An operand's shape and labels, repeated ones made one; the dimensions of `...` are labelled by negative numbers."""
    extra = len(shape) - len(labels) + (Ellipsis in labels)
    if extra < 0 or (extra > 0 and Ellipsis not in labels):
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(labels) - (Ellipsis in labels)}) does not match the number of "
            f"dimensions ({len(shape)}) for operand {k}" + ("" if extra < 0 else " and no ellipsis was given")
        )
    names = _spread_ellipsis(labels, extra)
    for x in dict.fromkeys(names):
        while names.count(x) > 1:
            i = names.index(x)
            j = names.index(x, i + 1)
            if shape[i] != shape[j]:
                raise RuntimeError(
                    f"einsum(): subscript {x} is repeated for operand {k} but the sizes don't match, {shape[i]} != {shape[j]}"
                )
            steps.append(("diagonal", k, i, j))
            shape = (*(n for d, n in enumerate(shape) if d not in (i, j)), shape[i])
            names = [*(y for d, y in enumerate(names) if d not in (i, j)), x]
    return shape, names


def _spread_ellipsis(labels: list[Any], count: int) -> list[Any]:
    """Labels with numbers -count … -1 in the place of `...`."""
    if Ellipsis not in labels:
        return list(labels)
    at = labels.index(Ellipsis)
    return [*labels[:at], *range(-count, 0), *labels[at + 1 :]]


def _rank_of_ellipsis(labels: list[Any]) -> int:
    return -min((x for x in labels if isinstance(x, int)), default=0)


def _implied(inputs: list[list[Any]]) -> list[Any]:
    """The labels of a result that is not spelled out: those of `...`, and letters that occur once."""
    every = [x for labels in inputs for x in labels]
    dots = sorted({x for x in every if isinstance(x, int)})
    return dots + sorted(x for x in set(every) if not isinstance(x, int) and every.count(x) == 1)


def _sizes(named: list[tuple[tuple[int, ...], list[Any]]], output: list[Any]) -> dict[Any, int]:
    """The size of each label; 1 gives way to others."""
    sizes: dict[Any, int] = {}
    for k, (shape, labels) in enumerate(named):
        for x, n in zip(labels, shape, strict=True):
            if 1 not in (n, sizes.get(x, 1)) and sizes[x] != n:
                raise RuntimeError(
                    f"einsum(): subscript {x} has size {n} for operand {k} which does not broadcast with previously seen size "
                    f"{sizes[x]}"
                )
            if n != 1 or x not in sizes:
                sizes[x] = n
    for k, x in enumerate(output):
        if x not in sizes:
            raise RuntimeError(f"einsum(): output subscript {x} does not appear in the equation for any input operand")
        if x in output[:k]:
            raise RuntimeError(f"einsum(): output subscript {x} appears more than once in the output")
    return sizes


Named = tuple[tuple[int, ...], list[Any]]


def _reduced(
    steps: list[Any], k: int, shape: tuple[int, ...], labels: list[Any], wanted: Any, sizes: dict[Any, int]
) -> Named:
    """An operand summed over the labels that nobody else wants."""
    alone = tuple(i for i, x in enumerate(labels) if x not in wanted)
    if not alone:
        return shape, labels
    times = math.prod(sizes[labels[i]] // shape[i] if shape[i] else 1 for i in alone)
    if times != 1:  # a single slice stands for several
        steps.append(("scale", k, times))
    steps.append(("sum", k, alone))
    return tuple(n for i, n in enumerate(shape) if i not in alone), [x for x in labels if x in wanted]


def _contract(steps: list[Any], k: int, left: Named, right: Named, later: Any, sizes: dict[Any, int]) -> Named:
    """Product of what is held and operand `k`, summed over the labels that both have and nobody wants later."""
    la, lb = left[1], right[1]
    batch = [x for x in la if x in lb and x in later]
    gone = [x for x in la if x in lb and x not in later]
    rows, columns = [x for x in la if x not in lb], [x for x in lb if x not in la]
    result = [*batch, *rows, *columns]
    a = _ordered(steps, 0, left, [*batch, *rows, *gone], sizes)
    b = _ordered(steps, k, right, [*batch, *gone, *columns], sizes)
    shape = tuple(sizes[x] for x in result)
    if not gone:
        _reshape(steps, 0, a, (*a, *[1] * len(columns)))
        _reshape(steps, k, b, (*b[: len(batch)], *[1] * len(rows), *b[len(batch) :]))
        steps.append(("multiply", 0, k))
        return shape, result
    count = [math.prod(sizes[x] for x in names) for names in (batch, rows, gone, columns)]
    lead = (count[0],) if batch else ()
    _reshape(steps, 0, a, (*lead, count[1], count[2]))
    _reshape(steps, k, b, (*lead, count[2], count[3]))
    steps.append(("matmul", 0, k))
    _reshape(steps, 0, (*lead, count[1], count[3]), shape)
    return shape, result


def _reshape(steps: list[Any], k: int, have: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if have != wanted:
        steps.append(("reshape", k, wanted))


def _ordered(steps: list[Any], k: int, named: Named, wanted: list[Any], sizes: dict[Any, int]) -> tuple[int, ...]:
    """The shape of an operand with its dimensions in an order, and at their full sizes."""
    shape, labels = named
    order = tuple(labels.index(x) for x in wanted)
    if order != tuple(range(len(order))):
        steps.append(("permute", k, order))
    have, full = tuple(shape[i] for i in order), tuple(sizes[x] for x in wanted)
    if have != full:
        steps.append(("expand", k, full))
    return full


class Contractions:
    """Sums of products, as methods."""

    __slots__ = ()

    kron, cross = kron, cross
