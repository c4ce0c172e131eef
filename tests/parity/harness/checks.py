"""The checks: each runs one operator through both libraries and yields a line for whatever differs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import torch
from expected import LOOSE

import tour

from . import gradients
from .compare import differences
from .convert import OutOfScope, tensors, to_torch, to_tour
from .database import Missing, attribute, counterpart, function, is_uninitialised, samples, seed, spread
from .meaning import MEANING

DTYPES = ("float32", "float64", "int64", "bool", "complex64", "bfloat16")
Lines = Iterator[str]


class Raised:
    """The outcome of a call that raised."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __repr__(self) -> str:
        first = (str(self.error).splitlines() or [""])[0]
        return f"{type(self.error).__name__}: {first[:160]}"


def outcome(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a call returns, or a `Raised`; random numbers start at the same seed."""
    seed()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f(*args, **kwargs)
        except (Missing, OutOfScope):
            raise
        except Exception as error:
            return Raised(error)


def arguments(sample: Any) -> tuple[list[Any], dict[str, Any]]:
    """A sample's arguments for tour."""
    memo: dict[Any, Any] = {}
    return to_tour([sample.input, *sample.args], memo), to_tour(sample.kwargs, memo)


def compare(op: Any, got: Any, want: Any, sample: Any = None) -> Lines:
    """Differences of two outcomes: results are equal, or exceptions of PyTorch's type."""
    if isinstance(want, Raised):
        if not isinstance(got, Raised):
            yield f"does not raise {want!r}"
        elif not isinstance(got.error, _builtin(want.error)):
            yield f"raises {got!r}, not {want!r}"
    elif isinstance(got, Raised):
        yield f"raises {got!r}"
    else:
        loose = LOOSE.get(op.name, 1.0)
        lines = list(differences(got, want, loose, not is_uninitialised(op)))
        if lines and sample is not None and (meaning := MEANING.get(op.name)) is not None:
            lines = list(differences(got, want, values=False)) or list(
                differences(to_tour(meaning(sample, to_torch(got))), meaning(sample, want), loose)
            )
        yield from lines


def _builtin(error: Exception) -> type[Exception]:
    """The builtin exception type that a program would catch."""
    return next(t for t in type(error).__mro__ if t.__module__ == "builtins")


def described(sample: Any) -> str:
    """A sample in a few words."""
    return ", ".join(
        [*map(_word, (sample.input, *sample.args)), *(f"{k}={_word(v)}" for k, v in sample.kwargs.items())]
    )


def _word(x: Any) -> str:
    if isinstance(x, torch.Tensor):
        return f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}"
    return f"[{', '.join(map(_word, x))}]" if isinstance(x, (list, tuple)) else repr(x)[:60]


def values(op: Any, dtype: str, limit: int, reference: bool = False) -> Lines:
    """The function on samples of one dtype; its inputs stay as they are unless its name ends in `_`."""
    f = function(op)
    for sample in samples(op, getattr(torch, dtype), limit, reference=reference):
        try:
            args, kwargs = arguments(sample)
        except OutOfScope:
            continue
        want = outcome(op.op, sample.input, *sample.args, **sample.kwargs)
        got = outcome(f, *args, **kwargs)
        for line in compare(op, got, want, sample):
            yield f"({described(sample)}): {line}"
        if not op.name.endswith("_"):
            for mine, theirs in zip(
                tensors(args, tour.Tensor), tensors([sample.input, *sample.args], torch.Tensor), strict=True
            ):
                for line in differences(mine, theirs):
                    yield f"({described(sample)}): wrote into its input: {line}"


# --- Call forms -----------------------------------------------------------------------------------------------------------


def forms(op: Any, limit: int) -> Lines:
    """Method, in-place method, operators, `out=` and aliases give what PyTorch's give."""
    supported = op.supported_dtypes("cpu")
    first = next((getattr(torch, d) for d in DTYPES if getattr(torch, d) in supported), None)
    for dtype in dict.fromkeys(d for d in (first, torch.int64) if d in supported):
        for sample in samples(op, dtype, limit):
            for label, theirs, mine in _variants(op):
                for line in _one_form(op, sample, theirs, mine):
                    yield f"{label}({described(sample)}): {line}"
            if op.supports_out:
                for line in _out(op, sample):
                    yield f"out= ({described(sample)}): {line}"


def _variants(op: Any) -> Iterator[tuple[str, Any, Callable[..., Any]]]:
    """Label, PyTorch's callable and tour's, for every form of an operator that it has besides the function."""
    for label, variant in (("method", op.method_variant), ("in-place", op.inplace_variant)):
        if variant is not None and (mine := counterpart(variant)) is not None:
            yield getattr(variant, "__name__", label), variant, mine
    for variant in (op.operator_variant, op.inplace_operator_variant):
        if variant is not None:
            yield f"operator {variant.__name__}", variant, variant
    for alias in op.aliases:
        yield alias.name, alias.op, attribute(tour, alias.name)
        for variant, name in ((alias.method_variant, alias.name), (alias.inplace_variant, f"{alias.name}_")):
            if variant is not None and "." not in name:
                yield f"Tensor.{name}", variant, attribute(tour.Tensor, name)


