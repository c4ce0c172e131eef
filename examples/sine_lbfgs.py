"""Two LSTM cells learn to go on with sine waves, trained by L-BFGS on all of them at once.

The network sees values of 97 waves one by one and says what comes next. At the end it reads three waves that it has never seen,
and then, from where they stop, only its own predictions.

Liu and Nocedal, "On the Limited Memory BFGS Method for Large Scale Optimization", 1989.
"""

from __future__ import annotations

from common import BLUE, GREY, ORANGE, Parser, picture
from tqdm import trange

import tour
from tour import nn, optim

WIDTH = 51


class Forecast(nn.Module):
    """From waves of shape (N, length) to what comes after each value, and after that `future` values more."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LSTMCell(1, WIDTH), nn.LSTMCell(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, 1)

    def forward(self, waves: tour.Tensor, future: int = 0) -> tour.Tensor:
        zero = tour.zeros(len(waves), WIDTH, dtype=waves.dtype)
        a, b = (zero, zero), (zero, zero)
        said: list[tour.Tensor] = []
        for i in range(waves.shape[1] + future):
            a = self.first(waves[:, i : i + 1] if i < waves.shape[1] else said[-1], a)
            b = self.second(a[0], b)
            said.append(self.out(b[0]))
        return tour.cat(said, dim=1)


def waves(count: int, length: int) -> tour.Tensor:
    """Sine waves that start anywhere, shape (count, length), in double precision."""
    start = tour.randint(-80, 80, (count, 1))
    return ((tour.arange(length) + start) / 20).double().sin()


def main() -> None:
    """Train, forecast and draw."""
    options = Parser(__doc__, __file__).parse_args()
    tour.manual_seed(options.seed)
    count, length, steps, future = (10, 60, 3, 60) if options.short else (97, 300, 10, 300)
    train, test = waves(count, length), waves(3, length)
    net = Forecast().double()
    criterion = nn.MSELoss()
    optimizer = optim.LBFGS(net.parameters(), lr=0.8)

    def closure() -> tour.Tensor:
        optimizer.zero_grad()
        loss = criterion(net(train[:, :-1]), train[:, 1:])
        loss.backward()
        losses.append(loss.item())
        bar.set_postfix(loss=f"{losses[-1]:.2e}")
        return loss

    losses: list[float] = []
    with trange(steps, desc="training", dynamic_ncols=True) as bar:
        for _ in bar:
            optimizer.step(closure)

    with tour.no_grad():
        said = net(test[:, :-1], future)
    error = criterion(said[:, : length - 1], test[:, 1:]).item()
    print(f"Error     {losses[0]:.1e} at first, {losses[-1]:.1e} at the end, {error:.1e} on unseen waves")
    with picture(options.out, 11, 3.5) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1, 2))
        left.semilogy(losses, color=BLUE)
        left.set(title="Mean squared error", xlabel="evaluation")
        for i, color in enumerate((BLUE, ORANGE, "#4d9a5a")):
            right.plot(range(1, length), said[i, : length - 1], color=color)
            right.plot(range(length, length + future), said[i, length - 1 :], color=color, linestyle=":")
        right.axvspan(length, length + future, color=GREY, alpha=0.3)
        right.set(title="Unseen waves, and its own from where they stop", xlabel="time")


if __name__ == "__main__":
    main()
