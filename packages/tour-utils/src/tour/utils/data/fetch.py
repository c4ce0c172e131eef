"""How a batch is read from a dataset: by numbers, or the next samples of a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from tour import Tensor
from tour.utils.data.collate import collate_tensor_fn, default_collate, default_collate_fn_map
from tour.utils.data.dataset import IterableDataset, Subset, TensorDataset


class END:
    """What a fetcher gives when there is nothing more: this class itself, which is one and the same in every process."""


def fetcher(dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> Callable[[Any], Any]:
    """A function from what the index sampler gives to a batch (or to a sample, where `batched` is False)."""
    if isinstance(dataset, IterableDataset):
        return _stream(iter(dataset), batched, collate_fn, drop_last)
    if not batched:
        return lambda index: collate_fn(_sample(dataset, index))
    if collate_fn is default_collate and default_collate_fn_map.get(Tensor) is collate_tensor_fn:
        rows = _rows(dataset)
        if rows is not None:
            return rows
    several = getattr(dataset, "__getitems__", None)
    if several:
        return lambda indices: collate_fn(several(indices))
    return lambda indices: collate_fn([_sample(dataset, i) for i in indices])


def _rows(dataset: Any) -> Callable[[list[int]], list[Tensor]] | None:
    """For rows of tensors: what collating the samples would give, by one indexing of each tensor. None for other datasets."""
    if type(dataset) is TensorDataset:
        tensors = dataset.tensors
        return lambda indices: [t[indices] for t in tensors]
    if type(dataset) is Subset:
        whole, chosen = _rows(dataset.dataset), dataset.indices
        return whole and (lambda indices: whole([chosen[i] for i in indices]))
    return None


def _sample(dataset: Any, index: Any) -> Any:
    """One sample; an error says which."""
    try:
        return dataset[index]
    except StopIteration as error:  # would silently end the loop
        raise RuntimeError(f"{type(dataset).__name__}[{index!r}] raised StopIteration") from error
    except Exception as error:
        error.add_note(f"while reading sample {index!r} of {type(dataset).__name__}")
        raise


def _stream(
    samples: Iterator[Any], batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool
) -> Callable[[Any], Any]:
    """The fetcher of a dataset that is a stream."""

    def batch(places: list[Any]) -> Any:
        read = list(islice(samples, len(places)))
        return collate_fn(read) if read and not (drop_last and len(read) < len(places)) else END

    def sample(_: Any) -> Any:
        for one in samples:
            return collate_fn(one)
        return END

    return batch if batched else sample
