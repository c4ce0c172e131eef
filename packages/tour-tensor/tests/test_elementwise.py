"""Elementwise ops: the function is the method, the in-place method, the `out=` form and the operator; and NumPy's results."""

import operator

import numpy as np
import pytest

import tour
from tour import _kernels
from tour.ops import activations

rng = np.random.default_rng(0)
POSITIVE = rng.uniform(0.1, 0.9, (3, 4)).astype(np.float32)
SIGNED = rng.normal(size=(3, 4)).astype(np.float32)

UNARY = {  # name: NumPy's function of a float array, and numbers in its domain
    "abs": (np.abs, SIGNED), "acos": (np.arccos, POSITIVE), "acosh": (np.arccosh, POSITIVE + 1), "asin": (np.arcsin, POSITIVE),
    "asinh": (np.arcsinh, SIGNED), "atan": (np.arctan, SIGNED), "atanh": (np.arctanh, POSITIVE), "ceil": (np.ceil, SIGNED),
    "cos": (np.cos, SIGNED), "cosh": (np.cosh, SIGNED), "deg2rad": (np.deg2rad, SIGNED), "exp": (np.exp, SIGNED),
    "exp2": (np.exp2, SIGNED), "expm1": (np.expm1, SIGNED), "floor": (np.floor, SIGNED), "frac": (lambda a: np.modf(a)[0], SIGNED),
    "log": (np.log, POSITIVE), "log10": (np.log10, POSITIVE), "log1p": (np.log1p, POSITIVE), "log2": (np.log2, POSITIVE),
    "nan_to_num": (np.nan_to_num, SIGNED), "neg": (np.negative, SIGNED), "rad2deg": (np.rad2deg, SIGNED),
    "reciprocal": (np.reciprocal, SIGNED), "relu": (lambda a: np.where(a > 0, a, 0), SIGNED), "round": (np.rint, SIGNED),
    "rsqrt": (lambda a: 1 / np.sqrt(a), POSITIVE), "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), SIGNED), "sign": (np.sign, SIGNED),
    "sin": (np.sin, SIGNED), "sinc": (np.sinc, SIGNED), "sinh": (np.sinh, SIGNED), "sqrt": (np.sqrt, POSITIVE),
    "square": (np.square, SIGNED), "tan": (np.tan, SIGNED), "tanh": (np.tanh, SIGNED), "trunc": (np.trunc, SIGNED),
}  # fmt: skip

BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "floor_divide": np.floor_divide, "fmod": np.fmod,
    "remainder": np.remainder, "copysign": np.copysign, "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal, "atan2": np.arctan2, "hypot": np.hypot, "logical_and": np.logical_and,
    "logical_or": np.logical_or, "logical_xor": np.logical_xor, "nextafter": np.nextafter, "heaviside": np.heaviside,
}  # fmt: skip
ALIASES = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan", "arctan2": "atan2",
    "arctanh": "atanh", "clip": "clamp", "divide": "div", "fix": "trunc", "greater": "gt", "greater_equal": "ge", "less": "lt",
    "less_equal": "le", "multiply": "mul", "negative": "neg", "not_equal": "ne", "subtract": "sub",
}  # fmt: skip


def same(t, array, **tolerance):
    assert t.shape == array.shape
    np.testing.assert_allclose(t.numpy(), array, **({"rtol": 1e-5, "atol": 1e-6} | tolerance))


@pytest.mark.parametrize("name", UNARY)
def test_unary_forms(name):
    ufunc, a = UNARY[name]
    function, want = getattr(tour, name), ufunc(a)
    same(function(tour.tensor(a)), want)
    same(function(a), want)  # an array is welcome
    same(getattr(tour.tensor(a), name)(), want)
    target = tour.tensor(a)
    assert getattr(target, f"{name}_")() is target
    same(target, want)
    if name != "relu":
        out = tour.empty(0)
        assert function(tour.tensor(a), out=out) is out
        same(out, want)
    same(function(tour.tensor(a[:, ::2].T)), want[:, ::2].T)
    assert function(tour.tensor(a[0, 0])).shape == ()
    assert function(tour.zeros(0, 3)).shape == (0, 3)


