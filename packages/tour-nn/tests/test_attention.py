"""Attention: blocks, second derivatives, errors. Its values are held in test_sequence_golden.py."""

from __future__ import annotations

import numpy as np
import pytest

import tour
import tour.nn.functional as F
from tour import nn
from tour.autograd import gradcheck, gradgradcheck
from tour.nn.functional.attention import attention_weights
from tour.nn.kernels import attention as kernels


@pytest.mark.parametrize("block", [1, 400, 1 << 20])
@pytest.mark.parametrize("causal", [False, True])
def test_blocks_of_every_size_give_the_expression(block: int, causal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "BLOCK", block)
    tour.manual_seed(0)
    q, k, v = (tour.randn(2, 3, n, 4, dtype=tour.float64, requires_grad=True) for n in (40, 37, 37))
    mask = None if causal else tour.randn(2, 1, 40, 37, dtype=tour.float64)
    got = F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal)
    want = attention_weights(q, k, mask, None, causal, 0.5) @ v
    g = tour.randn(*want.shape, dtype=tour.float64)
    assert tour.allclose(got, want)
    for a, b in zip(tour.autograd.grad(got, [q, k, v], g), tour.autograd.grad(want, [q, k, v], g), strict=True):
        assert tour.allclose(a, b)


def test_gradients_of_gradients() -> None:
    x = [tour.randn(1, 2, 2, dtype=tour.float64, requires_grad=True) for _ in range(3)]
    mask = tour.randn(2, 2, dtype=tour.float64, requires_grad=True)
    assert gradcheck(F.scaled_dot_product_attention, (*x, mask))
    assert gradgradcheck(F.scaled_dot_product_attention, (*x, mask))


def test_a_query_that_sees_nothing_gets_zeros() -> None:
    x = tour.randn(1, 2, 3, requires_grad=True)
    y = F.scaled_dot_product_attention(x, x, x, tour.tensor([[True, True], [False, False]]))
    y.sum().backward()
    assert (y[0, 1] == 0).all()
    assert np.isfinite(x.grad.numpy()).all()


def test_errors() -> None:
    x, y = tour.randn(2, 5, 4), tour.randn(2, 7, 4)
    with pytest.raises(RuntimeError, match="is_causal"):
        F.scaled_dot_product_attention(x, x, x, tour.ones(5, 5), is_causal=True)
    with pytest.raises(RuntimeError, match="same dtype"):
        F.scaled_dot_product_attention(x, x.double(), x)
    with pytest.raises(RuntimeError, match="agree on E and S"):
        F.scaled_dot_product_attention(x, y, x)
    with pytest.raises(RuntimeError, match="does not broadcast"):
        F.scaled_dot_product_attention(x, y, y, tour.ones(5, 6))
    attend = nn.MultiheadAttention(4, 2)
    with pytest.raises(AssertionError, match="key shape"):
        attend(x, y, x)
    with pytest.raises(RuntimeError, match="Need attn_mask"):
        attend(x, x, x, is_causal=True)
    with pytest.raises(AssertionError, match="divisible"):
        nn.MultiheadAttention(4, 3)


def test_a_causal_mask_is_found_out() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0)
    x, mask = tour.randn(5, 2, 8), nn.Transformer.generate_square_subsequent_mask(5)
    encoder = nn.TransformerEncoder(layer, 1)
    assert tour.allclose(encoder(x, mask), encoder(x, mask, is_causal=False), atol=1e-6)
