"""Attention in compiled form: lengths and widths at every residue of vectors and blocks, causal and masked, both ways, against float64."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tour
from tour.nn.kernels import attention as kernels
from tour.numba import _machine
from tour.numba.forms import attention as forms

LANES = _machine.vector_bits() // 32
EPS = np.finfo(np.float32).eps
BOTH = (np.float32, np.float64)
LENGTHS = [*range(1, 20), 31, 32, 33, *range(46, 52), 95, 96, 97, 130]


def exact(kernel, *args):
    """The NumPy kernel in float64, or in more where float64 is given."""
    wide = np.float64 if args[0].dtype == np.float32 else np.longdouble
    return inspect.unwrap(kernel)(
        *(a.astype(wide) if isinstance(a, np.ndarray) and a.dtype != bool else a for a in args)
    )


def far(got, wanted):
    """Error in units of the dtype's resolution; gradients may cancel to nothing."""
    return np.abs(got - wanted).max() / max(np.abs(wanted).max(), 1) / np.finfo(got.dtype).eps


def compare(guarded, rng, batch, sizes, mask, causal, drop=0.0, dtype=np.float32):
    """Both ways against the NumPy kernel in a wider dtype; sizes are L, S, E and V. Whether weights have been kept."""
    length, columns, width, depth = sizes
    q, k, v, g = (
        guarded.input(rng.standard_normal((*batch, n, d)).astype(dtype))
        for n, d in ((length, width), (columns, width), (columns, depth), (length, depth))
    )
    keep = None
    if drop:
        keep = guarded.input((rng.random((*batch, length, columns)) >= drop).astype(dtype) / dtype(1 - drop))
    if mask is not None and mask.dtype != bool:
        mask = mask.astype(dtype, copy=False)
    given = q, k, v, mask, keep, causal, width**-0.5
    wanted = exact(kernels.attention, *given)
    got = forms.attention(*given)
    long = max(1, width / 64) ** 0.5  # sums of a row with a column
    assert far(got[0], wanted[0]) < 12 * long and far(got[1], wanted[1]) < 6 * long
    out, sums = (x.astype(dtype) for x in wanted)
    again = forms.attention(*given, True)  # perhaps with its weights
    assert np.array_equal(again[0], got[0]) and np.array_equal(again[1], got[1])
    learned = mask is not None and mask.dtype == dtype
    right = exact(kernels.attention_grad, g, *given, *wanted, learned)
    for kept in ((), again[2:]):
        grads = forms.attention_grad(g, *given, out, sums, False, *kept)
        for a, b in zip(grads[:3], right, strict=False):
            assert a.dtype == dtype and far(a, b) < 24 * long
        assert grads[3] is None
        if learned:
            added = long * (len(q.reshape(-1, width)) * columns / mask.size) ** 0.5
            more = forms.attention_grad(g, *given, out, sums, True, *kept)
            assert all(np.array_equal(a, b) for a, b in zip(more[:3], grads, strict=False))
            assert more[3].dtype == dtype and more[3].shape == mask.shape and far(more[3], right[3]) < 24 * added
    return len(again) == 3


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("length", LENGTHS)
def test_every_length(guarded, rng, length, causal):
    for columns in (length, length + 7, max(1, length - 5)):
        width, depth = LANES * (1 + length % 2), LANES * (1 + columns % 3)
        compare(guarded, rng, (2, 2), (length, columns, width, depth), None, causal)


@pytest.mark.parametrize("causal", [True, False])
def test_more_than_one_block_of_columns(guarded, rng, causal):
    for length, columns in ((385, 385), (50, 800), (800, 50), (390, 769)):
        compare(guarded, rng, (2,), (length, columns, LANES, LANES), None, causal)
        compare(
            guarded, rng, (2,), (length, columns, 5, 3), rng.standard_normal((length, 1)).astype(np.float32), causal
        )


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("length", [*range(1, 10), 15, 16, 17, 47, 48, 49, 97])
def test_every_length_in_double_precision(guarded, rng, length, causal):
    for columns in (length, length + 7, max(1, length - 5)):
        width, depth = LANES // 2 * (1 + length % 2), LANES // 2 * (1 + columns % 3)
        compare(guarded, rng, (2, 2), (length, columns, width, depth), None, causal, 0.0, np.float64)
    compare(guarded, rng, (2,), (length, 400, 5, 9), None, causal, 0.0, np.float64)  # more than a block of columns


