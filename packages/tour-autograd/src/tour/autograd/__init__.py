"""Gradients by running the program: importing this package plugs a tape into tour-tensor."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from tour import _core
from tour._core import sockets, wrap
from tour._dtypes import FLOATING, FROM_NUMPY
from tour.autograd import blame, engine, tape, views
from tour.autograd import graph as graph
from tour.autograd.anomaly import detect_anomaly as detect_anomaly
from tour.autograd.anomaly import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from tour.autograd.anomaly import is_anomaly_enabled as is_anomaly_enabled
from tour.autograd.anomaly import set_detect_anomaly as set_detect_anomaly
from tour.autograd.function import Function, FunctionCtx
from tour.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from tour.autograd.grad_mode import set_multithreading_enabled as set_multithreading_enabled
from tour.autograd.gradcheck import GradcheckError as GradcheckError
from tour.autograd.gradcheck import gradcheck as gradcheck
from tour.autograd.gradcheck import gradgradcheck as gradgradcheck
from tour.autograd.graph import GradFn, grad_fn
from tour.autograd.hooks import register_hook as register_hook
from tour.autograd.hooks import register_post_accumulate_grad_hook as register_post_accumulate_grad_hook
from tour.autograd.hooks import retain_grad as retain_grad
from tour.autograd.hooks import retains_grad as retains_grad
from tour.autograd.rule import declare_missing
from tour.autograd.variable import Variable as Variable
from tour.autograd.variable import variable as variable

__all__ = [
    "Function", "FunctionCtx", "GradFn", "backward", "enable_grad", "grad", "grad_fn", "inference_mode", "is_grad_enabled",
    "is_inference_mode_enabled", "no_grad", "set_grad_enabled",
]  # fmt: skip

Tensor = _core.Tensor
Tensors = Any  # a tensor or a sequence of tensors


_ready = False  # whether the rules are declared


def declare_rules() -> None:
    """Declare the rules of all ops: every tape begins at a leaf, so nobody needs them before the first one is made."""
    global _ready
    from tour.autograd import rules  # noqa: F401 (10 ms, which `import tour.nn` need not pay)

    declare_missing()
    _ready = True


def set_requires_grad(t: Any, value: bool) -> None:
    """Make a tensor a leaf that records, or one that does not.

    Raises:
        RuntimeError: If its dtype has no gradients, or it is the result of a recorded operation.
    """
    if t._tape is None:
        if FROM_NUMPY[t._a.dtype].rank < FLOATING:
            raise RuntimeError(f"only Tensors of floating point and complex dtype can require gradients, not {t.dtype}")
        if tape.inferred and tape.mode.inference is None and _core.is_inference(t):
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        if not _ready:
            declare_rules()
        t._tape = tape.Leaf(t)
    elif not value:
        if type(t._tape) is not tape.Leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
                "subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        t._tape = None


def is_leaf(t: Any) -> bool:
    """Whether a tensor with a tape is the end of it."""
    return type(t._tape) is tape.Leaf


def set_grad(t: Any, value: Any) -> None:
    """Assign a tensor's `.grad`.

    Raises:
        TypeError: If `value` is no tensor.
        RuntimeError: If its shape, dtype or device differs from the tensor's.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
    for what in ("shape", "dtype", "device"):
        if getattr(value, what) != getattr(t, what):
            raise RuntimeError(
                f"assigned grad has data of a different {what}: {getattr(value, what)} instead of {getattr(t, what)}"
            )
    if value is t:
        raise RuntimeError("can't assign Variable as its own grad")
    t._grad = value


def _as_list(x: Tensors) -> list[Any]:
    if isinstance(x, Tensor):
        return [x]
    return [graph.at_edge(x)] if isinstance(x, graph.GradientEdge) else list(map(graph.at_edge, x))


