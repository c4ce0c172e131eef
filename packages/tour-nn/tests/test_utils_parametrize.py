"""Parametrisations, weight and spectral normalisation, pruning."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import tour
from tour import Tensor, nn
from tour.nn import utils
from tour.nn.utils import parametrizations, parametrize, prune


class Symmetric(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.triu() + x.triu(1).T

    def right_inverse(self, x: Tensor) -> Tensor:
        return x.triu()


def test_a_parametrised_weight() -> None:
    layer: Any = nn.Linear(3, 3)
    weight = layer.weight
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert layer.parametrizations.weight.original is weight
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    layer(tour.ones(3)).sum().backward()
    assert weight.grad[2, 0] == 0
    layer.weight = tour.eye(3)
    assert (layer.weight == tour.eye(3)).all()
    with parametrize.cached():
        assert layer.weight is layer.weight
    other = copy.deepcopy(layer)
    parametrize.remove_parametrizations(other, "weight")
    assert type(other) is nn.Linear and isinstance(other.weight, nn.Parameter)
    assert (layer.weight == other.weight).all() and parametrize.is_parametrized(layer)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        parametrize.register_parametrization(nn.Linear(2, 2), "weight", nn.Flatten(0))
    with pytest.raises(ValueError, match="does not have"):
        parametrize.register_parametrization(nn.Linear(2, 2), "w", nn.Identity())


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_in_both_forms(dim: int | None) -> None:
    plain = nn.Linear(4, 3)
    new: Any = parametrizations.weight_norm(copy.deepcopy(plain), dim=dim)
    with pytest.warns(FutureWarning):
        old: Any = utils.weight_norm(copy.deepcopy(plain), dim=dim)
    assert tour.allclose(new.weight, plain.weight) and tour.allclose(old.weight, plain.weight)
    assert list(old.state_dict()) == ["bias", "weight_g", "weight_v"]
    new.load_state_dict({**old.state_dict(), "weight_g": old.weight_g * 2})
    assert tour.allclose(new.weight, plain.weight * 2)
    utils.remove_weight_norm(old)
    assert isinstance(old.weight, nn.Parameter)


def test_spectral_norm_in_both_forms() -> None:
    plain = nn.Linear(4, 3)
    new: Any = parametrizations.spectral_norm(copy.deepcopy(plain), n_power_iterations=60)
    old: Any = utils.spectral_norm(copy.deepcopy(plain), n_power_iterations=60)
    x = tour.randn(2, 4)
    assert tour.allclose(new(x), old(x), atol=1e-4)
    u = new.weight.detach()
    assert tour.allclose((u @ u.T).matrix_power(64).trace() ** (1 / 64), tour.tensor(1.0), atol=0.05)
    assert isinstance(utils.remove_spectral_norm(old).weight, nn.Parameter)


def test_pruning() -> None:
    layer = nn.Linear(2, 2)
    layer.weight = nn.Parameter(tour.tensor([[1.0, -2.0], [3.0, -4.0]]))
    prune.l1_unstructured(layer, "weight", amount=1)
    assert layer.weight.tolist() == [[0, -2], [3, -4]]
    assert list(layer.state_dict()) == ["bias", "weight_orig", "weight_mask"]
    prune.ln_structured(layer, "weight", amount=1, n=2, dim=0)
    assert layer.weight.tolist() == [[0, 0], [3, -4]]
    layer(tour.ones(2)).sum().backward()
    assert prune.is_pruned(layer)
    prune.remove(layer, "weight")
    assert layer.weight.tolist() == [[0, 0], [3, -4]] and isinstance(layer.weight, nn.Parameter)
    with pytest.raises(ValueError, match="amount"):
        prune.l1_unstructured(layer, "weight", amount=5)
    with pytest.raises(AssertionError, match=r"shape \[2, 2\], got \[2\]"):
        prune.custom_from_mask(layer, "weight", tour.ones(2))


def test_a_parameter_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="`bias` is None"):
        utils.spectral_norm(nn.Linear(2, 2, bias=False), "bias")


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3)])
@pytest.mark.parametrize("mapping", ["matrix_exp", "cayley", "householder"])
def test_orthogonal_matrices(shape: tuple[int, int], mapping: str) -> None:
    layer: Any = parametrizations.orthogonal(nn.Linear(*shape, dtype=tour.float64), "weight", mapping)
    original = layer.parametrizations.weight.original
    original.data = tour.randn(*original.shape, dtype=tour.float64).tril(-1) - tour.eye(*original.shape)
    w = layer.weight
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    assert tour.allclose(gram, tour.eye(3, dtype=tour.float64))
    w.sum().backward()
    assert original.grad is not None