@pytest.mark.parametrize("width", range(1, LANES + 2))
def test_every_width_in_double_precision(guarded, rng, width):
    for depth in (width, 1, LANES // 2, 3 * LANES + 5):
        compare(guarded, rng, (3,), (19, 23, width, depth), None, depth % 2 == 0, 0.0, np.float64)


@pytest.mark.parametrize("width", range(1, 2 * LANES + 2))
def test_every_width(guarded, rng, width):
    for depth in (width, 1, LANES, 3 * LANES + 5):
        compare(guarded, rng, (3,), (19, 23, width, depth), None, depth % 2 == 0)


def test_wide_heads(guarded, rng):
    for width in (80, 128, 400, 784):
        compare(guarded, rng, (2,), (55, 70, width, width), None, False)


MASKS = {
    "for all heads": (13, 21),
    "for each head": (2, 3, 13, 21),
    "for each sample": (2, 1, 1, 21),
    "for each row": (3, 13, 1),
    "one number": (1, 1),
}


@pytest.mark.parametrize("shape", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("dtype", BOTH)
def test_masks(guarded, rng, shape, causal, dtype):
    for mask in (rng.random(shape) < 0.7, 3 * rng.standard_normal(shape)):
        compare(guarded, rng, (2, 3), (13, 21, 8, 8), mask, causal, 0.0, dtype)
    behind = rng.standard_normal((*shape[:-1], 2 * shape[-1])).astype(dtype)[..., ::-2]
    compare(guarded, rng, (2, 3), (13, 21, 8, 8), behind, causal, 0.0, dtype)


@pytest.mark.parametrize("dtype", BOTH)
def test_rows_that_see_nothing(guarded, rng, dtype):
    for columns in (21, 400):  # in one block and in two, of which the first or second may be hidden
        mask = rng.random((13, columns)) < 0.7
        mask[3] = False
        mask[5, : columns - 1] = False
        mask[6, 1:] = False
        compare(guarded, rng, (2,), (13, columns, 8, 8), mask, False, 0.0, dtype)
        compare(guarded, rng, (2,), (13, columns, 8, 8), np.where(mask, 0, -np.inf), False, 0.0, dtype)


LAYOUTS = {
    "heads beside each other": lambda rng, n, d, t: rng.standard_normal((2, n, 3, 4, d), t).swapaxes(1, 3)[:, :, 1],
    "rows from behind": lambda rng, n, d, t: rng.standard_normal((2, 4, 2 * n, d), t)[:, :, ::-2],
    "one for all heads": lambda rng, n, d, t: np.broadcast_to(rng.standard_normal((2, 1, n, d), t), (2, 4, n, d)),
    "gaps in rows": lambda rng, n, d, t: rng.standard_normal((2, 4, n, 2 * d), t)[..., ::2],
}


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(guarded, rng, layout, dtype):
    for lead in (
        (..., slice(None), slice(None)),
        (0,),
        (0, 0),
        (slice(None), None),
    ):  # also three, two and five dimensions
        q, k, v, g = (LAYOUTS[layout](rng, n, LANES, dtype)[lead] for n in (50, 35, 35, 50))
        given = q, k, v, None, None, False, 0.3
        wanted = exact(kernels.attention, *given)
        got = forms.attention(*given)
        assert far(got[0], wanted[0]) < 12 and far(got[1], wanted[1]) < 6
        grads = forms.attention_grad(g, *given, *got)
        for a, b in zip(grads[:3], exact(kernels.attention_grad, g, *given, *wanted)[:3], strict=True):
            assert far(a, b) < 24


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("length", [1, 6, 7, LANES, 49, 97])
@pytest.mark.parametrize("dtype", BOTH)
def test_dropout(guarded, rng, length, causal, dtype):
    for columns in (length, length + 7, 400):
        for mask in (None, rng.standard_normal((length, columns))):
            assert not compare(guarded, rng, (2, 2), (length, columns, 8, 2 * LANES), mask, causal, 0.3, dtype)


@pytest.mark.parametrize("dtype", BOTH)
def test_gradients_of_masks_in_several_parts(guarded, rng, monkeypatch, dtype):
    """Each part has a sum of its own where heads share a mask."""
    monkeypatch.setattr(forms, "_parts", lambda count: min(count, 5))
    for shape in ((49, 50), (3, 49, 50), (2, 1, 49, 50), (2, 3, 49, 50), (2, 1, 1, 50), (49, 1)):
        mask = rng.standard_normal(shape)
        compare(guarded, rng, (2, 3), (49, 50, 8, 8), mask, False, 0.0, dtype)
        compare(guarded, rng, (2, 3), (49, 50, 8, 8), mask, True, 0.5, dtype)


def test_dropout_draws_what_numpy_draws():
    def run(dtype):
        tour.manual_seed(3)
        q, k, v = (tour.randn(2, 3, 40, 32).to(dtype).requires_grad_() for _ in range(3))
        y = tour.nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=0.4)
        y.square().sum().backward()
        return y, q.grad, k.grad, v.grad, tour.rand(3)

    found, socket = run(tour.float32), kernels.attention.socket
    form, other = socket.form, kernels.attention_grad.socket.form
    try:
        socket.form = kernels.attention_grad.socket.form = lambda *args: NotImplemented
        wanted = run(tour.float32)
    finally:
        socket.form, kernels.attention_grad.socket.form = form, other
    for a, b in zip(found, wanted, strict=True):
        assert (a - b).abs().max() < 1e-5 * max(1, float(b.abs().max()))


def test_weights_are_kept_where_they_are_few(guarded, rng):
    """And where a gradient will be asked for: the same twice, as the graph may be walked again."""
    assert compare(guarded, rng, (2,), (96, 96, 64, 64), None, False)
    assert compare(guarded, rng, (2,), (130, 130, 48, 48), None, True)  # rows see half as much
    assert not compare(guarded, rng, (2,), (130, 130, 48, 48), None, False)
    assert not compare(guarded, rng, (1,), (3, 385, 80, 80), None, False)  # more than a block of columns
    assert compare(guarded, rng, (2,), (130, 130, 48, 48), None, True, 0.0, np.float64)
    q, k, v, g = (rng.standard_normal((2, 40, 32)).astype(np.float32) for _ in range(4))
    out, sums, kept = forms.attention(q, k, v, None, None, True, 0.2, True)
    before = kept.copy()
    first, second = (forms.attention_grad(g, q, k, v, None, None, True, 0.2, out, sums, False, kept) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first[:3], second[:3], strict=True))
    assert np.array_equal(kept.view(np.int32), before.view(np.int32))


