"""The graph of a loss as text and as a picture."""

from __future__ import annotations

import itertools
import random
import xml.etree.ElementTree as ET

import pytest

import tour
from tour.autograd.graph import draw
from tour.autograd.layout import layered

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def w():
    return tour.ones(3, 2, requires_grad=True)


def boxes(picture):
    """For each box of a picture: its texts, and x, y, width and height."""
    found = []
    for g in ET.fromstring(picture.svg()).iter(f"{SVG}g"):
        rect = g.find(f"{SVG}rect")
        found.append(
            ([t.text or "" for t in g.iter(f"{SVG}text")], [float(rect.get(k)) for k in ("x", "y", "width", "height")])
        )
    return found


def test_text_lists_steps_in_the_order_of_the_forward_pass(w):
    b = tour.zeros(2, requires_grad=True)
    y = tour.ones(4, 3) @ w + b
    loss = (y * y.exp()).mean()
    lines = str(draw(loss)).splitlines()
    assert lines[0] == "leaves: w [3, 2], b [2]"
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "%1 = matmul(w)", "%2 = add(%1, b)", "%3 = exp(%2)", "%4 = mul(%2, %3)", "%5 = mean(%4)"]  # fmt: skip
    assert all("[4, 2]" in line for line in lines[1:5]) and "[]" in lines[5]
    assert "test_drawing.py:" in lines[1] and lines[5].endswith("loss = (y * y.exp()).mean()")


def test_the_picture_has_a_box_for_each_step_and_an_arrow_for_each_edge(w):
    loss = (w.exp() + w.sin()).sum()
    picture = draw(loss)
    texts = [texts for texts, _ in boxes(picture)]
    assert sorted(t[0] for t in texts) == ["add", "exp", "sin", "sum", "w"]
    assert ["w", "[3, 2]"] in texts
    assert all("loss = (w.exp() + w.sin()).sum()" in t for t in texts if t[0] != "w")
    root = ET.fromstring(picture.svg())
    assert sum(p.get("marker-end") is not None for p in root.iter(f"{SVG}path")) == 5
    assert "grad_input = g * out.conj()" in "".join(t.text for t in root.iter(f"{SVG}title"))
    assert picture._repr_svg_() == picture.svg()


def test_boxes_do_not_overlap_and_are_inside(w):
    loss = sum(((w * i).exp() @ tour.ones(2)).sum() * w.sin().sum() for i in range(1, 6))
    picture = draw(loss)
    root = ET.fromstring(picture.svg())
    width, height = float(root.get("width")), float(root.get("height"))
    places = [place for _, place in boxes(picture)]
    for (ax, ay, aw, ah), (bx, by, bw, bh) in itertools.combinations(places, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
    assert all(x >= 0 and y >= 0 and x + w <= width + 1 and y + h <= height + 1 for x, y, w, h in places)


def test_names_may_be_given(w):
    class Model:
        def named_parameters(self):
            return [("layer.weight", w)]

    assert "layer.weight" in str(draw(w.sum(), names=Model()))
    assert "theta" in str(draw(w.sum(), names={"theta": w}))


def test_a_large_graph_is_drawn_next_to_the_loss(w):
    y = w
    for _ in range(3000):
        y = y * 1.5
    picture = draw(y.sum(), most=10)
    assert len(picture.vertices) == 10 and picture.hidden == 3002 - 10
    assert str(picture).startswith("… and 2992 more") and "2992 more" in picture.svg()


def test_several_roots_lists_of_inputs_and_several_outputs(w):
    values, _ = tour.cat([w, w.exp()]).max(0)
    text = str(draw(values.sum(), w.sin()))
    assert "cat(w, %" in text and "sin(w)" in text and "max(" in text


def test_special_characters_are_escaped(w):
    y = (w < 3).to(w.dtype) * w + 0 * w  # <&>
    assert "&lt;&amp;&gt;" in draw(y.sum()).svg().replace("&#x27;", "'")


def test_a_tensor_without_a_graph_is_refused():
    with pytest.raises(RuntimeError, match="no graph to draw"):
        draw(tour.ones(2))


# --- Layout -----------------------------------------------------------------------------------------------------------------


def crossings(layout, edges):
    """Pairs of edges between the same two rows that cross."""
    count = 0
    for (a, b), (c, d) in itertools.combinations(edges, 2):
        if layout.row[a] == layout.row[c] and layout.row[b] == layout.row[d]:
            count += (layout.centre[a] - layout.centre[c]) * (layout.centre[b] - layout.centre[d]) < -1e-9
    return count


def test_a_chain_is_straight_and_a_tree_does_not_cross():
    chain = [(i, i + 1) for i in range(5)]
    layout = layered(dict.fromkeys(range(6), 10.0), chain, 5)
    assert len({round(x, 6) for x in layout.centre.values()}) == 1
    rng = random.Random(0)
    tree = [(i, (i - 1) // 2) for i in range(1, 31)]
    rng.shuffle(tree)
    layout = layered(dict.fromkeys(range(31), 10.0), tree, 5)
    assert crossings(layout, tree) == 0


def test_edges_lead_downwards_and_long_ones_have_waypoints():
    edges = [(0, 1), (1, 2), (2, 3), (0, 3)]
    layout = layered(dict.fromkeys(range(4), 10.0), edges, 5)
    assert [layout.row[i] for i in range(4)] == [0, 1, 2, 3]
    assert [row for _, row in layout.paths[0, 3]] == [1, 2] and layout.paths[0, 1] == []
    assert all(abs(x - layout.centre[row]) >= 10 for x, row in layout.paths[0, 3])
