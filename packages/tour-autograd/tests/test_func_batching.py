"""`vmap` gives what a loop over the samples gives: for every class of op, for mixtures of batched and shared arguments, nested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tour
from tour.func import vmap
from tour.func._batched import Level, lift
from tour.func._levels import prepare

RNG = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return tour.tensor(RNG.normal(size=shape))


def positive(*shape: int) -> Any:
    return tour.tensor(RNG.uniform(0.2, 0.9, size=shape))


def whole(high: int, *shape: int) -> Any:
    return tour.tensor(RNG.integers(0, high, size=shape))


def mask(*shape: int) -> Any:
    return tour.tensor(RNG.random(shape) < 0.5)


def definite(*shape: int) -> Any:
    a = RNG.normal(size=shape)
    return tour.tensor(a @ a.swapaxes(-1, -2) + np.eye(shape[-1]))


N = 3  # samples

# One row for each op and way of calling it: the arguments of one sample, as their makers and shapes.
CASES: dict[str, tuple[Any, ...]] = {
    "add": (lambda a, b: a + b, (normal, 2, 3), (normal, 3)),
    "add number": (lambda a: 2.0 - a, (normal, 2, 3)),
    "mul broadcast": (lambda a, b: a * b, (normal, 2, 1), (normal, 1, 3)),
    "atan2": (tour.atan2, (normal, 3), (normal, 2, 3)),
    "pow": (lambda a, b: a**b, (positive, 3), (normal, 3)),
    "pow number": (lambda a: a**3, (normal, 3)),
    "promote": (lambda a, n: a + n, (normal, 3), (whole, 5, 3)),
    "where": (tour.where, (mask, 3), (normal, 2, 3), (normal, 2, 1)),
    "clamp": (lambda a, b: a.clamp(min=b), (normal, 3), (normal, 3)),
    "lerp": (tour.lerp, (normal, 3), (normal, 3), (normal, 3)),
    "addcmul": (tour.addcmul, (normal, 2, 3), (normal, 3), (normal, 2, 1)),
    "sigmoid": (tour.sigmoid, (normal, 4)),
    "hardtanh": (tour.ops.activations.hardtanh, (normal, 4)),
    "xlogy": (tour.xlogy, (positive, 3), (positive, 3)),
    "erf": (tour.erf, (normal, 3)),
    "logit": (tour.logit, (positive, 3)),
    "isnan": (tour.isnan, (normal, 3)),
    "sum": (tour.sum, (normal, 2, 3)),
    "sum dim": (lambda a: a.sum(-1, keepdim=True), (normal, 2, 3)),
    "sum scalar": (lambda a: a.sum(), (normal,)),
    "mean dims": (lambda a: a.mean((0, 2)), (normal, 2, 3, 4)),
    "prod": (lambda a: a.prod(1), (normal, 2, 3)),
    "amax": (lambda a: a.amax(0), (normal, 2, 3)),
    "max dim": (lambda a: a.max(1), (normal, 2, 3)),
    "argmax": (lambda a: a.argmax(), (normal, 2, 3)),
    "any": (lambda m: m.any(0), (mask, 2, 3)),
    "all": (lambda m: m.all(), (mask, 2, 3)),
    "var": (lambda a: a.var(0), (normal, 4, 3)),
    "std scalar": (lambda a: a.std(), (normal, 4)),
    "norm": (lambda a: a.norm(dim=0), (normal, 2, 3)),
    "logsumexp": (lambda a: a.logsumexp(0), (normal, 2, 3)),
    "count_nonzero": (tour.count_nonzero, (whole, 2, 4)),
    "cumsum": (lambda a: a.cumsum(0), (normal, 2, 3)),
    "cumprod": (lambda a: a.cumprod(-1), (normal, 2, 3)),
    "logcumsumexp": (lambda a: a.logcumsumexp(0), (normal, 4)),
    "cummax": (lambda a: a.cummax(0), (normal, 4)),
    "softmax": (lambda a: a.softmax(0), (normal, 2, 3)),
    "log_softmax": (lambda a: a.log_softmax(-1), (normal, 2, 3)),
    "sort": (lambda a: a.sort(0), (normal, 4, 2)),
    "argsort": (lambda a: a.argsort(-1, descending=True), (normal, 4)),
    "topk": (lambda a: a.topk(2), (normal, 5)),
    "median": (lambda a: a.median(0), (normal, 5, 2)),
    "quantile": (lambda a: a.quantile(0.3), (normal, 5)),
    "reshape": (lambda a: a.reshape(3, -1), (normal, 2, 3)),
    "view transposed": (lambda a: a.t().reshape(-1), (normal, 2, 3)),
    "flatten": (lambda a: a.flatten(), (normal, 2, 3)),
    "permute": (lambda a: a.permute(2, 0, 1), (normal, 2, 3, 4)),
    "transpose": (lambda a: a.transpose(0, -1), (normal, 2, 3, 4)),
    "squeeze": (lambda a: a.squeeze(1).unsqueeze(-1), (normal, 2, 1)),
    "expand": (lambda a: a.expand(2, 3), (normal, 3)),
    "diagonal": (lambda a: a.diagonal(1), (normal, 3, 4)),
    "diag_embed": (tour.diag_embed, (normal, 3)),
    "tril": (tour.tril, (normal, 3, 3)),
    "trace": (tour.trace, (normal, 3, 3)),
    "unfold": (lambda a: a.unfold(0, 2, 1), (normal, 5)),
    "as_strided": (lambda a: a.as_strided((2, 2), (1, 2)), (normal, 6)),
    "flip": (lambda a: a.flip(0), (normal, 2, 3)),
    "roll": (lambda a: a.roll(1), (normal, 2, 3)),
    "repeat": (lambda a: a.repeat(2, 1, 2), (normal, 2, 3)),
    "tile": (lambda a: a.tile(2), (normal, 2, 3)),
    "pad": (lambda a: tour.constant_pad_nd(a, (1, 2)), (normal, 2, 3)),
    "movedim": (lambda a: a.movedim(0, 2), (normal, 2, 3, 4)),
    "split": (lambda a: a.split(2, 1), (normal, 2, 5)),
    "unbind": (lambda a: a.unbind(1), (normal, 2, 3)),
    "cat": (lambda a, b: tour.cat([a, b], 1), (normal, 2, 3), (normal, 2, 1)),
    "stack": (lambda a, b: tour.stack([a, b], -1), (normal, 2), (normal, 2)),
    "slice": (lambda a: a[1:, ::-1], (normal, 3, 4)),
    "pick": (lambda a: a[1, ..., None], (normal, 3, 4)),
    "index": (lambda a: a[tour.tensor([2, 0])], (normal, 3, 4)),
    "index apart": (lambda a: a[tour.tensor([0, 1]), :, tour.tensor([1, 0])], (normal, 2, 3, 4)),
    "index batched": (lambda a, i: a[i], (normal, 4, 2), (whole, 4, 3)),
    "index batched last": (lambda a, i: a[:, i], (normal, 2, 4), (whole, 4, 3)),
    "index batched pair": (lambda a, i, j: a[i, :, j], (normal, 4, 2, 5), (whole, 4, 3), (whole, 5, 3)),
    "mask write": (lambda a, m: a.masked_fill(m, 0), (normal, 2, 3), (mask, 3)),
    "gather": (lambda a, i: a.gather(1, i), (normal, 2, 4), (whole, 4, 2, 3)),
    "take_along_dim": (lambda a, i: a.take_along_dim(i, 0), (normal, 4, 2), (whole, 4, 1, 2)),
    "index_select": (lambda a, i: a.index_select(1, i), (normal, 2, 4), (whole, 4, 3)),
    "scatter": (lambda a, i, b: a.scatter(0, i, b), (normal, 4), (whole, 4, 1), (normal, 1)),
    "scatter_add": (lambda a, i, b: a.scatter_add(0, i, b), (normal, 4), (whole, 4, 6), (normal, 6)),
    "index_add": (lambda a, i, b: a.index_add(0, i, b), (normal, 4, 2), (whole, 4, 3), (normal, 3, 2)),
    "index_put": (lambda a, i, b: a.index_put((i,), b, True), (normal, 4), (whole, 4, 5), (normal, 5)),
    "slice_scatter": (lambda a, b: a.slice_scatter(b, 0, 1, 3), (normal, 4), (normal, 2)),
    "matmul": (lambda a, b: a @ b, (normal, 2, 3), (normal, 3, 4)),
    "matvec": (lambda a, b: a @ b, (normal, 2, 3), (normal, 3)),
    "vecmat": (lambda a, b: a @ b, (normal, 3), (normal, 3, 2)),
    "dot": (tour.dot, (normal, 3), (normal, 3)),
    "bmm": (tour.bmm, (normal, 2, 3, 4), (normal, 2, 4, 5)),
    "einsum": (lambda a, b: tour.einsum("ij,kj->ik", a, b), (normal, 2, 3), (normal, 4, 3)),
    "tensordot": (lambda a, b: tour.tensordot(a, b, 1), (normal, 2, 3), (normal, 3, 4)),
    "outer": (tour.outer, (normal, 2), (normal, 3)),
    "cdist": (tour.cdist, (normal, 3, 2), (normal, 4, 2)),
    "det": (tour.linalg.det, (definite, 3, 3)),
    "inv": (tour.linalg.inv, (definite, 3, 3)),
    "solve": (tour.linalg.solve, (definite, 3, 3), (normal, 3, 2)),
    "cholesky": (tour.linalg.cholesky, (definite, 3, 3)),
    "eigvalsh": (tour.linalg.eigvalsh, (definite, 3, 3)),
    "svdvals": (tour.linalg.svdvals, (normal, 3, 2)),
    "matrix_exp": (tour.matrix_exp, (normal, 3, 3)),
    "triangular": (lambda a, b: tour.linalg.solve_triangular(a, b, upper=False), (definite, 3, 3), (normal, 3, 2)),
    "fft": (lambda a: tour.fft.fft(a), (normal, 5)),
    "rfft2": (lambda a: tour.fft.rfft2(a), (normal, 4, 5)),
    "histc": (lambda a: tour.histc(a, 4, -1, 1), (normal, 9)),
    "histc with limits of its own": (lambda a: tour.histc(a, 3), (normal, 2, 4)),
    "searchsorted": (tour.searchsorted, (normal, 4), (normal, 3)),
    "isin": (tour.isin, (whole, 5, 4), (whole, 5, 2)),
    "clone": (lambda a: a.clone(), (normal, 2, 3)),
    "cast": (lambda a: a.float(), (normal, 3)),
    "zeros_like": (lambda a: tour.zeros_like(a) + a, (normal, 3)),
    "new_zeros write": (lambda a: _written(a), (normal, 3)),
    "in place": (lambda a, b: (a + b).mul_(b).add_(1), (normal, 3), (normal, 3)),
    "constant": (lambda a: tour.ones(2), (normal, 3)),
}  # fmt: skip


def _written(a: Any) -> Any:
    b = a.new_zeros(2, 3)
    b[1] = a
    b[:, 0] += 1
    return b


def tensors(x: Any) -> list[Any]:
    return [t for y in x for t in tensors(y)] if isinstance(x, (tuple, list)) else [x]


def same(got: Any, expected: list[Any]) -> None:
    """The batched results, and those of each sample."""
    assert len(tensors(got)) == len(tensors(expected[0]))
    for i, one in enumerate(expected):
        for g, e in zip(tensors(got), tensors(one), strict=True):
            assert g.dtype is e.dtype
            np.testing.assert_allclose(g.numpy()[i], e.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "shared"),
    [(name, s) for name, case in CASES.items() for s in (("none", "first", "rest") if len(case) > 2 else ("none",))],
)
def test_loop(name: str, shared: str) -> None:
    f, *kinds = CASES[name]
    in_dims = [0] * len(kinds)
    if shared != "none":
        in_dims = [None if (i == 0) == (shared == "first") else 0 for i in range(len(kinds))]
    args = [
        make(*numbers) if d is None else tour.stack([make(*numbers) for _ in range(N)])
        for (make, *numbers), d in zip(kinds, in_dims, strict=True)
    ]
    expected = [f(*(a if d is None else a[i] for a, d in zip(args, in_dims, strict=True))) for i in range(N)]
    same(vmap(f, tuple(in_dims))(*args), expected)


@pytest.mark.parametrize("name", CASES)
def test_other_dimensions(name: str) -> None:
    """The batch may stand anywhere in the arguments and the results."""
    f, *kinds = CASES[name]
    args = [tour.stack([make(*numbers) for _ in range(N)], -1) for make, *numbers in kinds]
    expected = [f(*(a.select(-1, i) for a in args)) for i in range(N)]
    got = vmap(f, -1, -1)(*args)
    same([g.movedim(-1, 0) for g in tensors(got)], expected)


@pytest.mark.parametrize("name", CASES)
def test_nested(name: str) -> None:
    """Two levels: the first argument differs in the outer one, the others in the inner one."""
    f, *kinds = CASES[name]
    args = [tour.stack([make(*numbers) for _ in range(N - (i == 0))]) for i, (make, *numbers) in enumerate(kinds)]
    inner = lambda a: vmap(lambda *rest: f(a, *rest))(*args[1:]) if len(args) > 1 else f(a)  # noqa: E731
    got = vmap(inner)(args[0])
    if len(args) == 1:
        same(got, [f(a) for a in args[0]])
        return
    expected = [f(a, *rest) for a in args[0] for rest in zip(*args[1:], strict=True)]
    same([g.flatten(0, 1) for g in tensors(got)], expected)


@pytest.mark.parametrize("name", [n for n in CASES if n not in ("constant", "in place", "new_zeros write")])
def test_shared_samples_keep_their_axes(name: str) -> None:
    """A result belongs to every level of its arguments, also where all samples are the same: its gradient must know."""
    prepare()
    f, *kinds = CASES[name]
    levels = tuple(Level(2) for _ in kinds)
    args = [
        tour._core.wrap(lift(make(*numbers)._a, (level,)))
        for (make, *numbers), level in zip(kinds, levels, strict=True)
    ]
    assert tensors(f(*args))[0]._a.levels == levels
