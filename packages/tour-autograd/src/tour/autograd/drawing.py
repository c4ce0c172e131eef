"""The graph of a loss as a picture and as text: `tour.autograd.graph.draw(loss)`."""

from __future__ import annotations

import itertools
import linecache
import sys
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from tour import Tensor
from tour.autograd import tape
from tour.autograd.blame import below, modules_of
from tour.autograd.formula import formula_text
from tour.autograd.layout import layered
from tour.autograd.tape import CODE, FIRST, OP, PICK, Leaf, edges_of, lasti_of, line_of, saved_of


@dataclass
class Vertex:
    """One box: an op, or a tensor at the end of the tape.

    Attributes:
        title: The op's name, or the tensor's.
        shape: Of its result; None where nothing says it.
        module: The module in whose call it was recorded, such as `net.2: Linear(9→2)`.
        line: `file:line` of the call.
        source: The text of that line.
        formula: The gradient rule.
        leaf: Whether it is a tensor.
        inputs: The vertices above, by their ids.
    """

    title: str
    shape: tuple[int, ...] | None = None
    module: str = ""
    line: str = ""
    source: str = ""
    formula: str = ""
    leaf: bool = False
    inputs: list[int] = field(default_factory=list)


class Drawing:
    """A graph, drawn: a notebook shows it, `print` writes it as text, `save` puts it into a file.

    Attributes:
        vertices: The boxes, each after those it is computed from.
        hidden: How many more there are, further away from the loss than what is drawn.
    """

    def __init__(self, vertices: dict[int, Vertex], hidden: int) -> None:
        self.vertices, self.hidden = vertices, hidden

    def __str__(self) -> str:
        number = {key: f"%{i}" for i, key in enumerate((k for k, v in self.vertices.items() if not v.leaf), 1)}
        names = {key: v.title if v.leaf else number[key] for key, v in self.vertices.items()}
        rows = []
        for key, v in self.vertices.items():
            if not v.leaf:
                call = f"{number[key]} = {v.title}({', '.join(names.get(i, '…') for i in v.inputs)})"
                rows.append((call, _shape_text(v.shape), v.module, v.line, v.source))
        columns = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
        leaves = [f"{v.title} {_shape_text(v.shape)}" for v in self.vertices.values() if v.leaf]
        lines = [f"leaves: {', '.join(leaves)}"] if leaves else []
        lines += ["  ".join(cell.ljust(n) for cell, n in zip(row, columns, strict=True) if n).rstrip() for row in rows]
        if self.hidden:
            lines.insert(0, f"… and {self.hidden} more before these")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_svg_(self) -> str:
        return self.svg()

    def svg(self) -> str:
        """The picture, as the text of an SVG file."""
        return _svg(self)

    def save(self, path: str | Path) -> None:
        """Write the picture into a file, whose name should end in .svg."""
        Path(path).write_text(self.svg(), encoding="utf-8")


# --- What is drawn ----------------------------------------------------------------------------------------------------------


def drawing_of(roots: list[Any], names: Any, most: int) -> Drawing:
    """Collect what is behind some tensors.

    Args:
        roots: The tensors.
        names: Names of leaves: a dict of tensors, or something with `named_parameters()`.
        most: How many boxes at most.
    """
    tapes = [_node(t._tape) for t in roots if t._tape is not None]
    order, hidden = _collected(tapes, most)
    shapes = _shapes(
        order, {id(_node(t._tape)): t._a.shape for t in roots if type(t._tape) is list and t._tape[OP] is not PICK}
    )
    modules = modules_of(order)
    called = _names(names, [m for found in modules.values() for m in found], order)
    vertices: dict[int, Vertex] = {}
    for node in order:
        key = id(node)
        if type(node) is Leaf:
            t = node.ref()
            vertices[key] = Vertex(called.get(key, "leaf"), None if t is None else t._a.shape, leaf=True)
            continue
        inside = modules.get(key, [])
        path, _, line = line_of(node[CODE], lasti_of(node)).rpartition(":")
        vertices[key] = Vertex(
            node[OP].name.removesuffix("_number"),
            shapes.get(key),
            inside[-1]._where(inside[0]) if inside else "",
            f"{Path(path).name}:{line}",
            linecache.getline(path, int(line)).strip() if line.isdigit() else "",
            formula_text(node),
            inputs=[id(_node(e)) for e in below(node)],
        )
    return Drawing(vertices, hidden)


def _node(own: Any) -> Any:
    """A tape, or the node of which it is one output."""
    return own[FIRST] if type(own) is list and own[OP] is PICK else own


