"""What an error of the backward pass says, and what a plain traceback shows."""

from __future__ import annotations

import linecache
import traceback

import pytest

import tour
from tour.autograd import Function, blame


@pytest.fixture
def x():
    return tour.tensor([1.0, 2.0], requires_grad=True)


def frames(error):
    """The last line of each traceback in the chain, the first cause first: function and source."""
    chain = []
    while error is not None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        chain.append((last.name, last.line))
        error = error.__cause__
    return chain[::-1]


def overwrite(x):
    y = x * 1
    z = (y * y).sum()
    y.add_(1)
    return z


def test_a_plain_traceback_shows_where_a_value_was_saved_and_where_it_was_overwritten(x):
    z = overwrite(x)
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as caught:
        z.backward()
    assert frames(caught.value)[:2] == [("overwrite", "z = (y * y).sum()"), ("overwrite", "y.add_(1)")]
    text = "".join(traceback.format_exception(caught.value))
    assert text.index("mul was called here") < text.index("was overwritten here") < text.index("RuntimeError: one of")
    assert "    z = (y * y).sum()\n         ~~^~~\n" in text  # the part of the line that the op is
    (note,) = caught.value.__notes__
    assert note.startswith("in the backward of mul with a gradient of shape [2], which was called at ")


def test_a_freed_graph_shows_the_line_of_the_step_that_was_freed(x):
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="second time") as caught:
        y.backward()
    assert frames(caught.value)[0][1] == "y = (x * x).sum()"


def test_an_error_in_the_users_backward_keeps_its_type_and_gets_the_line_of_apply(x):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return {}["missing"]

    y = Wrong.apply(x)
    with pytest.raises(KeyError) as caught:
        y.sum().backward()
    assert frames(caught.value)[0][1] == "y = Wrong.apply(x)"
    assert frames(caught.value)[-1] == ("backward", 'return {}["missing"]')
    assert "in the backward of Wrong with a gradient of shape [2]" in caught.value.__notes__[0]


def test_a_cause_of_the_users_own_stays(x):
    def hook(g):
        raise ValueError("mine") from KeyError("why")

    y = x * 2
    y.register_hook(hook)
    with pytest.raises(ValueError, match="mine") as caught:
        y.sum().backward()
    assert isinstance(caught.value.__cause__, KeyError)


def test_several_elements_without_a_gradient_name_the_line_that_made_them(x):
    y = x * 2
    with pytest.raises(RuntimeError, match="only for scalar outputs") as caught:
        y.backward()
    path, line = caught.value.__notes__[0].removeprefix("the tensor was made by mul at ").rsplit(":", 1)
    assert linecache.getline(path, int(line)).strip() == "y = x * 2"


def test_a_line_that_is_nowhere_to_be_read_does_no_harm(x):
    scope = {"x": x}
    exec(compile("y = x.exp()\nz = y.sum()\ny.add_(1)", "<cell>", "exec"), scope)
    with pytest.raises(RuntimeError, match="saved by exp at <cell>:1\n  overwritten at <cell>:3"):
        scope["z"].backward()


def test_at_line_shows_columns():
    code = compile("a = 1; b = a + a", "<cell>", "exec")
    lasti = next(i * 2 for i, (_, _, start, end) in enumerate(code.co_positions()) if (start, end) == (11, 16))
    error = blame.at_line(blame.ForwardCall("here"), code, lasti)
    (frame,) = traceback.extract_tb(error.__traceback__)
    assert (frame.filename, frame.lineno, frame.colno, frame.end_colno) == ("<cell>", 1, 11, 16)
