"""Activations, embeddings, attention and transformers against results stored from PyTorch 2.13 (tools/golden_nn_sequence.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tour
import tour.nn.functional as F
from tour import Tensor, nn

GROUPS = json.loads((Path(__file__).parent / "golden/sequence.json").read_text())
CASES = [pytest.param(c, id=f"{name}-{i}-{c['make']}") for name, group in GROUPS.items() for i, c in enumerate(group)]


def value(spec: Any) -> Any:
    if not isinstance(spec, dict):
        return spec
    if "numbers" in spec:
        n = np.arange(np.prod(spec["numbers"])) + spec.get("from", 0)
        return tour.tensor(np.sin(n * 1.7).reshape(spec["numbers"]) * 1.5, requires_grad=True)
    if "mask" in spec:
        return tour.tensor((np.arange(np.prod(spec["mask"])) % 5 == 3).reshape(spec["mask"]))
    if "index" in spec:
        return tour.tensor((np.arange(np.prod(spec["index"])) ** 2 % spec["below"]).reshape(spec["index"]))
    if "values" in spec:
        return tour.tensor(spec["values"])
    return nn.Transformer.generate_square_subsequent_mask(spec["causal"], dtype=tour.float64)


def check(t: Tensor, expected: Any, tolerance: float = 1e-9) -> None:
    shape, sums = expected
    assert list(t.shape) == shape
    a = t.detach().double().numpy().ravel()
    n = np.arange(a.size)
    got = [a.sum(), a @ np.cos(n), a @ np.sin(n * 0.3 + 1)]
    np.testing.assert_allclose(got, sums, tolerance, tolerance * max(1.0, float(np.abs(a).sum())))


@pytest.mark.parametrize("case", CASES)
def test_values_gradients_and_initial_values(case: Any) -> None:
    tour.manual_seed(5)
    target = eval(case["make"], {"nn": nn, "F": F})
    parameters = dict(target.named_parameters()) if isinstance(target, nn.Module) else {}
    assert list(parameters) == [name for name, _ in case["parameters"]]
    for i, (p, (_, initial)) in enumerate(zip(parameters.values(), case["parameters"], strict=True)):
        check(p, initial, 1e-6)
        p.data = tour.tensor(np.cos(np.arange(p.numel()) + i).reshape(p.shape) * 0.5)
    inputs, named = [value(a) for a in case["arguments"]], {k: value(v) for k, v in case["options"].items()}
    tour.manual_seed(7)
    results = target(*inputs, **named)
    results = [r for r in (results if isinstance(results, tuple) else (results,)) if r is not None]
    for r, expected in zip(results, case["results"], strict=True):
        check(r, expected)
    total: Any = sum(
        (r * tour.cos(tour.arange(r.numel(), dtype=tour.float64).reshape(r.shape) + 0.5)).sum() for r in results
    )
    total.backward()
    leaves = [*inputs, *named.values(), *parameters.values()]
    gradients = [t.grad for t in leaves if isinstance(t, Tensor) and t.grad is not None]
    for g, expected in zip(gradients, case["gradients"], strict=True):
        check(g, expected)
