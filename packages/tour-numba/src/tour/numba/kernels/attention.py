"""Scaled dot-product attention, head by head, in blocks of rows and columns: scores stay in the cache, and what lies above the diagonal
is skipped where causal, six rows at a time.

As in `tour.nn.kernels.attention`: of the weights only the logarithm of each row's sum is kept, and they are computed anew on the way
back (Dao et al., "FlashAttention", 2022). Of short sequences the weights themselves may be kept, as they are before they are divided by
their sum: for each head the inverse sums, in whole vectors, then the weights, TALL rows of one length after the other. They are made in
the cache and written row by row: written as products come, six rows at a time, they would be waited for.

Queries, values and so on whose rows are not whole vectors are copied into rows that are.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

from tour.numba.kernels import heads, lanes, products, scalar, scores
from tour.numba.kernels.heads import SIX, head
from tour.numba.kernels.memory import doubles, floats, function, helper, longs, rows
from tour.numba.kernels.products import DEPTH

TALL = 48  # rows of a block of scores
NEAR = 1 << 19  # bytes of queries and values that are near enough, so that nothing need be fetched ahead


@helper
def _reach(end: int, last: int, causal: int) -> int:
    """Up to which column the rows up to `last` see."""
    return min(end, last) if causal else end


def _kernels(items: Any, number: Any, real: Any, exp: Any, larger: Any, scatter: Any, multiply: Any) -> Any:
    """Attention and its gradient for numbers of a kind.

    Args:
        items: Makes a pointer to such numbers of an address.
        number: Their type.
        real: LLVM's type of them.
        exp: Their exponential.
        larger: The larger of two.
        scatter: Transposes a square of them.
        multiply: Multiplies matrices of them.
    """
    SIZE = np.dtype(number).itemsize
    LANES, WIDE = 4 * lanes.LANES // SIZE, 4 * products.WIDE // SIZE
    SPAN = DEPTH // WIDE * WIDE  # columns of a block of scores at most
    PITCH = SIZE * (
        SPAN + LANES
    )  # bytes between its rows: an odd number of vectors, so that columns spread over the cache
    ZERO, ONE, UNSEEN = number(0), number(1), number(-np.inf)  # the last is the score of what a row must not see
    cut, largest, exponentials, to_slopes = scores.of(real)
    _whole, _padded, _scaled, _clear, _copy_rows, _panels, _fetch_rows, _fetch_own_rows, _dot, _times_rows = (
        heads.handling(items, number, SIZE, LANES, WIDE, scatter)
    )

    @helper
    def _kept_row(end: int) -> Any:
        """Bytes of a row of kept weights, of which `end` are seen: an odd number of vectors, so that columns spread over the cache."""
        return SIZE * LANES * ((end + LANES - 1) // LANES | 1)

    @function
    def _products(
        x: int, row: int, m: int, width: int, panels: int, target: int, i: int, c: int, end: int, causal: int
    ) -> None:
        """Rows i to i + m times the panels of columns c to `end`, as far as any of six rows sees."""
        for j in range(c, end, WIDE):
            panel, y = panels + SIZE * (j - c) * width, target + SIZE * (j - c)
            for r in range(0, m, SIX):
                count = min(WIDE, _reach(end, i + r + SIX, causal) - j)
                for first in range(0, width if count > 0 else 0, DEPTH):
                    multiply(
                        min(SIX, m - r), _whole(count), min(DEPTH, width - first), x + r * row + first * SIZE, row, SIZE,
                        panel + first * SIZE * WIDE, SIZE * WIDE, y + r * PITCH, PITCH, first,
                    )  # fmt: skip

    @helper
    def _add_mask(place: int, mask: int, count: int, scale: Any) -> None:
        p, m = items(place), items(mask)
        for j in range(count):
            p[j] = p[j] * scale + m[j]

    @function
    def _add_rows(d: int, target: int, row: int, six: int, seen: int, factor: Any) -> None:
        """Add six rows at most, times a factor, to those of a gradient of the mask, which may be one row for all."""
        for r in range(six):
            x, y = items(d + r * PITCH), items(target + r * row)
            for j in range(seen):
                y[j] += factor * x[j]

    @helper
    def _finite(top: Any) -> Any:
        """The largest score of a row, or zero for a row that sees nothing."""
        return ZERO if top == UNSEEN else top

    @function
    def _to_weights(
        p: int,
        target: int,
        pitch: int,
        six: int,
        seen: int,
        first: int,
        step: int,
        factor: Any,
        later: int,
        tops: int,
        totals: int,
        now: int,
        tile: int,
        deep: int,
    ) -> None:
        """Weights from scores p of six rows at most, up to a factor, into target: the first row sees `first` columns, and each after it
        `step` more, `seen` at most. What is known of the rows so far, and what the tile has of their results, follows a larger top."""
        whole = _whole(seen)
        for r in range(six):
            limit = min(seen, first + r * step)
            if limit < whole:
                cut(p + r * PITCH, max(0, limit), whole, UNSEEN)
            items(now)[r] = largest(p + r * PITCH, whole) * factor
        for r in range(six):
            before, top = items(tops)[r], larger(items(now)[r], items(tops)[r])
            shift = _finite(top)
            total = exponentials(p + r * PITCH, target + r * pitch, whole, factor, shift)
            if later:
                less, y = exp(before - shift), items(tile + SIZE * r * deep)
                total += less * items(totals)[r]
                for e in range(deep):
                    y[e] *= less
            items(tops)[r] = top
            items(totals)[r] = total

    def attention(args: int, part: int, parts: int) -> None:
        """Queries a[0], keys a[1] and values a[2] of each head into results a[3] and log-sums of rows a[4].

        The mask a[5], if there is one, is added: a[6] has where that of each head begins, a[7] is between its rows. Weights are kept at
        a[19], if that is not zero, a[20] bytes for each head; then the columns fit one block. Weights are multiplied by factors a[21], for
        dropout, if there are any.
        """
        a = longs(args)
        mask, mask_row = a[5], a[7]
        count, height, columns, width, depth, causal = a[8], a[9], a[10], a[11], a[12], a[13]
        scale, places, layout = number(doubles(args)[14]), a[15], a[16]
        deep, factor = _whole(depth), ONE if mask else scale
        weights = a[17] + part * a[18]
        tile = weights + TALL * PITCH
        tops = tile + SIZE * TALL * deep
        totals, now = tops + SIZE * TALL, tops + 2 * SIZE * TALL
        panels = tile + SIZE * TALL * (deep + 3)
        copies = panels + SIZE * width * ((columns + WIDE - 1) // WIDE * WIDE)
        far = SIZE * count * (height * width + columns * depth) > NEAR
        kept, kept_head, pitch, factors, factors_row = a[19], a[20], PITCH, a[21], SIZE * columns
        start, stop = rows(count, part, parts)
        for n in range(start, stop):
            inverses = kept + n * kept_head
            following = inverses + SIZE * _whole(height)
            q, q_row = head(a[0], layout, 0, n)
            k, k_row = head(a[1], layout, 1, n)
            v, v_row = head(a[2], layout, 2, n)
            out, sums = a[3] + SIZE * n * height * depth, items(a[4] + SIZE * n * height)
            next_q, next_q_row = head(a[0], layout, 0, min(n + 1, stop - 1))
            next_k, next_k_row = head(a[1], layout, 1, min(n + 1, stop - 1))
            next_v, next_v_row = head(a[2], layout, 2, min(n + 1, stop - 1))
            _panels(k, k_row, columns, width, panels, ONE, places)
            v, v_row = _padded(v, v_row, columns, depth, copies)
            for i in range(0, height, TALL):
                m = min(TALL, height - i)
                for r in range(m):
                    items(tops)[r] = UNSEEN
                    items(totals)[r] = ZERO
                results = weights
                if kept:
                    results, pitch = following, _kept_row(_reach(columns, i + m, causal))
                    following += m * pitch
                for c in range(0, _reach(columns, i + m, causal), SPAN):
                    end = _reach(min(columns, c + SPAN), i + m, causal)
                    _products(q + i * q_row, q_row, m, width, panels + SIZE * c * width, weights, i, c, end, causal)
                    for g in range(0, m, SIX):
                        seen = _reach(end, i + g + SIX, causal) - c
                        six = min(SIX, m - g)
                        if seen <= 0:
                            continue
                        if c == 0 and far:
                            _fetch_rows(next_q, next_q_row, i + g, height, width)
                            _fetch_rows(next_k, next_k_row, i + g, columns, width)
                            _fetch_rows(next_v, next_v_row, i + g, columns, depth)
                            _fetch_own_rows(out, i + g, height, depth)
                        p, target, at = weights + g * PITCH, results + g * pitch, SIZE * g
                        if mask:
                            for r in range(six):
                                place = mask + longs(a[6])[n] + (i + g + r) * mask_row + SIZE * c
                                _add_mask(p + r * PITCH, place, seen, scale)
                        first = i + g + 1 - c if causal else seen
                        _to_weights(
                            p,
                            target,
                            pitch,
                            six,
                            seen,
                            first,
                            causal,
                            factor,
                            c,
                            tops + at,
                            totals + at,
                            now + at,
                            tile + at * deep,
                            deep,
                        )
                        if factors:
                            place = factors + (n * height + i + g) * factors_row + SIZE * c
                            _times_rows(target, pitch, place, factors_row, six, seen)
                        multiply(
                            six, deep, seen, target, pitch, SIZE, v + c * v_row, v_row, tile + at * deep, SIZE * deep, c,
                        )  # fmt: skip
                for r in range(m):
                    total = items(totals)[r]
                    if total == ZERO:
                        total = ONE
                    sums[i + r] = number(log(total)) + _finite(items(tops)[r])
                    x, y, inverse = items(tile + SIZE * r * deep), items(out + SIZE * (i + r) * depth), ONE / total
                    for e in range(depth):
                        y[e] = x[e] * inverse
                    if kept:
                        items(inverses)[i + r] = inverse

    @function
    def _kept_to_scores(p: int, pitch: int, d: int, six: int, seen: int, inner: int) -> None:
        """Gradients of scores from those of the weights, d, of six rows at most, and kept weights p; both lack a factor of each row."""
        whole = _whole(seen)
        for r in range(six):
            x, y, s = items(p + r * pitch), items(d + r * PITCH), items(inner)[r]
            for j in range(whole):
                y[j] = x[j] * (y[j] - s)

    @function
    def _to_scores(
        p: int, d: int, six: int, seen: int, first: int, step: int, factor: Any, sums: int, inner: int
    ) -> None:
        """Weights p from scores, and their gradients from those of the weights, d, of six rows at most: the first sees `first` columns,
        and each after it `step` more, `seen` at most. Zeros lie behind what six rows see, for keys are taken by six."""
        whole = _whole(seen)
        for r in range(six):
            limit = max(0, min(seen, first + r * step))
            if limit < whole:
                cut(p, limit, whole, UNSEEN)
            if seen > 0:
                to_slopes(p, d, whole, factor, items(sums)[r], items(inner)[r])
            else:
                cut(p, 0, LANES, ZERO)
                cut(d, 0, LANES, ZERO)
            p += PITCH
            d += PITCH

    @helper
    def _own(x: int, width: int, room: int) -> int:
        """Where the gradient of rows is summed: in its place, or in the room where its rows are not whole vectors."""
        return x if width % LANES == 0 else room

    def attention_grad(args: int, part: int, parts: int) -> None:
        """Gradients of `attention` for queries, keys and values; the weights are computed anew from the log-sums, or have been kept.

        The columns of a block of scores stay, and the rows that see them pass by. Where weights have been kept, what they lack, the
        inverse sum of a row, is multiplied into the gradient of its result instead. The factors are a[25]. The gradient of the mask is
        added to a[26] plus a[29] for each part, if that is not zero, laid out like the mask by a[27] and a[28].
        """
        a = longs(args)
        mask, mask_row = a[9], a[11]
        count, height, columns, width, depth, causal = a[12], a[13], a[14], a[15], a[16], a[17]
        scale, places, layout = number(doubles(args)[18]), a[19], a[20]
        wide, deep, factor = _whole(width), _whole(depth), ONE if mask else scale
        wide_row, deep_row = SIZE * wide, SIZE * deep
        weights, pitch = a[21] + part * a[22], PITCH
        kept, kept_head, factors, factors_row = a[23], a[24], a[25], SIZE * columns
        mask_grad, mask_grad_row = a[26] + part * a[29] if a[26] else 0, a[28]
        slopes = weights + TALL * PITCH
        inner = slopes + TALL * PITCH
        keys = inner + SIZE * _whole(height)
        values = keys + SIZE * SPAN * width
        copies = values + SIZE * SPAN * depth
        far = SIZE * count * (height * width + columns * depth) > NEAR
        start, stop = rows(count, part, parts)
        for n in range(start, stop):
            tall, long_ = SIZE * n * height, SIZE * n * columns
            g, g_row = head(a[0], layout, 0, n)
            q, q_row = head(a[1], layout, 1, n)
            k, k_row = head(a[2], layout, 2, n)
            v, v_row = head(a[3], layout, 3, n)
            out = a[4] + tall * depth
            later = min(n + 1, stop - 1)
            next_g, next_g_row = head(a[0], layout, 0, later)
            next_q, next_q_row = head(a[1], layout, 1, later)
            next_k, next_k_row = head(a[2], layout, 2, later)
            next_v, next_v_row = head(a[3], layout, 3, later)
            next_out = a[4] + SIZE * later * height * depth
            next_dk, next_dv = a[7] + SIZE * later * columns * width, a[8] + SIZE * later * columns * depth
            inverses = kept + n * kept_head
            following = inverses + SIZE * _whole(height)
            for r in range(height):
                items(inner)[r] = scale * _dot(items(g + r * g_row), items(out + SIZE * r * depth), depth)
            room = copies
            q, q_row = _padded(q, q_row, height, width, room)
            room += height * wide_row
            if kept:
                g, g_row = _scaled(g, g_row, height, depth, room, inverses, inner), deep_row
            else:
                g, g_row = _padded(g, g_row, height, depth, room)
            room += height * deep_row
            k, k_row = _padded(k, k_row, columns, width, room)
            room += columns * wide_row
            dq = _own(a[6] + tall * width, width, room)
            room += height * wide_row
            dk = _own(a[7] + long_ * width, width, room)
            room += columns * wide_row
            dv = _own(a[8] + long_ * depth, depth, room)
            seen_by_none = max(0, columns - height) if causal else 0
            _clear(dk + (columns - seen_by_none) * wide_row, seen_by_none * wide)
            _clear(dv + (columns - seen_by_none) * deep_row, seen_by_none * deep)
            for c in range(0, columns, SPAN):
                stop_c = min(columns, c + SPAN)
                if not kept:
                    _panels(k + c * k_row, k_row, stop_c - c, width, keys, ONE, places)
                _panels(v + c * v_row, v_row, stop_c - c, depth, values, scale, places)
                for i in range(c // TALL * TALL if causal else 0, height, TALL):
                    m = min(TALL, height - i)
                    end = _reach(stop_c, i + m, causal)
                    q_i, g_i = q + i * q_row, g + i * g_row
                    if kept:
                        weights, pitch = following, _kept_row(end)
                        following += m * pitch
                    else:
                        _products(q_i, q_row, m, width, keys, weights, i, c, end, causal)
                    _products(g_i, g_row, m, depth, values, slopes, i, c, end, causal)
                    for s in range(0, m, SIX):
                        seen, six = max(0, _reach(end, i + s + SIX, causal) - c), min(SIX, m - s)
                        if c == 0 and far:
                            _fetch_rows(next_g, next_g_row, i + s, height, depth)
                            _fetch_rows(next_q, next_q_row, i + s, height, width)
                            _fetch_rows(next_k, next_k_row, i + s, columns, width)
                            _fetch_rows(next_v, next_v_row, i + s, columns, depth)
                            _fetch_rows(next_out, SIZE * depth, i + s, height, depth)
                            _fetch_own_rows(dq, i + s, height, width)
                            _fetch_own_rows(next_dk, i + s, columns, width)
                            _fetch_own_rows(next_dv, i + s, columns, depth)
                        p, d = weights + s * pitch, slopes + s * PITCH
                        if mask and not kept:
                            for r in range(six):
                                place = mask + longs(a[10])[n] + (i + s + r) * mask_row + SIZE * c
                                _add_mask(p + r * PITCH, place, seen, scale)
                        factor_place = factors + (n * height + i + s) * factors_row + SIZE * c
                        if factors:
                            _times_rows(d, PITCH, factor_place, factors_row, six, seen)
                        first = i + s + 1 - c if causal else seen
                        shift = SIZE * (i + s)
                        if kept:
                            _kept_to_scores(p, pitch, d, six, seen, inner + shift)
                        else:
                            _to_scores(p, d, six, seen, first, causal, factor, a[5] + tall + shift, inner + shift)
                        if factors:
                            _times_rows(p, pitch, factor_place, factors_row, six, seen)
                        if mask_grad:
                            place = mask_grad + longs(a[27])[n] + (i + s) * mask_grad_row + SIZE * c
                            _add_rows(d, place, mask_grad_row, six, seen, ONE / scale)
                        if seen > 0:
                            multiply(
                                six, wide, seen, slopes + s * PITCH, PITCH, SIZE, k + c * k_row, k_row,
                                dq + (i + s) * wide_row, wide_row, c,
                            )  # fmt: skip
                    for j in range(0, end - c, SIX):
                        r = max(0, c + j - i) if causal else 0
                        add = i > c + j if causal else i
                        six = min(SIX, end - c - j)
                        multiply(
                            six, deep, m - r, weights + r * pitch + SIZE * j, SIZE, pitch, g_i + r * g_row, g_row,
                            dv + (c + j) * deep_row, deep_row, add,
                        )  # fmt: skip
                        multiply(
                            six, wide, m - r, slopes + r * PITCH + SIZE * j, SIZE, PITCH, q_i + r * q_row, q_row,
                            dk + (c + j) * wide_row, wide_row, add,
                        )  # fmt: skip
            if wide != width:
                _copy_rows(dq, wide_row, height, width, a[6] + tall * width)
                _copy_rows(dk, wide_row, columns, width, a[7] + long_ * width)
            if deep != depth:
                _copy_rows(dv, deep_row, columns, depth, a[8] + long_ * depth)

    return attention, attention_grad


attention_4, attention_grad_4 = _kernels(
    floats, np.float32, lanes.FLOAT, scalar.exp, scalar.larger, lanes.scatter_rows, products.multiply
)
attention_8, attention_grad_8 = _kernels(
    doubles,
    np.float64,
    lanes.DOUBLE,
    scalar.exp_double,
    scalar.larger_double,
    lanes.scatter_doubles,
    products.multiply_doubles,
)
