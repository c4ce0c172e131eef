"""Layers, containers and losses, in files by kind."""

from tour.nn.modules.activation import *
from tour.nn.modules.adaptive import *
from tour.nn.modules.adaptive_pooling import *
from tour.nn.modules.attention import *
from tour.nn.modules.batchnorm import *
from tour.nn.modules.channelshuffle import *
from tour.nn.modules.classification import *
from tour.nn.modules.container import *
from tour.nn.modules.convolution import *
from tour.nn.modules.distance import *
from tour.nn.modules.dropout import *
from tour.nn.modules.embedding import *
from tour.nn.modules.flatten import *
from tour.nn.modules.fold import *
from tour.nn.modules.lazy_convolution import *
from tour.nn.modules.linear import *
from tour.nn.modules.module import *
from tour.nn.modules.normalization import *
from tour.nn.modules.padding import *
from tour.nn.modules.pixelshuffle import *
from tour.nn.modules.pooling import *
from tour.nn.modules.ranking import *
from tour.nn.modules.regression import *
from tour.nn.modules.rnn import *
from tour.nn.modules.transformer import *
from tour.nn.modules.upsampling import *
