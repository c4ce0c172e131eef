"""Indices out of range, in every op that takes some: told at the next synchronisation, once, with the line of the call."""

from __future__ import annotations

import pytest

import tour
import tour.nn.functional as F

pytestmark = pytest.mark.simulator


def places(*numbers):
    return tour.tensor(numbers, device="cuda")


# On a tensor of shape (3, 4), whose rows are indexed by 9.
OPS = {
    "x[i]": lambda x, i: x[i],
    "x[:, i]": lambda x, i: x[:, i],
    "x[i, j]": lambda x, i: x[i * 0, i],
    "x[None, ..., i]": lambda x, i: x[None, ..., i],
    "x[i] = 1": lambda x, i: x.__setitem__(i, 1.0),
    "take": lambda x, i: x.take(i * 5),
    "gather": lambda x, i: x.gather(0, i[None]),
    "take_along_dim": lambda x, i: x.take_along_dim(i[:, None].expand(2, 4), 0),
    "index_select": lambda x, i: x.index_select(0, i),
    "index_add": lambda x, i: x.index_add(0, i, x[:2]),
    "index_copy": lambda x, i: x.index_copy(0, i, x[:2]),
    "index_fill": lambda x, i: x.index_fill(0, i, 1.0),
    "index_reduce": lambda x, i: x.index_reduce(0, i, x[:2], "amax"),
    "index_put": lambda x, i: x.index_put((i,), x[0, 0]),
    "index_put, added": lambda x, i: x.index_put((i,), x[0, 0], accumulate=True),
    "scatter": lambda x, i: x.scatter(0, i[None], x[:1, :2]),
    "scatter, a number": lambda x, i: x.scatter(0, i[None], 1.0),
    "scatter_add": lambda x, i: x.scatter_add(0, i[None], x[:1, :2]),
    "scatter_reduce": lambda x, i: x.scatter_reduce(0, i[None], x[:1, :2], "amax"),
    "put": lambda x, i: x.put(i * 5, x[0, :2]),
    "embedding": lambda x, i: F.embedding(i, x),
    "embedding_bag": lambda x, i: F.embedding_bag(i[None], x),
    "one_hot": lambda x, i: F.one_hot(i, 4),
    "cross_entropy": lambda x, i: F.cross_entropy(x[:2], i),
    "nll_loss": lambda x, i: F.nll_loss(x[:2], i),
    "max_unpool1d": lambda x, i: F.max_unpool1d(x[:, :2][None], i.expand(1, 3, 2), 2),
}


@pytest.mark.parametrize("name", OPS)
def test_an_index_out_of_range(driver, fake, name):
    x, right, wrong = tour.randn(3, 4).cuda(), places(0, 1), places(0, 9)
    OPS[name](x, right)
    tour.cuda.synchronize()
    fake.counts.clear()
    OPS[name](x, wrong)
    assert fake.counts["synchronise"] == 0 or name == "embedding_bag", "it waited"  # which counts the bags on the host
    with pytest.raises(IndexError, match=r"out of range, which goes from.*test_bounds\.py:\d+"):
        tour.cuda.synchronize()
    tour.cuda.synchronize()
    assert x.isfinite().all().item()  # tensors stay usable


def test_the_first_line_of_many_is_told(driver):
    x = tour.randn(3, 4).cuda()
    for _ in range(3):
        x[places(0, 1)]
    x[places(0, 5)]
    with pytest.raises(IndexError, match=r"indexing\(\): an index is out of range, which goes from -3 to 2"):
        x.cpu()


def test_on_a_second_device(fake):
    fake.reset(devices=2)
    x = tour.randn(3, 4).to("cuda:1")
    x[tour.tensor([0, 9]).to("cuda:1")]
    with pytest.raises(IndexError, match="out of range"):
        tour.cuda.synchronize("cuda:1")
