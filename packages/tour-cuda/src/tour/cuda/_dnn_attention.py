"""Scaled dot-product attention as graphs of cuDNN: half precision on tensor cores, without a matrix of scores.

A mask is added to the scores. What is hidden gets a number so low that its weight is 0, not minus infinity, of which cuDNN makes NaN in
rows that see nothing; the result of such rows is set to zero afterwards, and so is what comes back to them.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tour import backends
from tour.cuda import _dnn
from tour.cuda._dnn import Ints, Made, Plan, row_major
from tour.cuda._launch import Array, empty

LARGEST = 256  # numbers of a head, in eights


class Problem(NamedTuple):
    """What a plan is built for: "forward" or "backward"; sizes and strides, in elements, of query, key, value and mask.

    All are (batch, heads, rows, numbers); key and value may have fewer heads, of which each serves several of the query's. `keep` is
    the probability that a weight is kept, if there is dropout.
    """

    kind: str
    dtype: str
    q: Ints
    k: Ints
    v: Ints
    q_strides: Ints
    k_strides: Ints
    v_strides: Ints
    mask: Ints | None
    keep: float | None
    causal: bool
    scale: float
    deterministic: bool


def graph_of(problem: Problem, handle: Any = None) -> Made:
    """cuDNN's graph, not built yet, and its tensors.

    Forward: query, key, value, result and the logarithms of the rows' sums; backward: also the result's gradient, and the gradients of
    query, key and value. Then follow the mask, and seed and offset of the random numbers, as far as there are any.
    """
    cudnn = _dnn.frontend()
    graph, kinds = _dnn.new_graph(problem.dtype, handle), cudnn.data_type
    stored = getattr(kinds, _dnn.TYPES[problem.dtype])

    def tensor(name: str, shape: Ints, strides: Any = None, kind: Any = stored) -> Any:
        strides = row_major(shape) if strides is None else list(strides)
        return graph.tensor(name=name, dim=list(shape), stride=strides, data_type=kind)

    q, k, v = (tensor(name, getattr(problem, name), getattr(problem, f"{name}_strides")) for name in ("q", "k", "v"))
    extra: list[Any] = []
    options: dict[str, Any] = {"attn_scale": problem.scale, "use_causal_mask": problem.causal}
    if problem.mask is not None:
        extra.append(tensor("mask", problem.mask))
        options["bias"] = extra[-1]
    if problem.keep is not None:
        seed, offset = (tensor(name, (1, 1, 1, 1), kind=kinds.INT64) for name in ("seed", "offset"))
        extra += [seed, offset]
        options["dropout"] = (1 - problem.keep, seed, offset)
    result, sums = _result(problem), (*problem.q[:3], 1)
    if problem.kind == "forward":
        o, stats = graph.sdpa(name="attention", q=q, k=k, v=v, generate_stats=True, **options)
        _output(o, result, stored)
        _output(stats, sums, kinds.FLOAT)
        return graph, [q, k, v, o, stats, *extra]
    o, g, stats = tensor("o", result), tensor("dO", result), tensor("stats", sums, kind=kinds.FLOAT)
    made = graph.sdpa_backward(
        name="attention_grad", q=q, k=k, v=v, o=o, dO=g, stats=stats, use_deterministic_algorithm=problem.deterministic, **options
    )  # fmt: skip
    for x, shape in zip(made, (problem.q, problem.k, problem.v), strict=True):
        _output(x, shape, stored)
    return graph, [q, k, v, o, stats, g, *made, *extra]


def _result(problem: Problem) -> Ints:
    return (*problem.q[:3], problem.v[3])


def _output(tensor: Any, shape: Ints, kind: Any) -> None:
    tensor.set_output(True).set_dim(list(shape)).set_stride(row_major(shape)).set_data_type(kind)


# --- Arrays -------------------------------------------------------------------------------------------------------------------


class Call(NamedTuple):
    """A problem, and the arrays that it is about, as cuDNN sees them; `blind` tells which rows see nothing, if any may."""

    problem: Problem
    q: Array
    k: Array
    v: Array
    extra: list[Array]
    blind: Array | None


def _four(a: Array) -> Array:
    """(…, rows, numbers) as (batch, heads, rows, numbers), as it lies in memory if numbers of a row lie together."""
    batch = a.shape[:-2]
    shape = (prod(batch[:-1]), batch[-1] if batch else 1, *a.shape[-2:])
    a = a if a.shape == shape else a.reshape(shape)
    size = a.dtype.itemsize
    fits = a.strides[3] == size and all(step > 0 and step % _dnn.ALIGNED == 0 for step in a.strides[:3])
    return _dnn.aligned(a if fits else a.copy())


def _steps(a: Array) -> Ints:
    return tuple(step // a.dtype.itemsize for step in a.strides)


def _low(dtype: Any) -> Any:
    """A number that hides a score."""
    return dtype.type(-3e4 if dtype == np.float16 else -1e38)


def _added(mask: Array, dtype: Any, batch: Ints) -> tuple[Array, Array]:
    """A mask as numbers to add, of four dimensions, and the rows that see nothing."""
    sees = mask if mask.dtype == np.bool_ else mask != -np.inf
    blind = np.logical_not(sees.any(-1, keepdims=True))
    low = _low(dtype)
    if mask.dtype == np.bool_:
        added = np.where(mask, dtype.type(0), low)
    else:
        added = np.maximum(mask, mask.dtype.type(low)).astype(dtype)
    shape = (*(1,) * (len(batch) + 2 - mask.ndim), *mask.shape)
    lead = shape[: len(batch) - 1] if batch else ()
    if prod(lead) not in (1, prod(batch[:-1])):  # along some of several batch dimensions only
        shape = (*batch[:-1], *shape[len(lead) :])
        added = np.broadcast_to(added, shape)
    heads = shape[len(batch) - 1] if batch else 1
    added = added.reshape(prod(shape[: max(len(batch) - 1, 0)]), heads, *shape[-2:])
    return (added if added.flags.c_contiguous else added.copy()), blind


def _call(kind: str, q: Array, k: Array, v: Array, mask: Any, keep: Any, causal: bool, scale: float) -> Call | None:
    """What to ask cuDNN; None where it is not to be asked."""
    if q.dtype.itemsize != 2 or not _dnn.serves(q) or not (q.size and k.size and v.size):
        return None
    if any(n % 8 or n > LARGEST for n in (q.shape[-1], v.shape[-1])):
        return None
    if keep is not None and (not hasattr(keep, "state") or (mask is not None and mask.dtype != np.bool_)):
        return None  # the gradient of a mask is ours, and needs a mask of dropout that is known
    batch, blind, extra = q.shape[:-2], None, []
    first, second, third = [_four(a) for a in (q, k, v)]
    if mask is not None:
        added, blind = _added(mask, q.dtype, batch)
        extra.append(added)
    if keep is not None:
        numbers = keep.state.view(np.int64)
        extra += [numbers[:1].copy(), numbers[1:].copy()]
    problem = Problem(
        kind, q.dtype.name, first.shape, second.shape, third.shape, _steps(first), _steps(second), _steps(third),
        None if mask is None else extra[0].shape,
        None if keep is None else float(keep.p), bool(causal), float(scale), bool(backends.cudnn.deterministic),
    )  # fmt: skip
    return Call(problem, first, second, third, extra, blind)


def _plan(problem: Problem, like: Array) -> Plan | None:
    return _dnn.plan(problem, partial(graph_of, problem), like)


def attend(q: Array, k: Array, v: Array, mask: Any, keep: Any, causal: bool, scale: float) -> Any:
    """The result and the logarithm of each row's sum; None where cuDNN does not serve."""
    call = _call("forward", q, k, v, mask, keep, causal, scale)
    found = None if call is None else _plan(call.problem, q)
    if call is None or found is None:
        return None
    if keep is not None:  # only cuDNN knows what it has dropped
        if _plan(call.problem._replace(kind="backward"), q) is None:
            return None
        keep.library = True
    batch = q.shape[:-2]
    out = empty((*batch, q.shape[-2], v.shape[-1]), q.dtype, q)
    sums = empty((prod(batch), q.shape[-2]), np.float32, q)
    _dnn.execute(found, [call.q, call.k, call.v, out, sums, *call.extra])
    if call.blind is not None:
        out = np.where(call.blind, out.dtype.type(0), out)
    return out, sums


def attend_grad(
    g: Array, q: Array, k: Array, v: Array, mask: Any, keep: Any, causal: bool, scale: float, out: Array, sums: Array
) -> Any:
    """Gradients of query, key and value; None where cuDNN does not serve.

    Raises:
        RuntimeError: If cuDNN has drawn the mask of a dropout, and does not serve now.
    """
    drawn = keep is not None and keep.library
    call = None if keep is not None and not drawn else _call("backward", q, k, v, mask, keep, causal, scale)
    found = None if call is None else _plan(call.problem, q)
    if call is None or found is None:
        if drawn:
            raise RuntimeError(
                "cuDNN has drawn the mask of this dropout, and must compute the gradient too; leave tour.backends.cudnn as it was in the "
                "forward pass, and run a step before it is captured"
            )
        return None
    if call.blind is not None:
        g = np.where(call.blind, g.dtype.type(0), g)
    grads = [empty(a.shape, a.dtype, a) for a in (q, k, v)]
    contiguous = [_dnn.aligned(a if a.flags.c_contiguous else a.copy()) for a in (out, sums, g)]
    _dnn.execute(found, [call.q, call.k, call.v, *contiguous, *grads, *call.extra])
    return tuple(grads)
