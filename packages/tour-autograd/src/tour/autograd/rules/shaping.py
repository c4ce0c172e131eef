"""Gradients of shape ops: the gradient in the shape of the input."""

from __future__ import annotations

from tour._copying import reshaped
from tour._dtypes import FROM_NUMPY
from tour.autograd.rule import tensor_vjp, vjp
from tour.ops import shaping as op

vjp(op._VIEW, input=lambda g, input_shape: reshaped(g, input_shape))
tensor_vjp(op._VIEW_BYTES, input=lambda g, input_dtype: g.view(FROM_NUMPY[input_dtype]))
