"""What every optimizer is: parameter groups with options, state per parameter, checkpoints of both, and hooks."""

from __future__ import annotations

import functools
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

import numpy as np

import tour
from tour._core import wrap
from tour._tensor import Tensor
from tour.optim._hooks import Hooks, RemovableHandle

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook", "required"]

ParamsT: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Closure: TypeAlias = Callable[[], Any]
StateDict: TypeAlias = dict[str, Any]
Hook: TypeAlias = Callable[..., Any]
S = TypeVar("S", bound=Callable[..., Any])

_before_any_step: Final = Hooks[Hook]()
_after_any_step: Final = Hooks[Hook]()


class _Required:
    """The default of an option that every parameter group has to give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required: Final = _Required()


def register_optimizer_step_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before every step of every optimizer; it may return new `(args, kwargs)`.

    Examples:
        >>> import tour
        >>> sgd = tour.optim.SGD([tour.zeros(2, requires_grad=True)], lr=0.1)
        >>> handle = register_optimizer_step_pre_hook(lambda optimizer, args, kwargs: print("before", type(optimizer).__name__))
        >>> sgd.step()
        before SGD
        >>> handle.remove()
    """
    return _before_any_step.add(hook)


def register_optimizer_step_post_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after every step of every optimizer.

    Examples:
        >>> import tour
        >>> sgd = tour.optim.SGD([tour.zeros(2, requires_grad=True)], lr=0.1)
        >>> handle = register_optimizer_step_post_hook(lambda optimizer, args, kwargs: print("after", type(optimizer).__name__))
        >>> sgd.step()
        after SGD
        >>> handle.remove()
    """
    return _after_any_step.add(hook)


def _hooked(step: S) -> S:
    """`step` with the hooks round it, and a note of who called: the line that a later error about an overwritten value names."""

    @functools.wraps(step)
    def call(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if type(self).step is not call:  # super().step() inside an overriding step, which has run the hooks already
            return step(self, *args, **kwargs)
        frame = sys._getframe(1)
        self._caller = (frame.f_code, frame.f_lasti)
        self._opt_called = True
        if not (_before_any_step or self._pre_hooks or self._post_hooks or _after_any_step):
            return step(self, *args, **kwargs)
        args = (self, *args)
        for hook in chain(_before_any_step.values(), self._pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{hook} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        out = step(*args, **kwargs)
        for hook in chain(self._post_hooks.values(), _after_any_step.values()):
            hook(self, args, kwargs)
        return out

    return call  # type: ignore[return-value]


class Optimizer:
    """Base class of all optimizers.

    A subclass writes `step`; hooks are put round it. The order of the parameters must be the same in every run, because checkpoints
    address parameters by their position.

    Args:
        params: Tensors to optimize, or `(name, tensor)` pairs, or dicts with `"params"` and options: one dict per parameter group.
        defaults: Options for groups that do not give their own.

    Attributes:
        param_groups: The groups; their options may be changed between steps.
        state: What the algorithm remembers for each parameter.
        defaults: The options a group starts from.

    Raises:
        TypeError: If `params` is a single tensor, or holds something else than tensors.
        ValueError: If there are no parameters, or one is not a leaf, or one occurs in two groups.

    Examples:
        >>> import tour
        >>> w = tour.ones(2, requires_grad=True)
        >>> optimizer = tour.optim.SGD([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [0.0, 0.0]
    """

    # Options that older checkpoints lack, and what they meant then.
    _absent: ClassVar[dict[str, Any]] = {}
    # State that is a number per parameter; when loaded, it keeps its dtype.
    _numbers: ClassVar[tuple[str, ...]] = ("step",)

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._add_missing_attributes()
        if isinstance(params, Tensor):
            raise TypeError(
                f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got {_typename(params)}"
            )
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _hooked(cls.__dict__["step"])  # type: ignore[method-assign]

    def _add_missing_attributes(self) -> None:
        """Everything that is neither options nor state: it is not pickled, and starts empty in a copy."""
        for name in (
            "_pre_hooks",
            "_post_hooks",
            "_save_pre_hooks",
            "_save_post_hooks",
            "_load_pre_hooks",
            "_load_post_hooks",
        ):
            self.__dict__.setdefault(name, Hooks[Hook]())
        self.__dict__.setdefault("_caller", None)

    _pre_hooks: Hooks[Hook]
    _post_hooks: Hooks[Hook]
    _save_pre_hooks: Hooks[Hook]
    _save_post_hooks: Hooks[Hook]
    _load_pre_hooks: Hooks[Hook]
    _load_post_hooks: Hooks[Hook]
    _caller: Any
    _opt_called: bool

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._add_missing_attributes()
        for group in self.param_groups:
            for name, meant in self._absent.items():
                group.setdefault(name, meant)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [""] * (i > 0) + [f"Parameter Group {i}"]
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])

    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: Clears the gradients, computes the loss, calls `backward` and returns the loss. Most optimizers do without.

        Returns:
            What `closure` returned, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define step()")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Args:
            set_to_none: Set them to None, so that parameters without a new gradient are skipped by the next step. If False, set
                them to zero: such parameters still decay and keep their momentum.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach()
                    p.grad.zero_()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own, for example layers that are unfrozen while training.

        Args:
            param_group: A dict with `"params"`, and any options that differ from the defaults. The dict itself becomes the group.

        Raises:
            TypeError: If it is not a dict, or its parameters are not tensors in an ordered collection.
            ValueError: If a parameter is not a leaf, or is in another group, or only some parameters are named.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params, names = _unzip(param_group["params"])
        for p in params:
            self._check_param(p)
        self._check_options({**self.defaults, **param_group})
        if len(params) != len(set(params)):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        named = bool(names) or "param_names" in param_group
        for group in self.param_groups:
            if named != ("param_names" in group):
                given = "with names" if named else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. "
                    f"cannot add param group {given} to the optimizer"
                )
            if not set(group["params"]).isdisjoint(params):
                raise ValueError("some parameters appear in more than one parameter group")
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        self.param_groups.append(param_group)

    def _check_param(self, p: Any) -> None:
        if not isinstance(p, Tensor):
            raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {_typename(p)}")
        if not self.defaults.get("differentiable") and not (p.is_leaf or p.retains_grad):
            raise ValueError("can't optimize a non-leaf Tensor")

    def _check_options(self, options: dict[str, Any]) -> None:
        """Look at all options of a new group."""
        for name, value in options.items():
            if value is required:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")

    def state_dict(self) -> StateDict:
        """The state and the options, with parameters replaced by their position over all groups.

        Returns:
            `{"state": {0: {...}, ...}, "param_groups": [{..., "params": [0, ...]}, ...]}`, as PyTorch lays it out. Tensors in it
            are the optimizer's own: copy them to keep them.
        """
        for hook in self._save_pre_hooks.values():
            hook(self)
        index: dict[int, int] = {}
        position = 0
        packed = []
        for group in self.param_groups:
            for i, p in enumerate(group["params"], position):
                index.setdefault(id(p), i)
            position += len(group["params"])
            options = {name: value for name, value in group.items() if name != "params"}
            packed.append({**options, "params": [index[id(p)] for p in group["params"]]})
        state = {index[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()}
        result: StateDict = {"state": state, "param_groups": packed}
        for hook in self._save_post_hooks.values():
            replaced = hook(self, result)
            result = result if replaced is None else replaced
        return result

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over the options and a copy of the state of `state_dict()`.

        State goes to parameters by position. Floating-point state takes the dtype and device of its parameter. Schedulers have to
        be built first: building one sets the learning rate.

        Raises:
            ValueError: If groups differ in number, or in how many parameters they have. Nothing is changed then.
        """
        state_dict = state_dict.copy()
        for hook in self._load_pre_hooks.values():
            replaced = hook(self, state_dict)
            state_dict = state_dict if replaced is None else replaced
        saved = deepcopy(state_dict["param_groups"])
        if len(self.param_groups) != len(saved):
            raise ValueError(
                "loaded state dict has a different number of parameter groups "
                f"({len(saved)}, the optimizer has {len(self.param_groups)})"
            )
        owners: dict[Any, Tensor] = {}
        for i, (group, loaded) in enumerate(zip(self.param_groups, saved, strict=True)):
            if len(group["params"]) != len(loaded["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group "
                    f"(group {i}: {len(loaded['params'])} parameters loaded, {len(group['params'])} expected)"
                )
            owners.update(zip(loaded["params"], group["params"], strict=True))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in owners:
                p = owners[key]
                state[p] = _fit(value, p, self._numbers)
            else:
                state[key] = value
        for group, loaded in zip(self.param_groups, saved, strict=True):
            loaded["params"] = group["params"]
            if "param_names" in group:
                loaded.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self._load_post_hooks.values():
            hook(self)

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return new `(args, kwargs)`."""
        return self._pre_hooks.add(hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return self._post_hooks.add(hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict()`."""
        return self._save_pre_hooks.add(hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on what `state_dict()` is about to return; it may return another dict."""
        return self._save_post_hooks.add(hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on a shallow copy of what is to be loaded; it may return another dict."""
        return self._load_pre_hooks.add(hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after `load_state_dict()`."""
        return self._load_post_hooks.add(hook, prepend)


def _unzip(params: Any) -> tuple[list[Any], list[str]]:
    """Parameters and, if they come in `(name, tensor)` pairs, their names."""
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets will change "
            "between runs. Please use a list instead."
        )
    items = [params] if isinstance(params, Tensor) else list(params)
    names = [item[0] for item in items if isinstance(item, tuple)]
    if names and len(names) != len(items):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    return [item[1] if isinstance(item, tuple) else item for item in items], names


def _fit(value: Any, p: Tensor, numbers: tuple[str, ...], key: Any = None) -> Any:
    """A copy of loaded state in the dtype and on the device of its parameter; numbers per parameter stay as they are."""
    if isinstance(value, Tensor):
        copy = value.detach().clone()
        if key in numbers:
            return copy
        return copy.to(p.device, p.dtype) if p.is_floating_point() else copy.to(p.device)
    if isinstance(value, dict):
        return {k: _fit(v, p, numbers, k) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_fit(v, p, numbers) for v in value)
    return value


def _typename(x: Any) -> str:
    """The type of an argument as messages name it."""
    kind = type(x)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def scalar_dtype(group: dict[str, Any]) -> Any:
    """The NumPy dtype of per-parameter numbers such as the step count: float32, unless float64 is the default dtype."""
    wide = tour.get_default_dtype() == tour.float64 and not group.get("fused")
    return np.float64 if wide else np.float32


def scalar(value: float, dtype: Any) -> Tensor:
    """A tensor without dimensions, on the CPU."""
    return wrap(np.array(value, dtype))
