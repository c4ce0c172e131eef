"""Convolutions through cuDNN, where `nvidia-cudnn-frontend` is installed: `pip install 'tour-cuda[cudnn]'`.

A plan is built for each kind of convolution, by shapes, dtype and options, and kept. Without the package, or where cuDNN has no plan,
`convolve` answers False, and the caller computes otherwise.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from tour import backends
from tour.cuda._launch import Array, empty, runner

Ints = tuple[int, ...]

TYPES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF", "bfloat16": "BFLOAT16"}  # of cudnn.data_type


class Problem(NamedTuple):
    """What a plan is built for. `kind` is "forward", or the gradient of "input" or "weight"."""

    kind: str
    dtype: str
    x: Ints
    w: Ints
    y: Ints
    stride: Ints
    padding: Ints
    dilation: Ints
    tf32: bool
    deterministic: bool


class Plan(NamedTuple):
    """A built graph, its tensors x, w and y, and the bytes that it needs to work in."""

    graph: Any
    tensors: tuple[Any, Any, Any]
    workspace: int


@cache
def frontend() -> Any:
    """The module `cudnn`, or None where it is not installed or does not load."""
    try:
        return import_module("cudnn")
    except (ImportError, OSError, RuntimeError):
        return None


def row_major(shape: Ints) -> list[int]:
    """Strides, in elements, of a contiguous array.

    Examples:
        >>> row_major((2, 3, 4))
        [12, 4, 1]
    """
    strides = [1]
    for n in reversed(shape[1:]):
        strides.insert(0, strides[0] * n)
    return strides


def graph_of(problem: Problem, handle: Any = None) -> tuple[Any, tuple[Any, Any, Any]]:
    """cuDNN's graph of a convolution, not built yet, and its tensors x, w and y."""
    cudnn = frontend()
    stored, single = getattr(cudnn.data_type, TYPES[problem.dtype]), cudnn.data_type.FLOAT
    wide = cudnn.data_type.DOUBLE if problem.dtype == "float64" else single
    given = {} if handle is None else {"handle": handle}
    graph = cudnn.pygraph(io_data_type=stored, intermediate_data_type=wide, compute_data_type=wide, **given)
    spatial = {
        "padding": list(problem.padding), "stride": list(problem.stride), "dilation": list(problem.dilation),
    }  # fmt: skip

    def tensor(name: str, shape: Ints) -> Any:
        return graph.tensor(name=name, dim=list(shape), stride=row_major(shape), data_type=stored)

    if problem.kind == "forward":
        x, w = tensor("x", problem.x), tensor("w", problem.w)
        made = y = graph.conv_fprop(image=x, weight=w, **spatial)
    elif problem.kind == "input":
        w, y = tensor("w", problem.w), tensor("y", problem.y)
        made = x = graph.conv_dgrad(loss=y, filter=w, **spatial)
    else:
        x, y = tensor("x", problem.x), tensor("y", problem.y)
        made = w = graph.conv_wgrad(image=x, loss=y, **spatial)
    shape = {"forward": problem.y, "input": problem.x, "weight": problem.w}[problem.kind]
    made.set_output(True).set_dim(list(shape)).set_stride(row_major(shape)).set_data_type(stored)
    return graph, (x, w, y)


_handles: dict[Any, Any] = {}
_plans: dict[Any, Plan | None] = {}
_workspaces: dict[Any, Array] = {}


def _handle() -> Any:
    """A handle on the current device; None where the front end is there and cuDNN itself is not."""
    try:
        return frontend().create_handle()
    except RuntimeError:
        return None


def _plan(problem: Problem, handle: Any) -> Plan | None:
    """A built plan; None where cuDNN has none."""
    cudnn = frontend()
    graph, tensors = graph_of(problem, handle)
    try:
        graph.validate()
        graph.build_operation_graph()
        graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
        refused = []
        if problem.dtype == "float32" and not problem.tf32:
            refused.append(cudnn.numerical_note.DOWN_CONVERT_INPUTS)
        if problem.deterministic:
            refused.append(cudnn.numerical_note.NONDETERMINISTIC)
        if refused:
            graph.deselect_numeric_notes(refused)
        graph.check_support()
        graph.build_plans()
    except (cudnn.cudnnGraphNotSupportedError, RuntimeError):
        return None
    return Plan(graph, tensors, graph.get_workspace_size())


def convolve(kind: str, x: Array, w: Array, y: Array, stride: Ints, padding: Ints, dilation: Ints) -> bool:
    """Compute `y` from `x` and `w`, or the gradient `x` or `w` from the other two; False where cuDNN does not serve.

    All are contiguous, on one device. Groups follow from the shapes.
    """
    if frontend() is None or not backends.cudnn.enabled or not hasattr(runner(x), "cupy"):
        return False
    if x.ndim == 3:  # cuDNN knows images and volumes
        x, w, y = (a.reshape(*a.shape[:2], 1, a.shape[2]) for a in (x, w, y))
        stride, padding, dilation = (1, *stride), (0, *padding), (1, *dilation)
    served = runner(x)
    device, stream = served.device(x), served.stream(x)
    cudnn = frontend()
    with served.on(x):
        if device not in _handles:
            _handles[device] = _handle()
        handle = _handles[device]
        if handle is None:
            return False
        cudnn.set_stream(handle=handle, stream=stream)
        problem = Problem(
            kind, x.dtype.name, x.shape, w.shape, y.shape, tuple(stride), tuple(padding), tuple(dilation),
            bool(backends.cudnn.allow_tf32), bool(backends.cudnn.deterministic),
        )  # fmt: skip
        key = device, problem
        if key not in _plans:
            _plans[key] = _plan(problem, handle)
        plan = _plans[key]
        if plan is None:
            return False
        space = _workspaces.get((device, stream))
        if space is None or space.size < plan.workspace:
            space = _workspaces[device, stream] = empty((max(plan.workspace, 1),), np.uint8, x)
        pointers = dict(zip(plan.tensors, map(served.address, (x, w, y)), strict=True))
        plan.graph.execute(pointers, served.address(space), handle=handle)
    return True