def _seeds(outputs: list[Any], gradients: Any, create: bool) -> list[tuple[Any, Any]]:
    """The tape of each output with the gradient that starts there.

    Raises:
        RuntimeError: If an output was not recorded, or has several elements and no gradient, or one of another shape.
    """
    given = [None] * len(outputs) if gradients is None else _as_list(gradients)
    for g in given:
        if g is not None and not isinstance(g, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
    if len(given) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(given)} gradients")
    seeds = []
    for i, (t, g) in enumerate(zip(outputs, given, strict=True)):
        own = views.fresh(t) if tape.rebased else t._tape
        if own is None:
            raise RuntimeError(
                f"element {i} of tensors does not require grad and does not have a grad_fn: nothing it was computed from has "
                "requires_grad=True, or it was computed under no_grad()"
            )
        if g is None:
            if t._a.dtype.kind == "c":
                raise RuntimeError(
                    f"grad can be implicitly created only for real scalar outputs but got {t.dtype}; pass gradient="
                )
            if t._a.size != 1:
                raise blame.made_by(
                    own,
                    RuntimeError(
                        "grad can be implicitly created only for scalar outputs, not for a tensor of shape "
                        f"{list(t.shape)}; reduce it with .sum() or .mean() first, or pass gradient="
                    ),
                )
            g = np.empty_like(t._a)
            g.fill(1)
            seeds.append((own, wrap(g) if create else g))
            continue
        if g.is_complex() != t.is_complex():
            raise RuntimeError(
                "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
                f"grad_output[{i}] has a dtype of {g.dtype} and output[{i}] has a dtype of {t.dtype}."
            )
        if g.device != t.device:
            raise RuntimeError(
                f"Mismatch in device: grad_output[{i}] is on {g.device} and output[{i}] is on {t.device}; use .to() first"
            )
        if g.shape != t.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {g.shape} and output[{i}] has a shape of {t.shape}."
            )
        g = g.to(t.dtype)
        seeds.append((own, g if create else g._a))
    return seeds


