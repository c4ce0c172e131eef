"""The transformer of Vaswani et al., "Attention is all you need" (2017): encoder, decoder, and both together."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

import tour
from tour import Tensor
from tour.nn import functional as F
from tour.nn import init
from tour.nn.modules.attention import MultiheadAttention
from tour.nn.modules.container import ModuleList
from tour.nn.modules.dropout import Dropout
from tour.nn.modules.linear import Linear
from tour.nn.modules.module import Module
from tour.nn.modules.normalization import LayerNorm

__all__ = [
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer",
]  # fmt: skip

Activation = Callable[[Tensor], Tensor]
Mask = Tensor | None


def causal_mask(size: int, device: Any = None, dtype: Any = None) -> Tensor:
    """Minus infinity above the diagonal and zeros elsewhere, shape (size, size).

    Examples:
        >>> causal_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
    """
    return tour.full((size, size), float("-inf"), device=device, dtype=dtype).triu(1)


def _is_causal(mask: Mask, promised: bool | None, size: int) -> bool:
    """Whether a mask lets each position see itself and what comes before: as promised, or found out."""
    if promised is not None or mask is None:
        return promised is True
    a = mask._a
    if a.shape != (size, size) or type(a) is not np.ndarray or a.dtype.kind != "f":
        return False
    return bool((a == causal_mask(size, dtype=mask.dtype)._a).all())


def _length(t: Tensor, batch_first: bool) -> int:
    """Number of positions."""
    return int(t.shape[0] if t.dim() == 2 else t.shape[1 if batch_first else 0])


def _copies(layer: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


def _named(activation: str | Activation) -> Activation:
    """The function of that name.

    Raises:
        RuntimeError: If it is neither relu nor gelu.
    """
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return F.relu if activation == "relu" else F.gelu


class _Layer(Module):
    """What encoder and decoder layers share: attention and a feed-forward network, each added to what goes in."""

    self_attn: MultiheadAttention
    activation: Activation

    def _feed_forward(self, width: int, hidden: int, p: float, bias: bool, made: dict[str, Any]) -> None:
        self.linear1 = Linear(width, hidden, bias=bias, **made)
        self.dropout = Dropout(p)
        self.linear2 = Linear(hidden, width, bias=bias, **made)

    def _fed(self, x: Tensor) -> Tensor:
        """The feed-forward network."""
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Self-attention and a feed-forward network, each with dropout, added to its input and normalised.

    Args:
        d_model: Size of the embeddings.
        nhead: Number of heads.
        dim_feedforward: Size of the hidden layer.
        dropout: Probability of dropout.
        activation: `"relu"`, `"gelu"` or a function.
        layer_norm_eps: Added to variances.
        batch_first: Whether batches come before positions.
        norm_first: Whether to normalise what goes into a part, not what comes out.
        bias: Whether linear maps and normalisations have biases.
        device: Where the parameters live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> layer = TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
        >>> layer(tour.rand(3, 5, 8)).shape
        tour.Size([3, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        made = {"device": device, "dtype": dtype}
        super().__init__()
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias=bias, batch_first=batch_first, **made)
        self._feed_forward(d_model, dim_feedforward, dropout, bias, made)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _named(activation)

    def forward(
        self, src: Tensor, src_mask: Mask = None, src_key_padding_mask: Mask = None, is_causal: bool = False
    ) -> Tensor:
        """Encode a sequence.

        Args:
            src: Shape (S, N, d_model), (N, S, d_model) with `batch_first`, or (S, d_model).
            src_mask: Which positions see which; see `MultiheadAttention`.
            src_key_padding_mask: Which positions nobody sees.
            is_causal: A promise that `src_mask` is causal.
        """
        x = src
        if self.norm_first:
            x = x + self._attended(self.norm1(x), src_mask, src_key_padding_mask, is_causal)
            return x + self.dropout2(self._fed(self.norm2(x)))
        x = self.norm1(x + self._attended(x, src_mask, src_key_padding_mask, is_causal))
        return self.norm2(x + self.dropout2(self._fed(x)))

    def _attended(self, x: Tensor, mask: Mask, padding: Mask, is_causal: bool) -> Tensor:
        return self.dropout1(self.self_attn(x, x, x, padding, False, mask, is_causal=is_causal)[0])


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to an encoder's output, and a feed-forward network.

    Args:
        d_model: Size of the embeddings.
        nhead: Number of heads.
        dim_feedforward: Size of the hidden layer.
        dropout: Probability of dropout.
        activation: `"relu"`, `"gelu"` or a function.
        layer_norm_eps: Added to variances.
        batch_first: Whether batches come before positions.
        norm_first: Whether to normalise what goes into a part, not what comes out.
        bias: Whether linear maps and normalisations have biases.
        device: Where the parameters live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> layer = TransformerDecoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
        >>> layer(tour.rand(3, 5, 8), tour.rand(3, 7, 8)).shape
        tour.Size([3, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        made = {"device": device, "dtype": dtype}
        super().__init__()
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias=bias, batch_first=batch_first, **made)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias=bias, batch_first=batch_first, **made)
        self._feed_forward(d_model, dim_feedforward, dropout, bias, made)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _named(activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Mask = None,
        memory_mask: Mask = None,
        tgt_key_padding_mask: Mask = None,
        memory_key_padding_mask: Mask = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Decode a sequence.

        Args:
            tgt: Shape (T, N, d_model), (N, T, d_model) with `batch_first`, or (T, d_model).
            memory: The encoder's output, of length S.
            tgt_mask: Which positions see which; see `MultiheadAttention`.
            memory_mask: Which positions see which of the encoder's.
            tgt_key_padding_mask: Which positions nobody sees.
            memory_key_padding_mask: Which of the encoder's positions nobody sees.
            tgt_is_causal: A promise that `tgt_mask` is causal.
            memory_is_causal: A promise that `memory_mask` is causal.
        """

        def looked_back(x: Tensor) -> Tensor:
            return self.dropout1(
                self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]
            )

        def looked_over(x: Tensor) -> Tensor:
            attend, padding = self.multihead_attn, memory_key_padding_mask
            return self.dropout2(attend(x, memory, memory, padding, False, memory_mask, is_causal=memory_is_causal)[0])

        x = tgt
        if self.norm_first:
            x = x + looked_back(self.norm1(x))
            x = x + looked_over(self.norm2(x))
            return x + self.dropout3(self._fed(self.norm3(x)))
        x = self.norm1(x + looked_back(x))
        x = self.norm2(x + looked_over(x))
        return self.norm3(x + self.dropout3(self._fed(x)))


