"""Every optimizer of torch.optim over PyTorch's optimizer database and our own options, and every schedule: fifty steps."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import pytest

pytest.importorskip("torch")


import torch
from harness.compare import differences
from harness.convert import to_tour
from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db

import tour

pytestmark = pytest.mark.filterwarnings("ignore")

STEPS = 50
DATABASE = {info.optim_cls.__name__: info for info in optim_db if info.optim_cls is not torch.optim.SparseAdam}
SHAPES = ((3, 4), (5,), (), (2, 3, 2), (1,))
MATRICES = ((3, 4), (5, 2))

# Options that the database does not cross.
MORE: dict[str, list[dict[str, Any]]] = {
    "Adam": [
        {"amsgrad": a, "maximize": m, "betas": b} for a, m, b in product((0, 1), (0, 1), ((0.9, 0.99), (0.0, 0.5)))
    ]
    + [{"decoupled_weight_decay": True, "weight_decay": 0.1}, {"eps": 0.1}, {"lr": 0.0}],
    "AdamW": [{"amsgrad": True, "maximize": True, "weight_decay": 0.0}, {"eps": 0.1, "betas": (0.5, 0.9)}],
    "Adadelta": [{"eps": 0.01, "rho": 0.5}],
    "Adafactor": [{"eps": (0.1, 0.2)}, {"lr": 0.1, "d": 1.5, "beta2_decay": -0.3}],
    "Adagrad": [{"eps": 0.1, "maximize": True}],
    "Adamax": [{"betas": (0.5, 0.6), "eps": 0.1}],
    "ASGD": [{"alpha": 0.5, "t0": 10, "lambd": 0.1}],
    "LBFGS": [{"max_iter": 4, "history_size": 3, "line_search_fn": line} for line in (None, "strong_wolfe")]
    + [{"max_eval": 3, "max_iter": 9}, {"tolerance_change": 0.01}],
    "Muon": [{"nesterov": False}, {"adjust_lr_fn": "match_rms_adamw"}, {"adjust_lr_fn": "original"}, {"eps": 0.1}],
    "NAdam": [{"betas": (0.5, 0.6), "eps": 0.1, "maximize": True}],
    "RAdam": [{"betas": (0.5, 0.6), "maximize": True}],
    "RMSprop": [
        {"alpha": 0.5, "eps": 0.1, "centered": c, "momentum": m} for c, m in product((False, True), (0.0, 0.5))
    ],
    "Rprop": [{"etas": (0.3, 1.1), "maximize": True}],
    "SGD": [{"momentum": 0.9, "nesterov": n, "maximize": True} for n in (False, True)]
    + [{"dampening": 0.5, "momentum": 0.5}],
}
# Muon rounds its matrices to bfloat16 between products, whose last bit depends on the order of a sum.
# ASGD's foreach form computes its averaging weight in float32.
LOOSE = {"Muon": 1e6, "ASGD": 100}


def option_sets() -> list[Any]:
    cases = []
    for name, info in DATABASE.items():
        known = [given.kwargs for given in info.optim_inputs_func("cpu", torch.float64)] + MORE.get(name, [])
        for i, options in enumerate(known):
            cases.append(pytest.param(name, options, id=f"{name}-{i}-{'-'.join(options) or 'plain'}"))
        for flag in info.supported_impls:
            if flag != "differentiable":
                cases.append(pytest.param(name, {flag: True}, id=f"{name}-{flag}"))
    return cases


def parameters(name: str, dtype: Any = torch.float64) -> list[Any]:
    generator = torch.Generator().manual_seed(1)
    shapes = MATRICES if name == "Muon" else SHAPES
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


def make(library: Any, name: str, params: list[Any], options: dict[str, Any]) -> Any:
    """An optimizer of two groups, the second with a learning rate of its own."""
    options = {k: bool(v) if k in ("amsgrad", "maximize") else v for k, v in options.items()}
    if library is tour:
        options = to_tour(options)
    groups: Any = params if name == "LBFGS" else [{"params": params[:1]}, {"params": params[1:], "lr": 0.003}]
    return getattr(library.optim, name)(groups, **options)


def steps(library: Any, optimizer: Any, params: list[Any], first: int, last: int) -> None:
    """Steps down a bumpy slope that moves; one parameter now and then has no gradient."""
    is_lbfgs = isinstance(optimizer, library.optim.LBFGS)
    for t in range(first, last):

        def closure(t: int = t) -> Any:
            optimizer.zero_grad()
            shift = 0.0 if is_lbfgs else 0.1 * t  # LBFGS would amplify rounding where the slope is not convex
            loss = sum(
                (
                    ((0.3 * (i + 1) * p + shift).sin().sum() * (not is_lbfgs))
                    + (0.2 * (p - 0.5) * (p - 0.5).conj()).sum()
                ).real
                for i, p in enumerate(params)
                if i != 1 or t % 3 or is_lbfgs
            )
            loss.backward()
            return loss

        if is_lbfgs:
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()


def compare(mine: Any, params: list[Any], theirs: Any, expected: list[Any], name: str, where: str) -> None:
    tolerance = LOOSE.get(name, 1.0)
    lines = [line for p, q in zip(params, expected, strict=True) for line in differences(p, q, tolerance)]
    got, want = mine.state_dict(), theirs.state_dict()
    assert got["param_groups"] == to_tour(want["param_groups"]), where
    assert list(got["state"]) == list(want["state"]), where
    for key, state in want["state"].items():
        assert list(got["state"][key]) == list(state), where
        if name != "LBFGS":  # whose state is differences of gradients that have all but vanished
            lines += [f"{key}: {line}" for line in differences(got["state"][key], state, tolerance)]
    assert not lines, f"{where}: {lines[:4]}"


@pytest.mark.parametrize(("name", "options"), option_sets())
def test_fifty_steps(name: str, options: dict[str, Any]) -> None:
    expected = parameters(name)
    params = to_tour(expected)
    theirs, mine = make(torch, name, expected, options), make(tour, name, params, options)
    if "foreach" not in options and "fused" not in options:
        assert repr(mine) == repr(theirs).replace("torch.", "tour.")
    for t in range(0, STEPS, 10):
        steps(torch, theirs, expected, t, t + 10)
        steps(tour, mine, params, t, t + 10)
        compare(mine, params, theirs, expected, name, f"after {t + 10} steps")
        if t == 20:  # PyTorch's state goes on in a new optimizer, and tour's own in another
            again = to_tour([p.detach().clone().requires_grad_() for p in expected])
            resumed = make(tour, name, again, options)
            resumed.load_state_dict(to_tour(theirs.state_dict()))
            fresh = make(tour, name, params, options)
            fresh.load_state_dict(mine.state_dict())
            mine = fresh
    steps(tour, resumed, again, 30, STEPS)
    compare(resumed, again, theirs, expected, name, "resumed from PyTorch's state")


@pytest.mark.parametrize("name", [name for name, info in DATABASE.items() if info.supports_complex])
def test_complex_parameters(name: str) -> None:
    expected = parameters(name, torch.complex128)
    params = to_tour(expected)
    theirs, mine = getattr(torch.optim, name)(expected, lr=0.01), getattr(tour.optim, name)(params, lr=0.01)
    steps(torch, theirs, expected, 0, 10)
    steps(tour, mine, params, 0, 10)
    compare(mine, params, theirs, expected, name, "after 10 steps")


@pytest.mark.parametrize("name", DATABASE)
def test_refusals(name: str) -> None:
    """What PyTorch's database calls wrong is refused with its exception type."""
    for error in DATABASE[name].optim_error_inputs_func("cpu", torch.float64):
        params, options = error.optimizer_error_input.params, error.optimizer_error_input.kwargs
        params = [torch.zeros(2, 2, requires_grad=True)] if params is None else params
        if options.get("foreach"):
            continue  # a limit of PyTorch's foreach form; tour has only one form

        def run(library: Any, params: Any, options: Any, at_step: bool) -> None:
            optimizer = getattr(library.optim, name)(params, **options)
            if at_step:
                optimizer.step()

        at_step = error.error_on is OptimizerErrorEnum.STEP_ERROR
        if at_step:
            for p in params:
                p.grad = torch.rand_like(p) if p.dtype.is_floating_point else None
        mirrored = to_tour(list(params) if isinstance(params, (list, tuple)) else params)
        if at_step:
            for p, q in zip(mirrored, params, strict=True):
                p.grad = to_tour(q.grad)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            want, got = (
                _raised(run, torch, params, options, at_step),
                _raised(run, tour, mirrored, to_tour(options), at_step),
            )
        assert isinstance(got, type(want)), f"{options}: {got!r} instead of {want!r}"


