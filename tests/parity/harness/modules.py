"""A module of PyTorch's beside tour's: first values, text, state, outputs, gradients, and what is refused."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch.nn.utils.rnn import PackedSequence
from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

import tour

from .checks import Raised, compare, outcome
from .compare import differences
from .convert import array_of, tensors, to_tour
from .database import attribute, spread

Lines = Iterator[str]
DATABASE: dict[str, Any] = {info.name.removeprefix("nn."): info for info in module_db}


class Sample(NamedTuple):
    """How a module is made, how it is called, and, of one that is wrong, which of the two is refused."""

    made: tuple[tuple[Any, ...], dict[str, Any]]
    called: tuple[tuple[Any, ...], dict[str, Any]] | None
    wrong: bool = False

    def __repr__(self) -> str:
        args, kwargs = self.made
        given = [_brief(a) for a in args] + [f"{k}={_brief(v)}" for k, v in kwargs.items()]
        if self.called is None:
            return f"({', '.join(given)})"
        args, kwargs = self.called
        called = [_brief(a) for a in args] + [f"{k}={_brief(v)}" for k, v in kwargs.items()]
        return f"({', '.join(given)})({', '.join(called)})"


def _brief(x: Any) -> str:
    if isinstance(x, torch.Tensor):
        return f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}"
    if isinstance(x, (list, tuple)):
        return f"[{', '.join(map(_brief, x))}]"
    return repr(x)[:40]


def from_database(name: str, training: bool, limit: int) -> Iterator[Sample]:
    """At most `limit` samples that PyTorch's module database has, and every wrong one."""
    info = DATABASE[name]
    torch.manual_seed(1)
    options = {"device": "cpu", "dtype": torch.float64, "training": training}
    for given in spread(list(info.module_inputs_func(info, requires_grad=True, **options)), limit):
        made, called = given.constructor_input, given.forward_input
        yield Sample((made.args, made.kwargs), (called.args, called.kwargs))
    if info.module_error_inputs_func is not None:
        for error in info.module_error_inputs_func(info, requires_grad=False, **options):
            made, called = error.module_error_input.constructor_input, error.module_error_input.forward_input
            at_call = error.error_on is ModuleErrorEnum.FORWARD_ERROR
            yield Sample((made.args, made.kwargs), (called.args, called.kwargs) if at_call else None, wrong=True)


def check(name: str, sample: Sample, training: bool, tolerance: float, backwards: bool) -> Lines:
    """What differs between the two modules that a sample makes; inputs and gradients may be laid out backwards."""
    theirs = outcome(getattr(torch.nn, name), *sample.made[0], **sample.made[1])
    memo: dict[int, Any] = {}
    mine = outcome(attribute(tour, f"nn.{name}"), *mirrored(sample.made[0], memo), **mirrored(sample.made[1], memo))
    if isinstance(theirs, Raised) or isinstance(mine, Raised):
        yield from compare(_UNNAMED, mine, theirs) if isinstance(theirs, Raised) else [f"cannot be made: {mine!r}"]
        return
    if sample.wrong and sample.called is None:
        return
    yield from same_text(mine, theirs)
    yield from same_state(mine, theirs, exact=True)
    for module in (mine, theirs):
        module.double()
        module.train(training)
    if sample.called is not None:
        yield from same_call(mine, theirs, sample.called, tolerance, backwards)


_UNNAMED = types.SimpleNamespace(name="")


def same_text(mine: Any, theirs: Any) -> Lines:
    """The printed tree, where `torch.` reads `tour.`."""
    want = repr(theirs).replace("torch.", "tour.")
    if repr(mine).replace("torch.", "tour.") != want:  # an argument of PyTorch's own prints as it does
        yield f"prints {repr(mine)!r}, not {want!r}"


def same_state(mine: Any, theirs: Any, exact: bool = False, tolerance: float = 1.0) -> Lines:
    """Names, shapes and values of parameters and buffers; if `exact`, bit for bit, where normals of float64 are to rounding."""
    got, want = mine.state_dict(), theirs.state_dict()
    if list(got) != list(want):
        yield f"state_dict has {list(got)}, not {list(want)}"
        return
    for name in want:
        lazy = isinstance(want[name], torch.nn.parameter.UninitializedTensorMixin)
        if lazy:
            if not isinstance(got[name], tour.nn.parameter.UninitializedTensorMixin):
                yield f"{name} is not uninitialised"
        elif (
            exact
            and want[name].dtype != torch.float64
            and array_of(want[name]).tobytes() != got[name].numpy().tobytes()
        ):
            yield f"{name} is {got[name].flatten()[:3].tolist()}, not {want[name].flatten()[:3].tolist()}"
        else:
            yield from differences(got[name], want[name], tolerance, where=f"{name} ")


