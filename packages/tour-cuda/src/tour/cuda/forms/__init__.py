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
    "tour.nn.functional.attention._drawn": "attention.seed",
    "tour.nn.functional.attention._repeated": "attention.shares_heads",
    "tour.nn.functional.dropouts._mask": "random.mask",
    "tour.nn.kernels.attention.attention": "attention.attention",
    "tour.nn.kernels.attention.attention_grad": "attention.attention_grad",
    "tour.nn.kernels.convolution.conv": "convolution.conv",
    "tour.nn.kernels.convolution.conv_input_grad": "convolution.conv_input_grad",
    "tour.nn.kernels.convolution.conv_weight_grad": "convolution.conv_weight_grad",
    "tour.nn.kernels.embedding.embedding": "indexing.embedding",
    "tour.nn.kernels.embedding.embedding_grad": "indexing.embedding_grad",
    "tour.nn.kernels.normalization.batch_norm": "normalization.batch_norm",
    "tour.nn.kernels.normalization.batch_norm_eval": "normalization.batch_norm_eval",
    "tour.nn.kernels.normalization.batch_norm_grad": "normalization.batch_norm_grad",
    "tour.nn.kernels.normalization.group_norm": "normalization.group_norm",
    "tour.nn.kernels.normalization.group_norm_grad": "normalization.group_norm_grad",
    "tour.nn.kernels.normalization.layer_norm": "normalization.layer_norm",
    "tour.nn.kernels.normalization.layer_norm_grad": "normalization.layer_norm_grad",
    "tour.nn.kernels.normalization.rms_norm": "normalization.rms_norm",
    "tour.nn.kernels.normalization.rms_norm_grad": "normalization.rms_norm_grad",
    "tour.nn.kernels.pooling.avg_pool": "pooling.avg_pool",
    "tour.nn.kernels.pooling.avg_pool_grad": "pooling.avg_pool_grad",
    "tour.nn.kernels.pooling.gather": "pooling.gather",
    "tour.nn.kernels.pooling.max_pool": "pooling.max_pool",
    "tour.nn.kernels.pooling.max_pool_grad": "pooling.max_pool_grad",
    "tour.nn.kernels.pooling.max_pool_with_indices": "pooling.max_pool_with_indices",
    "tour.nn.kernels.pooling.max_unpool": "pooling.max_unpool",
    "tour.nn.kernels.pooling.scatter": "pooling.scatter",
    "tour.nn.kernels.softmax.cross_entropy": "rows.cross_entropy",
    "tour.nn.kernels.softmax.cross_entropy_grad": "rows.cross_entropy_grad",
    "tour.nn.utils.clip_grad._scale_all": "optimizers.clip",
    "tour.nn.utils.clip_grad._total": "optimizers.total_norm",
    "tour.ops.filling._put": "indexing.put",
    "tour.ops.gathering._gather": "indexing.gather",
    "tour.ops.gathering._selected": "indexing.take_slices",
    "tour.ops.index_writing._index_add": "indexing.index_add",
    "tour.ops.index_writing._index_write": "indexing.index_write",
    "tour.ops.scattering._scatter": "indexing.scatter",
    "tour.ops.scattering._scatter_add": "indexing.scatter_add",
    "tour.optim._elementwise.Elementwise._step_group": "recording.step_group",
    "tour.optim._step.Whole._step_group": "recording.whole_group",
    "tour.optim.adam.Adam.update": "optimizers.adam",
    "tour.optim.rmsprop.RMSprop.update": "optimizers.rmsprop",
    "tour.optim.sgd.SGD.update": "optimizers.sgd",
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
