"""Backward hooks of modules: an identity round inputs and outputs whose backward shows the gradients to the hooks.

The gradients of a module's outputs pass the identity behind it, which keeps them; the gradients of its inputs pass the
identity before it, and there both are known.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import tour
from tour import Tensor
from tour.autograd import Function, is_grad_enabled

if TYPE_CHECKING:
    from tour.nn.hooks import Hook
    from tour.nn.modules.module import Module

Grads = tuple[Any, ...]  # one gradient, or None, for each argument


class BackwardHookFunction(Function):
    """The identity on several tensors; its backward asks `watch(grads)` for the gradients to pass on."""

    @staticmethod
    def forward(ctx: Any, watch: Callable[[Grads], Grads], *tensors: Tensor) -> tuple[Tensor, ...]:
        """Tensors that share their memory with those given."""
        ctx.set_materialize_grads(False)
        ctx.watch = watch
        same = tuple(t.detach() for t in tensors)
        ctx.mark_non_differentiable(*(out for t, out in zip(tensors, same, strict=True) if not t.requires_grad))
        return same

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        """None for `watch`, then the answer of `watch`."""
        return None, *ctx.watch(grads)


class BackwardTrace:
    """Backward hooks round one call of a module.

    Args:
        module: The module, passed to each hook.
        hooks: Full hooks `hook(module, grad_input, grad_output)`; what they return replaces the gradients of the
            inputs.
        pre_hooks: `hook(module, grad_output)`; what they return replaces the gradients of the outputs.
        last_op_hooks: Hooks of the older kind, which see the gradients of the last operation only.
    """

    def __init__(self, module: Module, hooks: list[Hook], pre_hooks: list[Hook], last_op_hooks: list[Hook]) -> None:
        self.module, self.hooks, self.pre_hooks, self.last_op_hooks = module, hooks, pre_hooks, last_op_hooks
        self.n_inputs = 0
        self.inputs_at: list[int] | None = None
        self.outputs_at: list[int] | None = None
        self.grad_output: Grads | None = None

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The positional arguments, with the identity behind those that are tensors."""
        if self.last_op_hooks:
            self.made_by = {t.grad_fn for t in args if isinstance(t, Tensor)}
        if not (self.hooks or self.pre_hooks):
            return args
        self.n_inputs = len(args)
        self.kinds = [(t.shape, t.dtype, t.device) for t in args if isinstance(t, Tensor)]
        args, self.inputs_at = _through_identity(args, self.see_grad_input)
        return args

    def outputs(self, result: Any) -> Any:
        """The result, with the identity behind its tensors.

        Only a tensor or a tuple of tensors can be watched; with anything else a warning says that the hooks stay
        silent.
        """
        if self.last_op_hooks:
            self.watch_last_op(result)
        if not (self.hooks or self.pre_hooks):
            return result
        if not isinstance(result, Tensor | tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(result)}",
                stacklevel=2,
            )
            return result
        values = result if isinstance(result, tuple) else (result,)
        self.n_outputs = len(values)
        values, self.outputs_at = _through_identity(values, self.see_grad_output)
        return values if isinstance(result, tuple) else values[0]

    def see_grad_output(self, grads: Grads) -> Grads:
        """Keep the gradients of the outputs, once the pre-hooks have had their say."""
        assert self.outputs_at is not None
        grad_output = _spread(self.outputs_at, grads, self.n_outputs)
        for hook in self.pre_hooks:
            grad_output = _answer(hook(self.module, grad_output), grad_output, "pre hook", "grad_output")
        self.grad_output = grad_output
        if self.inputs_at is None:
            self.without_grad_input()
        return tuple(grad_output[i] for i in self.outputs_at)

    def without_grad_input(self) -> None:
        """No input asks for a gradient: the hooks run as soon as the gradients of the outputs are known."""
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients.",
            stacklevel=2,
        )
        nothing = (None,) * self.n_inputs
        for hook in self.hooks:
            answer = hook(self.module, nothing, self.grad_output)
            if answer is not None and not (isinstance(answer, tuple) and all(g is None for g in answer)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None "
                    "for all gradients."
                )
        self.grad_output = None

    def see_grad_input(self, grads: Grads) -> Grads:
        """Show the gradients of the inputs, zeros where there is none, and those of the outputs to the hooks."""
        if self.grad_output is None:
            return grads  # they came past the outputs, which nobody could watch
        assert self.inputs_at is not None
        grads = tuple(
            tour.zeros(shape, dtype=dtype, device=device) if g is None else g
            for g, (shape, dtype, device) in zip(grads, self.kinds, strict=True)
        )
        grad_input = _spread(self.inputs_at, grads, self.n_inputs)
        for hook in self.hooks:
            grad_input = _answer(hook(self.module, grad_input, self.grad_output), grad_input, "hook", "grad_input")
        self.grad_output = None
        return tuple(grad_input[i] for i in self.inputs_at)

    def watch_last_op(self, result: Any) -> None:
        """Hang the older hooks on the graph node of the result, as PyTorch did before full hooks existed."""
        tensor = next(_tensors_in(result), None)
        node = None if tensor is None else tensor.grad_fn
        if node is None:
            return
        if self.made_by - {None} != {before for before, _ in node.next_functions}:
            warnings.warn(
                "Using a non-full backward hook when the forward contains multiple autograd Nodes is deprecated and "
                "will be removed in future versions. This hook will be missing some grad_input. Please use "
                "register_full_backward_hook to get the documented behavior.",
                FutureWarning,
                stacklevel=2,
            )
        for hook in self.last_op_hooks:
            node.register_hook(lambda grad_input, grad_output, hook=hook: hook(self.module, grad_input, grad_output))


def _through_identity(
    args: tuple[Any, ...], watch: Callable[[Grads], Grads]
) -> tuple[tuple[Any, ...], list[int] | None]:
    """`args` with its tensors behind one identity, and their positions; unchanged, and None, if nothing is recorded."""
    at = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
    if not (is_grad_enabled() and any(args[i].requires_grad for i in at)):
        return args, None
    values = list(args)
    for i, same in zip(at, BackwardHookFunction.apply(watch, *(args[i] for i in at)), strict=True):
        values[i] = same
    return (tuple(values) if type(args) is tuple else type(args)(*values)), at  # a named tuple stays one


def _spread(at: Sequence[int], grads: Sequence[Any], n: int) -> Grads:
    """`n` gradients: those given, at their positions, and None elsewhere."""
    given = dict(zip(at, grads, strict=True))
    return tuple(given.get(i) for i in range(n))


def _answer(answer: Any, grads: Grads, hook: str, name: str) -> Grads:
    """The gradients after a hook: what it returned, if anything, else as they were."""
    if answer is None:
        return grads
    new: Grads = answer if isinstance(answer, tuple) else (answer,)
    if len(new) != len(grads):
        raise RuntimeError(
            f"Backward {hook} returned an invalid number of {name}, got {len(new)}, but expected {len(grads)}"
        )
    return new


def _tensors_in(result: Any) -> Iterator[Tensor]:
    """The tensors of a result: it may be a dict, or a tuple of tuples."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, dict):
        yield from (v for v in result.values() if isinstance(v, Tensor))
    elif isinstance(result, tuple | list):
        for item in result:
            yield from _tensors_in(item)
