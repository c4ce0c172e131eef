"""Distributions of real numbers by closed formulas of uniform or exponential ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import tour
from tour.distributions import constraints
from tour.distributions.constraints import Constraint
from tour.distributions.distribution import Distribution, Shape, tensors

if TYPE_CHECKING:
    from tour import Tensor

EULER = 0.57721566490153286060  # the mean of the standard Gumbel distribution


class Uniform(Distribution):
    """All values from `low` up to, but without, `high` alike.

    `p(x) = 1 / (high - low)` for `low <= x < high`. Parameters broadcast.

    Examples:
        >>> import tour
        >>> Uniform(0.0, 4.0).entropy()
        tensor(1.3863)
    """

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Constraint]] = {"low": constraints.real, "high": constraints.real}

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = tensors(low, high)
        super().__init__(self.low.shape, (), validate_args)
        if self._validate_args and not bool((self.low < self.high).all()):
            raise ValueError("Uniform is not defined when low>= high")

    @property
    def support(self) -> Constraint:
        """From `low` to `high`."""
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Tensor:
        """The middle."""
        return (self.low + self.high) / 2

    @property
    def mode(self) -> Tensor:
        """NaN: no value is likelier than the others."""
        return tour.full_like(self.low, math.nan)

    @property
    def variance(self) -> Tensor:
        """A twelfth of the squared width."""
        return (self.high - self.low) ** 2 / 12  # type: ignore[no-any-return]

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples `low + (high - low) * u`."""
        u = tour.rand(self._extended(sample_shape), dtype=self.low.dtype, device=self.low.device)
        return self.low + u * (self.high - self.low)

    def log_prob(self, value: Tensor) -> Tensor:
        """`-log(high - low)` inside, minus infinity outside."""
        self._check(value)
        inside = (self.low <= value) & (value < self.high)
        return inside.to(self.low.dtype).log() - (self.high - self.low).log()

    def cdf(self, value: Tensor) -> Tensor:
        """Probability of values up to this one."""
        self._check(value)
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def icdf(self, value: Tensor) -> Tensor:
        """The value up to which there is this probability."""
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Tensor:
        """`log(high - low)`."""
        return (self.high - self.low).log()


