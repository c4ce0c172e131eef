"""Multi-head attention as a layer."""

from __future__ import annotations

from typing import Any

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn import init
from tour.nn.modules.linear import Linear
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter

__all__ = ["MultiheadAttention"]


class NonDynamicallyQuantizableLinear(Linear):
    """A `Linear` under the name that PyTorch gives to the last projection of attention."""


class MultiheadAttention(Module):
    """Attention with several heads (Vaswani et al., 2017): `out_proj(cat(head_1, ..., head_h))`, each head over its own projections.

    Args:
        embed_dim: Size of the queries and of the result.
        num_heads: Number of heads; divides `embed_dim`.
        dropout: Probability of a weight to be dropped in training.
        bias: Whether projections have biases.
        add_bias_kv: Whether to append a learnt key and value to every sequence.
        add_zero_attn: Whether to append zeros to keys and values.
        kdim: Size of the keys; `embed_dim` by default.
        vdim: Size of the values; `embed_dim` by default.
        batch_first: Whether batches come before positions: (N, L, E) in place of (L, N, E).
        device: Where the parameters live.
        dtype: Their dtype.

    Attributes:
        in_proj_weight: Projections of query, key and value in one, shape (3 embed_dim, embed_dim); None where sizes differ.
        in_proj_bias: Their biases, shape (3 embed_dim,), or None.
        q_proj_weight: Where `kdim` or `vdim` differ, the projection of the query; else None. Likewise `k_proj_weight`, `v_proj_weight`.
        out_proj: The last projection, a `Linear`.
        bias_k: The learnt key, shape (1, 1, embed_dim), or None; likewise `bias_v`.

    Raises:
        ValueError: If a size is not positive.
        AssertionError: If `num_heads` does not divide `embed_dim`.

    Examples:
        >>> import tour
        >>> attend = MultiheadAttention(8, num_heads=2, batch_first=True)
        >>> x = tour.rand(3, 5, 8)
        >>> y, weights = attend(x, x, x)
        >>> y.shape, weights.shape
        (tour.Size([3, 5, 8]), tour.Size([3, 5, 5]))
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        made = {"device": device, "dtype": dtype}
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim == self.vdim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError(
                f"embed_dim must be divisible by num_heads, but {num_heads} does not divide {embed_dim}"
            )
        sizes = (embed_dim, self.kdim, self.vdim)
        separate = [None if self._qkv_same_embed_dim else Parameter(tour.empty(embed_dim, n, **made)) for n in sizes]
        whole = Parameter(tour.empty(3 * embed_dim, embed_dim, **made)) if self._qkv_same_embed_dim else None
        if whole is None:
            self.q_proj_weight, self.k_proj_weight, self.v_proj_weight = separate
            self.register_parameter("in_proj_weight", None)
        else:
            self.in_proj_weight = whole
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.register_parameter(name, None)
        self.register_parameter("in_proj_bias", Parameter(tour.empty(3 * embed_dim, **made)) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **made)
        self.register_parameter("bias_k", Parameter(tour.empty(1, 1, embed_dim, **made)) if add_bias_kv else None)
        self.register_parameter("bias_v", Parameter(tour.empty(1, 1, embed_dim, **made)) if add_bias_kv else None)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None and self.out_proj.bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Let each query take a mean of the values.

        Args:
            query: Shape (L, N, embed_dim), (N, L, embed_dim) with `batch_first`, or (L, embed_dim).
            key: Shape (S, N, kdim), (N, S, kdim) or (S, kdim).
            value: Shape (S, N, vdim), (N, S, vdim) or (S, vdim).
            key_padding_mask: True for keys that nobody sees, or numbers to add to scores; shape (N, S) or (S,).
            need_weights: Whether to return the weights too; without, a faster kernel does the work.
            attn_mask: True where a query must not see a key, or numbers to add; shape (L, S) or (N*num_heads, L, S).
            average_attn_weights: Whether to return the mean of the heads' weights.
            is_causal: A promise that `attn_mask` is causal, which lets it be left out.

        Returns:
            The result, shaped like `query`; and the weights, shape (N, L, S) or (N, num_heads, L, S), or None.
        """
        turned = self.batch_first and query.dim() == 3
        if turned:
            query, key, value = _turned(query, key, value)
        y, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            self.training,
            key_padding_mask,
            need_weights,
            attn_mask,
            not self._qkv_same_embed_dim,
            self.q_proj_weight,
            self.k_proj_weight,
            self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (y.transpose(0, 1) if turned else y), weights

    def merge_masks(
        self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, query: Tensor
    ) -> tuple[Tensor | None, int | None]:
        """Both masks as one, and its kind as PyTorch counts them: 0 for attention, 1 for padding, 2 for both.

        Args:
            attn_mask: Shape (L, S), or (N, num_heads, L, S).
            key_padding_mask: Shape (N, S).
            query: The queries, shape (N, L, embed_dim).
        """
        if attn_mask is None:
            return key_padding_mask, None if key_padding_mask is None else 1
        batch, length = query.shape[0], query.shape[1]
        if attn_mask.dim() == 3:
            merged = attn_mask.view(batch, -1, length, length)
        else:
            merged = attn_mask.view(1, 1, length, length).expand(batch, self.num_heads, -1, -1)
        if key_padding_mask is not None:
            merged = merged + key_padding_mask.view(batch, 1, 1, length).expand(-1, self.num_heads, -1, -1)
        return merged, 2


def _turned(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Positions before batches; what was one tensor stays one, so that its projections stay one product."""
    q = query.transpose(0, 1)
    k = q if key is query else key.transpose(0, 1)
    v = k if value is key else value.transpose(0, 1)
    return q, k, v
