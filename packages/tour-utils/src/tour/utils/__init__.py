"""What stands around training: data, files, checkpointing. Each part is imported when it is first used."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tour.utils import benchmark as benchmark
    from tour.utils import checkpoint as checkpoint
    from tour.utils import data as data
    from tour.utils import model_zoo as model_zoo
    from tour.utils import safetensors as safetensors
    from tour.utils import tensorboard as tensorboard
    from tour.utils.model_summary import summary as summary
    from tour.utils.profiler import profile as profile
    from tour.utils.run import load_run as load_run
    from tour.utils.run import save_run as save_run
else:
    _PARTS = {"benchmark", "checkpoint", "data", "model_zoo", "safetensors", "tensorboard"}
    _HOMES = {"load_run": "run", "profile": "profiler", "save_run": "run", "summary": "model_summary"}

    def __getattr__(name):
        """Import a part the first time it is used (PEP 562)."""
        from importlib import import_module

        if name in _PARTS:
            return import_module(f"tour.utils.{name}")
        if name in _HOMES:
            value = globals()[name] = getattr(import_module(f"tour.utils.{_HOMES[name]}"), name)
            return value
        raise AttributeError(f"module 'tour.utils' has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *_HOMES, *_PARTS})
