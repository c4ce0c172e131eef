"""Datasets: what has samples, by number or one after the other, and datasets made of others."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from tour import Tensor, randperm
from tour.random import Generator

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Samples that can be asked for by number. Subclasses write `__getitem__`, and `__len__` if they can.

    A subclass may also write `__getitems__(indices)`, which gives a list of samples at once; the loader prefers it.

    Examples:
        >>> class Squares(Dataset):
        ...     def __len__(self):
        ...         return 5
        ...
        ...     def __getitem__(self, i):
        ...         return i * i
        >>> Squares()[3]
        9
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"Subclasses of Dataset should implement __getitem__; {type(self).__name__} does not")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """Samples that come one after the other, as from a stream. Subclasses write `__iter__`.

    With several workers each iterates over a copy of its own: ask `get_worker_info()` which part is yours.

    Examples:
        >>> class Countdown(IterableDataset):
        ...     def __iter__(self):
        ...         return iter([3, 2, 1])
        >>> list(Countdown() + Countdown())
        [3, 2, 1, 3, 2, 1]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(
            f"Subclasses of IterableDataset should implement __iter__; {type(self).__name__} does not"
        )

    def __add__(self, other: Dataset[T_co]) -> Any:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Samples that are rows of tensors: sample i is `(tensors[0][i], tensors[1][i], ...)`.

    Args:
        tensors: Tensors with the same first size.

    Raises:
        ValueError: If there are none, or one has no dimension.
        AssertionError: If their first sizes differ.

    Examples:
        >>> import tour
        >>> TensorDataset(tour.arange(3), tour.zeros(3))[1]
        (tensor(1), tensor(0.))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors or not all(t.ndim for t in tensors):
            raise ValueError("TensorDataset needs tensors with at least one dimension, the one that counts the samples")
        if len({t.shape[0] for t in tensors}) > 1:
            sizes = ", ".join(str(list(t.shape)) for t in tensors)
            raise AssertionError(f"Size mismatch between tensors: their first sizes differ, in {sizes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class StackDataset(Dataset[Any]):
    """Datasets of one length side by side: sample i holds their samples i, as a tuple, or a dict by keyword.

    Args:
        args: Datasets, for samples that are tuples.
        kwargs: Datasets, for samples that are dicts.

    Raises:
        ValueError: If there are none, both kinds, or different lengths.

    Examples:
        >>> StackDataset(x=[1, 2], y=["a", "b"])[1]
        {'x': 2, 'y': 'b'}
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError(
                "StackDataset takes datasets either as arguments or as keywords, "
                + ("not both" if args else "got none")
            )
        lengths = [len(d) for d in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"Size mismatch between datasets: their lengths are {lengths}")
        self.datasets = args or kwargs
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Datasets one behind the other; negative numbers count from the end.

    Args:
        datasets: Datasets with a length.

    Attributes:
        cumulative_sizes: Where each of them ends.

    Raises:
        AssertionError: If there are none, or one has no length because it is iterable.

    Examples:
        >>> ConcatDataset([[1, 2], [3]])[-1]
        3
    """

    datasets: list[Any]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset; chain those with ChainDataset")
        self.cumulative_sizes = list(accumulate(len(d) for d in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T_co:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range for a ConcatDataset of {len(self)} samples")
        i = index + len(self) if index < 0 else index
        which = bisect_right(self.cumulative_sizes, i)
        start = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][i - start]  # type: ignore[no-any-return]


class ChainDataset(IterableDataset[T_co]):
    """Iterable datasets one behind the other.

    Args:
        datasets: They are asked for their samples only when their turn comes.

    Raises:
        AssertionError: While iterating, if one is not iterable.

    Examples:
        >>> from tour.utils.data import ChainDataset, IterableDataset
        >>> class Count(IterableDataset):
        ...     def __iter__(self):
        ...         return iter(range(3))
        >>> list(ChainDataset([Count(), Count()]))
        [0, 1, 2, 0, 1, 2]
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[T_co]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}")
            yield from dataset

    def __len__(self) -> int:
        return sum(len(d) for d in self.datasets)


class Subset(Dataset[T_co]):
    """Some samples of a dataset.

    Args:
        dataset: The whole.
        indices: Which samples, in order.

    Examples:
        >>> Subset(["a", "b", "c"], [2, 0])[0]
        'c'
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]  # type: ignore[no-any-return]
        return self.dataset[self.indices[index]]  # type: ignore[no-any-return]

    def __getitems__(self, indices: list[int]) -> list[T_co]:
        several = getattr(self.dataset, "__getitems__", None)
        wanted = [self.indices[i] for i in indices]
        return several(wanted) if several else [self.dataset[i] for i in wanted]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None) -> list[Subset[Any]]:
    """Split a dataset at random into parts that do not overlap; the parts are PyTorch's for the same seed.

    Args:
        dataset: What to split.
        lengths: How many samples each part gets; or fractions that add up to 1, whose remainders go to the first parts.
        generator: Where the order is drawn from; None means the default generator.

    Raises:
        ValueError: If the lengths do not add up to the dataset's, or a fraction is not between 0 and 1.

    Examples:
        >>> import tour
        >>> parts = random_split(range(10), [0.7, 0.3], generator=tour.Generator().manual_seed(42))
        >>> [part.indices for part in parts]
        [[2, 6, 1, 8, 4, 5, 0], [9, 3, 7]]
    """
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _counts(lengths, len(dataset))
    if sum(lengths) != len(dataset):
        raise ValueError(
            f"Sum of input lengths does not equal the length of the input dataset: {list(lengths)} make {sum(lengths)}, "
            f"not {len(dataset)}"
        )
    order = randperm(len(dataset), generator=generator).tolist()
    ends = list(accumulate(int(n) for n in lengths))
    return [Subset(dataset, order[end - int(n) : end]) for end, n in zip(ends, lengths, strict=True)]


def _counts(fractions: Sequence[float], total: int) -> list[int]:
    """Numbers of samples for fractions, rounded down; what is left goes to the first parts, one each."""
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1: {fraction}")
    counts = [math.floor(total * fraction) for fraction in fractions]
    for i in range(total - sum(counts)):
        counts[i % len(counts)] += 1
    return counts