def test_programs_keep_weights_for_a_gradient(monkeypatch, rng):
    asked, form = [], forms.attention
    socket = kernels.attention.socket
    monkeypatch.setattr(socket, "form", lambda *args: asked.append(args[-1]) or form(*args))
    x = tour.tensor(rng.standard_normal((2, 40, 64)).astype(np.float32))
    learned = x.clone().requires_grad_()
    attend = tour.nn.functional.scaled_dot_product_attention
    attend(x, x, x)
    attend(x, learned, x)
    with tour.no_grad():
        attend(learned, learned, learned)
    assert asked == [False, True, False]


def test_what_is_left_to_numpy():
    x, mask = np.ones((1, 5, LANES), np.float32), np.ones((5, 5), np.float64)
    assert forms.attention(x, x, x, mask, None, False, 1.0) is NotImplemented
    assert forms.attention_grad(x, x, x, x, mask, None, False, 1.0, x, x[..., 0], True) is NotImplemented
    assert forms.attention(x, x, x, None, np.ones((1, 5, 5), np.float64), False, 1.0) is NotImplemented
    assert forms.attention(x[:, :0], x, x, None, None, False, 1.0) is NotImplemented
    assert forms.attention(x, x, x, None, None, False, -1.0) is NotImplemented
    y = x.astype(np.float64)
    assert forms.attention(x, y, y, None, None, False, 1.0) is NotImplemented
    assert forms.attention_grad(y, x, x, x, None, None, False, 1.0, x, x[..., 0]) is NotImplemented
    assert forms.attention_grad(x, x, x, x, None, None, False, 1.0, x, y[..., 0]) is NotImplemented


def test_programs_reach_it_through_views():
    qkv = tour.randn(2, 40, 3, 4, LANES, requires_grad=True)

    def attend(x):
        q, k, v = x.permute(2, 0, 3, 1, 4).unbind(0)
        return tour.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)

    y = attend(qkv)
    y.square().sum().backward()
    double = qkv.detach().double().requires_grad_()
    z = attend(double)
    z.square().sum().backward()
    assert (y - z).abs().max() < 1e-5 and (qkv.grad - double.grad).abs().max() < 1e-4


def test_numbers_that_are_not_finite():
    x = np.zeros((1, 3, LANES), np.float32)
    x[0, 1] = np.nan
    out, _ = forms.attention(np.ones_like(x), x, np.ones_like(x), None, None, True, 1.0)
    assert np.array_equal(np.isnan(out[0, :, 0]), [False, True, True])
