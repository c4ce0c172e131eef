"""Recurrent networks as functions: of a padded batch, or of packed rows with their batch sizes."""

from __future__ import annotations

from typing import Any

from tour import Tensor
from tour.nn.functional.recurrent import gru_step, lstm_step, rnn_step, run_layers

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _network(mode: str, input: Tensor, *given: Any) -> tuple[Tensor, ...]:
    """Both signatures: `(input, hx, params, has_biases, …, batch_first)`, and `(data, batch_sizes, hx, params, has_biases, …)`."""
    packed = not isinstance(given[2], bool)
    batch_first = False if packed else given[-1]
    hx, params, has_biases, _, p, train, bidirectional = given[1:] if packed else given[:-1]
    states = tuple(hx) if isinstance(hx, (list, tuple)) else (hx,)
    names = NAMES if has_biases else NAMES[:2]
    if mode == "LSTM" and states[0].shape[-1] != states[1].shape[-1]:
        names = (*names, "weight_hr")
    weights = [dict(zip(names, params[i : i + len(names)], strict=True)) for i in range(0, len(params), len(names))]
    p = p if train else 0
    if packed:
        y, last = run_layers(mode, input, states, given[0].tolist(), weights, bidirectional, p)
        return y, *last
    x = input.transpose(0, 1) if batch_first else input
    length, batch = x.shape[:2]
    y, last = run_layers(mode, x.flatten(0, 1), states, [batch] * length, weights, bidirectional, p)
    y = y.reshape(length, batch, -1)
    return (y.transpose(0, 1) if batch_first else y), *last


def lstm(input: Tensor, *args: Any) -> tuple[Tensor, ...]:
    """Outputs, last states and last cells of an LSTM.

    Called as `lstm(input, (h0, c0), params, has_biases, num_layers, dropout, train, bidirectional, batch_first)` or as
    `lstm(data, batch_sizes, (h0, c0), params, has_biases, num_layers, dropout, train, bidirectional)`.

    Examples:
        >>> import tour
        >>> net, x, zero = tour.nn.LSTM(3, 4), tour.ones(5, 2, 3), tour.zeros(1, 2, 4)
        >>> y, h, c = tour.lstm(x, (zero, zero), list(net.parameters()), True, 1, 0.0, False, False, False)
        >>> y.equal(net(x)[0])
        True
    """
    return _network("LSTM", input, *args)


def gru(input: Tensor, *args: Any) -> tuple[Tensor, ...]:
    """Outputs and last states of gated recurrent units; arguments as for `lstm`, with one state.

    Examples:
        >>> import tour
        >>> net, x, zero = tour.nn.GRU(3, 5), tour.ones(7, 2, 3), tour.zeros(1, 2, 5)
        >>> y, h = tour.gru(x, zero, list(net.parameters()), True, 1, 0.0, False, False, False)
        >>> y.equal(net(x)[0])
        True
    """
    return _network("GRU", input, *args)


def rnn_tanh(input: Tensor, *args: Any) -> tuple[Tensor, ...]:
    """Outputs and last states of a plain recurrent network; arguments as for `lstm`, with one state.

    Examples:
        >>> import tour
        >>> net, x, zero = tour.nn.RNN(3, 5), tour.ones(7, 2, 3), tour.zeros(1, 2, 5)
        >>> y, h = tour.rnn_tanh(x, zero, list(net.parameters()), True, 1, 0.0, False, False, False)
        >>> y.equal(net(x)[0])
        True
    """
    return _network("RNN_TANH", input, *args)


def rnn_relu(input: Tensor, *args: Any) -> tuple[Tensor, ...]:
    """Outputs and last states of a plain recurrent network with ReLU; arguments as for `lstm`, with one state.

    Examples:
        >>> import tour
        >>> net, x, zero = tour.nn.RNN(3, 5, nonlinearity="relu"), tour.ones(7, 2, 3), tour.zeros(1, 2, 5)
        >>> y, h = tour.rnn_relu(x, zero, list(net.parameters()), True, 1, 0.0, False, False, False)
        >>> y.equal(net(x)[0])
        True
    """
    return _network("RNN_RELU", input, *args)


Bias = Tensor | None


def lstm_cell(
    input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Bias = None, b_hh: Bias = None
) -> tuple[Tensor, Tensor]:
    """State and cell after one step of an LSTM, from a pair of them.

    Examples:
        >>> import tour
        >>> cell = tour.nn.LSTMCell(3, 5)
        >>> state = tour.zeros(2, 5), tour.zeros(2, 5)
        >>> h, c = tour.lstm_cell(tour.randn(2, 3), state, cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
        >>> h.shape, c.shape
        (tour.Size([2, 5]), tour.Size([2, 5]))
    """
    return lstm_step(input, tuple(hx), w_ih, w_hh, b_ih, b_hh)


def gru_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Bias = None, b_hh: Bias = None) -> Tensor:
    """The state after one step of a gated recurrent unit.

    Examples:
        >>> import tour
        >>> cell = tour.nn.GRUCell(3, 5)
        >>> tour.gru_cell(tour.randn(2, 3), tour.zeros(2, 5), cell.weight_ih, cell.weight_hh).shape
        tour.Size([2, 5])
    """
    return gru_step(input, hx, w_ih, w_hh, b_ih, b_hh)


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Bias = None, b_hh: Bias = None
) -> Tensor:
    """The state after one step of a plain recurrent network.

    Examples:
        >>> import tour
        >>> one = tour.ones(1, 1)
        >>> tour.rnn_tanh_cell(one, one, one, one)
        tensor([[0.9640]])
    """
    return rnn_step(input, hx, w_ih, w_hh, b_ih, b_hh, False)


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Bias = None, b_hh: Bias = None
) -> Tensor:
    """The state after one step of a plain recurrent network with ReLU.

    Examples:
        >>> import tour
        >>> one = tour.ones(1, 1)
        >>> tour.rnn_relu_cell(one, one, one, one)
        tensor([[2.]])
    """
    return rnn_step(input, hx, w_ih, w_hh, b_ih, b_hh, True)
