"""All random ops in one place: the functions of `continuous` and `discrete`, and those that are methods of tensors."""

from __future__ import annotations

from tour.ops.continuous import (
    cauchy_,
    exponential_,
    log_normal_,
    normal,
    normal_,
    rand,
    rand_like,
    randn,
    randn_like,
    uniform_,
)
from tour.ops.discrete import (
    bernoulli,
    bernoulli_,
    binomial,
    geometric_,
    multinomial,
    poisson,
    randint,
    randint_like,
    random_,
    randperm,
)

__all__ = [
    "bernoulli",
    "binomial",
    "multinomial",
    "normal",
    "poisson",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
]


class RandomMethods:
    """Random numbers, as methods of tensors."""

    __slots__ = ()

    bernoulli = bernoulli
    bernoulli_ = bernoulli_
    cauchy_ = cauchy_
    exponential_ = exponential_
    geometric_ = geometric_
    log_normal_ = log_normal_
    multinomial = multinomial
    normal_ = normal_
    random_ = random_
    uniform_ = uniform_
