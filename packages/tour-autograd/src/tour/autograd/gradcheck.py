"""Comparing gradients with differences of the function itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tour import _core
from tour._core import as_array, wrap

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """Raised when a gradient differs from what differences of the function say.

    Examples:
        >>> import tour
        >>> x = tour.ones(2, dtype=tour.float64, requires_grad=True)
        >>> try:
        ...     tour.autograd.gradcheck(lambda x: x * x.detach(), (x,))
        ... except GradcheckError:
        ...     print("half of the slope is missing")
        half of the slope is missing
    """


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the Jacobian that backward computes with central differences, for each input that requires gradients.

    Args:
        func: Takes tensors, returns a tensor or a tuple of tensors.
        inputs: A tensor or a tuple; those that require gradients should be float64 or complex128.
        eps: Step of the differences.
        atol: Absolute tolerance.
        rtol: Relative tolerance.
        raise_exception: Whether a difference raises, rather than gives False.
        nondet_tol: How much two backward passes may differ.
        check_undefined_grad: Accepted for PyTorch's sake.
        check_grad_dtypes: Whether gradients must have their inputs' dtypes.
        check_batched_grad: Accepted for PyTorch's sake.
        check_batched_forward_grad: Accepted for PyTorch's sake.
        check_forward_ad: Accepted for PyTorch's sake.
        check_backward_ad: Whether to check at all.
        fast_mode: Compare one random projection rather than each entry.
        masked: Accepted for PyTorch's sake.

    Raises:
        GradcheckError: If a gradient differs and `raise_exception`.
        ValueError: If no input requires gradients.

    Examples:
        >>> import tour
        >>> x = tour.tensor([0.5, 1.5], dtype=tour.float64, requires_grad=True)
        >>> tour.autograd.gradcheck(lambda x: (x * x).sin(), x)
        True
    """
    given = (inputs,) if isinstance(inputs, _core.Tensor) else tuple(inputs)
    watched = [i for i, t in enumerate(given) if isinstance(t, _core.Tensor) and t.requires_grad]
    if not watched:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    try:
        for k in range(len(_outputs(func, given))):
            _check_output(func, given, watched, k, eps, atol, rtol, nondet_tol, fast_mode)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """`gradcheck` of the gradient: compares second derivatives with differences of the first.

    Args:
        func: Takes tensors, returns a tensor or a tuple of tensors.
        inputs: A tensor or a tuple.
        grad_outputs: Gradients of the outputs; random ones if None.
        eps: Step of the differences.
        atol: Absolute tolerance.
        rtol: Relative tolerance.
        gen_non_contig_grad_outputs: Accepted for PyTorch's sake.
        raise_exception: Whether a difference raises, rather than gives False.
        nondet_tol: How much two backward passes may differ.
        check_undefined_grad: Accepted for PyTorch's sake.
        check_grad_dtypes: Accepted for PyTorch's sake.
        check_batched_grad: Accepted for PyTorch's sake.
        check_fwd_over_rev: Accepted for PyTorch's sake.
        check_rev_over_rev: Accepted for PyTorch's sake.
        fast_mode: Compare one random projection rather than each entry.
        masked: Accepted for PyTorch's sake.

    Raises:
        GradcheckError: If a second derivative differs and `raise_exception`.

    Examples:
        >>> import tour
        >>> x = tour.tensor([0.5, 2.0], dtype=tour.float64, requires_grad=True)
        >>> tour.autograd.gradgradcheck(tour.tanh, (x,))
        True
    """
    from tour.autograd import grad

    given = (inputs,) if isinstance(inputs, _core.Tensor) else tuple(inputs)
    outputs = _outputs(func, given)
    rng = np.random.default_rng(0)
    if grad_outputs is None:
        seeds = [wrap(_random(rng, t._a)).requires_grad_() for t in outputs]
    else:
        seeds = [grad_outputs] if isinstance(grad_outputs, _core.Tensor) else list(grad_outputs)

    def first(*args: Any) -> Any:
        xs, gs = args[: len(given)], args[len(given) :]
        watched = [t for t in xs if isinstance(t, _core.Tensor) and t.requires_grad]
        return grad(_outputs(func, xs), watched, list(gs), create_graph=True, allow_unused=True, materialize_grads=True)

    return gradcheck(
        first, (*given, *seeds), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol, fast_mode=fast_mode
    )  # fmt: skip


def _outputs(func: Callable[..., Any], inputs: Sequence[Any]) -> list[Any]:
    """The differentiable outputs of a function."""
    made = func(*inputs)
    return [t for t in ((made,) if isinstance(made, _core.Tensor) else made) if t._a.dtype.kind in "fcV"]


def _random(rng: np.random.Generator, like: Any) -> Any:
    values = rng.standard_normal(like.shape)
    if like.dtype.kind == "c":
        values = values + 1j * rng.standard_normal(like.shape)
    return np.asarray(values.astype(like.dtype), like=like)


def _check_output(
    func: Any,
    inputs: Any,
    watched: list[int],
    k: int,
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
    fast: bool,
) -> None:
    """Check one output against all inputs."""
    from tour.autograd import grad

    y = _outputs(func, inputs)[k]
    if not y.requires_grad:
        for i in watched:
            u = _random(np.random.default_rng(1), inputs[i]._a)
            _compare(0.0, np.abs(_slope(func, inputs, i, k, u, eps)).max(initial=0), i, k, atol, rtol)
        return
    rng = np.random.default_rng(k)
    for v in [_random(rng, y._a)] if fast else _basis(y._a):
        xs = [inputs[i] for i in watched]
        grads = grad(y, xs, wrap(v), retain_graph=True, allow_unused=True)
        again = grad(y, xs, wrap(v), retain_graph=True, allow_unused=True)
        for i, g, g2 in zip(watched, grads, again, strict=True):
            if g is not None and np.abs(g._a - g2._a).max(initial=0) > nondet_tol:
                raise GradcheckError(
                    f"Backward is not reentrant, i.e., running backward with same input gives different values for input {i}"
                )
            analytic = np.zeros_like(inputs[i]._a) if g is None else g._a
            for u in [_random(rng, inputs[i]._a)] if fast else _basis(inputs[i]._a):
                _compare(_inner(u, analytic), _inner(_slope(func, inputs, i, k, u, eps), v), i, k, atol, rtol)


def _basis(a: Any) -> Any:
    """Arrays with a single one; for complex dtypes also with a single imaginary one."""
    for one in (1, 1j) if a.dtype.kind == "c" else (1,):
        for index in np.ndindex(a.shape):
            e = np.zeros_like(a)
            e[index] = one
            yield e


def _inner(a: Any, b: Any) -> Any:
    """The real inner product, under which PyTorch's gradients are defined for complex numbers too."""
    return (np.conj(a) * b).sum().real


def _slope(func: Any, inputs: Any, i: int, k: int, u: Any, eps: float) -> Any:
    """Change of output `k` when input `i` moves along `u`."""

    def at(step: float) -> Any:
        moved = list(inputs)
        moved[i] = wrap(as_array(inputs[i]._a + step * u).astype(inputs[i]._a.dtype, copy=False)).requires_grad_()
        return _outputs(func, moved)[k]._a

    return (at(eps) - at(-eps)) / (2 * eps)


def _compare(analytic: Any, numeric: Any, i: int, k: int, atol: float, rtol: float) -> None:
    if not np.allclose(analytic, numeric, rtol, atol, equal_nan=True):
        raise GradcheckError(
            f"Jacobian mismatch for output {k} with respect to input {i},\nnumerical:{numeric}\nanalytical:{analytic}"
        )
