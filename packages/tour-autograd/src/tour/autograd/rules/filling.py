"""Gradients of writing values."""

from __future__ import annotations

from typing import Any

import tour
from tour._dtypes import FROM_NUMPY
from tour.autograd.engine import sum_to
from tour.autograd.rule import tensor_vjp
from tour.ops import filling as op

tensor_vjp(
    op._FILL,
    input=lambda g: tour.zeros_like(g),
    value=lambda g, value_dtype: tour.ops.casting.astype(g.sum(), FROM_NUMPY[value_dtype]),
)
tensor_vjp(
    op._COPY,
    input=lambda g: tour.zeros_like(g),
    src=lambda g, src_shape, src_dtype: tour.ops.casting.astype(sum_to(g, src_shape), FROM_NUMPY[src_dtype]),
)

for _op in (op._MASKED_FILL, op._MASKED_WRITE):
    tensor_vjp(
        _op,
        input=lambda g, mask, input_shape: sum_to(g.masked_fill(mask, 0), input_shape),
        value=lambda g, mask: g.masked_fill(~mask, 0).sum(),
    )


def _masked_source(g: Any, mask: Any, source_shape: tuple[int, ...]) -> Any:
    picked = g.masked_select(mask)
    count = 1
    for n in source_shape:
        count *= n
    return tour.constant_pad_nd(picked, (0, count - picked.numel())).reshape(source_shape)


tensor_vjp(op._MASKED_SCATTER, input=lambda g, mask: g.masked_fill(mask, 0), source=_masked_source)


def _replaced(g: Any, index: Any, accumulate: bool) -> Any:
    if accumulate:
        return g
    g = g.clone()
    g[index] = 0
    return g


tensor_vjp(
    op._INDEX_PUT,
    input=lambda g, indices, accumulate: _replaced(g, indices, accumulate),
    values=lambda g, indices, values_shape: sum_to(g[indices], values_shape),
)
tensor_vjp(
    op._PUT,
    input=lambda g, index, accumulate: (
        g if accumulate else g.put(index, tour.zeros(index.shape, dtype=g.dtype, device=g.device))
    ),
    source=lambda g, index, source_shape: g.take(index).reshape(source_shape),
)
