"""What stands around training: data loading, checkpointing. Each part is imported when it is first used."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tour.utils import checkpoint as checkpoint
    from tour.utils import data as data
else:
    _PARTS = {"checkpoint", "data"}

    def __getattr__(name):
        """Import a part the first time it is used (PEP 562)."""
        if name not in _PARTS:
            raise AttributeError(f"module 'tour.utils' has no attribute {name!r}")
        from importlib import import_module

        return import_module(f"tour.utils.{name}")

    def __dir__():
        return sorted({*globals(), *_PARTS})
