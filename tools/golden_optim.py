"""Write `packages/tour-optim/tests/golden/*.json`: what PyTorch 2.13's optimizers and schedules do.

    python tools/golden_optim.py        (needs torch 2.13 and numpy)

`steps.json`: parameters after steps 2 and 50 and the names in the state, for every optimizer with many options; once for each also
the layout of the state, the groups and the printed form.
`lbfgs.json`: losses and counts on Rosenbrock's function. `schedules.json`: learning rates and momenta, and the state at the end.
"""

from __future__ import annotations

import importlib
import itertools
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

torch: Any = importlib.import_module("torch")

GOLDEN = Path(__file__).parents[1] / "packages/tour-optim/tests/golden"
SHAPES: list[tuple[int, ...]] = [(3,), (2, 3), ()]
MATRICES: list[tuple[int, ...]] = [(2, 3), (4, 3)]
Case = dict[str, Any]


def grid(**choices: list[Any]) -> Iterator[dict[str, Any]]:
    """Every combination of the choices."""
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


DECAY: dict[str, list[Any]] = {"weight_decay": [0, 0.1], "maximize": [False, True]}
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        *grid(lr=[0.01], momentum=[0, 0.9], dampening=[0, 0.3], **DECAY),
        *grid(lr=[0.01], momentum=[0.9], nesterov=[True], **DECAY),
    ],
    "Adam": [
        *grid(lr=[0.01], amsgrad=[False, True], decoupled_weight_decay=[False, True], **DECAY),
        {"betas": (0.3, 0.6)},
    ],
    "AdamW": [*grid(lr=[0.01], amsgrad=[False, True], **DECAY)],
    "Adamax": [*grid(lr=[0.01], **DECAY)],
    "NAdam": [*grid(lr=[0.01], decoupled_weight_decay=[False, True], momentum_decay=[0.004, 0.1], **DECAY)],
    "RAdam": [*grid(lr=[0.01], decoupled_weight_decay=[False, True], betas=[(0.9, 0.999), (0.9, 0.5)], **DECAY)],
    "Adagrad": [*grid(lr=[0.1], lr_decay=[0, 0.1], initial_accumulator_value=[0, 0.5], **DECAY)],
    "Adadelta": [*grid(lr=[1.0], rho=[0.9, 0.5], **DECAY)],
    "RMSprop": [*grid(lr=[0.01], momentum=[0, 0.9], centered=[False, True], **DECAY)],
    "Rprop": [
        *grid(lr=[0.01], etas=[(0.5, 1.2), (0.3, 1.5)], step_sizes=[(1e-6, 50), (1e-3, 0.05)], maximize=[False, True])
    ],
    "ASGD": [*grid(lr=[0.01], lambd=[1e-4, 0.1], t0=[1e6, 5], **DECAY)],
    "Adafactor": [*grid(lr=[0.01], d=[1.0, 2.0], eps=[(None, 1e-3), (1e-5, 1e-2)], **DECAY)],
    "Muon": [*grid(lr=[0.01], weight_decay=[0.0, 0.1], nesterov=[False, True], adjust_lr_fn=[None, "match_rms_adamw"])],
}


def start(shape: tuple[int, ...], i: int) -> Any:
    """Where parameter `i` starts."""
    return np.sin(1.0 + i + np.arange(np.prod(shape, dtype=int))).reshape(shape)


def gradient(p: Any, i: int, t: int) -> Any:
    """The gradient of parameter `i` in step `t`: that of a bowl, and something that changes."""
    return 0.5 * p + 0.3 * np.cos(i + 0.7 * t + np.arange(p.size)).reshape(p.shape)


def steps(name: str, options: dict[str, Any]) -> Case:
    """Fifty steps of an optimizer."""
    shapes = MATRICES if name == "Muon" else SHAPES
    params = [torch.tensor(start(shape, i), requires_grad=True) for i, shape in enumerate(shapes)]
    optimizer = getattr(torch.optim, name)(params, **options)
    after: dict[str, Any] = {}
    for t in range(1, 51):
        for i, p in enumerate(params):
            p.grad = torch.tensor(gradient(p.detach().numpy(), i, t))
        optimizer.step()
        if t in (2, 50):
            after[str(t)] = [p.tolist() for p in params]
    state = optimizer.state_dict()
    names = list(state["state"].get(0, []))
    case = {"optimizer": name, "options": options, "after": after, "names": names}
    if options == OPTIONS[name][-1]:
        case["state"] = {
            key: {k: [list(v.shape), str(v.dtype).removeprefix("torch.")] for k, v in entry.items()}
            for key, entry in state["state"].items()
        }
        case["groups"] = state["param_groups"]
        case["repr"] = repr(optimizer)
    return case


LBFGS_OPTIONS: list[dict[str, Any]] = [
    {"line_search_fn": "strong_wolfe"},
    {"lr": 1e-3, "max_iter": 5},
    {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 7},
    {"line_search_fn": "strong_wolfe", "max_iter": 7, "max_eval": 3},
    {"line_search_fn": "strong_wolfe", "lr": 0.1, "max_iter": 2, "max_eval": 1},
]


