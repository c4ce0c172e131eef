"""What distributions share, and groups of independent ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import tour
from tour.distributions import constraints
from tour.distributions.constraints import Constraint

if TYPE_CHECKING:
    from tour import Tensor

Shape = Any  # a Size, or a sequence of ints


def tensors(*values: Any) -> tuple[Tensor, ...]:
    """Parameters as tensors of one shape; numbers take the dtype of the tensors among them."""
    like = next((v for v in values if isinstance(v, tour.Tensor)), None)
    dtype = tour.get_default_dtype() if like is None else like.dtype
    return tuple(
        tour.broadcast_tensors(*(v if isinstance(v, tour.Tensor) else tour.tensor(v, dtype=dtype) for v in values))
    )


class Distribution:
    """A batch of distributions of one kind.

    Attributes:
        batch_shape: Shape of the batch; each has its own parameters.
        event_shape: Shape of one sample of one of them.
        arg_constraints: Where parameters may lie, by name.
        event_dims: How many dimensions of a parameter belong to the event, where there are any.

    Examples:
        >>> import tour
        >>> d = tour.distributions.Normal(tour.zeros(3), 1.0)
        >>> d.batch_shape, d.event_shape, d.sample((5,)).shape
        (tour.Size([3]), tour.Size([]), tour.Size([5, 3]))
    """

    has_rsample = False
    has_enumerate_support = False
    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    event_dims: ClassVar[dict[str, int]] = {}
    _validate_args = __debug__

    def __init__(self, batch_shape: Shape = (), event_shape: Shape = (), validate_args: bool | None = None) -> None:
        self.batch_shape, self.event_shape = tour.Size(batch_shape), tour.Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name, value in self._parameters().items():
                allowed = self.arg_constraints[name]
                if not bool(allowed.check(value).all()):
                    raise ValueError(
                        f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution {self!r} "
                        f"to satisfy the constraint {allowed!r}, but found invalid values:\n{value}"
                    )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether parameters and values are checked from now on."""
        Distribution._validate_args = value

    def _parameters(self) -> dict[str, Any]:
        """The parameters that were given, by name."""
        return {name: vars(self)[name] for name in self.arg_constraints if name in vars(self)}

    @property
    def support(self) -> Constraint:
        """Where samples lie."""
        return constraints.real

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples of shape (*sample_shape, *batch_shape, *event_shape), without gradients."""
        return self.rsample(sample_shape).detach()

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples through which gradients flow to the parameters.

        Raises:
            NotImplementedError: If the distribution has no such form.
        """
        raise NotImplementedError(f"{type(self).__name__} has no samples with gradients; use sample() and log_prob()")

    def log_prob(self, value: Tensor) -> Tensor:
        """Logarithm of the probability (density) of a value."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """Probability of values up to this one."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The value up to which there is this probability."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """Entropy in nats."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along a first dimension."""
        raise NotImplementedError

    def expand(self, batch_shape: Shape) -> Self:
        """The same distribution with its batch enlarged by broadcasting."""
        new = object.__new__(type(self))
        vars(new).update(vars(self))
        for name, value in self._parameters().items():
            k = value.dim() - self.event_dims.get(name, 0)
            setattr(new, name, value.expand(*batch_shape, *value.shape[k:]))
        new.batch_shape = tour.Size(batch_shape)
        return new

    def _extended(self, sample_shape: Shape) -> tuple[int, ...]:
        """Shape of samples."""
        return (*sample_shape, *self.batch_shape, *self.event_shape)

    def _check(self, value: Any) -> None:
        """Refuse a value that the distribution cannot give.

        Raises:
            ValueError: If it is no tensor, of a shape that does not fit, or outside the support.
        """
        if not self._validate_args:
            return
        if not isinstance(value, tour.Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        k = value.dim() - len(self.event_shape)
        if k < 0 or value.shape[k:] != self.event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {value.shape} vs {self.event_shape}."
            )
        for i, j in zip(reversed(value.shape[:k]), reversed(self.batch_shape), strict=False):
            if i != 1 and j != 1 and i != j:
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs {self.batch_shape}."
                )
        if not bool(self.support.check(value).all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the support "
                f"({self.support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        given = self._parameters()
        inner = ", ".join(f"{k}: {v if v.numel() == 1 else v.size()}" for k, v in given.items())
        return f"{type(self).__name__}({inner})"


class Independent(Distribution):
    """A distribution whose last batch dimensions are taken as one event: their log-probabilities are added up.

    Args:
        base_distribution: The distribution.
        reinterpreted_batch_ndims: How many dimensions.
        validate_args: Whether to check values.

    Examples:
        >>> import tour
        >>> from tour.distributions import Independent, Normal
        >>> d = Independent(Normal(tour.zeros(3), tour.ones(3)), 1)
        >>> d.event_shape, d.log_prob(tour.zeros(3))
        (tour.Size([3]), tensor(-2.7568))
    """

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:
        shape = base_distribution.batch_shape
        if reinterpreted_batch_ndims > len(shape):
            raise ValueError(
                f"Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual {reinterpreted_batch_ndims} "
                f"vs {len(shape)}"
            )
        k = len(shape) - reinterpreted_batch_ndims
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        super().__init__(shape[:k], (*shape[k:], *base_distribution.event_shape), validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the base has samples with gradients."""
        return self.base_dist.has_rsample

    @property
    def support(self) -> Constraint:
        """The support of the base."""
        base, n = self.base_dist.support, self.reinterpreted_batch_ndims
        return Constraint(f"IndependentConstraint({base!r}, {n})", base.check, base.event_dim + n, base.is_discrete)

    @property
    def mean(self) -> Tensor:
        """Means of the base."""
        return self.base_dist.mean

    @property
    def mode(self) -> Tensor:
        """Modes of the base."""
        return self.base_dist.mode

    @property
    def variance(self) -> Tensor:
        """Variances of the base."""
        return self.base_dist.variance

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples of the base."""
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples of the base, with gradients."""
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """The sum of the base's."""
        return self._summed(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        """The sum of the base's."""
        return self._summed(self.base_dist.entropy())

    def expand(self, batch_shape: Shape) -> Self:
        """The same with its batch enlarged."""
        k = len(self.event_shape) - len(self.base_dist.event_shape)
        base = self.base_dist.expand((*batch_shape, *self.event_shape[:k]))
        return type(self)(base, self.reinterpreted_batch_ndims)

    def _summed(self, x: Tensor) -> Tensor:
        n = self.reinterpreted_batch_ndims
        return x.sum(tuple(range(-n, 0))) if n else x

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"
