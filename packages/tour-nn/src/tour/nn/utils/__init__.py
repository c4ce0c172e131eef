"""Helpers for training: gradient clipping, sequences, reparametrisation."""

from tour.nn.utils import rnn as rnn
