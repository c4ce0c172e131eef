"""A variational autoencoder learns to draw handwritten digits.

One network reads a digit as a cloud of points in a plane (a mean and a spread), another draws a digit from any point. Trained
together, so that drawings resemble what was read and clouds stay near the origin, they lay all digits out on a map.

Kingma and Welling, "Auto-Encoding Variational Bayes", 2013.
"""

from __future__ import annotations

import numpy as np
from common import BLUE, Parser, picture, sheet
from sklearn.datasets import load_digits
from tqdm import trange

import tour
from tour import nn, optim
from tour.nn import functional as F
from tour.utils.data import DataLoader, TensorDataset

HIDDEN = 128


class VAE(nn.Module):
    """From images of shape (N, 64) to logits of their pixels, and the clouds they were drawn from."""

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Sequential(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(HIDDEN, 2), nn.Linear(HIDDEN, 2)
        self.draw = nn.Sequential(
            nn.Linear(2, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 64)
        )

    def forward(self, x: tour.Tensor) -> tuple[tour.Tensor, tour.Tensor, tour.Tensor]:
        h = self.read(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        point = mean + tour.randn_like(mean) * (log_variance / 2).exp()
        return self.draw(point), mean, log_variance


def loss_of(x: tour.Tensor, logits: tour.Tensor, mean: tour.Tensor, log_variance: tour.Tensor) -> tour.Tensor:
    """How unlike the drawings are, and how far the clouds are from a standard one (Kullback-Leibler), in nats an image."""
    unlike = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    far = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
    loss: tour.Tensor = (unlike + far) / len(x)
    return loss


def train(net: VAE, images: tour.Tensor, epochs: int) -> list[float]:
    """Train with Adam; returns the mean loss of each epoch."""
    optimizer = optim.Adam(net.parameters(), lr=2e-3)
    loader: DataLoader[list[tour.Tensor]] = DataLoader(TensorDataset(images), batch_size=64, shuffle=True)
    history = []
    with trange(epochs, desc="training", unit="epoch", dynamic_ncols=True) as bar:
        for _ in bar:
            losses = []
            for (x,) in loader:
                loss = loss_of(x, *net(x))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            history.append(sum(losses) / len(losses))
            bar.set_postfix(loss=f"{history[-1]:.2f}")
    return history


@tour.no_grad()
def main() -> None:
    """Train, and draw the curve, the map of the digits, and what lies where on it."""
    options = Parser(__doc__, __file__).parse_args()
    tour.manual_seed(options.seed)
    digits = load_digits()
    images = tour.from_numpy(digits.images.reshape(-1, 64) / 16).float()
    net = VAE()
    with tour.enable_grad():
        history = train(net, images, 20 if options.short else 150)

    places = net.mean(net.read(images)).numpy()
    steps = tour.linspace(-2, 2, 12)
    points = tour.stack(tour.meshgrid(steps, -steps, indexing="xy"), dim=-1)
    drawn = net.draw(points).sigmoid().reshape(144, 8, 8)
    print(f"Loss      {history[0]:.2f} nats an image at first, {history[-1]:.2f} at the end")
    with picture(options.out, 12, 4) as figure:
        curve, chart, drawings = figure.subplots(1, 3)
        curve.plot(np.arange(1, len(history) + 1), history, color=BLUE)
        curve.set(title="Loss", xlabel="epoch", ylabel="nats an image")
        for digit in range(10):
            here = places[digits.target == digit]
            chart.scatter(here[:, 0], here[:, 1], s=3, alpha=0.5, color=f"C{digit}")
            chart.text(*np.median(here, axis=0), str(digit), weight="bold", ha="center", va="center")
        chart.set(title="Where each digit lies", xlim=(-4, 4), ylim=(-4, 4), aspect="equal")
        drawings.imshow(sheet(drawn, columns=12), cmap="Blues", extent=(-2, 2, -2, 2))
        drawings.set(title="What is drawn from where")
        drawings.grid(False)


if __name__ == "__main__":
    main()
