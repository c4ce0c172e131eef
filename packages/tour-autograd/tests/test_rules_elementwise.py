"""Gradients of the elementwise ops by random projection: the slope of f along a random direction, by central differences, is the
gradient's projection on it; and the same of the gradient, for second order. One table, real and complex."""

import importlib
import pkgutil

import numpy as np
import pytest

import tour
from tour import special
from tour._core import OPS
from tour.autograd.rules.nondifferentiable import NONDIFFERENTIABLE
from tour.ops import activations as F

REAL, POSITIVE, UNIT, ABOVE = "real", "positive", "unit", "above"  # away from kinks and poles
DOMAINS = {
    REAL: lambda r, *s: np.sign(r.normal(size=s)) * r.uniform(0.2, 1.9, s),
    POSITIVE: lambda r, *s: r.uniform(0.2, 2.0, s),
    UNIT: lambda r, *s: np.sign(r.normal(size=s)) * r.uniform(0.1, 0.9, s),
    ABOVE: lambda r, *s: r.uniform(1.2, 3.0, s),
}

UNARY = {  # function: domain, whether it takes complex numbers
    tour.abs: (REAL, True), tour.acos: (UNIT, True), tour.acosh: (ABOVE, True), tour.angle: (REAL, True), tour.asin: (UNIT, True),
    tour.asinh: (REAL, True), tour.atan: (REAL, True), tour.atanh: (UNIT, True), tour.ceil: (REAL, False), tour.conj: (REAL, True),
    tour.cos: (REAL, True), tour.cosh: (REAL, True), tour.deg2rad: (REAL, False), tour.digamma: (POSITIVE, False),
    tour.erf: (REAL, False), tour.erfc: (REAL, False), tour.erfinv: (UNIT, False), tour.exp: (REAL, True), tour.exp2: (REAL, True),
    tour.expm1: (REAL, True), tour.floor: (REAL, False), tour.frac: (REAL, False), tour.i0: (REAL, False), tour.lgamma: (POSITIVE, False),
    tour.log: (POSITIVE, True), tour.log10: (POSITIVE, True), tour.log1p: (POSITIVE, True), tour.log2: (POSITIVE, True),
    tour.nan_to_num: (REAL, False), tour.neg: (REAL, True), tour.rad2deg: (REAL, False), tour.reciprocal: (REAL, True),
    tour.relu: (REAL, False), tour.round: (REAL, False), tour.rsqrt: (POSITIVE, True), tour.selu: (REAL, False), tour.sgn: (REAL, True),
    tour.sigmoid: (REAL, True), tour.sign: (REAL, False), tour.sin: (REAL, True), tour.sinc: (REAL, True), tour.sinh: (REAL, True),
    tour.sqrt: (POSITIVE, True), tour.square: (REAL, True), tour.tan: (UNIT, True), tour.tanh: (REAL, True), tour.trunc: (REAL, False),
    special.entr: (POSITIVE, False), special.erfcx: (REAL, False), special.i0e: (REAL, False), special.i1: (REAL, False),
    special.i1e: (REAL, False), special.log_ndtr: (REAL, False), special.ndtr: (REAL, False), special.ndtri: (POSITIVE, False),
    F.gelu: (REAL, False), F.hardsigmoid: (REAL, False), F.hardswish: (REAL, False), F.leaky_relu: (REAL, False),
    F.logsigmoid: (REAL, False), F.mish: (REAL, False), F.relu6: (REAL, False), F.silu: (REAL, True), F.softplus: (REAL, False),
    F.softsign: (REAL, False), F.tanhshrink: (REAL, False),
}  # fmt: skip

WITH_NUMBERS = {
    "clamp": (lambda x: x.clamp(-0.7, 0.9), REAL), "clamp_min": (lambda x: x.clamp_min(0.1), REAL), "elu": (lambda x: F.elu(x, 1.5), REAL),
    "celu": (lambda x: tour.celu(x, 0.7), REAL), "gelu tanh": (lambda x: F.gelu(x, approximate="tanh"), REAL),
    "hardshrink": (lambda x: tour.hardshrink(x, 0.4), REAL), "hardtanh": (lambda x: F.hardtanh(x, -0.7, 0.9), REAL),
    "log_softmax": (lambda x: tour.log_softmax(x, -1), REAL), "logit": (lambda x: tour.logit(x, 0.05), POSITIVE),
    "mvlgamma": (lambda x: tour.mvlgamma(x, 2), ABOVE), "polygamma": (lambda x: tour.polygamma(1, x), POSITIVE),
    "pow 2": (lambda x: x**2, REAL), "pow 3": (lambda x: x**3, REAL), "pow 0.5": (lambda x: x**0.5, POSITIVE),
    "pow -0.5": (lambda x: x**-0.5, POSITIVE), "pow -1": (lambda x: x**-1, REAL), "pow 0": (lambda x: x**0, REAL),
    "pow 2.7": (lambda x: x**2.7, POSITIVE), "rpow": (lambda x: 2.5**x, REAL), "rdiv": (lambda x: 2.5 / x, REAL),
    "rsub": (lambda x: 2.5 - x, REAL), "round": (lambda x: tour.round(x, decimals=1), REAL), "remainder": (lambda x: x % 0.7, POSITIVE),
    "softmax": (lambda x: tour.softmax(x, 0), REAL), "softplus": (lambda x: F.softplus(x, 3.0, 4.0), REAL),
    "softshrink": (lambda x: F.softshrink(x, 0.4), REAL), "threshold": (lambda x: tour.threshold(x, 0.1, 5.0), REAL),
    "frexp": (lambda x: tour.frexp(x).mantissa, POSITIVE), "view_as_real": (lambda x: tour.view_as_real(x + 0j), REAL),
    "xlogy 0": (lambda x: tour.xlogy(x, x), POSITIVE),
}  # fmt: skip

