"""What the graphs of cuDNN share: the front end, plans that are kept, room to work in, and how a graph is run.

`pip install 'tour-cuda[cudnn]'` brings the front end (`nvidia-cudnn-frontend`). A plan is built for each kind of problem, by shapes, dtype
and options, and kept. Without the package, or where cuDNN has no plan, the caller computes otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from tour import backends
from tour.cuda._launch import Array, captures, empty, runner

Ints = tuple[int, ...]
Made = tuple[Any, list[Any]]  # a graph, and its tensors in the order in which `execute` gets arrays

TYPES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF", "bfloat16": "BFLOAT16"}  # of cudnn.data_type
ALIGNED = 16  # bytes: what cuDNN takes for granted of an address


class Plan(NamedTuple):
    """A built graph, its tensors, and the bytes that it needs to work in."""

    graph: Any
    tensors: list[Any]
    workspace: int


@cache
def frontend() -> Any:
    """The module `cudnn`, or None where it is not installed or does not load."""
    try:
        return import_module("cudnn")
    except (ImportError, OSError, RuntimeError):
        return None


def serves(like: Array) -> bool:
    """Whether cuDNN is there for an array, and wanted."""
    return bool(getattr(runner(like), "libraries", False) and backends.cudnn.enabled and frontend() is not None)


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


def new_graph(dtype: str, handle: Any, **given: Any) -> Any:
    """An empty graph over numbers of a dtype, which computes in at least 32 bits; `given` goes to cuDNN."""
    kinds = frontend().data_type
    wide = kinds.DOUBLE if dtype == "float64" else kinds.FLOAT
    given |= {} if handle is None else {"handle": handle}
    return frontend().pygraph(
        io_data_type=getattr(kinds, TYPES[dtype]), intermediate_data_type=wide, compute_data_type=wide, **given
    )


_handles: dict[Any, Any] = {}
_plans: dict[Any, Plan | None] = {}
_workspaces: dict[Any, Array] = {}


def _handle(device: Any) -> Any:
    """A handle on the current device; None where the front end is there and cuDNN itself is not."""
    if device not in _handles:
        try:
            _handles[device] = frontend().create_handle()
        except RuntimeError:
            _handles[device] = None
    return _handles[device]


def _built(make: Callable[[Any], Made], handle: Any, exact: bool, deterministic: bool) -> Plan | None:
    """A built plan; None where cuDNN has none."""
    cudnn = frontend()
    try:
        graph, tensors = make(handle)
        graph.validate()
        graph.build_operation_graph()
        graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
        refused = []
        if exact:
            refused.append(cudnn.numerical_note.DOWN_CONVERT_INPUTS)
        if deterministic:
            refused.append(cudnn.numerical_note.NONDETERMINISTIC)
        if refused:
            graph.deselect_numeric_notes(refused)
        graph.check_support()
        graph.build_plans()
    except (cudnn.cudnnGraphNotSupportedError, RuntimeError):
        return None
    return Plan(graph, tensors, graph.get_workspace_size())


def plan(
    problem: Hashable, make: Callable[[Any], Made], like: Array, exact: bool = False, deterministic: bool = False
) -> Plan | None:
    """The plan of a problem on the device of `like`; None where cuDNN has none.

    Args:
        problem: What makes it what it is.
        make: Its graph, on a handle.
        like: An array on the device.
        exact: Whether inputs must not be rounded, to TF32.
        deterministic: Whether each run must give the same numbers.

    While a graph is captured no plan is built, which would not be part of it: there is one if there was one before.
    """
    served = runner(like)
    key = served.device(like), problem
    if key not in _plans:
        if served.capturing():
            return None
        with served.on(like):
            handle = _handle(key[0])
            _plans[key] = None if handle is None else _built(make, handle, exact, deterministic)
    return _plans[key]


def execute(plan: Plan, arrays: list[Array]) -> None:
    """Run a plan on arrays, in the order of its tensors, on the current stream."""
    served, like = runner(arrays[0]), arrays[0]
    device, stream = served.device(like), served.stream(like)
    with served.on(like):
        handle = _handle(device)
        frontend().set_stream(handle=handle, stream=stream)
        kept = captures[-1].kept if captures and served.capturing() else _workspaces
        key = "cudnn", device, stream
        space = kept.get(key)
        if space is None or space.size < plan.workspace:
            if space is not None and kept is not _workspaces:
                kept["cudnn", id(space)] = space  # the graph has noted its address
            space = kept[key] = empty((max(plan.workspace, 1),), np.uint8, like)
        pointers = dict(zip(plan.tensors, map(served.address, arrays), strict=True))
        plan.graph.execute(pointers, served.address(space), handle=handle)


def aligned(a: Array) -> Array:
    """The array, or a copy of it where it begins at an address that cuDNN does not take."""
    return a.copy() if runner(a).address(a) % ALIGNED else a