def _one_form(op: Any, sample: Any, theirs: Any, mine: Callable[..., Any]) -> Lines:
    try:
        args, kwargs = arguments(sample)
    except OutOfScope:
        return
    copy = sample.transform(lambda x: deepcopy(x) if isinstance(x, torch.Tensor) else x)
    want = outcome(theirs, copy.input, *copy.args, **copy.kwargs)
    if isinstance(want, Raised) and isinstance(want.error, (TypeError, NotImplementedError)):
        return  # this form does not take these arguments
    got = outcome(mine, *args, **kwargs)
    yield from compare(op, got, want, sample)
    if isinstance(copy.input, torch.Tensor) and isinstance(args[0], tour.Tensor):
        for line in differences(args[0], copy.input, LOOSE.get(op.name, 1.0), not is_uninitialised(op)):
            yield f"leaves the tensor different: {line}"


def _out(op: Any, sample: Any) -> Lines:
    """Three `out=`: of the right shape, empty, and of a dtype that cannot hold the result."""
    want = outcome(op.op, sample.input, *sample.args, **sample.kwargs)
    if isinstance(want, Raised) or not (results := tensors(want, torch.Tensor)):
        return
    single = isinstance(want, torch.Tensor)
    f = function(op)

    def shaped(t: torch.Tensor) -> torch.Tensor:
        return torch.full_like(t, 1, memory_format=torch.contiguous_format)

    def empty(t: torch.Tensor) -> torch.Tensor:
        return t.new_empty(0)

    def integral(t: torch.Tensor) -> torch.Tensor:
        return torch.zeros(t.shape, dtype=torch.bool)

    for label, make in (("right shape", shaped), ("empty", empty), ("bool", integral)):
        outs = [make(t) for t in results]
        try:
            args, kwargs = arguments(sample)
            mine = to_tour(outs)
        except OutOfScope:
            return
        given = outcome(op.op, sample.input, *sample.args, **sample.kwargs, out=outs[0] if single else tuple(outs))
        got = outcome(f, *args, **kwargs, out=mine[0] if single else tuple(mine))
        if isinstance(given, Raised) and isinstance(given.error, TypeError):
            return
        for line in compare(op, got, given, sample):
            yield f"{label}: {line}"
        elsewhere = any(a is not b for a, b in zip(tensors(got, tour.Tensor), mine, strict=False))
        if elsewhere and not isinstance(given, Raised) and not isinstance(got, Raised):
            yield f"{label}: does not return the tensor given"


# --- Errors ---------------------------------------------------------------------------------------------------------------


def errors(op: Any, limit: int) -> Lines:
    """Input that the database calls wrong is refused with PyTorch's exception type."""
    f = function(op)
    torch.manual_seed(1)
    for wrong in spread(list(op.error_inputs("cpu")), 4 * limit):
        sample = wrong.sample_input
        input, rest, named = deepcopy((sample.input, sample.args, sample.kwargs))
        try:
            args, kwargs = arguments(sample)
        except (OutOfScope, NotImplementedError):
            continue
        theirs = outcome(op.op, input, *rest, **named)
        if not isinstance(theirs, Raised):
            continue
        got = outcome(f, *args, **kwargs)
        if not isinstance(got, Raised):
            yield f"({described(sample)}): does not raise {theirs!r}"
        elif not isinstance(got.error, (wrong.error_type, _builtin(theirs.error))):
            yield f"({described(sample)}): raises {got!r}, not {theirs!r}"


# --- All of them ------------------------------------------------------------------------------------------------------------


def checks_of(op: Any) -> dict[str, Callable[[int], Lines]]:
    """The checks that apply to an operator, by name; each takes the number of samples."""
    found: dict[str, Callable[[int], Lines]] = {}
    supported = op.supported_dtypes("cpu")
    for dtype in DTYPES:
        if getattr(torch, dtype) in supported:
            found[dtype] = lambda limit, dtype=dtype: values(op, dtype, limit)
    if not found:  # a few take int32 or float16 only
        dtype = str(next(iter(supported), "")).removeprefix("torch.")
        if dtype:
            found[dtype] = lambda limit: values(op, dtype, limit)
    found["forms"] = lambda limit: forms(op, max(2, limit // 3))
    if op.error_inputs_func is not None:
        found["errors"] = lambda limit: errors(op, limit)
    found.update(gradients.checks_of(op))
    return found
