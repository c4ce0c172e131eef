"""`vmap` over the functions and modules of this package: what a loop over the samples gives, and gradients of each sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tour
import tour.nn.functional as F
from tour import nn
from tour.func import functional_call, grad, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap
from tour.func._batched import Level, lift
from tour.func._levels import prepare

RNG = np.random.default_rng(0)
B = 3  # samples


def normal(*shape: int) -> Any:
    return tour.tensor(RNG.normal(size=shape))


def whole(high: int, *shape: int) -> Any:
    return tour.tensor(RNG.integers(0, high, size=shape))


# One row for each kernel: the function of one sample, and its arguments as makers and shapes.
CASES: dict[str, tuple[Any, ...]] = {
    "linear": (F.linear, (normal, 4, 3), (normal, 2, 3), (normal, 2)),
    "linear of a vector": (F.linear, (normal, 3), (normal, 2, 3)),
    "conv1d": (lambda x, w, b: F.conv1d(x, w, b, padding=1), (normal, 2, 3, 7), (normal, 4, 3, 3), (normal, 4)),
    "conv2d": (lambda x, w: F.conv2d(x, w, stride=2), (normal, 2, 3, 6, 6), (normal, 4, 3, 3, 3)),
    "conv2d groups": (lambda x, w: F.conv2d(x, w, groups=2), (normal, 2, 4, 5, 5), (normal, 4, 2, 3, 3)),
    "conv2d of one": (F.conv2d, (normal, 3, 5, 5), (normal, 2, 3, 3, 3)),
    "conv_transpose2d": (lambda x, w: F.conv_transpose2d(x, w, stride=2), (normal, 2, 3, 4, 4), (normal, 3, 2, 3, 3)),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), (normal, 2, 3, 4, 6)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2), (normal, 2, 3, 4, 6)),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, 2), (normal, 2, 3, 5, 6)),
    "adaptive_max_pool1d": (lambda x: F.adaptive_max_pool1d(x, 2), (normal, 2, 3, 5)),
    "interpolate": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), (normal, 2, 3, 3, 4)),
    "unfold": (lambda x: F.unfold(x, 2), (normal, 2, 3, 4, 4)),
    "grid_sample": (lambda x, g: F.grid_sample(x, g, align_corners=False), (normal, 2, 3, 4, 4), (normal, 2, 5, 5, 2)),
    "batch_norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), (normal, 4, 3, 5), (normal, 3), (normal, 3)),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (5,), w, b), (normal, 4, 5), (normal, 5), (normal, 5)),
    "group_norm": (lambda x, w, b: F.group_norm(x, 2, w, b), (normal, 2, 4, 5), (normal, 4), (normal, 4)),
    "rms_norm": (lambda x, w: F.rms_norm(x, (5,), w), (normal, 4, 5), (normal, 5)),
    "instance_norm": (F.instance_norm, (normal, 2, 3, 5)),
    "attention": (F.scaled_dot_product_attention, (normal, 2, 4, 3), (normal, 2, 5, 3), (normal, 2, 5, 2)),
    "causal attention": (
        lambda q, k: F.scaled_dot_product_attention(q, k, k, is_causal=True), (normal, 4, 3), (normal, 4, 3),
    ),
    "embedding": (F.embedding, (whole, 5, 4), (normal, 5, 2)),
    "one_hot": (lambda i: F.one_hot(i, 5), (whole, 5, 4)),
    "cross_entropy": (F.cross_entropy, (normal, 4, 5), (whole, 5, 4)),
    "cross_entropy of one": (F.cross_entropy, (normal, 5), (whole, 5)),
    "weighted": (lambda x, t, w: F.cross_entropy(x, t, w.exp()), (normal, 4, 5), (whole, 5, 4), (normal, 5)),
    "nll_loss": (lambda x, t: F.nll_loss(x.log_softmax(1), t), (normal, 4, 5), (whole, 5, 4)),
    "bce": (lambda x, t: F.binary_cross_entropy(x.sigmoid(), t.sigmoid()), (normal, 4), (normal, 4)),
    "mse_loss": (F.mse_loss, (normal, 4), (normal, 4)),
    "gelu": (F.gelu, (normal, 4)),
    "prelu": (F.prelu, (normal, 2, 3), (normal, 3)),
    "normalize": (F.normalize, (normal, 4, 3)),
    "cosine_similarity": (F.cosine_similarity, (normal, 4, 3), (normal, 4, 3)),
    "bilinear": (F.bilinear, (normal, 4, 2), (normal, 4, 3), (normal, 2, 2, 3)),
    "lstm": (lambda x, w: _lstm(x, w), (normal, 5, 2, 3), (normal, 16, 3)),
    "rnn": (lambda x, w: functional_call(_RNN, {"weight_ih_l0": w}, x)[0], (normal, 5, 2, 3), (normal, 4, 3)),
    "ctc": (lambda x: F.ctc_loss(x.log_softmax(-1), _TARGETS, (6, 5), (3, 2), reduction="none"), (normal, 6, 2, 5)),
    "gru": (lambda x, w: _gru(x, w), (normal, 5, 2, 3), (normal, 12, 3)),
}  # fmt: skip

_LSTM, _GRU = nn.LSTM(3, 4).double(), nn.GRU(3, 4).double()
_RNN, _TARGETS = nn.RNN(3, 4, num_layers=2, bidirectional=True).double(), tour.tensor([[1, 2, 1], [4, 4, 0]])


def _lstm(x: Any, w: Any) -> Any:
    return functional_call(_LSTM, {"weight_ih_l0": w}, x)[0]


def _gru(x: Any, w: Any) -> Any:
    return functional_call(_GRU, {"weight_ih_l0": w}, x)[0]


def close(a: Any, b: Any, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), atol=tolerance, rtol=1e-8)


def _fractional(args: list[Any]) -> tuple[int, ...]:
    return tuple(i for i, a in enumerate(args) if a.is_floating_point())


@pytest.mark.parametrize(
    ("name", "shared"), [(n, s) for n, c in CASES.items() for s in range(-1, len(c) - 1 if len(c) > 2 else 0)]
)
def test_loop(name: str, shared: int) -> None:
    """All arguments batched, or all but one; values, and gradients of each sample."""
    f, *kinds = CASES[name]
    in_dims = tuple(None if i == shared else 0 for i in range(len(kinds)))
    args = [
        make(*numbers) if d is None else tour.stack([make(*numbers) for _ in range(B)])
        for (make, *numbers), d in zip(kinds, in_dims, strict=True)
    ]
    one = [[a if d is None else a[i] for a, d in zip(args, in_dims, strict=True)] for i in range(B)]
    found = vmap(f, in_dims)(*args)
    for i in range(B):
        close(found[i], f(*one[i]))
    wrt = _fractional(args)
    if not wrt:
        return
    g = grad(lambda *args: f(*args).sin().sum(), argnums=wrt)
    slopes = vmap(g, in_dims)(*args)
    for i in range(B):
        for a, b in zip(slopes, g(*one[i]), strict=True):
            close(a[i], b)


@pytest.mark.parametrize("name", [name for name in CASES if name != "ctc"])  # whose gradient has no gradient
def test_forward_mode(name: str) -> None:
    """A vector times the Jacobian times a vector, from both sides."""
    f, *kinds = CASES[name]
    args = [make(*numbers) for make, *numbers in kinds]
    wrt = _fractional(args)
    if not wrt:
        return

    def g(*xs: Any) -> Any:
        held = list(args)
        for i, x in zip(wrt, xs, strict=True):
            held[i] = x
        return f(*held)

    xs = tuple(args[i] for i in wrt)
    value, pull = vjp(g, *xs)
    c, t = normal(*value.shape), tuple(normal(*x.shape) for x in xs)
    left = (c * jvp(g, xs, t)[1]).sum()
    right = sum((a * b).sum() for a, b in zip(pull(c), t, strict=True))
    close(left, right, 1e-8)


def cnn() -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 3, 2),
        nn.GroupNorm(1, 3),
        nn.Flatten(),
        nn.Linear(12, 5),
    ).double()


def mlp() -> Any:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Tanh(), nn.LayerNorm(10), nn.Linear(10, 5)).double()


@pytest.mark.parametrize("make", [mlp, cnn])
def test_gradients_of_each_sample(make: Any) -> None:
    net = make()
    state = {k: v.detach() for k, v in net.named_parameters()}
    x, y = normal(6, 1, 8, 8), whole(5, 6)

    def loss(state: Any, x: Any, y: Any) -> Any:
        return F.cross_entropy(functional_call(net, state, x[None]), y[None])

    found = vmap(grad(loss), in_dims=(None, 0, 0))(state, x, y)
    total = grad(lambda s: F.cross_entropy(functional_call(net, s, x), y))(state)
    for name in state:
        assert found[name].shape == (6, *state[name].shape)
        close(found[name].mean(0), total[name])
        close(found[name][2], grad(loss)(state, x[2], y[2])[name])


def test_ensemble() -> None:
    nets = [mlp() for _ in range(3)]
    parameters, buffers = stack_module_state(nets)
    assert not buffers and all(p.requires_grad and p.is_leaf for p in parameters.values())
    x = normal(2, 1, 8, 8)
    found = vmap(lambda p, x: functional_call(nets[0], p, x), in_dims=(0, None))(parameters, x)
    for one, net in zip(found, nets, strict=True):
        close(one, net(x))
    found.square().sum().backward()
    for i, net in enumerate(nets):
        net(x).square().sum().backward()
        for name, p in net.named_parameters():
            close(parameters[name].grad[i], p.grad)


def test_hessian_of_a_network() -> None:
    """Forward over reverse and reverse over reverse, of weights."""
    net, x = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double(), normal(4, 2)
    state = {k: v.detach() for k, v in net.named_parameters()}
    loss = lambda s: functional_call(net, s, x).square().mean()  # noqa: E731
    a, b = jacfwd(jacrev(loss))(state), jacrev(jacrev(loss))(state)
    for one in state:
        for two in state:
            close(a[one][two], b[one][two])


def test_dropout() -> None:
    """Different masks, or one; none without asking."""
    x = tour.ones(2, 100)
    different = vmap(lambda x: F.dropout(x, 0.5), randomness="different")(x)
    assert not different[0].equal(different[1])
    same = vmap(lambda x: F.dropout(x, 0.5), randomness="same")(x)
    assert same[0].equal(same[1])
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(lambda x: F.dropout(x, 0.5))(x)


def test_stacking_refused() -> None:
    for models, what in (
        ([], "at least one"),
        ([nn.Linear(1, 1), nn.Linear(1, 1).eval()], "same training"),
        ([nn.Linear(1, 1), nn.Identity()], "same class"),
        ([nn.Linear(1, 1), nn.Linear(1, 1).requires_grad_(False)], "same .requires_grad"),
    ):
        with pytest.raises(RuntimeError, match=what):
            stack_module_state(models)


def test_one_large_convolution() -> None:
    """Samples and models run as one kernel call each, not as a loop."""
    calls = []
    op = tour.nn.functional.convolution.convolution.op
    kernel, op.kernel = op.kernel, lambda *args: calls.append(args) or kernel(*args)
    try:
        vmap(F.conv2d, in_dims=(0, None))(normal(4, 2, 3, 5, 5), normal(2, 3, 3, 3))
        vmap(F.conv2d)(normal(4, 2, 3, 5, 5), normal(4, 2, 3, 3, 3))
    finally:
        op.kernel = kernel
    assert len(calls) == 2 and calls[0][0].shape == (8, 3, 5, 5) and calls[1][-1] == 4


@pytest.mark.parametrize("name", CASES)
def test_shared_samples_keep_their_axes(name: str) -> None:
    """A result belongs to every level of its arguments, also where all samples are the same: its gradient must know."""
    prepare()
    f, *kinds = CASES[name]
    levels = tuple(Level(2) for _ in kinds)
    args = [
        tour._core.wrap(lift(make(*numbers)._a, (level,)))
        for (make, *numbers), level in zip(kinds, levels, strict=True)
    ]
    assert f(*args)._a.levels == levels


def test_neural_tangent_kernel() -> None:
    """By Jacobians, and by forward over reverse mode in three nested batches (Novak et al., 2022, arXiv:2206.08720)."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(8, 3)).double()
    state = {k: v.detach() for k, v in net.named_parameters()}
    x, y = normal(3, 1, 4, 4), normal(2, 1, 4, 4)

    def f(state: Any, x: Any) -> Any:
        return functional_call(net, state, x[None]).squeeze(0)

    a, b = (vmap(jacrev(f), (None, 0))(state, z) for z in (x, y))
    expected = sum(tour.einsum("Naf,Mbf->NMab", a[k].flatten(2), b[k].flatten(2)) for k in state)

    def kernel(x: Any, y: Any) -> Any:
        def row(u: Any) -> Any:
            _, pull = vjp(lambda s: f(s, x), state)
            return jvp(lambda s: f(s, y), (state,), pull(u))[1]

        return vmap(row)(tour.eye(3, dtype=tour.float64))

    close(vmap(vmap(kernel, (None, 0)), (0, None))(x, y), expected)
