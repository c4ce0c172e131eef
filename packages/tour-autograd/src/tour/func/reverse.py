"""Reverse mode: `grad`, `grad_and_value`, `vjp` and `jacrev`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tour
from tour import Tensor
from tour.func import _tree
from tour.func._history import detached, has_history, pulled, stand_in, tensors_of
from tour.func.batching import vmap

__all__ = ["grad", "grad_and_value", "jacrev", "vjp"]

Argnums = int | tuple[int, ...]
Function = Callable[..., Any]


def chosen(args: tuple[Any, ...], argnums: Argnums, name: str) -> tuple[Any, list[int]]:
    """The arguments to differentiate with respect to, and their places, counted from the front.

    Raises:
        RuntimeError: If there is no such argument, or one comes twice.
    """
    places = []
    for i in (argnums,) if isinstance(argnums, int) else argnums:
        if not -len(args) <= i < len(args):
            raise RuntimeError(f"{name}: Got argnum={i}, but only {len(args)} positional inputs")
        places.append(i % len(args))
    if not places or len(set(places)) < len(places):
        raise RuntimeError(f"{name}: argnums must name at least one argument, and none twice; got {argnums}")
    return (args[places[0]] if isinstance(argnums, int) else tuple(args[i] for i in places)), places


def replaced(args: tuple[Any, ...], places: list[int], values: Any, argnums: Argnums) -> tuple[Any, ...]:
    """The arguments with others in some places."""
    parts = (values,) if isinstance(argnums, int) else values
    held = list(args)
    for i, part in zip(places, parts, strict=True):
        held[i] = part
    return tuple(held)


def own_arguments(tree: Any, recorded: bool, name: str) -> tuple[list[Tensor], Any]:
    """Stand-ins for the tensors of a tree, and the tree with them.

    Raises:
        RuntimeError: If something in the tree is no tensor.
    """
    leaves, structure = _tree.flatten(tree)
    for x in leaves:
        if not isinstance(x, Tensor):
            raise RuntimeError(
                f"{name}: Expected inputs to differentiate with respect to to be Tensors, got {type(x).__name__}"
            )
    own = [stand_in(x, recorded) for x in leaves]
    return own, _tree.unflatten(own, structure)


def with_aux(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    """What a function returned, and what it returned beside it.

    Raises:
        RuntimeError: If it should have returned a pair, and did not.
    """
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True, got {type(result).__name__}"
        )
    return result


def grad_and_value(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that gives the gradient of `func`, and its value.

    Args:
        func: Returns a tensor with one element and without dimensions; with `has_aux` a pair of it and anything else.
        argnums: Which argument or arguments to differentiate with respect to; they may be trees of tensors.
        has_aux: Whether `func` returns something beside.

    Returns:
        A function of the same arguments that returns `(gradient, value)`, or `(gradient, (value, aux))`.

    Raises:
        RuntimeError: If the result is no tensor, or has dimensions.

    Examples:
        >>> import tour
        >>> tour.func.grad_and_value(lambda x: (x**3).sum())(tour.tensor([1.0, 2.0]))
        (tensor([ 3., 12.]), tensor(9.))
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        outside = tour.is_grad_enabled()
        tree, places = chosen(args, argnums, "grad")
        with tour.enable_grad():
            own, stand_ins = own_arguments(tree, outside, "grad")
            output, aux = with_aux(
                func(*replaced(args, places, stand_ins, argnums), **kwargs), has_aux, "grad_and_value(f)(*args)"
            )
        _check_scalar(output)
        recorded = outside and has_history([output], own)
        grads = pulled([output], own, [tour.ones_like(output.detach())], recorded)
        if not recorded:
            output, aux = detached(output), detached(aux)
        found = _tree.unflatten(grads, _tree.flatten(tree)[1])
        return found, ((output, aux) if has_aux else output)

    return wrapped


def _check_scalar(output: Any) -> None:
    if not isinstance(output, Tensor):
        raise RuntimeError(
            f"grad_and_value(f)(*args): Expected f(*args) to return a tensor, got {type(output).__name__}"
        )
    if output.dim():
        raise RuntimeError(
            f"grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, got tensor with {output.dim()} dims. Maybe you "
            "wanted to use the vjp or jacrev APIs instead?"
        )


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that gives the gradient of `func`; nested, gradients of any order.

    Args:
        func: Returns a tensor with one element and without dimensions; with `has_aux` a pair of it and anything else.
        argnums: Which argument or arguments to differentiate with respect to; they may be trees of tensors.
        has_aux: Whether `func` returns something beside; then the result is `(gradient, aux)`.

    Raises:
        RuntimeError: If the result is no tensor, or has dimensions.

    Examples:
        >>> import tour
        >>> from tour.func import grad, vmap
        >>> grad(grad(tour.sin))(tour.tensor(0.5)) == -tour.sin(tour.tensor(0.5))
        tensor(True)

        A gradient for each sample:

        >>> loss = lambda w, x: (w * x).sum() ** 2
        >>> vmap(grad(loss), in_dims=(None, 0))(tour.ones(2), tour.tensor([[1.0, 2.0], [0.0, 1.0]]))
        tensor([[ 6., 12.],
                [ 0.,  2.]])
    """

    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return wrapped


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of `func`, and the function that takes a vector to its product with the Jacobian.

    Args:
        func: Returns a tensor or a tree of tensors; with `has_aux` a pair of it and anything else.
        primals: Arguments: tensors or trees of tensors.
        has_aux: Whether `func` returns something beside.

    Returns:
        `(value, vjp_fn)` or `(value, vjp_fn, aux)`. `vjp_fn(cotangents)` takes what has the structure of the value and returns a
        tuple with what has the structure of each argument; of a single argument just that.

    Raises:
        RuntimeError: If an argument or result is no tensor.

    Examples:
        >>> import tour
        >>> value, pull = tour.func.vjp(lambda x: x * x, tour.tensor([1.0, 2.0]))
        >>> value, pull(tour.ones(2))
        (tensor([1., 4.]), (tensor([2., 4.]),))
    """
    outside = tour.is_grad_enabled()
    with tour.enable_grad():
        own, stand_ins = own_arguments(primals, outside, "vjp(f, *primals)")
        output, aux = with_aux(func(*stand_ins), has_aux, "vjp(f, *primals)")
    outputs, structure = _tree.flatten(output)
    for t in outputs:
        if not isinstance(t, Tensor):
            raise RuntimeError(
                f"vjp(f, *primals): Expected f(*primals) to return only tensors, got unsupported type {type(t).__name__}"
            )
    further = outside and has_history(outputs, own)

    def vjp_fn(*cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given = cotangents[0] if len(cotangents) == 1 else cotangents
        arriving, have = _tree.flatten(given)
        if have != structure:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function.\n"
                f"cotangents: {have}, primal output: {structure}"
            )
        recorded = tour.is_grad_enabled() and (further or any(g._tape is not None for g in arriving))
        found = pulled(outputs, own, arriving, recorded if create_graph is None else create_graph)
        return _tree.unflatten(found, _tree.flatten(primals)[1])

    value = output if further else detached(output)
    return (value, vjp_fn, aux if further else detached(aux)) if has_aux else (value, vjp_fn)


def basis(like: list[Tensor]) -> list[Tensor]:
    """The unit vectors of several tensors together: for each tensor, one row for each element of all."""
    sizes = [t.numel() for t in like]
    count, start = sum(sizes), 0
    rows = []
    for t, n in zip(like, sizes, strict=True):
        block = tour.zeros(count, n, dtype=t.dtype, device=t.device)
        if n:
            block[start : start + n].diagonal().fill_(1)
        rows.append(block.reshape(count, *t.shape))
        start += n
    return rows


def jacrev(
    func: Function, argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Function:  # fmt: skip
    """A function that gives the Jacobian of `func` by reverse mode: a pass for each element of the value, all at once.

    Args:
        func: Returns a tensor or a tree of tensors; with `has_aux` a pair of it and anything else.
        argnums: Which argument or arguments to differentiate with respect to.
        has_aux: Whether `func` returns something beside; then the result is `(jacobian, aux)`.
        chunk_size: How many rows to compute at a time; None for all.

    Returns:
        A function whose result has the structure of the value, and in the place of each tensor the structure of the arguments;
        each part has the shape of the value's tensor followed by that of the argument's.

    Examples:
        >>> import tour
        >>> tour.func.jacrev(lambda x: x * x)(tour.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        tree, places = chosen(args, argnums, "jacrev")
        call = lambda x: func(*replaced(args, places, x, argnums), **kwargs)  # noqa: E731
        value, pull, *aux = vjp(call, tree, has_aux=has_aux)
        outputs, structure = _tree.flatten(value)
        inputs, in_structure = _tree.flatten(tree)
        units = [u.detach() for u in basis([t.detach() for t in outputs])]
        rows = vmap(lambda *cts: tuple(tensors_of(pull(_tree.unflatten(list(cts), structure)))), chunk_size=chunk_size)(
            *units
        )
        blocks, start = [], 0
        for t in outputs:
            n = t.numel()
            parts = [r[start : start + n].reshape(*t.shape, *x.shape) for r, x in zip(rows, inputs, strict=True)]
            blocks.append(_tree.unflatten(parts, in_structure))
            start += n
        found = _tree.unflatten(blocks, structure)
        return (found, aux[0]) if has_aux else found

    return wrapped
