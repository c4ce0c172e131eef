"""Expressions whose answers PyTorch gave (`tools/golden_ops.py`): a test that asks for `expression` and `answer` gets each of its
module's `FAMILY`."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ANSWERS = json.loads((Path(__file__).parent / "golden" / "ops.json").read_text())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "expression" in metafunc.fixturenames:
        cases = ANSWERS[metafunc.module.FAMILY]
        metafunc.parametrize(("expression", "answer"), cases.items(), ids=list(cases))


def subjects(t: Any) -> dict[str, Any]:
    """What expressions may name: the framework, and tensors."""
    return {
        "t": t,
        "np": np,
        "x": t.arange(24.0).reshape(2, 3, 4),
        "a": t.tensor([]),
        "e": t.zeros(0, 3),
        "n": t.tensor([1.0, float("nan"), 3.0]),
        "s": t.tensor(2.0),
        "m": t.arange(12.0).reshape(3, 4).t(),
    }


def plain(x: Any) -> Any:
    """A result as the answers are stored."""
    if hasattr(x, "dtype") and hasattr(x, "shape"):
        return {"dtype": x.dtype.name, "shape": list(x.shape), "values": [str(v) for v in x.reshape(-1).tolist()]}
    if type(x).__name__ == "dtype":
        return x.name
    return [plain(y) for y in x] if isinstance(x, (list, tuple)) else x


def close(got: Any, wanted: Any) -> bool:
    """Whether a result is the stored answer; numbers within float32's rounding."""
    if isinstance(wanted, dict):
        return (got["dtype"], got["shape"]) == (wanted["dtype"], wanted["shape"]) and all(
            a == b or complex(a) == pytest.approx(complex(b), rel=1e-5, abs=1e-6)
            for a, b in zip(got["values"], wanted["values"], strict=True)
        )
    if isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(close, got, wanted))
    return got == wanted


@pytest.fixture
def agrees() -> Any:
    """A check that an expression gives PyTorch's answer, or raises its type of exception."""
    import tour

    def check(expression: str, answer: Any) -> None:
        def run() -> Any:
            *statements, last = expression.split("; ")
            names = subjects(tour)
            for statement in statements:
                exec(statement, names)
            return eval(last, names)

        if isinstance(answer, dict) and "raises" in answer:
            with pytest.raises(getattr(builtins, answer["raises"])):
                run()
        else:
            got = plain(run())
            assert close(got, answer), f"{expression} gives {got}, not {answer}"

    return check
