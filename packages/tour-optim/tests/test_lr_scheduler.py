"""Thirty steps of every schedule against PyTorch's (`tools/golden_optim.py`), checkpoints, warnings and what is refused."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tour
from tour import optim
from tour.optim import lr_scheduler, swa_utils

CASES = json.loads((Path(__file__).parent / "golden" / "schedules.json").read_text())
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case["schedule"][0])


def sgd(*rates: float, momentum: float = 0.9) -> Any:
    groups = [{"params": [tour.zeros(1)], "lr": lr} for lr in rates or (0.1, 0.02)]
    return optim.SGD(groups, lr=0.1, momentum=momentum)


def build(optimizer: Any, name: str, options: dict[str, Any], parts: Any = ()) -> Any:
    home = swa_utils if name == "SWALR" else lr_scheduler
    if parts:
        built = [build(optimizer, *part) for part in parts]
        return getattr(home, name)(schedulers=built, optimizer=optimizer, **options)
    return getattr(home, name)(optimizer, **options)


def advance(optimizer: Any, schedule: Any, steps: range) -> list[Any]:
    seen = []
    for t in steps:
        seen.append([[group["lr"], group["momentum"]] for group in optimizer.param_groups])
        optimizer.step()
        plateau = isinstance(schedule, lr_scheduler.ReduceLROnPlateau)
        schedule.step(*([abs(math.cos(t)) / (t + 1)] if plateau else []))
    return seen


def as_json(x: Any) -> Any:
    return json.loads(json.dumps(x))


def assert_close(a: Any, b: Any) -> None:
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_close(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_close(x, y)
    else:
        assert a == b or math.isclose(a, b, rel_tol=1e-13, abs_tol=1e-16)


@each_case
def test_equals_pytorch(case: dict[str, Any]) -> None:
    optimizer = sgd()
    schedule = build(optimizer, *case["schedule"])
    assert_close(advance(optimizer, schedule, range(30)), case["seen"])
    assert_close(as_json(schedule.state_dict()), case["state"])
    assert_close(
        as_json([{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]), case["groups"]
    )


@each_case
def test_checkpoint_continues(case: dict[str, Any]) -> None:
    optimizer = sgd()
    schedule = build(optimizer, *case["schedule"])
    advance(optimizer, schedule, range(7))
    saved = schedule.state_dict(), optimizer.state_dict()
    optimizer = sgd()
    schedule = build(optimizer, *case["schedule"])
    schedule.load_state_dict(saved[0])
    optimizer.load_state_dict(saved[1])
    assert_close(advance(optimizer, schedule, range(7, 30)), case["seen"][7:])


@each_case
def test_tensor_learning_rates_stay_the_same_tensors(case: dict[str, Any]) -> None:
    rates = [tour.tensor(lr, dtype=tour.float64) for lr in (0.1, 0.02)]
    optimizer = optim.SGD([{"params": [tour.zeros(1)], "lr": lr} for lr in rates], lr=rates[0], momentum=0.9)
    schedule = build(optimizer, *case["schedule"])
    for t in range(10):
        for group, lr, (expected, _) in zip(optimizer.param_groups, rates, case["seen"][t], strict=True):
            assert group["lr"] is lr
            np.testing.assert_allclose(lr.item(), expected, rtol=1e-13)
        advance(optimizer, schedule, range(t, t + 1))


CLOSED: list[tuple[Any, dict[str, Any]]] = [
    (lr_scheduler.StepLR, {"step_size": 3}),
    (lr_scheduler.MultiStepLR, {"milestones": [2, 5]}),
    (lr_scheduler.ConstantLR, {}),
    (lr_scheduler.LinearLR, {}),
    (lr_scheduler.ExponentialLR, {"gamma": 0.9}),
    (lr_scheduler.PolynomialLR, {"total_iters": 12}),
    (lr_scheduler.CosineAnnealingLR, {"T_max": 6}),
    (lr_scheduler.CosineAnnealingWarmRestarts, {"T_0": 2, "T_mult": 2}),
]


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize(("kind", "options"), CLOSED, ids=[kind.__name__ for kind, _ in CLOSED])
def test_going_to_a_step_is_as_walking_there(kind: Any, options: dict[str, Any]) -> None:
    walker, jumper = sgd(), sgd()
    walk, jump = kind(walker, **options), kind(jumper, **options)
    walker.step(), jumper.step()
    for epoch in range(1, 11):
        walk.step()
        jump.step(epoch)
        np.testing.assert_allclose(walk.get_last_lr(), jump.get_last_lr(), rtol=1e-12, atol=1e-17)


@pytest.mark.parametrize("case", [case for case in CASES if "resumed" in case], ids=lambda case: case["schedule"][0])
def test_resumes_from_last_epoch(case: dict[str, Any]) -> None:
    optimizer = sgd()
    name, options = case["schedule"]
    advance(optimizer, build(optimizer, name, options), range(30))
    groups = [{**group, "params": [tour.zeros(1)]} for group in optimizer.param_groups]
    resumed = build(optim.SGD(groups), name, {**options, "last_epoch": 20})
    assert_close(resumed.get_last_lr(), case["resumed"])


class Rule:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, t: int) -> float:
        self.calls += 1
        return 0.5**t


@pytest.mark.parametrize("kind", [lr_scheduler.LambdaLR, lr_scheduler.MultiplicativeLR])
def test_rules(kind: Any) -> None:
    optimizer = sgd(1.0, 1.0)
    schedule = kind(optimizer, [lambda t: 0.5, Rule()])
    advance(optimizer, schedule, range(3))
    products = {lr_scheduler.LambdaLR: [0.5, 0.125], lr_scheduler.MultiplicativeLR: [0.125, 0.5 ** (1 + 2 + 3)]}
    assert schedule.get_last_lr() == products[kind]
    state = schedule.state_dict()
    assert state["lr_lambdas"] == [None, {"calls": schedule.lr_lambdas[1].calls}]
    other = kind(sgd(1.0, 1.0), [lambda t: 0.5, Rule()])
    other.load_state_dict(state)
    assert other.lr_lambdas[1].calls == schedule.lr_lambdas[1].calls
    assert other.last_epoch == 3


def test_cyclic_with_a_function() -> None:
    optimizer = optim.Adam([tour.zeros(1)], betas=(0.5, 0.99))
    schedule = lr_scheduler.CyclicLR(optimizer, 1.0, 2.0, 2, scale_fn=Rule(), scale_mode="iterations")
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.99)
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [1.25]
    assert schedule.state_dict()["_scale_fn_custom"] == {"calls": 2}


class TestWarnings:
    def test_order(self) -> None:
        optimizer = sgd()
        schedule = lr_scheduler.ExponentialLR(optimizer, 0.9)
        with pytest.warns(UserWarning, match=r"Detected call of `lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
            schedule.step()

    def test_a_step_before_the_schedule_does_not_count(self) -> None:
        optimizer = sgd()
        optimizer.step()
        schedule = lr_scheduler.ExponentialLR(optimizer, 0.9)
        with pytest.warns(UserWarning, match="Detected call"):
            schedule.step()

    def test_step_replaced(self) -> None:
        optimizer = sgd()
        schedule = lr_scheduler.ExponentialLR(optimizer, 0.9)
        optimizer.step = lambda closure=None: None
        with pytest.warns(UserWarning, match=r"`optimizer.step\(\)` has been overridden"):
            schedule.step()

    def test_replaced_before_is_fine(self) -> None:
        optimizer = sgd()
        plain = optimizer.step
        optimizer.step = lambda closure=None: plain(closure)
        schedule = lr_scheduler.ExponentialLR(optimizer, 0.9)
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            schedule.step()

    def test_epoch(self) -> None:
        optimizer = sgd()
        schedule = lr_scheduler.ExponentialLR(optimizer, 0.9)
        optimizer.step()
        with pytest.warns(UserWarning, match="The epoch parameter"):
            schedule.step(3)
        plateau = lr_scheduler.ReduceLROnPlateau(optimizer)
        with pytest.warns(UserWarning, match="The epoch parameter"):
            plateau.step(1.0, 3)

    @pytest.mark.parametrize(
        "case", [case for case in CASES if "resumed" in case], ids=lambda case: case["schedule"][0]
    )
    def test_get_lr(self, case: dict[str, Any]) -> None:
        schedule = build(sgd(), *case["schedule"])
        with pytest.warns(UserWarning, match=r"please use `get_last_lr\(\)`"):
            schedule.get_lr()


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda o: lr_scheduler.StepLR(3, 1), TypeError, "int is not an Optimizer"),
        (lambda o: lr_scheduler.StepLR(o, 1, last_epoch=3), KeyError, "param 'initial_lr' is not specified"),
        (lambda o: lr_scheduler.LambdaLR(o, [abs]), ValueError, "Expected 2 lr_lambdas, but got 1"),
        (lambda o: lr_scheduler.MultiplicativeLR(o, 3), TypeError, "lr_lambda should be a function, but got int"),
        (lambda o: lr_scheduler.ConstantLR(o, 2), ValueError, "between 0 and 1"),
        (lambda o: lr_scheduler.LinearLR(o, 0), ValueError, "greater than 0 and less or equal to 1"),
        (lambda o: lr_scheduler.LinearLR(o, 1, 2), ValueError, "between 0 and 1"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), ValueError, "positive integer T_0"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 1, 0), ValueError, "T_mult >= 1"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 1, 1, "x"), ValueError, "float or int eta_min"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 1).step(-1), ValueError, "non-negative epoch"),
        (lambda o: lr_scheduler.CyclicLR(o, 1, 2, mode="x"), ValueError, "mode is invalid"),
        (lambda o: lr_scheduler.CyclicLR(o, [1], 2), ValueError, "must have the same length"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1), ValueError, "You must define either total_steps"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1, total_steps=0), ValueError, "positive integer total_steps"),
        (
            lambda o: lr_scheduler.OneCycleLR(o, 1, epochs=1, steps_per_epoch=0),
            ValueError,
            "positive integer steps_per",
        ),
        (lambda o: lr_scheduler.OneCycleLR(o, 1, total_steps=5, pct_start=2.0), ValueError, "pct_start"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1, total_steps=5, anneal_strategy="x"), ValueError, "anneal_strategy"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1), ValueError, "Factor should be < 1.0"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, "x"), ValueError, "mode x is unknown"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold mode x is unknown"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[1]), ValueError, "expected 2 min_lrs, got 1"),
        (lambda o: lr_scheduler.SequentialLR(o, [], []), ValueError, "at least one scheduler"),
        (lambda o: lr_scheduler.SequentialLR(o, [1], []), TypeError, "should have `optimizer` as its attribute"),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 1)], [1]),
            ValueError,
            "one more than the number",
        ),
        (lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(o)]), ValueError, "ReduceLROnPlateau"),
        (lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(sgd(), 1)], o), ValueError, "same optimizer"),
        (lambda o: swa_utils.SWALR(o, 1, anneal_strategy="x"), ValueError, "must be one of 'cos' or 'linear'"),
        (lambda o: swa_utils.SWALR(o, 1, -1), ValueError, "equal or greater than 0"),
    ],
)
def test_refused(build: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build(sgd())


def test_momentum_is_needed_to_cycle_it() -> None:
    optimizer = optim.Adagrad([tour.zeros(1)])
    for schedule in (
        lambda: lr_scheduler.CyclicLR(optimizer, 1, 2),
        lambda: lr_scheduler.OneCycleLR(optimizer, 1, total_steps=5),
    ):
        with pytest.raises(ValueError, match="must support momentum or beta1"):
            schedule()


def test_one_cycle_ends() -> None:
    optimizer = sgd()
    schedule = lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=3)
    advance(optimizer, schedule, range(3))
    with pytest.raises(ValueError, match=r"Tried to step 4 times. The specified number of total steps is 3"):
        schedule.step()


def test_plateau_notices_a_new_group() -> None:
    optimizer = sgd(1.0)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.0])
    optimizer.add_param_group({"params": [tour.zeros(1)]})
    schedule.step(1.0)
    with pytest.raises(RuntimeError, match="The number of param groups"):
        schedule.step(1.0)


def test_own_schedule() -> None:
    class Halving(lr_scheduler.LRScheduler):
        def get_lr(self) -> list[float]:
            return [lr / (1 + self.last_epoch) for lr in self.base_lrs]

    optimizer = sgd(1.0)
    schedule = Halving(optimizer)
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [0.5]
    with pytest.raises(NotImplementedError):
        lr_scheduler.LRScheduler(optimizer)
