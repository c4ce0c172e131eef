"""Connectionist temporal classification: the likelihood of a sequence of labels under any alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import tour
from tour import Tensor
from tour._declare import primitive
from tour.autograd.both import everywhere, reading
from tour.autograd.rule import declare_missing, joint_vjp
from tour.nn.functional._reduction import reduced
from tour.nn.kernels import ctc as kernels

__all__ = ["ctc_loss"]

Lengths = Tensor | Sequence[int]


@primitive(kernels.ctc_loss)
def ctc_losses(
    log_probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int
) -> tuple[Tensor, Tensor]:
    """Negative log likelihood of each target, and the forward variables."""
    ...


@primitive(kernels.ctc_loss_grad)
def ctc_losses_grad(
    g: Tensor, log_probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int,
    losses: Tensor, alpha: Tensor, zero_infinity: bool,
) -> Tensor:  # fmt: skip
    """Gradient of `ctc_losses`; like PyTorch's it has no gradient of its own."""
    ...


declare_missing()
_grad = reading(ctc_losses_grad)


@joint_vjp(ctc_losses, "log_probs")
def _(
    g: Any, wanted: Any, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int, out: Any
) -> Any:
    # An infinite loss that is to count as zero arrives with a gradient of zero.
    arriving = g[0]._a if isinstance(g[0], Tensor) else g[0]
    losses = out[0]._a if isinstance(out[0], Tensor) else out[0]
    silent = everywhere(np.where(np.isposinf(losses), arriving, 0) == 0)
    return (_grad(g[0], log_probs, targets, input_lengths, target_lengths, blank, out[0], out[1], silent),)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Negative log likelihood of sequences of labels, summed over all alignments (Graves et al., 2006).

    The gradient is that for the input of the `log_softmax` that made `log_probs`, as in PyTorch.

    Args:
        log_probs: Log-probabilities of shape (T, N, C) or (T, C).
        targets: Labels of shape (N, S), or all labels in a row; without blanks.
        input_lengths: Number of steps of each sample, at most T; shape (N,) or ().
        target_lengths: Number of labels of each sample.
        blank: The class that means no label.
        reduction: `"mean"` (losses divided by the lengths of their targets), `"sum"` or `"none"`.
        zero_infinity: Whether samples too short for their targets lose nothing, instead of infinity.

    Raises:
        RuntimeError: If shapes, lengths or the blank do not fit.
        ValueError: If the reduction is unknown.

    Examples:
        >>> import tour
        >>> p = tour.tensor([[[0.4, 0.6]], [[0.5, 0.5]]])
        >>> ctc_loss(p.log(), tour.tensor([[1]]), [2], [1]).exp()
        tensor(1.2500)
    """
    single = log_probs.dim() == 2
    x = log_probs.unsqueeze(1) if single else log_probs
    if x.dim() != 3:
        raise RuntimeError(
            f"ctc_loss: expected log_probs of shape (T, N, C) or (T, C), but got {list(log_probs.shape)}"
        )
    if not x.is_floating_point():
        raise NotImplementedError(f"ctc_loss is not implemented for {x.dtype.name}")
    if not 0 <= blank < x.shape[2]:
        raise RuntimeError(f"blank must be in label range: got {blank} for {x.shape[2]} classes")
    steps = _lengths(input_lengths, x.shape[1], "input_lengths")
    labels = _lengths(target_lengths, x.shape[1], "target_lengths")
    if steps.max(initial=0) > x.shape[0] or steps.min(initial=0) < 0:
        raise RuntimeError(f"Expected input_lengths to have values from 0 to {x.shape[0]}, but got {steps.tolist()}")
    if labels.min(initial=0) < 0:
        raise RuntimeError(f"Expected target_lengths to have value at least 0, but got {labels.tolist()}")
    table = _table(targets.cpu()._a.astype(np.int64), labels, x.shape[1], single)
    there = (tour.as_tensor(part).to(x.device) for part in (table, steps, labels))
    losses, _ = ctc_losses(x, next(there), next(there), next(there), blank)
    if zero_infinity:
        losses = tour.where(losses == float("inf"), 0, losses)
    if reduction == "mean":
        return (losses / tour.as_tensor(np.maximum(labels, 1).astype(losses._a.dtype)).to(x.device)).mean()
    return reduced(losses.squeeze(0) if single else losses, reduction)


def _lengths(lengths: Any, count: int, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Lengths of the samples of a batch.

    Raises:
        RuntimeError: If they are not integers, or not one for each sample.
    """
    raw = np.atleast_1d(lengths.cpu()._a if isinstance(lengths, Tensor) else np.asarray(lengths))
    if raw.dtype.kind not in "iu":
        raise RuntimeError(f"{name} must be integral, but got {raw.dtype.name}")
    if raw.shape != (count,):
        raise RuntimeError(f"{name} must be of size batch_size: expected [{count}], but got {list(raw.shape)}")
    return raw.astype(np.int64)


def _table(targets: Any, lengths: Any, count: int, single: bool) -> Any:
    """Labels as a table (N, longest), from a table or from all labels in a row.

    Raises:
        RuntimeError: If there are too few labels, or too few rows.
    """
    longest = int(lengths.max(initial=0))
    if targets.ndim == 1 and not single:
        if len(targets) != lengths.sum():
            raise RuntimeError(
                f"Expected targets to have {lengths.sum()} labels, the sum of target_lengths, but got {len(targets)}"
            )
        table = np.zeros((count, longest), np.int64)
        table[np.arange(longest) < lengths[:, None]] = targets
        return table
    rows = np.atleast_2d(targets)
    if rows.shape[0] != count or rows.shape[1] < longest or (targets.ndim == 1 and rows.shape[1] != longest):
        raise RuntimeError(
            f"Expected targets of {count} rows with at least {longest} labels each, but got shape {list(targets.shape)}"
        )
    return rows[:, :longest]
