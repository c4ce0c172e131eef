"""Gradient rules as text: what `t.grad_fn.formula` says, read from the source of the rules."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable
from typing import Any

from tour.autograd.tape import OP, Leaf


def formula_text(node: Any) -> str:
    """The rule of a node: a line for each input's gradient, and the functions that these lines name."""
    if type(node) is Leaf:
        return "variable.grad += g"
    rule = node[OP].rule
    owner = getattr(rule.formulas[0], "__self__", None)
    if isinstance(owner, type):  # a user's Function
        return _definition(owner.backward)  # type: ignore[attr-defined]
    if rule.joint:
        return f"{', '.join(f'grad_{name}' for name in rule.inputs)} =\n{_definition(rule.formulas[0])}"
    lines, definitions = [], []
    for name, formula in zip(rule.inputs, rule.formulas, strict=True):
        body = _body_of_lambda(formula)
        if body is None:
            body = f"{formula.__name__}({', '.join(formula.__code__.co_varnames[: formula.__code__.co_argcount])})"
            definitions.append(_definition(formula))
        lines.append(f"grad_{name} = {body}")
    return "\n\n".join(["\n".join(lines), *dict.fromkeys(definitions)])


def _definition(function: Callable[..., Any]) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function)).strip()
    except OSError:
        return f"{function.__name__}{inspect.signature(function)}, whose source cannot be read"


def _body_of_lambda(function: Callable[..., Any]) -> str | None:
    """The expression of a lambda; None for other functions, and where the source cannot be read."""
    code = function.__code__
    if code.co_name != "<lambda>":
        return None
    source = "".join(linecache.getlines(code.co_filename))
    places = [
        (line, column)
        for line, _, column, end in code.co_positions()
        if line is not None and column is not None and end
    ]
    bodies = [
        found.body
        for found in ast.walk(ast.parse(source))
        if isinstance(found, ast.Lambda) and found.lineno == code.co_firstlineno
    ]
    around = [b for b in bodies if places and (b.lineno, b.col_offset) <= places[-1] < (b.end_lineno, b.end_col_offset)]
    if not around:
        return None
    innermost = max(around, key=lambda body: (body.lineno, body.col_offset))
    return " ".join((ast.get_source_segment(source, innermost) or "").split())
