"""Every op of tour-nn has a gradient rule, for every tensor it takes; what has none is listed here with its reason."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import tour
from tour import nn
from tour._core import OPS
from tour.autograd.rules.nondifferentiable import NONDIFFERENTIABLE

WITHOUT_RULE = {"ctc_losses_grad"}  # the second derivative of the CTC loss, which PyTorch has not either

WITHOUT_GRADIENT = {
    "attention": {"keep"},  # which elements dropout keeps
    "batch_norm_eval": {"mean", "var"},  # running statistics
    "cross_entropy": {"target", "weight"},  # classes, and the weights of classes
    "ctc_losses": {"targets", "input_lengths", "target_lengths"},
    "embedding": {"index"},
    "fractional_max_pooling": {"samples"},  # where windows lie
    "gather_from_plane": {"indices"},
    "max_pooling_grad": {"input", "pooled"},  # move the maximum in steps
    "max_unpooling": {"indices"},
    "scatter_to_plane": {"indices"},
}


def every_op() -> dict[str, Any]:
    for module in pkgutil.walk_packages(nn.__path__, "tour.nn."):
        importlib.import_module(module.name)
    tour.ones(1, requires_grad=True)  # declares the rules
    assert set(WITHOUT_GRADIENT) | WITHOUT_RULE <= set(OPS)
    return {name: op for name, op in OPS.items() if name != "where"}


def test_every_op_has_a_rule() -> None:
    listed = frozenset().union(*NONDIFFERENTIABLE.values())
    missing = {n for n, op in every_op().items() if op.rule is None or op.rule.formulas[0].__name__ == "refuse"}
    assert missing - listed == WITHOUT_RULE


def test_every_tensor_has_a_gradient_or_a_reason() -> None:
    for name, op in every_op().items():
        if op.rule is not None and name not in WITHOUT_RULE:
            without = {p for p in (*op.params[:1], *op.tensors) if p not in op.rule.inputs}
            assert without == WITHOUT_GRADIENT.get(name, set()), name
