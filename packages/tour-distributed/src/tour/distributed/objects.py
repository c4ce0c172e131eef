"""What ranks do together with any Python object that can be pickled. Unpickling runs code: only among processes you trust."""

from __future__ import annotations

from typing import Any

from tour.distributed._calls import local, run
from tour.distributed.world import ProcessGroup

__all__ = ["all_gather_object", "broadcast_object_list", "gather_object", "scatter_object_list"]


def all_gather_object(object_list: list[Any], obj: Any, group: ProcessGroup | None = None) -> None:
    """Fill a list with the objects of all ranks, in order of rank.

    Args:
        object_list: A list with one place for each rank; what stands there is replaced.
        obj: This rank's object, which can be pickled.
        group: The ranks that take part; None for all.

    Raises:
        ValueError: If there is no process group yet, or the list has not one place for each rank.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> found = [None] * dist.get_world_size()
        >>> dist.all_gather_object(found, {"rank": dist.get_rank()})
        >>> found
        [{'rank': 0}]
        >>> dist.destroy_process_group()
    """

    def call(g: ProcessGroup) -> None:
        object_list[:] = g.transport.all_gather_object(obj)

    run("all_gather_object", group, False, call, check=lambda g: _one_each("object_list", object_list, g))


def gather_object(
    obj: Any, object_gather_list: list[Any] | None = None, dst: int = 0, group: ProcessGroup | None = None
) -> None:
    """Fill a list on rank `dst` with the objects of all ranks.

    Args:
        obj: This rank's object, which can be pickled.
        object_gather_list: On rank `dst` a list, whose entries become the objects in order of rank; None on the others.
        dst: The rank that gets the objects, as numbered in the world.
        group: The ranks that take part; None for all.

    Raises:
        ValueError: If there is no process group yet, `dst` is outside the group, or rank `dst` has no list with a place for each rank.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> found = [None] * dist.get_world_size() if dist.get_rank() == 0 else None
        >>> dist.gather_object({"rank": dist.get_rank()}, found, dst=0)
        >>> found
        [{'rank': 0}]
        >>> dist.destroy_process_group()
    """

    def check(g: ProcessGroup) -> None:
        if local(g, dst) == g.rank():
            _one_each("object_gather_list", object_gather_list, g)

    def call(g: ProcessGroup) -> None:
        found = g.transport.gather_object(obj, local(g, dst))
        if object_gather_list is not None and found is not None:
            object_gather_list[:] = found

    run("gather_object", group, False, call, dst, check=check)


def broadcast_object_list(
    object_list: list[Any], src: int = 0, group: ProcessGroup | None = None, **unused: Any
) -> None:
    """Make every rank's list that of rank `src`.

    Args:
        object_list: On rank `src` the objects, which can be pickled; on the others a list whose entries are replaced.
        src: The rank whose objects go out, as numbered in the world.
        group: The ranks that take part; None for all.
        unused: Accepted for PyTorch's sake.

    Raises:
        ValueError: If there is no process group yet, or `src` is outside the group.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> settings = [{"lr": 0.1}] if dist.get_rank() == 0 else [None]
        >>> dist.broadcast_object_list(settings, src=0)
        >>> settings
        [{'lr': 0.1}]
        >>> dist.destroy_process_group()
    """

    def call(g: ProcessGroup) -> None:
        object_list[:] = g.transport.broadcast_object(object_list, local(g, src))

    run("broadcast_object_list", group, False, call, src)


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int = 0,
    group: ProcessGroup | None = None,
) -> None:
    """Put into the first place of a list this rank's of the objects that rank `src` has.

    Args:
        scatter_object_output_list: A list with at least one place; only the first is written.
        scatter_object_input_list: On rank `src` one object for each rank, which can be pickled; None on the others.
        src: The rank that has the objects, as numbered in the world.
        group: The ranks that take part; None for all.

    Raises:
        ValueError: If there is no process group yet, `src` is outside the group, the output list has no place, or rank `src`
            has not one object for each rank.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> mine = [None]
        >>> dist.scatter_object_list(mine, [f"task {r}" for r in range(dist.get_world_size())], src=0)
        >>> mine
        ['task 0']
        >>> dist.destroy_process_group()
    """
    if not scatter_object_output_list:
        raise ValueError("Expected argument scatter_object_output_list to be a list of size at least 1.")

    def check(g: ProcessGroup) -> None:
        if local(g, src) == g.rank():
            _one_each("scatter_object_input_list", scatter_object_input_list, g)

    def call(g: ProcessGroup) -> None:
        scatter_object_output_list[0] = g.transport.scatter_object(scatter_object_input_list, local(g, src))

    run("scatter_object_list", group, False, call, src, check=check)


def _one_each(name: str, objects: list[Any] | None, g: ProcessGroup) -> None:
    """Refuse what is no list with a place for each rank."""
    if not isinstance(objects, list):
        raise ValueError(f"{name} must be a list with one place for each of the {g.size()} ranks, got {objects!r}")
    if len(objects) != g.size():
        raise ValueError(f"{name} must have one place for each of the {g.size()} ranks, got {len(objects)}")
