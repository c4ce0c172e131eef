"""Attention through cuDNN: what the graphs are, whether cuDNN's front end takes them, and both ways on a stand-in for it."""

from __future__ import annotations

import inspect
import re
from functools import partial

import ml_dtypes
import numpy as np
import pytest

import tour
import tour.nn.functional as F
from tour.cuda import _dnn, _dnn_attention, _random
from tour.cuda.forms import attention as forms
from tour.nn.kernels import attention as kernels

oracle, oracle_grad = inspect.unwrap(kernels.attention), inspect.unwrap(kernels.attention_grad)
rng = np.random.default_rng(0)


def normal(*shape, dtype=np.float16):
    return rng.standard_normal(shape).astype(dtype)


def both(q, k, v, mask=None, keep=None, causal=False, factors=None):
    """The result and the gradients, and what they should be."""
    scale = q.shape[-1] ** -0.5
    out, sums = forms.attention(q, k, v, mask, keep, causal, scale)
    g = normal(*out.shape, dtype=out.dtype)
    grads = forms.attention_grad(g, q, k, v, mask, keep, causal, scale, out, sums)
    if callable(factors):
        factors = factors()
    group = np.prod(q.shape[:-2], dtype=int) // max(np.prod(k.shape[:-2], dtype=int), 1)
    repeat = (lambda a: np.repeat(a, group, -3)) if group > 1 else (lambda a: a)
    wide = q.astype("f8"), repeat(k.astype("f8")), repeat(v.astype("f8"))
    mask64 = mask if mask is None or mask.dtype == bool else mask.astype("f8")
    expected, expected_sums = oracle(*wide, mask64, factors, causal, scale)
    wanted = oracle_grad(g.astype("f8"), *wide, mask64, factors, causal, scale, expected, expected_sums)
    shared = lambda a, like: a.reshape(*like.shape[:-2], group, *like.shape[-2:]).sum(-3)  # noqa: E731
    wanted = wanted[0], shared(wanted[1], k), shared(wanted[2], v)
    close = {"rtol": 0.03, "atol": 0.03} if q.dtype != np.float16 else {"rtol": 5e-3, "atol": 5e-3}
    np.testing.assert_allclose(out.astype("f8"), expected, **close)
    for a, e, like in zip(grads, wanted, (q, k, v), strict=False):
        assert a.shape == like.shape and a.dtype == q.dtype
        np.testing.assert_allclose(a.astype("f8"), e, **close)


BOTH = ["attention", "attention_grad"]


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("q", "k"),
    [((2, 3, 5, 8), (2, 3, 7, 8)), ((6, 4, 16), (6, 4, 16)), ((3, 8), (4, 8)), ((2, 2, 2, 5, 8), (2, 2, 2, 5, 8))],
)
def test_both_ways(cudnn, q, k, causal, dtype):
    both(normal(*q, dtype=dtype), normal(*k, dtype=dtype), normal(*k, dtype=dtype), causal=causal)
    assert cudnn.executed == BOTH


MASKS = {
    "who sees whom": rng.random((5, 7)) < 0.6,
    "padding": rng.random((2, 1, 1, 7)) < 0.6,
    "by heads": rng.random((3, 5, 7)) < 0.6,
    "added": normal(2, 3, 5, 7, dtype=np.float32),
    "added to columns": normal(2, 1, 1, 7),
    "minus infinity": np.where(rng.random((5, 7)) < 0.5, np.float16(0), np.float16(-np.inf)),
}
MASKS["who sees whom"][2] = False  # a row that sees nothing gives zeros
MASKS["minus infinity"][1] = -np.inf


@pytest.mark.parametrize("name", MASKS)
def test_masks(cudnn, name):
    both(normal(2, 3, 5, 8), normal(2, 3, 7, 8), normal(2, 3, 7, 8), MASKS[name])
    assert cudnn.executed == BOTH


def test_a_mask_along_some_of_several_batch_dimensions(cudnn):
    both(normal(2, 2, 3, 4, 8), normal(2, 2, 3, 4, 8), normal(2, 2, 3, 4, 8), rng.random((2, 1, 3, 4, 4)) < 0.7)
    assert cudnn.executed == BOTH


def test_heads_that_are_shared_and_numbers_of_values(cudnn):
    both(normal(2, 6, 5, 8), normal(2, 2, 7, 8), normal(2, 2, 7, 16), rng.random((5, 7)) < 0.9)
    assert cudnn.executed == BOTH


