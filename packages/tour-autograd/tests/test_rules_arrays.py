"""Gradients of reductions, shapes, joining, indexing, writing and products: random directions, first and second order.

For a random direction `v` the slope of `f(x + s v) · c` at s = 0 is found by central differences and from the gradient; likewise the
slope of `grad · u` for the second order.
"""

from __future__ import annotations

import numpy as np
import pytest

import tour
from tour.autograd import grad

RNG = np.random.default_rng(0)
INDEX = tour.tensor([2, 0, 2])
PLACES = tour.tensor([[0, 2, 1], [2, 2, 0]])
MASK = tour.tensor([[True, False, True, False], [False, False, True, True], [True, True, False, False]])

# A name, a function of some arrays, and their shapes. Every value is distinct, so that choices are not on an edge.
RULES = {
    "sum": (lambda x: x.sum(1), (3, 4)),
    "sum all": (lambda x: x.sum(), (3, 4)),
    "mean": (lambda x: x.mean((0, 2), keepdim=True), (2, 3, 2)),
    "prod": (lambda x: x.prod(1), (3, 4)),
    "prod with zeros": (
        lambda x: (x * tour.tensor([0.0, 1.0, 0.0, 1.0])).prod(1) + x.masked_fill(MASK, 0).prod(1),
        (3, 4),
    ),
    "logsumexp": (lambda x: x.logsumexp(0), (3, 4)),
    "nansum": (lambda x: x.nansum(0), (3, 4)),
    "amax": (lambda x: x.amax((0, 1)), (3, 4, 2)),
    "amin": (lambda x: x.amin(), (3, 4)),
    "max": (lambda x: x.max(1)[0], (3, 4)),
    "min keepdim": (lambda x: x.min(1, keepdim=True).values, (3, 4)),
    "median": (lambda x: x.median(1).values, (3, 4)),
    "nanmedian": (lambda x: x.nanmedian(), (3, 3)),
    "mode": (lambda x: x.mode(1).values, (3, 4)),
    "kthvalue": (lambda x: x.kthvalue(2, 0).values, (3, 4)),
    "topk": (lambda x: x.topk(2, 0).values, (3, 4)),
    "sort": (lambda x: x.sort(1, True).values, (3, 4)),
    "quantile": (lambda x: x.quantile(tour.tensor([0.3, 0.8], dtype=x.dtype), 1), (3, 4)),
    "cummax": (lambda x: x.cummax(1).values, (3, 4)),
    "cummin": (lambda x: x.cummin(0).values, (3, 4)),
    "cumsum": (lambda x: x.cumsum(1), (3, 4)),
    "cumprod": (lambda x: x.cumprod(1), (3, 4)),
    "cumprod with a zero": (
        lambda x: x.masked_fill(MASK[0], 0).cumprod(0) + x.masked_fill(MASK[1], 0).cumprod(1),
        (4, 4),
    ),
    "logcumsumexp": (lambda x: x.logcumsumexp(1), (3, 4)),
    "diff": (lambda x: x.diff(2, 1), (3, 4)),
    "trapezoid": (lambda y, x: tour.trapezoid(y, x), (3, 4), (4,)),
    "gradient": (lambda x: tour.gradient(x, spacing=0.5, edge_order=2), (3, 4)),
    "var": (lambda x: x.var((0, 2)), (2, 3, 2)),
    "std": (lambda x: x.std(1, correction=0), (3, 4)),
    "var_mean": (lambda x: tour.var_mean(x, 1), (3, 4)),
    "cov": (lambda x: x.cov(), (3, 4)),
    "norm": (lambda x: x.norm(dim=1), (3, 4)),
    "norm 1": (lambda x: x.norm(1), (3, 4)),
    "norm 3": (lambda x: x.norm(3, 0), (3, 4)),
    "norm 0.5": (lambda x: x.norm(0.5, 0), (3, 4)),
    "norm inf": (lambda x: x.norm(float("inf"), 1), (3, 4)),
    "cdist": (lambda a, b: tour.cdist(a, b, compute_mode="use_mm_for_euclid_dist"), (3, 4), (2, 4)),
    "cdist 1": (lambda a, b: tour.cdist(a, b, p=1.0), (3, 4), (2, 4)),
    "renorm": (lambda x: x.renorm(2, 0, 1.0), (3, 4)),
    "view": (lambda x: x.view(2, 6) * x.t().reshape(2, 6), (3, 4)),
    "view as bytes": (lambda x: (x * 1).view(tour.float64), (3, 4)),
    "permute": (lambda x: x.permute(2, 0, 1) * x.movedim(0, 1), (2, 2, 2)),
    "transpose": (lambda x: x.transpose(0, 1), (3, 4)),
    "squeeze": (lambda x: x.squeeze(1).unsqueeze(0), (3, 1)),
    "expand": (lambda x: x.expand(2, 3, 4), (3, 1)),
    "flip": (lambda x: x.flip(0, 1), (3, 4)),
    "roll": (lambda x: x.roll((1, 2), (0, 1)), (3, 4)),
    "rot90": (lambda x: x.rot90(3), (3, 4)),
    "repeat": (lambda x: x.repeat(2, 1, 3), (3, 4)),
    "repeat_interleave": (lambda x: x.repeat_interleave(tour.tensor([1, 0, 3]), 0), (3, 4)),
    "pad": (lambda x: tour.constant_pad_nd(x, (1, -1, 2, 0), 5.0), (3, 4)),
    "tril": (lambda x: x.tril(-1) * x.triu(-2), (3, 4)),
    "diagonal": (lambda x: x.diagonal(1, 0, 2), (3, 4, 3)),
    "diag_embed": (lambda x: tour.diag_embed(x, 1, 0, 2), (3, 4)),
    "trace": (lambda x: x.trace(), (3, 4)),
    "unfold": (lambda x: x.unfold(1, 3, 1) ** 2, (3, 4)),
    "unfold apart": (lambda x: x.unfold(1, 2, 2) ** 2, (3, 4)),
    "as_strided": (lambda x: x.as_strided((2, 3), (1, 2)) ** 2, (3, 4)),
    "as_strided of a view": (lambda x: x[:, 1:].as_strided((2, 3), (4, 1)) ** 2, (3, 4)),
    "narrow": (lambda x: x.narrow(1, 1, 2) ** 2, (3, 4)),
    "cat": (lambda a, b: tour.cat([a, b, a], 1), (3, 4), (3, 2)),
    "stack": (lambda a, b: tour.stack([a, b], -1), (3, 4), (3, 4)),
    "split": (lambda x: x.split([1, 3], 1)[1] ** 2, (3, 4)),
    "chunk": (lambda x: [a * b for a, b in zip(x.chunk(3), x.chunk(3)[::-1], strict=True)], (3, 4)),
    "unbind": (lambda x: x.unbind(1)[0] * x.unbind(1)[2], (3, 4)),
    "slices": (lambda x: x[1:, ::-2] * x[0, :1], (3, 4)),
    "index arrays": (lambda x: (x[INDEX, :, 1], x[0, INDEX], x[:, INDEX]), (3, 3, 2)),
    "index of two arrays": (lambda x: x[INDEX, tour.tensor([[0], [1]])], (3, 4)),
    "mask": (lambda x: x[MASK] ** 2, (3, 4)),
    "masked_select": (lambda x: x.masked_select(MASK), (3, 4)),
    "index_select": (lambda x: x.index_select(1, INDEX), (3, 4)),
    "gather": (lambda x: x.gather(0, PLACES), (3, 4)),
    "take": (lambda x: x.take(PLACES), (3, 4)),
    "take_along_dim": (lambda x: tour.take_along_dim(x, PLACES[:, :1], 1), (2, 4)),
    "scatter": (lambda x, s: x.scatter(0, tour.tensor([[0, 2, 1]]), s), (3, 4), (2, 3)),
    "scatter a number": (lambda x: x.scatter(1, PLACES[:, :1], 2.0), (2, 4)),
    "scatter_add": (lambda x, s: x.scatter_add(0, PLACES, s), (3, 4), (2, 3)),
    "scatter_reduce prod": (lambda x, s: x.scatter_reduce(0, PLACES, s, "prod"), (3, 4), (2, 3)),
    "scatter_reduce mean": (lambda x, s: x.scatter_reduce(0, PLACES, s, "mean", include_self=False), (3, 4), (2, 4)),
    "scatter_reduce amax": (lambda x, s: x.scatter_reduce(0, PLACES, s, "amax"), (3, 4), (2, 3)),
    "index_reduce amin": (lambda x, s: x.index_reduce(0, INDEX, s, "amin"), (3, 4), (3, 4)),
    "index_reduce prod": (lambda x, s: x.index_reduce(0, INDEX, s, "prod", include_self=False), (3, 4), (3, 4)),
    "index_add": (lambda x, s: x.index_add(1, INDEX, s, alpha=3), (2, 4), (2, 3)),
    "index_copy": (lambda x, s: x.index_copy(0, tour.tensor([2, 0]), s), (3, 4), (2, 4)),
    "index_fill": (lambda x, v: x.index_fill(0, INDEX, v), (3, 4), ()),
    "index_put": (lambda x, v: x.index_put((INDEX[:2], INDEX[1:]), v), (3, 4), ()),
    "index_put accumulate": (lambda x, v: x.index_put((INDEX,), v, accumulate=True), (3, 4), (3, 4)),
    "put": (lambda x, s: x.put(tour.tensor([1, 5]), s), (3, 4), (2,)),
    "masked_fill": (lambda x, v: x.masked_fill(MASK, v), (3, 4), ()),
    "masked_fill larger": (lambda x: x.masked_fill(MASK, 2.0), (4,)),
    "masked_scatter": (lambda x, s: x.masked_scatter(MASK, s), (3, 4), (9,)),
    "select_scatter": (lambda x, s: tour.select_scatter(x, s, 1, 2), (3, 4), (3,)),
    "slice_scatter": (lambda x, s: tour.slice_scatter(x, s, 1, 0, 4, 2), (3, 4), (3, 2)),
    "diagonal_scatter": (lambda x, s: tour.diagonal_scatter(x, s, 1), (3, 4), (3,)),
    "as_strided_scatter": (lambda x, s: tour.as_strided_scatter(x, s, (2, 2), (4, 1), 1), (3, 4), (2, 2)),
    "fill": (lambda v: tour.zeros(2, 3, dtype=v.dtype).fill_(v), ()),
    "copy": (lambda s: tour.zeros(2, 3, dtype=s.dtype).copy_(s), (3,)),
    "matmul": (lambda a, b: a @ b, (2, 3, 4), (4, 2)),
    "addmm": (lambda m, a, b: tour.addmm(m, a, b, beta=2, alpha=3), (2,), (3, 4), (4, 2)),
    "baddbmm": (lambda m, a, b: tour.baddbmm(m, a, b), (1, 2), (2, 3, 4), (2, 4, 2)),
    "einsum": (lambda a, b, c: tour.einsum("iij,jk,l->ik", a, b, c), (3, 3, 2), (2, 4), (2,)),
    "tensordot": (lambda a, b: tour.tensordot(a, b, ((0, 1), (1, 0))), (2, 3), (3, 2, 2)),
    "kron": (lambda a, b: tour.kron(a, b), (2, 3), (3,)),
    "cross": (lambda a, b: tour.cross(a, b, dim=1), (2, 3), (2, 3)),
    "to": (
        lambda x: x.to(tour.complex128).to(tour.float64) * x.clone().contiguous(memory_format=tour.channels_last),
        (1, 2, 2, 2),
    ),
}

