"""What a call of a module costs and says: the gate, notes on exceptions, and the types."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
import timeit
import weakref
from pathlib import Path
from typing import Any

import pytest

import tour
from tour.autograd import blame
from tour.nn.modules.container import ModuleList, Sequential
from tour.nn.modules.linear import Linear
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter


class Same(Module):
    def forward(self, x: Any, offset: Any = 0) -> Any:
        return x + offset if offset else x


class Fails(Module):
    def __init__(self, size: int = 9) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Any) -> Any:
        raise ValueError(f"not {x}")

    def extra_repr(self) -> str:
        return f"size={self.size}"


def notes_of(net: Module, *args: Any) -> list[str]:
    try:
        net(*args)
    except Exception as error:
        return [str(note) for note in getattr(error, "__notes__", [])]
    raise AssertionError("no exception")


def test_call_is_forward() -> None:
    assert Same()(3) == 3 and Same()(3, offset=1) == 4 and Same()(x=3) == 3


def test_a_module_without_forward() -> None:
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'):
        Module()(1)


def test_forward_may_be_set_on_an_instance() -> None:
    m = Same()
    m.forward = lambda x: "mine"  # type: ignore[method-assign]
    assert m(1) == "mine"


def test_compile_is_accepted() -> None:
    m = Same()
    m.compile(mode="max-autotune")
    assert m(1) == 1


# --- Notes ------------------------------------------------------------------------------------------------------------


def test_an_error_names_the_module() -> None:
    assert notes_of(Fails(), 1) == ["in net: Fails(size=9)"]


def test_an_error_names_the_path() -> None:
    class Net(Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = ModuleList([Same(), Sequential(Same(), Same(), Fails(7))])

        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return x

    assert notes_of(Net(), 1) == ["in net.layers.1.2: Fails(size=7)"]
    assert notes_of(Sequential(Net()), 1) == ["in net.0.layers.1.2: Fails(size=7)"]


def test_a_module_in_a_plain_list_is_called_unregistered() -> None:
    class Net(Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [Fails()]

        def forward(self, x: Any) -> Any:
            return self.layers[0](x)

    assert notes_of(Net(), 1) == ["in net.<unregistered Fails>: Fails(size=9)"]


def test_hooked_calls_and_modules_that_call_themselves_add_nothing() -> None:
    class Again(Module):
        def forward(self, n: int) -> Any:
            return self(n - 1) if n else 1 / 0

    assert notes_of(Again(), 3) == ["in net: Again()"]
    net = Sequential(Fails())
    net.register_forward_hook(lambda *_: None)
    assert notes_of(net, 1) == ["in net.0: Fails(size=9)"]


def test_other_notes_stay_and_a_broken_repr_does_no_harm() -> None:
    class Broken(Module):
        def forward(self, x: Any) -> Any:
            error = ValueError("x")
            error.add_note("mine")
            raise error

        def extra_repr(self) -> str:
            raise RuntimeError

    assert notes_of(Sequential(Broken()), 1) == ["mine", "in net.0: Broken"]


def test_a_shape_error_of_an_op_is_noted() -> None:
    class Add(Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = Parameter(tour.ones(3))

        def forward(self, x: Any) -> Any:
            return x + self.w

    assert notes_of(Sequential(Same(), Add()), tour.ones(2)) == ["in net.1: Add()"]


def test_an_exception_with_a_note_can_be_pickled() -> None:
    with pytest.raises(ValueError, match="not 1") as info:
        Sequential(Fails())(1)
    made = pickle.loads(pickle.dumps(info.value))
    assert made.__notes__ == ["in Sequential.0: Fails(size=9)"] and type(made.__notes__[0]) is str


# --- Cost: ratios within one run --------------------------------------------------------------------------------------


def best(*runs: Any) -> list[float]:
    """The shortest time of each, measured in turn: what slows the machine for a while slows all of them."""
    times = [[timeit.timeit(run, number=500, timer=time.thread_time) for run in runs] for _ in range(200)]
    return [min(each) for each in zip(*times, strict=True)]


def test_attribute_reads_cost_what_plain_ones_cost() -> None:
    class Reader(Module):
        def read(self) -> None:
            for _ in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10):
                self.weight, self.weight, self.weight, self.weight, self.weight  # noqa: B018

    class Plain:
        weight: Any
        read = Reader.read

    module, plain = Reader(), Plain()
    module.weight = Parameter(tour.ones(2))
    vars(module)
    plain.weight = 1
    ours, theirs = best(module.read, plain.read)
    assert ours < 2 * theirs


def test_a_call_costs_little_more_than_passing_arguments_on() -> None:
    class Plain:
        def forward(self, x: Any) -> Any:
            return x

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return self.forward(*args, **kwargs)

    class Identity(Module):
        def forward(self, x: Any) -> Any:
            return x

    module, plain = Identity(), Plain()
    once_hooked = Identity()
    once_hooked.register_forward_hook(lambda *_: None).remove()
    once_hooked(1)
    passing, never_hooked, hooked_once = best(lambda: plain(1), lambda: module(1), lambda: once_hooked(1))
    assert never_hooked < 1.6 * passing and hooked_once < 1.6 * passing


# --- Types ------------------------------------------------------------------------------------------------------------

REVEALED = Path(__file__).parent / "typed_calls.py"


def expected() -> list[tuple[int, str]]:
    """Line and comment of every line that says what is revealed or refused there."""
    lines = REVEALED.read_text().splitlines()
    return [(i, line.split("  # ")[1]) for i, line in enumerate(lines, 1) if "  # " in line]


def test_mypy_reads_forward() -> None:
    pytest.importorskip("mypy")
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            "--disable-error-code=empty-body",
            str(REVEALED),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    found = [line for line in run.stdout.splitlines() if REVEALED.name in line]
    for number, text in expected():
        said = [line.replace("tour._tensor.", "").replace("tour.nn.", "nn.") for line in found if f":{number}:" in line]
        assert said, f"nothing said of line {number}: {run.stdout}{run.stderr}"
        assert any(text in line for line in said), f"{said} instead of {text}"
    assert len({line.split(":")[1] for line in found}) == len(expected()), found


def test_a_model_without_a_variable_goes_by_its_class() -> None:
    for name, model in (("Sequential.0", lambda: Sequential(Fails())), ("self.model.0", self_model)):
        with pytest.raises(ValueError, match="not 1") as info:
            model()(1)
        assert info.value.__notes__ == [f"in {name}: Fails(size=9)"]


def self_model() -> Any:
    class Trainer:
        def __init__(self) -> None:
            self.model = Sequential(Fails())

        def fit(self, x: Any) -> Any:
            return self.model(x)

    return Trainer().fit


def test_layers_are_described_by_their_sizes() -> None:
    net = Sequential(Linear(9, 2))
    assert notes_of(net, tour.ones(3)) == ["in net.0: Linear(9→2)"]


# --- Errors of the backward pass ----------------------------------------------------------------------------------------


class Overwrites(Module):
    """Writes over what its own exp has saved."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Linear(4, 4)

    def forward(self, x: Any) -> Any:
        h = self.inner(x).exp()
        h.add_(1)
        return h * 2


