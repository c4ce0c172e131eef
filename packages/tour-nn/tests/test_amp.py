"""Mixed precision: dtypes as PyTorch's CPU autocast gives them (`tools/golden_amp.py`), gradients, nesting, and the scaler."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tour
import tour.nn.functional as F
from tour import nn
from tour.amp import GradScaler, autocast, custom_bwd, custom_fwd

DTYPES = json.loads((Path(__file__).parent / "golden" / "amp.json").read_text())
SHAPES = {"m": (2, 2), "v": (2,), "i": (1, 2, 6, 6), "w": (3, 2, 3, 3), "b": (1, 2, 2)}


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("case", DTYPES)
def test_dtypes_are_those_of_pytorch(case: str) -> None:
    for key, expected in DTYPES[case].items():
        start, lower = key.split()
        given = {name: tour.rand(shape).to(getattr(tour, start)) for name, shape in SHAPES.items()}
        with tour.autocast("cpu", dtype=getattr(tour, lower)):
            try:
                found = eval(case, given | {"torch": tour, "F": F}).dtype.name
            except (RuntimeError, NotImplementedError):
                found = "Error"
        assert found == expected or (found == "Error" and expected.endswith("Error")), key


def test_nothing_is_left_when_the_block_ends() -> None:
    before = [f.__code__ for f in (tour.matmul, F.linear, F.mse_loss, tour.cat)]
    with pytest.raises(ZeroDivisionError), autocast("cpu"):
        assert tour.matmul.__code__ is not before[0]
        _ = 1 / 0
    assert [f.__code__ for f in (tour.matmul, F.linear, F.mse_loss, tour.cat)] == before
    assert (tour.ones(2, 2) @ tour.ones(2, 2)).dtype is tour.float32


def test_blocks_nest_and_decorate() -> None:
    a = tour.ones(2, 2)

    @autocast("cpu", dtype=tour.float16)
    def product(x: Any) -> Any:
        return x @ x

    with autocast("cpu"):
        assert tour.is_autocast_enabled("cpu") and tour.get_autocast_dtype("cpu") is tour.bfloat16
        with autocast("cpu", enabled=False):
            assert (a @ a).dtype is tour.float32 and not tour.is_autocast_cpu_enabled()
        assert product(a).dtype is tour.float16
        assert (a @ a).dtype is tour.bfloat16
    assert product(a).dtype is tour.float16 and not tour.is_autocast_enabled("cpu")


def test_another_thread_is_not_concerned() -> None:
    seen: list[Any] = []
    a = tour.ones(2, 2)
    with autocast("cpu"):
        thread = threading.Thread(target=lambda: seen.append((a @ a).dtype))
        thread.start()
        thread.join()
    assert seen == [tour.float32]


def test_weights_are_cast_once_and_get_their_own_gradient() -> None:
    w = tour.ones(2, 2, requires_grad=True)
    with autocast("cpu"):
        y, z = F.linear(tour.ones(1, 2), w), F.linear(tour.ones(1, 2), w)
        casts = {n[0] for t in (y, z) for n in t.grad_fn.next_functions if n[0] is not None}
    assert len(casts) == 1
    (y + z).sum().backward()
    assert w.grad is not None and w.grad.dtype is tour.float32 and w.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    with autocast("cpu"), tour.no_grad():
        w += 1
    with autocast("cpu"):
        assert F.linear(tour.ones(1, 2), w).tolist() == [[4.0, 4.0]]


def test_results_into_a_given_tensor_are_left_alone() -> None:
    a, out = tour.ones(2, 2), tour.zeros(2, 2)
    with autocast("cpu"):
        assert tour.mm(a, a, out=out).dtype is tour.float32


def test_a_network_trains_in_half_the_bits() -> None:
    tour.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))
    x, y = tour.randn(8, 1, 6, 6), tour.randint(2, (8,))
    losses = []
    for _ in range(20):
        for p in net.parameters():
            p.grad = None
        with autocast("cpu"):
            scores = net(x)
            loss = F.cross_entropy(scores, y)
        assert scores.dtype is tour.bfloat16 and loss.dtype is tour.float32
        loss.backward()
        with tour.no_grad():
            for p in net.parameters():
                assert p.grad is not None and p.grad.dtype is tour.float32
                p -= 0.1 * p.grad
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_unknown_devices_and_dtypes() -> None:
    with pytest.raises(RuntimeError, match="unsupported autocast device_type 'tpu'"):
        autocast("tpu")
    with pytest.raises(ValueError, match="Expected `device_type` of type `str`"):
        autocast(tour.float16)  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="not supported. Disabling"), autocast("cpu", dtype=tour.float64):
        assert not tour.is_autocast_enabled("cpu")


def test_functions_of_the_user() -> None:
    class Product(tour.autograd.Function):
        @staticmethod
        @custom_fwd(device_type="cpu", cast_inputs=tour.float32)
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            ctx.save_for_backward(a, b)
            return a @ b

        @staticmethod
        @custom_bwd(device_type="cpu")
        def backward(ctx: Any, g: Any) -> Any:
            a, b = ctx.saved_tensors
            assert not tour.is_autocast_enabled("cpu")
            return g @ b.T, a.T @ g

    a = tour.ones(2, 2, requires_grad=True)
    with autocast("cpu"):
        y = Product.apply(a, tour.ones(2, 2, dtype=tour.bfloat16))
    assert y.dtype is tour.float32
    y.sum().backward()
    assert a.grad is not None and a.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]


# --- The scaler -------------------------------------------------------------------------------------------------------------------


class Descent:
    """The least that the scaler asks of an optimizer."""

    def __init__(self, *params: Any) -> None:
        self.param_groups = [{"params": list(params)}]
        self.steps = 0

    def step(self) -> int:
        self.steps += 1
        with tour.no_grad():
            for p in self.param_groups[0]["params"]:
                p -= 0.5 * p.grad
        return self.steps


def test_the_scale_grows_and_backs_off() -> None:
    w = tour.ones(2, requires_grad=True)
    chosen, scaler = Descent(w), GradScaler("cpu", init_scale=8.0, growth_interval=2)

    def step(factor: float) -> Any:
        w.grad = None
        scaler.scale((w * factor).sum()).backward()
        done = scaler.step(chosen)
        scaler.update()
        return done

    assert scaler.get_scale() == 8.0
    assert step(1.0) == 1 and scaler.get_scale() == 8.0
    np.testing.assert_array_equal(w.detach().numpy(), [0.5, 0.5])
    assert step(1.0) == 2 and scaler.get_scale() == 16.0
    assert step(float("inf")) is None and chosen.steps == 2 and scaler.get_scale() == 8.0
    assert step(1.0) == 3 and scaler.get_scale() == 8.0
    assert scaler.state_dict() == {
        "scale": 8.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2, "_growth_tracker": 1,
    }  # fmt: skip
    again = GradScaler("cpu")
    again.load_state_dict(scaler.state_dict())
    assert again.get_scale() == 8.0 and again.state_dict() == scaler.state_dict()
    scaler.update(32.0)
    assert scaler.get_scale() == 32.0


def test_gradients_are_unscaled_once() -> None:
    w = tour.ones(2, requires_grad=True)
    chosen, scaler = Descent(w), GradScaler("cpu", init_scale=4.0)
    with pytest.raises(AssertionError, match="_scale is None"):
        scaler.step(chosen)
    first, second = scaler.scale([w.sum(), (2 * w).sum()])
    (first + second).backward()
    scaler.unscale_(chosen)
    assert w.grad is not None and w.grad.tolist() == [3.0, 3.0]
    with pytest.raises(RuntimeError, match="already been called on this optimizer"):
        scaler.unscale_(chosen)
    scaler.step(chosen)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called"):
        scaler.step(chosen)
    scaler.update()
    with pytest.raises(AssertionError, match="No inf checks"):
        scaler.update()


def test_a_disabled_scaler_does_nothing() -> None:
    w = tour.ones(2, requires_grad=True)
    chosen, scaler = Descent(w), GradScaler("cpu", enabled=False)
    scaler.scale(w.sum()).backward()
    assert scaler.step(chosen) == 1 and scaler.get_scale() == 1.0 and scaler.state_dict() == {}
    assert w.grad is not None and w.grad.tolist() == [1.0, 1.0] and not scaler.is_enabled()
