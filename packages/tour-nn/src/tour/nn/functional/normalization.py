"""Normalisation: mean and variance taken out of activations, over batches, layers, groups or instances."""

from __future__ import annotations

from typing import Any

import tour
from tour import Tensor
from tour._core import wrote
from tour._declare import primitive
from tour.autograd.both import differentiate
from tour.autograd.rule import joint_vjp
from tour.nn.kernels import normalization as kernels

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "normalize", "rms_norm"]

Sizes = tuple[int, ...]


# --- Each primitive with its gradients, and the same function as an expression for gradients of gradients --------------------


@primitive(kernels.batch_norm, aside=True)
def _batch_norm(input: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalisation by the batch's own statistics; also its means and biased variances."""
    ...


@primitive(kernels.batch_norm_eval)
def _batch_norm_eval(
    input: Tensor, mean: Tensor, var: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """Batch normalisation by given statistics."""
    ...


@primitive(kernels.layer_norm, aside=True)
def _layer_norm(
    input: Tensor, shape: Sizes, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Layer normalisation; also the mean and inverse deviation of each row."""
    ...


@primitive(kernels.group_norm, aside=True)
def _group_norm(
    input: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Group normalisation; also the mean and inverse deviation of each group."""
    ...


@primitive(kernels.rms_norm, aside=True)
def _rms_norm(input: Tensor, shape: Sizes, weight: Tensor | None, eps: float) -> tuple[Tensor, Tensor]:
    """Root-mean-square normalisation; also the inverse root of each row."""
    ...


def _standardized(x: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
    centred = x - x.mean(dims, keepdim=True)
    return centred / ((centred * centred).mean(dims, keepdim=True) + eps).sqrt()


def _affine(y: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Any) -> Tensor:
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def _channels(x: Tensor) -> tuple[int, ...]:
    return (1, x.shape[1], *(1,) * (x.dim() - 2))


@joint_vjp(_batch_norm, "input", "weight", "bias")
def _(g: Any, wanted: Any, input: Any, weight: Any, bias: Any, eps: float, rest: Any) -> Any:
    if isinstance(g, Tensor):
        dims = (0, *range(2, input.dim()))
        return differentiate(
            lambda x, w, b: _affine(_standardized(x, dims, eps), w, b, _channels(x)),
            (input, weight, bias),
            wanted,
            g,
        )
    return kernels.batch_norm_grad(g, input, rest[0], rest[1], weight, eps, wanted, True)


@joint_vjp(_batch_norm_eval, "input", "weight", "bias")
def _(g: Any, wanted: Any, input: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float) -> Any:
    if isinstance(g, Tensor):
        m, v = (tour.as_tensor(x).reshape(_channels(input)) for x in (mean, var))
        return differentiate(
            lambda x, w, b: _affine((x - m) / (v + eps).sqrt(), w, b, _channels(x)), (input, weight, bias), wanted, g
        )
    return kernels.batch_norm_grad(g, input, mean, var, weight, eps, wanted, False)


@joint_vjp(_layer_norm, "input", "weight", "bias")
def _(g: Any, wanted: Any, input: Any, shape: Sizes, weight: Any, bias: Any, eps: float, rest: Any) -> Any:
    if isinstance(g, Tensor):
        dims = tuple(range(-len(shape), 0))
        return differentiate(
            lambda x, w, b: _affine(_standardized(x, dims, eps), w, b, shape), (input, weight, bias), wanted, g
        )
    return kernels.layer_norm_grad(g, input, shape, rest[0], rest[1], weight, wanted)


@joint_vjp(_group_norm, "input", "weight", "bias")
def _(g: Any, wanted: Any, input: Any, groups: int, weight: Any, bias: Any, eps: float, rest: Any) -> Any:
    if isinstance(g, Tensor):

        def expression(x: Tensor, w: Tensor | None, b: Tensor | None) -> Tensor:
            rows = x.reshape(x.shape[0], groups, x.shape[1:].numel() // groups)
            return _affine(_standardized(rows, (2,), eps).reshape(x.shape), w, b, _channels(x))

        return differentiate(expression, (input, weight, bias), wanted, g)
    return kernels.group_norm_grad(g, input, groups, rest[0], rest[1], weight, wanted)


@joint_vjp(_rms_norm, "input", "weight")
def _(g: Any, wanted: Any, input: Any, shape: Sizes, weight: Any, eps: float, rest: Any) -> Any:
    if isinstance(g, Tensor):
        dims = tuple(range(-len(shape), 0))
        return differentiate(
            lambda x, w: _affine(x / ((x * x).mean(dims, keepdim=True) + eps).sqrt(), w, None, shape),
            (input, weight),
            wanted,
            g,
        )
    return kernels.rms_norm_grad(g, input, shape, rest[0], weight, wanted)


# --- What programs call -----------------------------------------------------------------------------------------------------


def check_values_per_channel(size: Sizes, given: Sizes | None = None) -> None:
    """Refuse to normalise single values, whose variance is zero, in a tensor of size (N, C, ...) or one that is `given` so.

    Raises:
        ValueError: If each channel has one value.
    """
    count = 1
    for n in (size[0], *size[2:]):
        count *= n
    if count == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {tour.Size(given or size)}; give a larger "
            "batch, or call eval() first"
        )


def check_channels(name: str, input: Tensor, **tensors: Tensor | None) -> None:
    """Refuse per-channel tensors of another length than the input has channels.

    Raises:
        RuntimeError: Names the tensor.
    """
    for what, t in tensors.items():
        if t is not None and t.shape != (input.shape[1],):
            raise RuntimeError(
                f"{name}: {what} should contain {input.shape[1]} elements not {t.numel()}, for input {list(input.shape)}"
            )


def update_running(running: Tensor | None, batch: Any, momentum: float) -> None:
    """Move running statistics towards those of a batch, in place and outside any history."""
    if running is not None:
        running._a[...] = (1 - momentum) * running._a + momentum * batch
        wrote(running)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Batch normalisation (Ioffe and Szegedy, 2015): `(x - mean) / sqrt(var + eps) * weight + bias` for each channel.

    Args:
        input: Shape (N, C, ...).
        running_mean: Means to normalise by, or to move towards the batch's in training; shape (C,).
        running_var: Variances likewise; they move towards the unbiased ones.
        weight: Scale of each channel.
        bias: Shift of each channel.
        training: Whether the batch's own statistics are used.
        momentum: How far running statistics move.
        eps: Added to the variance.

    Raises:
        ValueError: If there is one value per channel in training, or `eps` is negative, or zero in training.
        RuntimeError: If a length does not fit, or there are no statistics to normalise by.

    Examples:
        >>> import tour
        >>> batch_norm(tour.tensor([[1.0], [3.0]]), None, None, training=True)
        tensor([[-1.0000],
                [ 1.0000]])
    """
    if eps < 0 or (training and not eps):
        wanted = "positive during training" if training else "non-negative"
        raise ValueError(f"batch_norm eps must be {wanted}, but got {eps}")
    if input.dim() < 2:
        if not input.numel():
            return input.clone()
        raise IndexError(f"batch_norm: expected an input of shape (N, C, ...), but got shape {list(input.shape)}")
    check_channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when training=False")
        return _batch_norm_eval(input, running_mean, running_var, weight, bias, eps)
    check_values_per_channel(input.shape)
    y, mean, var = _batch_norm(input, weight, bias, eps)
    count = input.numel() // max(input.shape[1], 1)
    if count:
        update_running(running_mean, mean._a, momentum)
        update_running(running_var, var._a * (count / (count - 1)), momentum)
    return y


def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Layer normalisation (Ba, Kiros and Hinton, 2016) over the last dimensions.

    Args:
        input: Shape (..., *normalized_shape).
        normalized_shape: The dimensions to normalise over.
        weight: Scale, of that shape.
        bias: Shift, of that shape.
        eps: Added to the variance.

    Raises:
        RuntimeError: If the input does not end in that shape.

    Examples:
        >>> import tour
        >>> layer_norm(tour.tensor([[1.0, 3.0]]), (2,))
        tensor([[-1.0000,  1.0000]])
    """
    shape = trailing(input, normalized_shape, weight, bias, "layer_norm")
    return _layer_norm(input, shape, weight, bias, eps)[0]


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Root-mean-square normalisation (Zhang and Sennrich, 2019) over the last dimensions: `x / sqrt(mean(x²) + eps) * weight`.

    Args:
        input: Shape (..., *normalized_shape).
        normalized_shape: The dimensions to normalise over.
        weight: Scale, of that shape.
        eps: Added to the mean square; the dtype's resolution if None.

    Raises:
        ValueError: If the input has fewer dimensions than that shape.
        RuntimeError: If the input does not end in that shape.

    Examples:
        >>> import tour
        >>> rms_norm(tour.tensor([[3.0, -4.0]]), (2,))
        tensor([[ 0.8485, -1.1314]])
    """
    if not isinstance(normalized_shape, int) and input.dim() < len(normalized_shape):
        raise ValueError(
            f"Input tensor must have at least {len(normalized_shape)} dimensions, but got {input.dim()}: {list(input.shape)}"
        )
    shape = trailing(input, normalized_shape, weight, None, "rms_norm")
    return _rms_norm(input, shape, weight, tour.finfo(input.dtype).eps if eps is None else eps)[0]


def trailing(input: Tensor, shape: Any, weight: Tensor | None, bias: Tensor | None, name: str) -> tuple[int, ...]:
    """The shape to normalise over, once it is known to fit.

    Raises:
        RuntimeError: If the input does not end in that shape, or weight or bias have another.
    """
    wanted = (shape,) if isinstance(shape, int) else tuple(map(int, shape))
    if not wanted:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element"
        )
    for what, t in (("weight", weight), ("bias", bias)):
        if t is not None and t._a.shape != wanted:
            raise RuntimeError(
                f"Expected {what} to be of same shape as normalized_shape, but got {what} of shape {list(t.shape)} and "
                f"normalized_shape = {list(wanted)}"
            )
    if input._a.shape[max(input._a.ndim - len(wanted), 0) :] != wanted:
        raise RuntimeError(
            f"Given normalized_shape={list(wanted)}, expected input with shape [*, {', '.join(map(str, wanted))}], "
            f"but got input of size{list(input.shape)} in {name}"
        )
    return wanted


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Group normalisation (Wu and He, 2018): each sample over groups of its channels.

    Args:
        input: Shape (N, C, ...).
        num_groups: Number of groups; divides C.
        weight: Scale of each channel.
        bias: Shift of each channel.
        eps: Added to the variance.

    Raises:
        ValueError: If a group has one value.
        RuntimeError: If the channels cannot be grouped so, or a length does not fit.

    Examples:
        >>> import tour
        >>> group_norm(tour.tensor([[1.0, 3.0, 2.0, 6.0]]), 2)
        tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    if num_groups <= 0 or input.shape[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    check_values_per_channel((input.shape[0] * input.shape[1] // num_groups, num_groups, *input.shape[2:]), input.shape)
    check_channels("group_norm", input, weight=weight, bias=bias)
    return _group_norm(input, num_groups, weight, bias, eps)[0]


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Instance normalisation (Ulyanov, Vedaldi and Lempitsky, 2016): each channel of each sample by itself.

    Args:
        input: Shape (N, C, ...).
        running_mean: Means to normalise by without `use_input_stats`; otherwise moved towards the batch's.
        running_var: Variances likewise.
        weight: Scale of each channel.
        bias: Shift of each channel.
        use_input_stats: Whether each sample's own statistics are used.
        momentum: How far running statistics move.
        eps: Added to the variance.

    Raises:
        ValueError: If there is one value per channel and the input's statistics are used.
        RuntimeError: If a length does not fit.

    Examples:
        >>> import tour
        >>> instance_norm(tour.tensor([[[1.0, 3.0]]]))
        tensor([[[-1.0000,  1.0000]]])
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    check_channels("instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    count = 1
    for n in input.shape[2:]:
        count *= n
    if count == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    y, mean, rstd = _group_norm(input, input.shape[1], weight, bias, eps)
    if running_mean is not None or running_var is not None:
        shape = input.shape[:2]
        var = (1 / rstd._a**2 - eps).reshape(shape).mean(0) * (count / (count - 1))
        update_running(running_mean, mean._a.reshape(shape).mean(0), momentum)
        update_running(running_var, var, momentum)
    return y


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Local response normalisation (Krizhevsky and others, 2012): `x / (k + alpha * mean of neighbouring channels' x²)**beta`.

    Args:
        input: Shape (N, C, ...).
        size: How many neighbouring channels are averaged.
        alpha: Factor of the mean.
        beta: Exponent.
        k: Added to the mean.

    Examples:
        >>> import tour
        >>> local_response_norm(tour.ones(1, 2, 1), 2, alpha=1.0).shape
        tour.Size([1, 2, 1])
    """
    if input.dim() < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.dim()} dimensions)")
    if not input.numel():
        return input
    squares = input * input
    channels = input.shape[1]
    padding = tour.zeros_like(squares[:, :1])
    padded = tour.cat([*[padding] * (size // 2), squares, *[padding] * ((size - 1) // 2)], 1)
    total = padded[:, :channels]
    for i in range(1, size):
        total = total + padded[:, i : i + channels]
    mean = total / size if total.is_floating_point() else total // size  # integers stay integers
    return input / (mean * alpha + k) ** beta  # type: ignore[no-any-return]


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """Vectors along a dimension divided by their p-norm, or by `eps` where that is larger.

    Args:
        input: Any floating-point tensor.
        p: Which norm.
        dim: The dimension of the vectors.
        eps: Smallest divisor.
        out: A tensor to write the result into.

    Examples:
        >>> import tour
        >>> normalize(tour.tensor([[3.0, 4.0]]))
        tensor([[0.6000, 0.8000]])
    """
    divisor = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return tour.div(input, divisor, out=out)
