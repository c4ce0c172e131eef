"""Random numbers: the host's outside a capture, the device's own within one, new at each replay; states that are put back."""

from __future__ import annotations

import numpy as np
import pytest

import tour
import tour.nn.functional as F
from tour import nn
from tour.autograd.checkpoint import checkpoint
from tour.cuda import _random

N = 4000
DRAWS = {
    "normal_": (lambda t: t.normal_(1.0, 2.0), 1.0, 2.0),
    "uniform_": (lambda t: t.uniform_(-1, 3), 1.0, 4 / 12**0.5),
    "bernoulli_": (lambda t: t.bernoulli_(0.3), 0.3, 0.21**0.5),
    "random_": (lambda t: t.random_(10), 4.5, 8.25**0.5),
    "random_ from": (lambda t: t.random_(-3, 4), 0.0, 2.0),
    "exponential_": (lambda t: t.exponential_(2.0), 0.5, 0.5),
    "geometric_": (lambda t: t.geometric_(0.4), 2.5, 0.6**0.5 / 0.4),
    "log_normal_": (lambda t: t.log_normal_(0.0, 0.25), np.exp(1 / 32), 0.2599),
    "cauchy_": (lambda t: t.cauchy_(), None, None),
}
MAKERS = {
    "rand": (lambda t: tour.rand(N, device="cuda"), 0.5, 12**-0.5),
    "randn": (lambda t: tour.randn(N, device="cuda"), 0.0, 1.0),
    "randint": (lambda t: tour.randint(5, (N,), device="cuda"), 2.0, 2**0.5),
    "rand_like": (lambda t: tour.rand_like(t), 0.5, 12**-0.5),
    "randn_like": (lambda t: tour.randn_like(t), 0.0, 1.0),
    "randint_like": (lambda t: tour.randint_like(t, 2, 5), 3.0, (2 / 3) ** 0.5),
    "bernoulli": (lambda t: tour.bernoulli(t * 0 + 0.25), 0.25, (3 / 16) ** 0.5),
    "bernoulli_ of chances": (lambda t: tour.empty_like(t).bernoulli_(t * 0 + 0.25), 0.25, (3 / 16) ** 0.5),
    "normal of tensors": (lambda t: tour.normal(t * 0 + 2, t * 0 + 0.5), 2.0, 0.5),
    "normal": (lambda t: tour.normal(2.0, 0.5, (N,), device="cuda"), 2.0, 0.5),
    "gumbel_softmax": (lambda t: F.gumbel_softmax(t.reshape(-1, 2) * 0)[:, 0], 0.5, None),
}


@pytest.mark.parametrize("name", DRAWS)
def test_outside_a_capture_the_numbers_are_those_of_the_host(kernels, name):
    draw = DRAWS[name][0]
    tour.manual_seed(1)
    here = draw(tour.zeros(5, 7)).tolist()
    tour.manual_seed(1)
    assert draw(tour.zeros(5, 7, device="cuda")).tolist() == here


def test_initial_weights_are_those_of_the_host(kernels):
    for init in (nn.init.xavier_uniform_, nn.init.kaiming_normal_, nn.init.orthogonal_, nn.init.trunc_normal_):
        tour.manual_seed(2)
        here = init(tour.empty(4, 3))
        tour.manual_seed(2)
        np.testing.assert_allclose(init(tour.empty(4, 3, device="cuda")).cpu().numpy(), here.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", {**DRAWS, **MAKERS})
def test_each_replay_draws_anew(kernels, name):
    draw, mean, deviation = {**DRAWS, **MAKERS}[name]
    tour.manual_seed(3)
    target = tour.zeros(N, device="cuda")
    graph = tour.cuda.CUDAGraph()
    with tour.cuda.graph(graph):
        made = draw(target)
    found = []
    for _ in range(2):
        graph.replay()
        found.append(made.cpu().numpy().astype("f8"))
    assert not np.array_equal(*found)
    for values in found:
        assert values.shape[0] >= N // 2
        if mean is None:
            assert abs(np.median(values)) < 0.1 and abs(np.quantile(values, 0.75) - 1) < 0.15
            continue
        assert abs(values.mean() - mean) < 5 * (deviation or 1) / len(values) ** 0.5
        assert deviation is None or abs(values.std() / deviation - 1) < 0.1


@pytest.mark.parametrize("dtype", [tour.float16, tour.float64, tour.complex64, tour.int64, tour.bool])
def test_other_dtypes_are_drawn_too(kernels, dtype):
    x = tour.zeros(2000, dtype=dtype, device="cuda")
    graph = tour.cuda.CUDAGraph()
    with tour.cuda.graph(graph):
        x.normal_() if dtype.is_complex else x.random_(2) if dtype is not tour.bool else x.random_()
    graph.replay()
    values = x.cpu().numpy()
    assert abs(values.astype("c16").mean() - (0 if dtype.is_complex else 0.5)) < 0.1


def test_draws_on_the_host_go_on_while_a_graph_is_captured(kernels):
    tour.manual_seed(5)
    here = [tour.rand(3).tolist(), tour.randperm(4).tolist()]
    tour.manual_seed(5)
    with tour.cuda.graph(tour.cuda.CUDAGraph()):
        assert [tour.rand(3).tolist(), tour.randperm(4).tolist()] == here
        with pytest.raises(RuntimeError, match="a generator lives on the host"):
            tour.rand(3, device="cuda", generator=tour.Generator())
        with pytest.raises(RuntimeError, match="nothing can be copied between host and device"):
            tour.randperm(3, device="cuda")
        with pytest.raises(RuntimeError, match="name bounds"):
            tour.zeros(3, dtype=tour.int64, device="cuda").random_()


def test_a_checkpointed_dropout_is_drawn_again_as_it_was(kernels):
    x = tour.ones(500, device="cuda", requires_grad=True)
    y = checkpoint(lambda t: F.dropout(t, 0.5) * t, x, use_reentrant=False)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.cpu().numpy(), 2 * y.detach().cpu().numpy())


def test_fork_rng_leaves_no_trace_on_the_device(kernels):
    x = tour.ones(500, device="cuda")
    F.dropout(x)
    with tour.random.fork_rng():
        first = F.dropout(x).tolist()
    assert F.dropout(x).tolist() == first


def test_a_state_of_the_generator_holds_that_of_the_device(kernels):
    x = tour.ones(500, device="cuda")
    F.dropout(x)
    state = tour.cuda.get_rng_state()
    first = F.dropout(x).tolist(), tour.rand(3, device="cuda").tolist()
    tour.cuda.set_rng_state(state)
    assert (F.dropout(x).tolist(), tour.rand(3, device="cuda").tolist()) == first
    _random._states.clear()  # as in a new process
    tour.cuda.set_rng_state(state)
    assert (F.dropout(x).tolist(), tour.rand(3, device="cuda").tolist()) == first
    tour.cuda.set_rng_state(tour.get_rng_state())  # of the host alone