def backward(
    tensors: Tensors,
    grad_tensors: Tensors | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add gradients of `tensors` with respect to each leaf of their graph to the leaf's `.grad`.

    Args:
        tensors: One or several recorded tensors.
        grad_tensors: For each, the gradient that starts there; None for tensors with one element.
        retain_graph: Keep the graph for another pass; by default only if `create_graph`.
        create_graph: Record this pass too.
        inputs: Only these tensors get a gradient.

    Raises:
        RuntimeError: If a tensor was not recorded or has several elements and no gradient, or the graph was freed.

    Examples:
        >>> import tour
        >>> x = tour.tensor([1.0, 2.0], requires_grad=True)
        >>> tour.autograd.backward((x * x).sum())
        >>> x.grad
        tensor([2., 4.])
    """
    if inputs is not None and not _as_list(inputs):
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    retain = create_graph if retain_graph is None else retain_graph
    targets = None
    if inputs is not None:
        targets = [_target(t) for t in _as_list(inputs)]
        for t in _as_list(inputs):
            if type(t._tape) is not tape.Leaf:
                retain_grad(t)
    seeds = _seeds(_as_list(tensors), grad_tensors, create_graph)
    engine.run(seeds, retain=retain, create=create_graph, targets=targets)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Tensors | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """Gradients of the sum of `outputs` with respect to `inputs`; no `.grad` is touched.

    Args:
        outputs: One or several recorded tensors.
        inputs: The tensors to differentiate with respect to.
        grad_outputs: For each output, the gradient that starts there; None for outputs with one element.
        retain_graph: Keep the graph for another pass; by default only if `create_graph`.
        create_graph: Record this pass too, so that its results can be differentiated.
        only_inputs: Ignored, as in PyTorch: only the gradients of `inputs` are computed.
        allow_unused: Give None, rather than an error, for an input that no output depends on.
        is_grads_batched: Whether `grad_outputs` have a leading batch dimension.
        materialize_grads: Give zeros for such inputs.

    Raises:
        RuntimeError: If an output or input was not recorded, or an input was not used.

    Examples:
        >>> import tour
        >>> x = tour.tensor(3.0, requires_grad=True)
        >>> (g,) = tour.autograd.grad(x**2, x, create_graph=True)
        >>> tour.autograd.grad(g, x)
        (tensor(2.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if is_grads_batched:
        return _batched_grad(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads)
    wanted = _as_list(inputs)
    retain = create_graph if retain_graph is None else retain_graph
    targets = [_target(t) for t in wanted]
    seeds = _seeds(_as_list(outputs), grad_outputs, create_graph)
    found = engine.run(seeds, retain=retain, create=create_graph, targets=targets, accumulate=False)
    results: list[Any] = []
    for t, target in zip(wanted, targets, strict=True):
        g = found.get(id(target))
        if g is None and materialize_grads:
            results.append(wrap(np.zeros_like(t._a)))
        elif g is None and not allow_unused:
            raise RuntimeError(
                "One of the differentiated Tensors appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior."
            )
        else:
            results.append(g if g is None or create_graph else wrap(_core.as_array(g)))
    return tuple(results)


def _batched_grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Any,
    retain: bool | None,
    create: bool,
    unused: bool | None,
    zeros: bool,
) -> tuple[Any, ...]:
    """`grad` for several gradients of the outputs at once, which stand along their first dimension."""
    from tour.func import vmap

    ys, xs, gs = _as_list(outputs), _as_list(inputs), _as_list(() if grad_outputs is None else grad_outputs)
    if len(gs) != len(ys):
        raise RuntimeError(f"got {len(ys)} tensors and {len(gs)} gradients")
    for i, (t, g) in enumerate(zip(ys, gs, strict=True)):
        if g.shape[1:] != t.shape:
            raise RuntimeError(
                f"If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch dimension. The sizes of "
                f"the remaining dimensions are expected to match the shape of corresponding output, but a mismatch was detected: "
                f"grad_output[{i}] has a shape of {list(g.shape)} and output[{i}] has a shape of {list(t.shape)}."
            )
    used: list[bool] = []

    def one(*gradients: Any) -> tuple[Any, ...]:
        found = pullback(ys, xs, list(gradients), create)
        used[:] = [g is not None for g in found]
        return tuple(wrap(np.zeros_like(x._a)) if g is None else g for g, x in zip(found, xs, strict=True))

    results = vmap(one)(*gs)
    if not (retain or create):
        for t in ys:
            _free_all(t._tape)
    if not (all(used) or unused or zeros):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. "
            "Set allow_unused=True if this is the desired behavior."
        )
    return tuple(g if u or zeros else None for g, u in zip(results, used, strict=True))


def _free_all(root: Any) -> None:
    """Let go of what the nodes under a tape saved, as a pass that does not keep the graph does."""
    stack, seen = [root], set()
    while stack:
        node = stack.pop()
        if node is not None and id(node) not in seen and type(node) is not tape.Leaf:
            seen.add(id(node))
            stack += engine.flat_edges(node)
            if node[tape.OP].rule.frees:
                engine.free(node)


def pullback(outputs: list[Any], inputs: list[Any], cotangents: list[Any], recorded: bool = False) -> list[Any]:
    """Gradients with respect to `inputs` by a pass whose formulas run on tensors, as those of batches must; the graph is kept.

    Args:
        outputs: Tensors; those that were not recorded are passed over.
        inputs: Tensors.
        cotangents: The gradient that starts at each output.
        recorded: Whether to record the pass.

    Returns:
        A tensor for each input, or None where no output depends on it.
    """
    pairs = [(t, g) for t, g in zip(outputs, cotangents, strict=True) if t._tape is not None]
    targets = [views.fresh(t) if tape.rebased else t._tape for t in inputs]
    wanted = [target for target in targets if target is not None]
    found: dict[int, Any] = {}
    if pairs and wanted:
        was = tape.set_recording(recorded)
        try:
            seeds = _seeds([t for t, _ in pairs], [g for _, g in pairs], True)
        finally:
            tape.set_recording(was)
        found = engine.run(seeds, retain=True, create=True, targets=wanted, accumulate=False, recorded=recorded)
    return [found.get(id(target)) if target is not None else None for target in targets]


def _target(t: Any) -> Any:
    own = views.fresh(t) if tape.rebased else t._tape
    if own is None:
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    return own


def __getattr__(name: str) -> Any:
    if name in ("forward_ad", "functional"):  # 2 ms, which most programs need not pay
        return import_module(f"tour.autograd.{name}")
    raise AttributeError(f"module 'tour.autograd' has no attribute {name!r}")


sockets.before_write = views.before_write
sockets.preserve = views.preserve
sockets.rewrite = views.rewrite
sockets.called = tape.mark_call