# Writes into a value that has a history, through a view of it. They are refused or right.
WRITES = {
    "setitem": lambda y, x: y.__setitem__((slice(None), 1), x[:, 0] * 2),
    "setitem by arrays": lambda y, x: y.__setitem__((INDEX[:2], INDEX[1:]), x[0, :2]),
    "setitem by a mask": lambda y, x: y.__setitem__(MASK, x[0, 0]),
    "setitem of a number": lambda y, x: y.__setitem__(0, 3.0),
    "copy_": lambda y, x: y[1].copy_(x[0]),
    "fill_": lambda y, x: y.t()[1].fill_(x[0, 0]),
    "zero_": lambda y, x: y.diagonal().zero_(),
    "masked_fill_": lambda y, x: y.masked_fill_(MASK, x[1, 1]),
    "index_add_": lambda y, x: y[1:].index_add_(1, INDEX, x[:2, :3]),
    "index_copy_": lambda y, x: y.index_copy_(0, tour.tensor([1]), x[:1]),
    "index_fill_": lambda y, x: y.index_fill_(0, INDEX, x[0, 0]),
    "index_put_": lambda y, x: y.index_put_((INDEX,), x, accumulate=True),
    "index_reduce_": lambda y, x: y.index_reduce_(0, tour.tensor([1]), x[:1], "prod"),
    "scatter_": lambda y, x: y.scatter_(1, tour.tensor([[0, 2, 1], [3, 2, 0]]), x),
    "scatter_add_": lambda y, x: y.scatter_add_(0, PLACES, x),
    "scatter_reduce_": lambda y, x: y.scatter_reduce_(0, PLACES, x, "amax"),
    "put_": lambda y, x: y.put_(tour.tensor([3, 7]), x[0, :2]),
    "masked_scatter_": lambda y, x: y.masked_scatter_(MASK, x),
    "cumsum_": lambda y, x: y[:, 1:].cumsum_(1),
    "tril_": lambda y, x: y.tril_(),
    "addmm_": lambda y, x: y.addmm_(x[:, :2], x[:2]),
    "t_": lambda y, x: y.t_().mul_(x.t()),
    "squeeze_": lambda y, x: y.unsqueeze_(0).mul_(2).squeeze_(0),
}