def _raised(f: Any, *args: Any) -> Any:
    """The exception, or None."""
    try:
        f(*args)
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize("name", [*DATABASE, "SparseAdam"])
def test_what_only_pytorch_can_do_is_refused_with_a_reason(name: str) -> None:
    p = tour.zeros(2, 2, requires_grad=True)
    if name == "SparseAdam":
        with pytest.raises(RuntimeError, match="sparse"):
            tour.optim.SparseAdam([p])
    elif "differentiable" in DATABASE[name].supported_impls:
        with pytest.raises(RuntimeError, match="differentiable"):
            getattr(tour.optim, name)([p], differentiable=True)


# --- Schedules --------------------------------------------------------------------------------------------------------

Options = dict[str, Any]


def wave(t: int) -> float:
    return 1 / (1 + t)


def damped(t: int) -> float:
    return 0.9 if t % 3 else 1.05


SCHEDULES: list[tuple[str, Options]] = [
    ("LambdaLR", {"lr_lambda": wave}),
    ("LambdaLR", {"lr_lambda": [wave, damped]}),
    ("MultiplicativeLR", {"lr_lambda": damped}),
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [30, 5, 5, 12], "gamma": 0.3}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.2, "total_iters": 12}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.1, "end_factor": 0.7, "total_iters": 20}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 30, "power": 2.0}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 50, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 7}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.001}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5}),
    *[
        (
            "CyclicLR",
            {
                "base_lr": [0.01, 0.02],
                "max_lr": 0.1,
                "step_size_up": 4,
                "step_size_down": 9,
                "mode": mode,
                "gamma": 0.98,
            },
        )
        for mode in ("triangular", "triangular2", "exp_range")
    ],
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "scale_fn": wave, "scale_mode": "iterations"}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "cycle_momentum": False}),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 60}),
    (
        "OneCycleLR",
        {"max_lr": [0.1, 0.2], "epochs": 11, "steps_per_epoch": 5, "pct_start": 0.4, "anneal_strategy": "linear"},
    ),
    (
        "OneCycleLR",
        {"max_lr": 0.1, "total_steps": 60, "three_phase": True, "div_factor": 10.0, "final_div_factor": 50.0},
    ),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 60, "cycle_momentum": False}),
    ("ReduceLROnPlateau", {"patience": 2}),
    *[
        (
            "ReduceLROnPlateau",
            {"mode": m, "threshold_mode": t, "patience": 1, "factor": 0.5, "cooldown": 2, "min_lr": [1e-4, 1e-3]},
        )
        for m, t in product(("min", "max"), ("rel", "abs"))
    ],
    ("SWALR", {"swa_lr": 0.02, "anneal_epochs": 9}),
    ("SWALR", {"swa_lr": [0.02, 0.3], "anneal_epochs": 5, "anneal_strategy": "linear"}),
    (
        "SequentialLR",
        {"parts": [("ConstantLR", {"total_iters": 3}), ("ExponentialLR", {"gamma": 0.9})], "milestones": [8]},
    ),
    (
        "SequentialLR",
        {
            "parts": [("LinearLR", {}), ("CosineAnnealingLR", {"T_max": 20}), ("StepLR", {"step_size": 4})],
            "milestones": [5, 30],
        },
    ),
    (
        "ChainedScheduler",
        {
            "parts": [
                ("ConstantLR", {"total_iters": 9}),
                ("ExponentialLR", {"gamma": 0.97}),
                ("StepLR", {"step_size": 8}),
            ]
        },
    ),
]
WRONG: list[tuple[str, Options]] = [
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "mode": "square"}),
    ("CyclicLR", {"base_lr": [0.01], "max_lr": 0.1}),
    ("OneCycleLR", {"max_lr": 0.1}),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": -1}),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 10, "pct_start": 2.0}),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 10, "anneal_strategy": "steep"}),
    ("OneCycleLR", {"max_lr": [0.1], "total_steps": 10}),
    ("ConstantLR", {"factor": 1.5}),
    ("LinearLR", {"start_factor": 0.0}),
    ("LinearLR", {"end_factor": -1.0}),
    ("LambdaLR", {"lr_lambda": [wave]}),
    ("CosineAnnealingWarmRestarts", {"T_0": 0}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 0}),
    ("ReduceLROnPlateau", {"factor": 1.0}),
    ("ReduceLROnPlateau", {"mode": "middle"}),
    ("ReduceLROnPlateau", {"threshold_mode": "some"}),
    ("ReduceLROnPlateau", {"min_lr": [0.1]}),
    ("SWALR", {"swa_lr": 0.1, "anneal_strategy": "steep"}),
    ("SWALR", {"swa_lr": 0.1, "anneal_epochs": -1}),
    ("SequentialLR", {"parts": [("ConstantLR", {}), ("LinearLR", {})], "milestones": [1, 2]}),
    ("ChainedScheduler", {"parts": []}),
]


