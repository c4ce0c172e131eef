"""Every module of torch.nn, over PyTorch's module database and a table of our own, in training and evaluation.

pytest tests/parity/test_modules.py -k "Conv2d"      one module
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

pytest.importorskip("torch")

from harness.database import spread
from harness.module_samples import SAMPLES
from harness.modules import DATABASE, check, from_database

pytestmark = pytest.mark.filterwarnings("ignore")

# What is known to differ, with the reason.
DIFFERENT: dict[str, str] = {
    "CrossMapLRN2d": "PyTorch's legacy layer, written in Python, forgets to take a channel out of its sliding sum",
}

# Factors on the tolerances of float64.
LOOSE: dict[str, float] = {
    "Hardsigmoid": 1e3,  # PyTorch's gradient multiplies by a sixth rounded to float32, also in float64
}


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", sorted({*DATABASE, *SAMPLES}))
def test_module(name: str, training: bool, limit: int) -> None:
    samples: list[Any] = list(from_database(name, training, 6 * limit)) if name in DATABASE else []
    samples += spread(list(SAMPLES[name]()), 8 * limit) if name in SAMPLES else []
    tolerance = LOOSE.get(name, 1.0)
    lines = (
        f"{s!r}: {line}" for i, s in enumerate(samples) for line in check(name, s, training, tolerance, i % 3 == 1)
    )
    found = list(islice(lines, 5))
    if name in DIFFERENT:
        assert found, f"{name} is listed as different ({DIFFERENT[name]}) but passes: take it off the list"
        pytest.xfail(DIFFERENT[name])
    if found:
        pytest.fail("\n".join(found), pytrace=False)
