"""What `tour.lstm`, `tour.kl_div` and their kin give is what the modules and `nn.functional` give."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tour
import tour.nn.functional as F
from tour import nn
from tour.nn import toplevel
from tour.nn.utils.rnn import pack_sequence

X = tour.randn(5, 2, 3, generator=tour.Generator().manual_seed(0))
ZERO = tour.zeros(4, 2, 4)


def test_every_name_is_found_at_the_top() -> None:
    for name in toplevel.__all__:
        assert getattr(tour, name) is getattr(toplevel, name), name


@pytest.mark.parametrize(
    ("name", "net"),
    [
        ("lstm", nn.LSTM(3, 4, 2, bidirectional=True)),
        ("lstm", nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)),
        ("gru", nn.GRU(3, 4, 2, bidirectional=True, bias=False)),
        ("rnn_tanh", nn.RNN(3, 4, 2, bidirectional=True)),
        ("rnn_relu", nn.RNN(3, 4, 2, bidirectional=True, nonlinearity="relu", batch_first=True)),
    ],
)
def test_recurrent_networks_are_those_of_the_modules(name: str, net: nn.RNNBase) -> None:
    x = X.transpose(0, 1) if net.batch_first else X
    h = tour.zeros(4, 2, net.proj_size or 4)
    state = (h, ZERO) if name == "lstm" else h
    want, last = net(x, state)
    options = (list(net.parameters()), net.bias, 2, 0.0, False, True)
    got = getattr(tour, name)(x, state, *options, net.batch_first)
    assert got[0].equal(want)
    assert all(a.equal(b) for a, b in zip(got[1:], last if name == "lstm" else (last,), strict=True))
    packed = pack_sequence([X[:, 0], X[:3, 1]])
    want, last = net(packed, state)
    got = getattr(tour, name)(packed.data, packed.batch_sizes, state, *options)
    assert got[0].equal(want.data)
    assert all(a.equal(b) for a, b in zip(got[1:], last if name == "lstm" else (last,), strict=True))


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("gru_cell", nn.GRUCell(3, 4)),
        ("rnn_tanh_cell", nn.RNNCell(3, 4)),
        ("rnn_relu_cell", nn.RNNCell(3, 4, nonlinearity="relu")),
    ],
)
def test_steps_are_those_of_the_cells(name: str, cell: nn.RNNCellBase) -> None:
    assert getattr(tour, name)(X[0], ZERO[0], *cell.parameters()).equal(cell(X[0], ZERO[0]))


def test_lstm_steps_give_state_and_cell() -> None:
    cell = nn.LSTMCell(3, 4)
    got, want = tour.lstm_cell(X[0], (ZERO[0], ZERO[0]), *cell.parameters()), cell(X[0])
    assert got[0].equal(want[0])
    assert got[1].equal(want[1])


A, B, SIGN = X[0], X[1], tour.tensor([1.0, -1.0])


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("kl_div", (A, B.abs())),
        ("margin_ranking_loss", (A[0], B[0], tour.ones(3), 0.1)),
        ("hinge_embedding_loss", (A, A.sign(), 0.5)),
        ("cosine_embedding_loss", (A, B, SIGN, 0.1)),
        ("triplet_margin_loss", (A, B, X[2], 0.5, 2.0, 1e-6, True)),
        ("binary_cross_entropy_with_logits", (A, B.sigmoid())),
        ("ctc_loss", (X.log_softmax(2), tour.tensor([[1, 2], [2, 1]]), [5, 4], [2, 1])),
    ],
)
def test_reductions_have_numbers(name: str, args: tuple[object, ...], number: int) -> None:
    named = {"reduction": ("none", "mean", "sum")[number]}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="reduction: 'mean'")
        want = getattr(F, name)(*args, **named)
    assert getattr(tour, name)(*args, reduction=number).equal(want)
    with pytest.raises(ValueError, match="reduction"):
        getattr(tour, name)(*args, reduction=3)


def test_poisson_takes_all_by_position() -> None:
    assert tour.poisson_nll_loss(A, B.abs(), True, True, 1e-8, 2).equal(
        F.poisson_nll_loss(A, B.abs(), full=True, reduction="sum")
    )


def test_native_normalisations_give_their_statistics_with_gradients() -> None:
    x = tour.randn(4, 6, 5, dtype=tour.float64, generator=tour.Generator().manual_seed(1)).requires_grad_()
    weight = tour.linspace(1, 2, 6, dtype=tour.float64)
    y, mean, rstd = tour.native_layer_norm(x, [6, 5], None, None, 1e-3)
    assert (mean.shape, rstd.shape) == ((4, 1, 1), (4, 1, 1))
    np.testing.assert_allclose(((x - mean) * rstd).detach(), y.detach())
    assert tour.autograd.gradcheck(lambda t: tour.native_layer_norm(t, [6, 5], None, None, 1e-3), (x,))
    y, mean, rstd = tour.native_group_norm(x, weight, None, 4, 6, 5, 3, 1e-3)
    rows = ((x.reshape(4, 3, 10) - mean[..., None]) * rstd[..., None]).reshape(4, 6, 5) * weight[:, None]
    np.testing.assert_allclose(rows.detach(), y.detach())
    assert tour.autograd.gradcheck(lambda t: tour.native_group_norm(t, weight, None, 4, 6, 5, 3, 1e-3), (x,))
    y, mean, rstd = tour.native_batch_norm(x, weight, None, None, None, True, 0.1, 1e-3)
    np.testing.assert_allclose((((x - mean[:, None]) * rstd[:, None]) * weight[:, None]).detach(), y.detach())
    assert not mean.requires_grad
    y, mean, rstd = tour.native_batch_norm(x, None, None, mean, rstd, False, 0.1, 1e-3)
    assert mean.shape == rstd.shape == (0,)


def test_normalisations_by_position() -> None:
    mean, var, weight, bias = (tour.rand(2) for _ in range(4))
    kwargs = (False, 0.1, 1e-5, True)
    assert tour.batch_norm(X, weight, bias, mean, var, *kwargs).equal(
        F.batch_norm(X, mean, var, weight, bias, False, 0.1, 1e-5)
    )
    assert tour.instance_norm(X, weight, bias, None, None, True, 0.1, 1e-5).equal(
        F.instance_norm(X, None, None, weight, bias)
    )
    assert tour.layer_norm(X, (3,), None, None, 1e-5, False).equal(F.layer_norm(X, (3,)))
    assert tour.group_norm(X, 2, weight, bias, 1e-5, False).equal(F.group_norm(X, 2, weight, bias))


def test_batch_norm_in_half_precision_rounds_once_with_gradients() -> None:
    x = X.to(tour.bfloat16).requires_grad_()
    y = F.batch_norm(x, None, None, training=True)
    assert y.dtype is tour.bfloat16
    np.testing.assert_allclose(
        y.float().detach(), F.batch_norm(x.float(), None, None, training=True).detach(), atol=0.01
    )
    y.square().sum().backward()
    assert x.grad is not None
    assert x.grad.dtype is tour.bfloat16


def test_dropout_forms_share_their_mask() -> None:
    x = tour.ones(3, 4, 2)
    for name, want in (("dropout", F.dropout), ("alpha_dropout", F.alpha_dropout), ("feature_dropout", F.dropout1d)):
        tour.manual_seed(0)
        expected = want(x, 0.5, True)
        tour.manual_seed(0)
        assert getattr(tour, name)(x, 0.5, True).equal(expected)
        tour.manual_seed(0)
        inside = x.clone()
        assert getattr(tour, f"{name}_")(inside, 0.5, True) is inside
        assert inside.equal(expected)
        assert getattr(tour, name)(x, 0.5, False).equal(x)
    tour.manual_seed(0)
    y, kept = tour.native_dropout(x, 0.5, True)
    assert y.equal(x * kept * 2)
    assert 0 < kept.sum() < x.numel()


def test_tables_and_convolutions() -> None:
    table, rows = tour.rand(5, 3), tour.tensor([[0, 4], [4, 1]])
    assert tour.embedding(table, rows).equal(F.embedding(rows, table))
    shrunk = tour.embedding_renorm_(table.clone(), rows[0], 0.1, 2.0)
    np.testing.assert_allclose(shrunk[[0, 4]].norm(dim=1), [0.1, 0.1], rtol=1e-5)
    assert shrunk[1:4].equal(table[1:4])
    image, kernel = tour.rand(1, 2, 5, 5), tour.rand(2, 2, 3, 3)
    assert tour.convolution(image, kernel, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1).equal(
        F.conv2d(image, kernel, padding=1)
    )
    assert tour.convolution(image, kernel, None, [2, 2], [0, 0], [1, 1], True, [1, 1], 1).equal(
        F.conv_transpose2d(image, kernel, stride=2, output_padding=1)
    )
    grid = F.affine_grid(tour.eye(2, 3)[None], [1, 2, 4, 4], align_corners=True)
    assert tour.affine_grid_generator(tour.eye(2, 3)[None], [1, 2, 4, 4], True).equal(grid)
    assert tour.grid_sampler_2d(image, grid, 1, 2, True).equal(
        F.grid_sample(image, grid, "nearest", "reflection", True)
    )
