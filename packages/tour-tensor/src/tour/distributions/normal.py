"""Normal distributions, and what is made of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import tour
from tour.distributions import constraints
from tour.distributions.constraints import Constraint
from tour.distributions.distribution import Distribution, Shape, tensors

if TYPE_CHECKING:
    from tour import Tensor


class Normal(Distribution):
    """The normal distribution of given mean and standard deviation.

    `p(x) = exp(-(x - loc)² / (2 · scale²)) / (scale · √(2π))`. Parameters broadcast.

    Examples:
        >>> import tour
        >>> Normal(0.0, 1.0).log_prob(tour.tensor(0.0))
        tensor(-0.9189)
    """

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Constraint]] = {"loc": constraints.real, "scale": constraints.positive}

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = tensors(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)

    @property
    def mean(self) -> Tensor:
        """`loc`."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """`loc`."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """`scale` squared."""
        return self.scale**2  # type: ignore[no-any-return]

    @property
    def stddev(self) -> Tensor:
        """`scale`."""
        return self.scale

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples without gradients."""
        shape = self._extended(sample_shape)
        return tour.normal(self.loc.detach().expand(shape), self.scale.detach().expand(shape))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples `loc + scale * noise`."""
        noise = tour.empty(self._extended(sample_shape), dtype=self.loc.dtype, device=self.loc.device).normal_()
        return self.loc + noise * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        """`-(value - loc)² / (2 scale²) - log(scale) - log(2π) / 2`."""
        self._check(value)
        return -((value - self.loc) ** 2) / (2 * self.scale**2) - self.scale.log() - math.log(2 * math.pi) / 2  # type: ignore[no-any-return]

    def cdf(self, value: Tensor) -> Tensor:
        """Probability of values up to this one."""
        self._check(value)
        return 0.5 * (1 + tour.erf((value - self.loc) / (self.scale * math.sqrt(2))))

    def icdf(self, value: Tensor) -> Tensor:
        """The value up to which there is this probability."""
        return self.loc + self.scale * tour.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self) -> Tensor:
        """`log(2πe scale²) / 2`."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()


class LogNormal(Distribution):
    """The distribution of the exponential of a normal variable.

    `p(x) = exp(-(log x - loc)² / (2 · scale²)) / (x · scale · √(2π))` for `x > 0`. Parameters broadcast.

    Examples:
        >>> import tour
        >>> LogNormal(0.0, 1.0).mean
        tensor(1.6487)
    """

    has_rsample = True
    arg_constraints = Normal.arg_constraints

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = tensors(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)

    @property
    def _log(self) -> Normal:
        return Normal(self.loc, self.scale, validate_args=False)

    @property
    def support(self) -> Constraint:
        """Positive numbers."""
        return constraints.positive

    @property
    def mean(self) -> Tensor:
        """`exp(loc + scale² / 2)`."""
        return (self.loc + self.scale**2 / 2).exp()  # type: ignore[no-any-return]

    @property
    def mode(self) -> Tensor:
        """`exp(loc - scale²)`."""
        return (self.loc - self.scale**2).exp()  # type: ignore[no-any-return]

    @property
    def variance(self) -> Tensor:
        """`(exp(scale²) - 1) exp(2 loc + scale²)`."""
        squared = self.scale**2
        return squared.expm1() * (2 * self.loc + squared).exp()  # type: ignore[no-any-return]

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Exponentials of normal samples."""
        return self._log.rsample(sample_shape).exp()

    def log_prob(self, value: Tensor) -> Tensor:
        """The normal one of the logarithm, less the logarithm."""
        self._check(value)
        logarithm = value.log()
        return self._log.log_prob(logarithm) - logarithm

    def cdf(self, value: Tensor) -> Tensor:
        """Probability of values up to this one."""
        self._check(value)
        return self._log.cdf(value.log())

    def icdf(self, value: Tensor) -> Tensor:
        """The value up to which there is this probability."""
        return self._log.icdf(value).exp()

    def entropy(self) -> Tensor:
        """The normal entropy plus `loc`."""
        return self._log.entropy() + self.loc


class HalfNormal(Distribution):
    """The distribution of the absolute value of a normal variable with mean zero.

    `p(x) = √(2/π) · exp(-x² / (2 · scale²)) / scale` for `x >= 0`. Parameters broadcast.

    Examples:
        >>> import tour
        >>> HalfNormal(1.0).mean
        tensor(0.7979)
    """

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Constraint]] = {"scale": constraints.positive}

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = tensors(scale)
        super().__init__(self.scale.shape, (), validate_args)

    @property
    def _whole(self) -> Normal:
        return Normal(tour.zeros_like(self.scale), self.scale, validate_args=False)

    @property
    def support(self) -> Constraint:
        """Numbers that are not negative."""
        return constraints.nonnegative

    @property
    def mean(self) -> Tensor:
        """`scale sqrt(2 / π)`."""
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def mode(self) -> Tensor:
        """Zero."""
        return tour.zeros_like(self.scale)

    @property
    def variance(self) -> Tensor:
        """`scale² (1 - 2 / π)`."""
        return self.scale**2 * (1 - 2 / math.pi)  # type: ignore[no-any-return]

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Absolute values of normal samples."""
        return self._whole.rsample(sample_shape).abs()

    def log_prob(self, value: Tensor) -> Tensor:
        """The normal one plus `log(2)`."""
        self._check(value)
        return self._whole.log_prob(value) + math.log(2)

    def cdf(self, value: Tensor) -> Tensor:
        """Probability of values up to this one."""
        self._check(value)
        return 2 * self._whole.cdf(value) - 1

    def icdf(self, value: Tensor) -> Tensor:
        """The value up to which there is this probability."""
        return self._whole.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        """The normal entropy less `log(2)`."""
        return self._whole.entropy() - math.log(2)


