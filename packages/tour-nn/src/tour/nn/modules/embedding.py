"""Tables of learnt vectors as layers."""

from __future__ import annotations

from typing import Any, Self

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn import init
from tour.nn.functional.embeddings import padding_row
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter

__all__ = ["Embedding", "EmbeddingBag"]


class _Table(Module):
    """What both layers share: a table of vectors, one of which may stand for padding and begins as zeros."""

    weight: Parameter
    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None

    def _make(self, weight: Tensor | None, freeze: bool, device: Any, dtype: Any) -> None:
        size = [self.num_embeddings, self.embedding_dim]
        if weight is None:
            self.weight = Parameter(tour.empty(size, device=device, dtype=dtype), requires_grad=not freeze)
            self.reset_parameters()
            return
        if list(weight.shape) != size:
            raise AssertionError(
                f"Shape of weight does not match num_embeddings and embedding_dim: {list(weight.shape)} is not {size}"
            )
        self.weight = Parameter(weight, requires_grad=not freeze)

    def reset_parameters(self) -> None:
        """Draw the vectors anew from a standard normal distribution; that of the padding is zero."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with tour.no_grad():
                self.weight[self.padding_idx].fill_(0)

    def _options(self, **defaults: Any) -> str:
        """The sizes, and the options that differ from their defaults."""
        changed = {k: getattr(self, k) for k, v in defaults.items() if getattr(self, k) != v}
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *(f"{k}={v!r}" for k, v in changed.items())])


class Embedding(_Table):
    """A table of vectors, looked up by number: `weight[input]`.

    Args:
        num_embeddings: How many vectors.
        embedding_dim: Their length.
        padding_idx: A vector that begins as zeros and gets no gradient.
        max_norm: Shrink the vectors that are looked up to this norm, in place.
        norm_type: Which norm: p of the p-norm.
        scale_grad_by_freq: Whether to divide a vector's gradient by how often the batch names it.
        sparse: Refused in the forward pass if True: there are no sparse gradients.
        device: Where the table lives.
        dtype: Its dtype.

    Attributes:
        weight: Shape (num_embeddings, embedding_dim).

    Raises:
        AssertionError: If `padding_idx` is out of range.

    Examples:
        >>> import tour
        >>> Embedding(10, 3)(tour.tensor([[1, 2], [4, 9]])).shape
        tour.Size([2, 2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_row(padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self._make(_weight, _freeze, device, dtype)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """A layer round a given table.

        Args:
            embeddings: The table, shape (num_embeddings, embedding_dim).
            freeze: Whether it stays as it is.
            padding_idx: See `Embedding`; likewise the other options.
            max_norm: See `Embedding`.
            norm_type: See `Embedding`.
            scale_grad_by_freq: See `Embedding`.
            sparse: See `Embedding`.

        Raises:
            AssertionError: If the table is no matrix.

        Examples:
            >>> import tour
            >>> Embedding.from_pretrained(tour.tensor([[1.0, 2.0]]))(tour.tensor([0]))
            tensor([[1., 2.]])
        """
        if embeddings.dim() != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, width = embeddings.shape
        return cls(rows, width, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def forward(self, input: Tensor) -> Tensor:
        """Map numbers of shape (...) to vectors of shape (..., embedding_dim)."""
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        """Sizes and options, for the printed tree."""
        return self._options(padding_idx=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, sparse=False)


class EmbeddingBag(_Table):
    """Sums, means or maxima over bags of a table's vectors, without all of them side by side.

    Args:
        num_embeddings: How many vectors.
        embedding_dim: Their length.
        max_norm: Shrink the vectors that are looked up to this norm, in place.
        norm_type: Which norm: p of the p-norm.
        scale_grad_by_freq: Whether to divide a vector's gradient by how often the batch names it.
        mode: `"sum"`, `"mean"` or `"max"`.
        sparse: Refused in the forward pass if True: there are no sparse gradients.
        include_last_offset: Whether offsets end with the end of the last bag.
        padding_idx: A vector that bags leave out.
        device: Where the table lives.
        dtype: Its dtype.

    Attributes:
        weight: Shape (num_embeddings, embedding_dim).

    Raises:
        AssertionError: If `padding_idx` is out of range.

    Examples:
        >>> import tour
        >>> EmbeddingBag(10, 3)(tour.tensor([1, 2, 4, 5]), tour.tensor([0, 3])).shape
        tour.Size([2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.padding_idx = padding_row(padding_idx, num_embeddings)
        self._make(_weight, False, device, dtype)
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A layer round a given table.

        Args:
            embeddings: The table, shape (num_embeddings, embedding_dim).
            freeze: Whether it stays as it is.
            max_norm: See `EmbeddingBag`; likewise the other options.
            norm_type: See `EmbeddingBag`.
            scale_grad_by_freq: See `EmbeddingBag`.
            mode: See `EmbeddingBag`.
            sparse: See `EmbeddingBag`.
            include_last_offset: See `EmbeddingBag`.
            padding_idx: See `EmbeddingBag`.

        Raises:
            AssertionError: If the table is no matrix.
        """
        if embeddings.dim() != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, width = embeddings.shape
        made = cls(
            rows,
            width,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            mode,
            sparse,
            embeddings,
            include_last_offset,
            padding_idx,
        )
        made.weight.requires_grad = not freeze
        return made

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """Map bags of numbers to vectors of shape (bags, embedding_dim); see `tour.nn.functional.embedding_bag`."""
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """Sizes and options, for the printed tree."""
        defaults = {"max_norm": None, "norm_type": 2, "scale_grad_by_freq": False, "mode": None, "padding_idx": None}
        return self._options(**defaults)
