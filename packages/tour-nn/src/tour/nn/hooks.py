"""Hooks of modules: where they are kept, the handles that remove them, and the call that runs them.

A module without hooks never comes here: `Module.__call__` looks at one flag of its own and at `GLOBAL_HOOKS`.
`call_with_hooks` is the whole story of a call with hooks, in PyTorch's order: global hooks before the module's own,
pre-hooks, the forward, forward hooks; and backward hooks round all of it.
"""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

if TYPE_CHECKING:
    from tour.nn.modules.module import Module

__all__ = [
    "RemovableHandle",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

Hook = Callable[..., Any]


class RemovableHandle:
    """Takes one hook out of the dict that holds it: by `remove()`, or at the end of a `with` block.

    Args:
        hooks_dict: The dict that will hold the hook under `handle.id`.
        extra_dict: More dicts, or one, that may hold something under the same id.

    Examples:
        >>> from tour import nn
        >>> net = nn.Identity()
        >>> with net.register_forward_hook(lambda module, args, output: "hooked"):
        ...     net("x")
        'hooked'
        >>> net("x")
        'x'
    """

    next_id: ClassVar[int] = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        extras = extra_dict if isinstance(extra_dict, list | tuple) else [] if extra_dict is None else [extra_dict]
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extras)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1

    def remove(self) -> None:
        """Take the hook out; a second call does nothing."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = ref()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, int, tuple[Any, ...]]:
        return self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref)

    def __setstate__(self, state: tuple[Any, int, tuple[Any, ...]]) -> None:
        hooks, self.id, extras = state
        self.hooks_dict_ref, *rest = (weakref.ref(OrderedDict() if d is None else d) for d in (hooks, *extras))
        self.extra_dict_ref = tuple(rest)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def add_hook(
    hooks: OrderedDict[int, Any], hook: Any, *flags: OrderedDict[int, bool], prepend: bool = False
) -> RemovableHandle:
    """Put `hook` last into `hooks`, or first, mark its id in each of `flags`, and return the handle that undoes it."""
    handle = RemovableHandle(hooks, extra_dict=flags)
    hooks[handle.id] = hook
    for marked in flags:
        marked[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


class HookDict:
    """One of a module's hook dicts, such as `module._forward_hooks`: made when it is first asked for.

    Args:
        on_call: Whether its hooks run when the module is called; handing such a dict out opens the gate in
            `Module.__call__`.
    """

    def __init__(self, on_call: bool = False) -> None:
        self.on_call = on_call

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, module: Any, owner: type | None = None) -> Any:
        if module is None:
            return self
        state = module.__dict__
        if self.name not in state:
            state[self.name] = OrderedDict()
        if self.on_call:
            state["_hooked"] = True
        return state[self.name]

    def __set__(self, module: Any, hooks: OrderedDict[int, Hook]) -> None:
        module.__dict__[self.name] = hooks
        self.__get__(module)


# --- Hooks of every module --------------------------------------------------------------------------------------------


class GlobalHook(NamedTuple):
    """A hook of every module; `kind` is the name of the module's own dict for such hooks."""

    kind: str
    call: Hook
    with_kwargs: bool = False
    always_call: bool = False
    is_full: bool = True


GLOBAL_HOOKS: OrderedDict[int, GlobalHook] = OrderedDict()
REGISTRATION_HOOKS: OrderedDict[int, GlobalHook] = OrderedDict()


def global_hooks(kind: str) -> list[tuple[int, GlobalHook]]:
    """The global hooks of one kind, in the order of their registration."""
    return [(id, hook) for id, hook in GLOBAL_HOOKS.items() if hook.kind == kind] if GLOBAL_HOOKS else []


def on_registration(kind: str, module: Any, name: str, value: Any) -> Any:
    """What is registered once every registration hook of this kind has seen `value`, and perhaps replaced it."""
    for hook in list(REGISTRATION_HOOKS.values()):
        if hook.kind == kind:
            replacement = hook.call(module, name, value)
            value = value if replacement is None else replacement
    return value


