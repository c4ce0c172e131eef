"""Saying in which module an exception was raised: a note such as `in Net.encoder.2: ReLU()`.

Nothing here runs until an exception leaves a forward. Each `Module.__call__` it passes puts its own part in front of
the path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from tour.nn.modules.module import Module


class Where(str):
    """The note: a string that knows the module it has reached and the path from there to the culprit."""

    module: Module
    path: str
    culprit: str

    def __new__(cls, module: Module, path: str, culprit: str) -> Self:
        root = type(module).__name__
        self = super().__new__(cls, f"in {root}{path}: {culprit}" if path else f"in {culprit}")
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


def _step(module: Module, below: Module) -> str:
    """The path from a module to one below it, with a dot in front."""
    path = next((path for path, found in module.named_modules() if found is below), None)
    return f".<unregistered {type(below).__name__}>" if path is None else f".{path}"


def _one_line(module: Module) -> str:
    """A module without its submodules; only its name if it cannot even be described."""
    name = type(module).__name__
    try:
        return f"{module._get_name()}({' '.join(module.extra_repr().split())})"
    except Exception:
        return name