@pytest.mark.parametrize("name", BINARY)
def test_binary_forms(name):
    function, a, b = getattr(tour, name), SIGNED, POSITIVE[:1]
    want = BINARY[name](a, b)
    x, y = tour.tensor(a), tour.tensor(b)
    same(function(x, y), want)
    same(getattr(x, name)(y), want)
    target = tour.tensor(a)
    assert getattr(target, f"{name}_")(y) is target
    same(target, want.astype(np.float32))
    out = tour.empty(0, dtype=function(x, y).dtype)
    assert function(x, y, out=out) is out
    same(out, want)


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases(alias):
    name = ALIASES[alias]
    assert getattr(tour, alias) is getattr(tour, name)
    assert getattr(tour.Tensor, alias) is getattr(tour.Tensor, name)


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin", "logaddexp", "logaddexp2"])
def test_extremes_of_two(name):
    a, b = SIGNED.copy(), -SIGNED
    a[0, 0] = b[1, 1] = np.nan
    with np.errstate(invalid="ignore"):
        want = getattr(np, name)(a, b)
    same(getattr(tour, name)(tour.tensor(a), tour.tensor(b)), want)


OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow, operator.lt, operator.le,
    operator.gt, operator.ge, operator.eq, operator.ne, divmod,
]  # fmt: skip


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
def test_operators_with_numbers_and_arrays(op):
    a = POSITIVE + 1
    for other in (2, 2.5, a[:1]):
        for got, want in ((op(tour.tensor(a), other), op(a, other)), (op(other, tour.tensor(a)), op(other, a))):
            for g, w in zip(*((got, want) if isinstance(got, tuple) else ((got,), (want,))), strict=True):
                assert isinstance(g, tour.Tensor)
                same(g, w)


@pytest.mark.parametrize(
    "op", [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift], ids=lambda op: op.__name__
)
def test_bit_operators(op):
    a, b = np.array([6, 5, -3]), np.array([1, 2, 3])
    same(op(tour.tensor(a), tour.tensor(b)), op(a, b))
    same(op(tour.tensor(a), 2), op(a, 2))
    same(op(2, tour.tensor(b)), op(2, b))


@pytest.mark.parametrize(
    "op",
    [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv, operator.imod, operator.ipow],
)
def test_in_place_operators(op):
    a = POSITIVE + 1
    x = tour.tensor(a)
    alias = x
    x = op(x, 2.5)
    assert x is alias
    same(x, op(a.copy(), np.float32(2.5)))


class Foreign:
    """A type that tour does not know, with operators of its own."""

    def __radd__(self, other):
        return "radd"

    __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rand__ = __rlshift__ = __radd__
    __gt__ = __radd__


def test_operators_give_way_to_foreign_types():
    x = tour.tensor([1])
    for op in (
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
        operator.floordiv,
        operator.mod,
        operator.pow,
    ):
        assert op(x, Foreign()) == "radd"
        with pytest.raises(TypeError, match="unsupported operand"):
            op(x, object())
    assert (x & Foreign(), x << Foreign(), x < Foreign()) == ("radd", "radd", "radd")
    assert (x == "text") is False
    assert (x != "text") is True
    with pytest.raises(TypeError):
        x += object()


# --- dtypes -----------------------------------------------------------------------------------------------------------------

UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]


