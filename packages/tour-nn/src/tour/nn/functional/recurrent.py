"""Recurrent layers over whole sequences, and single steps of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tour
from tour import Tensor
from tour._declare import primitive
from tour.autograd.both import differentiate
from tour.autograd.rule import joint_vjp
from tour.nn.functional.dropouts import dropout
from tour.nn.functional.linear_maps import linear
from tour.nn.kernels import recurrent as kernels

__all__: list[str] = []

Sizes = list[int]
Bias = Tensor | None


@primitive(kernels.rnn)
def rnn_layer(
    input: Tensor,
    h0: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Bias,
    b_hh: Bias,
    sizes: Sizes,
    reverse: bool,
    relu: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """A plain recurrent layer; see the kernel for shapes."""
    ...


@primitive(kernels.lstm)
def lstm_layer(
    input: Tensor,
    h0: Tensor,
    c0: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Bias,
    b_hh: Bias,
    w_hr: Bias,
    sizes: Sizes,
    reverse: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """An LSTM layer; see the kernel for shapes."""
    ...


@primitive(kernels.gru)
def gru_layer(
    input: Tensor, h0: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Bias, b_hh: Bias, sizes: Sizes, reverse: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """A GRU layer; see the kernel for shapes."""
    ...


# --- Single steps: as expressions, which layers are for gradients of gradients; and for cells as layers of one step -----------


def rnn_step(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Bias, b_hh: Bias, relu: bool) -> Tensor:
    """One step of a plain recurrence: `act(x w_ih' + b_ih + h w_hh' + b_hh)`."""
    total = linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)
    return total.relu() if relu else total.tanh()


def lstm_step(
    x: Tensor, state: tuple[Tensor, Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Bias, b_hh: Bias, w_hr: Bias = None
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM: the new state and cell."""
    h, c = state
    i, f, g, o = (linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if w_hr is None else linear(h, w_hr)), c


def gru_step(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Bias, b_hh: Bias) -> Tensor:
    """One step of a GRU: the new state."""
    r, z, n = linear(x, w_ih, b_ih).chunk(3, -1)
    hr, hz, hn = linear(h, w_hh, b_hh).chunk(3, -1)
    new = (n + (r + hr).sigmoid() * hn).tanh()
    return new + (z + hz).sigmoid() * (h - new)


def _fit(x: Tensor, states: tuple[Tensor, ...], w_ih: Tensor, w_hh: Tensor) -> bool:
    """Whether a step can be taken as a layer of one step; what does not fit is refused by the expressions above, in words."""
    size, kind = x.shape, x.dtype
    if len(size) != 2 or size[1] != w_ih.shape[1] or w_ih.dtype is not kind or w_hh.dtype is not kind:
        return False
    state = (size[0], w_hh.shape[1])
    return all([s.dtype is kind and s.shape == state for s in states])


def rnn_cell(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Bias, b_hh: Bias, relu: bool) -> Tensor:
    """`rnn_step` as one op."""
    if not _fit(x, (h,), w_ih, w_hh):
        return rnn_step(x, h, w_ih, w_hh, b_ih, b_hh, relu)
    return rnn_layer(x, h, w_ih, w_hh, b_ih, b_hh, [len(x)], False, relu)[0]


