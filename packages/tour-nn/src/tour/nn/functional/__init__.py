"""Layers and losses as functions: `import tour.nn.functional as F`."""

from tour.nn.functional.activation import *
from tour.nn.functional.adaptive_pooling import *
from tour.nn.functional.attention import *
from tour.nn.functional.average_pooling import *
from tour.nn.functional.classification import *
from tour.nn.functional.convolution import *
from tour.nn.functional.ctc import *
from tour.nn.functional.distance import *
from tour.nn.functional.dropout import *
from tour.nn.functional.embedding import *
from tour.nn.functional.interpolation import *
from tour.nn.functional.likelihood import *
from tour.nn.functional.linear import *
from tour.nn.functional.normalization import *
from tour.nn.functional.padding import *
from tour.nn.functional.patches import *
from tour.nn.functional.pooling import *
from tour.nn.functional.ranking import *
from tour.nn.functional.regression import *
from tour.nn.functional.vision import *
