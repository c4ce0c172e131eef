"""Store the loss curves of tests/models.py under PyTorch 2.13.0, for tests/test_models.py to hold tour's against.

python tools/golden_models.py

The models run unchanged: `import tour` finds PyTorch.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Train each model under PyTorch and write the loss of every step."""
    sys.modules["tour"] = torch
    sys.path.insert(0, str(ROOT / "tests"))
    models = import_module("models")

    golden = {"torch": torch.__version__, **{name: models.curve(name) for name in models.TRAININGS}}
    path = ROOT / "tests" / "data" / "model_curves.json"
    path.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")
    print(
        f"{path.relative_to(ROOT)}: {', '.join(f'{k} ends at {v[-1]:.4f}' for k, v in golden.items() if k != 'torch')}"
    )


if __name__ == "__main__":
    main()
