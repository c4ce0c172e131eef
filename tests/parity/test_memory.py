"""What an operator computes does not depend on how its tensors lie in memory, and what it keeps may be overwritten as in PyTorch.

Every differentiable operator of PyTorch's database is run a second time on tensors whose last dimension is not the dense one, with
incoming gradients that lie likewise: results and gradients must be those of dense tensors. Then its result, or its input, is written
into before the backward pass: where PyTorch allows it, tour must, with the same gradients.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from harness.convert import OutOfScope, tensors, to_tour
from harness.database import OPERATORS, Missing, function, samples, seed
from harness.gradients import wanting

import tour

pytestmark = pytest.mark.filterwarnings("ignore")
ABSENT = ("chalf",)  # complex32 has no NumPy dtype
DIFFERENTIABLE = {
    name: op
    for name, op in OPERATORS.items()
    if op.supports_autograd and torch.float64 in op.dtypes and name not in ABSENT
}

# Draw their masks in the order of memory, as PyTorch does: elsewhere lie other numbers.
DRAWN = (
    "nn.functional.dropout",
    "nn.functional.alpha_dropout",
    "nn.functional.feature_alpha_dropout",
    "nn.functional.rrelu",
)

# Operators that look at the layout itself, or whose memory PyTorch leaves unset.
LAYOUT = (
    "as_strided",
    "view",
    "view_as",
    "resize_",
    "resize_as_",
    "empty",
    "new_empty",
    "empty_like",
    "empty_strided",
    "contiguous",
    "to",
    "view_as_complex",
    "view_copy",
    "as_strided_copy",
    "as_strided_scatter",
)


def laid_out(x: Any) -> Any:
    """The same elements with the first dimension dense."""
    if isinstance(x, tour.Tensor) and x.ndim > 1:
        t = tour.from_numpy(np.array(x._a, order="F")) if x._a.dtype.kind in "fiubc" else x.detach()
        return t.requires_grad_() if x.requires_grad else t
    if isinstance(x, list | tuple) and not hasattr(x, "_fields"):
        return type(x)(laid_out(y) for y in x)
    return {k: laid_out(v) for k, v in x.items()} if type(x) is dict else x


def gradients(f: Callable[..., Any], args: Any, kwargs: Any, order: str) -> tuple[list[Any], list[Any]]:
    """Results, and the gradients of a projection of them, both as arrays."""
    leaves = [t for t in tensors([args, kwargs], tour.Tensor) if t.requires_grad]
    seed()
    outs = [t for t in tensors(f(*args, **kwargs), tour.Tensor) if t.requires_grad]
    given = [
        tour.from_numpy(np.array(np.cos(np.arange(t.numel())).reshape(t.shape), dtype=t._a.dtype, order=order))
        for t in outs
    ]
    found = tour.autograd.grad(outs, leaves, given, allow_unused=True) if outs and leaves else ()
    return [t._a for t in outs], [None if g is None else g._a for g in found]


def equal(got: list[Any], want: list[Any]) -> bool:
    return len(got) == len(want) and all(
        (a is None) == (b is None) and (a is None or np.allclose(a, b, rtol=1e-7, atol=1e-9, equal_nan=True))
        for a, b in zip(got, want, strict=True)
    )


@pytest.mark.parametrize("name", [name for name, op in DIFFERENTIABLE.items() if op.name not in (*LAYOUT, *DRAWN)])
def test_results_do_not_depend_on_the_layout(name: str, limit: int) -> None:
    op = DIFFERENTIABLE[name]
    try:
        f = function(op)
    except Missing:
        pytest.skip("not in tour")
    for sample in samples(op, torch.float64, limit, requires_grad=True):
        try:
            args, kwargs = to_tour([sample.input, *sample.args], memo := {}), to_tour(sample.kwargs, memo)
        except OutOfScope:
            continue
        try:
            want = gradients(f, args, kwargs, "C")
        except Exception:
            continue  # what dense tensors do is the other tests' business
        got = gradients(f, laid_out(args), laid_out(kwargs), "F")
        assert equal(got[0], want[0]), "results depend on the layout"
        assert equal(got[1], want[1]), "gradients depend on the layout"


# --- Writing over what a backward pass might need ----------------------------------------------------------------------------


def after_writing(op: Any, f: Any, library: Any, args: list[Any], kwargs: Any, what: str) -> list[Any] | None:
    """Gradients with respect to the input after its successor, or the result, was written into; None if that was refused."""
    leaf = args[0]
    seed()
    x = leaf * 1
    try:
        out = f(x, *args[1:], **kwargs)
        out = out[0] if isinstance(out, list | tuple) else out
        if not out.requires_grad or out.is_complex():
            return []
        if what == "result":
            out.mul_(0.5)
        else:
            with library.no_grad():
                x.mul_(0.5)
        (g,) = library.autograd.grad(out.sum(), leaf)
        return [g.detach().numpy()]
    except RuntimeError as error:
        if "modified by an inplace operation" in str(error) or "in-place" in str(error) or "inplace" in str(error):
            return None
        raise


# The result overlaps itself, or is one of several right ones, so that its sum has no one gradient.
SEVERAL = ("unfold", "svd", "linalg.svd", "svd_lowrank", "pca_lowrank", "linalg.eig", "linalg.eigh")


def cases() -> Iterator[Any]:
    for name, op in DIFFERENTIABLE.items():
        if op.name in (*LAYOUT, *SEVERAL):
            continue
        for what in ("result", "input"):
            yield pytest.param(name, what, id=f"{name}-{what}")


# Where tour keeps a value that PyTorch does not, with the reason.
KEPT: dict[str, str] = {
    "__rdiv__": "a number divided by a tensor keeps the tensor; PyTorch computes and keeps its reciprocal",
    "frexp": "the mantissa's gradient is computed from input and result; PyTorch keeps the exponent",
    "kron": "the factors are kept as they are; PyTorch keeps copies",
    "ldexp": "the power of two is differentiated like any other",
    "linalg.vander": "powers are a cumulative product, which keeps its result",
    "nn.functional.cross_entropy": "the logits are kept for gradients of gradients",
    "nn.functional.linear_cross_entropy.chunked": "the logits are kept for gradients of gradients",
    "nn.functional.scaled_dot_product_attention": "attention is computed again in the backward pass, or keeps weights in compiled code",
    "special.ndtr": "the input is kept; PyTorch keeps a multiple of it",
    "unsafe_chunk": "parts are views as those of chunk",
    "unsafe_split": "parts are views as those of split",
}


@pytest.mark.parametrize(("name", "what"), list(cases()))
def test_what_is_kept_may_be_overwritten_as_in_pytorch(name: str, what: str) -> None:
    op = DIFFERENTIABLE[name]
    try:
        f = function(op)
    except Missing:
        pytest.skip("not in tour")
    for sample in samples(op, torch.float64, 3, requires_grad=True):
        if not isinstance(sample.input, torch.Tensor) or not sample.input.requires_grad or not sample.input.numel():
            continue
        try:
            args, kwargs = to_tour([sample.input, *sample.args], memo := {}), to_tour(sample.kwargs, memo)
        except OutOfScope:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                want = after_writing(op, op.op, torch, [sample.input, *sample.args], sample.kwargs, what)
            except Exception:
                continue
        if want is None:
            continue  # refused in PyTorch; refusing too, or computing it, is tour's choice
        got = after_writing(op, f, tour, args, kwargs, what)
        if got is None and name in KEPT:
            pytest.xfail(KEPT[name])
        assert got is not None, f"tour keeps the {what}, PyTorch does not"
        assert equal(got, want), f"other gradients after the {what} was overwritten"
        assert len(wanting(sample)) > 0