def values(shapes, kind):
    made = []
    for k, shape in enumerate(shapes):
        n = int(np.prod(shape))
        a = (RNG.permutation(n) + 1.0 + 0.3 * k).reshape(shape) * 0.37 * RNG.choice([-1, 1], shape)
        made.append(a + 1j * RNG.standard_normal(shape) if kind == "complex" else a)
    return [np.asarray(a) for a in made]


def projection(f, weights):
    """The function made a real number, by weights for its results; they are drawn when their shapes are first seen."""

    def g(*xs):
        y = f(*xs)
        ys = [t for t in (y if isinstance(y, (list, tuple)) else [y]) if t.is_floating_point() or t.is_complex()]
        if not weights:
            for t in ys:
                c = RNG.standard_normal(t.shape)
                weights.append(tour.from_numpy(np.asarray(c + 1j * c[..., ::-1] if t.is_complex() and t.ndim else c)))
        total = 0
        for t, c in zip(ys, weights, strict=True):
            s = (t * c).sum()
            total = total + (s.real if s.is_complex() else s)
        return total

    return g


def slope(f, arrays, directions, h=1e-5):
    """The derivative of `f` along a direction by central differences."""
    up, down = (
        f(
            *[
                tour.from_numpy(np.asarray(a + s * h * d)).requires_grad_()
                for a, d in zip(arrays, directions, strict=True)
            ]
        )
        for s in (1, -1)
    )
    return (up - down).item() / (2 * h)


