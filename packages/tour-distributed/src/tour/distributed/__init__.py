"""Several processes, on one machine or many, that train one model: `mpiexec -n 4 python train.py`.

Without a launcher there is one rank and every call is a no-op, so that the same script runs with `python train.py`.
"""

from typing import TYPE_CHECKING

from tour._lazy import on_first_use

if TYPE_CHECKING:
    from tour.distributed._work import Work as Work
    from tour.distributed.collectives import *
    from tour.distributed.data_parallel import *
    from tour.distributed.objects import *
    from tour.distributed.point_to_point import *
    from tour.distributed.sync_batch_norm import *
    from tour.distributed.world import *
else:
    __all__, __dir__, __getattr__ = on_first_use(
        __name__,
        {
            "_work": "Work",
            "collectives": """
                ReduceOp all_gather all_gather_into_tensor all_reduce all_to_all all_to_all_single barrier broadcast gather
                monitored_barrier reduce reduce_scatter reduce_scatter_tensor scatter
            """,
            "data_parallel": "DistributedDataParallel",
            "objects": "all_gather_object broadcast_object_list gather_object scatter_object_list",
            "point_to_point": "P2POp batch_isend_irecv irecv isend recv send",
            "sync_batch_norm": "SyncBatchNorm",
            "world": """
                GroupMember ProcessGroup destroy_process_group get_backend get_global_rank get_group_rank
                get_process_group_ranks get_rank get_world_size group init_process_group is_available
                is_gloo_available is_initialized is_mpi_available is_nccl_available new_group
            """,
        },
    )
