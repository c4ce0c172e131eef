"""Function transforms: gradients, Jacobians and batches of functions, which compose (PyTorch's `torch.func`)."""

from tour.func.batching import *
from tour.func.forward import *
from tour.func.modules import *
from tour.func.reverse import *
