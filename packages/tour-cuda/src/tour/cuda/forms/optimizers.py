"""Steps of optimizers over all parameters of a group at once, the norm of all gradients, and clipping by it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from tour.cuda._launch import Array, Grid, Kernel, dense, elements, empty, runner, serves, wide

_adam, _sgd, _rmsprop = (Kernel(f"optimizers.{k}") for k in ("adam", "sgd", "rmsprop"))
_squares, _norm, _clip = (Kernel(f"optimizers.{k}") for k in ("squares", "norm_of", "clip"))

MOST = 96  # parameters of a launch, as in the source


def _tables(params: list[Array], grads: list[Array]) -> Iterator[tuple[bytes, int, slice]]:
    """For each launch: addresses and edges as the source's `Table`, how many elements, and where their state lies."""
    begin, address = 0, runner(grads[0]).address
    for i in range(0, len(grads), MOST):
        part = slice(i, i + MOST)
        table = np.zeros(3 * MOST + 1, np.int64)
        count = len(grads[part])
        table[:count] = [address(a) for a in params[part]]
        table[MOST : MOST + count] = [address(a) for a in grads[part]]
        edges = table[2 * MOST :]
        edges[1 : count + 1] = np.cumsum([a.size for a in grads[part]])
        total = int(edges[count])
        edges[count + 1 :] = np.iinfo(np.int64).max
        edges[count] = np.iinfo(np.int64).max if count < MOST else total
        yield table.tobytes(), total, slice(begin, begin + total)
        begin += total


def _dense(params: list[Array], grads: list[Array]) -> list[Array] | None:
    """The gradients, contiguous; None where parameters have gaps or the dtypes are not one that kernels know."""
    if not serves(*params, *grads) or not all(p.flags.c_contiguous for p in params):
        return None
    return [dense(g) for g in grads]


def _direction(h: Any) -> tuple[float, float]:
    """Sign of the gradient, and factor of the L2 penalty."""
    penalty = 0.0 if getattr(h, "decoupled_weight_decay", False) else float(h.weight_decay)
    return (-1.0 if h.maximize else 1.0), penalty


def _part(state: Array | None, where: slice) -> Array | None:
    return None if state is None else state[where]


def _on_device(h: Any) -> Array | None:
    """The numbers of a captured step in device memory (`recording.Options`), in the order of `varying`; else None."""
    found: Array | None = getattr(h, "numbers", None)
    return found


def _rates(h: Any, *names: str) -> list[float]:
    """The numbers that vary; zeros where they are in device memory."""
    return [0.0 if _on_device(h) is not None else float(getattr(h, name)) for name in names]


def adam(params: list[Array], grads: list[Array], s: SimpleNamespace, h: Any) -> Any:
    """Adam and AdamW, with `amsgrad` if wanted."""
    found = _dense(params, grads)
    if found is None:
        return NotImplemented
    lr, step_size, bias2_sqrt = _rates(h, "lr", "step_size", "bias2_sqrt")
    decay = float(h.weight_decay) if getattr(h, "decoupled_weight_decay", False) else 0.0
    values = (*_direction(h), decay, lr, 1 - h.beta1, h.beta2, 1 - h.beta2, step_size, bias2_sqrt, h.eps)
    for table, n, where in _tables(params, found):
        states = s.exp_avg[where], s.exp_avg_sq[where], _part(getattr(s, "max_exp_avg_sq", None), where)
        _adam(elements(n), table, n, *states, _on_device(h), *map(float, values))
    return None


def sgd(params: list[Array], grads: list[Array], s: SimpleNamespace, h: Any) -> Any:
    """Stochastic gradient descent, with momentum or Nesterov's."""
    found = _dense(params, grads)
    if found is None:
        return NotImplemented
    values = (*_direction(h), *_rates(h, "lr"), h.momentum, h.dampening)
    for table, n, where in _tables(params, found):
        momentum = _part(getattr(s, "momentum_buffer", None), where)
        flags = int(h.fresh), int(h.nesterov)
        _sgd(
            elements(n), table, n, momentum, _on_device(h), *map(float, values), *flags, scalar=params[0].dtype, like=params[0]
        )  # fmt: skip
    return None


def rmsprop(params: list[Array], grads: list[Array], s: SimpleNamespace, h: Any) -> Any:
    """RMSprop, also centered or with momentum."""
    found = _dense(params, grads)
    if found is None:
        return NotImplemented
    values = (*_direction(h), *_rates(h, "lr"), h.alpha, 1 - h.alpha, h.eps, h.momentum)
    for table, n, where in _tables(params, found):
        extra = (_part(getattr(s, name, None), where) for name in ("grad_avg", "momentum_buffer"))
        _rmsprop(elements(n), table, n, s.square_avg[where], *extra, _on_device(h), *map(float, values))
    return None


def total_norm(grads: list[Array]) -> Any:
    """The 2-norm of all arrays together, an array without dimensions; nothing waits for the device."""
    found = _dense([], grads) if grads else None
    if not found:
        return NotImplemented
    of = wide(found[0].dtype)
    launches = [(table, n, elements(n)) for table, n, _ in _tables(found, found) if n]
    blocks = [grid.blocks[0] for _, _, grid in launches]
    parts = empty((max(sum(blocks), 1),), of, found[0])
    begin = 0
    for (table, n, grid), count in zip(launches, blocks, strict=True):
        _squares(grid, table, n, parts[begin : begin + count], scalar=found[0].dtype)
        begin += count
    norm = empty((), found[0].dtype, found[0])
    _norm(Grid((1, 1, 1), (256, 1, 1)), parts, norm, begin)
    return norm


def clip(grads: list[Array], norm: Array, most: float) -> Any:
    """Scale arrays in place by `most / norm` where that is below 1; nothing waits for the device."""
    if not grads or not serves(norm, *grads) or not all(g.flags.c_contiguous for g in grads):
        return NotImplemented
    for table, n, _ in _tables(grads, grads):
        if n:
            _clip(elements(n), table, n, norm, float(most))
    return None
