"""What attention does with rows of heads: finding, copying and fetching them, and turning them into panels for products."""

from __future__ import annotations

from typing import Any

from tour.numba.kernels.memory import fetch, fetch_to_write, function, helper, longs

SIX = 6  # rows of the largest block of a product
LINE = 64  # bytes of a cache line


@helper
def head(operand: int, layout: int, place: int, n: int) -> Any:
    """Where head n of an operand begins, and how far apart its rows are. `layout` has the number of heads of a sample, and three
    strides for each operand: of samples, heads and rows."""
    strides = longs(layout + 8 + 24 * place)
    heads = longs(layout)[0]
    return operand + n // heads * strides[0] + n % heads * strides[1], strides[2]


def handling(items: Any, number: Any, SIZE: int, LANES: int, WIDE: int, scatter: Any) -> Any:
    """Functions for rows of numbers of a kind, in the order of their names below.

    Args:
        items: Makes a pointer to such numbers of an address.
        number: Their type.
        SIZE: Their bytes.
        LANES: How many are in a vector.
        WIDE: How many columns a panel has.
        scatter: Transposes a square of them.
    """
    ZERO, ONE = number(0), number(1)

    @helper
    def _whole(n: int) -> int:
        """Numbers of the vectors that hold n."""
        return (n + LANES - 1) // LANES * LANES

    @function
    def _padded(x: int, row: int, height: int, width: int, room: int) -> Any:
        """Rows of whole vectors: those of x, or copies with zeros behind, in the room."""
        whole = _whole(width)
        if whole == width:
            return x, row
        for i in range(height):
            a, b = items(x + i * row), items(room + SIZE * i * whole)
            for j in range(width):
                b[j] = a[j]
            for j in range(width, whole):
                b[j] = ZERO
        return room, SIZE * whole

    @function
    def _scaled(x: int, row: int, height: int, width: int, room: int, factors: int, numbers: int) -> int:
        """Rows of whole vectors in the room, each times a factor, as is a number for each row."""
        whole = _whole(width)
        for i in range(height):
            a, b, factor = items(x + i * row), items(room + SIZE * i * whole), items(factors)[i]
            items(numbers)[i] *= factor
            for j in range(width):
                b[j] = a[j] * factor
            for j in range(width, whole):
                b[j] = ZERO
        return room

    @function
    def _clear(x: int, n: int) -> None:
        a = items(x)
        for j in range(n):
            a[j] = ZERO

    @function
    def _copy_rows(x: int, row: int, height: int, width: int, target: int) -> None:
        """The first numbers of rows, close together."""
        for i in range(height):
            a, b = items(x + i * row), items(target + SIZE * i * width)
            for j in range(width):
                b[j] = a[j]

    @function
    def _panels(x: int, row: int, count: int, width: int, target: int, factor: Any, places: int) -> None:
        """The transpose of `count` rows of x, times a factor, in panels of WIDE columns: in squares, the last over those before."""
        for j in range(0, count, WIDE):
            panel, columns = target + SIZE * j * width, min(WIDE, count - j)
            if columns >= LANES and width >= LANES:
                for c in range(0, columns, LANES):
                    for k in range(0, width, LANES):
                        left, up = min(c, columns - LANES), min(k, width - LANES)
                        scatter(x + (j + left) * row + up * SIZE, row, panel + (up * WIDE + left) * SIZE, places)
            else:
                for c in range(columns):
                    a = items(x + (j + c) * row)
                    for k in range(width):
                        items(panel)[k * WIDE + c] = a[k]
            y = items(panel)
            for k in range(width if columns < WIDE else 0):
                for c in range(columns, WIDE):
                    y[k * WIDE + c] = ZERO
            if factor != ONE:
                for e in range(width * WIDE):
                    y[e] *= factor

    @function
    def _fetch_rows(x: int, row: int, first: int, height: int, width: int) -> None:
        """Bring the SIX rows from `first` on near, as far as there are any."""
        for r in range(first, min(first + SIX, height)):
            for e in range(0, SIZE * width, LINE):
                fetch(x + r * row + e)

    @function
    def _fetch_own_rows(x: int, first: int, height: int, width: int) -> None:
        """The same for rows that will be written."""
        start, stop = SIZE * width * first, SIZE * width * min(first + SIX, height)
        for e in range(start, stop, LINE):
            fetch_to_write(x + e)

    @helper
    def _dot(x: Any, y: Any, n: int) -> Any:
        s = ZERO
        for j in range(n):
            s += x[j] * y[j]
        return s

    @function
    def _times_rows(p: int, pitch: int, factors: int, row: int, six: int, seen: int) -> None:
        """Six rows at most times those of some factors."""
        for r in range(six):
            x, y = items(p + r * pitch), items(factors + r * row)
            for j in range(seen):
                x[j] *= y[j]

    return _whole, _padded, _scaled, _clear, _copy_rows, _panels, _fetch_rows, _fetch_own_rows, _dot, _times_rows
