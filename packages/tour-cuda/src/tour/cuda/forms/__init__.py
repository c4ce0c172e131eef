"""The kernels of tour's packages on the device: each form takes what the NumPy kernel takes, and knows what it does not serve.

A form checks dtypes, makes room for the result, chooses the grid and launches kernels of `../kernels`. `FORMS` says which form serves
which socket (`tour._compiled`); a form's file is imported when its socket is first asked.
"""

from __future__ import annotations

from importlib import import_module

from tour._compiled import Form

# Socket: file in this folder and name of the form.
FORMS = {
    "tour._softmax.log_softmax": "rows.log_softmax",
    "tour._softmax.log_softmax_grad": "rows.log_softmax_grad",
    "tour._softmax.softmax": "rows.softmax",
    "tour._softmax.softmax_grad": "rows.softmax_grad",
    "tour.nn.kernels.normalization.batch_norm": "normalization.batch_norm",
    "tour.nn.kernels.normalization.batch_norm_eval": "normalization.batch_norm_eval",
    "tour.nn.kernels.normalization.batch_norm_grad": "normalization.batch_norm_grad",
    "tour.nn.kernels.normalization.group_norm": "normalization.group_norm",
    "tour.nn.kernels.normalization.group_norm_grad": "normalization.group_norm_grad",
    "tour.nn.kernels.normalization.layer_norm": "normalization.layer_norm",
    "tour.nn.kernels.normalization.layer_norm_grad": "normalization.layer_norm_grad",
    "tour.nn.kernels.normalization.rms_norm": "normalization.rms_norm",
    "tour.nn.kernels.normalization.rms_norm_grad": "normalization.rms_norm_grad",
    "tour.nn.kernels.softmax.cross_entropy": "rows.cross_entropy",
    "tour.nn.kernels.softmax.cross_entropy_grad": "rows.cross_entropy_grad",
}


class Forms:
    """The forms of this package, as a socket looks for them."""

    def find(self, name: str) -> Form | None:
        """The form of the kernel called `name`, if there is one."""
        if name not in FORMS:
            return None
        module, _, function = FORMS[name].partition(".")
        found: Form = getattr(import_module(f"{__name__}.{module}"), function)
        return found
