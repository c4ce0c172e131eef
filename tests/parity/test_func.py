"""Function transforms over PyTorch's operator database: which operators batch, of those that PyTorch batches; forward mode of all.

pytest tests/parity/test_func.py                     all of them
pytest tests/parity/test_func.py -k "vmap and add"   one transform of some operators

A batch of two samples, the database's and three quarters of it, is run through `torch.func.vmap`; where that works, `tour.func.vmap`
must give what a loop over the samples gives. Forward mode is held against reverse mode: a vector times the Jacobian times a vector.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from harness.convert import OutOfScope, tensors, to_tour
from harness.database import OPERATORS, Missing, function, is_uninitialised, samples
from torch.utils._pytree import tree_flatten, tree_unflatten

import tour
from tour.func import jvp, vjp, vmap

pytestmark = pytest.mark.filterwarnings("ignore")

SAMPLES = 3

# Operators that PyTorch batches and tour does not, each with its reason.
NOT_BATCHED = {
    "argwhere": "its shape depends on the values; PyTorch batches it where there happen to be as many",
    "histogram": "counts with limits of each sample",
    "linspace.tensor_overload": "limits that differ from sample to sample",
    "nn.functional.embedding": "max_norm writes into the table, which is the same for all samples",
    "nonzero_static": "its rows depend on the values",
}

# Operators without a tangent, or with one that differs from the gradient's for a reason.
NO_TANGENT = {
    "bfloat16": "gradients are rounded to the cast's dtype, tangents elsewhere",
    "cov": "weights in single precision",
    "half": "gradients are rounded to the cast's dtype, tangents elsewhere",
    "nn.functional.ctc_loss": "like PyTorch's, its gradient has no gradient",
    "nn.functional.max_unpool1d": "elements at equal places: the tangent of the one that is written, the gradient of all",
    "nn.functional.max_unpool2d": "elements at equal places: the tangent of the one that is written, the gradient of all",
    "nn.functional.max_unpool3d": "elements at equal places: the tangent of the one that is written, the gradient of all",
}


def names() -> list[str]:
    """Operators with samples in double precision."""
    return [
        n for n, op in OPERATORS.items() if torch.float64 in op.supported_dtypes("cpu") and not is_uninitialised(op)
    ]


def calls(name: str, recorded: bool = False) -> Any:
    """For each sample: PyTorch's function of its fractional tensors, tour's, and these tensors in both libraries."""
    op = OPERATORS[name]
    try:
        f = function(op)
        found = samples(op, torch.float64, SAMPLES, requires_grad=recorded)
    except (Missing, OutOfScope, RuntimeError):
        return
    for sample in found:
        leaves, spec = tree_flatten((sample.input, tuple(sample.args), sample.kwargs))
        at = [
            i
            for i, x in enumerate(leaves)
            if isinstance(x, torch.Tensor)
            and (x.requires_grad if recorded else x.is_floating_point() or x.is_complex())
        ]
        try:
            ours = [to_tour(x.detach()) if isinstance(x, torch.Tensor) else to_tour(x) for x in leaves]
        except (OutOfScope, AttributeError):
            continue
        if at:
            theirs = [leaves[i].detach() for i in at]
            yield _call(op.op, leaves, spec, at), _call(f, ours, spec, at), theirs, [ours[i] for i in at]


def _call(f: Any, leaves: list[Any], spec: Any, at: list[int]) -> Any:
    def call(*given: Any) -> Any:
        held = list(leaves)
        for i, x in zip(at, given, strict=True):
            held[i] = x
        first, args, kwargs = tree_unflatten(held, spec)
        return f(first, *args, **kwargs)

    return call


def torch_batches(f: Any, xs: list[Any]) -> bool:
    """Whether PyTorch's vmap runs a function."""
    try:
        torch.manual_seed(0)
        torch.func.vmap(f, randomness="same")(*[torch.stack([x, x * 0.75]) for x in xs])
    except Exception:
        return False
    return True