@pytest.mark.parametrize("dtype", [*UNSIGNED, "int8", "int16", "int32", "int64"])
def test_integers_stay_exact(dtype):
    big = np.iinfo(dtype).max
    a = np.array([big, 3, 7], dtype)
    x = tour.tensor(a)
    assert (x - 1).tolist() == [big - 1, 2, 6]
    assert (x // 2).tolist() == [big // 2, 1, 3]
    assert (x % 4).tolist() == [big % 4, 3, 3]
    assert tour.square(x).tolist() == np.square(a).tolist()  # wraps
    assert (x & 5).tolist() == (a & 5).tolist()
    assert tour.maximum(x, tour.tensor(a[::-1].copy())).tolist() == np.maximum(a, a[::-1]).tolist()
    assert x.clamp(2, 5).tolist() == [5, 3, 5]
    assert tour.sign(x).tolist() == [1, 1, 1]
    assert {t.dtype for t in (x - 1, x // 2, x % 4, x**2, -x, tour.floor(x), x.clamp(2, 5), tour.sign(x), x << 1)} == {
        x.dtype
    }
    assert (x / 2).dtype is tour.exp(x).dtype is tour.float32


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_rounded_once(dtype):
    d = getattr(tour, dtype)
    x = tour.tensor(SIGNED).to(d)
    wide = x.float()
    for f in (
        tour.exp,
        tour.sigmoid,
        tour.erf,
        tour.tanh,
        lambda t: t.abs().rsqrt(),
        lambda t: t.addcmul(t, t, value=0.3),
    ):
        assert f(x).dtype is d
        same(f(x).float(), f(wide).to(d).float().numpy(), rtol=8e-3)


@pytest.mark.parametrize(("name", "dtype"), [("neg", "bool"), ("floor", "complex64"), ("sign", "complex64"), ("bitwise_not", "float32"),
                                             ("erf", "complex64"), ("frac", "int64"), ("ceil", "bool"), ("relu", "bool")])  # fmt: skip
def test_refused_dtypes(name, dtype):
    with pytest.raises(RuntimeError, match=f'"{name}" is not implemented for {dtype}'):
        getattr(tour, name)(tour.ones(2, dtype=getattr(tour, dtype)))


def test_warnings_turned_into_errors_stay_silent():
    """The test settings turn every warning into an error."""
    assert tour.isinf(tour.tensor([1.0]) / 0).all()
    assert tour.isneginf(tour.tensor([0.0]).log_()).all()
    assert tour.isnan(tour.tensor([-1.0]).sqrt()).all()
    assert (tour.tensor([300.0]).exp()).isinf().all()


# --- A failed call changes nothing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.add_(tour.ones(2, 3)),
        lambda x: x.add_(1j),
        lambda x: x.mul_(tour.ones(4)),
        lambda x: x.bitwise_and_(1),
        lambda x: x.clamp_(),
        lambda x: x.copysign_("a"),
        lambda x: tour.exp(tour.ones(3), out=x[:0].to(tour.int64)),
    ],
)
def test_failed_writes_leave_the_tensor(call):
    x = tour.tensor([1.0, 2.0, 3.0])
    with pytest.raises((RuntimeError, TypeError)):
        call(x)
    assert x.tolist() == [1.0, 2.0, 3.0]


def test_integers_refuse_fractions_in_place():
    x = tour.tensor([1, 2])
    for call in (lambda: x.add_(1.5), lambda: x.div_(2), lambda: x.sin_()):
        with pytest.raises(RuntimeError, match="can't be cast"):
            call()
    assert x.tolist() == [1, 2]


def test_broadcast_error_names_both_shapes():
    with pytest.raises(
        RuntimeError, match=r"size of tensor a \(2\) must match the size of tensor b \(3\).*\[2\] and \[3\]"
    ):
        tour.ones(2) * tour.ones(3)


# --- Complex numbers ------------------------------------------------------------------------------------------------------------


def test_complex_parts_are_views():
    z = tour.tensor([1 + 2j, 3 + 4j])
    z.real[0] = 9
    z.imag = tour.tensor([5.0, 6.0])
    tour.view_as_real(z)[1, 0] = 7
    assert z.tolist() == [9 + 5j, 7 + 6j]
    pairs = tour.zeros(2, 2)
    tour.view_as_complex(pairs)[0] = 1 + 2j
    assert pairs.tolist() == [[1.0, 2.0], [0.0, 0.0]]


# --- Kernels --------------------------------------------------------------------------------------------------------------------

LONG = 3 * _kernels.BLOCK + 17


def layouts(a):
    """The same elements in other memory layouts."""
    square = a[: 200 * 200].reshape(200, 200)
    yield a
    yield square.T
    yield a[::-2]
    yield np.broadcast_to(a[:300], (200, 300))
    yield np.broadcast_to(a[:300, None, None], (300, 20, 40)).transpose(2, 0, 1)


KERNELS = {
    "relu": lambda a: np.where(a > 0, a, 0), "sigmoid": lambda a: 1 / (1 + np.exp(-a)), "silu": lambda a: a / (1 + np.exp(-a)),
    "softplus": lambda a: np.log1p(np.exp(a)), "mish": lambda a: a * np.tanh(np.log1p(np.exp(a))),
    "hardswish": lambda a: a * np.clip(a + 3, 0, 6) / 6,
    "elu": lambda a: np.where(a > 0, a, np.expm1(a)), "leaky_relu": lambda a: np.where(a > 0, a, a * 0.01),
    "logsigmoid": lambda a: -np.log1p(np.exp(-a)), "softshrink": lambda a: np.sign(a) * np.maximum(np.abs(a) - 0.5, 0),
    "hardshrink": lambda a: np.where(np.abs(a) > 0.5, a, 0), "hardsigmoid": lambda a: np.clip(a + 3, 0, 6) / 6,
    "relu6": lambda a: np.clip(a, 0, 6), "tanhshrink": lambda a: a - np.tanh(a), "softsign": lambda a: a / (1 + np.abs(a)),
}  # fmt: skip


