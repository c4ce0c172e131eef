"""Functions of samples over all samples at once by `vmap`, and derivatives along a direction: on the fake device and on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from test_rules import ARRAYS, LAYERS, both_forms, leaves_of

import tour
from tour.func import jvp, vmap

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
def test_vmap(fake, kind, name, which):
    here, there, arrays = both_forms(kind, name, "cuda")
    shared = set() if which == "all differ" else set(range(1, len(arrays)))
    try:
        expected = mapped(here, arrays, "cpu", shared)
    except (RuntimeError, IndexError, ValueError) as error:
        pytest.skip(f"vmap refuses it on the CPU: {error}")
    for a, e in zip(mapped(there, arrays, "cuda", shared), expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-9, atol=1e-10)


def pushed(function, arrays, device):
    """Values, and their derivatives along a direction."""
    leaves = [leaf.detach() for leaf in leaves_of(arrays, device)]
    moving = [i for i, leaf in enumerate(leaves) if leaf.is_floating_point() or leaf.is_complex()]

    def values(*points):
        given = dict(zip(moving, points, strict=True))
        made = function(*(given.get(i, leaf) for i, leaf in enumerate(leaves)))
        made = [t for t in (made if isinstance(made, (tuple, list)) else [made]) if isinstance(t, tour.Tensor)]
        return tuple(t for t in made if t.is_floating_point() or t.is_complex())

    with tour.device(device):
        points = tuple(leaves[i] for i in moving)
        found = jvp(values, points, tuple(point / 2 + 1 for point in points))
    return [t.detach().cpu().numpy() for part in found for t in part]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_jvp(fake, kind, name):
    here, there, arrays = both_forms(kind, name, "cuda")
    try:
        expected = pushed(here, arrays, "cpu")
    except (RuntimeError, NotImplementedError) as error:
        pytest.skip(f"jvp refuses it on the CPU: {error}")
    for a, e in zip(pushed(there, arrays, "cuda"), expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-7, atol=1e-9)