def test_arrays_are_taken_as_they_lie_if_they_are_aligned(cudnn):
    whole = normal(2, 5, 3, 4, 8)  # batch, rows, query key and value, heads, numbers
    q, k, v = (whole[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
    assert _dnn_attention._four(q).strides == q.strides
    both(q, k, v)
    odd = np.frombuffer(b"\0" * 2 + normal(2, 3, 5, 8).tobytes(), np.uint8)[2:].view(np.float16).reshape(2, 3, 5, 8)
    both(odd, normal(2, 3, 5, 8), np.broadcast_to(normal(1, 3, 5, 8), (2, 3, 5, 8)))
    assert cudnn.executed == 2 * BOTH


def test_dropout_is_drawn_from_a_seed(cudnn):
    _random.manual_seed(11)
    shape = (2, 3, 5, 7)
    keep = forms.seed(normal(2, 3, 5, 8), shape, 0.25)
    np.testing.assert_array_equal(keep.state, [11, 0])
    both(
        normal(2, 3, 5, 8), normal(2, 3, 7, 8), normal(2, 3, 7, 8), keep=keep, factors=cudnn.factors(11, 0, 0.25, shape)
    )
    assert cudnn.executed == BOTH
    with pytest.raises(RuntimeError, match="second derivatives of attention with dropout"):
        keep.factors()
    assert forms.seed(normal(1, 8), shape, 0.25).state[1] >= np.prod(shape)  # the next draw has other numbers


@pytest.mark.parametrize("without", ["attention", "attention_grad"])
def test_where_one_way_has_no_plan_dropout_is_our_own(cudnn, without):
    """Else the gradient would not know what had been dropped."""
    cudnn.refused.add(without)
    keep = forms.seed(normal(2, 3, 5, 8), (2, 3, 5, 7), 0.25)
    both(normal(2, 3, 5, 8), normal(2, 3, 7, 8), normal(2, 3, 7, 8), keep=keep, factors=keep.factors)
    assert not cudnn.executed


def test_what_is_not_for_cudnn(cudnn):
    both(normal(1, 2, 5, 12), normal(1, 2, 5, 12), normal(1, 2, 5, 12))  # not in eights
    both(
        normal(1, 2, 5, 8, dtype=np.float32), normal(1, 2, 5, 8, dtype=np.float32), normal(1, 2, 5, 8, dtype=np.float32)
    )
    tour.backends.cudnn.enabled = False
    try:
        both(normal(1, 2, 5, 8), normal(1, 2, 5, 8), normal(1, 2, 5, 8))
    finally:
        tour.backends.cudnn.enabled = True
    out, _ = forms.attention(normal(2, 0, 8), normal(2, 3, 8), normal(2, 3, 8), None, None, False, 1.0)
    assert out.shape == (2, 0, 8) and not cudnn.executed


def test_plans_are_kept(cudnn):
    for _ in range(2):
        both(normal(2, 3, 5, 8), normal(2, 3, 7, 8), normal(2, 3, 7, 8))
    both(normal(2, 3, 6, 8), normal(2, 3, 7, 8), normal(2, 3, 7, 8))
    assert len(cudnn.built) == 4 and len(cudnn.executed) == 6


def test_no_plan_is_built_while_a_graph_is_captured(cudnn, simulated):
    simulated.captured = True
    both(normal(2, 3, 5, 8), normal(2, 3, 7, 8), normal(2, 3, 7, 8))
    assert not cudnn.built and not cudnn.executed


def test_convolutions_go_there_too(cudnn):
    from tour.cuda.forms import convolution

    x, w = normal(2, 4, 6, 6, dtype=np.float32)[1:], normal(6, 2, 3, 3, dtype=np.float32)
    options = (1, 1), (1, 1), (1, 1), 2
    y = convolution.conv(x, w, None, *options)
    grads = convolution.conv_input_grad(y, w, x.shape, *options), convolution.conv_weight_grad(y, x, w.shape, *options)
    assert cudnn.executed == ["fprop", "dgrad", "wgrad"]
    tour.backends.cudnn.enabled = False
    try:
        expected = convolution.conv(x, w, None, *options)
        wanted = (
            convolution.conv_input_grad(y, w, x.shape, *options),
            convolution.conv_weight_grad(y, x, w.shape, *options),
        )
    finally:
        tour.backends.cudnn.enabled = True
    for a, e in zip((y, *grads), (expected, *wanted), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-4, atol=1e-4)


# --- On the device ------------------------------------------------------------------------------------------------------------


def test_a_captured_step_with_attention_and_dropout(kernels, cudnn):
    """The graph holds cuDNN's work; each replay drops other weights, and its gradient knows them."""
    tour.manual_seed(0)
    q, k, v = (tour.randn(1, 2, 8, 16).half().cuda().requires_grad_() for _ in range(3))

    def step():
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=0.5)
        return y, *tour.autograd.grad(y.sum(), (q, k, v))

    step()
    cudnn.executed.clear()
    graph = tour.cuda.CUDAGraph()
    with tour.cuda.graph(graph):
        found = step()
    seen = []
    for _ in range(2):
        graph.replay()
        seen.append([t.detach().float().cpu().numpy() for t in found])
    assert cudnn.executed == 2 * BOTH
    assert not np.array_equal(seen[0][0], seen[1][0])
    for y, *_, to_v in seen:  # the result is linear in the values: sum(y) = sum(to_v * v)
        np.testing.assert_allclose(y.sum(), (to_v * v.detach().float().cpu().numpy()).sum(), rtol=2e-2, atol=0.1)


@pytest.mark.parametrize("dtype", [tour.float32, tour.float16])
def test_grouped_heads_of_a_tensor(kernels, cudnn, dtype):
    tour.manual_seed(1)
    tensors = tour.randn(2, 4, 5, 8), tour.randn(2, 2, 6, 8), tour.randn(2, 2, 6, 8)
    found = {}
    for device in ("cpu", "cuda"):
        leaves = [t.detach().to(dtype).to(device).requires_grad_() for t in tensors]
        y = F.scaled_dot_product_attention(*leaves, is_causal=True, enable_gqa=True)
        (y * y).sum().backward()
        found[device] = [t.detach().float().cpu().numpy() for t in (y, *(x.grad for x in leaves))]
    assert bool(cudnn.executed) == (dtype is tour.float16)
    for a, e in zip(found["cuda"], found["cpu"], strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-2, atol=1e-2 if dtype is tour.float16 else 1e-5)


# --- The front end itself -------------------------------------------------------------------------------------------------------


def loads() -> bool:
    try:
        return _dnn.frontend() is not None and bool(_dnn.frontend().backend_version())
    except RuntimeError:
        return False


needs_cudnn = pytest.mark.skipif(
    not loads(), reason="needs nvidia-cudnn-frontend (tour-cuda[cudnn]) and cuDNN (500 MB)"
)
ROWS = {
    "kind": ["forward", "backward"],
    "mask": [None, (2, 1, 5, 7), (1, 1, 1, 7)],
    "keep": [None, 0.75],
    "heads": [4, 2],
}


@needs_cudnn
@pytest.mark.parametrize("kind", ROWS["kind"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("mask", ROWS["mask"])
@pytest.mark.parametrize("keep", ROWS["keep"])
@pytest.mark.parametrize("heads", ROWS["heads"])
def test_a_graph_is_valid(monkeypatch, kind, dtype, mask, keep, heads):
    monkeypatch.setattr(_dnn, "new_graph", partial(_dnn.new_graph, sm_version=90))  # which it would ask the GPU
    q, k = (2, 4, 5, 16), (2, heads, 7, 16)
    strides = (5 * 4 * 16, 16, 4 * 16, 1), *[tuple(_dnn.row_major(k))] * 2
    problem = _dnn_attention.Problem(kind, dtype, q, k, k, *strides, mask, keep, True, 0.25, True)
    graph, tensors = _dnn_attention.graph_of(problem)
    graph.validate()
    sizes = [tuple(t.get_dim()) for t in tensors]
    assert sizes[:5] == [q, k, k, q, (2, 4, 5, 1)]
    assert tuple(tensors[0].get_stride()) == strides[0] and tuple(tensors[4].get_stride()) == (20, 5, 1, 1)
    assert kind == "forward" or sizes[5:9] == [q, q, k, k]


@needs_cudnn
@pytest.mark.parametrize("name", ["sdpa", "sdpa_backward"])
def test_the_stand_in_has_parameters_of_cudnn(stand_in, name):
    module = _dnn.frontend()
    text = getattr(module._pybind_module.backend_graph, name).__doc__
    theirs = re.findall(r"(\w+): ", text.partition("->")[0])
    mine = list(inspect.signature(getattr(stand_in.pygraph, name)).parameters)
    assert mine == [p for p in theirs if p in mine]
