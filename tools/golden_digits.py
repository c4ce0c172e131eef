"""Store the loss curve of examples/digits.py under PyTorch 2.13.0, for tests/test_digits.py to hold tour's against.

python tools/golden_digits.py

The example runs unchanged: `import tour` finds PyTorch. Run it on an AMD CPU: on Intel's, PyTorch draws its dropout
masks from MKL's random numbers instead of its own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
SEED = 0


def main() -> None:
    """Train under PyTorch and write what each epoch gave."""
    sys.modules["tour"] = torch
    sys.path.insert(0, str(ROOT / "examples"))
    import digits

    _, _, history = digits.run(digits.EPOCHS, SEED)
    path = ROOT / "tests" / "data" / "digits_curve.json"
    path.parent.mkdir(exist_ok=True)
    golden = {"torch": torch.__version__, "seed": SEED, "loss": history.loss, "accuracy": history.accuracy}
    path.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(history.loss)} epochs, {history.accuracy[-1]:.1%} at the end")


if __name__ == "__main__":
    main()