class MultivariateNormal(Distribution):
    """The normal distribution of vectors, by its covariance, its inverse (precision), or its Cholesky factor.

    Args:
        loc: Means, (..., n).
        covariance_matrix: Covariances, (..., n, n).
        precision_matrix: Their inverse.
        scale_tril: Their lower Cholesky factor, which is what is computed with.
        validate_args: Whether to check parameters and values.

    Raises:
        ValueError: If not exactly one matrix is given, or a parameter does not fit.

    Examples:
        >>> import tour
        >>> MultivariateNormal(tour.zeros(2), tour.eye(2)).log_prob(tour.zeros(2))
        tensor(-1.8379)
    """

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Constraint]] = {
        "loc": constraints.real_vector,
        "scale_tril": constraints.lower_cholesky,
    }
    event_dims: ClassVar[dict[str, int]] = {"loc": 1, "scale_tril": 2}

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = [m for m in (covariance_matrix, precision_matrix, scale_tril) if m is not None]
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        if given[0].dim() < 2:
            raise ValueError("the matrix must be at least two-dimensional, with optional leading batch dimensions")
        if covariance_matrix is not None:
            factor = tour.linalg.cholesky(covariance_matrix)
        elif precision_matrix is not None:
            turned = tour.linalg.cholesky(precision_matrix.flip((-2, -1))).flip((-2, -1)).mT  # P = L' L for an upper L'
            identity = tour.eye(loc.shape[-1], dtype=loc.dtype)
            factor = tour.linalg.solve_triangular(turned, identity, upper=False)
        else:
            factor = given[0]
        n = loc.shape[-1]
        batch = tour.broadcast_shapes(factor.shape[:-2], loc.shape[:-1])
        self.loc, self.scale_tril = loc.expand(*batch, n), factor.expand(*batch, n, n)
        super().__init__(batch, (n,), validate_args)

    @property
    def support(self) -> Constraint:
        """Vectors of real numbers."""
        return constraints.real_vector

    @property
    def covariance_matrix(self) -> Tensor:
        """The covariances."""
        return self.scale_tril @ self.scale_tril.mT

    @property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariances."""
        return tour.cholesky_inverse(self.scale_tril)

    @property
    def mean(self) -> Tensor:
        """`loc`."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """`loc`."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Variances of the single elements."""
        return (self.scale_tril**2).sum(-1)  # type: ignore[no-any-return]

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples `loc + scale_tril @ noise`."""
        noise = tour.empty(self._extended(sample_shape), dtype=self.loc.dtype, device=self.loc.device).normal_()
        return self.loc + (self.scale_tril @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """`-(n log(2π) + |z|²) / 2 - log det scale_tril`, where `scale_tril @ z = value - loc`."""
        self._check(value)
        difference = (value - self.loc).unsqueeze(-1)
        z = tour.linalg.solve_triangular(self.scale_tril, difference, upper=False).squeeze(-1)
        return -0.5 * (self.event_shape[0] * math.log(2 * math.pi) + (z**2).sum(-1)) - self._log_det()  # type: ignore[no-any-return]

    def entropy(self) -> Tensor:
        """`n (1 + log(2π)) / 2 + log det scale_tril`."""
        return 0.5 * self.event_shape[0] * (1 + math.log(2 * math.pi)) + self._log_det()  # type: ignore[no-any-return]

    def _log_det(self) -> Tensor:
        return self.scale_tril.diagonal(0, -2, -1).log().sum(-1)
