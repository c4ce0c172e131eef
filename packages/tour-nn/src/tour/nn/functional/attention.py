"""Attention: every query takes a mean of values, weighted by how well its key fits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import tour
from tour import Tensor
from tour._compiled import Socket
from tour._declare import primitive
from tour.autograd.both import differentiate
from tour.autograd.grad_mode import is_grad_enabled
from tour.autograd.rule import joint_vjp
from tour.nn.functional.dropouts import dropout
from tour.nn.functional.linear_maps import linear
from tour.nn.functional.padding import pad
from tour.nn.kernels import attention as kernels

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]


@primitive(kernels.attention, aside=True)
def _attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, keep: Tensor | None, causal: bool, scale: float,
    wants_grad: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Attention of batches of one shape; also the logarithm of each row's sum of weights, and what else its gradient may use."""
    ...


@joint_vjp(_attention, "query", "key", "value", "mask")
def _(
    g: Any, wanted: Any, query: Any, key: Any, value: Any, mask: Any, keep: Any, causal: bool, scale: float,
    out: Any, rest: Any,
) -> Any:  # fmt: skip
    if isinstance(g, Tensor):
        keep = None if keep is None else tour.as_tensor(keep.factors() if hasattr(keep, "factors") else keep)
        mask = None if mask is None else tour.as_tensor(mask)
        return differentiate(
            lambda q, k, v, m: attention_weights(q, _whole(k, q), m, keep, causal, scale) @ _whole(v, q),
            (query, key, value, mask),
            wanted,
            g,
        )
    return kernels.attention_grad(g, query, key, value, mask, keep, causal, scale, out, rest[0], wanted[3], *rest[1:])


def attention_weights(
    query: Tensor, key: Tensor, mask: Tensor | None, keep: Tensor | None, causal: bool, scale: float
) -> Tensor:
    """The weights of attention, all at once: the kernel's oracle, its second derivative, and what `need_weights` shows."""
    scores = (query * scale) @ key.transpose(-2, -1)
    if causal:
        scores = scores.masked_fill(_later(*scores.shape[-2:]), -math.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype is tour.bool else scores + mask
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill((scores == -math.inf).all(-1, keepdim=True), 0.0)
    return weights if keep is None else weights * keep


def _later(rows: int, columns: int) -> Tensor:
    """True where a column comes after its row."""
    return tour.ones(rows, columns, dtype=tour.bool).triu(1)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """`softmax(query @ key.T * scale + attn_mask) @ value` (Vaswani et al., 2017), without ever holding all weights at once.

    Args:
        query: Shape (..., heads, L, E).
        key: Shape (..., heads, S, E).
        value: Shape (..., heads, S, V).
        attn_mask: True where a query may see a key, or numbers to add to the scores; broadcasts to (..., heads, L, S). A query
            that may see nothing gets zeros.
        dropout_p: Probability of a weight to be dropped; pass 0 in evaluation.
        is_causal: Whether query i sees only keys 0 to i.
        scale: Factor of the scores; 1/√E by default.
        enable_gqa: Whether several heads of the query may share one of key and value (Ainslie et al., 2023).

    Returns:
        Shape (..., heads, L, V).

    Raises:
        RuntimeError: If shapes or dtypes do not fit, or there is both a mask and `is_causal`.

    Examples:
        >>> import tour
        >>> x = tour.tensor([[[1.0], [3.0]]])
        >>> scaled_dot_product_attention(x * 0, x, x, is_causal=True)
        tensor([[[1.],
                 [2.]]])
    """
    _check(query, key, value, attn_mask, is_causal)
    if not (enable_gqa and _may_share(query, key, value)):
        if enable_gqa:
            key, value = _repeated(key, query), _repeated(value, query)
        query, key, value = _same_batch(query, key, value)
    size = (*query._a.shape[:-1], key._a.shape[-2])
    if attn_mask is not None:
        attn_mask = _fitting(attn_mask, query, size)
    if scale is None:
        scale = 1 / math.sqrt(query._a.shape[-1]) if query._a.shape[-1] else 1.0
    keep = _drawn(query, size, dropout_p) if dropout_p else None
    wants_grad = is_grad_enabled() and any(t is not None and t.requires_grad for t in (query, key, value, attn_mask))
    return _attention(query, key, value, attn_mask, keep, is_causal, scale, wants_grad)[0]


def _check(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool) -> None:
    """Refuse what does not fit together.

    Raises:
        RuntimeError: Names what was given.
    """
    if mask is not None and causal:
        raise RuntimeError(
            "scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True; put the causal part into the mask"
        )
    q, k, v = query._a.shape, key._a.shape, value._a.shape
    if not query._a.dtype == key._a.dtype == value._a.dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{query.dtype.name} key.dtype: {key.dtype.name} and value.dtype: {value.dtype.name} instead."
        )
    if not query.is_floating_point():
        raise RuntimeError(f"scaled_dot_product_attention: expected floating-point tensors, but got {query.dtype.name}")
    if min(len(q), len(k), len(v)) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be at least 2 dimensional, but got query, key and value of shapes "
            f"{list(q)}, {list(k)} and {list(v)} instead."
        )
    if q[-1] != k[-1] or k[-2] != v[-2]:
        raise RuntimeError(
            "scaled_dot_product_attention: query (..., L, E), key (..., S, E) and value (..., S, V) must agree on E and S, but have "
            f"the shapes {list(q)}, {list(k)} and {list(v)}"
        )


