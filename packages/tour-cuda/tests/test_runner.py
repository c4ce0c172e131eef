"""CuPy's runner itself: kernels of `RawModule`, launched through the driver, on a stand-in that refuses what drivers refuse."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

import tour
import tour.nn.functional as F
from tour import nn, optim
from tour.cuda import _cupy, _launch
from tour.cuda._array import CudaArray

pytestmark = pytest.mark.simulator


def test_a_training_step_by_launches_of_the_driver(driver):
    def train(device):
        tour.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3)
        )
        x, y = tour.randn(5, 1, 6, 6), tour.randint(3, (5,))
        net, x, y = net.to(device), x.to(device), y.to(device)
        chosen, losses = optim.AdamW(net.parameters(), lr=0.05), []
        for _ in range(3):
            chosen.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            chosen.step()
            losses.append(loss.detach())
        return [t.item() for t in losses]

    np.testing.assert_allclose(train("cuda"), train("cpu"), rtol=2e-5)
    assert {"im2col", "channel_moments", "cross_entropy", "adam", "clip"} <= set(driver.launched)


def test_a_second_device(driver, fake):
    fake.reset(devices=2)
    _cupy.forget()
    _launch.RUNNERS[CudaArray] = type(_launch.RUNNERS[CudaArray])()
    for kernel in _launch.KERNELS.values():
        kernel._forms.clear()
    x = tour.randn(4, 5).to("cuda:1")
    np.testing.assert_allclose(x.softmax(1).sum(1).cpu().numpy(), np.ones(4), rtol=1e-6)
    assert x.softmax(1).device.index == 1 and tour.cuda.current_device() == 0


def test_a_launch_waits_for_other_streams_or_is_an_error(driver, fake):
    side = tour.cuda.Stream()
    x = tour.randn(4, 5).cuda() + 1
    with pytest.raises(fake.OrderError), tour.cuda.stream(side):
        x.softmax(1)
    side.wait_stream(tour.cuda.current_stream())
    with tour.cuda.stream(side):
        y = x.softmax(1)
    tour.cuda.current_stream().wait_stream(side)
    assert y.sum().item() == pytest.approx(4)


def test_a_launch_is_captured(driver):
    x = tour.randn(4, 5).cuda()
    x.softmax(1)
    graph = tour.cuda.CUDAGraph()
    with tour.cuda.graph(graph):
        y = x.softmax(1)
    x.fill_(1.0)
    graph.replay()
    np.testing.assert_allclose(y.cpu().numpy(), np.full((4, 5), 0.2), rtol=1e-6)


def test_what_the_driver_refuses(driver, fake):
    x = tour.ones(4, device="cuda")._a
    kernel = _launch.Kernel("rows.softmax_rows")
    for blocks, threads in ((0, 1, 1), (32, 1, 1)), ((1, 65536, 1), (32, 1, 1)), ((1, 1, 1), (2048, 1, 1)):
        with pytest.raises(fake.CUDARuntimeError, match="INVALID_VALUE"):
            kernel(_launch.Grid(blocks, threads), x, x, 1, 4, 0)
    with pytest.raises(fake.CUDARuntimeError, match="NOT_FOUND"):
        importlib.import_module("fake_cupy.kernels").RawModule(code='#line 1 "rows.cu"\n').get_function("nothing")
    assert "cupy_backends.cuda.api.driver" in sys.modules