def along(gradients, directions):
    return sum((g.conj() * tour.from_numpy(d)).sum().real.item() if g.is_complex() else (g * tour.from_numpy(d)).sum().item()
               for g, d in zip(gradients, directions, strict=True) if g is not None)  # fmt: skip


def check(f, arrays, second=True):
    directions = [np.asarray(RNG.standard_normal(a.shape).astype(a.dtype)) for a in arrays]
    g = projection(f, [])
    xs = [tour.from_numpy(a.copy()).requires_grad_() for a in arrays]
    first = grad(g(*xs), xs, allow_unused=True)
    assert along(first, directions) == pytest.approx(slope(g, arrays, directions), rel=1e-5, abs=1e-6)
    if not second:
        return
    others = [tour.from_numpy(np.asarray(RNG.standard_normal(a.shape))) for a in arrays]

    def of_gradient(*xs):
        gradients = grad(g(*xs), xs, create_graph=True, allow_unused=True)
        total = sum(((d * u).sum() for d, u in zip(gradients, others, strict=True) if d is not None), tour.zeros(()))
        return total.real if total.is_complex() else total

    y = of_gradient(*xs)
    gradients = grad(y, xs, allow_unused=True) if y.requires_grad else [None for _ in xs]
    assert along(gradients, directions) == pytest.approx(slope(of_gradient, arrays, directions), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", RULES)
def test_rule(name):
    f, *shapes = RULES[name]
    check(f, values(shapes, "real"))


def laid_out_backwards(a):
    """The same numbers, the first dimension fastest in memory."""
    return a.T.copy().T


@pytest.mark.parametrize("name", [name for name in RULES if not name.startswith(("as_strided", "view"))])
def test_numbers_may_come_in_any_layout(name):
    """Gradients and inputs with other strides give the same gradients: no kernel writes into a copy, or reads memory as rows."""
    f, *shapes = RULES[name]
    arrays, drawn, found = values(shapes, "real"), [], []
    for layout in (np.asarray, laid_out_backwards):
        xs = [tour.from_numpy(layout(a)).requires_grad_() for a in arrays]
        y = f(*xs)
        ys = [t for t in (y if isinstance(y, (list, tuple)) else [y]) if t.requires_grad]
        drawn = drawn or [np.asarray(RNG.standard_normal(t.shape)) for t in ys]
        gs = [tour.from_numpy(layout(g)) for g in drawn]
        found.append(grad(ys, xs, [g.to(t.dtype) for g, t in zip(gs, ys, strict=True)], allow_unused=True))
    for g, h in zip(*found, strict=True):
        assert (g is None) == (h is None)
        if g is not None:
            np.testing.assert_allclose(g.numpy(), h.numpy(), rtol=1e-12, atol=1e-12)


REAL_ONLY = {
    "amax", "amin", "max", "min keepdim", "median", "nanmedian", "mode", "kthvalue", "topk", "sort", "quantile", "cummax",
    "cummin", "logcumsumexp", "cdist", "cdist 1", "scatter_reduce amax", "index_reduce amin", "index_reduce prod", "nansum",
    "scatter_reduce prod", "scatter_reduce mean", "view as bytes", "to", "logsumexp", "cov", "norm 0.5",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in RULES if name not in REAL_ONLY])
