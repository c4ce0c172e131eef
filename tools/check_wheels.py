"""Fail when a file is in more than one wheel: uninstalling one package would break another."""

from __future__ import annotations

import sys
import zipfile
from collections import defaultdict
from pathlib import Path


def main(folder: str) -> int:
    """Print files that several wheels ship; 1 if there are any."""
    owners: dict[str, list[str]] = defaultdict(list)
    for wheel in sorted(Path(folder).glob("*.whl")):
        for name in zipfile.ZipFile(wheel).namelist():
            if ".dist-info/" not in name:
                owners[name].append(wheel.name)
    shared = {name: wheels for name, wheels in owners.items() if len(wheels) > 1}
    for name, wheels in shared.items():
        print(f"{name} is in {', '.join(wheels)}")
    return bool(shared) or not owners


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
