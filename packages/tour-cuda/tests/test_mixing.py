"""Tensors of several devices in one op: refused with PyTorch's words, whatever the op; but indices may lie on the host, as in PyTorch."""

from __future__ import annotations

import pytest

import tour
import tour.nn.functional as F
from tour import nn
from tour.cuda import _bounds, _cupy, _launch
from tour.cuda._array import CudaArray

pytestmark = pytest.mark.simulator

# `a` and `n` make tensors of ones and of numbers on one device, `b` and `m` on the other.
OPS = {
    "add": lambda a, b, n, m: a(3) + b(3),
    "add_": lambda a, b, n, m: a(3).add_(b(3)),
    "out=": lambda a, b, n, m: tour.add(a(3), a(3), out=b(3)),
    "setitem": lambda a, b, n, m: a(3).__setitem__(slice(None), b(3)),
    "matmul": lambda a, b, n, m: a(3, 3) @ b(3, 3),
    "bmm": lambda a, b, n, m: a(1, 3, 3).bmm(b(1, 3, 3)),
    "addmm": lambda a, b, n, m: tour.addmm(a(3, 3), b(3, 3), a(3, 3)),
    "einsum": lambda a, b, n, m: tour.einsum("i,i", a(3), b(3)),
    "cat": lambda a, b, n, m: tour.cat([a(3), b(3)]),
    "stack": lambda a, b, n, m: tour.stack([b(3), a(3)]),
    "where": lambda a, b, n, m: tour.where(a(3) > 0, a(3), b(3)),
    "where by": lambda a, b, n, m: tour.where(b(3) > 0, a(3), a(3)),
    "lerp": lambda a, b, n, m: a(3).lerp(b(3), 0.5),
    "clamp": lambda a, b, n, m: a(3).clamp(b(3)),
    "masked_fill": lambda a, b, n, m: a(3).masked_fill(b(3) > 0, 1.0),
    "gather": lambda a, b, n, m: a(3, 3).gather(0, m(0, 1, 2)[None]),
    "scatter": lambda a, b, n, m: a(3, 3).scatter(0, n(0, 1, 2)[None], b(1, 3)),
    "index_select": lambda a, b, n, m: a(3, 3).index_select(0, m(0, 1)),
    "index_add": lambda a, b, n, m: a(3, 3).index_add(0, n(0, 1), b(2, 3)),
    "put": lambda a, b, n, m: a(3, 3).put(m(0, 1), a(2)),
    "searchsorted": lambda a, b, n, m: tour.searchsorted(a(3), b(3)),
    "linear": lambda a, b, n, m: F.linear(a(3, 3), b(3, 3)),
    "a module": lambda a, b, n, m: nn.Linear(3, 3).to(b(1).device)(a(3, 3)),
    "linear, bias": lambda a, b, n, m: F.linear(a(3, 3), a(3, 3), b(3)),
    "conv2d": lambda a, b, n, m: F.conv2d(a(1, 1, 3, 3), b(1, 1, 2, 2)),
    "conv2d, bias": lambda a, b, n, m: F.conv2d(a(1, 1, 3, 3), a(1, 1, 2, 2), b(1)),
    "layer_norm": lambda a, b, n, m: F.layer_norm(a(3, 3), (3,), b(3)),
    "batch_norm": lambda a, b, n, m: F.batch_norm(a(3, 3), b(3), b(3)),
    "embedding": lambda a, b, n, m: F.embedding(m(0, 1), a(3, 3)),
    "cross_entropy": lambda a, b, n, m: F.cross_entropy(a(3, 3), m(0, 1, 2)),
    "cross_entropy, weights": lambda a, b, n, m: F.cross_entropy(a(3, 3), n(0, 1, 2), b(3)),
    "nll_loss": lambda a, b, n, m: F.nll_loss(a(3, 3), m(0, 1, 2)),
    "mse_loss": lambda a, b, n, m: F.mse_loss(a(3), b(3)),
    "attention": lambda a, b, n, m: F.scaled_dot_product_attention(a(1, 3, 3), b(1, 3, 3), a(1, 3, 3)),
    "attention, mask": lambda a, b, n, m: F.scaled_dot_product_attention(a(1, 3, 3), a(1, 3, 3), a(1, 3, 3), b(3, 3)),
    "lstm": lambda a, b, n, m: nn.LSTM(3, 3).to(b(1).device)(a(2, 1, 3)),
}


def makers(one, other):
    """For each device: ones of a shape, and a vector of numbers."""
    return [
        make
        for kind in (
            lambda where: lambda *s: tour.ones(s, device=where),
            lambda where: lambda *v: tour.tensor(v, device=where),
        )
        for make in map(kind, (one, other))
    ]


@pytest.mark.parametrize("name", OPS)
def test_the_host_and_a_device(driver, name):
    for pair in (("cuda", "cpu"), ("cpu", "cuda")):
        with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
            OPS[name](*makers(*pair))


@pytest.mark.parametrize("name", OPS)
def test_two_devices(driver, fake, name):
    fake.reset(devices=2)
    _cupy.forget()
    _bounds.forget()
    _launch.RUNNERS[CudaArray] = type(_launch.RUNNERS[CudaArray])()
    for kernel in _launch.KERNELS.values():
        kernel._forms.clear()
    with pytest.raises(RuntimeError, match=r"same device, but found at least two devices, .*cuda:[01] and cuda:[01]"):
        OPS[name](*makers("cuda:0", "cuda:1"))


def test_indices_may_lie_on_the_host(driver):
    x, rows = tour.arange(9.0).reshape(3, 3).cuda(), tour.tensor([2, 0])
    assert x[rows].tolist() == [[6.0, 7.0, 8.0], [0.0, 1.0, 2.0]]
    assert x[tour.tensor([True, False, False])].tolist() == [[0.0, 1.0, 2.0]]
    x[rows, rows] = -1.0
    x.index_put_((tour.tensor([1]),), tour.tensor(5.0, device="cuda"))
    assert x.tolist() == [[-1.0, 1.0, 2.0], [5.0, 5.0, 5.0], [6.0, 7.0, -1.0]]


def test_memory_that_a_kernel_lacks(driver, fake):
    fake.reset(memory=1 << 20)
    x, kept = tour.ones(1000, 100, device="cuda"), []
    with pytest.raises(tour.cuda.OutOfMemoryError, match=r"CUDA out of memory on cuda:0.*1\.00 MiB, of which"):
        for _ in range(10):
            kept.append(x.softmax(1))
    kept.clear()
    assert x.softmax(1).shape == (1000, 100)
    with pytest.raises(tour.cuda.OutOfMemoryError, match="CUDA out of memory"):
        x @ x.T  # cuBLAS' workspace
    with pytest.raises(tour.cuda.OutOfMemoryError, match="CUDA out of memory"):
        with tour.cuda.graph(tour.cuda.CUDAGraph()):
            for _ in range(10):
                kept.append(x * 2)
    assert x.sum().item() == 100_000


def test_dlpack_both_ways(driver, fake):
    x = tour.arange(6.0).reshape(2, 3).cuda()
    assert x.__dlpack_device__() == (2, 0)
    theirs = fake.from_dlpack(x)
    back = tour.from_dlpack(theirs)
    back += 1
    assert x.tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]] and back.is_cuda
    assert tour.from_dlpack(x.T).stride() == (1, 3)
    with pytest.raises(BufferError, match="require gradient"):
        x.requires_grad_().__dlpack__()
