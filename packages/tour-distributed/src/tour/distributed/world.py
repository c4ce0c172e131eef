"""Who takes part: the world of all ranks, and groups of some of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from tour.distributed import _faults, _nccl
from tour.distributed._alone import Alone
from tour.distributed._work import Worker

if TYPE_CHECKING:
    from tour.distributed._mpi import Mpi

__all__ = [
    "GroupMember",
    "ProcessGroup",
    "destroy_process_group",
    "get_backend",
    "get_global_rank",
    "get_group_rank",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "group",
    "init_process_group",
    "is_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "new_group",
]

# A launcher of any MPI leaves one of these; without them a program runs alone, and MPI is not even loaded.
LAUNCHED = ("PMI_RANK", "PMI_SIZE", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS")
TIMEOUT: Final = timedelta(minutes=30)


class ProcessGroup:
    """Ranks that act together.

    Attributes:
        transport: What moves their arrays.
        gpus: The same ranks for the arrays of their GPUs, once one was to be moved.
        ranks: Their numbers in the world, in the order of their numbers in the group.
        timeout: How long a call may wait for the others before the job is ended.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> dist.GroupMember.WORLD.ranks, dist.GroupMember.WORLD.size()
        ([0], 1)
        >>> dist.destroy_process_group()
    """

    def __init__(self, transport: Alone | Mpi | _nccl.Nccl, ranks: Sequence[int], timeout: timedelta = TIMEOUT) -> None:
        self.transport = transport
        self.gpus: ProcessGroup | None = None
        self.ranks = list(ranks)
        self.timeout = timeout
        self.worker = Worker(f"tour.distributed group {self.ranks}")

    def rank(self) -> int:
        """This process's number in the group."""
        return self.transport.rank

    def size(self) -> int:
        """How many ranks the group has."""
        return self.transport.size

    def duplicate(self) -> ProcessGroup:
        """The same ranks with traffic, and a thread, of their own. Every rank of the group must call it."""
        assert not isinstance(self.transport, _nccl.Nccl)
        return ProcessGroup(self.transport.duplicate(), self.ranks, self.timeout)

    def moving(self, array: Any) -> ProcessGroup:
        """The group that moves arrays of this kind: over MPI those of the CPU, over NCCL those of GPUs. Every rank must call it.

        Raises:
            RuntimeError: If the array is on a GPU and a rank cannot use NCCL.
        """
        if _nccl.is_host(array) or isinstance(self.transport, (Alone, _nccl.Nccl)):
            return self
        if self.gpus is None:
            host = self.transport
            self.gpus = ProcessGroup(self.worker.call(lambda: _nccl.Nccl(host)), self.ranks, self.timeout)
        assert isinstance(self.gpus.transport, _nccl.Nccl)
        self.gpus.transport.follow()
        return self.gpus

    def close(self) -> None:
        """Let calls that wait end, and give the transport back."""
        if self.gpus is not None:
            self.gpus.close()
        self.worker.stop()
        self.transport.free()

    def __repr__(self) -> str:
        return f"ProcessGroup(rank {self.rank()} of ranks {self.ranks})"


class GroupMember:
    """Marks for the `group` argument.

    Attributes:
        WORLD: The group of all ranks; None before `init_process_group`.
        NON_GROUP_MEMBER: What `new_group` gives to a rank outside the new group.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> dist.GroupMember.WORLD.size()
        1
        >>> dist.destroy_process_group()
    """

    WORLD: ProcessGroup | None = None
    NON_GROUP_MEMBER: Final[Any] = object()


group = GroupMember


def is_available() -> bool:
    """True: the package is installed.

    Examples:
        >>> from tour import distributed as dist
        >>> dist.is_available()
        True
    """
    return True


def is_mpi_available() -> bool:
    """Whether mpi4py is installed.

    Examples:
        >>> from importlib.util import find_spec
        >>> from tour import distributed as dist
        >>> dist.is_mpi_available() == (find_spec("mpi4py") is not None)
        True
    """
    return find_spec("mpi4py") is not None


