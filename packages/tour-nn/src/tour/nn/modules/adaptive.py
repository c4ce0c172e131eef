"""Losses that contain their own output layer: adaptive softmax, and cross entropy of a linear map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn.modules.container import ModuleList, Sequential
from tour.nn.modules.linear import Linear
from tour.nn.modules.module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss", "LinearCrossEntropyOptions"]


class _ASMoutput(NamedTuple):
    """Log-probability of each target, and the mean loss."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """A softmax over many classes that spends little on rare ones (Grave et al., 2017, arXiv:1609.04309).

    Frequent classes and one entry per cluster of rare ones make up the head; each cluster has a smaller projection.

    Args:
        in_features: Size of the input.
        n_classes: Number of classes, sorted from frequent to rare.
        cutoffs: The first class of each cluster, rising.
        div_value: How much smaller each cluster's projection is than that of the one before.
        head_bias: Whether the head adds a bias.
        device: Where the parameters live.
        dtype: Their dtype.

    Raises:
        ValueError: If the cutoffs are not rising integers below `n_classes`.

    Examples:
        >>> import tour
        >>> layer = AdaptiveLogSoftmaxWithLoss(32, 20, cutoffs=[4, 10])
        >>> layer.log_prob(tour.ones(2, 32)).shape
        tour.Size([2, 20])
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        whole = all(int(c) == c for c in cutoffs)
        if not whole or cutoffs != sorted(set(cutoffs)) or cutoffs[0] <= 0 or cutoffs[-1] > n_classes - 1:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value "
                f"is between 1 and n_classes-1, but got {cutoffs} for {n_classes} classes"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, device=device, dtype=dtype)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // div_value ** (i + 1))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            first = Linear(in_features, hidden, bias=False, device=device, dtype=dtype)
            self.tail.append(Sequential(first, Linear(hidden, size, bias=False, device=device, dtype=dtype)))

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        self.head.reset_parameters()
        for tail in self.tail:
            for layer in tail.children():
                if isinstance(layer, Linear):
                    layer.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> _ASMoutput:
        """Log-probabilities of the targets (N,) for inputs (N, in_features), and the mean loss.

        Raises:
            RuntimeError: If shapes do not fit, or a target is out of range.
        """
        if target.dim() > 1:
            raise RuntimeError(
                f"0D or 1D target tensor expected, multi-target not supported, but got {list(target.shape)}"
            )
        if input.dim() != target.dim() + 1:
            raise RuntimeError(
                f"{target.dim()}D target tensor expects {target.dim() + 1}D input tensors, but found input with size "
                f"{list(input.shape)}"
            )
        if target.dim() and input.shape[0] != target.shape[0]:
            raise RuntimeError(
                "Input and target should have the same size in the batch dimension, but got "
                f"{input.shape[0]} and {target.shape[0]}."
            )
        x, y = (input, target) if target.dim() else (input.unsqueeze(0), target.unsqueeze(0))
        if y.numel() and not 0 <= int(y.min()) <= int(y.max()) < self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range [{int(y.min())}, {int(y.max())}] "
                "were found. "
            )
        output = self._of_targets(x, y)
        loss = (-output).mean()
        return _ASMoutput(output if target.dim() else output.squeeze(0), loss)

    def _of_targets(self, x: Tensor, y: Tensor) -> Tensor:
        """Log-probability of each target; only the clusters that occur are computed."""
        cluster = tour.zeros_like(y)
        for cutoff in self.cutoffs[:-1]:
            cluster = cluster + (y >= cutoff).long()
        entry = tour.where(cluster == 0, y, self.shortlist_size + cluster - 1)
        output = F.log_softmax(self.head(x), dim=1).gather(1, entry.unsqueeze(1)).squeeze(1)
        for i, tail in enumerate(self.tail):
            rows = (cluster == i + 1).nonzero().squeeze(1)
            if rows.numel():
                logs = F.log_softmax(tail(x.index_select(0, rows)), dim=1)
                place = y.index_select(0, rows) - self.cutoffs[i]
                output = output.index_add(0, rows, logs.gather(1, place.unsqueeze(1)).squeeze(1))
        return output

    def _full_log_prob(self, input: Tensor, head: Tensor) -> Tensor:
        logs = F.log_softmax(head, dim=1)
        parts = [logs[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            at = self.shortlist_size + i
            parts.append(F.log_softmax(tail(input), dim=1) + logs[:, at : at + 1])
        return tour.cat(parts, 1)

    def log_prob(self, input: Tensor) -> Tensor:
        """Log-probabilities (N, n_classes) of all classes for inputs (N, in_features)."""
        return self._full_log_prob(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class (N,) for inputs (N, in_features); clusters are computed only where they may win."""
        head = self.head(input)
        best = head.argmax(1)
        rows = (best >= self.shortlist_size).nonzero().squeeze(1)
        if not rows.numel():
            return best
        full = self._full_log_prob(input.index_select(0, rows), head.index_select(0, rows))
        return best.index_copy(0, rows, full.argmax(1))


@dataclass
class LinearCrossEntropyOptions:
    """How PyTorch saves memory in `LinearCrossEntropyLoss`; accepted, and without effect on the numbers.

    Attributes:
        allow_retain_graph: Whether a second backward pass may follow.
        batch_chunk_size: Samples at a time.
        chunking_method: How that number is found.
        acc_policy: How sums are kept.
        acc_dtype: Their dtype.

    Examples:
        >>> from tour import nn
        >>> loss = nn.LinearCrossEntropyLoss(4, 10, options=nn.LinearCrossEntropyOptions())
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None


class LinearCrossEntropyLoss(Module):
    """Cross entropy of a linear map of the input; see `tour.nn.functional.linear_cross_entropy`.

    Args:
        in_features: Size of the input.
        num_classes: Number C of classes.
        out_features: Sizes of further dimensions of the prediction.
        bias: Whether the linear map adds a bias.
        device: Where the parameters live.
        dtype: Their dtype.
        reduction: `"mean"`, `"sum"` or `"none"`.
        weight: Weight of each class.
        ignore_index: Samples of this class do not count; -100 if None.
        label_smoothing: Share of the target spread over all classes.
        options: How PyTorch saves memory; without effect on the numbers.

    Examples:
        >>> import tour
        >>> LinearCrossEntropyLoss(2, 3)(tour.zeros(1, 2), tour.tensor([0]))
        tensor(1.0986, grad_fn=<...>)
    """

    weight: Tensor | None

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        super().__init__()
        classes = (num_classes,)
        if weight is not None and weight.shape != classes:
            raise RuntimeError(f"expected weight shape to be {classes}, got {tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        self.in_features = in_features
        self.num_classes = num_classes
        self.out_features = out_features
        self.reduction = reduction
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.options = options
        self.register_buffer("weight", weight)
        self.linear = Linear(in_features, num_classes * prod(out_features), bias=bias, device=device, dtype=dtype)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of inputs (N, in_features) against class indices or probabilities."""
        bias = self.linear.bias
        shape = (self.num_classes, *self.out_features)
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape(*shape, self.in_features),
            target,
            linear_bias=None if bias is None else bias.reshape(shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        """Sizes and options, for the printed tree."""
        return (
            f"in_features={self.in_features}, num_classes={self.num_classes}, out_features={self.out_features}, "
            f"bias={self.linear.bias is not None}, reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )
