"""Forward mode: `jvp`, `linearize`, `jacfwd`; and `hessian`, forward over reverse."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tour
from tour import Tensor
from tour.autograd import forward
from tour.func import _tree
from tour.func._history import detached, has_history
from tour.func.batching import vmap
from tour.func.reverse import Argnums, Function, basis, chosen, jacrev, own_arguments, replaced, with_aux

__all__ = ["hessian", "jacfwd", "jvp", "linearize"]


class _Run:
    """A function run on stand-ins for its arguments, and noted.

    Attributes:
        value: What it returned, with its history.
        aux: What it returned beside it.
        outputs: The tensors of the value.
        structure: The structure of the value.
        recorded: Whether the value has a history outside of the run.
    """

    def __init__(self, func: Function, primals: Any, has_aux: bool, name: str) -> None:
        outside = tour.is_grad_enabled()
        with tour.enable_grad(), forward.Noting() as self.notes:
            self.own, stand_ins = own_arguments(primals, outside, name)
            self.value, self.aux = with_aux(func(*stand_ins), has_aux, name)
        self.outputs, self.structure = _tree.flatten(self.value)
        for t in self.outputs:
            if not isinstance(t, Tensor):
                raise RuntimeError(
                    f"{name}: Expected f(*primals) to return only tensors, got unsupported type {type(t).__name__}"
                )
        self.recorded = outside and has_history(self.outputs, self.own)
        if not self.recorded:
            self.value, self.aux = detached(self.value), detached(self.aux)

    def push(self, tangents: list[Tensor], strict: bool = False) -> Any:
        """The tangent of the value.

        Raises:
            RuntimeError: If `strict`, and an output depends on no argument.
        """
        recorded = tour.is_grad_enabled() and (self.recorded or any(t._tape is not None for t in tangents))
        found = forward.push(self.outputs, self.own, tangents, self.notes, recorded)
        if strict and any(t is None for t in found):
            raise RuntimeError(
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed with "
                "strict=True."
            )
        made = [tour.zeros_like(y.detach()) if t is None else t for t, y in zip(found, self.outputs, strict=True)]
        return _tree.unflatten(made, self.structure)


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of `func`, and the product of its Jacobian with a vector, by forward mode.

    It costs one run of the function, recorded, and about one more for the tangent. What runs under `tour.no_grad()` in the function
    counts as constant.

    Args:
        func: Returns a tensor or a tree of tensors; with `has_aux` a pair of it and anything else.
        primals: A tuple with the arguments.
        tangents: A tuple of the same structure: the direction.
        strict: Whether to raise for a result that does not depend on the arguments, instead of giving zeros.
        has_aux: Whether `func` returns something beside; then the result is `(value, tangent, aux)`.

    Raises:
        RuntimeError: If primals and tangents do not fit.

    Examples:
        >>> import tour
        >>> tour.func.jvp(tour.sin, (tour.tensor(0.0),), (tour.tensor(2.0),))
        (tensor(0.), tensor(2.))
    """
    arriving = _direction(primals, tangents)
    run = _Run(func, primals, has_aux, "jvp(f, primals, tangents)")
    pushed = run.push(arriving, strict)
    return (run.value, pushed, run.aux) if has_aux else (run.value, pushed)


def _direction(primals: Any, tangents: Any) -> list[Tensor]:
    """The tensors of a direction.

    Raises:
        RuntimeError: If it does not fit the arguments.
    """
    name = "jvp(f, primals, tangents)"
    for what, x in (("primals", primals), ("tangents", tangents)):
        if not isinstance(x, tuple):
            raise RuntimeError(f"{name}: Expected {what} to be a tuple. E.g. it should be valid to call f(*primals).")
    xs, structure = _tree.flatten(primals)
    ts, have = _tree.flatten(tangents)
    if structure != have:
        raise RuntimeError(
            f"{name}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple of 3 tensors, "
            f"tangents also must be. Got primals with structure {structure} and tangents with structure {have}"
        )
    for x, t in zip(xs, ts, strict=True):
        if not isinstance(x, Tensor) or not isinstance(t, Tensor):
            raise RuntimeError(
                f"{name}: Expected primals and tangents to hold only tensors, got {type(x).__name__} and {type(t).__name__}"
            )
        if x.shape != t.shape:
            raise RuntimeError(
                f"{name}: a tangent of shape {list(t.shape)} does not fit an argument of shape {list(x.shape)}"
            )
        if x.dtype is not t.dtype:
            raise RuntimeError(
                f"{name}: a tangent of dtype {t.dtype.name} does not fit an argument of dtype {x.dtype.name}"
            )
    return ts


def linearize(func: Function, *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of `func`, and the linear function that takes a direction to the tangent; the function runs once.

    Args:
        func: Returns a tensor or a tree of tensors.
        primals: The arguments.

    Returns:
        `(value, jvp_fn)`; `jvp_fn(*tangents)` takes what has the structure of the arguments.

    Examples:
        >>> import tour
        >>> value, push = tour.func.linearize(tour.exp, tour.tensor(0.0))
        >>> value, push(tour.tensor(3.0))
        (tensor(1.), tensor(3.))
    """
    run = _Run(func, primals, False, "linearize(f, *primals)")

    def jvp_fn(*tangents: Any) -> Any:
        return run.push(_direction(primals, tangents))

    return run.value, jvp_fn


def jacfwd(
    func: Function, argnums: Argnums = 0, has_aux: bool = False, *, chunk_size: int | None = None,
    randomness: str = "error",
) -> Function:  # fmt: skip
    """A function that gives the Jacobian of `func` by forward mode: a direction for each element of the arguments, all at once.

    Args:
        func: Returns a tensor or a tree of tensors; with `has_aux` a pair of it and anything else.
        argnums: Which argument or arguments to differentiate with respect to.
        has_aux: Whether `func` returns something beside; then the result is `(jacobian, aux)`.
        chunk_size: How many columns to compute at a time; None for all.
        randomness: Accepted for PyTorch's sake: the function runs once, outside of the batch.

    Returns:
        A function whose result is laid out as that of `jacrev`.

    Examples:
        >>> import tour
        >>> tour.func.jacfwd(lambda x: x * x)(tour.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        tree, places = chosen(args, argnums, "jacfwd")
        run = _Run(lambda x: func(*replaced(args, places, x, argnums), **kwargs), (tree,), has_aux, "jacfwd(f)(*args)")
        inputs, in_structure = _tree.flatten(tree)
        units = basis([x.detach() for x in inputs])
        columns = vmap(lambda *ts: tuple(_tree.flatten(run.push(list(ts)))[0]), out_dims=-1, chunk_size=chunk_size)(
            *units
        )
        rows = []
        for t, column in zip(run.outputs, columns, strict=True):
            parts, start = [], 0
            for x in inputs:
                n = x.numel()
                parts.append(column.narrow(-1, start, n).reshape(*t.shape, *x.shape))
                start += n
            rows.append(_tree.unflatten(parts, in_structure))
        found = _tree.unflatten(rows, run.structure)
        return (found, run.aux) if has_aux else found

    return wrapped


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """A function that gives the Hessian of `func`, forward mode over reverse mode.

    Args:
        func: Returns a tensor with one element, or several of them.
        argnums: Which argument or arguments to differentiate with respect to.

    Examples:
        >>> import tour
        >>> tour.func.hessian(lambda x: (x**3).sum())(tour.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
