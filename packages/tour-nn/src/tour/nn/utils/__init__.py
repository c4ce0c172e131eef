"""Helpers for training: gradient clipping, sequences, parametrisations, pruning, folding of layers."""

from tour.nn.utils import parametrizations as parametrizations
from tour.nn.utils import parametrize as parametrize
from tour.nn.utils import prune as prune
from tour.nn.utils import rnn as rnn
from tour.nn.utils import stateless as stateless
from tour.nn.utils.clip_grad import *
from tour.nn.utils.convert_parameters import *
from tour.nn.utils.fusion import *
from tour.nn.utils.init import *
from tour.nn.utils.memory_format import *
from tour.nn.utils.spectral_norm import remove_spectral_norm as remove_spectral_norm
from tour.nn.utils.spectral_norm import spectral_norm as spectral_norm
from tour.nn.utils.weight_norm import remove_weight_norm as remove_weight_norm
from tour.nn.utils.weight_norm import weight_norm as weight_norm
