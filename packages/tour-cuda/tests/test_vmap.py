"""Functions of samples, over all samples at once by `vmap`: on the fake device and on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from test_rules import ARRAYS, LAYERS, both_forms

import tour
from tour.func import vmap

CASES = [("rule", name) for name in list(ARRAYS.RULES)[::2]] + [("layer", name) for name in LAYERS.CASES]


def mapped(function, arrays, device, shared):
    """The values of a function for two samples; those arguments that are shared are the same for both."""
    tensors = [tour.tensor(a if i in shared else np.stack([a, a / 2])).to(device) for i, a in enumerate(arrays)]

    def values(*samples):
        made = function(*samples)
        return [t for t in (made if isinstance(made, (tuple, list)) else [made]) if isinstance(t, tour.Tensor)]

    with tour.device(device):
        found = vmap(values, in_dims=tuple(None if i in shared else 0 for i in range(len(arrays))))(*tensors)
    assert all(t.device.type == device for t in found)
    return [t.cpu().numpy() for t in found]


@pytest.mark.parametrize("which", ["all differ", "the first differs"])
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_as_on_the_cpu(fake, kind, name, which):
    here, there, arrays = both_forms(kind, name, "cuda")
    shared = set() if which == "all differ" else set(range(1, len(arrays)))
    try:
        expected = mapped(here, arrays, "cpu", shared)
    except (RuntimeError, IndexError, ValueError) as error:
        pytest.skip(f"vmap refuses it on the CPU: {error}")
    for a, e in zip(mapped(there, arrays, "cuda", shared), expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-9, atol=1e-10)
