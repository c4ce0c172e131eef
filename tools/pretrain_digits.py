"""Write `examples/data/small_digits.pt`: a network that PyTorch trained to read the digits 0 to 4.

python tools/pretrain_digits.py        (needs torch 2.13 and scikit-learn)
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from sklearn.datasets import load_digits

torch: Any = importlib.import_module("torch")
nn = torch.nn

OUT = Path(__file__).parents[1] / "examples/data/small_digits.pt"


def main() -> None:
    """Train and save."""
    torch.manual_seed(0)
    digits = load_digits()
    low = digits.target < 5
    x = torch.from_numpy(digits.images[low]).float().unsqueeze(1) / 16
    y = torch.from_numpy(digits.target[low])
    convolutions = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()]
    net = nn.Sequential(*convolutions, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 5))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(40):
        for batch in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
    print(f"{(net(x).argmax(1) == y).double().mean():.1%} of the digits it was trained on")
    OUT.parent.mkdir(exist_ok=True)
    torch.save(net.state_dict(), OUT)


if __name__ == "__main__":
    main()
