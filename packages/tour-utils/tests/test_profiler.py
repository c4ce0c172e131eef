"""Milliseconds and bytes by line, module and op."""

from __future__ import annotations

import gc
import inspect
import json
import sys
import threading
import time
import weakref

import pytest

import tour
from tour import nn
from tour.autograd import Function, engine
from tour.utils import profile
from tour.utils.checkpoint import checkpoint


def line(of, text):
    """`file:line` of the line of a function that has this text."""
    lines, first = inspect.getsourcelines(of)
    (found,) = (i for i, source in enumerate(lines) if text in source)
    return f"{__file__}:{first + found}"


def by_name(rows):
    return {row.name: row for row in rows}


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 4)

    def forward(self, x):
        h = self.a(x).relu()
        return self.b(h) * 2


def test_lines_get_what_they_call_and_what_their_backward_takes():
    x = tour.ones(50, 20, requires_grad=True)

    def slow(x):
        time.sleep(0.02)
        return x

    def program():
        y = x.exp()
        z = y * y
        z.register_hook(slow)
        z.sum().backward()

    with profile() as p:
        program()
    rows = by_name(p.rows())
    exp, mul = rows[line(program, "x.exp()")], rows[line(program, "y * y")]
    assert exp.calls == mul.calls == 1
    assert 0 < exp.forward < 20
    assert 0 < exp.backward < 20 < mul.backward, "the hook belongs to what it hangs on"
    assert exp.memory == 2 * 50 * 20 * 4, "the result, and one gradient"
    assert rows[line(program, "backward()")].backward > 0, "of the sum"
    assert sum(row.time for row in rows.values()) <= p.seconds * 1e3


def test_memory_is_that_of_new_tensors_and_no_views():
    x = tour.ones(100, 10)

    def program():
        y = x * 2
        v = y[:50].reshape(10, 50).T
        w = v.contiguous()
        x.mul_(x)
        del y, v
        return w

    program()  # the number 2 is remembered
    with profile() as p:
        w = program()
    rows = by_name(p.rows())
    assert rows[line(program, "x * 2")].memory == 4000
    assert rows[line(program, "reshape")].memory == 0
    assert rows[line(program, "contiguous")].memory == w.nbytes == 2000
    assert rows[line(program, "mul_")].memory == 0
    assert rows[line(program, "x * 2")].peak == 4000
    assert rows[line(program, "contiguous")].peak == 2000, "both were there at once"


def test_memory_that_is_let_go_is_not_in_the_peak():
    def program():
        for _ in range(10):
            tour.zeros(1000)
        return tour.zeros(2500)

    with profile() as p:
        program()
    first, second = p.rows("line")[0], by_name(p.rows())[line(program, "2500")]
    assert by_name(p.rows())[line(program, "(1000)")].memory == 40_000
    assert by_name(p.rows())[line(program, "(1000)")].peak == 0
    assert second.peak == 10_000
    assert first.time >= second.time or first is second


def test_modules_hold_what_is_inside_them():
    net = nn.Sequential(Body(), nn.Flatten(), nn.Linear(4, 3))
    x = tour.ones(5, 6)
    with profile() as p:
        for _ in range(2):
            net(x).sum().backward()
    rows = by_name(p.rows("module"))
    assert list(rows) == ["net", "net.0", "net.0.a", "net.0.b", "net.1", "net.2"], "in the order of their calls"
    assert all(row.calls == 2 for row in rows.values())
    assert rows["net.0.a"].memory == 2 * 4 * (5 * 8 + 6 * 8 + 8), "its result, and the gradients of weight and bias"
    inside = sum(rows[name].forward for name in ("net.0", "net.1", "net.2"))
    assert rows["net"].forward >= inside
    assert rows["net.0"].backward >= rows["net.0.a"].backward + rows["net.0.b"].backward > 0
    assert rows["net.1"].backward == 0


def test_a_graph_recorded_before_the_block_is_known_by_its_lines():
    net = Body()
    made = net(tour.ones(5, 6)).sum()
    with profile() as p:
        made.backward()
    rows = by_name(p.rows())
    assert rows[line(Body.forward, "self.b(h)")].backward > 0
    assert rows[line(Body.forward, "self.b(h)")].forward == 0
    assert "net.a" in by_name(p.rows("module"))


def test_users_functions_and_recomputed_parts_run_in_the_backward_pass():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    body = Body()
    with profile() as p:
        x = tour.ones(3, 6, requires_grad=True)
        checkpoint(body, Double.apply(x), use_reentrant=False).sum().backward()
    rows = by_name(p.rows())
    assert rows[line(Double.backward, "g * 2")].backward > 0
    assert rows[line(Body.forward, "self.a(x)")].forward > 0
    assert rows[line(Body.forward, "self.a(x)")].backward > 0, "run once more, and differentiated"


