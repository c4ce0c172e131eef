"""Products of matrices and vectors, and sums of products by names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tour

FAMILY = "linear"


def test_answers_of_pytorch(expression, answer, agrees):
    agrees(expression, answer)


@st.composite
def contraction(draw):
    """An equation of up to three operands, and sizes for its letters."""
    letters = "abcde"
    inputs = ["".join(draw(st.lists(st.sampled_from(letters), max_size=3))) for _ in range(draw(st.integers(1, 3)))]
    used = sorted(set("".join(inputs)))
    output = "".join(draw(st.permutations(used))[: draw(st.integers(0, len(used)))])
    sizes = {x: draw(st.integers(1, 3)) for x in used}
    return f"{','.join(inputs)}->{output}", [[sizes[x] for x in labels] for labels in inputs]


@given(contraction())
def test_einsum_is_numpy_s(case):
    equation, shapes = case
    rng = np.random.default_rng(0)
    arrays = [rng.integers(-3, 4, shape) for shape in shapes]
    got = tour.einsum(equation, *map(tour.from_numpy, arrays))
    assert np.array_equal(got.numpy(), np.einsum(equation, *arrays))


@given(st.lists(st.integers(1, 3), max_size=2), st.lists(st.integers(1, 3), max_size=2), st.integers(0, 3))
def test_matmul_broadcasts_as_numpy_s(lead, more, n):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((*lead, 2, n)), rng.standard_normal((*more, n, 3))
    try:
        expected = a @ b
    except ValueError:
        with pytest.raises(RuntimeError):
            tour.from_numpy(a) @ tour.from_numpy(b)
        return
    assert np.allclose((tour.from_numpy(a) @ tour.from_numpy(b)).numpy(), expected)


def test_half_precision_is_multiplied_in_float32():
    x = tour.full((1, 4096), 1.0, dtype=tour.bfloat16)
    assert (x @ x.t()).item() == 4096
    assert (x @ x.t()).dtype is tour.bfloat16
    bias = tour.tensor([[1.0]], dtype=tour.bfloat16)
    assert tour.addmm(bias, x[:, :256], x[:, :256].t()).item() == 256  # rounded once: 257 is no bfloat16


def test_distances_by_a_product_are_distances():
    rng = np.random.default_rng(0)
    a, b = tour.from_numpy(rng.standard_normal((40, 5))), tour.from_numpy(rng.standard_normal((30, 5)))
    exact = tour.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    assert tour.allclose(tour.cdist(a, b), exact)
    assert tour.allclose(exact[3, 4], tour.dist(a[3], b[4]))


def test_in_place_forms():
    x = tour.zeros(2, 2)
    assert x.addmm_(tour.ones(2, 3), tour.ones(3, 2)) is x
    assert x.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    with pytest.raises(RuntimeError):
        tour.zeros(2).addmm_(tour.ones(2, 3), tour.ones(3, 2))
