import pytest

import tour


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_every_collective(job, ranks):
    job(ranks, "collectives.py")


@pytest.mark.parametrize("ranks", [2, 3])
def test_tensors_of_gpus_go_over_nccl(job, ranks):
    job(ranks, "nccl.py")


def test_tensors_of_different_devices_are_named(job):
    done = job(2, "nccl.py", "mismatch", ok=False, TOUR_DISTRIBUTED_DEBUG="DETAIL")
    assert done.returncode != 0
    assert "rank 0: all_reduce(tour.float32 [3], sum) at" in done.stderr
    assert "rank 1: all_reduce(tour.float32 [3] on fake, sum) at" in done.stderr


def test_without_a_group_the_call_says_what_to_do():
    from tour import distributed as dist

    with pytest.raises(ValueError, match="init_process_group"):
        dist.all_reduce(tour.ones(1))
    with pytest.raises(ValueError, match="init_process_group"):
        dist.get_rank()


def test_alone_a_collective_leaves_tensors_as_they_are(alone):
    t = tour.tensor([1.0, 2.0])
    alone.all_reduce(t)
    alone.broadcast(t, 0)
    alone.barrier()
    out = [tour.zeros(2)]
    alone.all_gather(out, t)
    assert t.tolist() == out[0].tolist() == [1.0, 2.0]
    assert (alone.get_rank(), alone.get_world_size(), alone.get_backend()) == (0, 1, "mpi")


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda d: d.all_reduce([1.0]), TypeError, "Expected a tensor, got list"),
        (lambda d: d.all_reduce(tour.ones(1), "median"), ValueError, "SUM, AVG"),
        (lambda d: d.broadcast(tour.ones(1), 1), ValueError, "Global rank 1 is not part of group"),
        (lambda d: d.all_gather([], tour.ones(1)), ValueError, "one tensor for each of the 1 ranks, got 0"),
        (lambda d: d.all_gather([tour.ones(2)], tour.ones(1)), ValueError, r"of shape \[1\] .* got \[2\]"),
        (lambda d: d.all_gather([tour.ones(1).int()], tour.ones(1)), ValueError, "float32, got .*int32"),
        (lambda d: d.gather(tour.ones(1)), ValueError, "gather_list"),
        (lambda d: d.scatter(tour.ones(1)), ValueError, "scatter_list"),
        (lambda d: d.all_gather_into_tensor(tour.ones(3), tour.ones(2)), ValueError, "hold 2 elements"),
        (lambda d: d.all_gather_object([], 1), ValueError, "one place for each of the 1 ranks"),
        (lambda d: d.all_gather_object(None, 1), ValueError, "object_list must be a list"),
        (lambda d: d.gather_object(1), ValueError, "object_gather_list must be a list .* got None"),
        (lambda d: d.gather_object(1, []), ValueError, "object_gather_list must have one place .* got 0"),
        (lambda d: d.scatter_object_list([], [1]), ValueError, "at least 1"),
        (lambda d: d.scatter_object_list([0]), ValueError, "scatter_object_input_list must be a list .* got None"),
        (lambda d: d.scatter_object_list([0], [1, 2]), ValueError, "one place for each of the 1 ranks, got 2"),
        (lambda d: d.send(tour.ones(1), 0), ValueError, "should not be the same"),
        (lambda d: d.recv(tour.ones(1), 0), ValueError, "should not be the same"),
        (lambda d: d.P2POp(d.send, tour.ones(1), 0), ValueError, "isend"),
        (lambda d: d.new_group([0, 0]), ValueError, "different numbers from 0 to 0"),
        (lambda d: d.new_group([1]), ValueError, "different numbers from 0 to 0"),
        (lambda d: d.all_reduce(tour.ones(1), group=3), TypeError, "new_group"),
        (lambda d: d.init_process_group(), ValueError, "twice"),
    ],
)
def test_bad_calls(alone, call, error, words):
    with pytest.raises(error, match=words):
        call(alone)


@pytest.mark.parametrize(
    "call",
    [
        lambda d, x: d.broadcast(x, 0),
        lambda d, x: d.all_reduce(x),
        lambda d, x: d.reduce(x, 0),
        lambda d, x: d.all_gather([tour.ones(1)], x),
        lambda d, x: d.all_gather([x], tour.ones(1)),
        lambda d, x: d.all_gather_into_tensor(x, tour.ones(1)),
        lambda d, x: d.all_gather_into_tensor(tour.ones(1), x),
        lambda d, x: d.gather(x, [tour.ones(1)]),
        lambda d, x: d.gather(tour.ones(1), [x]),
        lambda d, x: d.scatter(x, [tour.ones(1)]),
        lambda d, x: d.scatter(tour.ones(1), [x]),
        lambda d, x: d.reduce_scatter(x, [tour.ones(1)]),
        lambda d, x: d.reduce_scatter(tour.ones(1), [x]),
        lambda d, x: d.reduce_scatter_tensor(x, tour.ones(1)),
        lambda d, x: d.reduce_scatter_tensor(tour.ones(1), x),
        lambda d, x: d.all_to_all([x], [tour.ones(1)]),
        lambda d, x: d.all_to_all([tour.ones(1)], [x]),
        lambda d, x: d.all_to_all_single(x, tour.ones(1)),
        lambda d, x: d.all_to_all_single(tour.ones(1), x),
        lambda d, x: d.send(x, 1),
        lambda d, x: d.irecv(x, 1),
        lambda d, x: d.P2POp(d.isend, x, 1),
    ],
)
@pytest.mark.parametrize("wrong", [[1.0], None])
def test_what_is_no_tensor_is_named(alone, call, wrong):
    with pytest.raises(TypeError, match=f"Expected a tensor, got {type(wrong).__name__}"):
        call(alone, wrong)


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"backend": "nccl"}, RuntimeError, "'nccl' is not available: it needs CuPy with NCCL|no CUDA device"),
        ({"backend": "ucc"}, RuntimeError, "'ucc' is not available: tensors of the CPU travel by 'mpi'"),
        ({"world_size": 4}, ValueError, "mpiexec -n 4"),
        ({"rank": 1}, ValueError, "rank=1"),
    ],
)
def test_a_world_that_cannot_be(options, error, words):
    from tour import distributed as dist

    with pytest.raises(error, match=words):
        dist.init_process_group(**options)
    assert not dist.is_initialized()


def test_an_error_beside_the_program_is_raised_by_wait(alone):
    t = tour.zeros(2)
    work = alone.broadcast(t, 5, async_op=True)
    with pytest.raises(ValueError, match="rank 5"):
        work.wait()
    assert work.is_completed() and not work.is_success() and isinstance(work.exception(), ValueError)
