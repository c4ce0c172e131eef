"""Saving a module's state to a dict, and loading it back."""

from __future__ import annotations

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

import tour
from tour import Tensor
from tour.nn.hooks import HookDict, RemovableHandle, add_hook
from tour.nn.modules._registry import Registry
from tour.nn.parameter import Parameter, is_lazy

if TYPE_CHECKING:
    from tour.nn.modules.module import Module

T_destination = TypeVar("T_destination", bound=dict[str, Any])

EXTRA_STATE = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` found missing and found too much."""

    __slots__ = ()
    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


class StateDict(Registry):
    """The part of `Module` that saves and loads."""

    _version: int = 1
    _state_dict_pre_hooks: Any = HookDict()
    _state_dict_hooks: Any = HookDict()
    _load_state_dict_pre_hooks: Any = HookDict()
    _load_state_dict_pre_hooks_with_module: Any = HookDict()
    _load_state_dict_post_hooks: Any = HookDict()

    # --- Saving -------------------------------------------------------------------------------------------------------

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Every parameter and persistent buffer by its path, as tensors that share memory with them.

        Args:
            args: `destination`, `prefix` and `keep_vars` by position, which is deprecated.
            destination: A dict to fill; a new `OrderedDict` by default.
            prefix: Put before every path.
            keep_vars: Give the parameters themselves instead of detached tensors.

        Examples:
            >>> from tour import nn
            >>> list(nn.Linear(3, 2).state_dict())
            ['weight', 'bias']
        """
        if args:
            warnings.warn("Positional args are being deprecated, use kwargs instead.", FutureWarning, stacklevel=2)
            destination, prefix, keep_vars = [*args, *[destination, prefix, keep_vars][len(args) :]]
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self.__dict__.get("_state_dict_pre_hooks", {}).values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self.__dict__.get("_state_dict_hooks", {}).values():
            replacement = hook(self, destination, prefix, local_metadata)
            if getattr(hook, "_from_public_api", False):
                if replacement is not None:
                    raise RuntimeError("state_dict post-hook must return None")
            elif replacement is not None:
                destination = replacement
        return cast("dict[str, Any]", destination)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Put this module's own state, without its submodules', into `destination`; a subclass may add to it."""
        for name, value in self._own_state().items():
            destination[prefix + name] = value if keep_vars else value.detach()
        if type(self).get_extra_state is not StateDict.get_extra_state:
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    def _own_state(self) -> dict[str, Tensor]:
        """Parameters and persistent buffers of this module alone."""
        members = chain(self._parameters.items(), self._buffers.items())
        hidden = self._non_persistent_buffers_set
        return {name: value for name, value in members if value is not None and name not in hidden}

    def get_extra_state(self) -> Any:
        """What else belongs in the `state_dict`; a subclass that needs it defines this and `set_extra_state`."""
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called: define get_extra_state in "
            f"{type(self).__name__}, or do not call it."
        )

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave; a subclass that needs it defines both."""
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called: define set_extra_state in "
            f"{type(self).__name__}, or do not call it."
        )

    # --- Loading ------------------------------------------------------------------------------------------------------

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy a state into this module and its submodules.

        Args:
            state_dict: Values by path: tensors, or anything NumPy reads as an array.
            strict: Refuse missing and unexpected keys.
            assign: Take the given tensors themselves, with their dtype and device, instead of copying into the present
                ones.

        Returns:
            `missing_keys` and `unexpected_keys`, a named tuple of two lists.

        Raises:
            TypeError: If `state_dict` is not a mapping.
            RuntimeError: If a shape differs, or, when strict, a key is missing or unexpected. What fitted has been
                loaded.

        Examples:
            >>> from tour import nn
            >>> nn.Linear(3, 2).load_state_dict(nn.Linear(3, 2).state_dict())
            <All keys matched successfully>
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        loading = Loading(getattr(state_dict, "_metadata", None), assign)
        loading.load(cast("Module", self), OrderedDict(state_dict), "")
        errors = loading.errors
        if strict:
            lists = {"Missing": loading.missing, "Unexpected": loading.unexpected}
            errors = [
                f"{what} key(s) in state_dict: {_quoted(keys)}. " for what, keys in lists.items() if keys
            ] + errors
        if errors:
            raise RuntimeError(
                "Error(s) in loading state_dict for {}:\n\t{}".format(type(self).__name__, "\n\t".join(errors))
            )
        return _IncompatibleKeys(loading.missing, loading.unexpected)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own state, without its submodules'; subclasses override it to read older versions.

        Args:
            state_dict: Values by full path; may be changed.
            prefix: The path of this module, with a dot at its end.
            local_metadata: What was saved about this module, above all its `version`.
            strict: Whether to note missing and unexpected keys.
            missing_keys: Takes the keys that were not found.
            unexpected_keys: Takes the keys that belong nowhere.
            error_msgs: Takes what else went wrong, in sentences.
        """
        takes_module = self.__dict__.get("_load_state_dict_pre_hooks_with_module", {})
        for id, hook in self.__dict__.get("_load_state_dict_pre_hooks", {}).items():
            call = partial(hook, self) if id in takes_module else hook
            call(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        assign = local_metadata.get("assign_to_params_buffers", False)
        own = self._own_state()
        for name, target in own.items():
            key = prefix + name
            if key in state_dict:
                error = _load_tensor(cast("Module", self), name, target, key, state_dict[key], assign)
                error_msgs.extend([error] if error else [])
            elif strict:
                missing_keys.append(key)
        self._load_extra_state(state_dict, prefix + EXTRA_STATE, strict, missing_keys, unexpected_keys)
        if strict:
            unexpected_keys += (key for key in state_dict if self._is_unexpected(key, prefix, own))

    def _load_extra_state(
        self, state_dict: Any, key: str, strict: bool, missing_keys: list[str], unexpected_keys: list[str]
    ) -> None:
        wanted = type(self).set_extra_state is not StateDict.set_extra_state
        if wanted and key in state_dict:
            self.set_extra_state(state_dict[key])
        elif strict and wanted:
            missing_keys.append(key)
        elif strict and key in state_dict:
            unexpected_keys.append(key)

    def _is_unexpected(self, key: str, prefix: str, own: dict[str, Tensor]) -> bool:
        """Whether a key under this module's prefix belongs neither to it nor to a submodule."""
        if not key.startswith(prefix) or key == prefix + EXTRA_STATE:
            return False
        name, dot, _ = key[len(prefix) :].partition(".")
        return name not in (self._modules if dot else own)

    # --- Hooks --------------------------------------------------------------------------------------------------------

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict` reads this module."""
        return add_hook(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after this module is saved; may change it."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return add_hook(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The older form of `register_state_dict_post_hook`: what the hook returns, if not None, replaces the dict."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was previously registered via "
                "register_state_dict_post_hook"
            )
        return add_hook(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, *args)` before this module is loaded; `args` are those of `_load_from_state_dict`."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        """As `register_load_state_dict_pre_hook`; without the module as first argument unless `with_module`."""
        flags = [self._load_state_dict_pre_hooks_with_module] if with_module else []
        return add_hook(self._load_state_dict_pre_hooks, hook, *flags)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after loading; it may change the two lists, which decide on errors."""
        return add_hook(self._load_state_dict_post_hooks, hook)