SEVERAL = {  # function: domain, number of inputs, complex too
    tour.add: (REAL, 2, True), tour.addcdiv: (REAL, 3, True), tour.addcmul: (REAL, 3, True), tour.atan2: (REAL, 2, False),
    tour.complex: (REAL, 2, False), tour.copysign: (REAL, 2, False), tour.div: (REAL, 2, True), tour.fmax: (REAL, 2, False),
    tour.fmin: (REAL, 2, False), tour.hypot: (REAL, 2, False), tour.lerp: (REAL, 3, True), tour.logaddexp: (REAL, 2, True),
    tour.logaddexp2: (REAL, 2, False), tour.maximum: (REAL, 2, False), tour.minimum: (REAL, 2, False), tour.mul: (REAL, 2, True),
    tour.polar: (POSITIVE, 2, False), tour.pow: (POSITIVE, 2, True), tour.prelu: (REAL, 2, False), tour.sub: (REAL, 2, True),
    tour.xlogy: (POSITIVE, 2, False), special.xlog1py: (POSITIVE, 2, False), tour.clamp: (REAL, 3, False),
    tour.rsub: (REAL, 2, True), tour.ldexp: (REAL, 2, False),
}  # fmt: skip


def inner(a, b):
    """The real inner product, of complex arrays too."""
    return float((a * b.conj()).real.sum())


def slope(f, inputs, directions, step=1e-6):
    """Derivative of f along the directions, by central differences."""
    ahead, behind = ([x + sign * step * d for x, d in zip(inputs, directions, strict=True)] for sign in (1, -1))
    return (f(*ahead) - f(*behind)) / (2 * step)


def random_like(rng, a):
    return rng.normal(size=a.shape) + (1j * rng.normal(size=a.shape) if a.dtype.kind == "c" else 0)


def check(f, arrays, second=True):
    rng = np.random.default_rng(1)

    def value(*arrays):
        return f(*(tour.tensor(a) for a in arrays)).numpy()

    w = random_like(rng, value(*arrays))
    directions = [random_like(rng, a) for a in arrays]

    def gradients(*arrays, create=False):
        leaves = [tour.tensor(a, requires_grad=True) for a in arrays]
        out = f(*leaves)
        grads = tour.autograd.grad(
            out, leaves, tour.tensor(w), create_graph=create, allow_unused=True, materialize_grads=True
        )
        return leaves, grads

    _, grads = gradients(*arrays)
    projected = sum(inner(g.numpy(), d) for g, d in zip(grads, directions, strict=True))
    numeric = slope(lambda *x: inner(value(*x), w), arrays, directions)
    assert projected == pytest.approx(numeric, rel=1e-6, abs=1e-6)
    assert all(g.dtype is tour.tensor(a).dtype and g.shape == a.shape for g, a in zip(grads, arrays, strict=True))
    if not second:
        return

    u = [random_like(rng, a) for a in arrays]

    def along(*x):
        return sum(inner(g.numpy(), v) for g, v in zip(gradients(*x)[1], u, strict=True))

    leaves, grads = gradients(*arrays, create=True)
    total = sum((g * tour.tensor(v).conj()).real.sum() for g, v in zip(grads, u, strict=True))
    numeric = slope(along, arrays, directions)
    if not total.requires_grad:
        assert numeric == pytest.approx(0, abs=1e-6)
        return
    again = tour.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)
    projected = sum(inner(g.numpy(), d) for g, d in zip(again, directions, strict=True))
    assert projected == pytest.approx(numeric, rel=1e-5, abs=1e-5)


def numbers(domain, seed, shape, curved=False):
    rng = np.random.default_rng(seed)
    a = DOMAINS[domain](rng, *shape)
    return a + 0.5j * DOMAINS[domain](rng, *shape) if curved else a


def named(f):
    return getattr(f, "__name__", None)


@pytest.mark.parametrize("function", UNARY, ids=named)
def test_one_input(function):
    domain, curved = UNARY[function]
    a = numbers(domain, 0, (2, 3))
    check(function, [a / 2.5 if function is special.ndtri else a])
    if curved:
        check(function, [numbers(domain, 1, (2, 3), curved=True)])


