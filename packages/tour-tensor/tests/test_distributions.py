"""Distributions against PyTorch's stored answers, from the same seeds; what does not fit is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tour
from tour import distributions as dist

GOLDEN = json.loads((Path(__file__).parent / "golden/distributions.json").read_text())


def made(name, parameters):
    return getattr(dist, name)(**{k: tour.tensor(v) for k, v in parameters.items()})


def numbers(x):
    return np.array(x, np.float64)  # words such as "nan" and "inf" included


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['name']}-{'-'.join(case['parameters'])}")
def test_everything_is_as_pytorch_says(case):
    p = made(case["name"], case["parameters"])
    answers = dict(case["answers"])
    assert repr(p) == answers.pop("text", repr(p))
    for question, want in answers.items():
        if question in ("sample", "rsample"):
            tour.manual_seed(question == "rsample")
            got = getattr(p, question)((len(want),))
        elif question == "log_prob" or question == "cdf":
            got = getattr(p, question)(tour.tensor(case["value"]))
        elif question == "icdf":
            got = p.icdf(tour.tensor(0.3))
        elif question == "kl":
            got = dist.kl_divergence(p, made(case["name"], case["other"]))
        else:
            got = getattr(p, question)
            got = got() if callable(got) else got
        np.testing.assert_allclose(numbers(got.tolist()), numbers(want), rtol=2e-5, atol=1e-6, err_msg=question)


def test_batches_and_events():
    p = dist.Normal(tour.zeros(4, 3), tour.ones(3))
    assert (p.batch_shape, p.event_shape) == ((4, 3), ())
    assert p.sample((2,)).shape == (2, 4, 3)
    rows = dist.Independent(p, 1)
    assert (rows.batch_shape, rows.event_shape) == ((4,), (3,))
    x = rows.sample((5,))
    assert rows.log_prob(x).shape == (5, 4)
    np.testing.assert_allclose(rows.log_prob(x), p.log_prob(x).sum(-1))
    assert dist.kl_divergence(rows, rows).tolist() == [0.0] * 4
    assert rows.expand((7, 4)).sample().shape == (7, 4, 3)
    assert dist.Categorical(tour.ones(3)).expand((2,)).sample((5,)).shape == (5, 2)
    assert dist.MultivariateNormal(tour.zeros(2), tour.eye(2)).expand((6,)).sample().shape == (6, 2)
    with pytest.raises(ValueError, match="reinterpreted_batch_ndims"):
        dist.Independent(p, 3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: dist.Normal(0.0, -1.0), "constraint GreaterThan"),
        (lambda: dist.Normal(float("nan"), 1.0), "constraint Real"),
        (lambda: dist.Uniform(1.0, 0.0), "low>= high"),
        (lambda: dist.Bernoulli(), "Either `probs` or `logits`"),
        (lambda: dist.Categorical(tour.ones(2), tour.ones(2)), "Either `probs` or `logits`"),
        (lambda: dist.Categorical(tour.tensor([0.7, -0.5])), "constraint Simplex"),
        (lambda: dist.Categorical(tour.ones(2)).log_prob(tour.tensor(2)), "within the support"),
        (lambda: dist.Bernoulli(0.5).log_prob(tour.tensor(0.5)), "within the support"),
        (lambda: dist.Normal(tour.zeros(2), 1.0).log_prob(tour.zeros(3)), "not broadcastable"),
        (lambda: dist.Normal(0.0, 1.0).log_prob(0.0), "must be a Tensor"),
        (lambda: dist.MultivariateNormal(tour.zeros(2)), "Exactly one"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_checks_can_be_left_out():
    assert not dist.Normal(0.0, -1.0, validate_args=False).log_prob(tour.tensor(0.0)).isfinite()
    with pytest.raises(NotImplementedError, match="No KL"):
        dist.kl_divergence(dist.Normal(0.0, 1.0), dist.Poisson(1.0))
