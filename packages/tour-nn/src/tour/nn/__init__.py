"""Neural networks: modules with parameters, and the functions they are made of."""

from tour.nn import functional as functional
from tour.nn import init as init
from tour.nn.modules import *
from tour.nn.parameter import Buffer as Buffer
from tour.nn.parameter import Parameter as Parameter
from tour.nn.parameter import UninitializedBuffer as UninitializedBuffer
from tour.nn.parameter import UninitializedParameter as UninitializedParameter
