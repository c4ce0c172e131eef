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

from tour.numba.kernels import scalar, scores
from tour.numba.kernels.lanes import LANES
from tour.numba.kernels.matrices import pack_panel
from tour.numba.kernels.memory import doubles, fetch, fetch_to_write, floats, function, helper, longs, rows
from tour.numba.kernels.products import DEPTH, FLOAT, WIDE, multiply
from tour.numba.kernels.scalar import INFINITY, ONE, ZERO, f4, larger

TALL = 48  # rows of a block of scores; the registers of a product hold SIX
SIX = 6
SPAN = DEPTH // WIDE * WIDE  # columns of a block of scores at most
PITCH = FLOAT * (
    SPAN + LANES
)  # bytes between its rows: an odd number of vectors, so that columns spread over the cache
UNSEEN = -INFINITY  # the score of what a row must not see


@helper
def _whole(n: int) -> int:
    """Numbers of the vectors that hold n."""
    return (n + LANES - 1) // LANES * LANES


@helper
def _head(operand: int, layout: int, place: int, n: int) -> Any:
    """Where head n of an operand begins, and how far apart its rows are. `layout` has the number of heads of a sample, and three
    strides for each operand: of samples, heads and rows."""
    strides = longs(layout + 8 + 24 * place)
    heads = longs(layout)[0]
    return operand + n // heads * strides[0] + n % heads * strides[1], strides[2]


@function
def _padded(x: int, row: int, height: int, width: int, room: int) -> Any:
    """Rows of whole vectors: those of x, or copies with zeros behind, in the room."""
    whole = _whole(width)
    if whole == width:
        return x, row
    for i in range(height):
        a, b = floats(x + i * row), floats(room + FLOAT * i * whole)
        for j in range(width):
            b[j] = a[j]
        for j in range(width, whole):
            b[j] = ZERO
    return room, FLOAT * whole


@function
def _scaled(x: int, row: int, height: int, width: int, room: int, factors: int, numbers: int) -> int:
    """Rows of whole vectors in the room, each times a factor, as is a number for each row."""
    whole = _whole(width)
    for i in range(height):
        a, b, factor = floats(x + i * row), floats(room + FLOAT * i * whole), floats(factors)[i]
        floats(numbers)[i] *= factor
        for j in range(width):
            b[j] = a[j] * factor
        for j in range(width, whole):
            b[j] = ZERO
    return room


@function
def _clear(x: int, n: int) -> None:
    a = floats(x)
    for j in range(n):
        a[j] = ZERO


@function
def _copy_rows(x: int, row: int, height: int, width: int, target: int) -> None:
    """The first numbers of rows, close together."""
    for i in range(height):
        a, b = floats(x + i * row), floats(target + FLOAT * i * width)
        for j in range(width):
            b[j] = a[j]


@function
def _panels(x: int, row: int, count: int, width: int, target: int, factor: Any, places: int) -> None:
    """The transpose of `count` rows of x, times a factor, in panels of WIDE columns."""
    for j in range(0, count, WIDE):
        panel = target + FLOAT * j * width
        pack_panel(x + j * row, FLOAT, row, width, min(WIDE, count - j), panel, places)
        if factor != ONE:
            y = floats(panel)
            for e in range(width * WIDE):
                y[e] *= factor