def test_rule_for_complex_numbers(name):
    f, *shapes = RULES[name]
    check(f, values(shapes, "complex"), second=False)


@pytest.mark.parametrize("name", WRITES)
def test_write(name):
    def f(x):
        y = x * x
        beside = y[:, :2]
        WRITES[name](y, x)
        return y, beside * 3

    check(f, values([(3, 4)], "real"))


@pytest.mark.parametrize("take", [lambda x: x.split(1), lambda x: x.chunk(2, 1), lambda x: x.unbind()])
def test_parts_that_share_a_node_refuse_recorded_writes(take):
    x = tour.ones(2, 2, requires_grad=True)
    parts = take(x * 1)
    with pytest.raises(RuntimeError, match="output of a function that returns multiple views"):
        parts[0].add_(1)
    with pytest.raises(RuntimeError, match="output of a function that returns multiple views"):
        parts[1][0].zero_()
    buffer = tour.zeros(2, 2)
    with pytest.raises(RuntimeError, match="returns multiple views"):
        take(buffer)[0].add_(x.sum())
    take(buffer)[0].add_(1)  # nothing is recorded
    with tour.no_grad():
        take(x)[0].add_(1)


def test_splitting_is_one_node():
    x = tour.ones(4, requires_grad=True)
    a, b, *_ = (x * 2).split(1)
    node = a.grad_fn.next_functions[0][0]
    assert (
        (a + b).requires_grad and b.grad_fn.next_functions[0][0] is node
    ) or node.name() == b.grad_fn.next_functions[0][0].name()


