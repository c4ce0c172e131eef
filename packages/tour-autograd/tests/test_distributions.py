"""Gradients of samples and log-probabilities with respect to the parameters of distributions."""

from __future__ import annotations

import pytest

import tour
from tour import distributions as dist

LOC = tour.tensor([0.5, -1.0], dtype=tour.float64)
SCALE = tour.tensor([1.5, 0.7], dtype=tour.float64)
X = tour.tensor([0.7, 1.3], dtype=tour.float64)


def seeded(kind):
    def sample(*parameters):
        tour.manual_seed(0)
        return kind(*parameters).rsample((3,))

    return sample


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        (dist.Normal, (LOC, SCALE)),
        (dist.LogNormal, (LOC, SCALE)),
        (dist.HalfNormal, (SCALE,)),
        (dist.Uniform, (LOC - 2, SCALE + 1)),
        (dist.Exponential, (SCALE,)),
        (dist.Laplace, (LOC, SCALE)),
        (dist.Cauchy, (LOC, SCALE)),
        (dist.Gumbel, (LOC, SCALE)),
        (lambda loc, factor: dist.MultivariateNormal(loc, scale_tril=factor.tril()), (LOC, tour.eye(2).double() + 0.3)),
    ],
)
def test_samples_and_log_probabilities_are_differentiable(kind, parameters):
    leaves = tuple(p.clone().requires_grad_() for p in parameters)
    assert tour.autograd.gradcheck(seeded(kind), leaves)
    assert tour.autograd.gradcheck(lambda *p: kind(*p).log_prob(X), leaves)
    assert not kind(*leaves).sample().requires_grad


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (lambda x: dist.Categorical(logits=x), tour.tensor(1)),
        (lambda x: dist.Categorical(x.exp()), tour.tensor(1)),
        (lambda x: dist.OneHotCategorical(logits=x), tour.tensor([0.0, 1.0]).double()),
        (lambda x: dist.Bernoulli(logits=x), tour.tensor([0.0, 1.0]).double()),
        (lambda x: dist.Geometric(x.sigmoid()), tour.tensor([2.0, 1.0]).double()),
        (lambda x: dist.Poisson(x.exp()), tour.tensor([2.0, 1.0]).double()),
    ],
)
def test_choices_are_differentiable_in_their_probability_only(kind, value):
    x = LOC.clone().requires_grad_()
    assert tour.autograd.gradcheck(lambda x: kind(x).log_prob(value), (x,))
    assert not kind(x).sample((2,)).requires_grad
    with pytest.raises(NotImplementedError, match="no samples with gradients"):
        kind(x).rsample()
