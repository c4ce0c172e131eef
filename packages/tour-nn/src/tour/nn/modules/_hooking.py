"""Registering hooks on one module."""

from __future__ import annotations

from typing import Any

from tour.nn.hooks import Hook, HookDict, RemovableHandle, add_hook
from tour.nn.modules._registry import Registry


class Hooking(Registry):
    """The part of `Module` that takes hooks. Each method returns a handle whose `remove()` takes the hook out again."""

    _hooked: bool = False  # the gate: whether a call must look for hooks of this module
    _forward_pre_hooks: Any = HookDict(on_call=True)
    _forward_pre_hooks_with_kwargs: Any = HookDict()
    _forward_hooks: Any = HookDict(on_call=True)
    _forward_hooks_with_kwargs: Any = HookDict()
    _forward_hooks_always_called: Any = HookDict()
    _backward_pre_hooks: Any = HookDict(on_call=True)
    _backward_hooks: Any = HookDict(on_call=True)
    _is_full_backward_hook: bool | None = None

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`.

        Args:
            hook: What it returns, if not None, replaces the positional arguments.
            prepend: Run before the hooks registered so far.
            with_kwargs: Call `hook(module, args, kwargs)`, which returns None or `(args, kwargs)`.

        Examples:
            >>> from tour import nn
            >>> net = nn.Identity()
            >>> handle = net.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
            >>> net(1)
            2
        """
        flags = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return add_hook(self._forward_pre_hooks, hook, *flags, prepend=prepend)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`.

        Args:
            hook: What it returns, if not None, replaces the output.
            prepend: Run before the hooks registered so far.
            with_kwargs: Call `hook(module, args, kwargs, output)`.
            always_call: Run even when `forward` or another hook raises.

        Examples:
            >>> from tour import nn
            >>> net = nn.Identity()
            >>> handle = net.register_forward_hook(lambda module, args, output: output * 10)
            >>> net(1)
            10
        """
        flags = [self._forward_hooks_with_kwargs] if with_kwargs else []
        flags += [self._forward_hooks_always_called] if always_call else []
        return add_hook(self._forward_hooks, hook, *flags, prepend=prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the gradients of the module's outputs are known.

        Args:
            hook: Gets a tuple with one gradient, or None, for each output; what it returns, if not None, replaces them.
            prepend: Run before the hooks registered so far.
        """
        return add_hook(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the module's inputs are known.

        Args:
            hook: Gets tuples with one gradient, or None, for each positional argument and each output; what it returns,
                if not None, replaces the gradients of the arguments.
            prepend: Run before the hooks registered so far.

        Raises:
            RuntimeError: If the module has hooks of the older kind.

        Examples:
            >>> import tour
            >>> from tour import nn
            >>> net = nn.Identity()
            >>> handle = net.register_full_backward_hook(lambda module, grad_input, grad_output: print(grad_output))
            >>> x = tour.ones(2, requires_grad=True)
            >>> net(x).sum().backward()
            (tensor([1., 1.]),)
        """
        self._expect_backward_hooks(is_full=True)
        return add_hook(self._backward_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` for the module's last operation; deprecated for the full form.

        Raises:
            RuntimeError: If the module has full backward hooks.
        """
        self._expect_backward_hooks(is_full=False)
        return add_hook(self._backward_hooks, hook)

    def _expect_backward_hooks(self, is_full: bool) -> None:
        if self._is_full_backward_hook is (not is_full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only "
                "one of them."
            )
        self._is_full_backward_hook = is_full
