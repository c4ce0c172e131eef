"""Settings of what computes, as in `torch.backends`.

`cpu` says how tour's own kernels compute. The others are libraries of PyTorch's, accepted so that programs written for it run:
`tour.backends.cudnn.benchmark = True` changes nothing here, a misspelled switch is refused.
"""

from __future__ import annotations

from typing import Any, Literal

from tour import _compiled

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]


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

    def empty_cache(self) -> None:
        """Give memory back to the system that compiled kernels (tour-numba) keep to use it again; without them there is none.

        Examples:
            >>> import tour
            >>> tour.backends.cpu.empty_cache()
        """
        _compiled.empty_cache()


cpu = Cpu()


class Library:
    """A library that does not compute for tour, with the switches that PyTorch gives it.

    Examples:
        >>> import tour
        >>> tour.backends.cudnn.benchmark = True
        >>> tour.backends.cudnn.is_available(), tour.backends.mps.is_available()
        (False, False)
        >>> tour.backends.cudnn.bench = True
        Traceback (most recent call last):
        ...
        AttributeError: tour.backends.cudnn has no switch 'bench'; it has allow_tf32, benchmark, benchmark_limit, deterministic, enabled
    """

    def __init__(self, name: str, **switches: Any) -> None:
        vars(self).update(_name=name, **switches)

    def __setattr__(self, name: str, value: Any) -> None:
        self._known(name)
        vars(self)[name] = value

    def __getattr__(self, name: str) -> Any:
        return self._known(name)

    def _known(self, name: str) -> None:
        if name not in vars(self):
            switches = ", ".join(sorted(n for n in vars(self) if n != "_name")) or "none"
            raise AttributeError(f"tour.backends.{vars(self)['_name']} has no switch {name!r}; it has {switches}")

    def is_available(self) -> bool:
        """False: tour does not compute with it."""
        return False

    is_built = is_available

    def version(self) -> None:
        """None: there is none."""


cudnn = Library("cudnn", enabled=True, benchmark=False, benchmark_limit=10, deterministic=False, allow_tf32=True)
matmul = Library(
    "cuda.matmul",
    allow_tf32=False,
    allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
)
cuda = Library("cuda", matmul=matmul)
mkldnn = Library("mkldnn", enabled=True, allow_tf32=True, deterministic=False)
mps, mkl, openmp = (Library(name) for name in ("mps", "mkl", "openmp"))
