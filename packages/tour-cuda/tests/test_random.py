"""Philox on the device and in NumPy: the published numbers, the same numbers, and a state that moves on by itself."""

from __future__ import annotations

import numpy as np
import pytest

from tour.cuda import _philox, _random
from tour.cuda._launch import Grid, Kernel, empty

ONES = 0xFFFFFFFF

# Counter, key and words, from the test vectors of Random123 (kat_vectors, philox4x32 10).
PUBLISHED = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]  # fmt: skip

_words = Kernel("random.words")


@pytest.mark.parametrize(("counter", "key", "expected"), PUBLISHED)
def test_the_published_numbers(counter, key, expected):
    assert tuple(map(int, _philox.philox(counter, key))) == expected


@pytest.mark.parametrize(("seed", "offset"), [(0, 0), (7, 5), (2**63 + 11, 2**33 - 2)])
def test_the_device_and_numpy_draw_the_same_words(simulated, seed, offset):
    like = np.empty(0, np.float32)
    _random.manual_seed(0)
    state = _random.state(like)
    _random.put(state, seed, offset)
    y = empty((1003,), np.uint32, like)
    _words(Grid((2, 1, 1), (64, 1, 1)), state, y, y.size, scalar=np.float32)
    np.testing.assert_array_equal(y, _philox.words(seed, offset, 1003))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform_numbers_and_the_state_after_them(simulated, dtype):
    _random.manual_seed(3)
    a, b = np.empty(1001, dtype), np.empty((2, 5), dtype)
    _random.uniform(a)
    _random.uniform(b, -1.0, 1.0)
    used = -(-1001 // (4 if dtype == np.float32 else 2))
    np.testing.assert_array_equal(a, _philox.units(3, 0, 1001, dtype))
    np.testing.assert_allclose(b.reshape(-1), 2 * _philox.units(3, used, 10, dtype) - 1, atol=1e-7)
    assert a.min() >= 0 and a.max() < 1 and abs(a.mean() - 0.5) < 0.03


def test_half_precision_never_rounds_up_to_the_end(simulated):
    _random.manual_seed(0)
    a = np.empty(20_000, np.float16)
    _random.uniform(a)
    assert a.max() < 1


def test_normal_numbers(simulated):
    _random.manual_seed(5)
    a = np.empty(4001, np.float32)
    _random.normal(a, 2.0, 3.0)
    np.testing.assert_allclose(a, 2 + 3 * _philox.normals(5, 0, 4001), rtol=1e-5, atol=1e-5)
    assert abs(a.mean() - 2) < 0.2 and abs(a.std() - 3) < 0.1


def test_bernoulli_and_the_mask_of_a_dropout(simulated):
    _random.manual_seed(1)
    a, mask = np.empty((9, 100), np.float32), np.empty((9, 100), np.float16)
    _random.bernoulli(a, 0.3)
    np.testing.assert_array_equal(a.reshape(-1), _philox.units(1, 0, 900) < np.float32(0.3))
    _random.bernoulli(mask, 0.8, 1 / 0.8)
    assert set(np.unique(mask)) == {0, np.float16(1.25)}
    assert abs((mask == 0).mean() - 0.2) < 0.05


def test_a_seed_starts_all_devices_anew(simulated):
    a, b = np.empty(10, np.float32), np.empty(10, np.float32)
    _random.manual_seed(9)
    _random.uniform(a)
    _random.uniform(b)
    assert not np.array_equal(a, b)
    _random.manual_seed(9)
    _random.uniform(b)
    np.testing.assert_array_equal(a, b)


def test_the_state_is_moved_on_by_the_device(simulated):
    """What a captured graph replays are the launches, not this module: they alone must move the state on."""
    _random.manual_seed(2)
    _random.uniform(np.empty(10, np.float32))
    assert simulated.launched[-2:] == ["uniform", "advance"]
    np.testing.assert_array_equal(_random.state(np.empty(0, np.float32)), [2, 3])
