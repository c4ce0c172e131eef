"""Distributions of whole numbers and of choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import tour
from tour.distributions import constraints
from tour.distributions.constraints import Constraint
from tour.distributions.distribution import Distribution, Shape, tensors
from tour.ops.activations import softplus

if TYPE_CHECKING:
    from tour import Tensor


def _within(probs: Tensor) -> Tensor:
    """Probabilities away from 0 and 1 by the dtype's resolution, so that their logarithms are finite."""
    eps = tour.finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


def _one_of(name: str, probs: Any, logits: Any) -> None:
    if (probs is None) == (logits is None):
        raise ValueError(f"{name}: Either `probs` or `logits` must be specified, but not both.")


class _Trials(Distribution):
    """A distribution of the outcomes of trials, by the probability of success or its log-odds."""

    arg_constraints: ClassVar[dict[str, Constraint]] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        _one_of(type(self).__name__, probs, logits)
        if probs is not None:
            (self.probs,) = tensors(probs)
        else:
            (self.logits,) = tensors(logits)
        super().__init__((self.probs if probs is not None else self.logits).shape, (), validate_args)

    def __getattr__(self, name: str) -> Any:
        if name == "probs":
            return self.logits.sigmoid()
        if name == "logits" and "probs" in vars(self):
            probs = _within(self.probs)
            return probs.log() - (-probs).log1p()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def param_shape(self) -> tour.Size:
        """Shape of the parameter."""
        return self.batch_shape


class Bernoulli(_Trials):
    """One with probability `probs`, zero otherwise.

    `P(1) = probs`, `P(0) = 1 - probs`; or by `logits = log(probs / (1 - probs))`. Parameters broadcast.

    Examples:
        >>> import tour
        >>> Bernoulli(0.25).log_prob(tour.tensor(1.0))
        tensor(-1.3863)
    """

    has_enumerate_support = True

    @property
    def support(self) -> Constraint:
        """Zero and one."""
        return constraints.boolean

    @property
    def mean(self) -> Tensor:
        """`probs`."""
        return self.probs

    @property
    def mode(self) -> Tensor:
        """The likelier of zero and one; NaN where both are."""
        return (self.probs >= 0.5).to(self.probs).masked_fill(self.probs == 0.5, float("nan"))

    @property
    def variance(self) -> Tensor:
        """`probs (1 - probs)`."""
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Zeros and ones."""
        return tour.bernoulli(self.probs.detach().expand(self._extended(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """`value log(probs) + (1 - value) log(1 - probs)`."""
        self._check(value)
        logits, value = tour.broadcast_tensors(self.logits, value)
        return value * logits - softplus(logits)

    def entropy(self) -> Tensor:
        """`softplus(logits) - probs logits`."""
        return softplus(self.logits) - self.probs * self.logits

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Zero and one."""
        values = tour.arange(2, dtype=self.probs.dtype).reshape(-1, *(1,) * len(self.batch_shape))
        return values.expand(-1, *self.batch_shape) if expand else values


