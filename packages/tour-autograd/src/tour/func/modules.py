"""Modules as functions of their parameters: `functional_call`, and `stack_module_state` for ensembles.

Modules live in a package above; here they are whatever has `named_parameters` and `named_buffers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import tour
from tour import Tensor

__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]

State = Mapping[str, Tensor]


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: State | Sequence[State],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other parameters and buffers than its own, which makes it a function of them.

    Args:
        module: The module.
        parameter_and_buffer_dicts: Tensors by name, as in `state_dict`; or several such dicts.
        args: A tuple of arguments, or one argument.
        kwargs: Arguments by name.
        tie_weights: Whether a tensor that has several names in the module is replaced under all of them.
        strict: Whether every parameter and buffer must be given, and no others.

    Raises:
        RuntimeError: If `strict` and names are missing or unexpected.
        AttributeError: If the module has no such parameter or buffer.
        ValueError: If a name comes twice.

    Examples:
        >>> import tour
        >>> layer = tour.nn.Linear(2, 1, bias=False)
        >>> loss = lambda w, x: functional_call(layer, {"weight": w}, x).sum()
        >>> tour.func.grad(loss)(tour.zeros(1, 2), tour.tensor([3.0, 4.0]))
        tensor([[3., 4.]])
    """
    # A module is at hand, so its package is installed, and its registries are its own affair.
    call = import_module("tour.nn.utils.stateless").call_with
    return call(module, parameter_and_buffer_dicts, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of several modules alike, stacked: with `functional_call` and `vmap` an ensemble.

    Args:
        models: Modules of one class, all in training or all in evaluation.

    Returns:
        Two dicts of leaves with one more dimension in front; parameters record gradients where those of all models do.

    Raises:
        RuntimeError: If there is no module, or they differ in class or mode.

    Examples:
        >>> import tour
        >>> models = [tour.nn.Linear(3, 2) for _ in range(4)]
        >>> parameters, buffers = stack_module_state(models)
        >>> call = lambda state, x: functional_call(models[0], state, x)
        >>> tour.vmap(call, in_dims=(0, None))(parameters, tour.ones(5, 3)).shape
        tour.Size([4, 5, 2])
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if any(m.training != models[0].training for m in models):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters, buffers = (
        _stacked([dict(getattr(m, which)()) for m in models]) for which in ("named_parameters", "named_buffers")
    )
    return parameters, buffers


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Let the batch normalisations in a module forget their running statistics, which `vmap` could not write; returns the module.

    Examples:
        >>> import tour
        >>> net = replace_all_batch_norm_modules_(tour.nn.Sequential(tour.nn.Linear(2, 3), tour.nn.BatchNorm1d(3)))
        >>> net[1].running_mean is None
        True
    """
    batch_norm = import_module("tour.nn.modules.batchnorm")._BatchNorm
    for module in root.modules():
        if isinstance(module, batch_norm) and module.track_running_stats:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def _stacked(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    made = {}
    for name in states[0]:
        tensors = [state[name] for state in states]
        recording = {t.requires_grad for t in tensors}
        if len(recording) > 1:
            raise RuntimeError(
                f"stack_module_state: Expected {name} from each model to have the same .requires_grad; in some it records, in others "
                "it does not"
            )
        made[name] = tour.stack([t.detach() for t in tensors]).requires_grad_(recording.pop())
    return made