def schedule(library: Any, name: str, options: Options, optimizer: Any) -> Any:
    home = library.optim.swa_utils if name == "SWALR" else library.optim.lr_scheduler
    given = dict(options)
    if "parts" in given:
        parts = [schedule(library, *part, optimizer) for part in given.pop("parts")]
        if name == "SequentialLR":
            return home.SequentialLR(optimizer, parts, **given)
        return home.ChainedScheduler(parts, optimizer=optimizer)
    return getattr(home, name)(optimizer, **given)


def two_groups(library: Any) -> Any:
    params = [library.zeros(2, requires_grad=True) for _ in range(2)]
    return library.optim.SGD([{"params": params[:1]}, {"params": params[1:], "lr": 0.3}], lr=0.1, momentum=0.9)


def groups(optimizer: Any) -> list[Any]:
    return [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]


def measure(t: int) -> float:
    return abs((t * 7) % 11 - 5) + 10 / (t + 1)


@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=lambda x: x if isinstance(x, str) else "-".join(x))
def test_schedules(name: str, options: Options) -> None:
    theirs, mine = two_groups(torch), two_groups(tour)
    other, own = schedule(torch, name, options, theirs), schedule(tour, name, options, mine)
    metric = name == "ReduceLROnPlateau"
    for t in range(STEPS):
        assert_near(groups(mine), groups(theirs), f"step {t}")
        assert_near(own.get_last_lr(), other.get_last_lr(), f"step {t}")
        if t == 20:
            assert_near(plain(own.state_dict()), plain(other.state_dict()), "state_dict")
            again = schedule(tour, name, options, two_groups(tour))
            again.load_state_dict(own.state_dict())
            again_groups = again.optimizer.param_groups
            for group, source in zip(again_groups, mine.param_groups, strict=True):
                group.update({k: v for k, v in source.items() if k != "params"})
            own, mine = again, again.optimizer
        for optimizer, scheduler in ((theirs, other), (mine, own)):
            optimizer.step()
            scheduler.step(*([measure(t)] if metric else []))


@pytest.mark.parametrize(("name", "options"), WRONG, ids=lambda x: x if isinstance(x, str) else "-".join(x))
def test_wrong_schedules(name: str, options: Options) -> None:
    want, got = (_raised(schedule, library, name, options, two_groups(library)) for library in (torch, tour))
    assert want is not None and isinstance(got, type(want)), f"{got!r} instead of {want!r}"


def plain(x: Any) -> Any:
    """A state with numbers only: functions, optimizers and nested schedules' classes say nothing here."""
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items() if not callable(v)}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return x


def assert_near(got: Any, want: Any, where: str) -> None:
    """Equal to rounding, in nested dicts and lists."""
    if isinstance(want, dict):
        assert set(got) == set(want), f"{where}: {sorted(map(str, got))} instead of {sorted(map(str, want))}"
        for key in want:
            assert_near(got[key], want[key], f"{where} {key}")
    elif isinstance(want, list):
        assert len(got) == len(want), where
        for g, w in zip(got, want, strict=True):
            assert_near(g, w, where)
    elif isinstance(want, float):
        assert got == pytest.approx(want, rel=1e-12, abs=1e-15, nan_ok=True), where
    else:
        assert got == want, where
