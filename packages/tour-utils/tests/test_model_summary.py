"""The table of a model's modules."""

from __future__ import annotations

import pytest

import tour
from tour import nn
from tour.utils import summary


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, groups=1), nn.BatchNorm2d(8), nn.ReLU())
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.lstm = nn.LSTM(4, 5, batch_first=True)
        self.never = nn.Linear(1, 1)

    def forward(self, x):
        x = self.up(self.body(x))
        return self.lstm(x.flatten(2).transpose(1, 2))


def test_shapes_parameters_and_multiply_adds():
    net = Net()
    net.body[0].requires_grad_(False)
    made = summary(net, tour.zeros(2, 3, 6, 6))
    rows = {row.path: row for row in made.rows}
    assert rows["body.0"].shape == [2, 8, 6, 6]
    assert rows["body.0"].parameters == 8 * 3 * 9 + 8
    assert rows["body.0"].multiply_adds == 2 * 8 * 36 * 27
    assert rows["up"].shape == [2, 4, 12, 12]
    assert rows["up"].multiply_adds == 2 * 4 * 144 * 8  # eight products for each of them: windows do not overlap
    assert rows["lstm"].shape == rows[""].shape == [2, 144, 5]
    assert rows["never"].shape is None
    assert made.parameters == sum(p.numel() for p in net.parameters())
    assert made.parameters - made.trainable == rows["body.0"].parameters
    assert "224 parameters are frozen" in repr(made)


def test_the_model_is_left_as_it_was():
    net = Net()
    net.body.eval()
    before = [t.tolist() for t in net.state_dict().values()]
    summary(net, tour.rand(1, 3, 4, 4))
    assert [m.training for m in net.modules()] == [True, *[False] * 4, True, True, True]
    assert [t.tolist() for t in net.state_dict().values()] == before
    assert not net._forward_hooks
    with pytest.raises(RuntimeError):
        summary(net, tour.rand(1, 2, 4, 4))
    assert not net._forward_hooks


def test_a_shared_module_is_counted_once():
    layer = nn.Linear(3, 3)
    made = summary(nn.Sequential(layer, layer), tour.ones(2, 3))
    assert made.parameters == 12
    assert made.multiply_adds == 2 * 18
