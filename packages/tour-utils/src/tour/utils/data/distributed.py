"""A sampler for training on several processes, each of which sees its own part of the data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import tour
from tour.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th sample of one shuffled order, starting at `rank`, so that the processes share the dataset.

    Call `set_epoch(epoch)` before each epoch, else the order stays the same.

    Args:
        dataset: The whole dataset.
        num_replicas: How many processes there are; asked of `tour.distributed` unless given.
        rank: The number of this process; asked of `tour.distributed` unless given.
        shuffle: Whether to shuffle.
        seed: Of the order; the same in all processes.
        drop_last: Whether to leave out samples so that all get as many; else the first samples come again.

    Raises:
        ValueError: If the rank is not below the number of processes.

    Examples:
        >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
        [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            world: Any = getattr(tour, "distributed")  # noqa: B009 (found at run time: tour-distributed stands above)
            num_replicas = world.get_world_size() if num_replicas is None else num_replicas
            rank = world.get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        self.epoch = 0
        share = len(dataset) / num_replicas
        self.num_samples = math.floor(share) if drop_last else math.ceil(share)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        generator = tour.Generator().manual_seed(self.seed + self.epoch)
        order = tour.randperm(n, generator=generator).tolist() if self.shuffle else list(range(n))
        if not self.drop_last and n:
            order = (order * math.ceil(self.total_size / n))[: self.total_size]
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration shuffle anew: the order depends on `seed + epoch`."""
        self.epoch = epoch