def backward_notes(y: Any) -> list[str]:
    with pytest.raises(RuntimeError) as info:
        y.backward()
    return info.value.__notes__


def test_a_backward_error_names_the_module() -> None:
    net = Sequential(Linear(3, 4), Overwrites(), Linear(4, 2))
    (note,) = backward_notes(net(tour.ones(5, 3)).sum())
    assert "in the backward of exp with a gradient of shape [5, 4]" in note and note.endswith("in net.1: Overwrites()")
    y = net[0](tour.ones(5, 3)).sum()
    y.backward()
    (note,) = backward_notes(y)
    assert note.endswith("in Linear(3→4)") or note.endswith(": Linear(3→4)")


def test_the_innermost_module_is_named_and_not_its_neighbours() -> None:
    net = Sequential(Linear(3, 4), Same(), Sequential(Linear(4, 4), Same()), Linear(4, 2))
    loss = net(tour.ones(5, 3)).sin().sum()
    loss.backward(retain_graph=True)
    node = loss.grad_fn
    seen: dict[str, list[str]] = {}
    while node is not None:
        seen.setdefault(node.name(), []).append(blame.module_text(node._node, [loss._tape]))
        node = next((n for n, _ in node.next_functions if n is not None and n.name() != "AccumulateGrad"), None)
    assert seen["AddmmBackward0"] == ["net.3: Linear(4→2)", "net.2.0: Linear(4→4)", "net.0: Linear(3→4)"]
    assert seen["SumBackward0"] == seen["SinBackward0"] == [""]


def test_modules_that_give_several_results_and_are_called_twice() -> None:
    class Two(Module):
        def forward(self, x: Any) -> Any:
            return x.exp(), x.sin()

    twice = Two()
    x = tour.ones(2, requires_grad=True)
    a, b = twice(x)
    c, _ = twice(a * b)
    y = c.sum()
    y.backward()
    (note,) = backward_notes(y)
    assert note.endswith("in twice: Two()")


def test_marks_keep_no_module_alive() -> None:
    net = Linear(2, 2)
    ref = weakref.ref(net)
    y = net(tour.ones(1, 2)).sum()
    del net
    assert ref() is None
    y.backward()
    (note,) = backward_notes(y)
    assert "in the backward of linear" in note and "Linear(2" not in note