def test_a_gradient_of_many_equal_indices_is_their_number():
    x = tour.zeros(5, 3, requires_grad=True)
    index = tour.tensor([[0, 4, 0], [0, 1, 1]])
    x[index].sum().backward()
    assert x.grad[:, 0].tolist() == [3.0, 2.0, 0.0, 0.0, 1.0]
    half = tour.zeros(2, 1, dtype=tour.bfloat16, requires_grad=True)
    half[tour.zeros(300, dtype=tour.int64)].sum().backward()
    assert half.grad.tolist() == [[300.0], [0.0]]


def test_ties_share_the_gradient_of_the_largest():
    x = tour.tensor([2.0, 1.0, 2.0], requires_grad=True)
    assert grad(x.max(), x)[0].tolist() == [0.5, 0.0, 0.5]
    assert grad(x.max(0).values, x)[0].tolist() == [1.0, 0.0, 0.0]


def test_kinks_have_the_gradient_zero():
    x = tour.zeros(3, requires_grad=True)
    assert grad(x.norm(), x)[0].tolist() == [0.0] * 3
    assert grad(x.std(), x)[0].tolist() == [0.0] * 3
    assert grad(tour.cdist(x[None], x[None]).sum(), x)[0].tolist() == [0.0] * 3


# --- Where gradients lie, and what may be overwritten --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x[tour.tensor([3, 1, 1])],
        lambda x: x.index_select(0, tour.tensor([3, 1, 1])),
        lambda x: x.index_select(1, tour.tensor([2, 0])),
        lambda x: x.gather(0, tour.tensor([[0, 1, 2], [3, 3, 3]])),
        lambda x: x.take(tour.tensor([[5, 5], [0, 11]])),
        lambda x: x[:, [0, 0, 2]],
        lambda x: x.sort(0)[0],
        lambda x: x.topk(2, 0)[0],
    ],
)
def test_a_gradient_in_any_layout_reaches_the_elements_that_were_read(read):
    x = tour.randn(4, 3, dtype=tour.float64, requires_grad=True)
    y = read(x)
    g = tour.randn(*y.shape, dtype=tour.float64)
    (dense,) = tour.autograd.grad(read(x), x, g)
    (other,) = tour.autograd.grad(read(x), x, g.t().contiguous().t())
    assert dense.abs().sum() > 0 and tour.equal(dense, other)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x / 3.0,
        lambda x: 3.0 / x,
        lambda x: x / x.sum(),
        lambda x: (x * 1).tensor_split(2)[1],
        lambda x: x.repeat_interleave(2),
        lambda x: x.repeat_interleave(1),
        lambda x: x.erfinv(),
        lambda x: tour.softmax(x, 0) / x,
    ],
)
def test_a_result_may_be_overwritten_before_the_backward_pass(f):
    x = tour.tensor([0.3, 0.5, 0.2], dtype=tour.float64, requires_grad=True)
    (want,) = tour.autograd.grad((f(x) * 0.5).sum(), x)
    (got,) = tour.autograd.grad(f(x).mul_(0.5).sum(), x)
    assert tour.allclose(got, want)


def test_what_repeat_interleave_gives_is_never_a_view():
    for x, times in ((tour.arange(3), 1), (tour.tensor([7]), 4)):
        y = x.repeat_interleave(times)
        y += 1
        assert x.tolist() == ([0, 1, 2] if times == 1 else [7])
