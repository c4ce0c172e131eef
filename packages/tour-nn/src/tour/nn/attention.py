"""Which kernel computes attention: PyTorch's choice among several, accepted here, where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(Enum):
    """PyTorch's kernels of `scaled_dot_product_attention`.

    Examples:
        >>> from tour.nn.attention import SDPBackend, sdpa_kernel
        >>> with sdpa_kernel(SDPBackend.MATH):
        ...     SDPBackend.MATH.name
        'MATH'
    """

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends: SDPBackend | Sequence[SDPBackend], set_priority: bool = False) -> Iterator[None]:
    """A block that wants certain kernels for attention. It changes nothing: tour's one kernel never holds all weights at once.

    Args:
        backends: One or several of PyTorch's kernels.
        set_priority: Whether their order counts.

    Raises:
        TypeError: If something else is given.

    Examples:
        >>> import tour
        >>> x = tour.ones(1, 2, 4)
        >>> with sdpa_kernel(SDPBackend.MATH):
        ...     tour.nn.functional.scaled_dot_product_attention(x, x, x).shape
        tour.Size([1, 2, 4])
    """
    wanted = [backends] if isinstance(backends, SDPBackend) else list(backends)
    if not all(isinstance(backend, SDPBackend) for backend in wanted):
        raise TypeError(f"Backend must be an instance of SDPBackend or a list of them, but got {backends!r}")
    yield
