"""The CUDA device: `x.cuda()` puts a tensor on an NVIDIA GPU, where CuPy computes.

Importing this package never fails: without CuPy, a driver or a GPU, `is_available()` is False.
"""

from __future__ import annotations

from tour.cuda import amp as amp
from tour.cuda import devices as _devices
from tour.cuda import graphs as graphs
from tour.cuda import memory as memory
from tour.cuda import nvtx as nvtx
from tour.cuda import random as random
from tour.cuda import streams as streams
from tour.cuda._backend import backend as backend
from tour.cuda.devices import *
from tour.cuda.devices import device as device
from tour.cuda.graphs import *
from tour.cuda.memory import *
from tour.cuda.random import *
from tour.cuda.streams import *

__all__ = [
    "amp", "backend", "graphs", "memory", "nvtx", "random", "streams",
    *_devices.__all__, *graphs.__all__, *memory.__all__, *random.__all__, *streams.__all__,
]  # fmt: skip
