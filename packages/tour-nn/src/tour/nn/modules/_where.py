"""Saying in which module something went wrong: `net.encoder.2: Linear(9→2)`, by the name that the user's program gives the model.

Nothing here runs until something has failed. When an exception leaves a forward, each `Module.__call__` it passes puts its own part
in front of the path; when a backward pass fails, tour-autograd asks for it.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from tour.nn.modules.module import Module


class Where(str):
    """The note: a string that knows the module it has reached and the path from there to the culprit."""

    module: Module
    path: str
    culprit: str

    def __new__(cls, module: Module, path: str, culprit: str) -> Self:
        self = super().__new__(cls, f"in {_joined(module, path, culprit)}")
        self.module, self.path, self.culprit = module, path, culprit
        return self

    def __reduce__(self) -> Any:
        return str, (str(self),)  # a pickled exception needs the words, not the module


def note_module(module: Module, error: BaseException) -> None:
    """Note on an exception that it passed through `module`."""
    notes = getattr(error, "__notes__", [])
    for i, note in enumerate(notes):
        if isinstance(note, Where):
            if note.module is not module:
                notes[i] = Where(module, _step(module, note.module) + note.path, note.culprit)
            return
    error.add_note(Where(module, "", _one_line(module)))


def where(root: Module, culprit: Module, described: bool) -> str:
    """A module at or below another one in words; or only the path to it."""
    path = "" if culprit is root else _step(root, culprit)
    if not described:
        return f"{_name_in_program(root) or type(root).__name__}{path}"
    return _joined(root, path, _one_line(culprit))


def _joined(root: Module, path: str, culprit: str) -> str:
    name = _name_in_program(root)
    return culprit if name is None and not path else f"{name or type(root).__name__}{path}: {culprit}"


def _step(module: Module, below: Module) -> str:
    """The path from a module to one below it, with a dot in front."""
    path = next((path for path, found in module.named_modules() if found is below), None)
    return f".<unregistered {type(below).__name__}>" if path is None else f".{path}"


def _one_line(module: Module) -> str:
    """A module without its submodules; only its name if it cannot even be described."""
    name = type(module).__name__
    try:
        return f"{module._get_name()}({_sizes(module) or ' '.join(module.extra_repr().split())})"
    except Exception:
        return name


def _sizes(module: Module) -> str | None:
    """What a layer makes of what, if it says so: 9→2."""
    for made_of, into in (
        ("in_features", "out_features"),
        ("in_channels", "out_channels"),
        ("input_size", "hidden_size"),
    ):
        if made_of in module.__dict__ and into in module.__dict__:
            return f"{module.__dict__[made_of]}→{module.__dict__[into]}"
    return None


def _name_in_program(module: Module) -> str | None:
    """The variable that holds a module in the program that is running, `net` or `self.net`; None if no frame has one."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not str(frame.f_globals.get("__name__")).startswith("tour."):
            for scope, prefix in (
                (frame.f_locals, ""),
                (getattr(frame.f_locals.get("self"), "__dict__", {}), "self."),
                (frame.f_globals, ""),
            ):
                for name, value in list(scope.items()):
                    if value is module and name != "self" and not name.startswith("_"):
                        return f"{prefix}{name}"
        frame = frame.f_back
    return None
