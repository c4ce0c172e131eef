"""Train a small convolutional network on real handwritten digits.

The data are scikit-learn's 1,797 scans of 8×8 pixels; they come inside its wheel, so nothing is downloaded.
A fifth of them is held out: the network never trains on those, and is judged by them alone.

The network computes in double precision, so that one seed gives one curve on every machine: in single precision, a
ReLU whose input rounds to the other side of zero sends two runs apart within a few hundred steps.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
from common import BLUE, ORANGE, STYLE, Parser, whole_number
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, PercentFormatter
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import tour
from tour import nn, optim

EPOCHS, BATCH = 20, 32


@dataclass
class Data:
    """Images of shape (N, 1, 8, 8) from 0 to 1, and their classes of shape (N,)."""

    images: tour.Tensor
    labels: tour.Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass
class History:
    """What each epoch gave: mean training loss, and the share of held-out digits read correctly."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)


def load(device: str, seed: int) -> tuple[Data, Data]:
    """Split the digits into a training set and a held-out fifth, with every class in proportion."""
    digits = load_digits()
    images = digits.images[:, None] / 16
    parts = train_test_split(images, digits.target, test_size=0.2, stratify=digits.target, random_state=seed)
    x_train, x_test, y_train, y_test = (tour.from_numpy(part).to(device) for part in parts)
    return Data(x_train, y_train), Data(x_test, y_test)


def network() -> nn.Sequential:
    """Two convolutions find strokes and how they meet; two linear layers read the digit off them."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(32 * 4 * 4, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    ).double()


def predict(net: nn.Module, images: tour.Tensor) -> tour.Tensor:
    """Return the most likely class of each image, shape (N,)."""
    net.eval()
    with tour.no_grad():
        logits: tour.Tensor = net(images)
    return logits.argmax(1)


def accuracy(net: nn.Module, data: Data) -> float:
    """Return the share of images that the network reads correctly."""
    return float(predict(net, data.images).eq(data.labels).double().mean())


def train_epoch(net: nn.Module, data: Data, optimizer: optim.Optimizer) -> float:
    """Show every image to the network once, in random order; return the mean loss of the batches."""
    net.train()
    criterion = nn.CrossEntropyLoss()
    losses: list[float] = []
    for batch in tour.randperm(len(data)).to(data.labels.device).split(BATCH):
        optimizer.zero_grad()
        loss = criterion(net(data.images[batch]), data.labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def train(net: nn.Module, train_set: Data, test_set: Data, epochs: int) -> History:
    """Train with Adam, dropping the step size to a fifth after two thirds of the epochs."""
    optimizer = optim.Adam(net.parameters(), lr=2e-3)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=max(1, 2 * epochs // 3), gamma=0.2)
    history = History()
    with tqdm(range(epochs), desc="training", unit="epoch", dynamic_ncols=True) as bar:
        for _ in bar:
            history.loss.append(train_epoch(net, train_set, optimizer))
            history.accuracy.append(accuracy(net, test_set))
            scheduler.step()
            bar.set_postfix(loss=f"{history.loss[-1]:.3f}", accuracy=f"{history.accuracy[-1]:.1%}")
    return history


def run(epochs: int, seed: int = 0, device: str = "cpu") -> tuple[nn.Module, Data, History]:
    """Train a fresh network; the same seed gives the same run."""
    tour.manual_seed(seed)
    train_set, test_set = load(device, seed)
    net = network().to(device)
    return net, test_set, train(net, train_set, test_set, epochs)


def plot_curve(figure: SubFigure, history: History) -> None:
    """Draw training loss above held-out accuracy."""
    epochs = range(1, len(history.loss) + 1)
    top, bottom = figure.subplots(2, 1, sharex=True)
    top.semilogy(epochs, history.loss, color=BLUE, marker="o", markersize=4)
    top.set_title("Training loss", loc="left")
    bottom.plot(epochs, history.accuracy, color=ORANGE, marker="o", markersize=4)
    bottom.set_title(f"Held-out accuracy: {history.accuracy[-1]:.1%} at the end", loc="left")
    bottom.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True))
    bottom.set_xlabel("epoch")


def plot_mistakes(figure: SubFigure, test_set: Data, predicted: tour.Tensor) -> None:
    """Draw the held-out digits that were misread, each with what it is and what the network saw."""
    images, labels, guesses = (t.cpu().numpy() for t in (test_set.images[:, 0], test_set.labels, predicted))
    wrong = np.flatnonzero(labels != guesses)
    shown = wrong[:15]
    title = f"{len(wrong)} of {len(labels)} held-out digits misread"
    figure.suptitle(title + (f", {len(shown)} shown" if len(shown) < len(wrong) else ""), x=0.02, ha="left")
    if not len(shown):
        return
    rows = 1 + (len(shown) > 2) + (len(shown) > 8)
    axes = figure.subplots(rows, -(-len(shown) // rows), squeeze=False).ravel()
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    for axis, i in zip(axes, shown, strict=False):
        axis.imshow(images[i], cmap="Blues", vmin=0, vmax=1)
        axis.set_title(f"{labels[i]}, read as {guesses[i]}", fontsize="medium")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(visible=True, color="#c8ccd2")


def save_figure(path: Path, history: History, test_set: Data, predicted: tour.Tensor) -> None:
    """Write the learning curve and the misread digits side by side."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10, 4.2), dpi=150, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
        [[left, right]] = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.1), wspace=0.04)
        plot_curve(left, history)
        plot_mistakes(right, test_set, predicted)
        figure.savefig(path)


def save_weights(path: Path, net: nn.Module) -> None:
    """Write every parameter under its name in ``state_dict``, as NumPy's ``.npz``."""
    np.savez(path, **{name: tensor.cpu().numpy() for name, tensor in net.state_dict().items()})


def usable_device(name: str) -> str:
    """Check, before any work is done, that a tensor can live on a device."""
    try:
        tour.zeros(1).to(name)
    except (RuntimeError, AssertionError, ImportError) as error:
        raise argparse.ArgumentTypeError(f"cannot use {name!r}: {str(error).splitlines()[0]}") from None
    return name


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(__doc__, __file__)
    parser.add_argument("--epochs", type=whole_number(1, 10_000), default=EPOCHS, help="default: %(default)s")
    parser.add_argument("--device", type=usable_device, default="cpu", help="cpu or cuda; default: %(default)s")
    return parser.parse_args()


def main() -> None:
    """Train, judge and show."""
    options = arguments()
    start = time.perf_counter()
    net, test_set, history = run(2 if options.short else options.epochs, options.seed, options.device)
    seconds = time.perf_counter() - start
    print(f"Accuracy  {history.accuracy[-1]:.1%} of {len(test_set)} held-out digits, after {seconds:.1f} s of training")
    save_figure(options.out, history, test_set, predict(net, test_set.images))
    print(f"Figure    {options.out}")
    save_weights(options.out.with_suffix(".npz"), net)
    print(f"Weights   {options.out.with_suffix('.npz')}")


if __name__ == "__main__":
    main()
