"""Files go both ways: what PyTorch saves tour loads, what tour saves PyTorch loads, and nothing changes on the way."""

from __future__ import annotations

import collections
import io
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tour
import tour.nn
import tour.optim

DTYPES = [d.name for d in tour._dtypes.ALL]
OPTIMIZERS = [
    "SGD",
    "Adam",
    "AdamW",
    "Adagrad",
    "RMSprop",
    "Adadelta",
    "Adamax",
    "NAdam",
    "RAdam",
    "Rprop",
    "ASGD",
    "LBFGS",
]


def to_tour(obj, **options):
    file = io.BytesIO()
    torch.save(obj, file)
    file.seek(0)
    return tour.load(file, **options)


def to_torch(obj, **options):
    file = io.BytesIO()
    tour.save(obj, file)
    file.seek(0)
    return torch.load(file, **options)


def raw(t):
    """Dtype, shape, strides, offset and bytes of a tensor of either framework."""
    t = t.detach()
    dtype = str(t.dtype).partition(".")[2]
    module = torch if isinstance(t, torch.Tensor) else tour
    content = (
        t.flatten().clone(memory_format=module.contiguous_format).view(module.uint8).numpy().tobytes()
        if t.numel()
        else b""
    )
    return dtype, tuple(t.shape), t.stride(), t.storage_offset(), content


def same(a, b):
    """Whether objects of the two frameworks are the same throughout."""
    if isinstance(a, (torch.Tensor, tour.Tensor)):
        return raw(a) == raw(b) and a.requires_grad == b.requires_grad and type(a).__name__ == type(b).__name__
    if isinstance(a, dict):
        pairs = zip(a.items(), b.items(), strict=True)
        return type(a) is type(b) and all(same(k, m) and same(v, w) for (k, v), (m, w) in pairs)
    if isinstance(a, (list, tuple)):
        return type(a).__name__ == type(b).__name__ and all(itertools.starmap(same, zip(a, b, strict=True)))
    return repr(a).replace("torch.", "tour.") == repr(b).replace("torch.", "tour.")


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_both_ways(name):
    x = torch.tensor([[0, 1, 2], [3, 4, 8]]).to(getattr(torch, name))
    state = {"x": x, "row": x[1], "turned": x.t(), "steps": x[:, ::2], "scalar": x[1, 1], "none": x[:0]}
    got = to_tour(state)
    assert same(state, got)
    back = to_torch(got)
    assert same(state, back)
    assert len({t.untyped_storage().data_ptr() for t in (back["x"], back["row"], back["turned"], back["steps"])}) == 1


def test_containers_both_ways():
    state = {
        "numbers": [0, -1, 2**31, 2**70, -(2**70), 1.5, float("inf"), 1j, True, None],
        "text": ["", "äöü€", "x" * 300, b"\xff\x00", bytearray(b"ab")],
        "nested": {1: (2, [3, {4: ()}]), "set": {1}, (1, 2): "pair"},
        "ordered": collections.OrderedDict(b=1, a=2),
        "counter": collections.Counter("aab"),
        "size": torch.Size([1, 2]),
        "devices": [torch.device("cpu"), torch.device("cuda", 1), torch.device("cuda")],
        "dtypes": [getattr(torch, name) for name in DTYPES],
        "layout": torch.strided,
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "frozen": torch.nn.Parameter(torch.ones(2), False),
        "leaf": torch.ones(2, requires_grad=True),
        "rng": torch.get_rng_state(),
    }
    got = to_tour(state)
    assert same(state, got)
    assert same(to_torch(got), got)


def network(nn):
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 4), nn.LayerNorm(4), nn.Embedding(5, 4)
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_in_the_other_framework(name):
    def steps(fw, net, optimizer, count):
        x = fw.linspace(-1, 1, 32).reshape(2, 1, 4, 4)

        def closure():
            optimizer.zero_grad()
            loss = (net[:5](x) ** 2).sum() + (net[5](fw.tensor([1, 2])) ** 2).sum()
            loss.backward()
            return loss

        return [optimizer.step(closure).item() for _ in range(count)]

    torch.manual_seed(0)
    theirs = network(torch.nn)
    optimizer = getattr(torch.optim, name)(theirs.parameters(), lr=0.01)
    steps(torch, theirs, optimizer, 2)
    saved = to_tour({"net": theirs.state_dict(), "optimizer": optimizer.state_dict()})
    ours = network(tour.nn)
    ours.load_state_dict(saved["net"])
    own = getattr(tour.optim, name)(ours.parameters(), lr=0.5)
    own.load_state_dict(saved["optimizer"])
    expected, got = steps(torch, theirs, optimizer, 3), steps(tour, ours, own, 3)
    np.testing.assert_allclose(got, expected, rtol=2e-4)
    back = to_torch({"net": ours.state_dict(), "optimizer": own.state_dict()})
    theirs.load_state_dict(back["net"])
    optimizer.load_state_dict(back["optimizer"])
    np.testing.assert_allclose(steps(torch, theirs, optimizer, 2), steps(tour, ours, own, 2), rtol=2e-4)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_views_both_ways(data):
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    x = torch.arange(int(np.prod(shape)), dtype=data.draw(st.sampled_from([torch.float32, torch.int16]))).reshape(shape)
    views = [x]
    for _ in range(data.draw(st.integers(0, 4))):
        v = data.draw(st.sampled_from(views))
        dim = data.draw(st.integers(0, v.ndim - 1)) if v.ndim else 0
        if not v.ndim:
            made = v.expand(3)
        else:
            deed = data.draw(st.sampled_from(["select", "slice", "turn", "expand"]))
            at = data.draw(st.integers(0, v.shape[dim] - 1)) if v.shape[dim] else 0
            if deed == "select" and v.shape[dim]:
                made = v.select(dim, at)
            elif deed == "slice":
                made = v[(slice(None),) * dim + (slice(at, None, data.draw(st.integers(1, 2))),)]
            elif deed == "turn":
                made = v.transpose(0, dim)
            else:
                made = v.unsqueeze(dim).expand(*v.shape[:dim], 2, *v.shape[dim:])
        views.append(made)
    got = to_tour(views)
    assert same(views, got)
    assert same(views, to_torch(got))


def test_mapped_files(tmp_path):
    tour.save({"a": tour.arange(100.0), "b": tour.ones(3, dtype=tour.int16)}, tmp_path / "a.pt")
    got = torch.load(tmp_path / "a.pt", mmap=True)
    assert (got["a"].tolist(), got["b"].tolist()) == (list(range(100)), [1, 1, 1])
    torch.save({"a": torch.arange(100.0)}, tmp_path / "b.pt")
    assert tour.load(tmp_path / "b.pt", mmap=True)["a"].tolist() == list(range(100))


def test_both_refuse_programs():
    file = io.BytesIO()
    torch.save(torch.nn.Linear(1, 1), file)
    for load in (torch.load, tour.load):
        file.seek(0)
        with pytest.raises(Exception, match="Linear") as caught:
            load(file)
        assert "UnpicklingError" in str(type(caught.value).__mro__)
