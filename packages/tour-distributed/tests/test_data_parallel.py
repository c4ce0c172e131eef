import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tour
from tour import nn
from tour.distributed import DistributedDataParallel
from tour.distributed._reducer import plan


@pytest.fixture(scope="module")
def one_process(job):
    return json.loads(job(1, "training.py", "25", "1").stdout)


@pytest.mark.parametrize("ranks, bucket, accumulate", [(2, "25", "1"), (3, "0.0001", "1"), (4, "0.001", "2")])
def test_any_number_of_ranks_gives_the_curve_of_one_process(job, one_process, ranks, bucket, accumulate):
    many = json.loads(job(ranks, "training.py", bucket, accumulate).stdout)
    if accumulate == "1":
        np.testing.assert_allclose(many["losses"], one_process["losses"], rtol=0, atol=1e-6)
        for name, values in one_process["state"].items():
            np.testing.assert_allclose(many["state"][name], values, atol=1e-9, err_msg=name)
    else:  # running statistics move twice a step; the gradients, and so the losses, are the same
        np.testing.assert_allclose(many["losses"], one_process["losses"], rtol=0, atol=1e-6)
    assert many["losses"][-1] < 0.9 * many["losses"][0]
    assert many["buckets"] == (1 if bucket == "25" else many["buckets"]) and (bucket == "25" or many["buckets"] > 1)


def test_the_rest_of_what_it_promises(job):
    job(2, "data_parallel.py")


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from([tour.float32, tour.float64])), max_size=12),
    st.integers(1, 99),
    st.integers(1, 999),
)
def test_buckets_hold_every_parameter_once_and_no_more_than_they_may(sizes, first, others):
    parameters = [tour.zeros(n, dtype=dtype) for n, dtype in sizes]
    buckets = plan(parameters, first, others)
    assert sorted(i for bucket in buckets for i, _ in bucket) == list(range(len(sizes)))
    for bucket in buckets:
        assert len({p.dtype for _, p in bucket}) == 1
        assert [i for i, _ in bucket] == sorted((i for i, _ in bucket), reverse=True)
        assert len(bucket) == 1 or sum(p._a.nbytes for _, p in bucket) <= max(first, others)


def test_alone_it_trains_as_the_module_does(alone):
    tour.manual_seed(0)
    plain = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    wrapped = DistributedDataParallel(nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)))
    wrapped.module.load_state_dict(plain.state_dict())
    x = tour.randn(5, 4)
    for net in (plain, wrapped):
        net(x).square().sum().backward()
    for p, q in zip(plain.parameters(), wrapped.parameters(), strict=True):
        assert tour.equal(p.grad, q.grad)
    assert list(wrapped.state_dict()) == [f"module.{name}" for name in plain.state_dict()]


def test_the_names_of_pytorch():
    from tour.nn.parallel import DistributedDataParallel as found

    assert found is DistributedDataParallel
    assert nn.SyncBatchNorm.__module__ == "tour.distributed.sync_batch_norm"
