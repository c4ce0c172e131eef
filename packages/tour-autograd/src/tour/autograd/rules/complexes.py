"""Gradients of the parts of complex numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import tour
from tour._dtypes import FROM_NUMPY
from tour.autograd.both import cast, zeros
from tour.autograd.rule import tensor_vjp, vjp
from tour.ops import complexes as op


def _around(g: Any, input: Any, input_dtype: Any) -> Any:
    if input_dtype.kind != "c":
        return zeros(g)
    return np.where(input == 0, 0, g * 1j * input / (input * input.conj()).real)


vjp(op._complex, real=lambda g: g.real, imag=lambda g: g.imag)
vjp(op._REAL, input=lambda g, input_dtype: cast(g, FROM_NUMPY[input_dtype]))
vjp(op._IMAG, input=lambda g, input_dtype: cast(g, FROM_NUMPY[input_dtype]) * 1j)
vjp(op._VIEW_AS_REAL, input=lambda g: g[..., 0] + g[..., 1] * 1j)
tensor_vjp(op._VIEW_AS_COMPLEX, input=lambda g: tour.view_as_real(g))
vjp(op.angle, input=_around)
vjp(op._conj, input=lambda g: g.conj())
