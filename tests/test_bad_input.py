"""Bad input of every layer: PyTorch's exception type, the layer's description and path, the shapes given, and what would fit."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from tour import nn, zeros


def load_mistakes():
    spec = spec_from_file_location("bad_input", Path(__file__).parent / "bad_input.py")
    assert spec and spec.loader
    module = sys.modules["bad_input"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MISTAKES


MISTAKES = load_mistakes()


class Inner(nn.Module):
    """Calls its layer on whatever it is given."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, *inputs):
        return self.layer(*inputs)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_where_it_is_made(name):
    mistake = MISTAKES[name]
    net = Inner(Inner(mistake.layer()))
    with pytest.raises(mistake.error) as info:
        net(*mistake.inputs())
    message, (note,) = str(info.value), info.value.__notes__
    assert [words for words in mistake.says if words not in message] == []
    layer = "self_attn: MultiheadAttention" if name == "TransformerEncoderLayer" else f": {name.partition(',')[0]}"
    assert note.startswith("in net.layer.layer") and f"{layer}(" in note


def test_missing_and_misshaped_state_is_listed_whole():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    state = net.state_dict()
    del state["1.running_mean"]
    state["0.weight"], state["2.bias"] = zeros(2, 4), zeros(1)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(RuntimeError) as info:
        net.load_state_dict(state)
    message = str(info.value)
    assert all(words in message for words in ("1.running_mean", "2.bias", "0.weight", "[2, 4]", "[2, 3]", "Sequential"))
    assert all((before[name] == value).all() for name, value in net.state_dict().items() if name != "0.weight")