class Loading:
    """One run of `load_state_dict`, and what it has found so far."""

    def __init__(self, metadata: dict[str, dict[str, Any]] | None, assign: bool) -> None:
        self.metadata, self.assign = metadata or {}, assign
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []

    def load(self, module: Module, state_dict: dict[str, Any], prefix: str) -> None:
        """Load the keys under `prefix` into `module` and the modules below it."""
        local_metadata = dict(self.metadata.get(prefix[:-1], {}))
        if self.assign:
            local_metadata["assign_to_params_buffers"] = True
        module._load_from_state_dict(
            state_dict, prefix, local_metadata, True, self.missing, self.unexpected, self.errors
        )
        parts = _by_child(state_dict, prefix)
        for name, child in module._modules.items():
            if child is not None:
                self.load(child, parts.get(name, {}), f"{prefix}{name}.")
        for hook in module.__dict__.get("_load_state_dict_post_hooks", {}).values():
            if hook(module, _IncompatibleKeys(self.missing, self.unexpected)) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                    "values, if incompatible_keys need to be modified, it should be done inplace."
                )


def _by_child(state_dict: dict[str, Any], prefix: str) -> dict[str, dict[str, Any]]:
    """The keys below a module, parted by the child they lead to."""
    parts: dict[str, dict[str, Any]] = {}
    for key, value in state_dict.items():
        name, dot, _ = key[len(prefix) :].partition(".") if key.startswith(prefix) else ("", "", "")
        if dot:
            parts.setdefault(name, {})[key] = value
    return parts


def _load_tensor(module: Module, name: str, target: Tensor, key: str, value: Any, assign: bool) -> str | None:
    """Load one value into one parameter or buffer; returns what went wrong, if anything."""
    if not isinstance(value, Tensor):
        if not hasattr(value, "__array__"):
            return (
                f'While copying the parameter named "{key}", expected tour.Tensor or Tensor-like object from '
                f"checkpoint but received {type(value)}"
            )
        value = tour.as_tensor(np.asarray(value))
    if is_lazy(target):
        return None  # both wait for their shape: had the checkpoint known it, a hook would have taken it over before
    if target.ndim == 0 and value.shape == (1,):
        value = value[0]  # scalars were saved with one dimension before PyTorch 0.4
    if value.shape != target.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
            f"the shape in current model is {target.shape}."
        )
    try:
        with tour.no_grad():
            if assign:
                _assign(module, name, target, value)
            else:
                target.copy_(value)
    except Exception as error:
        return (
            f'While copying the parameter named "{key}", whose dimensions in the model are {target.shape} and whose '
            f"dimensions in the checkpoint are {value.shape}, an exception occurred : {error.args}."
        )
    return None


def _assign(module: Module, name: str, target: Tensor, value: Tensor) -> None:
    """Let `value` itself take the place of `target`, with the `requires_grad` that stood there."""
    if isinstance(target, Parameter):
        if isinstance(value, Parameter):
            value.requires_grad_(target.requires_grad)
        else:
            value = Parameter(value, requires_grad=target.requires_grad)
    setattr(module, name, value)


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)
