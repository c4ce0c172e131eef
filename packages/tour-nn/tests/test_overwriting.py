"""Layers whose results are written into before the backward pass, as `nn.ReLU(inplace=True)` does, and gradients in other layouts."""

import numpy as np
import pytest

import tour
from tour import nn
from tour.nn import functional as F

LAYERS = {
    "batch norm": nn.BatchNorm2d(4),
    "group norm": nn.GroupNorm(2, 4),
    "layer norm": nn.LayerNorm([6, 6]),
    "RMS norm": nn.RMSNorm([6, 6]),
    "instance norm": nn.InstanceNorm2d(4, affine=True),
    "max pooling": nn.MaxPool2d(2),
    "adaptive max pooling": nn.AdaptiveMaxPool2d(3),
    "average pooling": nn.AvgPool2d(2),
    "convolution": nn.Conv2d(4, 3, 3),
    "transposed convolution": nn.ConvTranspose2d(4, 3, 3),
    "linear": nn.Linear(6, 5),
    "ELU": nn.ELU(),
    "softshrink": nn.Softshrink(),
    "softsign": nn.Softsign(),
    "normalize": F.normalize,
    "local response norm": nn.LocalResponseNorm(2),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_an_activation_in_place_changes_no_gradient(layer):
    x = tour.randn(2, 4, 6, 6, requires_grad=True)
    (want,) = tour.autograd.grad(F.leaky_relu(layer(x), 0.3).square().sum(), x)
    (got,) = tour.autograd.grad(F.leaky_relu(layer(x), 0.3, inplace=True).square().sum(), x)
    np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-5, atol=1e-6)


def test_the_gradient_of_ctc_does_not_depend_on_the_layout_of_its_input():
    logits = tour.randn(3, 5, 12, dtype=tour.float64, requires_grad=True)
    found = []
    for x in (logits.permute(2, 0, 1), logits.permute(2, 0, 1).contiguous()):
        loss = F.ctc_loss(x.log_softmax(2), tour.tensor([[1, 2], [3, 3], [4, 1]]), [12, 12, 12], [2, 2, 1])
        found += tour.autograd.grad(loss, logits)
    assert found[0].abs().sum() > 0 and tour.allclose(*found)


def test_sequences_in_any_order_send_their_gradients_back():
    x = tour.randn(3, 5, 2, dtype=tour.float64, requires_grad=True)
    layer, lengths = nn.LSTM(2, 3, batch_first=True).double(), tour.tensor([5, 4, 2])
    found = []
    for order in ([0, 1, 2], [2, 0, 1]):
        packed = nn.utils.rnn.pack_padded_sequence(x[order], lengths[order], batch_first=True, enforce_sorted=False)
        padded, _ = nn.utils.rnn.pad_packed_sequence(layer(packed)[0], batch_first=True)
        found += tour.autograd.grad(padded.square().sum(), x)
    assert found[0].abs().sum() > 0 and tour.allclose(*found)