def same_call(mine: Any, theirs: Any, called: Any, tolerance: float, backwards: bool) -> Lines:
    """Outputs, changed buffers, and gradients of a random projection of the outputs."""
    memo: dict[int, Any] = {}
    args, kwargs = fresh(called, {}, backwards)
    got_args, got_kwargs = mirrored(args, memo), mirrored(kwargs, memo)
    want, got = outcome(theirs, *args, **kwargs), outcome(mine, *got_args, **got_kwargs)
    if isinstance(want, Raised) or isinstance(got, Raised):
        if not (backwards and _is_about_layout(want)):
            yield from compare(_UNNAMED, got, want)
        return
    yield from differences(got, want, tolerance)
    yield from same_state(mine, theirs, tolerance=tolerance)
    outputs = list(zip(tensors(got, tour.Tensor), tensors(want, torch.Tensor), strict=True))
    for i, (g, w) in enumerate(outputs):
        if g.requires_grad != w.requires_grad:
            yield f"output {i} requires_grad={g.requires_grad}, not {w.requires_grad}"
            return
    outputs = [(g, w) for g, w in outputs if w.requires_grad and w.numel()]
    if not outputs:
        return
    generator = torch.Generator().manual_seed(2)
    weights = [torch.randn(w.shape, generator=generator, dtype=w.dtype) for _, w in outputs]
    weights = [laid_out_backwards(w) for w in weights] if backwards else weights
    failed = outcome(torch.autograd.backward, [w for _, w in outputs], weights)
    mine_failed = outcome(tour.autograd.backward, [g for g, _ in outputs], [to_tour(w) for w in weights])
    if isinstance(failed, Raised) or isinstance(mine_failed, Raised):
        if not (backwards and _is_about_layout(failed)):
            yield from compare(_UNNAMED, mine_failed, failed)
        return
    leaves = [(f"input {i}", memo[id(t)], t) for i, t in enumerate(tensors([args, kwargs], torch.Tensor)) if t.is_leaf]
    leaves += [(n, p, q) for (n, p), q in zip(mine.named_parameters(), theirs.parameters(), strict=True)]
    for name, g, w in leaves:
        if (g.grad is None) != (w.grad is None):
            yield f"gradient of {name} is {'missing' if g.grad is None else 'given'}"
        elif w.grad is not None:
            yield from differences(g.grad, w.grad, tolerance, where=f"gradient of {name} ")


def _is_about_layout(outcome: Any) -> bool:
    """Whether PyTorch refused the layout of a tensor: a limit that tour does not have."""
    return isinstance(outcome, Raised) and ("contiguous" in repr(outcome) or "view size" in repr(outcome))


def fresh(x: Any, seen: dict[int, Any], backwards: bool) -> Any:
    """Arguments with leaf tensors of their own; one that was given twice still is."""
    if isinstance(x, torch.Tensor):
        if id(x) not in seen:
            copy = laid_out_backwards(x.detach()) if backwards else x.detach().clone()
            seen[id(x)] = copy.requires_grad_(x.requires_grad)
        return seen[id(x)]
    if isinstance(x, dict):
        return {k: fresh(v, seen, backwards) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        made = [fresh(v, seen, backwards and not isinstance(x, PackedSequence)) for v in x]
        return type(x)(*made) if hasattr(x, "_fields") else type(x)(made)
    return x


def laid_out_backwards(t: torch.Tensor) -> torch.Tensor:
    """A copy whose first dimension is the fastest in memory."""
    dims = tuple(reversed(range(t.dim())))
    return t.permute(dims).clone(memory_format=torch.contiguous_format).permute(dims)


def mirrored(x: Any, memo: dict[int, Any]) -> Any:
    """tour's counterpart of an argument: also of functions, packed sequences and modules."""
    if isinstance(x, PackedSequence):
        return tour.nn.utils.rnn.PackedSequence(*to_tour(tuple(x), memo))
    if isinstance(x, dict):
        return {k: mirrored(v, memo) for k, v in x.items()}
    if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
        return type(x)(mirrored(v, memo) for v in x)
    if isinstance(x, torch.nn.Module):
        return _module(x)
    if isinstance(x, types.FunctionType | types.BuiltinFunctionType):
        home = tour.nn.functional if hasattr(torch.nn.functional, x.__name__) else tour
        return getattr(home, x.__name__, x)
    return to_tour(x, memo)


def _module(x: torch.nn.Module) -> Any:
    """A copy of a module: of a layer with the arguments its attributes tell, of anything else the default."""
    if isinstance(x, (torch.nn.TransformerEncoderLayer, torch.nn.TransformerDecoderLayer)):
        made = getattr(tour.nn, type(x).__name__)(
            x.self_attn.embed_dim,
            x.self_attn.num_heads,
            x.linear1.out_features,
            x.dropout.p,
            mirrored(x.activation, {}),
            x.norm1.eps,
            x.self_attn.batch_first,
            x.norm_first,
            x.linear1.bias is not None,
        )
    else:
        made = getattr(tour.nn, type(x).__name__)(*([x.normalized_shape] if hasattr(x, "normalized_shape") else []))
    made.to(to_tour(next((p.dtype for p in x.parameters()), torch.get_default_dtype())))
    made.load_state_dict(to_tour(dict(x.state_dict())))
    return made