@pytest.mark.parametrize("name", WITH_NUMBERS)
def test_with_numbers(name):
    function, domain = WITH_NUMBERS[name]
    check(function, [numbers(domain, 0, (2, 3)) / (2.5 if name == "logit" else 1)])


@pytest.mark.parametrize("function", SEVERAL, ids=named)
def test_several_inputs_broadcast(function):
    domain, count, curved = SEVERAL[function]
    shapes = [(2, 3), (3,), (2, 1)] if function is not tour.prelu else [(2, 3), (3,)]
    arrays = [numbers(domain, i, s) for i, s in zip(range(count), shapes, strict=False)]
    check(function, arrays)
    check(function, [a.reshape(-1)[0] for a in arrays] if function is not tour.prelu else arrays)
    if curved:
        check(function, [numbers(domain, i, s, curved=True) for i, s in zip(range(count), shapes, strict=False)])


def test_real_beside_complex():
    a, z = numbers(REAL, 0, (2, 3)), numbers(REAL, 1, (3,), curved=True)
    for function in (tour.add, tour.sub, tour.mul, tour.div):
        check(function, [a, z])
        check(function, [z, a])


def test_where():
    mask = tour.tensor([[True, False, True]])
    check(lambda x, y: tour.where(mask, x, y), [numbers(REAL, 0, (2, 3)), numbers(REAL, 1, (3,))])
    x = tour.tensor([0.0, 1.0], requires_grad=True)
    tour.where(x > 0, x, float("inf")).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "part",
    [lambda z: z.real, lambda z: z.imag, tour.view_as_real, lambda z: tour.view_as_complex(tour.view_as_real(z))],
)
def test_complex_parts(part):
    check(part, [numbers(REAL, 0, (2, 3), curved=True)])


WRITES = {
    "real": lambda y: y.real.mul_(3), "imag": lambda y: y.imag.copy_(y.real * 2), "pairs": lambda y: tour.view_as_real(y)[..., 1].sin_(),
    "slice": lambda y: y[:, 1:].imag.exp_(),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
def test_writes_into_parts(name):
    def function(z):
        y = z * (2 - 1j)
        WRITES[name](y)
        return y * y

    check(function, [numbers(REAL, 0, (2, 3), curved=True)])


@pytest.mark.parametrize(
    "name",
    ["sin_", "exp_", "mul_", "div_", "pow_", "tanh_", "sigmoid_", "clamp_", "addcmul_", "square_", "relu_", "lerp_"],
)
def test_in_place(name):
    a, b = numbers(POSITIVE, 0, (2, 3)), numbers(POSITIVE, 1, (3,))
    arguments = {"mul_": 1, "div_": 1, "pow_": 1, "addcmul_": 2, "lerp_": 2}.get(name, 0)

    def function(x, y):
        z = x * 1.5
        extra = (0.3, 1.7) if name == "clamp_" else (y,) * arguments
        assert getattr(z, name)(*extra) is z
        return z + 0 * y

    check(function, [a, b])


def test_ties_share_the_gradient():
    x, y = (tour.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    tour.maximum(x, y).sum().backward()
    assert x.grad.tolist() == y.grad.tolist() == [0.5, 0.5]


def test_saturated_logit_and_relu_stay_finite():
    x = tour.tensor([-1e4, 0.0, 1e4], requires_grad=True)
    y = tour.sigmoid(x) + F.softplus(x) + F.silu(x) + F.gelu(x) + F.mish(x) + F.elu(x) + F.logsigmoid(x)
    y.sum().backward()
    assert bool(x.grad.isfinite().all())


def every_op():
    """All ops of tour-tensor, also those of modules that nobody has named yet."""
    for module in pkgutil.walk_packages(tour.__path__, "tour."):
        if module.name.split(".")[1] in ("ops", "linalg", "fft", "special", "signal"):
            importlib.import_module(module.name)
    tour.ones(1, requires_grad=True)  # declares the rules
    return OPS


def test_every_op_has_a_rule_or_a_reason():
    ops = every_op()
    listed = frozenset().union(*NONDIFFERENTIABLE.values())
    ruled = {name for name, op in ops.items() if op.rule is not None}
    assert len(ruled) > 180
    assert not {n for n in ops if n not in ruled and n not in listed}, "neither a rule nor a reason"
    assert not {n for n in ruled if ops[n].rule.formulas[0].__name__ == "refuse"}, "a rule that only says it is missing"
    assert not listed - set(ops), "listed, but no op"
    assert not listed & ruled, "listed, but has a rule"


def test_every_tensor_that_an_op_takes_has_a_gradient_or_a_reason():
    """A rule that forgot an input would lose its gradient in silence."""
    for name, op in every_op().items():
        if op.rule is not None:
            without = {p for p in (*op.params[:1], *op.tensors) if p not in op.rule.inputs}
            assert without == ({"condition"} if name == "where" else set()), name