@helper
def _kept_row(end: int) -> int:
    """Bytes of a row of kept weights, of which `end` are seen: an odd number of vectors, so that columns spread over the cache."""
    return FLOAT * LANES * ((end + LANES - 1) // LANES | 1)


@helper
def _reach(end: int, last: int, causal: int) -> int:
    """Up to which column the rows up to `last` see."""
    return min(end, last) if causal else end


@function
def _products(
    x: int, row: int, m: int, width: int, panels: int, target: int, i: int, c: int, end: int, causal: int
) -> None:
    """Rows i to i + m times the panels of columns c to `end`, as far as any of six rows sees."""
    for j in range(c, end, WIDE):
        panel, y = panels + FLOAT * (j - c) * width, target + FLOAT * (j - c)
        for r in range(0, m, SIX):
            count = min(WIDE, _reach(end, i + r + SIX, causal) - j)
            for first in range(0, width if count > 0 else 0, DEPTH):
                multiply(
                    min(SIX, m - r), _whole(count), min(DEPTH, width - first), x + r * row + first * FLOAT, row, FLOAT,
                    panel + first * FLOAT * WIDE, FLOAT * WIDE, y + r * PITCH, PITCH, first,
                )  # fmt: skip


LINE = 64  # bytes of a cache line
NEAR = 1 << 19  # bytes of queries and values that are near enough, so that nothing need be fetched ahead


@function
def _fetch_rows(x: int, row: int, first: int, height: int, width: int) -> None:
    """Bring the SIX rows from `first` on near, as far as there are any."""
    for r in range(first, min(first + SIX, height)):
        for e in range(0, FLOAT * width, LINE):
            fetch(x + r * row + e)


@function
def _fetch_own_rows(x: int, first: int, height: int, width: int) -> None:
    """The same for rows that will be written."""
    start, stop = FLOAT * width * first, FLOAT * width * min(first + SIX, height)
    for e in range(start, stop, LINE):
        fetch_to_write(x + e)


@helper
def _dot(x: Any, y: Any, n: int) -> Any:
    s = ZERO
    for j in range(n):
        s += x[j] * y[j]
    return s


@helper
def _add_mask(place: int, mask: int, count: int, scale: Any) -> None:
    p, m = floats(place), floats(mask)
    for j in range(count):
        p[j] = p[j] * scale + m[j]


@function
def _times_rows(p: int, pitch: int, factors: int, row: int, six: int, seen: int) -> None:
    """Six rows at most times those of some factors."""
    for r in range(six):
        x, y = floats(p + r * pitch), floats(factors + r * row)
        for j in range(seen):
            x[j] *= y[j]


@function
def _add_rows(d: int, target: int, row: int, six: int, seen: int, factor: Any) -> None:
    """Add six rows at most, times a factor, to those of a gradient of the mask, which may be one row for all."""
    for r in range(six):
        x, y = floats(d + r * PITCH), floats(target + r * row)
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
            scores.cut(p + r * PITCH, max(0, limit), whole, UNSEEN)
        floats(now)[r] = scores.largest(p + r * PITCH, whole) * factor
    for r in range(six):
        before, top = floats(tops)[r], larger(floats(now)[r], floats(tops)[r])
        shift = _finite(top)
        total = scores.exponentials(p + r * PITCH, target + r * pitch, whole, factor, shift)
        if later:
            less, y = scalar.exp(before - shift), floats(tile + FLOAT * r * deep)
            total += less * floats(totals)[r]
            for e in range(deep):
                y[e] *= less
        floats(tops)[r] = top
        floats(totals)[r] = total


def attention(args: int, part: int, parts: int) -> None:
    """Queries a[0], keys a[1] and values a[2] of each head into results a[3] and log-sums of rows a[4].

    The mask a[5], if there is one, is added: a[6] has where that of each head begins, a[7] is between its rows. Weights are kept at
    a[19], if that is not zero, a[20] bytes for each head; then the columns fit one block. Weights are multiplied by factors a[21], for
    dropout, if there are any.
    """
    a = longs(args)
    mask, mask_row = a[5], a[7]
    count, height, columns, width, depth, causal = a[8], a[9], a[10], a[11], a[12], a[13]
    scale, places, layout = f4(doubles(args)[14]), a[15], a[16]
    deep, factor = _whole(depth), ONE if mask else scale
    weights = a[17] + part * a[18]
    tile = weights + TALL * PITCH
    tops = tile + FLOAT * TALL * deep
    totals, now = tops + FLOAT * TALL, tops + 2 * FLOAT * TALL
    panels = tile + FLOAT * TALL * (deep + 3)
    copies = panels + FLOAT * width * ((columns + WIDE - 1) // WIDE * WIDE)
    far = FLOAT * count * (height * width + columns * depth) > NEAR
    kept, kept_head, pitch, factors, factors_row = a[19], a[20], PITCH, a[21], FLOAT * columns
    start, stop = rows(count, part, parts)
    for n in range(start, stop):
        inverses = kept + n * kept_head
        following = inverses + FLOAT * _whole(height)
        q, q_row = _head(a[0], layout, 0, n)
        k, k_row = _head(a[1], layout, 1, n)
        v, v_row = _head(a[2], layout, 2, n)
        out, sums = a[3] + FLOAT * n * height * depth, floats(a[4] + FLOAT * n * height)
        next_q, next_q_row = _head(a[0], layout, 0, min(n + 1, stop - 1))
        next_k, next_k_row = _head(a[1], layout, 1, min(n + 1, stop - 1))
        next_v, next_v_row = _head(a[2], layout, 2, min(n + 1, stop - 1))
        _panels(k, k_row, columns, width, panels, ONE, places)
        v, v_row = _padded(v, v_row, columns, depth, copies)
        for i in range(0, height, TALL):
            m = min(TALL, height - i)
            for r in range(m):
                floats(tops)[r] = UNSEEN
                floats(totals)[r] = ZERO
            results = weights
            if kept:
                results, pitch = following, _kept_row(_reach(columns, i + m, causal))
                following += m * pitch
            for c in range(0, _reach(columns, i + m, causal), SPAN):
                end = _reach(min(columns, c + SPAN), i + m, causal)
                _products(q + i * q_row, q_row, m, width, panels + FLOAT * c * width, weights, i, c, end, causal)
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
                    p, target, at = weights + g * PITCH, results + g * pitch, FLOAT * g
                    if mask:
                        for r in range(six):
                            place = mask + longs(a[6])[n] + (i + g + r) * mask_row + FLOAT * c
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
                        place = factors + (n * height + i + g) * factors_row + FLOAT * c
                        _times_rows(target, pitch, place, factors_row, six, seen)
                    multiply(
                        six, deep, seen, target, pitch, FLOAT, v + c * v_row, v_row, tile + at * deep, FLOAT * deep, c,
                    )  # fmt: skip
            for r in range(m):
                total = floats(totals)[r]
                if total == ZERO:
                    total = ONE
                sums[i + r] = f4(log(total)) + _finite(floats(tops)[r])
                x, y, inverse = floats(tile + FLOAT * r * deep), floats(out + FLOAT * (i + r) * depth), ONE / total
                for e in range(depth):
                    y[e] = x[e] * inverse
                if kept:
                    floats(inverses)[i + r] = inverse


@function
def _kept_to_scores(p: int, pitch: int, d: int, six: int, seen: int, inner: int) -> None:
    """Gradients of scores from those of the weights, d, of six rows at most, and kept weights p; both lack a factor of each row."""
    whole = _whole(seen)
    for r in range(six):
        x, y, s = floats(p + r * pitch), floats(d + r * PITCH), floats(inner)[r]
        for j in range(whole):
            y[j] = x[j] * (y[j] - s)


@function
def _to_scores(p: int, d: int, six: int, seen: int, first: int, step: int, factor: Any, sums: int, inner: int) -> None:
    """Weights p from scores, and their gradients from those of the weights, d, of six rows at most: the first sees `first` columns,
    and each after it `step` more, `seen` at most. Zeros lie behind what six rows see, for keys are taken by six."""
    whole = _whole(seen)
    for r in range(six):
        limit = max(0, min(seen, first + r * step))
        if limit < whole:
            scores.cut(p, limit, whole, UNSEEN)
        if seen > 0:
            scores.slopes(p, d, whole, factor, floats(sums)[r], floats(inner)[r])
        else:
            scores.cut(p, 0, LANES, ZERO)
            scores.cut(d, 0, LANES, ZERO)
        p += PITCH
        d += PITCH


@helper
def _own(x: int, width: int, room: int) -> int:
    """Where the gradient of rows is summed: in its place, or in the room where its rows are not whole vectors."""
    return x if width % LANES == 0 else room


def attention_grad(args: int, part: int, parts: int) -> None:
    """Gradients of `attention` for queries, keys and values; the weights are computed anew from the log-sums, or have been kept.

    The columns of a block of scores stay, and the rows that see them pass by. Where weights have been kept, what they lack, the inverse
    sum of a row, is multiplied into the gradient of its result instead. The factors are a[25]. The gradient of the mask is added to a[26]
    plus a[29] for each part, if that is not zero, laid out like the mask by a[27] and a[28].
    """
    a = longs(args)
    mask, mask_row = a[9], a[11]
    count, height, columns, width, depth, causal = a[12], a[13], a[14], a[15], a[16], a[17]
    scale, places, layout = f4(doubles(args)[18]), a[19], a[20]
    wide, deep, factor = _whole(width), _whole(depth), ONE if mask else scale
    wide_row, deep_row = FLOAT * wide, FLOAT * deep
    weights, pitch = a[21] + part * a[22], PITCH
    kept, kept_head, factors, factors_row = a[23], a[24], a[25], FLOAT * columns
    mask_grad, mask_grad_row = a[26] + part * a[29] if a[26] else 0, a[28]
    slopes = weights + TALL * PITCH
    inner = slopes + TALL * PITCH
    keys = inner + FLOAT * _whole(height)
    values = keys + FLOAT * SPAN * width
    copies = values + FLOAT * SPAN * depth
    far = FLOAT * count * (height * width + columns * depth) > NEAR
    start, stop = rows(count, part, parts)
    for n in range(start, stop):
        tall, long_ = FLOAT * n * height, FLOAT * n * columns
        g, g_row = _head(a[0], layout, 0, n)
        q, q_row = _head(a[1], layout, 1, n)
        k, k_row = _head(a[2], layout, 2, n)
        v, v_row = _head(a[3], layout, 3, n)
        out = a[4] + tall * depth
        later = min(n + 1, stop - 1)
        next_g, next_g_row = _head(a[0], layout, 0, later)
        next_q, next_q_row = _head(a[1], layout, 1, later)
        next_k, next_k_row = _head(a[2], layout, 2, later)
        next_v, next_v_row = _head(a[3], layout, 3, later)
        next_out = a[4] + FLOAT * later * height * depth
        next_dk, next_dv = a[7] + FLOAT * later * columns * width, a[8] + FLOAT * later * columns * depth
        inverses = kept + n * kept_head
        following = inverses + FLOAT * _whole(height)
        for r in range(height):
            floats(inner)[r] = scale * _dot(floats(g + r * g_row), floats(out + FLOAT * r * depth), depth)
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
                        _fetch_rows(next_out, FLOAT * depth, i + s, height, depth)
                        _fetch_own_rows(dq, i + s, height, width)
                        _fetch_own_rows(next_dk, i + s, columns, width)
                        _fetch_own_rows(next_dv, i + s, columns, depth)
                    p, d = weights + s * pitch, slopes + s * PITCH
                    if mask and not kept:
                        for r in range(six):
                            place = mask + longs(a[10])[n] + (i + s + r) * mask_row + FLOAT * c
                            _add_mask(p + r * PITCH, place, seen, scale)
                    factor_place = factors + (n * height + i + s) * factors_row + FLOAT * c
                    if factors:
                        _times_rows(d, PITCH, factor_place, factors_row, six, seen)
                    first = i + s + 1 - c if causal else seen
                    shift = FLOAT * (i + s)
                    if kept:
                        _kept_to_scores(p, pitch, d, six, seen, inner + shift)
                    else:
                        _to_scores(p, d, six, seen, first, causal, factor, a[5] + tall + shift, inner + shift)
                    if factors:
                        _times_rows(p, pitch, factor_place, factors_row, six, seen)
                    if mask_grad:
                        place = mask_grad + longs(a[27])[n] + (i + s) * mask_grad_row + FLOAT * c
                        _add_rows(d, place, mask_grad_row, six, seen, ONE / scale)
                    if seen > 0:
                        multiply(
                            six, wide, seen, slopes + s * PITCH, PITCH, FLOAT, k + c * k_row, k_row,
                            dq + (i + s) * wide_row, wide_row, c,
                        )  # fmt: skip
                for j in range(0, end - c, SIX):
                    r = max(0, c + j - i) if causal else 0
                    add = i > c + j if causal else i
                    six = min(SIX, end - c - j)
                    multiply(
                        six, deep, m - r, weights + r * pitch + FLOAT * j, FLOAT, pitch, g_i + r * g_row, g_row,
                        dv + (c + j) * deep_row, deep_row, add,
                    )  # fmt: skip
                    multiply(
                        six, wide, m - r, slopes + r * PITCH + FLOAT * j, FLOAT, PITCH, q_i + r * q_row, q_row,
                        dk + (c + j) * wide_row, wide_row, add,
                    )  # fmt: skip
        if wide != width:
            _copy_rows(dq, wide_row, height, width, a[6] + tall * width)
            _copy_rows(dk, wide_row, columns, width, a[7] + long_ * width)
        if deep != depth:
            _copy_rows(dv, deep_row, columns, depth, a[8] + long_ * depth)
