"""Two networks play against each other until one of them forges handwritten digits.

The forger turns noise into pictures by convolutions that enlarge; the judge tells them from real ones by convolutions that
shrink. Each learns from the other's success.

Goodfellow et al., "Generative Adversarial Networks", 2014; Radford et al., "Unsupervised Representation Learning with Deep
Convolutional Generative Adversarial Networks", 2015.
"""

from __future__ import annotations

from common import BLUE, ORANGE, Parser, picture, sheet, smooth
from sklearn.datasets import load_digits
from tqdm import trange

import tour
from tour import nn, optim
from tour.utils.data import DataLoader, TensorDataset

NOISE = 32


def forger() -> nn.Sequential:
    """From noise of shape (N, 32, 1, 1) to pictures of shape (N, 1, 8, 8), from -1 to 1."""
    return nn.Sequential(
        nn.ConvTranspose2d(NOISE, 64, kernel_size=4, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, kernel_size=4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 1, kernel_size=3, padding=1),
        nn.Tanh(),
    )


def judge() -> nn.Sequential:
    """From pictures to a score each, of shape (N, 1): positive for real."""
    return nn.Sequential(
        nn.Conv2d(1, 32, kernel_size=4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 64, kernel_size=4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(64 * 2 * 2, 1),
    )


def start(module: nn.Module) -> None:
    """The initialisation of the DCGAN paper."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d) and module.weight is not None:
        nn.init.normal_(module.weight, 1.0, 0.02)


def train(forge: nn.Module, tell: nn.Module, images: tour.Tensor, epochs: int) -> tuple[list[float], list[float]]:
    """Let both learn by turns; returns the losses of forger and judge."""
    loader: DataLoader[list[tour.Tensor]] = DataLoader(
        TensorDataset(images), batch_size=64, shuffle=True, drop_last=True
    )
    for_forger = optim.Adam(forge.parameters(), lr=1e-3, betas=(0.5, 0.999))
    for_judge = optim.Adam(tell.parameters(), lr=4e-4, betas=(0.5, 0.999))
    criterion = nn.BCEWithLogitsLoss()
    losses: tuple[list[float], list[float]] = [], []
    with trange(epochs, desc="training", unit="epoch", dynamic_ncols=True) as bar:
        for _ in bar:
            for (real,) in loader:
                real_label, fake_label = tour.full((len(real), 1), 0.9), tour.zeros(len(real), 1)  # 0.9: never too sure
                fake = forge(tour.randn(len(real), NOISE, 1, 1))

                loss = criterion(tell(real), real_label) + criterion(tell(fake.detach()), fake_label)
                for_judge.zero_grad()
                loss.backward()
                for_judge.step()
                losses[1].append(loss.item())

                loss = criterion(tell(fake), tour.ones(len(real), 1))
                for_forger.zero_grad()
                loss.backward()
                for_forger.step()
                losses[0].append(loss.item())
            bar.set_postfix(forger=f"{losses[0][-1]:.2f}", judge=f"{losses[1][-1]:.2f}")
    return losses


def main() -> None:
    """Train, and draw forgeries beside the losses."""
    options = Parser(__doc__, __file__).parse_args()
    tour.manual_seed(options.seed)
    images = tour.from_numpy(load_digits().images).float().unsqueeze(1) / 8 - 1
    forge, tell = forger().apply(start), judge().apply(start)
    losses = train(forge, tell, images, 3 if options.short else 100)

    forge.eval()
    with tour.no_grad():
        forged = forge(tour.randn(60, NOISE, 1, 1))
    real = images[tour.randperm(len(images))[:60]]
    print(f"Losses    forger {smooth(losses[0])[-1]:.2f}, judge {smooth(losses[1])[-1]:.2f}")
    with picture(options.out, 12, 3.2) as figure:
        curve, *axes = figure.subplots(1, 3)
        curve.plot(smooth(losses[0]), color=ORANGE, label="forger")
        curve.plot(smooth(losses[1]), color=BLUE, label="judge")
        curve.set(title="Losses", xlabel="step")
        curve.legend(frameon=False)
        for axis, images, title in zip(axes, (real, forged), ("Real", "Forged"), strict=True):
            axis.imshow(sheet(images.squeeze(1), columns=10), cmap="Blues", vmin=-1, vmax=1)
            axis.set(title=title)
            axis.set_axis_off()


if __name__ == "__main__":
    main()
