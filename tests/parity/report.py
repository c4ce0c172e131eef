"""What of the named operators differs from PyTorch, briefly.

python tests/parity/report.py add mul --check float64
python tests/parity/report.py "special.*" --samples 20
python tests/parity/report.py "*" --count
"""

from __future__ import annotations

import argparse
import sys
import warnings
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from expected import EXPECTED
from harness.checks import checks_of, values
from harness.database import OPERATORS, Missing


def main() -> int:
    """Print the differences; the exit status says whether there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="operators, as the database names them; * and ? are wildcards")
    parser.add_argument(
        "--check", "--dtype", action="append", help="only this check: float32, forms, errors, gradient, …"
    )
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--lines", type=int, default=3, help="lines per check")
    parser.add_argument(
        "--reference", action="store_true", help="the database's larger set of samples, for dtype checks"
    )
    parser.add_argument("--count", action="store_true", help="only count")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    good = bad = 0
    for name, op in OPERATORS.items():
        if not any(name == n or op.name == n or fnmatch(name, n) for n in given.names):
            continue
        failed = []
        for check, run in checks_of(op).items():
            if given.check and check not in given.check:
                continue
            try:
                wide = (
                    given.reference
                    and check not in ("forms", "errors")
                    and "gradient" not in check
                    and "order" not in check
                )
                lines = list(
                    islice(values(op, check, given.samples, True) if wide else run(given.samples), given.lines)
                )
            except Missing as error:
                lines = [str(error)]
            if lines:
                failed.append((check, lines))
        good, bad = good + (not failed), bad + bool(failed)
        for check, lines in failed if not given.count else ():
            listed = " (listed)" if name in EXPECTED or f"{name}/{check}" in EXPECTED else ""
            print(f"{name} {check}{listed}", *lines, sep="\n    ")
    print(f"{good} of {good + bad} operators pass")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
