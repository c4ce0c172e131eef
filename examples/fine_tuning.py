"""A network that PyTorch trained goes on learning here, from its `.pt` file, without PyTorch.

`data/small_digits.pt` holds the state dict of a convolutional network that PyTorch trained on the digits 0 to 4
(tools/pretrain_digits.py). Its convolutions know strokes already; with a new last layer it learns 5 to 9 from twenty examples, in a
fraction of the epochs that a network takes which starts from nothing.
"""

from __future__ import annotations

from pathlib import Path

from common import BLUE, ORANGE, Parser, picture
from sklearn.datasets import load_digits
from tqdm import trange

import tour
from tour import nn, optim
from tour.nn import functional as F
from tour.utils.data import DataLoader, TensorDataset, random_split

WEIGHTS = Path(__file__).parent / "data" / "small_digits.pt"
EXAMPLES = 20
EARLY = 8  # epochs


def network() -> nn.Sequential:
    """The layers, and so the names in the state dict, that PyTorch's network had."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 5),
    )


def accuracy(net: nn.Module, images: tour.Tensor, labels: tour.Tensor) -> float:
    """The share of images that are read correctly."""
    with tour.no_grad():
        return float((net(images).argmax(1) == labels).double().mean())


def train(
    net: nn.Module, learning: TensorDataset, held: tuple[tour.Tensor, ...], epochs: int, what: str
) -> list[float]:
    """Train all that wants gradients; returns the accuracy on held-out images before and after each epoch."""
    optimizer = optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-3)
    loader: DataLoader[list[tour.Tensor]] = DataLoader(learning, batch_size=8, shuffle=True)
    history = [accuracy(net, *held)]
    with trange(epochs, desc=what, unit="epoch", dynamic_ncols=True) as bar:
        for _ in bar:
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(net(x), y).backward()
                optimizer.step()
            history.append(accuracy(net, *held))
            bar.set_postfix(accuracy=f"{history[-1]:.1%}")
    return history


def main() -> None:
    """Fine-tune, start anew for comparison, and draw both curves."""
    options = Parser(__doc__, __file__).parse_args()
    tour.manual_seed(options.seed)
    digits = load_digits()
    high = digits.target >= 5
    images = tour.from_numpy(digits.images[high]).float().unsqueeze(1) / 16
    labels = tour.from_numpy(digits.target[high]) - 5
    few, rest = random_split(TensorDataset(images, labels), [EXAMPLES, len(labels) - EXAMPLES])
    learning, held = TensorDataset(*few.dataset[few.indices]), rest.dataset[rest.indices]

    tuned = network()
    tuned.load_state_dict(tour.load(WEIGHTS))
    tuned[0].requires_grad_(False)
    tuned[-1] = nn.Linear(32 * 4 * 4, 5)
    epochs = 3 if options.short else 40
    curves = {
        "fine-tuned": train(tuned, learning, held, epochs, "fine-tuning"),
        "from nothing": train(network(), learning, held, epochs, "from nothing"),
    }
    for name, history in curves.items():
        early = min(EARLY, epochs)
        print(f"Accuracy  {history[early]:.1%} after {early} epochs, {history[-1]:.1%} after {epochs}, {name}")
    print(f"          of {len(held[1])} held-out digits; {EXAMPLES} were learned from")
    with picture(options.out, 6, 3.5) as figure:
        axis = figure.subplots()
        for (name, history), color in zip(curves.items(), (BLUE, ORANGE), strict=True):
            axis.plot(history, color=color, label=name)
        axis.set(title=f"Reading 5 to 9 from {EXAMPLES} examples", xlabel="epoch", ylabel="held-out accuracy")
        axis.legend(frameon=False)


if __name__ == "__main__":
    main()
