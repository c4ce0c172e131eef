"""Probability distributions: samples, also with gradients, log-probabilities, entropies and divergences.

Examples:
    >>> import tour
    >>> from tour.distributions import Categorical
    >>> policy = Categorical(logits=tour.tensor([0.0, 1.0]))
    >>> policy.log_prob(tour.tensor(1))
    tensor(-0.3133)
"""

from tour.distributions import constraints as constraints
from tour.distributions.continuous import Cauchy as Cauchy
from tour.distributions.continuous import Exponential as Exponential
from tour.distributions.continuous import Gumbel as Gumbel
from tour.distributions.continuous import Laplace as Laplace
from tour.distributions.continuous import Uniform as Uniform
from tour.distributions.discrete import Bernoulli as Bernoulli
from tour.distributions.discrete import Categorical as Categorical
from tour.distributions.discrete import Geometric as Geometric
from tour.distributions.discrete import OneHotCategorical as OneHotCategorical
from tour.distributions.discrete import Poisson as Poisson
from tour.distributions.distribution import Distribution as Distribution
from tour.distributions.distribution import Independent as Independent
from tour.distributions.kl import kl_divergence as kl_divergence
from tour.distributions.kl import register_kl as register_kl
from tour.distributions.normal import HalfNormal as HalfNormal
from tour.distributions.normal import LogNormal as LogNormal
from tour.distributions.normal import MultivariateNormal as MultivariateNormal
from tour.distributions.normal import Normal as Normal