@pytest.mark.parametrize("name", KERNELS)
def test_activations_in_any_layout(name):
    function = getattr(activations, name, None) or getattr(tour, name)
    a = 3 * rng.normal(size=LONG)
    for x in layouts(a):
        same(function(tour._core.wrap(x)), KERNELS[name](x), rtol=1e-9, atol=1e-12)
    single = tour.tensor(a[:100].astype(np.float32))
    same(function(single), KERNELS[name](a[:100]), atol=1e-5)
    assert function(single.bfloat16()).dtype is tour.bfloat16
    assert function(tour.tensor(0.5)).shape == ()
    assert bool(function(tour.tensor([float("nan")])).isnan())


def test_gelu():
    x = tour.linspace(-6, 6, 101, dtype=tour.float64)
    exact = x * (1 + tour.erf(x / 2**0.5)) / 2
    same(activations.gelu(x), exact.numpy(), rtol=1e-12)
    same(activations.gelu(x, approximate="tanh"), exact.numpy(), atol=5e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool", "float16"])
@pytest.mark.parametrize("n", [7, LONG])
def test_where_chooses_exactly(dtype, n):
    a, b, mask = (rng.normal(size=n) * 100).astype(dtype), (rng.normal(size=n) * 100).astype(dtype), rng.random(n) < 0.5
    if dtype.startswith("float"):
        a[0], b[1] = np.nan, np.inf
    got = tour.where(tour.tensor(mask), tour.tensor(a), tour.tensor(b))
    np.testing.assert_array_equal(got.numpy(), np.where(mask, a, b))
    np.testing.assert_array_equal(_kernels.keep(a, mask), np.where(mask, a, np.zeros_like(a)))


def test_softmax_adds_up_to_one():
    a = 50 * rng.normal(size=(5, 7, 3))
    for dim in (0, 1, -1):
        p = tour.softmax(tour.tensor(a), dim)
        same(p.sum(dim), np.ones(p.sum(dim).shape))
        same(tour.log_softmax(tour.tensor(a), dim).exp(), p.numpy())
    assert tour.softmax(tour.zeros(3, 0), 1).shape == (3, 0)
    with pytest.raises(IndexError):
        tour.softmax(tour.zeros(3), 1)


def test_the_second_input_may_be_named():
    x = tour.tensor([1.0, 2.0])
    assert tour.pow(x, exponent=2).tolist() == [1.0, 4.0]
    assert tour.add(input=x, other=x).tolist() == [2.0, 4.0]
    assert tour.special.chebyshev_polynomial_t(x, n=tour.tensor([1, 2])).tolist() == [1.0, 7.0]
    with pytest.raises(TypeError, match="othre"):
        tour.sub(x, othre=x)


@pytest.mark.parametrize("size", [5, 300, 40_000])
def test_bounds_hold_at_every_size(size):
    a = rng.normal(size=size).astype(np.float32)
    a[::7] = np.nan
    x = tour.tensor(a)
    for low, high in ((-0.5, 0.5), (None, 0.5), (-0.5, None), (0.5, -0.5)):
        same(x.clamp(low, high), np.clip(a, low, high))
    same(tour.relu(x), np.maximum(a, 0))
    same(tour.tensor(a.reshape(5, -1).T).clamp(-1, 1), np.clip(a.reshape(5, -1).T, -1, 1))


@pytest.mark.parametrize("dtype", [tour.bool, tour.int64, tour.uint8, tour.float32, tour.bfloat16, tour.complex64])
def test_booleans_are_not_subtracted(dtype):
    x = tour.ones(2, dtype=dtype)
    for difference in (
        lambda: x - True, lambda: True - x, lambda: tour.sub(x, True), lambda: tour.rsub(x, True), lambda: x.sub_(False),
        lambda: x - tour.ones(2, dtype=tour.bool),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match=r"is not (supported|implemented)"):
            difference()
    assert x.tolist() == [1, 1]
