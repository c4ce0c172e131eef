"""Gradients against torch.autograd, by random projection: first order, through the in-place form, and second order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from expected import LOOSE

import tour

from .compare import differences
from .convert import OutOfScope, tensors, to_torch, to_tour
from .database import counterpart, function, samples, seed

Lines = Iterator[str]


def checks_of(op: Any) -> dict[str, Callable[[int], Lines]]:
    """The gradient checks that apply to an operator, by name."""
    found: dict[str, Callable[[int], Lines]] = {}
    if not op.supports_autograd:
        return found
    supported = op.supported_backward_dtypes("cpu") & op.supported_dtypes("cpu")
    for dtype, label in ((torch.float64, "gradient"), (torch.complex128, "complex gradient")):
        if dtype in supported:
            found[label] = lambda limit, dtype=dtype: first_order(op, op.op, function(op), dtype, limit)
            if op.supports_inplace_autograd and op.inplace_variant is not None and label == "gradient":
                found["in-place gradient"] = lambda limit: in_place(op, max(2, limit // 3))
            if op.supports_gradgrad and label == "gradient":
                found["second order"] = lambda limit: second_order(op, max(2, limit // 3))
    return found


def first_order(op: Any, theirs: Any, mine: Any, dtype: torch.dtype, limit: int) -> Lines:
    """The gradient of a random projection of the result with respect to every input that wants one."""
    for sample in samples(op, dtype, limit, requires_grad=True):
        leaves = wanting(sample)
        try:
            memo: dict[Any, Any] = {}
            args, kwargs = to_tour([sample.input, *sample.args], memo), to_tour(sample.kwargs, memo)
        except OutOfScope:
            continue
        want = _torch_gradient(op, theirs, sample, leaves)
        if want is None:
            continue
        yield from _named(sample, _compare_first(op, mine, sample, args, kwargs, [memo[id(t)] for t in leaves], want))


def wanting(sample: Any) -> list[torch.Tensor]:
    """The tensors of a sample that want a gradient."""
    found = tensors([sample.input, *sample.args, sample.kwargs], torch.Tensor)
    return list({id(t): t for t in found if t.requires_grad}.values())


def _named(sample: Any, lines: Lines) -> Lines:
    from .checks import described

    for line in lines:
        yield f"({described(sample)}): {line}"


def _torch_gradient(op: Any, f: Any, sample: Any, leaves: list[torch.Tensor]) -> list[torch.Tensor] | None:
    """PyTorch's gradients, or None where there are none to compare."""
    if not leaves:
        return None
    try:
        out = _quietly(f, sample.input, *sample.args, **sample.kwargs)
        loss = projected(sample, out)
        if loss is None:
            return None
        return filled(torch.autograd.grad(loss, leaves, allow_unused=True), leaves)
    except (RuntimeError, ValueError, TypeError):
        return None


def _quietly(f: Any, *args: Any, **kwargs: Any) -> Any:
    seed()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return f(*args, **kwargs)


def projected(sample: Any, out: Any) -> torch.Tensor | None:
    """A random projection of a result, after the sample's own processing, which removes what is not unique (signs of vectors)."""
    results = [t for t in tensors(sample.output_process_fn_grad(out), torch.Tensor) if t.requires_grad]
    torch.manual_seed(7)
    terms = [
        (torch.randn(t.shape, dtype=t.dtype).conj() * t).real.sum()
        if t.is_complex()
        else (torch.randn(t.shape, dtype=t.dtype) * t).sum()
        for t in results
    ]
    return sum(terms, torch.zeros((), dtype=torch.float64)) if terms else None


def filled(grads: Any, like: list[Any]) -> list[Any]:
    """Zeros where an input has no gradient."""
    return [torch.zeros_like(t) if g is None else g for g, t in zip(grads, like, strict=True)]


def cotangents(sample: Any, out: Any) -> tuple[list[Any], list[Any]]:
    """Those of tour's results that the projection depends on, and the gradient that arrives at each."""
    copies = to_torch(out)
    flat, mine = tensors(copies, torch.Tensor), tensors(out, tour.Tensor)
    for t, m in zip(flat, mine, strict=True):
        if m.requires_grad:
            t.requires_grad_()
    loss = projected(sample, copies)
    pairs = [(t, m) for t, m in zip(flat, mine, strict=True) if m.requires_grad]
    if loss is None or not pairs:
        return [], []
    arriving = torch.autograd.grad(loss, [t for t, _ in pairs], allow_unused=True)
    kept = [(m, to_tour(g)) for (_, m), g in zip(pairs, arriving, strict=True) if g is not None]
    return [m for m, _ in kept], [g for _, g in kept]


