"""Empty tensors, tensors without dimensions and with gaps, through every kernel both ways: as on the CPU."""

from __future__ import annotations

import numpy as np
import pytest

import tour
import tour.nn.functional as F

pytestmark = pytest.mark.simulator


def index(x, *shape):
    return tour.zeros(shape, dtype=tour.int64, device=x.device)


# A function of a tensor, and shapes.
OPS = {
    "softmax": (lambda x: x.softmax(-1), [(0, 3), (3, 0), (0,), ()]),
    "log_softmax": (lambda x: x.log_softmax(0), [(0, 3), (3, 2), ()]),
    "layer_norm": (lambda x: F.layer_norm(x, x.shape[-1:]), [(0, 3), (2, 0, 3)]),
    "batch_norm": (lambda x: F.batch_norm(x, None, None, training=True), [(4, 3, 2)]),
    "group_norm": (lambda x: F.group_norm(x, 1), [(0, 3, 2), (2, 3)]),
    "rms_norm": (lambda x: F.rms_norm(x, x.shape[-1:]), [(0, 3), (2, 3)]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), [(0, 3, 4, 4), (2, 1, 4, 4)]),
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 2), [(0, 3, 4), (1, 3, 4)]),
    "conv1d": (lambda x: F.conv1d(x, tour.ones(2, 3, 2, device=x.device)), [(0, 3, 4), (2, 3, 4)]),
    "matmul": (lambda x: x @ x.mT, [(0, 3), (3, 0), (0, 2, 3), (2, 0, 3), (2, 3, 0), (2, 3, 2)]),
    "embedding": (lambda x: F.embedding(index(x, 0, 2), x), [(3, 4), (3, 0)]),
    "gather": (lambda x: x.gather(0, index(x, *(0 for n in x.shape[:1]), *x.shape[1:])), [(2, 3), ()]),
    "scatter": (lambda x: x.scatter(0, index(x, 0, 3), x), [(2, 3)]),
    "scatter_add": (lambda x: x.scatter_add(0, index(x), x), [()]),
    "index_select": (lambda x: x.index_select(0, index(x, 0)), [(2, 3), (2, 0)]),
    "index_select one": (lambda x: x.index_select(0, index(x, 1)), [(2, 3), ()]),
    "index_add": (lambda x: x.index_add(0, index(x, 0), x[:0]), [(2, 3)]),
    "index_copy": (lambda x: x.index_copy(0, index(x, 0), x[:0]), [(2, 3)]),
    "put": (lambda x: x.put(index(x, 0), x.reshape(-1)[:0]), [(2, 3), ()]),
    "put one": (lambda x: x.put(index(x, 1), x.reshape(-1)[:1] * 2), [(2, 3), ()]),
    "cross_entropy": (lambda x: F.cross_entropy(x, index(x, *x.shape[:-1]), reduction="sum"), [(0, 3), (3,), (2, 3)]),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x, x), [(2, 0, 8), (0, 3, 8), (3, 8), (2, 3, 0)]),
    "dropout": (lambda x: F.dropout(x * 0, 0.5), [(0,), (3,), ()]),
}


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("name", OPS)
def test_as_on_the_cpu(driver, name, gaps):
    function, shapes = OPS[name]
    for shape in shapes:
        tour.manual_seed(0)
        values = tour.randn(*shape[:-1], 2 * shape[-1]) if shape and gaps else tour.randn(shape)
        found = {}
        for device in ("cpu", "cuda"):
            leaf = values.detach().to(device).requires_grad_()
            y = function(leaf[..., ::2] if shape and gaps else leaf)
            (y * y).sum().backward()
            tour.cuda.synchronize()
            found[device] = y.detach().cpu().numpy(), leaf.grad.cpu().numpy()
        for a, e in zip(found["cuda"], found["cpu"], strict=True):
            assert a.shape == e.shape
            np.testing.assert_allclose(a, e, rtol=1e-4, atol=1e-5)
