"""Convolutions as graphs of cuDNN."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from tour import backends
from tour.cuda import _dnn
from tour.cuda._dnn import Ints, Made, row_major
from tour.cuda._launch import Array


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


def graph_of(problem: Problem, handle: Any = None) -> Made:
    """cuDNN's graph of a convolution, not built yet, and its tensors x, w and y."""
    graph = _dnn.new_graph(problem.dtype, handle)
    stored = getattr(_dnn.frontend().data_type, _dnn.TYPES[problem.dtype])
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
    return graph, [x, w, y]


def convolve(kind: str, x: Array, w: Array, y: Array, stride: Ints, padding: Ints, dilation: Ints) -> bool:
    """Compute `y` from `x` and `w`, or the gradient `x` or `w` from the other two; False where cuDNN does not serve.

    All are contiguous, on one device. Groups follow from the shapes.
    """
    if not _dnn.serves(x):
        return False
    if x.ndim == 3:  # cuDNN knows images and volumes
        x, w, y = (a.reshape(*a.shape[:2], 1, a.shape[2]) for a in (x, w, y))
        stride, padding, dilation = (1, *stride), (0, *padding), (1, *dilation)
    problem = Problem(
        kind, x.dtype.name, x.shape, w.shape, y.shape, tuple(stride), tuple(padding), tuple(dilation),
        bool(backends.cudnn.allow_tf32), bool(backends.cudnn.deterministic),
    )  # fmt: skip
    exact = problem.dtype == "float32" and not problem.tf32
    found = _dnn.plan(problem, partial(graph_of, problem), x, exact, problem.deterministic)
    if found is None:
        return False
    _dnn.execute(found, [_dnn.aligned(a) for a in (x, w, y)])
    return True