def lstm_cell(
    x: Tensor, state: tuple[Tensor, Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Bias, b_hh: Bias
) -> tuple[Tensor, Tensor]:
    """`lstm_step` as one op."""
    if not _fit(x, state, w_ih, w_hh):
        return lstm_step(x, state, w_ih, w_hh, b_ih, b_hh)
    return lstm_layer(x, *state, w_ih, w_hh, b_ih, b_hh, None, [len(x)], False)[1:3]


def gru_cell(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Bias, b_hh: Bias) -> Tensor:
    """`gru_step` as one op."""
    if not _fit(x, (h,), w_ih, w_hh):
        return gru_step(x, h, w_ih, w_hh, b_ih, b_hh)
    return gru_layer(x, h, w_ih, w_hh, b_ih, b_hh, [len(x)], False)[0]


def _unrolled(
    step: Callable[..., Any], x: Tensor, state: tuple[Tensor, ...], sizes: Sizes, reverse: bool
) -> tuple[Tensor, ...]:
    """Outputs and last state of a layer, step by step."""
    starts = [sum(sizes[:t]) for t in range(len(sizes))]
    outputs: list[Any] = [None] * len(sizes)
    for t in reversed(range(len(sizes))) if reverse else range(len(sizes)):
        n = sizes[t]
        new = step(x[starts[t] : starts[t] + n], tuple(s[:n] for s in state))
        state = tuple(a if n == len(s) else tour.cat([a, s[n:]]) for a, s in zip(new, state, strict=True))
        outputs[t] = new[0]
    return (tour.cat(outputs), *state)


def _through(expression: Callable[..., tuple[Tensor, ...]], inputs: Any, wanted: Any, g: Any) -> Any:
    """Gradients of a layer in a recorded pass."""
    given = [i for i, x in enumerate(g) if x is not None]

    def outputs(*xs: Any) -> list[Tensor]:
        made = expression(*xs)
        return [made[i] for i in given]

    return differentiate(outputs, inputs, wanted, [g[i] for i in given])


@joint_vjp(rnn_layer, "input", "h0", "w_ih", "w_hh", "b_ih", "b_hh")
def _(
    g: Any,
    wanted: Any,
    input: Any,
    h0: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    sizes: Any,
    reverse: Any,
    relu: Any,
    out: Any,
) -> Any:
    if isinstance(input, Tensor):
        return _through(
            lambda x, h, a, b, c, d: _unrolled(lambda y, s: (rnn_step(y, s[0], a, b, c, d, relu),), x, (h,), sizes, reverse),
            (input, h0, w_ih, w_hh, b_ih, b_hh), wanted, g[:2],
        )  # fmt: skip
    *grads, bias = kernels.rnn_grad(g[0], g[1], input, w_ih, w_hh, sizes, reverse, relu, wanted[0], out[0], out[2])
    return (*grads, bias, bias)


@joint_vjp(lstm_layer, "input", "h0", "c0", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr")
def _(
    g: Any, wanted: Any, input: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any, sizes: Any,
    reverse: Any, rest: Any,
) -> Any:  # fmt: skip
    if isinstance(input, Tensor):
        return _through(
            lambda x, h, k, a, b, c, d, r: _unrolled(lambda y, s: lstm_step(y, s, a, b, c, d, r), x, (h, k), sizes, reverse),
            (input, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr), wanted, g[:3],
        )  # fmt: skip
    *grads, bias, projection = kernels.lstm_grad(
        g[0], g[1], g[2], input, w_ih, w_hh, w_hr, sizes, reverse, wanted[0], *rest[2:]
    )
    return (*grads, bias, bias, projection)


@joint_vjp(gru_layer, "input", "h0", "w_ih", "w_hh", "b_ih", "b_hh")
def _(
    g: Any,
    wanted: Any,
    input: Any,
    h0: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    sizes: Any,
    reverse: Any,
    rest: Any,
) -> Any:
    if isinstance(input, Tensor):
        return _through(
            lambda x, h, a, b, c, d: _unrolled(lambda y, s: (gru_step(y, s[0], a, b, c, d),), x, (h,), sizes, reverse),
            (input, h0, w_ih, w_hh, b_ih, b_hh), wanted, g[:2],
        )  # fmt: skip
    return kernels.gru_grad(g[0], g[1], input, w_ih, w_hh, sizes, reverse, wanted[0], *rest[1:])


# --- Stacks of layers in one or two directions ------------------------------------------------------------------------------


def _run_layer(
    mode: str, x: Tensor, state: tuple[Tensor, ...], weights: dict[str, Any], sizes: Sizes, reverse: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Outputs and last states of one layer in one direction."""
    w_ih, w_hh, b_ih, b_hh = (weights.get(name) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    h0 = state[0]
    if any(t is not None and hasattr(t._a, "levels") for t in (x, *state, w_ih, w_hh)):
        return _run_steps(mode, x, state, (w_ih, w_hh, b_ih, b_hh), weights.get("weight_hr"), sizes, reverse)
    if mode == "LSTM":
        y, h, c, *_ = lstm_layer(x, h0, state[1], w_ih, w_hh, b_ih, b_hh, weights.get("weight_hr"), sizes, reverse)  # type: ignore[arg-type]
        return y, (h, c)
    if mode == "GRU":
        y, h, *_ = gru_layer(x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse)  # type: ignore[arg-type]
        return y, (h,)
    y, h, _ = rnn_layer(x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse, mode == "RNN_RELU")  # type: ignore[arg-type]
    return y, (h,)


def _run_steps(
    mode: str, x: Tensor, state: tuple[Tensor, ...], weights: tuple[Any, ...], w_hr: Bias, sizes: Sizes, reverse: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same step by step, each op for all samples of a `vmap` at once; the kernels know of one set of weights."""

    w_ih, w_hh, b_ih, b_hh = weights

    def step(y: Tensor, s: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if mode == "LSTM":
            return lstm_step(y, (s[0], s[1]), w_ih, w_hh, b_ih, b_hh, w_hr)
        if mode == "GRU":
            return (gru_step(y, s[0], w_ih, w_hh, b_ih, b_hh),)
        return (rnn_step(y, s[0], w_ih, w_hh, b_ih, b_hh, mode == "RNN_RELU"),)

    y, *last = _unrolled(step, x, state, sizes, reverse)
    return y, tuple(last)


def run_layers(
    mode: str,
    x: Tensor,
    states: tuple[Tensor, ...],
    sizes: Sizes,
    weights: list[dict[str, Any]],
    bidirectional: bool,
    p: float,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """All layers of a recurrent network on packed rows, with dropout between them.

    Args:
        mode: `"LSTM"`, `"GRU"`, `"RNN_TANH"` or `"RNN_RELU"`.
        x: Rows of all steps, (rows, I).
        states: States to begin with, (layers · directions, B, ·) each.
        sizes: How many sequences are left at each step.
        weights: For each layer and direction `weight_ih`, `weight_hh`, and what it has of `bias_ih`, `bias_hh`, `weight_hr`.
        bidirectional: Whether a second direction reads from the end.
        p: Probability of dropout.

    Returns:
        Rows of outputs, and the last states.
    """
    directions = 2 if bidirectional else 1
    last: list[tuple[Tensor, ...]] = []
    for first in range(0, len(weights), directions):
        outputs = []
        for k in range(first, first + directions):
            y, state = _run_layer(mode, x, tuple(s[k] for s in states), weights[k], sizes, k > first)
            outputs.append(y)
            last.append(state)
        x = outputs[0] if directions == 1 else tour.cat(outputs, 1)
        if p and first + directions < len(weights):
            x = dropout(x, p, True)
    return x, tuple(tour.stack(parts) for parts in zip(*last, strict=True))
