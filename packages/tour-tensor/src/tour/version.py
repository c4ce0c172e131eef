"""Which version of tour this is, and of the libraries that PyTorch would name beside it."""

from typing import Any

cuda: str | None = None  # PyTorch's wheels are built for one version of CUDA; tour finds it when it is used
hip: str | None = None
debug = False


def __getattr__(name: str) -> Any:
    if name == "__version__":
        import tour

        return tour.__version__
    raise AttributeError(f"module 'tour.version' has no attribute {name!r}")