class Geometric(_Trials):
    """How many trials fail before the first succeeds.

    `P(k) = probs · (1 - probs)^k` for k = 0, 1, 2 … Parameters broadcast.

    Examples:
        >>> import tour
        >>> Geometric(0.25).mean
        tensor(3.)
    """

    @property
    def support(self) -> Constraint:
        """0, 1, 2, …"""
        return constraints.nonnegative_integer

    @property
    def mean(self) -> Tensor:
        """`1 / probs - 1`."""
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        """Zero."""
        return tour.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        """`(1 / probs - 1) / probs`."""
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Whole numbers, by inversion of uniform ones."""
        shape, probs = self._extended(sample_shape), self.probs.detach()
        u = tour.rand(shape, dtype=probs.dtype, device=probs.device).clamp_min(tour.finfo(probs.dtype).tiny)
        return (u.log() / (-probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        """`value log(1 - probs) + log(probs)`."""
        self._check(value)
        probs = self.probs.masked_fill((self.probs == 1) & (value == 0), 0)
        return value * (-probs).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        """The entropy of one trial divided by `probs`."""
        return Bernoulli(self.probs, validate_args=False).entropy() / self.probs


class Poisson(Distribution):
    """How many events happen at a rate.

    `P(k) = rate^k · exp(-rate) / k!` for k = 0, 1, 2 … Parameters broadcast.

    Examples:
        >>> import tour
        >>> Poisson(2.0).log_prob(tour.tensor(0.0))
        tensor(-2.)
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {"rate": constraints.nonnegative}

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = tensors(rate)
        super().__init__(self.rate.shape, (), validate_args)

    @property
    def support(self) -> Constraint:
        """0, 1, 2, …"""
        return constraints.nonnegative_integer

    @property
    def mean(self) -> Tensor:
        """`rate`."""
        return self.rate

    @property
    def mode(self) -> Tensor:
        """`floor(rate)`."""
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        """`rate`."""
        return self.rate

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Whole numbers."""
        return tour.poisson(self.rate.detach().expand(self._extended(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """`value log(rate) - rate - log(value!)`."""
        self._check(value)
        return value.xlogy(self.rate) - self.rate - (value + 1).lgamma()


class Categorical(Distribution):
    """One of n choices, 0 to n - 1, by their probabilities or their logarithms up to a constant.

    Args:
        probs: Weights of the choices, (..., n); they are divided by their sum.
        logits: Their logarithms.
        validate_args: Whether to check parameters and values.

    Raises:
        ValueError: If not exactly one is given, or it does not fit.

    Examples:
        >>> import tour
        >>> Categorical(tour.tensor([1.0, 3.0])).probs
        tensor([0.2500, 0.7500])
    """

    has_enumerate_support = True
    arg_constraints: ClassVar[dict[str, Constraint]] = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    event_dims: ClassVar[dict[str, int]] = {"probs": 1, "logits": 1}

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        _one_of(type(self).__name__, probs, logits)
        given = probs if probs is not None else logits
        if given is None or given.dim() < 1:
            raise ValueError("`probs` or `logits` parameter must be at least one-dimensional.")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = given - given.logsumexp(-1, keepdim=True)
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], self._event_shape(), validate_args)

    def _event_shape(self) -> tuple[int, ...]:
        return ()

    def __getattr__(self, name: str) -> Any:
        if name == "probs":
            return self.logits.softmax(-1)
        if name == "logits" and "probs" in vars(self):
            return _within(self.probs).log()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def param_shape(self) -> tour.Size:
        """Shape of the parameter."""
        return tour.Size((*self.batch_shape, self._num_events))

    @property
    def support(self) -> Constraint:
        """0 to n - 1."""
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        """NaN: choices have no order."""
        return tour.full(self.batch_shape, float("nan"), dtype=self.probs.dtype)

    variance = mean

    @property
    def mode(self) -> Tensor:
        """The likeliest choice."""
        return self.probs.argmax(-1)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Choices as int64."""
        count = tour.Size(sample_shape).numel()
        rows = self.probs.detach().reshape(-1, self._num_events)
        return tour.multinomial(rows, count, True).T.reshape(*sample_shape, *self.batch_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the choice's probability."""
        self._check(value)
        index, logits = tour.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        """`-Σ p log(p)`."""
        logits = self.logits.clamp_min(tour.finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 to n - 1."""
        values = tour.arange(self._num_events).reshape(-1, *(1,) * len(self.batch_shape))
        return values.expand(-1, *self.batch_shape) if expand else values


class OneHotCategorical(Categorical):
    """One of n choices, as a vector with a one in its place.

    Examples:
        >>> import tour
        >>> OneHotCategorical(tour.tensor([1.0, 3.0])).log_prob(tour.tensor([0.0, 1.0]))
        tensor(-0.2877)
    """

    def _event_shape(self) -> tuple[int, ...]:
        return (self._num_events,)

    @property
    def support(self) -> Constraint:
        """Vectors with one one, and zeros."""
        return constraints.one_hot

    @property
    def mean(self) -> Tensor:
        """`probs`."""
        return self.probs

    @property
    def mode(self) -> Tensor:
        """The likeliest choice."""
        return self._one_hot(self.probs.argmax(-1))

    @property
    def variance(self) -> Tensor:
        """`probs (1 - probs)`."""
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Vectors, in the dtype of the parameter."""
        return self._one_hot(super().sample(sample_shape))

    def _one_hot(self, index: Tensor) -> Tensor:
        return tour.zeros(*index.shape, self._num_events, dtype=self.probs.dtype).scatter_(-1, index.unsqueeze(-1), 1)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the choice's probability."""
        self._check(value)
        logits, value = tour.broadcast_tensors(self.logits, value)
        return logits.gather(-1, value.argmax(-1, keepdim=True)).squeeze(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """The unit vectors."""
        n = self._num_events
        values = tour.eye(n, dtype=self.probs.dtype).reshape(n, *(1,) * len(self.batch_shape), n)
        return values.expand(n, *self.batch_shape, n) if expand else values
