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
    "tour._random_engine.Engine.words": "random.draw",
    "tour._random_sequential._found": "random.found",
    "tour._random_sequential.binomial": "random.binomial",
    "tour._random_sequential.poisson": "random.poisson",
    "tour._random_sequential.shuffle": "random.shuffle",
    "tour._random_transforms.blocks": "random.blocks",
    "tour._products.affine": "matrices.affine",
    "tour._products.product": "matrices.product",
    "tour._softmax.log_softmax": "rows.log_softmax",
    "tour._softmax.log_softmax_grad": "rows.log_softmax_grad",
    "tour._softmax.softmax": "rows.softmax",
    "tour._softmax.softmax_grad": "rows.softmax_grad",
    "tour.nn.kernels.attention.attention": "attention.attention",
    "tour.nn.kernels.attention.attention_grad": "attention.attention_grad",
    "tour.nn.kernels.convolution.conv": "convolution.conv",
    "tour.nn.kernels.convolution.conv_input_grad": "convolution.conv_input_grad",
    "tour.nn.kernels.convolution.conv_weight_grad": "convolution.conv_weight_grad",
    "tour.nn.kernels.normalization.batch_norm": "normalization.batch_norm",
    "tour.nn.kernels.normalization.batch_norm_grad": "normalization.batch_norm_grad",
    "tour.nn.kernels.normalization.group_norm": "normalization.group_norm",
    "tour.nn.kernels.normalization.group_norm_grad": "normalization.group_norm_grad",
    "tour.nn.kernels.normalization.layer_norm": "normalization.layer_norm",
    "tour.nn.kernels.normalization.layer_norm_grad": "normalization.layer_norm_grad",
    "tour.nn.kernels.normalization.rms_norm": "normalization.rms_norm",
    "tour.nn.kernels.normalization.rms_norm_grad": "normalization.rms_norm_grad",
    "tour.nn.kernels.recurrent.gru": "recurrent.gru",
    "tour.nn.kernels.recurrent.gru_grad": "recurrent.gru_grad",
    "tour.nn.kernels.recurrent.lstm": "recurrent.lstm",
    "tour.nn.kernels.recurrent.lstm_grad": "recurrent.lstm_grad",
    "tour.nn.kernels.recurrent.rnn": "recurrent.rnn",
    "tour.nn.kernels.recurrent.rnn_grad": "recurrent.rnn_grad",
    "tour.nn.kernels.softmax.cross_entropy": "rows.cross_entropy",
    "tour.nn.kernels.softmax.cross_entropy_grad": "rows.cross_entropy_grad",
    "tour.optim.adam.Adam.update": "optimizers.adam",
    "tour.optim.rmsprop.RMSprop.update": "optimizers.rmsprop",
    "tour.optim.sgd.SGD.update": "optimizers.sgd",
    "tour.ops.math._sigmoid": "elementwise.sigmoid",
    "tour._activations.silu": "elementwise.silu",
    "tour._activations.silu_slope": "elementwise.silu_slope",
}
