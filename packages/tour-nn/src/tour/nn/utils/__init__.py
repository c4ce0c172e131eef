"""Helpers for training: gradient clipping, sequences, reparametrisation."""

from tour.nn.utils import rnn as rnn
from tour.nn.utils.clip_grad import *
from tour.nn.utils.convert_parameters import *
