"""Record what PyTorch's elementwise functions give for special values, by dtype: `python tools/golden_elementwise.py`.

`t` is the framework: the tests evaluate the same expressions with tour. Each is stored with its result (dtype, shape, values), or
with the type of the exception that it raises.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SPECIAL = "[0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.5, 1e-3, 30.0, -90.0, float('inf'), -float('inf'), float('nan')]"
SMALL = "[0.25, -0.75, 0.5, -1.0, 2.0]"
INTEGERS = "[0, 1, -1, 2, 5, -7]"
COUNTS = "[0, 1, 2, 5, 200]"
COMPLEX = "[1 + 2j, -0.5 + 0.25j, 2 - 1j, -1 - 1j, 0.5j]"
MASK = "[True, False]"
INPUTS = {
    "float32": SPECIAL, "float64": SPECIAL, "bfloat16": SMALL, "float16": SMALL, "int64": INTEGERS, "int8": INTEGERS,
    "uint8": COUNTS, "bool": MASK, "complex64": COMPLEX,
}  # fmt: skip

UNARY = """abs acos acosh angle asin asinh atan atanh bitwise_not ceil conj_physical cos cosh deg2rad digamma erf erfc erfinv exp
exp2 expm1 floor frac imag isfinite isinf isnan isneginf isposinf isreal lgamma log log10 log1p log2 logical_not logit nan_to_num
neg positive rad2deg real reciprocal relu round rsqrt selu sgn sigmoid sign signbit sin sinc sinh sqrt square tan tanh trunc""".split()

BINARY = """add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign div eq float_power
floor_divide fmax fmin fmod gcd ge gt heaviside hypot lcm ldexp le logaddexp logaddexp2 logical_and logical_or logical_xor lt maximum
minimum mul ne nextafter pow remainder sub true_divide xlogy""".split()

PAIRS = {
    "float32": (
        "[0.0, 1.5, -2.0, float('inf'), float('nan'), 3.0, -0.0]",
        "[0.0, -0.5, 3.0, 2.0, 1.0, float('nan'), 1.0]",
    ),
    "float64": (
        "[0.0, 1.5, -2.0, float('inf'), float('nan'), 3.0, -0.0]",
        "[0.0, -0.5, 3.0, 2.0, 1.0, float('nan'), 1.0]",
    ),
    "bfloat16": ("[1.5, -2.0, 3.0, 0.25]", "[-0.5, 3.0, 2.0, 4.0]"),
    "int64": ("[7, -7, 2, -1, 0]", "[2, 3, -2, -3, 1]"),
    "int8": ("[7, -7, 2, -1, 100]", "[2, 3, -2, -3, 100]"),
    "uint8": ("[7, 200, 2]", "[2, 100, 3]"),
    "bool": ("[True, True, False]", "[True, False, False]"),
    "complex64": ("[1 + 2j, -1j]", "[0.5 - 1j, 2 + 0j]"),
}

EXPRESSIONS = """
t.add(t.tensor([1.0]), 2, alpha=0.5)
t.add(t.tensor([1, 2]), t.tensor([3, 4]), alpha=2)
t.add(t.tensor([1, 2]), t.tensor([3, 4]), alpha=0.5)
t.add(t.tensor([1.0]), t.tensor([2.0]), alpha=1j)
t.add(t.tensor([True]), t.tensor([True]), alpha=True)
t.add(2, 3)
t.sub(t.tensor([True]), t.tensor([True]))
1 - t.tensor([True])
t.tensor([True]) - 1
t.tensor([1]) - t.tensor([True])
t.rsub(t.tensor([1.0, 2.0]), 10, alpha=2)
t.rsub(2, t.tensor([1.0]))
t.positive(t.tensor([True]))
-t.tensor([True])
t.tensor([1, 2]) / 2
t.tensor([True, False]) / t.tensor([True, False])
t.tensor([7, -7]) // 2
t.tensor([7, -7]) // 2.0
-7 // t.tensor([2, 3])
t.tensor([7.5, -7.5]) // 2
t.tensor([7]) // 0
t.tensor([7]) % 0
t.fmod(t.tensor([7]), 0)
t.tensor([7.0, -7.0, 0.0]) // 0
t.tensor([7.0]) % 0
t.tensor([7, -7]) % -3
5 % t.tensor([3, -3])
t.div(t.tensor([7, -7]), 2, rounding_mode='trunc')
t.div(t.tensor([7, -7]), 2, rounding_mode='floor')
t.div(t.tensor([7.5, -7.5]), 2, rounding_mode='trunc')
t.div(t.tensor([7]), t.tensor([0]), rounding_mode='trunc')
t.div(t.tensor([7.0]), 2, rounding_mode='up')
t.tensor([True]) // t.tensor([True])
t.tensor([1, 2, 3]) ** 2
t.tensor([1, 2, 3]) ** 0
t.tensor([1, 2, 3]) ** -1
t.tensor([1, 2, 3]) ** 0.5
t.tensor([-1, 1, 2, 0]) ** t.tensor([-1, -3, -1, -1])
2 ** t.tensor([1, 2, 3])
2.5 ** t.tensor([1, 2])
t.tensor([1.0, -8.0]) ** (1 / 3)
t.tensor([4.0, -float('inf')]) ** 0.5
t.tensor([4.0, 0.25]) ** -0.5
t.tensor([2.0, -3.0]) ** 3
t.tensor([2.0, -3.0]) ** -2
t.tensor([2.0]) ** 1j
t.tensor([True, False]) ** 2
t.tensor([True]) ** t.tensor([True])
t.pow(t.tensor([1j]), 2)
t.square(t.tensor([True, False]))
t.float_power(t.tensor([1, 2]), 2)
t.float_power(t.tensor([1.0, 2.0]), 2j)
t.addcmul(t.tensor([1, 2]), t.tensor([3, 4]), t.tensor([5, 6]), value=2)
t.addcmul(t.tensor([1.0]), t.tensor([3]), t.tensor([[5.0], [6.0]]), value=0.5)
t.addcdiv(t.tensor([1.0]), t.tensor([3.0]), t.tensor([2.0]), value=2)
t.addcdiv(t.tensor([1]), t.tensor([3]), t.tensor([2]))
t.lerp(t.tensor([1.0, 2.0]), t.tensor([3.0, 6.0]), 0.75)
t.lerp(t.tensor([1.0, 2.0]), t.tensor([3.0, 6.0]), t.tensor([0.25, 0.75]))
t.lerp(t.tensor([1]), t.tensor([2]), 0.5)
t.lerp(t.tensor([1.0]), t.tensor([2.0], dtype=t.float64), 0.5)
t.round(t.tensor([0.5, 1.5, -2.5]))
t.round(t.tensor([123.456, -0.005]), decimals=2)
t.round(t.tensor([123.456]), decimals=-1)
t.round(t.tensor([1]), decimals=1)
t.frexp(t.tensor([1.0, 10.0, 0.0, -0.375]))
t.frexp(t.tensor([1]))
t.clamp(t.tensor([1, 5]), 2)
t.clamp(t.tensor([1, 5]), 1.5)
t.clamp(t.tensor([1.0, 5.0, float('nan')]), 2, 3)
t.clamp(t.tensor([1.0, 5.0]), 3, 2)
t.clamp(t.tensor([1.0, 5.0]), max=t.tensor([[2.0], [6.0]]))
t.clamp(t.tensor([1.0, 5.0]), t.tensor(2.0, dtype=t.float64))
t.clamp(t.tensor([1.0]))
t.clamp(t.tensor([1j]), 0)
t.clamp(t.tensor([True]), 0)
t.clamp_min(t.tensor([1, 5]), 2)
t.clamp_max(t.tensor([1.0, 5.0]), t.tensor([0.5, 9.0]))
t.tensor([1, 5]).clamp_(1.5)
t.maximum(t.tensor([1, 2]), 2)
t.maximum(t.tensor([1, 2]), t.tensor([1.5, 1.5]))
t.maximum(t.tensor([1j]), t.tensor([1j]))
t.nan_to_num(t.tensor([float('nan'), float('inf'), -float('inf'), 1.0]))
t.nan_to_num(t.tensor([float('nan'), float('inf')], dtype=t.bfloat16), nan=2.0, posinf=3.0)
t.nan_to_num(t.tensor([complex(float('nan'), 1.0)]))
t.heaviside(t.tensor([1.0]), t.tensor([1]))
t.isclose(t.tensor([1.0, 1.0, float('nan')]), t.tensor([1.0 + 1e-7, 1.1, float('nan')]))
t.isclose(t.tensor([float('nan'), float('inf')]), t.tensor([float('nan'), float('inf')]), equal_nan=True)
t.isclose(t.tensor([100]), t.tensor([101]), rtol=0.01)
t.isclose(t.tensor([1]), t.tensor([1.0]))
t.isclose(t.tensor([1.0]), t.tensor([1.0]), rtol=-1)
t.allclose(t.tensor([1.0]), t.tensor([1.0]))
t.equal(t.tensor([1.0]), t.tensor([[1.0]]))
t.equal(t.tensor([1]), t.tensor([1.0]))
t.tensor([1, 2]) == None
t.tensor([1, 2]) != 'x'
t.tensor([1, 2]) < 1.5
t.tensor([1j]) < t.tensor([1j])
t.tensor([200], dtype=t.uint8) == -56
t.where(t.tensor([True, False]), 1, 2)
t.where(t.tensor([True, False]), 1, 2.0)
t.where(t.tensor([True, False]), t.tensor([1, 2]), 2.5)
t.where(t.tensor([True, False]), 1j, t.tensor([1.0, 2.0]))
t.where(t.tensor([True, False]), t.tensor([1.0, 2.0], dtype=t.float64), t.tensor([1, 2]))
t.where(t.tensor([[True], [False]]), t.tensor([1.0, 2.0]), t.tensor(0.0, dtype=t.float64))
t.where(t.tensor([1, 0]), t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0]))
t.where(t.tensor([[1, 0], [0, 2]]) > 0)
t.tensor([6, 5]) & 3
3 | t.tensor([6, 5])
t.tensor([True, False]) ^ True
~t.tensor([0, 5, -1])
~t.tensor([True, False])
~t.tensor([1.0])
t.tensor([1]) & 1.5
t.tensor([1, 2]) << 3
t.tensor([-16, 16]) >> 2
t.tensor([1, -1]) >> 70
t.tensor([1]) << 64
2 << t.tensor([1, 2])
t.tensor([True]) << 1
t.logical_and(t.tensor([1.0, 0.0]), t.tensor([True, True]))
t.logical_xor(t.tensor([1.0]), 1)
t.complex(t.tensor([1.0]), t.tensor([2.0]))
t.complex(t.tensor([1.0]), t.tensor([2.0], dtype=t.float64))
t.complex(t.tensor([1]), t.tensor([2]))
t.polar(t.tensor([2.0]), t.tensor([1.0]))
t.view_as_real(t.tensor([1 + 2j]))
t.view_as_real(t.tensor([1.0]))
t.view_as_complex(t.tensor([[1.0, 2.0]]))
t.view_as_complex(t.tensor([1.0, 2.0, 3.0]))
t.tensor([1 + 2j]).imag.stride()
t.tensor([1 + 2j, 3j]).real
t.imag(t.tensor([1.0]))
t.isreal(t.tensor([1 + 0j, 1j]))
t.softmax(t.tensor([[1.0, 2.0], [3.0, 1000.0]]), 1)
t.softmax(t.tensor([1.0, -float('inf')]), 0)
t.softmax(t.tensor([1, 2]), 0)
t.softmax(t.tensor([1, 2]), 0, dtype=t.float64)
t.softmax(t.tensor(1.0), -1)
t.softmax(t.tensor([1.0]), 1)
t.log_softmax(t.tensor([[0.0, 1000.0]]), -1)
t.celu(t.tensor([-1.0, 2.0]), 2.0)
t.celu(t.tensor([-1.0]), 0.0)
t.threshold(t.tensor([-1, 2]), 0, 7)
t.prelu(t.tensor([[-1.0, -2.0], [3.0, -4.0]]), t.tensor([0.5, 0.25]))
t.prelu(t.tensor([-1.0]), t.tensor([0.5, 0.25]))
t.rrelu(t.tensor([-1.0, 2.0]))
t.hardshrink(t.tensor([-0.25, 0.75]))
t.relu(t.tensor([True]))
t.relu(t.tensor([-1, 2]))
t.selu(t.tensor([1]))
t.i0(t.tensor([0.0, 1.0, -90.0], dtype=t.float64))
t.polygamma(2, t.tensor([1.0, 2.5]))
t.polygamma(-1, t.tensor([1.0]))
t.mvlgamma(t.tensor([3.0, 2.5]), 2)
t.mvlgamma(t.tensor([3.0]), 0)
t.logit(t.tensor([0.0, 0.25, 1.0]), eps=0.125)
t.special.zeta(t.tensor([2.0]), 1)
t.special.xlog1py(0, t.tensor([-1.0, 2.0]))
t.special.chebyshev_polynomial_t(t.tensor([0.5, 2.0]), 3)
t.result_type(t.tensor([1], dtype=t.int8), 2.0)
t.exp('x')
t.exp(2.0)
t.add('x', t.tensor([1.0]))
t.mul(t.tensor([1.0, 2.0]), t.tensor([1.0, 2.0, 3.0]))
t.tensor([1.0]) + 'x'
t.tensor([1.0]) @ 2
t.tensor([1, 2]).add_(1.5)
t.tensor([1, 2]).div_(2)
t.tensor([1.0]).add_(t.tensor([1.0, 2.0]))
t.tensor([1.0, 2.0]).eq_(t.tensor([1.0, 1.0]))
t.tensor([1.0, 2.0]).logical_not_()
t.tensor([5, 7]).floor_divide_(2)
t.sin(t.tensor([1.0]), out=t.zeros(1, dtype=t.int64))
t.sin(t.tensor([0]), out=t.ones(1, dtype=t.float64))
""".strip().splitlines()


def expressions() -> Iterator[str]:
    """Everything that is recorded."""
    for name in UNARY:
        for dtype, values in INPUTS.items():
            yield f"t.{name}(t.tensor({values}, dtype=t.{dtype}))"
    for name in BINARY:
        for dtype, (a, b) in PAIRS.items():
            yield f"t.{name}(t.tensor({a}, dtype=t.{dtype}), t.tensor({b}, dtype=t.{dtype}))"
    yield from EXPRESSIONS


def answer(x: Any) -> Any:
    """A result as JSON: for a tensor its dtype, shape and values."""
    if hasattr(x, "dtype") and hasattr(x, "shape"):
        flat = x.reshape(-1)
        values = flat.float().tolist() if str(x.dtype).endswith("bfloat16") else flat.tolist()
        return [str(x.dtype).rpartition(".")[2], list(x.shape), [str(v).replace(" ", "") for v in values]]
    if isinstance(x, (list, tuple)):
        return [answer(y) for y in x]
    return x if isinstance(x, (bool, int, float)) else str(x).rpartition(".")[2]


def evaluated(expression: str, t: Any) -> Any:
    """The result of an expression, or the type of exception that it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return answer(eval(expression, {"t": t, "float": float, "complex": complex}))
        except Exception as error:
            return {"raises": type(error).__name__}


if __name__ == "__main__":
    import torch

    target = Path(__file__).parents[1] / "packages/tour-tensor/tests/golden/elementwise.json"
    rows = [f"{json.dumps(e)}: {json.dumps(evaluated(e, torch))}" for e in expressions()]
    target.write_text("{\n" + ",\n".join(rows) + "\n}\n")
