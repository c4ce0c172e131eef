"""Gradients of diagonals and triangles."""

from __future__ import annotations

from tour.autograd.rule import tensor_vjp
from tour.ops import diagonals as op

tensor_vjp(op._DIAG_EMBED, input=lambda g, offset, dim1, dim2: g.diagonal(offset, dim1, dim2))
tensor_vjp(op._TRIL, input=lambda g, diagonal: g.tril(diagonal))
tensor_vjp(op._TRIU, input=lambda g, diagonal: g.triu(diagonal))
