"""A model whose weights are averages of another model's."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any

import tour
from tour._tensor import Tensor
from tour.optim._flat import kind_of
from tour.optim.swa_utils import Average, MultiAverage, get_swa_multi_avg_fn

if TYPE_CHECKING:
    from tour.nn import Module
else:
    # By name: optimizers do without modules, so tour-nn is no dependency of this package. Whoever has a model has it.
    Module = import_module("tour.nn").Module

__all__ = ["AveragedModel"]


class AveragedModel(Module):
    """A copy of a model that keeps averages of its weights while it is trained.

    Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018, https://arxiv.org/abs/1803.05407.
    Models with batch normalisation need `update_bn` afterwards, or `use_buffers=True`.

    Args:
        model: The model to copy.
        device: Where the copy is kept.
        avg_fn: `avg_fn(average, current, n)` returns the new average of one parameter; the mean of all values if None.
        multi_avg_fn: `multi_avg_fn(averages, currents, n)` moves lists of averages on in place.
        use_buffers: Average buffers as well. Otherwise they are copied.

    Attributes:
        module: The copy.
        n_averaged: How often `update_parameters` has been called.

    Raises:
        AssertionError: If both functions are given.

    Examples:
        >>> import tour
        >>> model = tour.nn.Linear(1, 1)
        >>> averaged = AveragedModel(model)
        >>> for value in (1.0, 3.0):
        ...     _ = tour.nn.init.constant_(model.weight, value)
        ...     averaged.update_parameters(model)
        >>> averaged.module.weight.item()
        2.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tour.tensor(0, dtype=tour.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model gives."""
        return self.module(*args, **kwargs)

    def _averaged(self, model: Module) -> Iterator[Tensor]:
        return chain(model.parameters(), model.buffers()) if self.use_buffers else model.parameters()

    def update_parameters(self, model: Module) -> None:
        """Take the weights of `model` into the averages; the first time, copy them."""
        pairs = [
            (average.detach(), current.detach().to(average.device))
            for average, current in zip(self._averaged(self.module), self._averaged(model), strict=True)
        ]
        with tour.no_grad():
            if int(self.n_averaged) == 0:
                for average, current in pairs:
                    average.copy_(current)
            elif self.avg_fn is not None:
                for average, current in pairs:
                    average.copy_(self.avg_fn(average, current, self.n_averaged.to(average.device)))
            else:
                self._average_together(pairs)
            if not self.use_buffers:
                for average, current in zip(self.module.buffers(), model.buffers(), strict=True):
                    average.detach().copy_(current.detach().to(average.device))
            self.n_averaged += 1

    def _average_together(self, pairs: list[tuple[Tensor, Tensor]]) -> None:
        """Call the averaging function once for each dtype and device."""
        average_all = self.multi_avg_fn or get_swa_multi_avg_fn()
        alike: dict[Any, list[tuple[Tensor, Tensor]]] = {}
        for pair in pairs:
            alike.setdefault(kind_of(pair[0]._a), []).append(pair)
        for together in alike.values():
            averages, currents = map(list, zip(*together, strict=True))
            average_all(averages, currents, self.n_averaged.to(averages[0].device))
