"""Steps of optimizers over all parameters of a group at once."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from types import SimpleNamespace
from typing import Any

import numpy as np

from tour.numba import _memory as memory
from tour.numba._driver import HEADER
from tour.numba._native import Kernel
from tour.numba.forms._sharing import parts_for

Array = Any

_adam, _rmsprop = Kernel("optimizers.adam"), Kernel("optimizers.rmsprop")
_sgd, _sgd_momentum, _sgd_nesterov = (Kernel(f"optimizers.sgd{kind}") for kind in ("", "_momentum", "_nesterov"))


@lru_cache(maxsize=64)
def _edges(*sizes: int) -> Array:
    """Where parameters of these sizes begin, one after another, and where they end."""
    return np.array([0, *accumulate(sizes)], np.int64)


def _tables(params: list[Array], grads: list[Array]) -> tuple[Any, ...] | None:
    """What every kernel begins with, or None if there are other dtypes or gaps; keeps what it points to alive."""
    f32 = memory.F32
    if any([p.dtype is not f32 or not p.flags.c_contiguous for p in params]):
        return None
    if any([g.dtype is not f32 or not g.flags.c_contiguous for g in grads]):
        if any([g.dtype is not f32 for g in grads]):
            return None
        grads = [memory.dense(g) for g in grads]
    return len(params), id(params), id(grads), _edges(*[p.size for p in params]), HEADER, grads


def _step(kernel: Kernel, tables: tuple[Any, ...], *values: Any) -> None:
    *head, _ = tables  # the gradients, some of them copies, live until the kernel is done
    kernel(parts_for(int(head[3][-1]), 1 << 14), *head, *values)


def _direction(h: SimpleNamespace) -> tuple[float, float]:
    """Sign of the gradient, and factor of the L2 penalty."""
    penalty = 0.0 if getattr(h, "decoupled_weight_decay", False) else float(h.weight_decay)
    return (-1.0 if h.maximize else 1.0), penalty


def adam(params: list[Array], grads: list[Array], s: SimpleNamespace, h: SimpleNamespace) -> Any:
    """Adam and AdamW, without `amsgrad`."""
    tables = None if h.amsgrad else _tables(params, grads)
    if tables is None:
        return NotImplemented
    keep = 1 - h.lr * h.weight_decay if h.decoupled_weight_decay else 1.0
    _step(
        _adam, tables, s.exp_avg, s.exp_avg_sq, *_direction(h), float(keep),
        float(1 - h.beta1), float(h.beta2), float(1 - h.beta2), float(h.step_size), float(h.bias2_sqrt), float(h.eps),
    )  # fmt: skip
    return None


def sgd(params: list[Array], grads: list[Array], s: SimpleNamespace, h: SimpleNamespace) -> Any:
    """Stochastic gradient descent, with momentum or Nesterov's."""
    tables = _tables(params, grads)
    if tables is None:
        return NotImplemented
    head = *_direction(h), float(h.lr)
    if not h.momentum:
        _step(_sgd, tables, *head)
        return None
    momentum, damp = (0.0, 1.0) if h.fresh else (float(h.momentum), 1.0 - h.dampening)
    if h.nesterov:
        _step(_sgd_nesterov, tables, *head, s.momentum_buffer, momentum, damp, float(h.momentum))
    else:
        _step(_sgd_momentum, tables, *head, s.momentum_buffer, momentum, damp)
    return None


def rmsprop(params: list[Array], grads: list[Array], s: SimpleNamespace, h: SimpleNamespace) -> Any:
    """RMSprop, neither centered nor with momentum."""
    tables = None if h.centered or h.momentum else _tables(params, grads)
    if tables is None:
        return NotImplemented
    numbers = float(h.lr), float(h.alpha), float(h.eps), float(1 - h.alpha)
    _step(_rmsprop, tables, s.square_avg, *_direction(h), *numbers)
    return None