def lbfgs(options: dict[str, Any]) -> Case:
    """Eight steps on Rosenbrock's function."""
    x = torch.linspace(-1.0, 1.5, 6, dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.LBFGS([x], **options)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(8)]
    state = optimizer.state_dict()["state"][0]
    counts = {name: state[name] for name in ("func_evals", "n_iter")}
    return {"options": options, "losses": losses, "x": x.tolist(), "counts": counts, "keys": list(state)}


# One or two schedules of each kind: a class with arguments; a list of schedules for those that are composed of others.
SCHEDULES: list[list[Any]] = [
    ["StepLR", {"step_size": 3, "gamma": 0.5}],
    ["MultiStepLR", {"milestones": [2, 5, 5, 9], "gamma": 0.5}],
    ["ConstantLR", {}],
    ["LinearLR", {"start_factor": 0.1, "end_factor": 0.7, "total_iters": 8}],
    ["ExponentialLR", {"gamma": 0.9}],
    ["PolynomialLR", {"total_iters": 7, "power": 2.0}],
    ["CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}],
    ["CosineAnnealingWarmRestarts", {"T_0": 4}],
    ["CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.001}],
    *(["CyclicLR", {"base_lr": 0.01, "max_lr": [0.1, 0.2], "step_size_up": 4, "mode": mode, "gamma": 0.97}] for mode in (
        "triangular", "triangular2", "exp_range",
    )),
    ["CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "step_size_down": 5, "cycle_momentum": False}],
    ["OneCycleLR", {"max_lr": 0.5, "total_steps": 31}],
    ["OneCycleLR", {"max_lr": [0.5, 0.2], "epochs": 4, "steps_per_epoch": 8, "anneal_strategy": "linear", "three_phase": True}],
    ["SWALR", {"swa_lr": 0.05}],
    ["SWALR", {"swa_lr": [0.05, 0.2], "anneal_epochs": 6, "anneal_strategy": "linear"}],
    ["SWALR", {"swa_lr": 0.05, "anneal_epochs": 0}],
    ["ReduceLROnPlateau", {}],
    ["ReduceLROnPlateau", {"mode": "max", "threshold_mode": "abs", "patience": 1, "cooldown": 2, "factor": 0.5}],
    ["ReduceLROnPlateau", {"patience": 0, "min_lr": [0.01, 0.001], "threshold": 0.1}],
    ["SequentialLR", {"milestones": [4, 10]}, [["ConstantLR", {"factor": 0.1, "total_iters": 4}], ["ExponentialLR", {"gamma": 0.9}],
                                               ["CosineAnnealingLR", {"T_max": 5}]]],
    ["ChainedScheduler", {}, [["LinearLR", {"start_factor": 0.1, "total_iters": 4}], ["ExponentialLR", {"gamma": 0.9}]]],
]  # fmt: skip


def build(optimizer: Any, name: str, options: dict[str, Any], parts: Any = ()) -> Any:
    """A schedule from its row in `SCHEDULES`."""
    home = torch.optim.swa_utils if name == "SWALR" else torch.optim.lr_scheduler
    if parts:
        built = [build(optimizer, *part) for part in parts]
        given = {"schedulers": built, "optimizer": optimizer}
        return getattr(home, name)(**given, **options)
    return getattr(home, name)(optimizer, **options)


def schedule(row: list[Any]) -> Case:
    """Thirty steps of a schedule over an optimizer with two groups."""
    groups = [{"params": [torch.zeros(1)]}, {"params": [torch.zeros(2)], "lr": 0.02}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    scheduler = build(optimizer, *row)
    seen = []
    for t in range(30):
        seen.append([[group["lr"], group["momentum"]] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step(*([abs(np.cos(t)) / (t + 1)] if row[0] == "ReduceLROnPlateau" else []))
    groups_at_end = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
    case = {"schedule": row, "seen": seen, "state": scheduler.state_dict(), "groups": groups_at_end}
    if row[0] not in ("ReduceLROnPlateau", "SequentialLR", "ChainedScheduler"):
        groups = [{**group, "params": [torch.zeros(1)]} for group in optimizer.param_groups]
        resumed = build(torch.optim.SGD(groups), row[0], {**row[1], "last_epoch": 20})
        case["resumed"] = resumed.get_last_lr()
    return case


def write(name: str, cases: list[Case]) -> None:
    """Write one file, a case a line."""
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (GOLDEN / f"{name}.json").write_text(f"[\n{lines}\n]\n")
    print(f"{name}: {len(cases)} cases")


def main() -> None:
    """Write all three files."""
    warnings.simplefilter("ignore")
    write("steps", [steps(name, options) for name, table in OPTIONS.items() for options in table])
    write("lbfgs", [lbfgs(options) for options in LBFGS_OPTIONS])
    write("schedules", [schedule(row) for row in SCHEDULES])


if __name__ == "__main__":
    main()
