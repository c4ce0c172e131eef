"""Recurrent layers and cells."""

from __future__ import annotations

import math
import warnings
from typing import Any

import tour
from tour import Tensor
from tour.nn import init
from tour.nn.functional.recurrent import gru_cell, lstm_cell, rnn_cell, run_layers
from tour.nn.modules.module import Module
from tour.nn.parameter import Parameter
from tour.nn.utils.rnn import PackedSequence

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What recurrent layers share: parameters by layer and direction, and the walk through them.

    Parameters are called `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, with `_reverse` added for the second direction and
    `weight_hr_l0` for a projection. All begin uniform between ±1/√hidden_size.

    Examples:
        >>> import tour
        >>> layer = tour.nn.RNNBase("LSTM", 3, 5, bidirectional=True)
        >>> [name for name, _ in layer.named_parameters()][:4]
        ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0']
    """

    def __init__(
        self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if mode not in GATES:
            raise ValueError(f"Unrecognized RNN mode: {mode}")
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater "
                f"than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=3,
            )
        for name, value, kind in (
            ("input_size", input_size, int),
            ("hidden_size", hidden_size, int),
            ("bias", bias, bool),
            ("batch_first", batch_first, bool),
        ):
            if not isinstance(value, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
        for name, number in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            if number <= 0:
                raise ValueError(f"{name} must be greater than zero, but got {number}")
        if proj_size < 0 or proj_size >= hidden_size:
            raise ValueError(
                f"proj_size should be a positive integer smaller than hidden_size, or zero; got {proj_size}"
            )
        if proj_size and mode != "LSTM":
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        directions = 2 if bidirectional else 1
        state, rows = proj_size or hidden_size, GATES[mode] * hidden_size
        self._all_names: list[list[str]] = []
        for layer in range(num_layers):
            width = input_size if layer == 0 else state * directions
            shapes = {"weight_ih": (rows, width), "weight_hh": (rows, state)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}  # type: ignore[dict-item]
            if proj_size:
                shapes |= {"weight_hr": (proj_size, hidden_size)}
            for suffix in ("", "_reverse")[:directions]:
                names = [f"{name}_l{layer}{suffix}" for name in shapes]
                for name, shape in zip(names, shapes.values(), strict=True):
                    setattr(self, name, Parameter(tour.empty(*shape, device=device, dtype=dtype)))
                self._all_names.append(names)
        self.reset_parameters()

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_names]

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing; accepted because programs written for PyTorch call it."""

    def extra_repr(self) -> str:
        """Sizes, and options that are not at their defaults, for the printed tree."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.batch_first:
            text += f", batch_first={self.batch_first}"
        if self.dropout:
            text += f", dropout={self.dropout}"
        if self.bidirectional:
            text += f", bidirectional={self.bidirectional}"
        return text

    # --- The walk through layers and directions -----------------------------------------------------------------------------

    def _run(self, x: Tensor, states: tuple[Tensor, ...], sizes: list[int]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """All layers on packed rows (rows, I); states of shape (layers · directions, B, ·)."""
        weights = [{name.partition("_l")[0]: getattr(self, name) for name in names} for names in self._all_names]
        return run_layers(
            self.mode, x, states, sizes, weights, self.bidirectional, self.dropout if self.training else 0
        )

    def _state_widths(self) -> tuple[int, ...]:
        state = self.proj_size or self.hidden_size
        return (state, self.hidden_size) if self.mode == "LSTM" else (state,)

    def _states(self, given: Any, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """The states to begin with: zeros if none are given.

        Raises:
            RuntimeError: If a shape does not fit.
        """
        count = self.num_layers * (2 if self.bidirectional else 1)
        if given is None:
            return tuple(
                tour.zeros(count, batch, n, dtype=like.dtype, device=like.device) for n in self._state_widths()
            )
        states = tuple(given) if isinstance(given, (tuple, list)) else (given,)
        for s, n, name in zip(states, self._state_widths(), ("hidden[0]", "hidden[1]"), strict=False):
            if s.shape != (count, batch, n):
                raise RuntimeError(f"Expected {name} size {(count, batch, n)}, got {list(s.shape)}")
        return states

    def check_input(self, x: Tensor, given: tuple[int, ...]) -> None:
        """Refuse another number of features than the layer was made for, and another dtype than it has; `given` is the input's shape.

        Raises:
            RuntimeError: If the number of features is another; names both.
            ValueError: If the dtype is another; names both.
        """
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.shape[-1]}: {list(given)}"
            )
        weight: Tensor = getattr(self, self._all_names[0][0])
        if x.dtype is not weight.dtype:
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
                f"input.to({weight.dtype}), or convert model: model.to({x.dtype})"
            )

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Run over a padded batch (L, B, I), one sequence (L, I), or a `PackedSequence`; give outputs and last states."""
        y: Any
        packed = isinstance(input, PackedSequence)
        if packed:
            x, sizes = input.data, [int(n) for n in input.batch_sizes.tolist()]
            batch, single = sizes[0], False
        else:
            if input.dim() not in (2, 3):
                raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {input.dim()}D instead")
            single = input.dim() == 2
            x = input.unsqueeze(1) if single else input.transpose(0, 1) if self.batch_first else input
            length, batch = x.shape[:2]
            sizes = [batch] * length
            if not single and hx is not None and (hx[0] if isinstance(hx, (tuple, list)) else hx).dim() != 3:
                raise RuntimeError("For batched 3-D input, hx should also be 3-D")
        self.check_input(x, tuple((input.data if packed else input).shape))
        if single and hx is not None:
            hx = tuple(s.unsqueeze(1) for s in hx) if isinstance(hx, (tuple, list)) else hx.unsqueeze(1)
        states = self._states(hx, batch, x)
        if packed and hx is not None and input.sorted_indices is not None:
            states = tuple(s.index_select(1, input.sorted_indices) for s in states)
        y, last = self._run(x if packed else x.reshape(-1, x.shape[-1]), states, sizes)
        if packed:
            if input.unsorted_indices is not None:
                last = tuple(s.index_select(1, input.unsorted_indices) for s in last)
            y = PackedSequence(y, input.batch_sizes, input.sorted_indices, input.unsorted_indices)
        else:
            y = y.reshape(length, batch, y.shape[-1])
            if single:
                y, last = y.squeeze(1), tuple(s.squeeze(1) for s in last)
            elif self.batch_first:
                y = y.transpose(0, 1)
        return y, last if self.mode == "LSTM" else last[0]


class RNN(RNNBase):
    """A plain recurrent network (Elman, 1990): `h = tanh(x w_ih' + b_ih + h w_hh' + b_hh)` at each step.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the state.
        num_layers: How many layers are stacked.
        nonlinearity: `"tanh"` or `"relu"`.
        bias: Whether to learn biases.
        batch_first: Whether batches are (B, L, I) rather than (L, B, I).
        dropout: Probability of a zero between layers.
        bidirectional: Whether a second direction reads from the end.
        device: Where the parameters live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> y, h = RNN(3, 4)(tour.ones(5, 2, 3))
        >>> y.shape, h.shape
        (tour.Size([5, 2, 4]), tour.Size([1, 2, 4]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(
            f"RNN_{nonlinearity.upper()}",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
        )
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997).

    At each step `i, f, o = sigmoid(...)`, `g = tanh(...)`, `c = f c + i g`, `h = o tanh(c)`.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the cell.
        num_layers: How many layers are stacked.
        bias: Whether to learn biases.
        batch_first: Whether batches are (B, L, I) rather than (L, B, I).
        dropout: Probability of a zero between layers.
        bidirectional: Whether a second direction reads from the end.
        proj_size: Features of the state, if it is projected.
        device: Where the parameters live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> y, (h, c) = LSTM(3, 4)(tour.ones(5, 2, 3))
        >>> y.shape, h.shape, c.shape
        (tour.Size([5, 2, 4]), tour.Size([1, 2, 4]), tour.Size([1, 2, 4]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )


class GRU(RNNBase):
    """Gated recurrent units (Cho and others, 2014).

    At each step `r, z = sigmoid(...)`, `n = tanh(x w_in' + b_in + r (h w_hn' + b_hn))`, `h = (1 - z) n + z h`.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the state.
        num_layers: How many layers are stacked.
        bias: Whether to learn biases.
        batch_first: Whether batches are (B, L, I) rather than (L, B, I).
        dropout: Probability of a zero between layers.
        bidirectional: Whether a second direction reads from the end.
        device: Where the parameters live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> y, h = GRU(3, 4, bidirectional=True)(tour.ones(5, 2, 3))
        >>> y.shape, h.shape
        (tour.Size([5, 2, 8]), tour.Size([2, 2, 4]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )


class RNNCellBase(Module):
    """What single recurrent steps share: their parameters, uniform between ±1/√hidden_size at first.

    Examples:
        >>> import tour
        >>> cell = tour.nn.RNNCellBase(3, 5, bias=True, num_chunks=4)
        >>> cell.weight_ih.shape, cell.weight_hh.shape
        (tour.Size([20, 3]), tour.Size([20, 5]))
    """

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None
    nonlinearity: str

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        made = {"device": device, "dtype": dtype}
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(tour.empty(rows, input_size, **made))
        self.weight_hh = Parameter(tour.empty(rows, hidden_size, **made))
        self.register_parameter("bias_ih", Parameter(tour.empty(rows, **made)) if bias else None)
        self.register_parameter("bias_hh", Parameter(tour.empty(rows, **made)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def extra_repr(self) -> str:
        """Sizes, and options that are not at their defaults, for the printed tree."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text

    def _batched(self, input: Tensor, hx: Any) -> tuple[Tensor, Any, bool]:
        """Input and states with a batch dimension, and whether the input came with one.

        Raises:
            ValueError: If a number of dimensions does not fit.
            RuntimeError: If a size does not fit.
        """
        name = self._get_name()
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        batched = input.dim() == 2
        x = input if batched else input.unsqueeze(0)
        if x.shape[1] != self.input_size:
            raise RuntimeError(
                f"input has inconsistent input_size: got {x.shape[1]} expected {self.input_size}, for {list(input.shape)}"
            )
        many = isinstance(hx, (tuple, list))
        states = list(hx) if many else [hx]
        for i, s in enumerate(states):
            if s is None:
                states[i] = tour.zeros(x.shape[0], self.hidden_size, dtype=x.dtype, device=x.device)
                continue
            if s.dim() not in (1, 2):
                raise ValueError(f"{name}: Expected hidden to be 1D or 2D, got {s.dim()}D instead")
            states[i] = s if batched else s.unsqueeze(0)
            if states[i].shape[1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{i} has inconsistent hidden_size: got {states[i].shape[1]}, expected {self.hidden_size}"
                )
        return x, tuple(states) if many else states[0], batched


class RNNCell(RNNCellBase):
    """One step of a plain recurrence; see `RNN`.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the state.
        bias: Whether to learn biases.
        nonlinearity: `"tanh"` or `"relu"`.
        device: Where the parameters live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> RNNCell(3, 4)(tour.ones(2, 3)).shape
        tour.Size([2, 4])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The state after one step, from input (B, I) and state (B, H), or without the batch."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        x, h, batched = self._batched(input, hx)
        y = rnn_cell(x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, self.nonlinearity == "relu")
        return y if batched else y.squeeze(0)


class LSTMCell(RNNCellBase):
    """One step of an LSTM; see `LSTM`.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the state.
        bias: Whether to learn biases.
        device: Where the parameters live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> h, c = LSTMCell(3, 4)(tour.ones(2, 3))
        >>> h.shape, c.shape
        (tour.Size([2, 4]), tour.Size([2, 4]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """State and cell after one step, from input (B, I) and a pair of (B, H), or without the batch."""
        x, state, batched = self._batched(input, (None, None) if hx is None else hx)
        h, c = lstm_cell(x, state, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of a GRU; see `GRU`.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the state.
        bias: Whether to learn biases.
        device: Where the parameters live.
        dtype: Their dtype.

    Examples:
        >>> import tour
        >>> GRUCell(3, 4)(tour.ones(2, 3)).shape
        tour.Size([2, 4])
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The state after one step, from input (B, I) and state (B, H), or without the batch."""
        x, h, batched = self._batched(input, hx)
        y = gru_cell(x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return y if batched else y.squeeze(0)
