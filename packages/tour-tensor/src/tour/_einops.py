"""Tells einops of tour's tensors, if a program imports it: `einops.rearrange(t, "b c h w -> b (h w) c")`.

einops asks each class derived from its `AbstractBackend` whether a tensor is its own. The class can only be made once einops is
there, so the import of its module is watched for; a program that never imports it pays nothing else.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

_MODULE = "einops._backends"


def watch() -> None:
    """Define the backend when einops is imported, or now if it is."""
    if _MODULE in sys.modules:
        _define(sys.modules[_MODULE])
    else:
        watcher: Any = _Watcher()
        sys.meta_path.insert(0, watcher)


class _Watcher:
    """Lets the others find einops, and steps in when it has been loaded; then it is gone."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)  # type: ignore[arg-type, unused-ignore]
        from importlib.util import find_spec

        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
        return spec


class _Loader:
    """The loader of einops, and then the definition."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _define(module)


def _define(backends: Any) -> None:
    import tour

    class TourBackend(backends.AbstractBackend):  # type: ignore[misc]
        """What einops needs of tensors."""

        framework_name = "tour"

        def is_appropriate_type(self, tensor: Any) -> bool:
            return isinstance(tensor, tour.Tensor)

        def from_numpy(self, x: Any) -> Any:
            return tour.from_numpy(x)

        def to_numpy(self, x: Any) -> Any:
            return x.detach().cpu().numpy()

        def arange(self, start: int, stop: int) -> Any:
            return tour.arange(start, stop, dtype=tour.int64)

        def shape(self, x: Any) -> tuple[int, ...]:
            return tuple(x.shape)

        def reduce(self, x: Any, operation: str, reduced_axes: Any) -> Any:
            if operation in ("min", "max"):
                return getattr(x, f"a{operation}")(dim=reduced_axes)
            if operation in ("sum", "mean"):
                return getattr(x, operation)(dim=reduced_axes)
            if operation not in ("prod", "any", "all"):
                raise NotImplementedError(f"Unknown reduction {operation}")
            for axis in sorted(reduced_axes, reverse=True):
                x = getattr(x, operation)(dim=axis)
            return x

        def transpose(self, x: Any, axes: Any) -> Any:
            return x.permute(*axes)

        def stack_on_zeroth_dimension(self, tensors: Any) -> Any:
            return tour.stack(tensors)

        def add_axis(self, x: Any, new_position: int) -> Any:
            return x.unsqueeze(new_position)

        def add_axes(self, x: Any, n_axes: int, pos2len: dict[int, int]) -> Any:
            sizes = [-1] * n_axes
            for position, length in pos2len.items():
                x = x.unsqueeze(position)
                sizes[position] = length
            return x.expand(sizes)

        def tile(self, x: Any, repeats: Any) -> Any:
            return x.repeat(repeats)

        def concat(self, tensors: Any, axis: int) -> Any:
            return tour.cat(tensors, dim=axis)

        def is_float_type(self, x: Any) -> bool:
            return bool(x.dtype.is_floating_point)

        def einsum(self, pattern: str, *x: Any) -> Any:
            return tour.einsum(pattern, *x)

    backends.TourBackend = TourBackend  # einops finds it among the derived classes, which hold on to none