def close(a: Any, b: Any) -> bool:
    a, b = np.asarray(a._a), np.asarray(b._a)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind not in "fc":
        return bool((a == b).all())
    return np.allclose(a, b, rtol=1e-9, atol=1e-10, equal_nan=True)


@pytest.mark.parametrize("name", names())
def test_vmap(name: str) -> None:
    compared = 0
    for theirs, ours, torch_xs, xs in calls(name):
        if not torch_batches(theirs, torch_xs):
            continue
        batch = [tour.stack([x, x * 0.75]) for x in xs]
        try:
            expected = [_seeded(ours, *(b[i].clone() for b in batch)) for i in range(2)]
        except Exception:
            continue
        if not expected[0] or [t.shape for t in expected[0]] != [t.shape for t in expected[1]]:
            continue
        compared += 1
        try:
            got = vmap(lambda *xs, f=ours: tuple(_seeded(f, *xs)), randomness="same")(*[b.clone() for b in batch])
            same = all(close(g[i], e) for i in range(2) for g, e in zip(got, expected[i], strict=True))
        except Exception as error:
            if name in NOT_BATCHED:
                pytest.xfail(NOT_BATCHED[name])
            pytest.fail(f"{type(error).__name__}: {error}", pytrace=False)
        assert same, "vmap differs from a loop"
    if not compared:
        pytest.skip("PyTorch does not batch it, or there is nothing to compare")
    assert name not in NOT_BATCHED, "batches: take it off the list"


def _seeded(f: Any, *xs: Any) -> list[Any]:
    tour.manual_seed(0)
    return tensors(f(*xs), tour.Tensor)


@pytest.mark.parametrize("name", [n for n in names() if OPERATORS[n].supports_autograd])
def test_jvp(name: str) -> None:
    compared = 0
    for _, f, _, xs in calls(name, recorded=True):

        def fractional(*xs: Any, f: Any = f) -> tuple[Any, ...]:
            return tuple(t for t in _seeded(f, *xs) if t.is_floating_point() or t.is_complex())

        try:
            outputs, pull = vjp(fractional, *xs)
            arriving = tuple(map(_normal, outputs))
            gradients = pull(arriving) if outputs else ()
        except Exception:
            continue  # gradients are checked elsewhere
        if not outputs or not all(np.isfinite(np.asarray(g._a)).all() for g in gradients):
            continue
        compared += 1
        direction = tuple(map(_normal, xs))
        try:
            tangents = jvp(fractional, tuple(xs), direction)[1]
            left, right = _product(arriving, tangents), _product(gradients, direction)
            same = np.isclose(left, right, rtol=1e-7, atol=1e-7)
        except Exception as error:
            if name in NO_TANGENT:
                pytest.xfail(NO_TANGENT[name])
            pytest.fail(f"{type(error).__name__}: {error}", pytrace=False)
        if not same and name in NO_TANGENT:
            pytest.xfail(NO_TANGENT[name])
        assert same, f"{left} by forward mode, {right} by reverse mode"
    if not compared:
        pytest.skip("nothing to compare")
    assert name not in NO_TANGENT, "passes: take it off the list"


def _normal(x: Any) -> Any:
    rng = np.random.default_rng(x.numel())
    a = rng.normal(size=tuple(x.shape))
    return tour.tensor(a + 1j * rng.normal(size=a.shape) if x.is_complex() else a).to(x.dtype)


def _product(a: Any, b: Any) -> float:
    return sum(float(np.sum((np.conj(np.asarray(x._a)) * np.asarray(y._a)).real)) for x, y in zip(a, b, strict=True))


def test_share() -> None:
    """At least 95 % of the operators that PyTorch batches."""
    assert set(NOT_BATCHED) <= set(OPERATORS) and set(NO_TANGENT) <= set(OPERATORS)
    assert len(NOT_BATCHED) <= 0.05 * len(names())