def _collected(tapes: list[Any], most: int) -> tuple[list[Any], int]:
    """The tapes nearest to the given ones, each after those it leads to; and how many there are besides."""
    near, seen = list({id(t): t for t in tapes}.values()), {id(t) for t in tapes}
    for node in near:  # grows on the way
        for e in map(_node, below(node)):
            if id(e) not in seen:
                seen.add(id(e))
                near.append(e)
    kept = {id(t) for t in near[:most]}
    order: list[Any] = []
    stack = [(t, False) for t in reversed(near[:1] if len(tapes) == 1 else near[: len(tapes)])]
    done = set()
    while stack:
        node, inputs_done = stack.pop()
        if inputs_done:
            order.append(node)
        elif id(node) not in done:
            done.add(id(node))
            stack.append((node, True))
            stack += [
                (e, False) for e in reversed([_node(e) for e in below(node)]) if id(e) in kept and id(e) not in done
            ]
    return order, len(near) - len(order)


def _shapes(order: list[Any], known: dict[int, tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
    """Shapes of results as far as nodes tell: a node knows those of its inputs or its result, as its rule needs them."""
    shapes = dict(known)
    for node in order:
        if type(node) is Leaf:
            if (t := node.ref()) is not None:
                shapes[id(node)] = t._a.shape
            continue
        rule = node[OP].rule
        for name, value in zip(rule.saved, saved_of(node), strict=False):
            if name == "out" and hasattr(value, "shape"):
                shapes[id(node)] = value.shape
            for parameter, e in zip(rule.inputs, edges_of(node), strict=True):
                if type(e) is not list or (e[OP] is PICK and saved_of(e)[0]):
                    continue  # a tensor, a list of tensors, or another than the first output
                if name == f"{parameter}_shape" and value is not None:
                    shapes[id(_node(e))] = tuple(value)
                elif name == parameter and hasattr(value, "shape"):
                    shapes[id(_node(e))] = value.shape
    for nodes in (order, order[::-1]):  # an elementwise op has the shape of what it takes
        for node in nodes:
            if type(node) is list and node[OP].broadcasts:
                edges = [_node(e) for e in edges_of(node) if e is not None]
                if id(node) not in shapes and all(id(e) in shapes for e in edges):
                    sides = [s for s in _saved_shapes(node) if s is not None] + [shapes[id(e)] for e in edges]
                    shapes[id(node)] = np.broadcast_shapes(*sides)
                if len(node[OP].params) == 1 and len(edges) == 1 and id(node) in shapes:
                    shapes.setdefault(id(edges[0]), shapes[id(node)])
    return shapes


def _saved_shapes(node: Any) -> list[Any]:
    return [x.shape for x in saved_of(node) if hasattr(x, "shape")]


def _names(names: Any, modules: list[Any], order: list[Any]) -> dict[int, str]:
    """What the leaves are called: as the caller says, as parameters of a module, or as variables of the program."""
    given = dict(names.named_parameters()) if hasattr(names, "named_parameters") else dict(names or {})
    found = {id(t._tape): name for name, t in given.items() if isinstance(t, Tensor)}
    for module in {id(m): m for m in modules[::-1]}.values():  # the outer ones first
        prefix = module._where(module, described=False)
        for name, t in module.named_parameters():
            found.setdefault(id(t._tape), f"{prefix}.{name}" if prefix else name)
    leaves = {id(node) for node in order if type(node) is Leaf}
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not tape.is_ours(frame.f_globals.get("__package__")):
            for scope in (frame.f_locals, frame.f_globals):
                for name, value in list(scope.items()):
                    if isinstance(value, Tensor) and id(value._tape) in leaves:
                        found.setdefault(id(value._tape), name)
        frame = frame.f_back
    return found


# --- The picture ------------------------------------------------------------------------------------------------------------

_CHAR, _BOLD, _SMALL = 6.7, 7.6, 5.7  # mean widths of a character: 12 px, bold 13 px, 10 px
_LONGEST = 44  # characters of a line
_LINE, _PAD, _GAP, _ROW_GAP = 15, 10, 22, 34  # px
_STYLE = """
text{font-family:ui-sans-serif,system-ui,Helvetica,Arial,sans-serif;font-size:12px;fill:#1f2933}
.t{font-weight:600;font-size:13px}.s{font-size:10px;fill:#52606d}.m{font-family:ui-monospace,Menlo,Consolas,monospace}
rect{stroke-width:1.2;rx:6}.op{fill:#eef4fb;stroke:#7b9cc4}.leaf{fill:#fff4dc;stroke:#d0a24c}.root{fill:#e7f5ea;stroke:#62a877}
path{fill:none;stroke:#8796a5;stroke-width:1.3}
"""


def _shape_text(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else str(list(shape))


def _lines(v: Vertex) -> list[tuple[str, str]]:
    """The lines of a box under its title, each with its class."""
    if v.leaf:
        return []
    lines = ((v.module, "s"), (v.source, "s m"), (v.line, "s"))
    return [(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…", kind) for text, kind in lines if text]


def _size(v: Vertex) -> tuple[float, float]:
    """Width and height of a box."""
    head = len(v.title) * _BOLD + (len(_shape_text(v.shape)) + 2) * _CHAR
    wide = [len(text) * (6.1 if "m" in kind else _SMALL) for text, kind in _lines(v)]
    return max([head, *wide]) + 2 * _PAD, _LINE * (1 + len(wide)) + 12


def _svg(drawing: Drawing) -> str:
    vertices = drawing.vertices
    sizes = {key: _size(v) for key, v in vertices.items()}
    leaves = frozenset(key for key, v in vertices.items() if v.leaf)
    edges = list(dict.fromkeys((i, key) for key, v in vertices.items() for i in v.inputs if i in vertices))
    layout = layered({key: size[0] for key, size in sizes.items()}, edges, _GAP, leaves)
    rows = max(layout.row.values(), default=-1) + 1
    heights = [max([sizes[k][1] for k in vertices if layout.row[k] == r], default=0) for r in range(rows)]
    tops = [8 + sum(heights[:r]) + r * _ROW_GAP for r in range(rows)]
    total = (tops[-1] + heights[-1] if rows else 0) + 8
    used = {i for i, _ in edges}
    place = {k: (layout.centre[k] + 8, tops[layout.row[k]] + heights[layout.row[k]] - sizes[k][1]) for k in vertices}
    width = layout.width + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{total:.0f}" viewBox="0 0 {width:.0f} {total:.0f}">',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0.6 7.4 4 0 7.4z" style="fill:#8796a5;stroke:none"/></marker></defs>',
    ]
    for upper, lower in edges:
        points = [(place[upper][0], place[upper][1] + sizes[upper][1])]
        for x, r in layout.paths[upper, lower]:
            points += [(x + 8, tops[r]), (x + 8, tops[r] + heights[r])]
        points.append((_port(upper, lower, vertices, place, sizes), place[lower][1]))
        parts.append(f'<path d="{_curve(points)}" marker-end="url(#tip)"/>')
    for key, v in vertices.items():
        parts.append(_box(v, *place[key], *sizes[key], kind="leaf" if v.leaf else "op" if key in used else "root"))
    if drawing.hidden:
        parts.append(f'<text class="s" x="8" y="{total - 2:.0f}">and {drawing.hidden} more steps above</text>')
    return "\n".join([*parts, "</svg>"])


def _port(upper: int, lower: int, vertices: Any, place: Any, sizes: Any) -> float:
    """Where an arrow enters a box: arrows from the left enter on the left, so that they do not cross in front of it."""
    above = sorted({i for i in vertices[lower].inputs if i in place}, key=lambda i: float(place[i][0]))
    room = min(sizes[lower][0] - 2 * _PAD, 28.0 * (len(above) - 1))
    step = room / (len(above) - 1) if len(above) > 1 else 0
    return float(place[lower][0] - room / 2 + step * above.index(upper))


def _curve(points: list[tuple[float, float]]) -> str:
    """A smooth path that leaves and enters each point vertically."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        bend = (y1 - y0) / 2
        path += f" C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}"
    return path


def _box(v: Vertex, x: float, y: float, w: float, h: float, kind: str) -> str:
    hint = escape("\n".join(filter(None, (v.module, v.line, v.formula))))
    lines = [
        f'<g>{f"<title>{hint}</title>" if hint else ""}<rect class="{kind}" x="{x - w / 2:.1f}" y="{y:.1f}" width="{w:.1f}" '
        f'height="{h:.1f}" rx="6"/>',
        f'<text x="{x - w / 2 + _PAD:.1f}" y="{y + 18:.1f}" class="t">{escape(v.title)}</text>',
        f'<text x="{x + w / 2 - _PAD:.1f}" y="{y + 18:.1f}" text-anchor="end">{escape(_shape_text(v.shape))}</text>',
    ]
    for i, (text, css) in enumerate(_lines(v)):
        lines.append(
            f'<text x="{x - w / 2 + _PAD:.1f}" y="{y + 18 + _LINE * (i + 1):.1f}" class="{css}">{escape(text)}</text>'
        )
    return "".join([*lines, "</g>"])
