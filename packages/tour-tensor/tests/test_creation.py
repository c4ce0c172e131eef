"""New tensors: from data, filled, counting; and PyTorch's legacy constructors."""

from __future__ import annotations

import numpy as np
import pytest

import tour

FAMILY = "creation"


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)


def test_out_is_filled_and_its_dtype_kept():
    out = tour.ones(2)
    assert tour.zeros(2, out=out) is out and out.tolist() == [0.0, 0.0]
    assert tour.arange(2, out=out).tolist() == [0.0, 1.0]
    assert tour.eye(2, out=tour.empty(0, dtype=tour.int16)).dtype is tour.int16
    with pytest.raises(RuntimeError, match="does not match dtype of out"):
        tour.zeros(2, dtype=tour.int32, out=out)


def test_sharing_and_copying():
    a = np.zeros(2, np.float32)
    assert np.shares_memory(tour.from_numpy(a).numpy(), a)
    assert np.shares_memory(tour.as_tensor(a).numpy(), a)
    assert np.shares_memory(tour.asarray(a).numpy(), a)
    assert not np.shares_memory(tour.tensor(a).numpy(), a)
    assert not np.shares_memory(tour.asarray(a, copy=True).numpy(), a)
    raw = bytearray(4)
    t = tour.frombuffer(raw, dtype=tour.uint8)
    t[1] = 7
    assert raw[1] == 7


def test_the_default_dtype_reaches_every_factory():
    tour.set_default_dtype(tour.float64)
    try:
        for made in (
            tour.zeros(1),
            tour.linspace(0, 1, 2),
            tour.full((1,), 2.0),
            tour.tensor(1.5),
            tour.eye(1),
            tour.arange(0.5),
        ):
            assert made.dtype is tour.float64
        assert tour.tensor(1j).dtype is tour.complex128
    finally:
        tour.set_default_dtype(tour.float32)


def test_legacy_types():
    assert tour.Tensor(2, 3).shape == (2, 3)
    assert tour.Tensor([1, 2]).dtype is tour.float32
    assert isinstance(tour.zeros(1), tour.FloatTensor) and not isinstance(tour.zeros(1), tour.LongTensor)
    assert tour.zeros(1).type() == "tour.FloatTensor"
    assert tour.zeros(1).type("torch.LongTensor").dtype is tour.int64
    assert tour.DoubleTensor(np.array([1.5])).tolist() == [1.5]
    x = tour.ones(2, dtype=tour.int64)
    assert np.shares_memory(tour.LongTensor(x).numpy(), x.numpy())
    with pytest.raises(TypeError, match=r"expected tour.float32 \(got tour.int64\)"):
        tour.FloatTensor(x)


def test_range_warns_and_includes_its_end():
    with pytest.warns(UserWarning, match=r"tour\.range is deprecated"):
        assert tour.range(0, 1, 0.5).tolist() == [0.0, 0.5, 1.0]


def test_ends_of_long_ranges_are_exact():
    t = tour.linspace(-3, 11, 100001)
    assert (t[0].item(), t[-1].item()) == (-3.0, 11.0)
    assert tour.allclose(t.flip(0), 8 - t, atol=1e-5)


@pytest.mark.parametrize("out", [3, "x", [1.0]])
@pytest.mark.parametrize(
    "make",
    [
        lambda out: tour.zeros(3, out=out), lambda out: tour.empty(3, out=out), lambda out: tour.full((3,), 1.0, out=out),
        lambda out: tour.arange(3, out=out), lambda out: tour.linspace(0, 1, 3, out=out), lambda out: tour.eye(3, out=out),
        lambda out: tour.rand(3, out=out), lambda out: tour.randn(3, out=out), lambda out: tour.randperm(3, out=out),
        lambda out: tour.normal(tour.ones(3), out=out), lambda out: tour.multinomial(tour.ones(3), 1, out=out),
        lambda out: tour.sum(tour.ones(3), out=out), lambda out: tour.max(tour.ones(3), out=out),
        lambda out: tour.amin(tour.ones(3), out=out),
    ],
)  # fmt: skip
def test_what_is_no_tensor_is_refused_as_out(make, out):
    with pytest.raises(TypeError, match="'out' must be Tensor, not"):
        make(out)


@pytest.mark.parametrize("device", [3.5, [1], {}, (1,), object()])
def test_what_names_no_device_is_refused(device):
    for make in (
        lambda d: tour.zeros(3, device=d),
        lambda d: tour.arange(3, device=d),
        lambda d: tour.as_tensor([1], device=d),
    ):
        with pytest.raises(TypeError, match="a device is"):
            make(device)
    with pytest.raises(TypeError, match="'index' must be int, not str"):
        tour.device("cpu", "x")
