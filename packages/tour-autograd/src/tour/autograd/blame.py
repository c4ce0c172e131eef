"""Saying what went wrong and where: the errors of the backward pass, and the lines of the user's program they name."""

from __future__ import annotations

from typing import Any

from tour._dtypes import FROM_NUMPY
from tour.autograd.tape import CODE, LASTI, OP, line_of


def call_text(node: Any) -> str:
    """An op and the line that called it."""
    return f"{node[OP].name} at {line_of(node[CODE], node[LASTI])}"


def freed_error(node: Any) -> RuntimeError:
    """The error of a second pass over a graph whose saved values were freed by the first."""
    return RuntimeError(
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
        "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
        "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after "
        f"calling backward.\nThe freed step is {node[OP].name}, called at {line_of(node[CODE], node[LASTI])}"
    )


def overwritten_error(array: Any, stamp: Any, by: str) -> RuntimeError:
    """The error of a saved value that was overwritten; `by` says who saved it."""
    kind = FROM_NUMPY[array.dtype].name
    wrote = "" if stamp.where is None else f"\n  overwritten at {line_of(*stamp.where)}"
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{kind} tensor of shape {list(array.shape)}]\n  saved by {by}{wrote}\n"
        "  write into a .clone() instead, or after backward()"
    )


def explain(error: BaseException, node: Any) -> None:
    """Note on an exception of the backward pass which op it arose in, and which line called that."""
    error.add_note(f"in the backward of {node[OP].name}, which was called at {line_of(node[CODE], node[LASTI])}")
