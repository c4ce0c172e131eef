"""Trained weights from files that are there already, under the name of PyTorch's `model_zoo`; nothing is ever downloaded."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import tour

__all__ = ["load_url"]


def load_url(
    url: str | os.PathLike[str],
    model_dir: str | os.PathLike[str] | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
) -> Any:
    """Load weights from a path, or from the file that PyTorch or somebody else has downloaded from a web address.

    Args:
        url: A path, a `file:` address, or a web address whose file lies in `model_dir`.
        model_dir: Where downloaded files lie; by default where PyTorch keeps them, `$TORCH_HOME/hub/checkpoints`.
        map_location: Where tensors go, as for `tour.load`.
        progress: Accepted for PyTorch's sake.
        check_hash: Compare the file's SHA-256 with the digits at the end of its name, as in `resnet18-5c106cde.pth`.
        file_name: The file's name, if it is not that of the address.

    Returns:
        What the file holds, most often a state dict. A `.safetensors` file is one too.

    Raises:
        FileNotFoundError: If there is no such file; it says where to put it.
        RuntimeError: If the name of the file has no digits, or its contents have others.

    Examples:
        >>> import tempfile, tour
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tour.save({"weight": tour.ones(2)}, folder + "/small.pt")
        ...     load_url("https://example.org/models/small.pt", model_dir=folder)
        {'weight': tensor([1., 1.])}
    """
    path = _path(os.fspath(url), model_dir, file_name)
    if check_hash:
        _compare_hash(path)
    if path.suffix == ".safetensors":
        from tour.utils.safetensors import load_file

        return load_file(path, device=map_location or "cpu")
    return tour.load(path, map_location=map_location)


def _path(url: str, model_dir: str | os.PathLike[str] | None, file_name: str | None) -> Path:
    """Where the file is."""
    parts = urlparse(url)
    if parts.scheme not in ("http", "https", "ftp"):
        path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(url)
        if path.is_file():
            return path
        raise FileNotFoundError(f"there is no file {path}")
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "torch"
    path = Path(model_dir or Path(home) / "hub" / "checkpoints") / (file_name or os.path.basename(unquote(parts.path)))
    if path.is_file():
        return path
    raise FileNotFoundError(
        f"tour downloads nothing: fetch {url} yourself and put it at {path}, or give the path of your copy"
    )


def _compare_hash(path: Path) -> None:
    """Refuse a file that is not the one its name promises.

    Raises:
        RuntimeError: Says which digits were found.
    """
    named = re.search(r"-([a-f0-9]{4,})\.", path.name)
    if named is None:
        raise RuntimeError(f"the name {path.name!r} has no digits of a hash at its end, such as resnet18-5c106cde.pth")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(named[1]):
        raise RuntimeError(
            f"{path} is damaged or another file: its SHA-256 begins with {found[: len(named[1])]}, not {named[1]}"
        )
