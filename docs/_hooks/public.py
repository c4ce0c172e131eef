"""The public names of tour, and their examples.

A function or class is described where it is defined and shows an example of its own. Other names are made from one of these: in-place
forms (`abs_` of `abs`), forms that copy (`view_copy`), deprecated ones (`nn.init.uniform`). Their example is the original's, called by
the other name and run.
"""

from __future__ import annotations

import ast
import doctest
import inspect
import sys
import warnings
from importlib import import_module
from types import ModuleType
from typing import Any

import tour

# Modules whose names need no example, and why.
NO_GPU = "it would need a GPU, which the machine that runs the examples has not"
WITHOUT_EXAMPLE = {"tour.cuda": NO_GPU, "tour.amp.cuda": NO_GPU}


def home(x: Any) -> str:
    """The module in which a function or class is defined."""
    return str(getattr(x, "__module__", ""))


def place(x: Any) -> str:
    """The dotted name under which a function or class is defined."""
    return f"{home(x)}.{getattr(x, '__qualname__', '')}"


def offered(module: str) -> dict[str, Any]:
    """The functions and classes of tour that a module offers, by the names under which it does."""
    found = import_module(module)
    names = getattr(found, "__all__", None) or [name for name in dir(found) if not name.startswith("_")]
    values = {name: getattr(found, name) for name in names}
    return {name: x for name, x in values.items() if callable(x) and home(x).startswith("tour") and place(x)[-1] != "."}


def members() -> dict[str, Any]:
    """The public methods and properties of a tensor, by name. (Flags that are always False are neither.)"""
    found = {name: inspect.getattr_static(tour.Tensor, name) for name in dir(tour.Tensor) if not name.startswith("_")}
    found = {name: getattr(x, "__func__", x) for name, x in found.items()}
    found = {name: x.fget if isinstance(x, property) else x for name, x in found.items()}
    return {name: x for name, x in found.items() if callable(x)}


def original(x: Any) -> Any:
    """What an in-place, copying or deprecated form was made from; None for what is defined by itself."""
    made = getattr(x, "__wrapped__", None) if inspect.isfunction(x) else None
    return made if made is not None and made.__name__ != x.__name__ else None


def has_example(x: Any) -> bool:
    """Whether a function or class, or what it was made from, shows an example."""
    return ">>>" in (inspect.getdoc(original(x) or x) or "")


def without_example(x: Any) -> str | None:
    """Why a function or class may lack an example."""
    return next((why for module, why in WITHOUT_EXAMPLE.items() if f"{home(x)}.".startswith(f"{module}.")), None)


def second_names(module: str) -> dict[str, str]:
    """Other names of the functions of a module, and which function each one names."""
    named = [*vars(import_module(module)).items(), *members().items()]
    found = {
        name: x.__name__
        for name, x in named
        if home(x) == module and inspect.isfunction(x) and name != x.__name__ and not name.startswith("_")
    }
    return {name: of for name, of in sorted(found.items()) if not of.startswith("_")}


def example(form: Any) -> str:
    """The example of what a form was made from, called by the form's own name, and what that gives.

    Raises:
        ValueError: If there is no example that calls the original.
    """
    plain, name = original(form), form.__name__
    names: dict[str, Any] = dict(vars(sys.modules[home(plain)]))
    known = {name, plain.__name__, *(other for other, x in members().items() if x is plain)}
    shown: list[str] = []
    found = False
    for part in doctest.DocTestParser().get_examples(inspect.getdoc(plain) or ""):
        tree = ast.parse(part.source).body[0]
        call = next((node for node in ast.walk(tree) if isinstance(node, ast.Call) and called(node) in known), None)
        source = part.source.strip()
        if call is not None:
            found = True
            written = ast.get_source_segment(part.source, call) or ""
            by_name = renamed(call, name, names)
            source = by_name if name.endswith("_") else source.replace(written, by_name)
        value = evaluated(source, names)
        if not isinstance(tree, ast.Import | ast.ImportFrom):
            shown += prompted(source) if value is None else [*prompted(source), repr(value)]
        if found and name.endswith("_"):
            break
    if not found:
        raise ValueError(f"no example of {place(plain)} calls it, so {name} has none")
    return "\n".join(shown)


def called(call: ast.Call) -> str:
    """The last part of the name that a call calls."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def renamed(call: ast.Call, name: str, names: dict[str, Any]) -> str:
    """A call by another name: as a method of its first tensor if tensors have it in place, and as a function otherwise."""
    owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    has = evaluated(owner, names) if owner else None
    first, *rest = [*([owner] if owner and not isinstance(has, ModuleType) else []), *map(ast.unparse, call.args)]
    rest += map(ast.unparse, call.keywords)
    if name.endswith("_") and hasattr(tour.Tensor, name):
        return f"{first}.{name}({', '.join(rest)})"
    module = f"{owner}." if isinstance(has, ModuleType) and hasattr(has, name) else "tour." if owner else ""
    return f"{module}{name}({', '.join([first, *rest])})"


def evaluated(source: str, names: dict[str, Any]) -> Any:
    """Run statements; the value of the last one if it is an expression."""
    tree = ast.parse(source)
    last = tree.body[-1]
    with warnings.catch_warnings(action="ignore"):
        if not isinstance(last, ast.Expr):
            return exec(compile(tree, "<example>", "exec"), names)
        exec(compile(ast.Module(tree.body[:-1], []), "<example>", "exec"), names)
        return eval(compile(ast.Expression(last.value), "<example>", "eval"), names)


def prompted(source: str) -> list[str]:
    """Statements as Python's prompt shows them."""
    first, *rest = source.strip().splitlines()
    return [f">>> {first}", *(f"... {line}" for line in rest)]
