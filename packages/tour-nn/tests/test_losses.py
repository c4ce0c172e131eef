"""Losses against values stored from PyTorch 2.13."""

from __future__ import annotations

import pytest

import tour
from tour import nn
from tour.nn import functional as F

GOLDEN = "losses"


def test_golden(case):
    case.check()


def test_binary_cross_entropy_is_finite_at_the_ends():
    x = tour.tensor([0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, tour.tensor([1.0, 0.0]))
    assert loss.item() == 100
    loss.backward()
    assert tour.isfinite(x.grad).all()


def test_logistic_losses_do_not_overflow():
    x = tour.tensor([-1e4, 1e4])
    assert F.binary_cross_entropy_with_logits(x, tour.tensor([1.0, 0.0]), reduction="none").tolist() == [1e4, 1e4]
    assert F.soft_margin_loss(x, tour.tensor([1.0, -1.0]), reduction="none").tolist() == [1e4, 1e4]


@pytest.mark.parametrize("shape", [(), (3,), (4, 5)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_of_logits_is_its_expression_to_the_second_derivative(shape, reduction):
    tour.manual_seed(0)
    x, t = tour.randn(shape, dtype=tour.float64), tour.rand(shape, dtype=tour.float64)

    def derivatives(**options):
        a, b = x.clone().requires_grad_(), t.clone().requires_grad_()
        loss = F.binary_cross_entropy_with_logits(a, b, reduction=reduction, **options)
        first = tour.autograd.grad((loss * loss).sum(), (a, b), create_graph=True)
        return [loss, *first, *tour.autograd.grad(sum(g.square().sum() for g in first), (a, b))]

    expression = derivatives(
        pos_weight=tour.ones((), dtype=tour.float64)
    )  # with weights the loss is written in other ops
    for got, wanted in zip(derivatives(), expression, strict=True):
        tour.testing.assert_close(got, wanted)


def test_ignored_samples_do_not_change_what_others_lose():
    x, t = tour.linspace(-2, 2, 12).reshape(4, 3), tour.tensor([0, 2, 1, 0])
    all_count = F.cross_entropy(x, t, reduction="none")
    some = F.cross_entropy(x, tour.tensor([0, -100, 1, 0]), reduction="none")
    tour.testing.assert_close(some, all_count * tour.tensor([1.0, 0, 1, 1]))
    tour.testing.assert_close(F.cross_entropy(x, tour.tensor([0, -100, 1, 0])), some.sum() / 3)
    tour.testing.assert_close(F.cross_entropy(x, t, ignore_index=2), all_count[t != 2].mean())
    tour.testing.assert_close(F.cross_entropy(x, t), all_count.mean())


def test_a_class_out_of_range_is_named():
    with pytest.raises(IndexError, match="Target 7 is out of bounds"):
        F.cross_entropy(tour.zeros(2, 3), tour.tensor([0, 7]))


def test_adaptive_softmax_sums_to_one_and_predicts_its_mode():
    tour.manual_seed(0)
    layer = nn.AdaptiveLogSoftmaxWithLoss(32, 20, [4, 10])
    x = tour.randn(50, 32)
    logs = layer.log_prob(x)
    assert tour.allclose(logs.exp().sum(1), tour.ones(50), atol=1e-5)
    assert (layer.predict(x) == logs.argmax(1)).all()
    target = tour.arange(50) % 20
    assert tour.allclose(layer(x, target).output, logs.gather(1, target.unsqueeze(1)).squeeze(1), atol=1e-5)


def test_ctc_counts_every_alignment():
    p = tour.tensor([[[0.4, 0.6]], [[0.5, 0.5]]])
    by_hand = 0.4 * 0.5 + 0.6 * 0.5 + 0.6 * 0.5  # blank then label, label then blank, label twice
    assert F.ctc_loss(p.log(), tour.tensor([[1]]), [2], [1], reduction="sum").exp().item() == pytest.approx(1 / by_hand)
