"""Recurrent layers and cells against values stored from PyTorch 2.13."""

from __future__ import annotations

import pytest

import tour
from tour import nn

GOLDEN = "recurrent"


def test_golden(case):
    case.check()


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_layer_is_its_cell_step_by_step(kind):
    tour.manual_seed(0)
    layer, cell = getattr(nn, kind)(3, 4).double(), getattr(nn, f"{kind}Cell")(3, 4).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    x = tour.randn(5, 2, 3, dtype=tour.float64)
    state, steps = None, []
    for t in range(5):
        state = cell(x[t], state)
        steps.append(state[0] if kind == "LSTM" else state)
    assert tour.allclose(layer(x)[0], tour.stack(steps))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_packed_sequences_give_what_each_sequence_gives_alone(kind):
    tour.manual_seed(0)
    layer = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=True).double()
    x, lengths = tour.randn(5, 3, 3, dtype=tour.float64), [3, 5, 2]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    padded, _ = nn.utils.rnn.pad_packed_sequence(layer(packed)[0])
    for i, n in enumerate(lengths):
        assert tour.allclose(padded[:n, i], layer(x[:n, i])[0])


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_gradients_of_gradients(kind):
    tour.manual_seed(0)
    layer = getattr(nn, kind)(2, 2).double()
    x = tour.randn(2, 1, 2, dtype=tour.float64, requires_grad=True)
    assert tour.autograd.gradgradcheck(lambda t: layer(layer(t)[0])[0], (x,))
