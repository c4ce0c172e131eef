"""Parameter groups, checkpoints, hooks, closures, and what is refused."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import tour
from tour import optim
from tour.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)


def leaf(*shape: int) -> Any:
    p = tour.ones(*shape, requires_grad=True)
    p.grad = tour.ones(*shape)
    return p


class TestGroups:
    def test_options_per_group(self) -> None:
        a, b = leaf(2), leaf(3)
        optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.25)
        optimizer.step()
        assert (a.tolist(), b.tolist()) == ([0.75] * 2, [0.5] * 3)

    def test_added_later(self) -> None:
        a, b = leaf(2), leaf(3)
        optimizer = optim.Adam([a], lr=0.1)
        optimizer.step()
        optimizer.add_param_group({"params": (b,), "lr": 0.2})
        optimizer.step()
        assert [optimizer.state[p]["step"].item() for p in (a, b)] == [2, 1]
        assert optimizer.param_groups[1]["betas"] == (0.9, 0.999)

    def test_named(self) -> None:
        a, b = leaf(2), leaf(3)
        optimizer = optim.SGD([("a", a), ("b", b)])
        assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
        assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]
        with pytest.raises(ValueError, match="cannot add param group without names"):
            optimizer.add_param_group({"params": [leaf(1)]})
        with pytest.raises(ValueError, match="Some param names are missing"):
            optim.SGD([("a", a), b])

    @pytest.mark.parametrize(
        ("params", "error", "message"),
        [
            (lambda a: [], ValueError, "empty parameter list"),
            (lambda a: a, TypeError, "should be an iterable of Tensors or dicts"),
            (lambda a: [1], TypeError, "can only optimize Tensors, but one of the params is int"),
            (lambda a: [{"params": {a}}], TypeError, "ordered collections"),
            (lambda a: [a * 2], ValueError, "non-leaf"),
            (lambda a: [{"params": [a]}, {"params": [a]}], ValueError, "more than one parameter group"),
            (lambda a: [{"params": [a]}, [a]], TypeError, "param_group must be a dict"),
        ],
    )
    def test_refused(self, params: Any, error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=message):
            optim.SGD(params(leaf(2)))

    def test_refused_group_changes_nothing(self) -> None:
        a = leaf(2)
        optimizer = optim.SGD([a])
        group = {"params": a}
        with pytest.raises(ValueError, match="more than one"):
            optimizer.add_param_group(group)
        assert len(optimizer.param_groups) == 1
        assert list(group) == ["params"]
        assert group["params"] is a


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("SGD", {"lr": -1}, ValueError, "Invalid learning rate: -1"),
        ("SGD", {"momentum": -1}, ValueError, "Invalid momentum value: -1"),
        ("SGD", {"weight_decay": -1}, ValueError, "Invalid weight_decay value: -1"),
        ("SGD", {"nesterov": True}, ValueError, "Nesterov momentum requires a momentum and zero dampening"),
        ("SGD", {"fused": True, "foreach": True}, RuntimeError, "`fused` and `foreach` cannot be `True` together"),
        ("SGD", {"fused": True, "differentiable": True}, RuntimeError, "`fused` does not support `differentiable`"),
        ("Adam", {"eps": -1}, ValueError, "Invalid epsilon value: -1"),
        ("Adam", {"betas": (1.0, 0.9)}, ValueError, "Invalid beta parameter at index 0: 1.0"),
        ("Adam", {"betas": (0.9, -0.1)}, ValueError, "Invalid beta parameter at index 1: -0.1"),
        ("Adam", {"betas": (0, 0.9)}, ValueError, "betas must be either both floats or both Tensors"),
        ("Adam", {"differentiable": True}, RuntimeError, "differentiable=True is not supported"),
        ("Adam", {"lr": tour.ones(2)}, ValueError, "Tensor lr must be 1-element"),
        ("NAdam", {"momentum_decay": -1}, ValueError, "Invalid momentum_decay value: -1"),
        ("Adagrad", {"lr_decay": -1}, ValueError, "Invalid lr_decay value: -1"),
        ("Adadelta", {"rho": 2}, ValueError, "Invalid rho value: 2"),
        ("RMSprop", {"alpha": -1}, ValueError, "Invalid alpha value: -1"),
        ("Rprop", {"etas": (1.5, 2)}, ValueError, "Invalid eta values: 1.5, 2"),
        ("Adafactor", {"lr": -1}, ValueError, "Learning rate should be >= 0 but is: -1"),
        ("Adafactor", {"d": 0.5}, ValueError, "Clipping threshold d should be >= 1"),
        ("Adafactor", {"eps": (-1, 1)}, ValueError, "epsilon1 should be >= 0"),
        ("Adafactor", {"eps": (None, -1)}, ValueError, "epsilon2 should be >= 0"),
        ("Adafactor", {"beta2_decay": 1}, ValueError, "beta2_decay should be <= 0"),
        ("Adafactor", {"weight_decay": -1}, ValueError, "weight_decay should be >= 0"),
        ("Muon", {}, ValueError, r"Muon only supports 2D parameters whereas .*\[2\]"),
        ("Muon", {"adjust_lr_fn": "x"}, ValueError, "Adjust learning rate function x is not supported"),
        ("Muon", {"momentum": -1}, ValueError, "momentum should be >= 0"),
        ("Muon", {"weight_decay": -1}, ValueError, "weight decay should be >= 0"),
        ("SparseAdam", {}, RuntimeError, "no sparse tensors"),
    ],
)
def test_bad_options(name: str, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        getattr(optim, name)([leaf(2)], **options)


def test_differentiable_is_refused_in_a_group_too() -> None:
    with pytest.raises(RuntimeError, match="differentiable=True"):
        optim.SGD([{"params": leaf(2), "differentiable": True}])


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_complex_parameters_are_refused_where_they_make_no_sense(name: str) -> None:
    p = tour.ones(2, 2, dtype=tour.complex64, requires_grad=True)
    p.grad = p.detach()
    with pytest.raises(RuntimeError, match=f"{name} does not support complex parameters"):
        getattr(optim, name)([p]).step()


def test_implementation_flags_are_accepted() -> None:
    for flags in ({"foreach": True}, {"fused": True}, {"capturable": True}):
        p = leaf(2)
        optim.Adam([p], lr=0.5, **flags).step()
        np.testing.assert_allclose(p.detach().numpy(), 0.5, rtol=1e-6)


def test_hyperparameters_may_be_tensors_or_numpy_numbers() -> None:
    for lr in (tour.tensor(0.5), tour.tensor([0.5]), np.float64(0.5)):
        p = leaf(2)
        optim.Adam([p], lr=lr, betas=(tour.tensor(0.9), tour.tensor(0.999))).step()
        assert p.dtype is tour.float32
        np.testing.assert_allclose(p.detach().numpy(), 0.5, rtol=1e-6)


def test_zero_grad() -> None:
    p = leaf(2)
    optimizer = optim.SGD([p])
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None
    optimizer.step()


def test_closure_runs_with_gradients() -> None:
    p = tour.ones(2, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.25)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with tour.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 2.0
    assert p.tolist() == [0.5, 0.5]


def test_a_step_between_forward_and_backward_is_noticed() -> None:
    p = leaf(2)
    loss = (p * p).sum()
    optim.SGD([p]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


class TestCheckpoints:
    def test_loaded_state_is_a_copy(self) -> None:
        p = leaf(2)
        first, second = optim.Adam([p]), optim.Adam([p])
        first.step()
        second.load_state_dict(first.state_dict())
        first.step()
        assert [o.state[p]["step"].item() for o in (first, second)] == [2, 1]
        second.step()
        assert [o.state[p]["step"].item() for o in (first, second)] == [2, 2]

    def test_options_are_loaded_and_state_takes_the_dtype(self) -> None:
        p, q = leaf(2), tour.ones(2, dtype=tour.float64, requires_grad=True)
        first, second = optim.Adam([p], lr=0.5), optim.Adam([q])
        first.step()
        second.load_state_dict(first.state_dict())
        assert second.param_groups[0]["lr"] == 0.5
        assert second.state[q]["exp_avg"].dtype is tour.float64
        assert second.state[q]["step"].dtype is tour.float32

    def test_old_checkpoints(self) -> None:
        p = leaf(2)
        optimizer = optim.Adam([p], amsgrad=True)
        group = {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "params": [0]}
        state = {"step": 3, "exp_avg": tour.zeros(2), "exp_avg_sq": tour.zeros(2)}
        optimizer.load_state_dict({"state": {0: state}, "param_groups": [group]})
        assert optimizer.param_groups[0]["amsgrad"] is False
        optimizer.step()
        assert optimizer.state[p]["step"].item() == 4

    def test_momentum_that_was_never_used(self) -> None:
        p = leaf(1)
        optimizer = optim.SGD([p], lr=1.0, momentum=0.9, dampening=0.5)
        saved = optimizer.state_dict()
        optimizer.load_state_dict({**saved, "state": {0: {"momentum_buffer": None}}})
        optimizer.step()
        assert p.tolist() == [0.0]

    def test_refused(self) -> None:
        a, b = leaf(2), leaf(3)
        optimizer = optim.SGD([a, b])
        with pytest.raises(ValueError, match="different number of parameter groups"):
            optimizer.load_state_dict(optim.SGD([{"params": a}, {"params": b}]).state_dict())
        with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
            optimizer.load_state_dict(optim.SGD([a]).state_dict())

    def test_deepcopy(self) -> None:
        p = leaf(2)
        optimizer = optim.Adam([p], lr=0.1)
        optimizer.step()
        clone = copy.deepcopy(optimizer)
        (q,) = clone.param_groups[0]["params"]
        assert q is not p
        q.grad = tour.ones(2)
        clone.step()
        optimizer.step()
        assert q.tolist() == p.tolist()


class TestHooks:
    def test_round_a_step(self) -> None:
        p, seen = leaf(2), []
        optimizer = optim.SGD([p], lr=1.0)
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("pre", o is optimizer, p.tolist()[0])))
        handle = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("post", p.tolist()[0])))
        optimizer.step()
        assert seen == [("pre", True, 1.0), ("post", 0.0)]
        handle.remove()
        handle.remove()
        optimizer.step()
        assert len(seen) == 3

    def test_may_change_arguments(self) -> None:
        p = leaf(2)
        optimizer = optim.SGD([p])
        optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 7), kwargs))
        assert optimizer.step() == 7
        optimizer.register_step_pre_hook(lambda o, args, kwargs: 1)
        with pytest.raises(RuntimeError, match="must return None or a tuple"):
            optimizer.step()

    def test_of_all_optimizers(self) -> None:
        seen: list[str] = []
        with (
            register_optimizer_step_pre_hook(lambda *_: seen.append("pre")),
            register_optimizer_step_post_hook(lambda *_: seen.append("post")),
        ):
            optim.SGD([leaf(1)]).step()
        optim.SGD([leaf(1)]).step()
        assert seen == ["pre", "post"]

    def test_run_once_when_a_subclass_calls_super(self) -> None:
        class Mine(optim.SGD):
            def step(self, closure: Any = None) -> Any:
                return super().step(closure)

        seen: list[int] = []
        optimizer = Mine([leaf(1)])
        optimizer.register_step_pre_hook(lambda *_: seen.append(1))
        optimizer.step()
        assert seen == [1]

    def test_of_checkpoints(self) -> None:
        p, seen = leaf(1), []
        optimizer = optim.SGD([p])
        optimizer.register_state_dict_pre_hook(lambda o: seen.append("second"))
        optimizer.register_state_dict_pre_hook(lambda o: seen.append("first"), prepend=True)
        optimizer.register_state_dict_post_hook(lambda o, d: {**d, "extra": 1})
        optimizer.register_load_state_dict_pre_hook(lambda o, d: seen.append(d.pop("extra")))
        optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
        saved = optimizer.state_dict()
        optimizer.load_state_dict(saved)
        assert seen == ["first", "second", 1, "loaded"]
        assert saved["extra"] == 1


class TestOwnOptimizer:
    def test_with_a_step_of_its_own(self) -> None:
        class Sign(Optimizer):
            def __init__(self, params: Any, lr: Any = required) -> None:
                super().__init__(params, {"lr": lr})

            def step(self, closure: Any = None) -> None:
                for group in self.param_groups:
                    for p in group["params"]:
                        p.data -= group["lr"] * p.grad.sign()

        p = leaf(2)
        Sign([p], lr=0.5).step()
        assert p.tolist() == [0.5, 0.5]
        with pytest.raises(ValueError, match="didn't specify a value of required optimization parameter lr"):
            Sign([p])

    def test_without_one(self) -> None:
        with pytest.raises(NotImplementedError):
            Optimizer([leaf(1)], {}).step()


class TestLoan:
    def test_other_parameters_and_state(self) -> None:
        p, q = leaf(2), leaf(2)
        optimizer = optim.SGD([p], lr=0.5, momentum=0.9)
        optimizer.step()
        group, saved = optimizer.param_groups[0], optimizer.state_dict()
        saved["state"] = copy.deepcopy(saved["state"])
        with optim.swap_in_optimizer_params_and_state(optimizer, {"q": q}, saved):
            assert optimizer.param_groups[0]["params"] == [q] or optimizer.param_groups[0]["params"][0] is q
            optimizer.step()
        assert optimizer.param_groups[0] is group
        assert group["params"][0] is p
        np.testing.assert_allclose(q.detach().numpy(), 1 - 0.5 * 1.9, rtol=1e-6)
        np.testing.assert_allclose(saved["state"][0]["momentum_buffer"].numpy(), 1.9, rtol=1e-6)
        np.testing.assert_allclose(optimizer.state[p]["momentum_buffer"].numpy(), 1.0)

    @pytest.mark.parametrize(
        "change",
        [
            lambda d: None,
            lambda d: {**d, "state": []},
            lambda d: {**d, "param_groups": {}},
            lambda d: {**d, "param_groups": []},
            lambda d: {**d, "param_groups": [{"params": [0]}]},
            lambda d: {**d, "param_groups": [{**d["param_groups"][0], "params": []}]},
            lambda d: {**d, "state": {5: {}}},
            lambda d: {**d, "state": {0: 1}},
        ],
    )
    def test_refused(self, change: Any) -> None:
        p = leaf(1)
        optimizer = optim.Adam([p])
        with pytest.raises(RuntimeError), optim.swap_in_optimizer_params_and_state(optimizer, {"p": p}, {}):
            pass
        optimizer.step()
        given = change(optimizer.state_dict())
        with pytest.raises(RuntimeError), optim.swap_in_optimizer_params_and_state(optimizer, {"p": p}, given):
            pass
        assert optimizer.param_groups[0]["params"][0] is p


def test_needs_the_tensors_only() -> None:
    code = """
import sys, tour.optim
print(sorted(name for name in sys.modules if name.split(".")[:2] in (["tour", "autograd"], ["tour", "nn"])))
p = tour.ones(2)
p._grad = tour.ones(2)
tour.optim.Adam([p], lr=0.5).step()
print([round(x, 4) for x in p.tolist()])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["[]", "[0.5, 0.5]"], done.stderr