class Exponential(Distribution):
    """Waiting times at a constant rate.

    `p(x) = rate · exp(-rate · x)` for `x >= 0`. Parameters broadcast.

    Examples:
        >>> import tour
        >>> Exponential(2.0).mean
        tensor(0.5000)
    """

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Constraint]] = {"rate": constraints.positive}

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = tensors(rate)
        super().__init__(self.rate.shape, (), validate_args)

    @property
    def support(self) -> Constraint:
        """Numbers that are not negative."""
        return constraints.nonnegative

    @property
    def mean(self) -> Tensor:
        """`1 / rate`."""
        return self.rate.reciprocal()

    @property
    def mode(self) -> Tensor:
        """Zero."""
        return tour.zeros_like(self.rate)

    @property
    def variance(self) -> Tensor:
        """`1 / rate²`."""
        return self.rate**-2  # type: ignore[no-any-return]

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples of the standard distribution divided by the rate."""
        draws = tour.empty(self._extended(sample_shape), dtype=self.rate.dtype, device=self.rate.device)
        return draws.exponential_() / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        """`log(rate) - rate * value`."""
        self._check(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value: Tensor) -> Tensor:
        """Probability of values up to this one."""
        self._check(value)
        return -(-self.rate * value).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        """The value up to which there is this probability."""
        return -tour.log1p(-value) / self.rate

    def entropy(self) -> Tensor:
        """`1 - log(rate)`."""
        return 1 - self.rate.log()


class _LocationScale(Distribution):
    """A standard distribution that is moved by `loc` and stretched by `scale`."""

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Constraint]] = {"loc": constraints.real, "scale": constraints.positive}

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = tensors(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)

    @property
    def mode(self) -> Tensor:
        """`loc`."""
        return self.loc

    def _standard(self, value: Tensor) -> Tensor:
        self._check(value)
        return (value - self.loc) / self.scale

    def _empty(self, sample_shape: Shape) -> Tensor:
        return tour.empty(self._extended(sample_shape), dtype=self.loc.dtype, device=self.loc.device)


class Laplace(_LocationScale):
    """The two-sided exponential distribution.

    `p(x) = exp(-|x - loc| / scale) / (2 · scale)`. Parameters broadcast.

    Examples:
        >>> import tour
        >>> Laplace(0.0, 1.0).variance
        tensor(2.)
    """

    @property
    def mean(self) -> Tensor:
        """`loc`."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """`2 scale²`."""
        return 2 * self.scale**2  # type: ignore[no-any-return]

    @property
    def stddev(self) -> Tensor:
        """`sqrt(2) scale`."""
        return math.sqrt(2) * self.scale

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples `loc - scale sign(u) log(1 - |u|)`, u uniform from -1 to 1."""
        u = self._empty(sample_shape).uniform_(tour.finfo(self.loc.dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * tour.log1p(-u.abs())

    def log_prob(self, value: Tensor) -> Tensor:
        """`-log(2 scale) - |value - loc| / scale`."""
        return -(2 * self.scale).log() - self._standard(value).abs()

    def cdf(self, value: Tensor) -> Tensor:
        """Probability of values up to this one."""
        z = self._standard(value)
        return 0.5 - 0.5 * z.sign() * (-z.abs()).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        """The value up to which there is this probability."""
        term = value - 0.5
        return self.loc - self.scale * term.sign() * tour.log1p(-2 * term.abs())

    def entropy(self) -> Tensor:
        """`1 + log(2 scale)`."""
        return 1 + (2 * self.scale).log()


class Cauchy(_LocationScale):
    """The distribution of the ratio of two normal variables; it has neither mean nor variance.

    `p(x) = 1 / (π · scale · (1 + z²))` with `z = (x - loc) / scale`. Parameters broadcast.

    Examples:
        >>> import tour
        >>> Cauchy(0.0, 1.0).log_prob(tour.tensor(0.0))
        tensor(-1.1447)
    """

    @property
    def mean(self) -> Tensor:
        """NaN."""
        return tour.full_like(self.loc, math.nan)

    @property
    def variance(self) -> Tensor:
        """Infinite."""
        return tour.full_like(self.loc, math.inf)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples of the standard distribution, moved and stretched."""
        return self.loc + self._empty(sample_shape).cauchy_() * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        """`-log(π scale (1 + z²))`."""
        return -math.log(math.pi) - self.scale.log() - (self._standard(value) ** 2).log1p()  # type: ignore[no-any-return]

    def cdf(self, value: Tensor) -> Tensor:
        """Probability of values up to this one."""
        return self._standard(value).atan() / math.pi + 0.5

    def icdf(self, value: Tensor) -> Tensor:
        """The value up to which there is this probability."""
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self) -> Tensor:
        """`log(4π scale)`."""
        return math.log(4 * math.pi) + self.scale.log()


class Gumbel(_LocationScale):
    """The distribution of the largest of many values.

    `p(x) = exp(-z - exp(-z)) / scale` with `z = (x - loc) / scale`. Parameters broadcast.

    Examples:
        >>> import tour
        >>> Gumbel(0.0, 1.0).mean
        tensor(0.5772)
    """

    @property
    def mean(self) -> Tensor:
        """`loc + γ scale`, with Euler's constant."""
        return self.loc + self.scale * EULER

    @property
    def variance(self) -> Tensor:
        """`π² scale² / 6`."""
        return (math.pi / math.sqrt(6) * self.scale) ** 2  # type: ignore[no-any-return]

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples `loc - scale log(-log(u))`."""
        info = tour.finfo(self.loc.dtype)
        u = self._empty(sample_shape).uniform_(info.tiny, 1 - info.eps)
        return self.loc - self.scale * (-u.log()).log()

    def log_prob(self, value: Tensor) -> Tensor:
        """`-(z + exp(-z)) - log(scale)`."""
        z = self._standard(value)
        return -z - (-z).exp() - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        """Probability of values up to this one."""
        return (-(-self._standard(value)).exp()).exp()

    def icdf(self, value: Tensor) -> Tensor:
        """The value up to which there is this probability."""
        return self.loc - self.scale * (-value.log()).log()

    def entropy(self) -> Tensor:
        """`log(scale) + 1 + γ`."""
        return self.scale.log() + (1 + EULER)
