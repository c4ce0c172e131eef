"""A device plugs in without a line of tour-tensor changing, and its tensors behave as on a GPU."""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.cuda._array import CudaArray


def both(fake, *values):
    """The same values as host tensors and as tensors on the fake device."""
    host = [tour.tensor(v) for v in values]
    return host, [t.to("cuda") for t in host]


CASES = {
    "arithmetic": lambda a, b: (a + b) * 2 - a / b,
    "reflected": lambda a, b: 1 - a + 2 / b,
    "functions": lambda a, b: a.exp().log().sin() + b.abs().sqrt().tanh(),
    "comparison": lambda a, b: tour.where(a > b, a, b),
    "product": lambda a, b: a @ b.t(),
    "sum": lambda a, b: (a * b).sum(1),
    "mean": lambda a, b: (a * b).mean(),
    "shapes": lambda a, b: a.reshape(3, 2).t().unsqueeze(0).permute(2, 0, 1).flatten(),
    "expand": lambda a, b: a[:1].expand(2, 3) * b,
    "slice": lambda a, b: a[:, 1:] - b[:, :2],
    "cast": lambda a, b: a.double() + b.double(),
}


@pytest.mark.parametrize("name", CASES)
def test_an_op_gives_the_numbers_of_the_host(fake, name):
    host, there = both(fake, [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5]], [[2.0, 1.0, 3.0], [0.5, 4.0, 2.0]])
    result = CASES[name](*there)
    assert result.device == tour.device("cuda", 0)
    assert type(result._a) is CudaArray
    np.testing.assert_allclose(result.cpu().numpy(), CASES[name](*host).numpy(), rtol=1e-6)


def test_ops_transfer_nothing(fake):
    _, (a, b) = both(fake, [1.0, 2.0], [3.0, 4.0])
    fake.counts.clear()
    ((a + b) * a).sum()
    assert fake.counts == {"launch": 3}


def test_moving_there_and_back_is_one_transfer_each(fake):
    fake.counts.clear()
    t = tour.tensor([1.0, 2.0]).to("cuda")
    assert t.to("cuda") is t
    assert t.cpu().tolist() == [1.0, 2.0]
    assert fake.counts == {"to_device": 1, "to_host": 1, "synchronise": 1}


def test_writing_in_place_stays_on_the_device(fake):
    t = tour.tensor([1.0, 2.0]).to("cuda")
    t += 1
    t[0] = 7
    assert t.cpu().tolist() == [7.0, 3.0]


def test_mixing_devices_names_both(fake):
    (a,), (b,) = both(fake, [1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"same device.*cpu and cuda:0"):
        a + b
    with pytest.raises(RuntimeError, match=r"same device"):
        b @ a


def test_a_host_number_may_stand_beside_a_device_tensor(fake):
    t = tour.tensor([1.0, 2.0]).to("cuda")
    assert (t * tour.tensor(2.0)).cpu().tolist() == [2.0, 4.0]


def test_factories_put_tensors_on_the_device(fake):
    assert tour.zeros(2, device="cuda").device.type == "cuda"
    with tour.device("cuda"):
        assert tour.ones(2).device.type == "cuda"
    assert tour.ones(2).device.type == "cpu"


def test_an_unknown_number_or_name_is_refused(fake):
    with pytest.raises(RuntimeError, match=r"invalid device ordinal cuda:3"):
        tour.zeros(2, device="cuda:3")
    with pytest.raises(
        RuntimeError, match=r"no installed package offers the device 'nowhere'; known devices: cpu, cuda"
    ):
        tour.zeros(2, device="nowhere")


def test_numpy_refuses_a_device_tensor_but_says_what_to_do(fake):
    t = tour.zeros(2, device="cuda")
    with pytest.raises(TypeError, match=r"Use Tensor.cpu\(\)"):
        t.numpy()
