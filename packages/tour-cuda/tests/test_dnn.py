"""Convolutions as graphs of cuDNN: that they are valid, as far as the library itself can say so without a GPU."""

from __future__ import annotations

import numpy as np
import pytest

from tour._shapes import count_windows
from tour.cuda import _dnn, _dnn_convolution


def loads() -> bool:
    """Whether the front end and the library are there."""
    if _dnn.frontend() is None:
        return False
    try:
        return bool(_dnn.frontend().backend_version())
    except RuntimeError:
        return False


needs_cudnn = pytest.mark.skipif(
    not loads(), reason="needs nvidia-cudnn-frontend (tour-cuda[cudnn]) and cuDNN (500 MB)"
)

# Input, weight, stride, padding, dilation; the last one has groups.
CASES = [
    ((2, 4, 8, 9), (6, 4, 3, 3), (1, 2), (1, 0), (1, 1)),
    ((2, 4, 5, 6, 7), (3, 4, 2, 3, 3), (1, 1, 2), (0, 1, 1), (1, 1, 2)),
    ((2, 4, 8, 8), (6, 2, 3, 3), (1, 1), (1, 1), (1, 1)),
]


@needs_cudnn
@pytest.mark.parametrize("kind", ["forward", "input", "weight"])
@pytest.mark.parametrize("dtype", sorted(_dnn.TYPES))
@pytest.mark.parametrize(("x", "w", "stride", "padding", "dilation"), CASES)
def test_a_graph_is_valid(kind, dtype, x, w, stride, padding, dilation):
    y = (x[0], w[0], *count_windows(x[2:], w[2:], stride, padding, dilation))
    graph, tensors = _dnn_convolution.graph_of(
        _dnn_convolution.Problem(kind, dtype, x, w, y, stride, padding, dilation, False, False)
    )
    graph.validate()
    for tensor, shape in zip(tensors, (x, w, y), strict=True):
        assert (tuple(tensor.get_dim()), list(tensor.get_stride())) == (shape, _dnn.row_major(shape))


def test_without_the_front_end_it_does_not_serve(simulated, monkeypatch):
    monkeypatch.setattr(simulated, "libraries", True, raising=False)
    monkeypatch.setattr(_dnn, "frontend", lambda: None)
    assert _dnn.serves(np.ones(1)) is False