def _repeated(t: Tensor, query: Tensor) -> Tensor:
    """Each head of key or value as often as the query's heads share it."""
    heads, shared = query.shape[-3], t.shape[-3]
    if not shared or heads % shared:
        raise RuntimeError(
            "scaled_dot_product_attention: with enable_gqa the number of heads in key and value must divide the number of heads in "
            f"query, but {shared} does not divide {heads}"
        )
    return t if heads == shared else t.repeat_interleave(heads // shared, -3)


_heads_shared = Socket(_repeated)


def _may_share(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether a device lets heads of the query share one of key and value as they are."""
    a, b, c = query._a, key._a, value._a
    if type(a) is np.ndarray or min(a.ndim, b.ndim) < 3 or a.shape[:-3] != b.shape[:-3] or b.shape[:-2] != c.shape[:-2]:
        return False
    if not b.shape[-3] or a.shape[-3] % b.shape[-3]:
        return False  # which `_repeated` refuses
    return _heads_shared.on(type(a))(a, b, c) is True


def _whole(t: Tensor, query: Tensor) -> Tensor:
    """Key or value with as many heads as the query."""
    return t if t.shape[:-2] == query.shape[:-2] else _repeated(t, query)


def _drawn(query: Tensor, size: tuple[int, ...], dropout_p: float) -> Any:
    """Factors of the weights, for dropout; or what a device draws them from, each time they are needed."""
    a = query._a
    if type(a) is not np.ndarray and (found := _seed.on(type(a))(a, size, dropout_p)) is not NotImplemented:
        return found
    return dropout(query.new_ones(size), dropout_p)


_seed = Socket(_drawn)


def _same_batch(*tensors: Tensor) -> list[Tensor]:
    """The tensors with the same sizes before the last two."""
    batches = [t._a.shape[:-2] for t in tensors]
    if batches[0] == batches[1] == batches[2]:
        return list(tensors)
    try:
        batch = np.broadcast_shapes(*batches)
    except ValueError:
        raise RuntimeError(
            "scaled_dot_product_attention: batch dimensions of query, key and value do not broadcast: "
            f"{', '.join(str(list(t.shape)) for t in tensors)}"
        ) from None
    return [t.expand(*batch, *t.shape[-2:]) for t in tensors]


def _fitting(mask: Tensor, query: Tensor, size: tuple[int, ...]) -> Tensor:
    """A mask that broadcasts to `size`.

    Raises:
        RuntimeError: If it does not, or has a wrong dtype.
    """
    if mask.dtype is not tour.bool and mask.dtype is not query.dtype:
        if not (mask.dtype is tour.float32 and query.dtype.itemsize == 2):
            raise RuntimeError(
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
                f"{mask.dtype.name} and query.dtype: {query.dtype.name} instead."
            )
    shape = (1,) * (2 - mask.dim()) + tuple(mask.shape)
    fits = len(shape) <= len(size) and all(n in (1, m) for n, m in zip(reversed(shape), reversed(size), strict=False))
    if not fits:
        raise RuntimeError(
            f"attn_mask of shape {list(mask.shape)} does not broadcast to the scores' shape {list(size)}"
        )
    return mask if mask.dim() >= 2 else mask.reshape(shape)


# --- Several heads ----------------------------------------------------------------------------------------------------------


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Multi-head attention with all its parameters; see `tour.nn.MultiheadAttention`, which calls it.

    Args:
        query: Shape (L, N, E), or (L, E).
        key: Shape (S, N, E'), or (S, E').
        value: Shape (S, N, E''), or (S, E'').
        embed_dim_to_check: The E that is expected.
        num_heads: Number of heads; divides E.
        in_proj_weight: Projections of query, key and value in one, shape (3E, E).
        in_proj_bias: Their biases in one, shape (3E,).
        bias_k: Appended to the keys, shape (1, 1, E).
        bias_v: Appended to the values, likewise.
        add_zero_attn: Whether to append zeros to keys and values.
        dropout_p: Probability of a weight to be dropped.
        out_proj_weight: The last projection, shape (E, E).
        out_proj_bias: Its bias.
        training: Whether to drop.
        key_padding_mask: True (or minus infinity) for keys that nobody sees; shape (N, S) or (S,).
        need_weights: Whether to return the weights too.
        attn_mask: True where a query must not see a key, or numbers to add; shape (L, S) or (N*num_heads, L, S).
        use_separate_proj_weight: Whether the three weights come separately.
        q_proj_weight: That of the query, shape (E, E).
        k_proj_weight: That of the key, shape (E, E').
        v_proj_weight: That of the value, shape (E, E'').
        static_k: Keys already projected, shape (N*num_heads, S, E/num_heads).
        static_v: Values likewise.
        average_attn_weights: Whether to return the mean of the heads' weights.
        is_causal: A promise that `attn_mask` is causal, which lets it be left out.

    Returns:
        The result, shaped like `query`; and the weights, shape (N, L, S) or (N, num_heads, L, S), or None.

    Raises:
        AssertionError: If shapes do not fit.
        RuntimeError: If `is_causal` comes without a mask, or a mask has a wrong shape.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> layer = nn.MultiheadAttention(4, 2)
        >>> x = tour.randn(3, 1, 4)
        >>> out, weights = nn.functional.multi_head_attention_forward(
        ...     x, x, x, 4, 2, layer.in_proj_weight, layer.in_proj_bias, None, None, False, 0.0,
        ...     layer.out_proj.weight, layer.out_proj.bias,
        ... )
        >>> out.shape, weights.shape
        (tour.Size([3, 1, 4]), tour.Size([1, 3, 3]))
    """
    batched = _is_batched(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = (t.unsqueeze(1) for t in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, count, width = query.shape
    size = _head_size(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    key_padding_mask = _as_numbers(key_padding_mask, query, "key_padding_mask")
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask = _as_numbers(attn_mask, query, "attn_mask")
        is_causal = False
    attn_mask = _mask_of_heads(attn_mask, length, key.shape[0], count * num_heads)

    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    q, k, v = _projected(query, key, value, weights, in_proj_bias)
    if bias_k is not None and bias_v is not None:
        k, v = tour.cat([k, bias_k.repeat(1, count, 1)]), tour.cat([v, bias_v.repeat(1, count, 1)])
        attn_mask, key_padding_mask = _widened(attn_mask), _widened(key_padding_mask)

    q = q.reshape(length, count * num_heads, size).transpose(0, 1)
    k = (
        _static(static_k, "static_k", count * num_heads, size)
        if static_k is not None
        else _heads(k, count * num_heads, size)
    )
    v = (
        _static(static_v, "static_v", count * num_heads, size)
        if static_v is not None
        else _heads(v, count * num_heads, size)
    )
    if add_zero_attn:
        k, v = (tour.cat([t, t.new_zeros((count * num_heads, 1, size))], 1) for t in (k, v))
        attn_mask, key_padding_mask = _widened(attn_mask), _widened(key_padding_mask)
    q, k, v = (t.reshape(count, num_heads, t.shape[1], size) for t in (q, k, v))
    mask = _joint_mask(attn_mask, key_padding_mask, count, num_heads, k.shape[2])
    dropout_p = dropout_p if training else 0.0

    shown = None
    if need_weights:
        shown = dropout(attention_weights(q, k, mask, None, False, 1 / math.sqrt(size)), dropout_p)
        y = shown @ v
    else:
        y = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
    y = y.permute(2, 0, 1, 3).reshape(length, count, width)
    y = linear(y, out_proj_weight, out_proj_bias)
    if shown is not None and average_attn_weights:
        shown = shown.mean(1)
    if batched:
        return y, shown
    return y.squeeze(1), None if shown is None else shown.squeeze(0)


def _is_batched(
    query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, mask: Tensor | None, heads: int
) -> bool:
    """Whether there is a batch dimension.

    Raises:
        AssertionError: If the tensors do not agree on that.
    """
    if query.dim() not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.dim()}-D query tensor of shape {list(query.shape)}"
        )
    batched = query.dim() == 3
    kind = "batched (3-D)" if batched else "unbatched (2-D)"
    if not key.dim() == value.dim() == query.dim():
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {query.dim()}-D but found {key.dim()}-D and {value.dim()}-D "
            "tensors respectively"
        )
    if padding is not None and padding.dim() != query.dim() - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {query.dim() - 1}-D but found {padding.dim()}-D"
        )
    if mask is not None and mask.dim() not in (2, 3):
        raise AssertionError(
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {mask.dim()}-D tensor instead"
        )
    if mask is not None and mask.dim() == 3 and not batched and mask.shape != (heads, query.shape[0], key.shape[0]):
        raise AssertionError(
            f"Expected `attn_mask` shape to be {(heads, query.shape[0], key.shape[0])} but got {tuple(mask.shape)}"
        )
    return batched


def _head_size(query: Tensor, key: Tensor, value: Tensor, width: int, heads: int, separate: bool) -> int:
    """Size of a head.

    Raises:
        AssertionError: If embeddings have another size than expected, heads do not divide it, or key and value do not fit.
    """
    if query.shape[-1] != width:
        raise AssertionError(
            f"was expecting embedding dimension of {width}, but got {query.shape[-1]}: {list(query.shape)}"
        )
    if width % heads:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {heads}")
    if key.shape[:2] != value.shape[:2] if separate else key.shape != value.shape:
        raise AssertionError(f"key shape {list(key.shape)} does not match value shape {list(value.shape)}")
    return width // heads


def _as_numbers(mask: Tensor | None, like: Tensor, name: str) -> Tensor | None:
    """A mask as numbers to add to the scores: minus infinity for True.

    Raises:
        AssertionError: If it is neither of booleans nor of floating-point numbers.
    """
    if mask is None or mask.is_floating_point():
        return mask
    if mask.dtype is not tour.bool:
        raise AssertionError(f"only bool and floating types of {name} are supported, but got {mask.dtype.name}")
    return tour.zeros_like(mask, dtype=like.dtype).masked_fill_(mask, -math.inf)


def _mask_of_heads(mask: Tensor | None, rows: int, columns: int, heads: int) -> Tensor | None:
    """The mask with a dimension for batch and heads.

    Raises:
        RuntimeError: If it has another shape.
    """
    if mask is None:
        return None
    expected = (rows, columns) if mask.dim() == 2 else (heads, rows, columns)
    if tuple(mask.shape) != expected:
        raise RuntimeError(
            f"The shape of the {mask.dim()}D attn_mask is {tuple(mask.shape)}, but should be {expected}."
        )
    return mask.unsqueeze(0) if mask.dim() == 2 else mask


def _joint_mask(mask: Tensor | None, padding: Tensor | None, count: int, heads: int, columns: int) -> Tensor | None:
    """Both masks in one that broadcasts to (N, heads, L, S).

    Raises:
        AssertionError: If the padding mask has another shape than (N, S).
    """
    if mask is not None:
        mask = mask.unsqueeze(0) if mask.shape[0] == 1 else mask.reshape(count, heads, *mask.shape[1:])
    if padding is None:
        return mask
    if tuple(padding.shape) != (count, columns):
        raise AssertionError(f"expecting key_padding_mask shape of {(count, columns)}, but got {tuple(padding.shape)}")
    padding = padding.reshape(count, 1, 1, columns)
    return padding if mask is None else mask + padding


def _widened(mask: Tensor | None) -> Tensor | None:
    """The mask with one more column, that everybody sees."""
    return None if mask is None else pad(mask, (0, 1))


def _projected(query: Tensor, key: Tensor, value: Tensor, weights: Any, bias: Tensor | None) -> tuple[Tensor, ...]:
    """Query, key and value after their projections; in one product where they are one tensor."""
    if isinstance(weights, Tensor):
        if query is key and key is value:
            return linear(query, weights, bias).chunk(3, -1)
        width = weights.shape[0] // 3
        if key is value:
            biases = (None, None) if bias is None else bias.split([width, 2 * width])
            first, rest = weights.split([width, 2 * width])
            return (linear(query, first, biases[0]), *linear(key, rest, biases[1]).chunk(2, -1))
        weights = weights.chunk(3)
    if any(w is None for w in weights):
        raise AssertionError("use_separate_proj_weight is True but a projection weight is None")
    parts = (None, None, None) if bias is None else bias.chunk(3)
    return tuple(linear(t, w, b) for t, w, b in zip((query, key, value), weights, parts, strict=True))


def _heads(t: Tensor, heads: int, size: int) -> Tensor:
    return t.reshape(t.shape[0], heads, size).transpose(0, 1)


def _static(t: Tensor, name: str, heads: int, size: int) -> Tensor:
    if t.shape[0] != heads or t.shape[2] != size:
        raise AssertionError(f"expecting {name} of shape ({heads}, S, {size}), but got {list(t.shape)}")
    return t
