"""Jacobians, Hessians and their products with vectors, of functions of tensors: PyTorch's older interface; `tour.func` composes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tour
from tour import Tensor
from tour.autograd import forward

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Function = Callable[..., Any]
Tensors = tuple[Any, ...]


# --- What goes in and comes out -------------------------------------------------------------------------------------------------


def _tuple(x: Any, name: str, what: str) -> Tensors:
    """A tensor or tuple of tensors as a tuple.

    Raises:
        TypeError: If it is something else.
    """
    if isinstance(x, Tensor):
        return (x,)
    said = f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the"
    if not isinstance(x, (tuple, list)):
        raise TypeError(f"{said} given {what} has type {type(x)}.")
    for i, t in enumerate(x):
        if not isinstance(t, Tensor):
            raise TypeError(f"{said} value at index {i} has type {type(t)}.")
    return tuple(x)


def _like(x: Any, results: Sequence[Any]) -> Any:
    """A tensor where a tensor was given, a tuple where a tuple was."""
    return results[0] if isinstance(x, Tensor) else tuple(results)


def _inputs(inputs: Any, name: str, create_graph: bool) -> Tensors:
    """Inputs to differentiate with respect to: leaves of their own, or with their history where that is to be kept."""
    return tuple(
        t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_()
        for t in _tuple(inputs, name, "inputs")
    )


def _run(func: Function, xs: Tensors, name: str, strict: bool) -> tuple[Any, Tensors]:
    """What the function returns, as it is and as a tuple.

    Raises:
        TypeError: If it is neither a tensor nor a tuple of tensors.
        RuntimeError: If `strict` and an output has no history.
    """
    with tour.enable_grad():
        y = func(*xs)
    ys = _tuple(y, name, "outputs of the user-provided function")
    for i, t in enumerate(ys):
        if strict and not t.requires_grad:
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients. The outputs must be computed in a "
                "differentiable manner from the input when running in strict mode."
            )
    return y, ys


def _vector(v: Any, like: Tensors, name: str, whose: str) -> Tensors:
    """The vector of a product, checked; ones for a single element.

    Raises:
        RuntimeError: If it is left out for more than one element, or does not fit.
    """
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if the {whose} a single Tensor with a single element; give one of the shapes "
                f"{[list(t.shape) for t in like]}"
            )
        return (tour.ones_like(like[0].detach()),)
    vs = _tuple(v, name, "v")
    if len(vs) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vs)}.")
    for i, (t, x) in enumerate(zip(vs, like, strict=True)):
        if t.shape != x.shape:
            where = f"Entry {i} in v" if len(vs) > 1 else "v"
            raise RuntimeError(f"{where} has invalid size: should be {x.shape} but got {t.shape}.")
    return vs


def _given(found: Sequence[Any], like: Tensors, complaint: str | None, lasting: str | None = None) -> Tensors:
    """Results, zeros for those that are None; refused instead if there is a complaint, which may name the place.

    Raises:
        RuntimeError: If one is None; or, with `lasting`, has no history itself.
    """
    for i, g in enumerate(found):
        if g is None and complaint is not None:
            raise RuntimeError(complaint.format(i) + " This is not allowed in strict mode.")
        if g is not None and lasting is not None and not g.requires_grad:
            raise RuntimeError(f"{lasting.format(i)} This is not allowed in strict mode when create_graph=True.")
    return tuple(tour.zeros_like(x.detach()) if g is None else g for g, x in zip(found, like, strict=True))


def _detached(x: Any, keep: bool) -> Any:
    if keep:
        return x
    return x.detach() if isinstance(x, Tensor) else tuple(t.detach() for t in x)


_INDEPENDENT = "The output of the user-provided function is independent of input {}."
_CONSTANT = "The jacobian of the user-provided function is independent of input {}."
_LINEAR = (
    "While computing the hessian, found that the jacobian of the user-provided function with respect to input {} is independent of the "
    "input. You should ensure that your function is twice differentiable and that the jacobian depends on the inputs (this would be "
    "violated by a linear function for example)."
)


def _grads(ys: Sequence[Any], xs: Tensors, vs: Sequence[Any], create_graph: bool) -> list[Any]:
    """Gradients, None where no output depends on an input."""
    if create_graph:
        return tour.autograd.pullback(list(ys), list(xs), list(vs), True)
    pairs = [(t, g) for t, g in zip(ys, vs, strict=True) if t.requires_grad]
    if not pairs:
        return [None] * len(xs)
    outputs, gradients = zip(*pairs, strict=True)
    return list(tour.autograd.grad(outputs, xs, gradients, retain_graph=True, allow_unused=True))


# --- Products with the Jacobian --------------------------------------------------------------------------------------------------


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
    xs = _inputs(inputs, "vjp", create_graph)
    y, ys = _run(func, xs, "vjp", strict)
    found = _grads(ys, xs, _vector(v, ys, "vjp", "user-provided function returns"), create_graph)
    results = _given(found, xs, _INDEPENDENT if strict else None, _CONSTANT if strict and create_graph else None)
    return _detached(y, create_graph), _like(inputs, _detached(results, create_graph))


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and the product of its Jacobian with a vector, by forward mode.

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
    xs = _inputs(inputs, "jvp", create_graph)
    vs = _vector(v, xs, "jvp", "input to the user-provided function is")
    with forward.Noting() as notes:
        y, ys = _run(func, xs, "jvp", strict)
    found = forward.push(ys, xs, vs, notes, create_graph)
    results = _given(found, ys, _INDEPENDENT if strict else None, _CONSTANT if strict and create_graph else None)
    return _detached(y, create_graph), _like(y, _detached(results, create_graph))


# --- Whole matrices ----------------------------------------------------------------------------------------------------------------


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
        vectorize: Compute all rows (or columns) at once with `vmap`, instead of one after the other.
        strategy: `"reverse-mode"`, or with `vectorize` `"forward-mode"`, for fewer inputs than outputs.

    Raises:
        RuntimeError: If `strict` and an output is independent of an input, or `strict` and `vectorize` together.

    Examples:
        >>> import tour
        >>> tour.autograd.functional.jacobian(lambda x: x * x, tour.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(f"Expected strategy to be either 'forward-mode' or 'reverse-mode', got {strategy!r}")
    if strict and vectorize:
        raise RuntimeError(
            "jacobian: `strict=True` and `vectorize=True` are not supported together. Please set one of them False."
        )
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError("jacobian: forward mode is only implemented for `vectorize=True`.")
    xs = _inputs(inputs, "jacobian", create_graph)
    with forward.Noting() as notes:
        y, ys = _run(func, xs, "jacobian", strict)
    if not vectorize:
        blocks = [_block(t, i, xs, create_graph, strict) for i, t in enumerate(ys)]
    elif strategy == "reverse-mode":
        blocks = _by_rows(ys, xs, create_graph)
    else:
        blocks = _by_columns(ys, xs, notes, create_graph)
    rows = [_like(inputs, [_detached(b, create_graph) for b in row]) for row in blocks]
    return _like(y, rows)


def _block(t: Any, number: int, xs: Tensors, create_graph: bool, strict: bool) -> list[Any]:
    """The part of the Jacobian that belongs to one output, row by row."""
    complaint = f"Output {number} of the user-provided function is independent of input {{}}." if strict else None
    flat, one = t.reshape(-1), tour.ones((), dtype=t.dtype, device=t.device)
    lasting = _CONSTANT if strict and create_graph else None
    rows = [_given(_grads([flat[i]], xs, [one], create_graph), xs, complaint, lasting) for i in range(t.numel())]
    return [
        (tour.stack([r[j] for r in rows]) if rows else tour.zeros(0, *x.shape, dtype=x.dtype)).reshape(
            *t.shape, *x.shape
        )
        for j, x in enumerate(xs)
    ]


def _by_rows(ys: Tensors, xs: Tensors, create_graph: bool) -> list[list[Any]]:
    from tour.func.batching import vmap
    from tour.func.reverse import basis

    def pull(*cotangents: Any) -> Tensors:
        found = tour.autograd.pullback(list(ys), list(xs), list(cotangents), create_graph)
        return _given(found, xs, None)

    found = vmap(pull)(*basis([t.detach() for t in ys]))
    blocks, start = [], 0
    for t in ys:
        n = t.numel()
        blocks.append([g[start : start + n].reshape(*t.shape, *x.shape) for g, x in zip(found, xs, strict=True)])
        start += n
    return blocks


def _by_columns(ys: Tensors, xs: Tensors, notes: forward.Notes, create_graph: bool) -> list[list[Any]]:
    from tour.func.batching import vmap
    from tour.func.reverse import basis

    def push(*tangents: Any) -> Tensors:
        return _given(forward.push(ys, xs, tangents, notes, create_graph), ys, None)

    found = vmap(push, out_dims=-1)(*basis([x.detach() for x in xs]))
    blocks = []
    for t, columns in zip(ys, found, strict=True):
        parts = columns.split([x.numel() for x in xs], -1)
        blocks.append([part.reshape(*t.shape, *x.shape) for part, x in zip(parts, xs, strict=True)])
    return blocks


def _single(y: Any, name: str) -> Any:
    """The output of a function with a single element, without dimensions.

    Raises:
        RuntimeError: If it is none.
    """
    if not isinstance(y, Tensor):
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if y.numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element")
    return y.reshape(())


def hessian(
    func: Function, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Hessian of a function with a single element: for each pair of inputs a tensor of both their shapes.

    Args:
        func: Takes tensors, returns a tensor with one element.
        inputs: A tensor or a tuple.
        create_graph: Record the computation.
        strict: Raise for inputs that the gradient does not depend on.
        vectorize: Compute all rows (or columns) at once.
        outer_jacobian_strategy: How to differentiate the gradient: `"reverse-mode"`, or with `vectorize` `"forward-mode"`.

    Raises:
        RuntimeError: If the function does not return a single element; or what `jacobian` raises.

    Examples:
        >>> import tour
        >>> tour.autograd.functional.hessian(lambda x: (x**3).sum(), tour.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """

    def first(*xs: Any) -> Tensors:
        y = _single(func(*xs), "hessian")
        found = _given(_grads([y], xs, [tour.ones_like(y.detach())], True), xs, _INDEPENDENT if strict else None)
        return _varying(found) if strict else found

    given = _tuple(inputs, "hessian", "inputs")
    found = jacobian(first, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found[0][0] if isinstance(inputs, Tensor) else found


def _varying(gradients: Tensors) -> Tensors:
    """Gradients that depend on the inputs.

    Raises:
        RuntimeError: If one does not.
    """
    for i, g in enumerate(gradients):
        if not g.requires_grad:
            raise RuntimeError(_LINEAR.format(i) + " This is not allowed in strict mode.")
    return gradients


# --- Products with the Hessian ----------------------------------------------------------------------------------------------------


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The output of a function with a single element, and the product of a vector with its Hessian.

    Args:
        func: Takes tensors, returns a tensor with one element.
        inputs: A tensor or a tuple.
        v: The vector, of the inputs' shapes; may be left out for a single element.
        create_graph: Record the computation.
        strict: Raise for inputs that the gradient does not depend on.

    Examples:
        >>> import tour
        >>> from tour.autograd.functional import vhp
        >>> vhp(lambda x: (x**3).sum(), tour.tensor([1.0, 2.0]), tour.ones(2))[1]
        tensor([ 6., 12.])
    """
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The output of a function with a single element, and the product of its Hessian with a vector.

    `H v` with `H[i, j] = ∂²y / ∂x[i] ∂x[j]`. The Hessian is symmetric, so this is what `vhp` gives.

    Args:
        func: Takes tensors, returns a tensor with one element.
        inputs: A tensor or a tuple.
        v: The vector, of the inputs' shapes; None, for a single input with one element, means 1.
        create_graph: Record the computation, so that the results can be differentiated.
        strict: Raise if the output or its gradient does not depend on an input, rather than give zeros.

    Returns:
        The output, and the product: a tensor like `inputs`, or a tuple where a tuple was given.

    Raises:
        TypeError: If the inputs, or what the function returns, are neither a tensor nor a tuple of tensors.
        RuntimeError: If the function does not return a single element, `v` does not fit, or `strict` finds an
            independent input.

    Examples:
        >>> import tour
        >>> from tour.autograd.functional import hvp
        >>> hvp(lambda x: (x**3).sum(), tour.tensor([1.0, 2.0]), tour.ones(2))[1]
        tensor([ 6., 12.])
    """
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)


def _hessian_product(
    name: str, func: Function, inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[Any, Any]:
    xs = _inputs(inputs, name, create_graph)
    vs = _vector(v, xs, name, "input to the user-provided function is")
    y, ys = _run(func, xs, name, strict)
    _single(y, name)
    with tour.enable_grad():
        found = _grads([ys[0].reshape(())], xs, [tour.ones((), dtype=ys[0].dtype, device=ys[0].device)], True)
        first = _given(found, xs, _INDEPENDENT if strict else None)
        if strict:
            _varying(first)
        second = _given(_grads(first, xs, vs, create_graph), xs, _LINEAR if strict else None)
    return _detached(y, create_graph), _like(inputs, _detached(second, create_graph))
