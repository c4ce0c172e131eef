"""How samples become a batch: tensors are stacked, numbers become tensors, containers keep their shape."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

import tour
from tour import Tensor

__all__ = ["default_collate", "default_convert"]

Collate = Callable[..., Any]


def default_convert(data: Any) -> Any:
    """A sample with its NumPy arrays turned into tensors that share their memory; everything else stays as it is.

    Examples:
        >>> import numpy as np
        >>> default_convert({"x": np.arange(3), "name": "a"})
        {'x': tensor([0, 1, 2]), 'name': 'a'}
    """
    match data:
        case Tensor() | str() | bytes():
            return data
        case np.ndarray() | np.generic():
            return data if data.dtype.kind in "SUOMm" else tour.as_tensor(np.asarray(data))
        case Mapping():
            return like(data, {key: default_convert(data[key]) for key in data})
        case tuple() if hasattr(data, "_fields"):
            return type(data)(*map(default_convert, data))
        case tuple():
            return list(map(default_convert, data))
        case Sequence():
            return like(data, list(map(default_convert, data)))
    return data


def like(example: Any, made: Any) -> Any:
    """A dict or list as another of the type of `example`, where that type can be filled; else as it is."""
    if type(example) in (dict, list, tuple):
        return made
    try:
        if isinstance(example, MutableMapping):
            filled: Any = copy.copy(example)
            filled.update(made)
            return filled
        return type(example)(made)
    except (TypeError, ValueError):  # a type whose constructor takes something else
        return made


def collate(batch: Any, *, collate_fn_map: dict[type | tuple[type, ...], Collate] | None = None) -> Any:
    """Join samples into one batch, by the type of the first.

    Args:
        batch: A list of samples of one structure.
        collate_fn_map: For each type a function of `(list of elements, collate_fn_map=...)`; an element takes the function of
            its type, else of the first type in the map of which it is an instance.

    Raises:
        TypeError: If there is no function for a type.
        RuntimeError: If sequences differ in length or tensors in shape.
    """
    known = collate_fn_map or {}
    element = batch[0]
    function = known.get(type(element)) or next((f for kind, f in known.items() if isinstance(element, kind)), None)
    if function is not None:
        return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(element, Mapping):
        made = {key: _field(key, [d[key] for d in batch], collate_fn_map) for key in element}
        return like(element, made)
    if isinstance(element, Sequence):
        lengths = {len(sample) for sample in batch}
        if len(lengths) > 1:
            raise RuntimeError(
                f"each element in list of batch should be of equal size, but their lengths are {sorted(lengths)}; "
                "pad them to one length, or give the loader a collate_fn that does"
            )
        columns = [_field(i, column, collate_fn_map) for i, column in enumerate(zip(*batch, strict=True))]
        return type(element)(*columns) if hasattr(element, "_fields") else like(element, columns)
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "
        f"{type(element).__module__}.{type(element).__qualname__}"
    )


def _field(name: Any, column: Any, collate_fn_map: Any) -> Any:
    """One part of the samples, joined; an error says which part it was."""
    try:
        return collate(list(column), collate_fn_map=collate_fn_map)
    except Exception as error:
        error.add_note(f"while collating part {name!r} of the samples")
        raise


def collate_tensor_fn(batch: list[Tensor], *, collate_fn_map: Any = None) -> Tensor:
    """Tensors, stacked along a new first dimension."""
    shapes = {tuple(t.shape) for t in batch}
    if len(shapes) > 1:
        odd = next(i for i, t in enumerate(batch) if t.shape != batch[0].shape)
        raise RuntimeError(
            f"stack expects each tensor to be equal size, but got {list(batch[0].shape)} at entry 0 and "
            f"{list(batch[odd].shape)} at entry {odd}; make the samples equal in the dataset, or give the loader a collate_fn"
        )
    return tour.stack(batch)


def collate_numpy_array_fn(batch: list[Any], *, collate_fn_map: Any = None) -> Any:
    """NumPy arrays, as tensors stacked along a new first dimension."""
    if batch[0].dtype.kind in "SUOMm":
        raise TypeError(f"default_collate: batch must contain numbers, found a NumPy array of {batch[0].dtype}")
    return collate_tensor_fn([tour.as_tensor(np.asarray(b)) for b in batch])


def collate_numpy_scalar_fn(batch: list[Any], *, collate_fn_map: Any = None) -> Tensor:
    """NumPy scalars, as one tensor of their dtype."""
    return tour.as_tensor(np.asarray(batch))


def collate_float_fn(batch: list[float], *, collate_fn_map: Any = None) -> Tensor:
    """Floats, as a tensor of float64, which is what they are."""
    return tour.tensor(batch, dtype=tour.float64)


def collate_int_fn(batch: list[int], *, collate_fn_map: Any = None) -> Tensor:
    """Integers or bools, as a tensor."""
    return tour.tensor(batch)


def collate_str_fn(batch: list[Any], *, collate_fn_map: Any = None) -> list[Any]:
    """Text or bytes, as the list they are."""
    return batch


# Programs may add types of their own; the order matters for subclasses.
default_collate_fn_map: dict[type | tuple[type, ...], Collate] = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """The loader's way to join samples: stacks tensors and arrays, makes tensors of numbers, goes into dicts and sequences.

    Args:
        batch: A list of samples of one structure.

    Raises:
        TypeError: If a sample holds something else.
        RuntimeError: If shapes or lengths differ; says which part of the samples.

    Examples:
        >>> default_collate([{"x": [1.0, 2], "name": "a"}, {"x": [3.0, 4], "name": "b"}])
        {'x': [tensor([1., 3.], dtype=tour.float64), tensor([2, 4])], 'name': ['a', 'b']}
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
