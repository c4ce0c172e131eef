"""Tensors in nested lists, tuples and dicts: taken out in order, and put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Tree = Any


class Leaf:
    """The structure of what is no container."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Leaf)

    def __repr__(self) -> str:
        return "*"

    __hash__ = object.__hash__


class Branch:
    """The structure of a list, tuple or dict.

    Attributes:
        kind: Its type.
        keys: The keys of a dict, sorted where they can be; None for a list or tuple.
        parts: The structures in it.
    """

    def __init__(self, kind: type, keys: list[Any] | None, parts: list[Any]) -> None:
        self.kind, self.keys, self.parts = kind, keys, parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Branch) and (self.kind, self.keys, self.parts) == (other.kind, other.keys, other.parts)

    def __repr__(self) -> str:
        if self.keys is not None:
            return "{" + ", ".join(f"{k!r}: {p}" for k, p in zip(self.keys, self.parts, strict=True)) + "}"
        text = ", ".join(map(repr, self.parts))
        return f"[{text}]" if self.kind is list else f"({text},)" if len(self.parts) == 1 else f"({text})"

    __hash__ = object.__hash__


def parts_of(tree: Tree) -> tuple[list[Any], list[Any] | None] | None:
    """What a container holds, with the keys of a dict; None for what is no container."""
    if type(tree) in (list, tuple) or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return list(tree), None
    if isinstance(tree, tuple) and type(tree).__module__.startswith("tour"):  # the results of tour.return_types
        return list(tree), None
    if isinstance(tree, dict):
        return list(tree.values()), list(tree)
    return None


def flatten(tree: Tree) -> tuple[list[Any], Any]:
    """What is in a tree, in order, and its structure."""
    found = parts_of(tree)
    if found is None:
        return [tree], Leaf()
    leaves: list[Any] = []
    structures = []
    for part in found[0]:
        inner, structure = flatten(part)
        leaves += inner
        structures.append(structure)
    return leaves, Branch(type(tree), found[1], structures)


def unflatten(leaves: list[Any], structure: Any) -> Tree:
    """The inverse of `flatten`."""
    return _taken(iter(leaves), structure)


def _taken(leaves: Any, structure: Any) -> Tree:
    if isinstance(structure, Leaf):
        return next(leaves)
    parts = [_taken(leaves, part) for part in structure.parts]
    kind: Any = structure.kind
    if structure.keys is not None:
        made = dict(zip(structure.keys, parts, strict=True))
        return made if kind is dict else kind(made)
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


def mapped(function: Callable[[Any], Any], tree: Tree) -> Tree:
    """The tree with each leaf replaced."""
    leaves, structure = flatten(tree)
    return unflatten([function(x) for x in leaves], structure)


def prefix(tree: Tree, structure: Any) -> list[Any] | None:
    """For each leaf of a structure the entry of a tree that may end earlier; None where they do not fit."""
    if isinstance(structure, Leaf):
        return [tree] if parts_of(tree) is None else None
    found = parts_of(tree)
    if found is None:
        return [tree] * count(structure)
    parts, keys = found
    if len(parts) != len(structure.parts) or (
        structure.keys is not None and (keys is None or set(keys) != set(structure.keys))
    ):
        return None
    if structure.keys is not None:
        parts = [tree[k] for k in structure.keys]
    entries = [prefix(part, inner) for part, inner in zip(parts, structure.parts, strict=True)]
    return None if any(e is None for e in entries) else [x for e in entries for x in e]  # type: ignore[union-attr]


def count(structure: Any) -> int:
    """How many leaves a structure has."""
    return 1 if isinstance(structure, Leaf) else sum(map(count, structure.parts))