def _compare_first(op: Any, f: Any, sample: Any, args: Any, kwargs: Any, leaves: list[Any], want: list[Any]) -> Lines:
    try:
        out = _quietly(f, *args, **kwargs)
        outs, arriving = cotangents(sample, out)
        if not outs:
            yield "no result requires gradients"
            return
        got = _tour_grad(outs, leaves, arriving)
    except Exception as error:
        yield f"raises {type(error).__name__}: {str(error)[:200]}"
        return
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        yield from differences(g, w.detach(), LOOSE.get(op.name, 1.0), where=f"gradient {i}: " if len(want) > 1 else "")


def _tour_grad(outs: list[Any], inputs: list[Any], arriving: list[Any], create_graph: bool = False) -> list[Any]:
    grads = tour.autograd.grad(outs, inputs, arriving, allow_unused=True, create_graph=create_graph)
    return [tour.zeros_like(t) if g is None else g for g, t in zip(grads, inputs, strict=True)]


def in_place(op: Any, limit: int) -> Lines:
    """The gradient through the in-place form, written into a clone."""
    mine = counterpart(op.inplace_variant)
    if mine is None:
        return

    def into_clone(x: Any, *args: Any, f: Any, **kwargs: Any) -> Any:
        return f(x.clone(), *args, **kwargs)

    yield from first_order(
        op,
        lambda x, *args, **kwargs: into_clone(x, *args, f=op.inplace_variant, **kwargs),
        lambda x, *args, **kwargs: into_clone(x, *args, f=mine, **kwargs),
        torch.float64,
        limit,
    )


def second_order(op: Any, limit: int) -> Lines:
    """Gradients of a random projection of the gradients, with respect to the inputs and to the gradient that arrives."""
    f = function(op)
    for sample in samples(op, torch.float64, limit, requires_grad=True):
        leaves = wanting(sample)
        try:
            memo: dict[Any, Any] = {}
            args, kwargs = to_tour([sample.input, *sample.args], memo), to_tour(sample.kwargs, memo)
        except OutOfScope:
            continue
        want = _torch_second(op, sample, leaves)
        if want is not None:
            yield from _named(sample, _compare_second(op, f, args, kwargs, [memo[id(t)] for t in leaves], *want))


def _torch_second(op: Any, sample: Any, leaves: list[torch.Tensor]) -> Any:
    """PyTorch's results, the gradients arriving at them, the projection of the gradients, and its gradients."""
    if not leaves:
        return None
    try:
        out = _quietly(op.op, sample.input, *sample.args, **sample.kwargs)
        outs = [t for t in tensors(out, torch.Tensor) if t.requires_grad]
        torch.manual_seed(7)
        arriving = [torch.randn(t.shape, dtype=t.dtype).requires_grad_() for t in outs]
        grads = torch.autograd.grad(outs, leaves, arriving, create_graph=True, allow_unused=True)
        weights = [None if g is None else torch.randn_like(g) for g in grads]
        kept = [(g * w).sum() for g, w in zip(grads, weights, strict=True) if g is not None and g.requires_grad]
        if not kept:
            return None
        wrt = [*leaves, *arriving]
        return outs, arriving, weights, filled(torch.autograd.grad(sum(kept), wrt, allow_unused=True), wrt)
    except (RuntimeError, ValueError, TypeError):
        return None


def _compare_second(
    op: Any, f: Any, args: Any, kwargs: Any, leaves: Any, theirs: Any, arriving: Any, weights: Any, want: Any
) -> Lines:
    try:
        out = _quietly(f, *args, **kwargs)
        outs = [t for t in tensors(out, tour.Tensor) if t.requires_grad]
        if len(outs) != len(theirs) or any(
            line
            for a, b in zip(outs, theirs, strict=True)
            for line in differences(a, b.detach(), LOOSE.get(op.name, 1.0))
        ):
            return  # other signs or another order: first order checks these
        ours = to_tour(arriving)
        grads = tour.autograd.grad(outs, leaves, ours, create_graph=True, allow_unused=True)
        terms = [
            (g * to_tour(w)).sum()
            for g, w in zip(grads, weights, strict=True)
            if g is not None and w is not None and g.requires_grad
        ]
        if not terms:
            yield "second order: the gradient does not require gradients"
            return
        got = _tour_grad(
            [sum(terms[1:], terms[0])], [*leaves, *ours], [tour._core.wrap(torch.ones((), dtype=torch.float64).numpy())]
        )
    except Exception as error:
        yield f"raises {type(error).__name__}: {str(error)[:200]}"
        return
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        yield from differences(g, w.detach(), 10 * LOOSE.get(op.name, 1.0), where=f"gradient {i}: ")