def register_module_parameter_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, param)` whenever a module registers a parameter; it may return a replacement.

    Examples:
        >>> from tour import nn
        >>> show = lambda module, name, parameter: print(name, tuple(parameter.shape))
        >>> with nn.modules.module.register_module_parameter_registration_hook(show):
        ...     layer = nn.Linear(2, 3)
        weight (3, 2)
        bias (3,)
    """
    return add_hook(REGISTRATION_HOOKS, GlobalHook("_parameters", hook))


def register_module_buffer_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, buffer)` whenever a module registers a buffer; it may return a replacement.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> with nn.modules.module.register_module_buffer_registration_hook(lambda module, name, buffer: print(name)):
        ...     norm = nn.BatchNorm1d(2)
        running_mean
        running_var
        num_batches_tracked
    """
    return add_hook(REGISTRATION_HOOKS, GlobalHook("_buffers", hook))


def register_module_module_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, submodule)` whenever a module registers a child; it may return a replacement.

    Examples:
        >>> from tour import nn
        >>> with nn.modules.module.register_module_module_registration_hook(lambda module, name, child: print(name, child)):
        ...     net = nn.Sequential(nn.ReLU())
        0 ReLU()
    """
    return add_hook(REGISTRATION_HOOKS, GlobalHook("_modules", hook))


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, args)` before every module's forward; see `Module.register_forward_pre_hook`.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> with nn.modules.module.register_module_forward_pre_hook(lambda module, args: print(module, args[0].shape)):
        ...     _ = nn.ReLU()(tour.ones(2, 3))
        ReLU() tour.Size([2, 3])
    """
    return add_hook(GLOBAL_HOOKS, GlobalHook("_forward_pre_hooks", hook))


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after every module's forward; see `Module.register_forward_hook`.

    Args:
        hook: What it returns, if not None, replaces the output. It runs before the hooks of the module itself.
        with_kwargs: Call `hook(module, args, kwargs, output)`.
        always_call: Run even when `forward` or another hook raises; an error of its own then becomes a warning.

    Returns:
        The handle that removes the hook, by `remove()` or at the end of a `with` block.

    Examples:
        >>> from tour import nn
        >>> with register_module_forward_hook(lambda module, args, output: print(type(module).__name__)):
        ...     nn.Sequential(nn.Identity(), nn.Identity())(1)
        Identity
        Identity
        Sequential
        1
    """
    return add_hook(GLOBAL_HOOKS, GlobalHook("_forward_hooks", hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_output)` for every module; see `Module.register_full_backward_pre_hook`.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> double = lambda module, grad_output: (2 * grad_output[0],)
        >>> x = tour.ones(2, requires_grad=True)
        >>> with nn.modules.module.register_module_full_backward_pre_hook(double):
        ...     nn.Identity()(x).sum().backward()
        >>> x.grad
        tensor([2., 2.])
    """
    return add_hook(GLOBAL_HOOKS, GlobalHook("_backward_pre_hooks", hook))


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` for every module; see `Module.register_full_backward_hook`.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> show = lambda module, grad_input, grad_output: print(module, grad_input[0])
        >>> with nn.modules.module.register_module_full_backward_hook(show):
        ...     nn.ReLU()(tour.tensor([-1.0, 1.0], requires_grad=True)).sum().backward()
        ReLU() tensor([0., 1.])
    """
    return _add_global_backward_hook(hook, is_full=True)


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """The older form of `register_module_full_backward_hook`, which sees only the last operation of a module.

    Examples:
        >>> from tour import nn
        >>> handle = nn.modules.module.register_module_backward_hook(lambda module, grad_input, grad_output: None)
        >>> handle.remove()
    """
    return _add_global_backward_hook(hook, is_full=False)


def _add_global_backward_hook(hook: Hook, is_full: bool) -> RemovableHandle:
    if any(other.is_full is not is_full for _, other in global_hooks("_backward_hooks")):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module hook. Please use "
            "only one of them."
        )
    return add_hook(GLOBAL_HOOKS, GlobalHook("_backward_hooks", hook, is_full=is_full))


