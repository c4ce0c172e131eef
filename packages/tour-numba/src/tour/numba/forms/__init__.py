"""Compiled forms of the kernels of tour's packages: each takes what the NumPy kernel takes, and knows what it does not serve.

A form checks dtypes and layouts, makes room for the result and hands addresses to a kernel. `FORMS` says which form serves which
socket; a form's file is imported when its socket is first asked.
"""

from __future__ import annotations

# Socket: file in this folder and name of the form.
FORMS = {
    "tour._activations.gelu": "elementwise.gelu",
    "tour._activations.gelu_slope": "elementwise.gelu_slope",
    "tour._activations.sigmoid": "elementwise.sigmoid",
    "tour._kernels._beside": "elementwise.beside",
    "tour.optim.adam.Adam.update": "optimizers.adam",
    "tour.optim.rmsprop.RMSprop.update": "optimizers.rmsprop",
    "tour.optim.sgd.SGD.update": "optimizers.sgd",
    "tour.ops.math._sigmoid": "elementwise.sigmoid",
    "tour._activations.silu": "elementwise.silu",
    "tour._activations.silu_slope": "elementwise.silu_slope",
}