class TransformerEncoder(Module):
    """A stack of copies of an encoder layer.

    Args:
        encoder_layer: What to copy.
        num_layers: How often.
        norm: What comes last, or None.
        enable_nested_tensor: Accepted for PyTorch's sake; padding is always computed along.
        mask_check: Likewise.

    Examples:
        >>> import tour
        >>> layer = TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
        >>> TransformerEncoder(layer, num_layers=2)(tour.rand(3, 5, 8)).shape
        tour.Size([3, 5, 8])
    """

    def __init__(
        self,
        encoder_layer: TransformerEncoderLayer,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.use_nested_tensor = False
        self.mask_check = mask_check

    def forward(
        self, src: Tensor, mask: Mask = None, src_key_padding_mask: Mask = None, is_causal: bool | None = None
    ) -> Tensor:
        """Encode a sequence; see `TransformerEncoderLayer`.

        Args:
            src: The sequence.
            mask: Which positions see which.
            src_key_padding_mask: Which positions nobody sees.
            is_causal: A promise that `mask` is causal; None to find out.
        """
        first: Any = self.layers[0]
        is_causal = _is_causal(mask, is_causal, _length(src, first.self_attn.batch_first))
        for layer in self.layers:
            src = layer(src, src_mask=mask, is_causal=is_causal, src_key_padding_mask=src_key_padding_mask)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """A stack of copies of a decoder layer.

    Args:
        decoder_layer: What to copy.
        num_layers: How often.
        norm: What comes last, or None.

    Examples:
        >>> import tour
        >>> layer = TransformerDecoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
        >>> TransformerDecoder(layer, num_layers=2)(tour.rand(3, 5, 8), tour.rand(3, 7, 8)).shape
        tour.Size([3, 5, 8])
    """

    def __init__(self, decoder_layer: TransformerDecoderLayer, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Mask = None,
        memory_mask: Mask = None,
        tgt_key_padding_mask: Mask = None,
        memory_key_padding_mask: Mask = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Decode a sequence; arguments as for `TransformerDecoderLayer`, but `tgt_is_causal` is found out if None."""
        first: Any = self.layers[0]
        tgt_is_causal = _is_causal(tgt_mask, tgt_is_causal, _length(tgt, first.self_attn.batch_first))
        for layer in self.layers:
            tgt = layer(
                tgt,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=tgt_is_causal,
                memory_is_causal=memory_is_causal,
            )
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder and a decoder.

    Args:
        d_model: Size of the embeddings.
        nhead: Number of heads.
        num_encoder_layers: Layers of the encoder.
        num_decoder_layers: Layers of the decoder.
        dim_feedforward: Size of the hidden layers.
        dropout: Probability of dropout.
        activation: `"relu"`, `"gelu"` or a function.
        custom_encoder: A module in place of the encoder.
        custom_decoder: A module in place of the decoder.
        layer_norm_eps: Added to variances.
        batch_first: Whether batches come before positions.
        norm_first: Whether to normalise what goes into a part, not what comes out.
        bias: Whether linear maps and normalisations have biases.
        device: Where the parameters live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> model = Transformer(8, 2, 1, 1, dim_feedforward=16, batch_first=True)
        >>> model(tour.rand(3, 7, 8), tour.rand(3, 5, 8)).shape
        tour.Size([3, 5, 8])
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        common = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        made = {"device": device, "dtype": dtype}

        def last() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)

        if custom_encoder is None:
            custom_encoder = TransformerEncoder(TransformerEncoderLayer(*common, **made), num_encoder_layers, last())
        self.encoder = custom_encoder
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(TransformerDecoderLayer(*common, **made), num_decoder_layers, last())
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        for p in self.parameters():
            if p.dim() > 1:
                init.xavier_uniform_(p)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Mask = None,
        tgt_mask: Mask = None,
        memory_mask: Mask = None,
        src_key_padding_mask: Mask = None,
        tgt_key_padding_mask: Mask = None,
        memory_key_padding_mask: Mask = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Encode `src`, and decode `tgt` with it; arguments as for `TransformerEncoder` and `TransformerDecoder`.

        Raises:
            RuntimeError: If batch sizes differ, or an embedding has another size than `d_model`.
        """
        batch = 0 if self.batch_first else 1
        if src.dim() == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError(
                f"the batch number of src and tgt must be equal, but they have the shapes {list(src.shape)} and {list(tgt.shape)}"
            )
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError(
                f"the feature number of src and tgt must be equal to d_model={self.d_model}, but they have the shapes "
                f"{list(src.shape)} and {list(tgt.shape)}"
            )
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(  # type: ignore[no-any-return]
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """A causal mask: minus infinity above the diagonal and zeros elsewhere, shape (sz, sz).

        Examples:
            >>> Transformer.generate_square_subsequent_mask(2)
            tensor([[0., -inf],
                    [0., 0.]])
        """
        return causal_mask(sz, device, dtype)
