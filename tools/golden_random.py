"""Write `packages/tour-tensor/tests/golden/random.json`: what PyTorch 2.13 draws on a CPU for some hundred calls.

    python tools/golden_random.py        (needs torch 2.13 and NumPy)

A case is a seed and calls made one after the other, as text that means the same for tour: `tour.rand(17)`. For each result it
holds dtype, shape, strides, some of the numbers as hexadecimal bytes, and, where every bit must agree, a digest of all; at the
end a digest of the generator's state, without the kept normal (8 bytes), which may differ in its last bit.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

torch: Any = importlib.import_module("torch")
GOLDEN = Path(__file__).parents[1] / "packages/tour-tensor/tests/golden/random.json"
SIZES = [0, 1, 2, 15, 16, 17, 32, 33, 623, 624, 625, 1000, 100_000]
FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTEGERS = ["int64", "int32", "int16", "int8", "uint8", "bool"]
KEPT_NORMAL = slice(5024, 5032)  # in the state

Case = dict[str, Any]

# Each is tried with every size N and seed; D stands for the dtypes listed, which default to float32.
BY_SIZE: list[tuple[str, list[str]]] = [
    ("tour.rand(N, dtype=D)", FLOATS),
    ("tour.randn(N, dtype=D)", FLOATS),
    ("tour.zeros(N, dtype=D).uniform_(-0.3, 0.7)", FLOATS),
    ("tour.zeros(N, dtype=D).normal_(0.3, 1.7)", FLOATS),
    ("tour.zeros(2 * N, dtype=D)[::2].normal_(-2, 0.7)", ["float32", "bfloat16"]),
    ("tour.randint(-5, 100, (N,))", [""]),
    ("tour.randint(0, 2**28 - 1, (N,))", [""]),
    ("tour.randint(-7, 2**28, (N,))", [""]),
    ("tour.randint(-3, 2**40, (N,))", [""]),
    ("tour.zeros(N, dtype=D).random_()", [*FLOATS, *INTEGERS]),
    ("tour.randperm(N)", [""]),
    ("tour.zeros(N, dtype=D).bernoulli_(0.3)", ["float32", "int64", "bool"]),
    ("tour.bernoulli(tour.rand(N, dtype=D))", FLOATS),
    ("tour.zeros(N, dtype=D).exponential_(1.5)", ["float32", "float64", "bfloat16"]),
    ("tour.zeros(N, dtype=D).cauchy_(0.5, 2)", ["float32", "float64"]),
    ("tour.zeros(N, dtype=D).log_normal_(0.2, 1.1)", ["float32", "float64", "float16"]),
    ("tour.zeros(N, dtype=D).geometric_(0.2)", ["float32", "int64"]),
    ("tour.multinomial(tour.arange(1.0, 8.0), N + 1, True)", [""]),
    ("tour.poisson(tour.rand(N % 2000) * 30)", [""]),
    ("tour.binomial(tour.full((N % 2000,), 40.0), tour.rand(N % 2000))", [""]),
]

ONCE = """
tour.rand(3, 4).t().contiguous() | tour.zeros(3, 4).t().uniform_() | tour.zeros(2, 3, 2).permute(1, 0, 2).uniform_()
tour.zeros(4, 6)[:, ::2].uniform_() | tour.rand_like(tour.zeros(3, 4).t()) | tour.randn_like(tour.zeros(5, 4).t())
tour.rand(5, dtype=tour.complex64) | tour.randn(20, dtype=tour.complex64) | tour.randn(3, dtype=tour.complex128)
tour.zeros(2, 3, dtype=tour.complex64).t().uniform_(1, 2) | tour.zeros(4, 6, dtype=tour.complex64)[:, ::2].normal_(1, 2)
tour.zeros(1000).uniform_(1, 1 + 2**-20) | tour.zeros(1000, dtype=tour.float64).uniform_(1, 1 + 2**-50)
tour.zeros(1000, dtype=tour.bfloat16).uniform_() | tour.zeros(40, dtype=tour.float16).uniform_(-1, 3)
tour.zeros(40, dtype=tour.float64).uniform_(-1 / 3, 1e-3) | tour.zeros(40, dtype=tour.float64).uniform_(2, 2)
tour.randint(2**24 - 9, 2**26, (20,), dtype=tour.float32) | tour.randint(-3001, 2999, (20,), dtype=tour.float16)
tour.randint(257, 262, (20,), dtype=tour.bfloat16) | tour.randint(0, 2**60, (9,), dtype=tour.float64)
tour.randint(0, 2, (9,), dtype=tour.bool) | tour.randint(0, 256, (9,), dtype=tour.uint8)
tour.randint(-128, 128, (9,), dtype=tour.int8) | tour.randint(-2**31, 2**31, (9,), dtype=tour.int32)
tour.randint(0, 2**16, (9,), dtype=tour.uint16) | tour.randint(0, 2**32, (9,), dtype=tour.uint32)
tour.randint(-2**63, 2**63 - 1, (9,)) | tour.zeros(9, dtype=tour.int64).random_(-2**63, None)
tour.zeros(9).random_(-2**63, None) | tour.zeros(9, dtype=tour.bfloat16).random_(-1001, None)
tour.zeros(9, dtype=tour.int8).random_(120, None) | tour.zeros(9, dtype=tour.float64).random_(-5, None)
tour.zeros(3, 2, dtype=tour.int64).t().random_(100) | tour.randint_like(tour.zeros(3, 2).t(), 2, 10)
tour.randperm(2000, dtype=tour.int32) | tour.randperm(2049, dtype=tour.float16) | tour.randperm(256, dtype=tour.uint8)
tour.randperm(1001) | tour.randperm(1002) | tour.randperm(1100) | tour.randperm(30000)
tour.normal(tour.arange(0.0, 20.0), 2.5) | tour.normal(1.5, tour.arange(0.0, 20.0)) | tour.normal(2.0, 3.0, (4, 5))
tour.normal(tour.arange(0.0, 3.0), tour.ones(2, 1)) | tour.normal(tour.zeros(3, dtype=tour.complex64), 2.0)
tour.zeros(3, 2).t().bernoulli_(tour.rand(2, 3)) | tour.zeros(2, 3).bernoulli_(tour.tensor([0.0, 0.5, 1.0]))
tour.bernoulli(tour.rand(3, 4).t()) | tour.bernoulli(tour.zeros(9, dtype=tour.int64), 0.5)
tour.multinomial(tour.rand(30), 20) | tour.multinomial(tour.rand(30), 1) | tour.multinomial(tour.rand(30), 1, True)
tour.multinomial(tour.rand(50, 9), 3, True) | tour.multinomial(tour.rand(3, 9), 40, True)
tour.multinomial(tour.rand(30, 5).t(), 3) | tour.multinomial(tour.rand(30, 5).t(), 4, True)
tour.multinomial(tour.rand(5, 9, dtype=tour.float64), 9) | tour.multinomial(tour.rand(40, dtype=tour.bfloat16), 9, True)
tour.poisson(tour.rand(30, dtype=tour.float64) * 5) | tour.poisson(tour.rand(3, 4).t() * 200)
tour.poisson(tour.tensor([0.0, 1e-3, 9.99, 10.0, 1e4, 1e10])) | tour.poisson(tour.full((20,), 30.0, dtype=tour.float16))
tour.binomial(tour.full((50,), 999.0, dtype=tour.float64), tour.rand(50, dtype=tour.float64))
tour.binomial(tour.arange(-1.0, 30.0), tour.full((31,), 0.9)) | tour.binomial(tour.full((4,), 2.5), tour.arange(0.0, 2.0, 0.5))
"""

SINGLE = [  # what sequences are made of
    *("tour.rand(K)", "tour.randn(K)", "tour.randn(K, dtype=tour.float64)", "tour.rand(K, dtype=tour.float64)"),
    *("tour.randint(0, 9, (K,))", "tour.randint(0, 2**35, (K,))", "tour.randperm(K)", "tour.zeros(K).bernoulli_(0.7)"),
    *("tour.zeros(K).log_normal_()", "tour.zeros(K).exponential_()", "tour.multinomial(tour.ones(5), K + 1, True)"),
    *("tour.poisson(tour.full((K % 100,), 4.0))", "tour.zeros(K, dtype=tour.int64).random_()"),
    *("tour.randn(K, dtype=tour.bfloat16)", "tour.zeros(2 * K)[::2].normal_()"),
    "tour.binomial(tour.full((K % 100,), 9.0), tour.full((K % 100,), 0.5))",
]


def is_exact(call: str, dtype: Any) -> bool:
    """Whether tour must agree in every bit: not where the result shows the last bit of a float64 logarithm or cosine."""
    smooth = any(name in call for name in ("randn", "normal", "exponential", "cauchy"))
    return not (smooth and dtype in (torch.float64, torch.complex128))


def as_bytes(t: Any) -> Any:
    """The bytes of each element, in the order of the indices."""
    flat = torch.empty(t.numel(), dtype=t.dtype).copy_(t.reshape(-1))
    return flat.view(torch.uint8).reshape(t.numel(), -1).numpy() if t.numel() else np.empty((0, 1), np.uint8)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def shown(n: int) -> list[int]:
    """Which of n numbers are stored: all of few, or the first and the last."""
    return list(range(n)) if n <= 24 else [*range(5), *range(n - 10, n)]


def draw(call: str) -> Case:
    """Make one call with PyTorch and note what it gave."""
    t = eval(call, {"tour": torch})
    data = as_bytes(t)
    case: Case = {
        "call": call,
        "dtype": str(t.dtype).removeprefix("torch."),
        "shape": list(t.shape),
        "strides": list(t.stride()),
        "numbers": data[shown(t.numel())].tobytes().hex(),
    }
    return {**case, "digest": digest(data.tobytes())} if is_exact(call, t.dtype) else case


def sequence(seed: int, calls: list[str]) -> Case:
    torch.manual_seed(seed)
    drawn = [draw(call) for call in calls]
    state = torch.get_rng_state().numpy().copy()
    state[KEPT_NORMAL] = 0
    return {"seed": seed, "draws": drawn, "state": digest(state.tobytes())}


def cases() -> Iterator[Case]:
    for text, dtypes in BY_SIZE:
        for dtype in dtypes:
            for i, n in enumerate(SIZES):
                call = text.replace("N", str(n)).replace("D", f"tour.{dtype}")
                yield sequence([0, 1, 42, 2**32 - 1, 2**40 + 3][i % 5], [call])
    for call in ONCE.replace("\n", "|").split("|"):
        if call.strip():
            yield sequence(7, [call.strip()])
    dice = random.Random(213)
    for _ in range(40):
        sizes = [dice.choice([1, 2, 3, 7, 15, 16, 17, 40, 313, 624, 1100]) for _ in range(dice.randrange(2, 9))]
        calls = [dice.choice(SINGLE).replace("K", str(k)) for k in sizes]
        yield sequence(dice.choice([0, dice.randrange(2**32), dice.randrange(2**64)]), calls)


def main() -> None:
    torch.set_num_threads(1)
    found = list(cases())
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in found) + "\n]\n")
    print(f"{len(found)} cases, torch {torch.__version__}, {GOLDEN.stat().st_size} bytes")


if __name__ == "__main__":
    main()
