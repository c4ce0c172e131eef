"""`vmap`: a function of one sample, run on a whole batch at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tour
from tour import Tensor
from tour.func import _tree
from tour.func._batched import BatchedArray, Level
from tour.func._levels import Inside, bind, unbind

__all__ = ["vmap"]

Dims = Any  # an int, None, or a tree of them


def vmap(
    func: Callable[..., Any],
    in_dims: Dims = 0,
    out_dims: Dims = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function of one sample made one of a batch: every op in it runs once, on all samples.

    The function sees tensors without the batch dimension. What it does may not depend on values (`if x.sum() > 0`, `.item()`,
    shapes that differ): use `tour.where`. It composes with `tour.func.grad` (gradients of each sample) and with itself.

    Args:
        func: Takes and returns tensors, also in lists, tuples and dicts.
        in_dims: Which dimension of each argument counts the samples; None for an argument that they share. One number for all
            arguments, or a tuple with an entry for each, in which containers may stand for containers.
        out_dims: Where the batch dimension goes in each result.
        randomness: What random numbers are: "error" refuses them, "same" for all samples, or "different".
        chunk_size: How many samples to run at a time; None for all.

    Raises:
        ValueError: If `in_dims` or `out_dims` does not fit, the sizes of the batch differ, or a result is no tensor.
        RuntimeError: Where the function asks for a value that differs from sample to sample.

    Examples:
        >>> import tour
        >>> x, y = tour.tensor([[1.0, 2.0], [3.0, 4.0]]), tour.tensor([[1.0, 1.0], [0.0, 2.0]])
        >>> tour.vmap(tour.dot)(x, y)
        tensor([3., 8.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        name = getattr(func, "__name__", repr(func))
        leaves, dims, structure = _inputs(name, args, in_dims)
        extra, named = _tree.flatten(kwargs)  # keyword arguments are batched along their first dimension
        leaves, dims = leaves + extra, dims + [0 if isinstance(x, Tensor) else None for x in extra]
        size = _batch_size(name, leaves, dims)
        split = len(leaves) - len(extra)

        def run(leaves: list[Any], size: int) -> Any:
            with Inside(size, randomness) as level:
                inside = [x if d is None else bind(x, d, level) for x, d in zip(leaves, dims, strict=True)]
                out = func(*_tree.unflatten(inside[:split], structure), **_tree.unflatten(inside[split:], named))
                return _outputs(name, out, out_dims, level)

        if chunk_size is None or chunk_size >= size:
            return run(leaves, size)
        return _in_chunks(run, leaves, dims, size, chunk_size, out_dims)

    return wrapped


def _inputs(name: str, args: tuple[Any, ...], in_dims: Dims) -> tuple[list[Any], list[Any], Any]:
    """The tensors among the arguments, where the batch stands in each, and the structure.

    Raises:
        ValueError: If `in_dims` does not fit the arguments.
    """
    given = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, (int, tuple, list)):
        raise ValueError(
            f"{given}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, got: "
            f"{type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"{given}: got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a function with no inputs. The "
            "latter is unsupported."
        )
    leaves, structure = _tree.flatten(args)
    dims = _tree.prefix(tuple(in_dims) if isinstance(in_dims, list) else in_dims, structure)
    if dims is None:
        raise ValueError(f"{given}: in_dims is not compatible with the structure of inputs, which is {structure}.")
    found = []
    for x, d in zip(leaves, dims, strict=True):
        if d is not None and not isinstance(d, int):
            raise ValueError(
                f"{given}: Got in_dim={d} for an input but in_dim must be either an integer dimension or None."
            )
        if d is not None and not isinstance(x, Tensor):
            raise ValueError(
                f"{given}: Got in_dim={d} for an input but the input is of type {type(x)}. We cannot vmap over non-Tensor arguments, "
                "please use None as the respective in_dim"
            )
        if d is not None and not -x.dim() <= d < x.dim():
            raise ValueError(
                f"{given}: Got in_dim={d} for some input, but that input is a Tensor of dimensionality {x.dim()} so expected in_dim "
                f"to satisfy -{x.dim()} <= in_dim < {x.dim()}."
            )
        found.append(None if d is None else d % x.dim())
    return leaves, found, structure


def _batch_size(name: str, leaves: list[Any], dims: list[Any]) -> int:
    sizes = [x.shape[d] for x, d in zip(leaves, dims, strict=True) if d is not None]
    if not sizes:
        raise ValueError(
            f"vmap({name}, ...)(<inputs>): at least one Tensor needs a dimension that counts samples, but all in_dims are None"
        )
    if any(n != sizes[0] for n in sizes):
        raise ValueError(
            f"vmap({name}, ...)(<inputs>): Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for "
            "the mapped dimension"
        )
    return int(sizes[0])


def _outputs(name: str, out: Any, out_dims: Dims, level: Level) -> Any:
    """Results with the batch dimension where it belongs.

    Raises:
        ValueError: If a result is no tensor, or `out_dims` does not fit.
    """
    leaves, structure = _tree.flatten(out)
    given = f"vmap({name}, ..., out_dims={out_dims})"
    for x in leaves:
        if not isinstance(x, Tensor):
            raise ValueError(f"{given}: `{name}` must only return Tensors, got type {type(x)} as a return.")
    if isinstance(structure, _tree.Leaf) and isinstance(out_dims, (tuple, list)) and len(out_dims) == 1:
        out_dims = out_dims[0]
    dims = _tree.prefix(tuple(out_dims) if isinstance(out_dims, list) else out_dims, structure)
    if dims is None:
        raise ValueError(f"{given}: out_dims is not compatible with the structure of outputs, which is {structure}.")
    return _tree.unflatten([_output(given, x, d, level) for x, d in zip(leaves, dims, strict=True)], structure)


def _output(given: str, x: Tensor, dim: Any, level: Level) -> Tensor:
    if dim is None:
        if type(x._a) is BatchedArray and level in x._a.levels:
            raise ValueError(f"{given}: `vmap` can not return a batched tensor when out_dim is None")
        return x
    if not isinstance(dim, int):
        raise ValueError(
            f"{given}: out_dims must be an int or a python collection of ints representing where the batch goes"
        )
    ndim = x.dim() + 1
    if not -ndim <= dim < ndim:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {dim})")
    return unbind(x, dim % ndim, level)  # type: ignore[no-any-return]


def _in_chunks(run: Any, leaves: list[Any], dims: list[Any], size: int, chunk_size: int, out_dims: Dims) -> Any:
    """The batch a part at a time, results put together."""
    results = []
    for start in range(0, size, chunk_size):
        n = min(chunk_size, size - start)
        results.append(run([x if d is None else x.narrow(d, start, n) for x, d in zip(leaves, dims, strict=True)], n))
    flat = [_tree.flatten(r) for r in results]
    structure = flat[0][1]
    places = _tree.prefix(out_dims, structure) or [0] * _tree.count(structure)
    joined = [
        parts[0] if d is None else tour.cat(list(parts), d)
        for d, *parts in zip(places, *(leaves for leaves, _ in flat), strict=True)
    ]
    return _tree.unflatten(joined, structure)