# --- A call with hooks ------------------------------------------------------------------------------------------------


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`module.forward(*args, **kwargs)` between its hooks.

    Raises:
        RuntimeError: If a pre-hook with `with_kwargs=True` returns something else than None or `(args, kwargs)`.
    """
    own = module.__dict__.get
    round_forward = own("_forward_hooks") or own("_forward_pre_hooks")
    if not (GLOBAL_HOOKS or round_forward or own("_backward_hooks") or own("_backward_pre_hooks")):
        module.__dict__["_hooked"] = False  # the last hook has gone: close the gate
        return module.forward(*args, **kwargs)
    call = HookedCall(module, args, kwargs)
    try:
        return call.run()
    except Exception:
        call.run_hooks_that_always_run()
        raise


class HookedCall:
    """One call of a module that has hooks: its arguments and its result, as the hooks have left them so far."""

    __slots__ = ("args", "done", "kwargs", "module", "result", "state")

    def __init__(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self.state = module.__dict__
        self.result: Any = None
        self.done: set[int] = set()

    def own(self, kind: str) -> dict[int, Any]:
        """The module's own hooks or marks of one kind."""
        return self.state.get(kind) or {}

    def run(self) -> Any:
        if GLOBAL_HOOKS or self.own("_forward_pre_hooks"):
            for hook, with_kwargs in self.pre_hooks():
                self.run_pre_hook(hook, with_kwargs)
        trace = self.backward_trace()
        if trace is not None:
            self.args = trace.inputs(self.args)
        self.result = self.module.forward(*self.args, **self.kwargs)
        for id, hook, with_kwargs, _ in self.forward_hooks():
            self.done.add(id)
            replacement = self.run_forward_hook(hook, with_kwargs)
            self.result = self.result if replacement is None else replacement
        if trace is not None:
            self.result = trace.outputs(self.result)
        return self.result

    def pre_hooks(self) -> list[tuple[Hook, bool]]:
        """Hook, whether it takes the keyword arguments."""
        named = self.own("_forward_pre_hooks_with_kwargs")
        everybody = [(hook.call, False) for _, hook in global_hooks("_forward_pre_hooks")]
        return everybody + [(hook, id in named) for id, hook in self.own("_forward_pre_hooks").items()]

    def forward_hooks(self) -> list[tuple[int, Hook, bool, bool]]:
        """Id, hook, whether it takes the keyword arguments, whether it must run even after an error."""
        named, always = self.own("_forward_hooks_with_kwargs"), self.own("_forward_hooks_always_called")
        everybody = global_hooks("_forward_hooks")
        own = self.own("_forward_hooks").items()
        return [(id, hook.call, hook.with_kwargs, hook.always_call) for id, hook in everybody] + [
            (id, hook, id in named, id in always) for id, hook in own
        ]

    def run_pre_hook(self, hook: Hook, with_kwargs: bool) -> None:
        if not with_kwargs:
            args = hook(self.module, self.args)
            if args is not None:
                self.args = args if isinstance(args, tuple) else (args,)
            return
        both = hook(self.module, self.args, self.kwargs)
        if both is None:
            return
        if not (isinstance(both, tuple) and len(both) == 2):
            raise RuntimeError(
                f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {both}."
            )
        self.args, self.kwargs = both

    def run_forward_hook(self, hook: Hook, with_kwargs: bool) -> Any:
        if with_kwargs:
            return hook(self.module, self.args, self.kwargs, self.result)
        return hook(self.module, self.args, self.result)

    def run_hooks_that_always_run(self) -> None:
        """After an error: run the hooks with `always_call=True` that have not run; their own errors become warnings."""
        for id, hook, with_kwargs, always in self.forward_hooks():
            if always and id not in self.done:
                try:
                    replacement = self.run_forward_hook(hook, with_kwargs)
                    self.result = self.result if replacement is None else replacement
                except Exception as error:
                    warnings.warn(
                        "module forward hook with ``always_call=True`` raised an exception that was silenced as "
                        f"another error was raised in forward: {error}",
                        stacklevel=2,
                    )

    def backward_trace(self) -> Any:
        """What carries backward hooks round this call, or None where no such hook exists."""
        if not (GLOBAL_HOOKS or self.own("_backward_hooks") or self.own("_backward_pre_hooks")):
            return None
        pre_hooks = [hook.call for _, hook in global_hooks("_backward_pre_hooks")]
        pre_hooks += self.own("_backward_pre_hooks").values()
        everybody = [hook for _, hook in global_hooks("_backward_hooks")]
        own = [*self.own("_backward_hooks").values()]
        if not (pre_hooks or everybody or own):
            return None
        from tour.nn.backward_hooks import BackwardTrace  # loads autograd: a forward without them never needs it

        own_are_full = self.state.get("_is_full_backward_hook")
        full = [hook.call for hook in everybody if hook.is_full] + (own if own_are_full else [])
        last_op = [hook.call for hook in everybody if not hook.is_full] + ([] if own_are_full else own)
        return BackwardTrace(self.module, full, pre_hooks, last_op)