def is_gloo_available() -> bool:
    """Whether CPU tensors can be reduced; programs ask for Gloo by name, and get MPI.

    Examples:
        >>> from tour import distributed as dist
        >>> dist.is_gloo_available() == dist.is_mpi_available()
        True
    """
    return is_mpi_available()


def is_nccl_available() -> bool:
    """Whether tensors of this machine's GPUs can be reduced: by NCCL, through CuPy.

    Examples:
        >>> from tour import distributed as dist
        >>> dist.is_nccl_available()  # on a machine without a GPU
        False
    """
    return _nccl.missing() is None


def is_initialized() -> bool:
    """Whether `init_process_group` was called.

    Examples:
        >>> from tour import distributed as dist
        >>> dist.is_initialized()
        False
        >>> dist.init_process_group()
        >>> dist.is_initialized()
        True
        >>> dist.destroy_process_group()
    """
    return GroupMember.WORLD is not None


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    **unused: Any,
) -> None:
    """Join the other ranks of the job that `mpiexec` started; alone, without it, every collective is a no-op.

    From here on an exception that nobody catches on one rank ends the whole job with its traceback.

    Args:
        backend: "mpi" or "gloo": CPU tensors over MPI; "nccl": those of GPUs over NCCL, which must be there; None: whatever a
            tensor needs. Also PyTorch's "cpu:gloo,cuda:nccl". MPI carries what NCCL needs to begin, and objects, in any case.
        init_method: Ignored: the launcher has told every process its place.
        timeout: How long a call may wait for the others, 30 minutes by default; then the job is ended, with the
            traceback of the rank that waited.
        world_size: If given, how many ranks there must be.
        rank: If given, which this must be.
        unused: Further arguments of PyTorch's (`store`, `group_name`, `device_id`, `pg_options`), which MPI has no use for.

    Raises:
        ValueError: If it was called before, or if `world_size` or `rank` differ from the launcher's.
        RuntimeError: If the backend is another, or NCCL is asked for and cannot be used (says why), or if a launcher has started
            the program and mpi4py finds no MPI.

    Examples:
        >>> from tour import distributed as dist
        >>> dist.init_process_group()
        >>> dist.get_rank(), dist.get_world_size()
        (0, 1)
        >>> dist.destroy_process_group()
    """
    if GroupMember.WORLD is not None:
        raise ValueError("trying to initialize the default process group twice!")
    parts = [] if backend is None else [part.removeprefix("cpu:").removeprefix("cuda:") for part in backend.split(",")]
    if not {"mpi", "gloo", "nccl"}.issuperset(parts):
        raise RuntimeError(
            f"backend {backend!r} is not available: tensors of the CPU travel by 'mpi' (also named 'gloo'), those of GPUs by 'nccl'"
        )
    if "nccl" in parts and (why := _nccl.missing()) is not None:
        raise RuntimeError(f"backend {backend!r} is not available: {why}")
    transport = _transport()
    for name, wanted, actual in (("world_size", world_size, transport.size), ("rank", rank, transport.rank)):
        if wanted not in (-1, actual):
            raise ValueError(
                f"{name}={wanted}, but the launcher gave this process {name} {actual}; start with `mpiexec -n {max(world_size, 1)} "
                "python script.py`, or leave the argument out"
            )
    GroupMember.WORLD = ProcessGroup(transport, range(transport.size), timeout or TIMEOUT)
    if transport.size > 1:
        _faults.install(transport)