def test_nothing_is_left_after_a_block_that_raises():
    net = nn.Linear(3, 2)
    p = profile()
    with pytest.raises(RuntimeError, match="mat1 and mat2"), p:
        net(tour.ones(4))
        net(tour.ones(2, 4))
    assert sys.getprofile() is None
    assert engine.watch is None
    before = len(p.events)
    net(tour.ones(2, 3)).sum().backward()
    assert len(p.events) == before
    with p:
        net(tour.ones(2, 3))
    assert len(p.events) > before, "a block may be opened again; it adds to what is there"


def test_an_error_in_a_backward_pass_ends_its_events():
    x = tour.ones(2, requires_grad=True)

    def broken(g):
        raise ValueError("no")

    with profile() as p:
        y = x * 2
        y.register_hook(broken)
        with pytest.raises(ValueError, match="no"):
            y.sum().backward()
        x + 1
    assert not p.events[-1].backward
    assert all(e.duration >= e.own >= 0 for e in p.events)


def test_two_at_once_are_refused():
    with profile(), pytest.raises(RuntimeError, match="another profiler"), profile():
        pass
    assert sys.getprofile() is None


def test_other_threads_are_left_alone():
    x = tour.ones(3, requires_grad=True)
    with profile() as p:
        thread = threading.Thread(target=lambda: (x * 2).sum().backward())
        thread.start()
        thread.join()
    assert not any("mul" in e.name for e in p.events)
    assert x.grad.tolist() == [2, 2, 2]


def test_a_graph_with_very_many_paths_takes_no_longer():
    x = tour.ones(2, requires_grad=True)
    with profile() as p:
        y = x
        for _ in range(100):  # 2 ** 100 ways back
            y = tour.stack([y, y]).split(1)[0][0] / 2 + y / 2
        y.sum().backward()
    assert x.grad.tolist() == [1, 1]
    assert len(p.events) < 2500


def test_gradients_are_the_same_with_and_without():
    tour.manual_seed(0)
    net, x = nn.Sequential(Body(), nn.LSTM(4, 3)), tour.randn(2, 7, 6)

    def gradients():
        net.zero_grad()
        (net(x)[0] ** 2).sum().backward()
        return [p.grad.clone() for p in net.parameters()]

    plain = gradients()
    with profile():
        watched = gradients()
    assert all(tour.equal(a, b) for a, b in zip(plain, watched, strict=True))


def test_a_profile_keeps_no_tensor_alive():
    with profile() as p:
        t = tour.zeros(10) + 1
        gone = []
        ref = weakref.ref(t, lambda _: gone.append(True))
        del t
        gc.collect()
        assert gone
        assert ref() is None
    assert p.rows()


def test_the_timeline_is_what_chrome_reads(tmp_path):
    net = Body()
    with profile() as p:
        net(tour.ones(5, 6)).sum().backward()
    p.export_chrome_trace(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    spans = [e for e in trace if e["ph"] == "X"]
    assert {e["cat"] for e in spans} == {"forward", "backward"}
    assert {"net", "net.a", "net.b"} <= {e["name"] for e in spans}
    assert any(e["args"]["line"] == line(Body.forward, "self.a(x)") for e in spans)
    ends = []
    for e in spans:  # each lies inside the one that was open when it began
        while ends and ends[-1] <= e["ts"] + 1e-6:
            ends.pop()
        assert not ends or e["ts"] + e["dur"] <= ends[-1] + 1e-6
        ends.append(e["ts"] + e["dur"])
    assert max(e["args"]["bytes"] for e in trace if e["ph"] == "C") > 0


def test_the_table_shows_the_source_within_the_width():
    net, x = Body(), tour.ones(500, 6)
    with profile() as p:
        net(x).sum().backward()
    text = p.table("line", width=90)
    assert max(map(len, text.splitlines())) <= 90
    assert "h = self.a(x).relu()" in p.table("line", width=120)
    assert "test_profiler.py:" in text
    assert "KiB" in text
    assert "more" in p.table("op", limit=2)
    assert ".a" in p.table("module")
    assert "in backward passes" in repr(p)
    with pytest.raises(ValueError, match="line"):
        p.rows("colour")
    assert "not finished" in repr(profile())


def test_the_clock_is_read_when_the_device_is_done():
    asked = []
    with profile(synchronize=lambda: asked.append(True)) as p:
        tour.ones(2) + 1
    assert len(asked) == 2 * len(p.events)
