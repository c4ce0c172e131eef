"""assert_close says what differs, in PyTorch's words."""

from __future__ import annotations

import pytest

import tour
from tour.testing import assert_close, make_tensor


def test_what_is_close():
    assert_close(tour.ones(2), tour.ones(2) + 1e-7)
    assert_close(1.0, 1.0 + 1e-9)
    assert_close({"a": [tour.ones(2), 3]}, {"a": [tour.ones(2), 3]})
    assert_close(tour.tensor([float("nan")]), tour.tensor([float("nan")]), equal_nan=True)
    assert_close(tour.ones(2, dtype=tour.bfloat16), tour.ones(2, dtype=tour.bfloat16))
    assert_close(tour.ones(2), tour.ones(2).double(), check_dtype=False)


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (
            tour.tensor([1, 2]),
            tour.tensor([1, 4]),
            "not equal!\n\nMismatched elements: 1 / 2 (50.0%)\nGreatest absolute difference: 2 at",
        ),
        (tour.ones(2), tour.zeros(2), "not close!\n\nMismatched elements: 2 / 2 (100.0%)"),
        (
            1.0,
            2.0,
            "Scalars are not close!\n\nExpected 2.0 but got 1.0.\nAbsolute difference: 1.0 (up to 1e-07 allowed)",
        ),
        (tour.ones(2), tour.ones(3), "The values for attribute 'shape' do not match"),
        (tour.ones(2), tour.ones(2).double(), "The values for attribute 'dtype' do not match"),
        ([tour.ones(1), tour.ones(2)], [tour.ones(1), tour.zeros(2)], "The failure occurred for item [1]"),
        ([1], [1, 2], "The length of the sequences mismatch: 1 != 2"),
        ({"a": 1}, {"b": 1}, "The keys of the mappings do not match"),
    ],
)
def test_what_is_not(a, b, text):
    with pytest.raises(AssertionError) as caught:
        assert_close(a, b)
    assert text in str(caught.value)


def test_message_and_misuse():
    with pytest.raises(AssertionError, match=r"^mine$"):
        assert_close(1, 2, msg="mine")
    with pytest.raises(ValueError, match="both be specified"):
        assert_close(1.0, 1.0, rtol=1)
    with pytest.raises(TypeError, match="No comparison pair"):
        assert_close(tour.ones(1), 1.0)


def test_make_tensor():
    tour.manual_seed(0)
    t = make_tensor(3, 4, dtype=tour.float32, low=2, high=3, noncontiguous=True)
    assert t.shape == (3, 4) and not t.is_contiguous() and 2 <= t.min().item() <= t.max().item() < 3
    tour.manual_seed(0)
    assert make_tensor(3, 4, dtype=tour.float32, low=2, high=3, noncontiguous=True).equal(t)
    assert make_tensor(5, dtype=tour.uint8, exclude_zero=True).min().item() > 0
