"""Fail when two wheels ship the same file.

pip removes a file with the first of its owners, so a shared `tour/__init__.py` would break every other package on
`pip uninstall`.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from zipfile import ZipFile


def shared_files(wheels: list[Path]) -> dict[str, list[str]]:
    """Map each file that several wheels ship to those wheels."""
    owners: dict[str, list[str]] = defaultdict(list)
    for wheel in wheels:
        for name in ZipFile(wheel).namelist():
            owners[name].append(wheel.name)
    return {name: found for name, found in owners.items() if len(found) > 1}


def main() -> int:
    """Check the wheels in the folder named on the command line."""
    wheels = sorted(Path(sys.argv[1]).glob("*.whl"))
    shared = shared_files(wheels)
    for name, found in shared.items():
        print(f"{name} is in {' and '.join(found)}")
    print(f"{len(wheels)} wheels, {len(shared)} shared files")
    return bool(shared) or not wheels


if __name__ == "__main__":
    sys.exit(main())
