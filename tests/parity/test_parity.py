"""Every public operator of PyTorch's database, one test for each check that applies to it.

pytest tests/parity                       all of them
pytest tests/parity -k "add-float64"      one check of one operator
python tests/parity/report.py add "linalg.*" --check gradient      what differs, briefly
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

pytest.importorskip("torch")

from expected import EXPECTED
from harness.checks import checks_of
from harness.database import OPERATORS, Missing, module_of

pytestmark = pytest.mark.filterwarnings("ignore")


def cases() -> list[Any]:
    """One parameter set for each operator and check."""
    return [
        pytest.param(name, check, run, id=f"{name}-{check.replace(' ', '_')}")
        for name, op in OPERATORS.items()
        for check, run in checks_of(op).items()
    ]


@pytest.mark.parametrize(("name", "check", "run"), cases())
def test_operator(name: str, check: str, run: Any, limit: int, record_property: Any) -> None:
    record_property("operator", name)
    record_property("module", module_of(OPERATORS[name]))
    record_property("check", check)
    try:
        lines = list(islice(run(limit), 3))
    except Missing as error:
        lines = [str(error)]
    reason = EXPECTED.get(f"{name}/{check}") or EXPECTED.get(name)
    record_property("found", "pass" if not lines else f"listed: {reason}" if reason else f"differs: {lines[0]}")
    if lines and reason:
        pytest.xfail(reason)
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)
    if f"{name}/{check}" in EXPECTED:
        pytest.fail(f"{name}/{check} is listed as different ({reason}) but passes: take it off the list", pytrace=False)


def test_list_names_operators() -> None:
    """Every entry of the list names an operator of the database, and a check that it has."""
    for entry in EXPECTED:
        name, _, check = entry.partition("/")
        assert name in OPERATORS, f"{name} is not an operator of the database"
        assert not check or check in checks_of(OPERATORS[name]), f"{name} has no check {check!r}"
