"""Settings of what computes, as in `torch.backends`."""

from __future__ import annotations

from typing import Literal

__all__ = ["cpu"]


class Cpu:
    """The CPU, as `tour.backends.cpu`.

    Attributes:
        winograd: How compiled kernels (tour-numba) multiply in 3 x 3 convolutions of stride 1. `"auto"` and 4 take Winograd's
            F(4 x 4, 3 x 3), with a quarter of the products, and an error that is four to nine times that of the plain sum in the root
            of its mean square, about 1e-6 of the result; 2 takes F(2 x 2, 3 x 3), with 4/9 of the products, and about the error of the
            plain sum; 0 takes the plain sum.

    Examples:
        >>> import tour
        >>> tour.backends.cpu.winograd
        'auto'
    """

    __slots__ = ("winograd",)

    def __init__(self) -> None:
        self.winograd: Literal["auto", 0, 2, 4] = "auto"


cpu = Cpu()
