"""Initial values: PyTorch's numbers from the same seed, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tour
from tour.nn import init
from tour.nn.parameter import Parameter

GOLDEN = json.loads((Path(__file__).parent / "golden" / "init.json").read_text())


@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
@pytest.mark.parametrize("name", GOLDEN)
def test_values_are_those_of_pytorch(name: str) -> None:
    ulps = {"orthogonal_": 100, "trunc_normal_": 4}  # one factorises a matrix, the other inverts the error function
    for case in GOLDEN[name]:
        tour.manual_seed(7)
        tensor = tour.empty(case["shape"], dtype=getattr(tour, case["dtype"]))
        assert getattr(init, name)(tensor, **case["options"]) is tensor
        expected = np.array([float.fromhex(x) for x in case["values"]]).reshape(case["shape"])
        off = ulps.get(name, 0)
        if name.endswith(("normal_", "sparse_")) and tensor.dtype is tour.float64:
            off = max(off, 4)  # only float32's normals are bit for bit
        tolerance = off * tour.finfo(tensor.dtype).eps
        np.testing.assert_allclose(tensor.numpy(), expected, rtol=0, atol=tolerance, err_msg=str(case)[:200])
        assert tour.rand(1).item() == float.fromhex(case["next"]), case


@pytest.mark.parametrize(
    "name", ["uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "kaiming_normal_", "orthogonal_"]
)
def test_a_generator_of_ones_own(name: str) -> None:
    fill: Any = getattr(init, name)
    tour.manual_seed(7)
    expected = fill(tour.empty(3, 4))
    tour.manual_seed(8)
    assert fill(tour.empty(3, 4), generator=tour.Generator().manual_seed(7)).tolist() == expected.tolist()


@pytest.mark.parametrize("name", [name for name in GOLDEN if name not in ("dirac_", "eye_")])
def test_a_parameter_stays_a_leaf(name: str) -> None:
    p = Parameter(tour.ones(3, 4))
    getattr(init, name)(p, **GOLDEN[name][0]["options"])
    assert p.requires_grad and p.is_leaf


@pytest.mark.parametrize(
    ("nonlinearity", "param", "gain"),
    [
        *((name, None, 1) for name in ("linear", "conv1d", "conv2d", "conv_transpose3d", "sigmoid")),
        ("tanh", None, 5 / 3),
        ("relu", None, 2**0.5),
        ("selu", None, 0.75),
        ("leaky_relu", None, 1.4141428569978354),
        ("leaky_relu", 0.2, 1.3867504905630728),
        ("leaky_relu", 1, 1.0),
    ],
)
def test_gain(nonlinearity: str, param: Any, gain: float) -> None:
    assert init.calculate_gain(nonlinearity, param) == gain


def test_what_is_refused() -> None:
    for nonlinearity, param, words in [
        ("foo", None, "Unsupported nonlinearity foo"),
        ("leaky_relu", True, "negative_slope True not a valid number"),
        ("leaky_relu", "a", "negative_slope a not a valid number"),
    ]:
        with pytest.raises(ValueError, match=words):
            init.calculate_gain(nonlinearity, param)  # type: ignore[arg-type]
    for fill in (init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_, init.kaiming_normal_):
        with pytest.raises(ValueError, match="Fan in and fan out can not be computed for tensor with fewer than 2"):
            fill(tour.empty(3))
    with pytest.raises(ValueError, match=r"Mode foo not supported, please use one of \['fan_in', 'fan_out'\]"):
        init.kaiming_uniform_(tour.empty(2, 2), mode="foo")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Only tensors with 2 dimensions are supported"):
        init.eye_(tour.empty(2))
    with pytest.raises(ValueError, match="Only tensors with 3, 4, or 5 dimensions are supported"):
        init.dirac_(tour.empty(2, 2))
    with pytest.raises(ValueError, match="dim 0 must be divisible by groups"):
        init.dirac_(tour.empty(4, 2, 3), groups=3)
    with pytest.raises(ValueError, match="Only tensors with 2 or more dimensions are supported"):
        init.orthogonal_(tour.empty(3))
    with pytest.raises(ValueError, match="Only tensors with 2 dimensions are supported"):
        init.sparse_(tour.empty(3), 0.1)


def test_warnings() -> None:
    with pytest.warns(UserWarning, match="mean is more than 2 std from"):
        init.trunc_normal_(tour.empty(2), mean=9)
    for fill in (init.kaiming_uniform_, init.kaiming_normal_):
        with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
            assert fill(tour.empty(0, 3)).shape == (0, 3)
    assert init.orthogonal_(tour.empty(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    "name",
    [
        *("uniform", "normal", "constant", "eye", "dirac", "xavier_uniform", "xavier_normal"),
        *("kaiming_uniform", "kaiming_normal", "orthogonal", "sparse"),
    ],
)
def test_deprecated_names(name: str) -> None:
    old: Any = getattr(init, name)
    assert old.__name__ == name
    options = GOLDEN[name + "_"][0]["options"]
    with pytest.warns(FutureWarning, match=f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`."):
        old(tour.empty(2, 2, 2) if name == "dirac" else tour.empty(2, 2), **options)
