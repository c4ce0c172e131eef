"""A whole training run in one file: stop anywhere, go on another day, and end with the same weights to the last bit.

`save_run` keeps the model, the optimizer with its state by the names of parameters, schedules, the loader's position, and where the
random numbers stand. The file is a safetensors file: its tensors are tensors, everything else is JSON, nothing in it can run.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

import tour
from tour import Tensor
from tour.serialization import FileError
from tour.utils.safetensors import safe_open, save_file

__all__ = ["load_run", "save_run"]

Path = str | os.PathLike[str]
FORMAT = "1"


def save_run(
    path: Path, *, model: Any, optimizer: Any = None, scheduler: Any = None, loader: Any = None, extra: Any = None
) -> None:
    """Write where a training run stands; a file of that name is replaced only when the new one is complete.

    Args:
        path: The file.
        model: A module.
        optimizer: An optimizer of its parameters, or a dict of several by name.
        scheduler: A learning-rate schedule, or a dict of several; anything with `state_dict` and `load_state_dict`.
        loader: A `DataLoader` whose position is kept, or a dict of several.
        extra: What else `load_run` shall return: numbers, text, tensors, and lists, tuples and dicts of them.

    Raises:
        OSError: If the file cannot be written; what stood there before still does.
        TypeError: If something is neither a tensor nor plain data.
        ValueError: If an optimizer has a parameter that the model has not.

    Examples:
        >>> import tempfile, tour
        >>> from tour import nn, optim
        >>> net = nn.Linear(2, 1)
        >>> sgd = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_run(folder + "/run.safetensors", model=net, optimizer=sgd, extra={"epoch": 3})
        ...     load_run(folder + "/run.safetensors", model=net, optimizer=sgd)
        {'epoch': 3}
    """
    names = {id(p): name for name, p in model.named_parameters()}
    state = {
        "model": dict(model.state_dict()),
        "optimizer": {key: _by_name(o, names) for key, o in _several(optimizer).items()},
        "scheduler": {key: s.state_dict() for key, s in _several(scheduler).items()},
        "loader": {key: _loader_state(v) for key, v in _several(loader).items()},
        "random": _random_state(),
        "extra": extra,
    }
    tensors: dict[str, Tensor] = {}
    structure = _taken_apart(state, "", tensors)
    save_file(tensors, path, {"tour.run": FORMAT, "structure": json.dumps(structure)})


def load_run(path: Path, *, model: Any, optimizer: Any = None, scheduler: Any = None, loader: Any = None) -> Any:
    """Set everything as it was when `save_run` wrote the file; give what was given there.

    Everything is compared before anything is changed. Parameters may be in another order than when they were saved.

    Args:
        path: The file.
        model: A module with the parameters and buffers of the saved one.
        optimizer: The optimizer, or a dict of several by the names they were saved under; None if none was saved.
        scheduler: The schedule, or a dict of several, likewise.
        loader: The `DataLoader`, or a dict of several, likewise.

    Returns:
        `extra`, as it was given to `save_run`; None if nothing was.

    Raises:
        FileError: If the file is damaged, or was not written by `save_run`.
        ValueError: If the file does not fit what is given: other parameters, shapes, groups, schedules or loaders.
        OSError: If there is no such file.

    Examples:
        >>> import tempfile, tour
        >>> net = tour.nn.Linear(2, 1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_run(folder + "/run.safetensors", model=net, extra={"epoch": 3})
        ...     load_run(folder + "/run.safetensors", model=net)
        {'epoch': 3}
    """
    state = _read(path)
    given = {"optimizer": _several(optimizer), "scheduler": _several(scheduler), "loader": _several(loader)}
    for kind, parts in given.items():
        if set(parts) != set(state[kind]):
            raise ValueError(f"{path} has {_listed(state[kind])} for {kind}, but {_listed(parts)} was given")
    _compare(state["model"], dict(model.state_dict()), path)
    names = {id(p): name for name, p in model.named_parameters()}
    optimizers = {key: _by_position(state["optimizer"][key], o, names) for key, o in given["optimizer"].items()}
    _check_random(state["random"])

    model.load_state_dict(state["model"])
    for key, o in given["optimizer"].items():
        o.load_state_dict(optimizers[key])
    for key, s in given["scheduler"].items():
        s.load_state_dict(state["scheduler"][key])
    for key, v in given["loader"].items():
        _set_loader(v, state["loader"][key])
    _set_random(state["random"])
    return state["extra"]


def _several(part: Any) -> dict[str, Any]:
    """One part or several, by name."""
    return {} if part is None else dict(part) if isinstance(part, Mapping) else {"": part}


def _listed(parts: Any) -> str:
    return "none" if not parts else ", ".join(map(repr, parts)) if set(parts) != {""} else "one"


# --- Optimizers: state by name ----------------------------------------------------------------------------------------------


def _parameter_names(optimizer: Any, names: dict[int, str]) -> list[list[str]]:
    """The names of the parameters of each group."""
    groups = [[names.get(id(p)) for p in group["params"]] for group in optimizer.param_groups]
    for number, group in enumerate(groups):
        if None in group:
            raise ValueError(f"parameter {group.index(None)} of group {number} of the optimizer is not the model's")
    return groups  # type: ignore[return-value]


def _by_name(optimizer: Any, names: dict[int, str]) -> dict[str, Any]:
    """An optimizer's state with names in place of positions."""
    groups = _parameter_names(optimizer, names)
    flat = [name for group in groups for name in group]
    state = optimizer.state_dict()
    kept = [{**group, "params": own} for group, own in zip(state["param_groups"], groups, strict=True)]
    return {"state": {flat[i]: value for i, value in state["state"].items()}, "param_groups": kept}


def _by_position(saved: dict[str, Any], optimizer: Any, names: dict[int, str]) -> dict[str, Any]:
    """A saved state for the order that an optimizer's parameters have now."""
    groups = _parameter_names(optimizer, names)
    if [set(group["params"]) for group in saved["param_groups"]] != [set(group) for group in groups]:
        raise ValueError(
            f"the optimizer's groups were {[sorted(g['params']) for g in saved['param_groups']]}, and are {[sorted(g) for g in groups]}"
        )
    position = {name: i for i, name in enumerate(name for group in groups for name in group)}
    kept = [
        {**group, "params": [position[name] for name in own]}
        for group, own in zip(saved["param_groups"], groups, strict=True)
    ]
    return {"state": {position[name]: value for name, value in saved["state"].items()}, "param_groups": kept}


def _compare(saved: dict[str, Any], own: dict[str, Any], path: Path) -> None:
    """Refuse weights that would not all fit."""
    if missing := sorted(own.keys() - saved.keys()):
        raise ValueError(f"{path} has no {missing[0]!r}, which the model has ({len(missing)} are missing)")
    if strange := sorted(saved.keys() - own.keys()):
        raise ValueError(f"{path} has {strange[0]!r}, which the model has not ({len(strange)} are too many)")
    for name, value in own.items():
        if isinstance(value, Tensor) and saved[name].shape != value.shape:
            raise ValueError(
                f"{name!r} has the shape {list(saved[name].shape)} in {path}, and {list(value.shape)} here"
            )


# --- Positions and random numbers -------------------------------------------------------------------------------------------


def _loader_state(loader: Any) -> dict[str, Any]:
    generator = getattr(loader, "generator", None)
    return {"position": loader.state_dict(), "generator": None if generator is None else generator.get_state()}


def _set_loader(loader: Any, state: dict[str, Any]) -> None:
    loader.load_state_dict(state["position"])
    if state["generator"] is not None:
        loader.generator.set_state(state["generator"])


def _random_state() -> dict[str, Any]:
    """Where every stream of random numbers that a program may use stands."""
    state: dict[str, Any] = {"tour": tour.get_rng_state(), "python": random.getstate()}
    if "numpy.random" in sys.modules:
        kind, keys, *rest = np.random.get_state(legacy=True)
        state["numpy"] = [str(kind), tour.from_numpy(np.array(keys)), *rest]
    return state


def _check_random(state: dict[str, Any]) -> None:
    random.Random().setstate(state["python"])
    tour.Generator().set_state(state["tour"])


def _set_random(state: dict[str, Any]) -> None:
    tour.set_rng_state(state["tour"])
    random.setstate(state["python"])
    if "numpy" in state:
        kind, keys, *rest = state["numpy"]
        np.random.set_state((kind, keys.numpy(), *rest))


# --- Plain data as JSON, tensors apart --------------------------------------------------------------------------------------


def _taken_apart(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """JSON for a value; its tensors go into `tensors`, under the path that leads to them."""
    match value:
        case None | bool() | str():
            return value
        case Tensor():
            tensors[path] = value.detach()
            return {"tensor": path}
        case np.generic():
            return _taken_apart(value.item(), path, tensors)
        case int() | float():
            return value
        case list():
            return [_taken_apart(v, f"{path}.{i}", tensors) for i, v in enumerate(value)]
        case tuple():
            return {"tuple": [_taken_apart(v, f"{path}.{i}", tensors) for i, v in enumerate(value)]}
        case Mapping():
            pairs = [
                [_key(k, path), _taken_apart(v, f"{path}.{k}" if path else str(k), tensors)] for k, v in value.items()
            ]
            return {"dict": pairs}
    raise TypeError(f"{path or 'the run'} is a {type(value).__name__}, which is neither a tensor nor plain data")


def _key(key: Any, path: str) -> Any:
    if not isinstance(key, (str, int, float, bool, type(None))):
        raise TypeError(f"{path} has the key {key!r}, which is neither text nor a number")
    return key


def _put_together(value: Any, tensors: dict[str, Tensor]) -> Any:
    match value:
        case {"tensor": path}:
            return tensors[path]
        case {"tuple": parts}:
            return tuple(_put_together(v, tensors) for v in parts)
        case {"dict": pairs}:
            return {key: _put_together(v, tensors) for key, v in pairs}
        case list():
            return [_put_together(v, tensors) for v in value]
    return value


def _read(path: Path) -> dict[str, Any]:
    """What a file holds, whole.

    Raises:
        FileError: If it is not what `save_run` writes.
    """
    with safe_open(path, mapped=False) as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if "tour.run" not in metadata:
        raise FileError(f"cannot load {path}: save_run did not write it")
    if metadata["tour.run"] != FORMAT:
        raise FileError(
            f"cannot load {path}: it has format {metadata['tour.run']}, newer than {FORMAT}; upgrade tour-utils"
        )
    try:
        state: dict[str, Any] = _put_together(json.loads(metadata["structure"]), tensors)
        if set(state) != {"model", "optimizer", "scheduler", "loader", "random", "extra"}:
            raise ValueError(f"it has {sorted(state)}")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FileError(f"cannot load {path}: its structure is damaged ({error})") from error
    return state
