"""Datasets, samplers, and the loader that turns them into batches."""

from tour.utils.data.collate import *
from tour.utils.data.dataloader import *
from tour.utils.data.dataset import *
from tour.utils.data.distributed import *
from tour.utils.data.sampler import *
from tour.utils.data.worker import *
