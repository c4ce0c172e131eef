"""Jacobians, Hessians and their products with vectors, of functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tour
from tour import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Function = Callable[..., Any]


def _tuple(x: Any) -> tuple[Any, ...]:
    return (x,) if isinstance(x, Tensor) else tuple(x)


def _like(x: Any, results: tuple[Any, ...]) -> Any:
    """A tensor where a tensor was given, a tuple where a tuple was."""
    return results[0] if isinstance(x, Tensor) else results


def _inputs(inputs: Any, create_graph: bool) -> tuple[Any, ...]:
    """Inputs to differentiate with respect to: leaves of their own, or with their history where that is to be kept."""
    return tuple(
        t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_() for t in _tuple(inputs)
    )


def _zero_or(g: Any, like: Any, strict: bool, what: str) -> Any:
    if g is None and strict:
        raise RuntimeError(f"{what} is independent of an input. This is not allowed in strict mode.")
    return tour.zeros_like(like) if g is None else g


def _run(func: Function, xs: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    with tour.enable_grad():
        y = func(*xs)
    if not isinstance(y, (Tensor, tuple)):
        raise TypeError(f"The function must return a Tensor or a tuple of Tensors, not {type(y).__name__}")
    return y, _tuple(y)


def _grads(y: Any, xs: Any, v: Any, create_graph: bool, strict: bool) -> tuple[Any, ...]:
    pairs = [(t, g) for t, g in zip(_tuple(y), _tuple(v), strict=True) if t.requires_grad]
    if not pairs:
        return tuple(_zero_or(None, x, strict, "The output of the user-provided function") for x in xs)
    found = tour.autograd.grad(
        [t for t, _ in pairs],
        xs,
        [g for _, g in pairs],
        retain_graph=True,
        create_graph=create_graph,
        allow_unused=True,
    )
    return tuple(
        _zero_or(g, x, strict, "The output of the user-provided function") for g, x in zip(found, xs, strict=True)
    )


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and the product of a vector with its Jacobian.

    Args:
        func: Takes tensors, returns a tensor or a tuple.
        inputs: A tensor or a tuple.
        v: The vector, of the outputs' shapes; may be left out for a single element.
        create_graph: Record the computation, so that the results can be differentiated.
        strict: Raise for inputs that the output does not depend on, rather than give zeros.

    Examples:
        >>> import tour
        >>> from tour.autograd.functional import vjp
        >>> vjp(lambda x: x * x, tour.tensor([1.0, 2.0]), tour.ones(2))[1]
        tensor([2., 4.])
    """
    xs = _inputs(inputs, create_graph)
    y, ys = _run(func, xs)
    if v is None:
        if len(ys) != 1 or ys[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single element."
            )
        v = tour.ones_like(ys[0])
    results = _grads(y, xs, v, create_graph, strict)
    return _detached(y, create_graph), _like(inputs, _tuple(_detached(results, create_graph)))


def _detached(x: Any, keep: bool) -> Any:
    if keep:
        return x
    return x.detach() if isinstance(x, Tensor) else tuple(t.detach() for t in x)


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and the product of its Jacobian with a vector, by differentiating twice backwards.

    Args:
        func: Takes tensors, returns a tensor or a tuple.
        inputs: A tensor or a tuple.
        v: The vector, of the inputs' shapes; may be left out for a single element.
        create_graph: Record the computation.
        strict: Raise for outputs that depend on no input.

    Examples:
        >>> import tour
        >>> from tour.autograd.functional import jvp
        >>> jvp(lambda x: x * x, tour.tensor([1.0, 2.0]), tour.ones(2))[1]
        tensor([2., 4.])
    """
    xs = _inputs(inputs, create_graph)
    if v is None:
        if len(xs) != 1 or xs[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the input to the user-provided function is a single Tensor with a single element."
            )
        v = tour.ones_like(xs[0])
    y, ys = _run(func, xs)
    dummies = tuple(
        tour.zeros_like(t).requires_grad_() for t in ys
    )  # the vjp is linear in these: its derivative is the jvp
    with tour.enable_grad():
        back = _grads(y, xs, dummies, True, strict)
        pushed = (
            _grads(back, dummies, v, create_graph, False)
            if any(t.requires_grad for t in back)
            else tuple(map(tour.zeros_like, ys))
        )
    return _detached(y, create_graph), _like(y, _tuple(_detached(pushed, create_graph)))


def jacobian(
    func: Function, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Jacobian of `func`: for each output and input a tensor of shape output.shape + input.shape.

    Args:
        func: Takes tensors, returns a tensor or a tuple.
        inputs: A tensor or a tuple.
        create_graph: Record the computation.
        strict: Raise for outputs that do not depend on an input.
        vectorize: Accepted for PyTorch's sake.
        strategy: Accepted for PyTorch's sake.

    Examples:
        >>> import tour
        >>> tour.autograd.functional.jacobian(lambda x: x * x, tour.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    xs = _inputs(inputs, create_graph)
    y, ys = _run(func, xs)
    rows = []
    for t in ys:
        grads = [
            _grads(t.reshape(-1)[i], xs, tour.ones((), dtype=t.dtype), create_graph, strict) for i in range(t.numel())
        ]
        blocks = []
        for j, x in enumerate(xs):
            parts = [g[j] for g in grads]
            block = tour.stack(parts) if parts else tour.zeros(0, *x.shape, dtype=x.dtype)
            blocks.append(_detached(block.reshape(*t.shape, *x.shape), create_graph))
        rows.append(_like(inputs, tuple(blocks)))
    return _like(y, tuple(rows))


def hessian(
    func: Function, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Hessian of a function with a single element: for each pair of inputs a tensor of both their shapes.

    Args:
        func: Takes tensors, returns a tensor with one element.
        inputs: A tensor or a tuple.
        create_graph: Record the computation.
        strict: Raise for inputs the output does not depend on.
        vectorize: Accepted for PyTorch's sake.
        outer_jacobian_strategy: Accepted for PyTorch's sake.

    Examples:
        >>> import tour
        >>> tour.autograd.functional.hessian(lambda x: (x**3).sum(), tour.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """

    def first(*xs: Any) -> Any:
        y = func(*xs)
        if not isinstance(y, Tensor) or y.numel() != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain a single element")
        return _grads(y.reshape(()), xs, tour.ones((), dtype=y.dtype), True, strict)

    found = jacobian(first, _tuple(inputs), create_graph, False)
    return found[0][0] if isinstance(inputs, Tensor) else found


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The output of a function with a single element, and the product of a vector with its Hessian.

    Examples:
        >>> import tour
        >>> from tour.autograd.functional import vhp
        >>> vhp(lambda x: (x**3).sum(), tour.tensor([1.0, 2.0]), tour.ones(2))[1]
        tensor([ 6., 12.])
    """
    xs = _inputs(inputs, create_graph)
    y, _ = _run(func, xs)
    if v is None:
        v = tour.ones_like(xs[0])
    with tour.enable_grad():
        first = _grads(y.reshape(()), xs, tour.ones((), dtype=y.dtype), True, strict)
        second = _grads(first, xs, v, create_graph, strict)
    return _detached(y, create_graph), _like(inputs, _tuple(_detached(second, create_graph)))


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The output of a function with a single element, and the product of its Hessian with a vector.

    The Hessian is symmetric, so this is `vhp`.

    Examples:
        >>> import tour
        >>> from tour.autograd.functional import hvp
        >>> hvp(lambda x: (x**3).sum(), tour.tensor([1.0, 2.0]), tour.ones(2))[1]
        tensor([ 6., 12.])
    """
    return vhp(func, inputs, v, create_graph, strict)
