"""Samplers: the order in which a loader asks for samples; random ones draw what PyTorch's draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Generic, TypeVar

import tour
from tour.random import Generator

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """An order of samples: `__iter__` gives their numbers. Subclasses also write `__len__` if they can.

    Examples:
        >>> class Evens(Sampler):
        ...     def __iter__(self):
        ...         return iter([0, 2, 4])
        >>> list(Evens())
        [0, 2, 4]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"Subclasses of Sampler should implement __iter__; {type(self).__name__} does not")


class SequentialSampler(Sampler[int]):
    """All samples in their order.

    Args:
        data_source: The dataset.

    Examples:
        >>> list(SequentialSampler("abc"))
        [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


def require_positive(name: str, value: Any) -> None:
    """Refuse what is no positive integer.

    Raises:
        ValueError: If `value` is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")


def drawn_seed(generator: Generator | None = None) -> int:
    """A seed for another generator: 63 random bits."""
    return int(tour.empty((), dtype=tour.int64).random_(generator=generator).item())


class RandomSampler(Sampler[int]):
    """Samples in random order.

    Without a generator it draws a seed from the default one, and the order from a generator of its own.

    Args:
        data_source: The dataset.
        replacement: Whether a sample can come again before all have come.
        num_samples: How many to give; as many as there are unless given.
        generator: Where the order is drawn from.

    Raises:
        TypeError: If `replacement` is no bool.
        ValueError: If `num_samples` is no positive integer, or the dataset is empty.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> list(RandomSampler(range(5)))  # torch.manual_seed(0) gives the same
        [1, 3, 4, 2, 0]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        require_positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many samples it gives; the dataset may have grown since."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        generator = self.generator or Generator().manual_seed(drawn_seed())
        if self.replacement:
            for start in range(0, self.num_samples, 32):  # in PyTorch's portions
                size = min(32, self.num_samples - start)
                yield from tour.randint(n, (size,), dtype=tour.int64, generator=generator).tolist()
            return
        for _ in range(self.num_samples // n):
            yield from tour.randperm(n, generator=generator).tolist()
        yield from tour.randperm(n, generator=generator).tolist()[: self.num_samples % n]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given samples in random order.

    Args:
        indices: Numbers of samples.
        generator: Where the order is drawn from; None means the default generator.

    Examples:
        >>> _ = tour.manual_seed(0)
        >>> list(SubsetRandomSampler([10, 20, 30, 40]))
        [10, 20, 40, 30]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in tour.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Samples drawn in proportion to weights.

    Args:
        weights: One for each sample; they need not add up to 1.
        num_samples: How many to draw.
        replacement: Whether a sample can come twice.
        generator: Where they are drawn from; None means the default generator.

    Raises:
        TypeError: If `replacement` is no bool.
        ValueError: If `num_samples` is no positive integer, or the weights are not one sequence.

    Examples:
        >>> import tour
        >>> _ = tour.manual_seed(0)
        >>> list(WeightedRandomSampler([0.1, 0.9, 0.4, 0.7, 3.0, 0.6], 5))
        [5, 4, 4, 5, 4]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        require_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = tour.as_tensor(weights, dtype=tour.float64)
        if self.weights.ndim != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        drawn = tour.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Another sampler's numbers in lists of `batch_size`.

    Args:
        sampler: Gives the numbers.
        batch_size: How many a list holds.
        drop_last: Whether to leave out a last list that is not full.

    Raises:
        ValueError: If `batch_size` is no positive integer or `drop_last` no bool.

    Examples:
        >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        require_positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        numbers = iter(self.sampler)
        while batch := list(islice(numbers, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