def _transport() -> Alone | Mpi:
    if not any(name in os.environ for name in LAUNCHED):
        return Alone()
    try:
        from tour.distributed._mpi import Mpi
    except (ImportError, RuntimeError) as error:
        raise RuntimeError(
            f"a launcher started this process, but mpi4py finds no MPI ({error}); run `pip install mpich`"
        ) from error
    return Mpi()


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Leave a group; None for the world, and with it everything. Every rank must call it.

    Examples:
        >>> from tour import distributed as dist
        >>> dist.init_process_group()
        >>> dist.destroy_process_group()
        >>> dist.is_initialized()
        False
    """
    gone = _member(group)
    if gone is GroupMember.WORLD:
        GroupMember.WORLD = None
        _faults.uninstall()
    if gone is not None:
        gone.close()


def _member(group: Any) -> ProcessGroup | None:
    """The group that an argument means; None if this rank is outside.

    Raises:
        ValueError: If there is no world yet.
    """
    if group is GroupMember.NON_GROUP_MEMBER:
        return None
    if group is None:
        if GroupMember.WORLD is None:
            raise ValueError(
                "Default process group has not been initialized, please make sure to call init_process_group."
            )
        return GroupMember.WORLD
    if not isinstance(group, ProcessGroup):
        raise TypeError(f"expected a group from new_group(), got {type(group).__name__}")
    return group


def get_rank(group: ProcessGroup | None = None) -> int:
    """This process's number in a group, from 0; -1 outside it.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> dist.get_rank()
        0
        >>> dist.destroy_process_group()
    """
    member = _member(group)
    return -1 if member is None else member.rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    """How many ranks a group has; -1 outside it.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> dist.get_world_size()
        1
        >>> dist.destroy_process_group()
    """
    member = _member(group)
    return -1 if member is None else member.size()


def get_backend(group: ProcessGroup | None = None) -> str:
    """What the group moves tensors by: "mpi", or "cpu:mpi,cuda:nccl" where GPUs can be used.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> dist.get_backend()
        'mpi'
        >>> dist.destroy_process_group()
    """
    _member(group)
    return "mpi" if _nccl.missing() else "cpu:mpi,cuda:nccl"


def get_process_group_ranks(group: ProcessGroup | None = None) -> list[int]:
    """The numbers in the world of a group's ranks.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> dist.get_process_group_ranks()
        [0]
        >>> dist.destroy_process_group()
    """
    member = _member(group)
    return [] if member is None else list(member.ranks)


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    """The number in a group of a rank of the world.

    Raises:
        ValueError: If it is outside the group.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> group = dist.new_group([0])
        >>> dist.get_group_rank(group, 0)
        0
        >>> dist.destroy_process_group()
    """
    ranks = get_process_group_ranks(group)
    if global_rank not in ranks:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}")
    return ranks.index(global_rank)


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """The number in the world of a group's rank.

    Raises:
        ValueError: If the group has no such rank.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> group = dist.new_group([0])
        >>> dist.get_global_rank(group, 0)
        0
        >>> dist.destroy_process_group()
    """
    ranks = get_process_group_ranks(group)
    if not 0 <= group_rank < len(ranks):
        raise ValueError(f"Group rank {group_rank} is not part of group {group}")
    return ranks[group_rank]


def new_group(
    ranks: Sequence[int] | None = None, timeout: timedelta | None = None, backend: str | None = None, **unused: Any
) -> Any:
    """A group of some ranks. Every rank of the world must call it, in the same order, also those outside.

    Args:
        ranks: Their numbers in the world; None for all.
        timeout: How long a call may wait for the others.
        backend: As for `init_process_group`.
        unused: Further arguments of PyTorch's.

    Returns:
        The group, or `GroupMember.NON_GROUP_MEMBER` on a rank outside.

    Raises:
        ValueError: If a rank is named twice, or is none of the world's.

    Examples:
        >>> import tour
        >>> from tour import distributed as dist
        >>> dist.init_process_group()  # alone; `mpiexec -n 4` makes it four
        >>> group = dist.new_group([0])
        >>> dist.get_world_size(group)
        1
        >>> dist.destroy_process_group()
    """
    world = _member(None)
    assert world is not None
    chosen = list(range(world.size())) if ranks is None else sorted(ranks)
    if len(set(chosen)) != len(chosen) or any(not 0 <= r < world.size() for r in chosen):
        raise ValueError(
            f"the ranks of a group must be different numbers from 0 to {world.size() - 1}, got {list(ranks or ())}"
        )
    whole = world.transport
    assert not isinstance(whole, _nccl.Nccl)
    transport = world.worker.call(lambda: whole.subgroup(chosen))
    return (
        GroupMember.NON_GROUP_MEMBER if transport is None else ProcessGroup(transport, chosen, timeout or world.timeout)
    )
