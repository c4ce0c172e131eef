"""`tour.utils.checkpoint` is `tour.autograd.checkpoint`, found as PyTorch's programs write it."""

from __future__ import annotations

import tour


def test_it_is_found_where_programs_look():
    x = tour.arange(3.0).requires_grad_()
    tour.utils.checkpoint.checkpoint(lambda t: (t**2).sin(), x, use_reentrant=False).sum().backward()
    expected = 2 * x * (x**2).cos()
    assert x.grad.tolist() == expected.tolist()


def test_what_there_is_not():
    assert "data" in dir(tour.utils)
    assert not hasattr(tour.utils, "dataa")
