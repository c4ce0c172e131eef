"""Where the boxes and arrows of a layered drawing go, such as the graph of a loss.

Sugiyama's method (1981) in four steps: each vertex gets a row below all it leads from; long edges get a waypoint in each row they
pass; rows are ordered so that few edges cross, by the mean position of neighbours; and boxes are moved sideways, without changing
places, towards the mean of their neighbours, which least squares under the order's constraints give exactly (isotonic regression).
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

Key = Hashable
Edge = tuple[Key, Key]


@dataclass
class Layout:
    """A finished drawing.

    Attributes:
        centre: For each vertex, where the middle of its box stands.
        row: For each vertex, its row, the topmost being 0.
        paths: For each edge, the waypoints between its ends, from the upper to the lower.
        width: Of the whole.
    """

    centre: dict[Key, float]
    row: dict[Key, int]
    paths: dict[Edge, list[tuple[float, int]]]
    width: float


def layered(widths: dict[Key, float], edges: Sequence[Edge], gap: float, light: frozenset[Key] = frozenset()) -> Layout:
    """Lay out a graph without cycles.

    Args:
        widths: Each vertex with the width of its box.
        edges: Pairs of an upper and a lower vertex, without repetition.
        gap: Least distance between boxes of a row.
        light: Vertices that others should not be drawn to, so that the chain of the others stays straight.
    """
    row = _rows(list(widths), edges)
    waypoints: dict[Edge, list[Key]] = {}
    short: list[Edge] = []
    sizes = dict(widths)
    for upper, lower in edges:
        between: list[Key] = [("waypoint", upper, lower, r) for r in range(row[upper] + 1, row[lower])]
        for point in between:
            row[point] = point[3]  # type: ignore[index]
            sizes[point] = 0.0
        waypoints[upper, lower] = between
        chain = [upper, *between, lower]
        short += itertools.pairwise(chain)
    above: dict[Key, list[Key]] = {v: [] for v in sizes}
    below: dict[Key, list[Key]] = {v: [] for v in sizes}
    for upper, lower in short:
        below[upper].append(lower)
        above[lower].append(upper)
    rows = _ordered(_walk(list(widths), above, row), above, below)
    centre = _placed(rows, sizes, above, below, gap, light)
    left = min(centre[v] - sizes[v] / 2 for v in sizes)
    centre = {v: x - left for v, x in centre.items()}
    paths = {edge: [(centre[v], row[v]) for v in points] for edge, points in waypoints.items()}
    width = max(centre[v] + sizes[v] / 2 for v in sizes)
    return Layout({v: centre[v] for v in widths}, {v: row[v] for v in widths}, paths, width)


def _rows(vertices: list[Key], edges: Sequence[Edge]) -> dict[Key, int]:
    """The row of each vertex, as far down as what it leads to allows: so an input stands right above its first use."""
    below: dict[Key, list[Key]] = {v: [] for v in vertices}
    above: dict[Key, list[Key]] = {v: [] for v in vertices}
    for upper, lower in edges:
        below[upper].append(lower)
        above[lower].append(upper)
    height = dict.fromkeys(vertices, 0)
    left = {v: len(below[v]) for v in vertices}
    ready = [v for v in vertices if not left[v]]
    while ready:
        v = ready.pop()
        for u in above[v]:
            height[u] = max(height[u], height[v] + 1)
            left[u] -= 1
            if not left[u]:
                ready.append(u)
    top = max(height.values(), default=0)
    return {v: top - height[v] for v in vertices}


def _walk(vertices: list[Key], above: dict[Key, list[Key]], row: dict[Key, int]) -> list[list[Key]]:
    """A first order of each row: as a walk upwards from the lowest vertices meets them, so that what belongs together is together."""
    rows: list[list[Key]] = [[] for _ in range(max(row.values(), default=-1) + 1)]
    stack = sorted(vertices, key=lambda v: row[v])
    seen = set()
    while stack:
        v = stack.pop()
        if v not in seen:
            seen.add(v)
            rows[row[v]].append(v)
            stack += reversed(above[v])
    return rows


def _ordered(rows: list[list[Key]], above: dict[Key, list[Key]], below: dict[Key, list[Key]]) -> list[list[Key]]:
    """The rows in an order with few crossings: sweeps up and down sort each row by the mean position of its neighbours."""
    best, fewest = rows, _crossings(rows, below)
    for sweep in range(16):
        if not fewest:
            break
        rows = [list(r) for r in rows]
        downwards = sweep % 2 == 0
        neighbours = above if downwards else below
        for i in range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1):
            place = {v: k for k, v in enumerate(rows[i - 1 if downwards else i + 1])}
            now = {v: k for k, v in enumerate(rows[i])}

            def key(v: Key, place: dict[Key, int] = place, now: dict[Key, int] = now) -> float:
                beside = [place[u] for u in neighbours[v]]  # noqa: B023 (called at once)
                return sum(beside) / len(beside) if beside else now[v]

            rows[i].sort(key=key)
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _crossings(rows: list[list[Key]], below: dict[Key, list[Key]]) -> int:
    """How many pairs of edges cross."""
    count = 0
    for upper, lower in itertools.pairwise(rows):
        place = {v: k for k, v in enumerate(lower)}
        ends = [place[u] for v in upper for u in sorted(below[v], key=place.__getitem__)]
        count += sum(a > b for i, a in enumerate(ends) for b in ends[i + 1 :])
    return count


def _placed(
    rows: list[list[Key]],
    sizes: dict[Key, float],
    above: dict[Key, list[Key]],
    below: dict[Key, list[Key]],
    gap: float,
    light: frozenset[Key],
) -> dict[Key, float]:
    """Centres of all boxes: rows are moved towards the mean of their neighbours until little changes."""
    x: dict[Key, float] = {}
    for row in rows:
        edge = 0.0
        for v in row:
            x[v] = edge + sizes[v] / 2
            edge += sizes[v] + gap
    for sweep in range(24):
        for row in rows if sweep % 2 else rows[::-1]:
            wanted = []
            for v in row:
                beside = (above[v] if sweep % 2 else below[v]) or (below[v] if sweep % 2 else above[v])
                heavy = [x[u] for u in beside if u not in light] or [x[u] for u in beside]
                wanted.append(sum(heavy) / len(heavy) if heavy else x[v])
            x.update(_spaced(row, wanted, sizes, gap, light))
    for row in rows[::-1]:  # what leads in from outside follows those it leads to
        wanted = [x[v] if above[v] or not below[v] else sum(x[u] for u in below[v]) / len(below[v]) for v in row]
        x.update(_spaced(row, wanted, sizes, gap, light))
    return x


def _spaced(
    row: list[Key], wanted: list[float], sizes: dict[Key, float], gap: float, light: frozenset[Key]
) -> dict[Key, float]:
    """Positions nearest to those wanted that keep a row's order and its distances: pool adjacent violators.

    Light vertices give way.
    """
    offsets = [0.0]
    for a, b in itertools.pairwise(row):
        offsets.append(offsets[-1] + (sizes[a] + sizes[b]) / 2 + gap)
    pools: list[tuple[float, float, int]] = []  # mean, weight and number of neighbours that stand as close as they may
    for v, w, offset in zip(row, wanted, offsets, strict=True):
        mean, weight, n = w - offset, 0.01 if v in light else 1.0, 1
        while pools and pools[-1][0] > mean:
            other, more, m = pools.pop()
            mean = (other * more + mean * weight) / (more + weight)
            weight, n = weight + more, n + m
        pools.append((mean, weight, n))
    means = [mean for mean, _, n in pools for _ in range(n)]
    return {v: mean + offset for v, mean, offset in zip(row, means, offsets, strict=True)}
