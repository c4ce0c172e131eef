"""Helpers for training: gradient clipping, sequences, parametrisations, pruning, folding of layers."""

from tour.nn.utils import clip_grad as clip_grad
from tour.nn.utils import convert_parameters as convert_parameters
from tour.nn.utils import fusion as fusion
from tour.nn.utils import init as init
from tour.nn.utils import parametrizations as parametrizations
from tour.nn.utils import parametrize as parametrize
from tour.nn.utils import rnn as rnn
from tour.nn.utils import stateless as stateless
from tour.nn.utils.clip_grad import *
from tour.nn.utils.convert_parameters import *
from tour.nn.utils.fusion import *
from tour.nn.utils.init import *
from tour.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from tour.nn.utils.weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "fuse_conv_bn_eval",
    "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights", "get_total_norm", "parameters_to_vector",
    "parametrizations", "parametrize", "remove_spectral_norm", "remove_weight_norm", "rnn", "skip_init", "spectral_norm",
    "stateless", "vector_to_parameters", "weight_norm",
]  # fmt: skip
