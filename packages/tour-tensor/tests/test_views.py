"""Views, strides and storage: what shares memory, what does not, and how results lie in it."""

from __future__ import annotations

import numpy as np
import pytest

import tour

FAMILY = "views"


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)


RESULTS = {
    "sum": lambda x: x.sum(0), "mean": lambda x: x.mean(0), "prod": lambda x: x.prod(0), "all": lambda x: x.all(0),
    "amax": lambda x: x.amax(0), "max": lambda x: x.max(0)[0], "argmax": lambda x: x.argmax(0), "var": lambda x: x.var(0),
    "var_mean": lambda x: tour.var_mean(x, 0)[1], "logsumexp": lambda x: x.logsumexp(0), "norm": lambda x: x.norm(dim=0),
    "median": lambda x: x.median(0)[0], "count_nonzero": lambda x: x.count_nonzero(0), "cumsum": lambda x: x.cumsum(0),
    "cummax": lambda x: x.cummax(0)[0], "softmax": lambda x: x.softmax(0), "sort": lambda x: x.sort(0)[0],
    "topk": lambda x: x.topk(2, 0)[0], "flip": lambda x: x.flip(0), "roll": lambda x: x.roll(1, 0), "tril": lambda x: x.tril(),
    "cat": lambda x: tour.cat([x, x]), "stack": lambda x: tour.stack([x, x], 1), "repeat": lambda x: x.repeat(2, 1, 1),
    "gather": lambda x: x.gather(0, tour.zeros(1, 3, 2, dtype=tour.int64)),
    "index_select": lambda x: x.index_select(0, tour.tensor([0, 2])),
    "index": lambda x: x[[0, 2]], "scatter": lambda x: x.scatter(0, tour.zeros(1, 3, 2, dtype=tour.int64), 1.0),
    "index_add": lambda x: x.index_add(0, tour.tensor([0]), tour.ones(1, 3, 2)), "matmul": lambda x: x @ x.mT,
    "cdist": lambda x: tour.cdist(x, x),
    "fft": lambda x: tour.fft.fft2(x), "ravel": lambda x: x.ravel(), "permute_copy": lambda x: tour.permute_copy(x, (1, 0, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_results_lie_without_gaps_whatever_their_input_does(name):
    x = tour.arange(24.0).reshape(2, 3, 4).permute(2, 1, 0)
    result = RESULTS[name](x)
    assert result.is_contiguous()
    assert result.view(-1).numel() == result.numel()
    assert not np.shares_memory(result.numpy(), x.numpy())


def test_elementwise_results_lie_like_their_input():
    x = tour.rand(2, 3, 4).permute(2, 1, 0)
    results = [
        x + 1,
        x.exp(),
        x.double(),
        x.clone(),
        x.relu(),
        x + x,
        x**2,
        x**0.3,
        x.clamp(0, 0.5),
        x.nan_to_num(),
    ]
    results += [x.logit(), x.polygamma(1), tour.celu(x), tour.lerp(x, x, 0.5), tour.where(x > 0.5, x, x)]
    for result in results:
        assert result.stride() == x.stride()


@pytest.mark.parametrize("format", [tour.channels_last, tour.channels_last_3d])
def test_images_stay_channels_last(format):
    x = tour.rand(2, 3, *[4] * (len(format.order) - 2)).contiguous(memory_format=format)
    for y in (x + 1, x.relu(), tour.cat([x, x], 1), x.clone(), tour.zeros_like(x)):
        assert y.is_contiguous(memory_format=format)


def test_a_chosen_or_repeated_element_is_a_copy():
    x = tour.tensor(3.0)
    for result in (x.median(0)[0], x.mode()[0], x.kthvalue(1)[0], x.topk(1)[0], x.take(tour.tensor(0)), x.cummax(0)[0]):
        assert not np.shares_memory(result.numpy(), x.numpy())
    y = tour.ones(1)
    y.repeat_interleave(3).fill_(5)
    y.repeat_interleave(1).fill_(5)
    assert y.tolist() == [1.0]


def test_membership():
    x = tour.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert 3 in x and 5 not in x and tour.tensor(4.0) in x
    with pytest.raises(RuntimeError, match="only supports Tensor or scalar"):
        "a" in x  # noqa: B015
    with pytest.raises(TypeError, match="does not support deleting"):
        del x[0]
