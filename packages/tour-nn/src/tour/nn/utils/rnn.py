"""Sequences of different lengths in one batch: padded, or packed without the padding."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import tour
from tour import Tensor

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence",
    "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """A batch of sequences without padding: the steps of all sequences one below the other, the longest sequences first.

    Attributes:
        data: Rows of all steps, shape (sum of lengths, ...).
        batch_sizes: Rows of each step, int64 on the CPU.
        sorted_indices: The order in which the sequences were put, or None if they came sorted.
        unsorted_indices: The inverse order.

    Examples:
        >>> import tour
        >>> from tour.nn.utils.rnn import pack_sequence
        >>> packed = pack_sequence([tour.tensor([1, 2, 3]), tour.tensor([4, 5])])
        >>> packed.data, packed.batch_sizes
        (tensor([1, 4, 2, 5, 3]), tensor([2, 2, 1]))
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        sizes: Any = batch_sizes
        return super().__new__(cls, data, sizes, sorted_indices, unsorted_indices)

    def _with(self, data: Tensor) -> PackedSequence:
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The rows in another dtype or on another device; lengths stay on the CPU."""
        return self._with(self.data.to(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        """The rows on the CPU."""
        return self._with(self.data.cpu())

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The rows on a CUDA device."""
        return self._with(self.data.cuda(*args, **kwargs))

    def float(self) -> PackedSequence:
        """The rows in float32."""
        return self._with(self.data.float())

    def double(self) -> PackedSequence:
        """The rows in float64."""
        return self._with(self.data.double())

    @property
    def is_cuda(self) -> bool:
        """Whether the rows live on a CUDA device."""
        return self.data.is_cuda


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The order that undoes another; None for None.

    Examples:
        >>> import tour
        >>> invert_permutation(tour.tensor([2, 0, 1]))
        tensor([1, 2, 0])
    """
    return None if permutation is None else permutation.argsort()


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch.

    Args:
        input: Shape (L, B, ...), or (B, L, ...) with `batch_first`.
        lengths: The length of each sequence.
        batch_first: Whether the batch is the first dimension.
        enforce_sorted: Whether the sequences must come with falling lengths; otherwise they are sorted.

    Raises:
        RuntimeError: If a length is not positive, or they are not sorted although they must be.

    Examples:
        >>> import tour
        >>> pack_padded_sequence(tour.tensor([[1, 3], [2, 0]]), [2, 1]).data
        tensor([1, 3, 2])
    """
    counts = tour.as_tensor(lengths, dtype=tour.int64)
    order = None
    if not enforce_sorted:
        order = counts.argsort(descending=True, stable=True)
        counts = counts[order]
        input = input.index_select(0 if batch_first else 1, order)
    sizes: list[int] = counts.tolist()
    if not sizes:
        raise RuntimeError("Expected `len(lengths)` to be larger than 0")
    if sizes[-1] <= 0 or min(sizes) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if any(a < b for a, b in pairwise(sizes)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` "
            "to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not need ONNX exportability."
        )
    x = input.transpose(0, 1) if batch_first else input
    if len(sizes) != x.shape[1]:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} (batch_size={x.shape[1]})"
        )
    rows = [sum(n > t for n in sizes) for t in range(sizes[0])]
    data = tour.cat([x[t, :n] for t, n in enumerate(rows)])
    return PackedSequence(data, tour.tensor(rows), order, None)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Pad a packed batch again.

    Args:
        sequence: The packed batch.
        batch_first: Whether the batch shall be the first dimension.
        padding_value: What fills the shorter sequences.
        total_length: Length to pad to; the longest sequence's if None.

    Returns:
        Shape (L, B, ...), and the length of each sequence.

    Raises:
        ValueError: If `total_length` is too short.

    Examples:
        >>> import tour
        >>> pad_packed_sequence(pack_sequence([tour.tensor([1, 2]), tour.tensor([3])]))
        (tensor([[1, 3],
                [2, 0]]), tensor([2, 1]))
    """
    rows: list[int] = sequence.batch_sizes.tolist()
    length = len(rows) if total_length is None else total_length
    if length < len(rows):
        raise ValueError(
            f"Expected total_length to be at least the length of the longest sequence in input, but got total_length={length} "
            f"and max sequence length being {len(rows)}"
        )
    shape = (rows[0], *sequence.data.shape[1:])
    steps = []
    for part in sequence.data.split(rows):
        missing = rows[0] - part.shape[0]
        fill = tour.full((missing, *shape[1:]), padding_value, dtype=part.dtype, device=part.device)
        steps.append(tour.cat([part, fill]) if missing else part)
    steps += [tour.full(shape, padding_value, dtype=sequence.data.dtype, device=sequence.data.device)] * (
        length - len(rows)
    )
    padded = tour.stack(steps)
    lengths = tour.tensor([sum(n > b for n in rows) for b in range(rows[0])])
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices.cpu()]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def pad_sequence(
    sequences: Sequence[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Stack sequences (L_i, ...) into (L, B, ...), the shorter ones filled up.

    Args:
        sequences: Tensors that differ in their first dimension only.
        batch_first: Whether the batch shall be the first dimension.
        padding_value: What fills the shorter sequences.
        padding_side: `"right"` or `"left"`.

    Examples:
        >>> import tour
        >>> pad_sequence([tour.tensor([1, 2]), tour.tensor([3])], batch_first=True)
        tensor([[1, 2],
                [3, 0]])
    """
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    if isinstance(sequences, Tensor):
        sequences = sequences.unbind(0)
    longest = max(s.shape[0] for s in sequences)
    rows = []
    for s in sequences:
        fill = tour.full((longest - s.shape[0], *s.shape[1:]), padding_value, dtype=s.dtype, device=s.device)
        rows.append(tour.cat([s, fill] if padding_side == "right" else [fill, s]))
    return tour.stack(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each in its length.

    Args:
        padded_sequences: Shape (L, B, ...), or (B, L, ...) with `batch_first`; padded at the end.
        lengths: The length of each sequence, an integer tensor (B,).
        batch_first: Whether the batch is the first dimension.

    Returns:
        B tensors (L_i, ...), views of the batch.

    Raises:
        IndexError: If there are more lengths than sequences.

    Examples:
        >>> import tour
        >>> unpad_sequence(tour.tensor([[1, 3], [2, 0]]), tour.tensor([2, 1]))
        [tensor([1, 2]), tensor([3])]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [rows[i, :n] for i, n in enumerate(lengths.tolist())]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (L_i, ...).

    Args:
        sequences: Tensors that differ in their first dimension only.
        enforce_sorted: Whether they must come with falling lengths; otherwise they are sorted.

    Examples:
        >>> import tour
        >>> pack_sequence([tour.tensor([1, 2]), tour.tensor([3])]).data
        tensor([1, 3, 2])
    """
    return pack_padded_sequence(pad_sequence(sequences), [s.shape[0] for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch.

    Examples:
        >>> import tour
        >>> unpack_sequence(pack_sequence([tour.tensor([1, 2]), tour.tensor([3])]))
        [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
