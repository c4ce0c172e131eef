"""A network learns to balance a pole on a cart, from nothing but how long the pole stayed up.

After each game, whatever was done before a good time becomes likelier, whatever was done before a bad one rarer. A second output
guesses how long the pole will stay up, so that good and bad are measured against what was to be expected.

Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning", 1992.
"""

from __future__ import annotations

import gymnasium
import numpy as np
from common import BLUE, ORANGE, Parser, picture, smooth
from tqdm import trange

import tour
from tour import nn, optim
from tour.nn import functional as F

DISCOUNT, LONGEST = 0.99, 500


class Player(nn.Module):
    """From what the cart's sensors say, shape (4,), to scores of both moves and the expected rest of the game."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(nn.Linear(4, 64), nn.Tanh())
        self.move, self.worth = nn.Linear(64, 2), nn.Linear(64, 1)

    def forward(self, x: tour.Tensor) -> tuple[tour.Tensor, tour.Tensor]:
        h = self.look(x)
        return self.move(h), self.worth(h).squeeze(-1)


def play(game: gymnasium.Env, net: Player) -> tuple[tour.Tensor, tour.Tensor]:
    """One game: what was seen at each step, shape (steps, 4), and what was done, shape (steps,)."""
    seen, done = [], []
    observation, _ = game.reset()
    over = False
    while not over:
        x = tour.from_numpy(observation)
        with tour.no_grad():
            move = int(tour.multinomial(net(x)[0].softmax(-1), 1))
        seen.append(x)
        done.append(move)
        observation, _, fallen, too_long, _ = game.step(move)
        over = fallen or too_long
    return tour.stack(seen), tour.tensor(done)


def learn(net: Player, optimizer: optim.Optimizer, seen: tour.Tensor, done: tour.Tensor) -> None:
    """One step: likelier what went better than expected, rarer what went worse; and better expectations."""
    rest = np.arange(len(done), 0, -1)  # steps that were still to come, each worth a little less than the one before
    worth = tour.from_numpy((1 - DISCOUNT**rest) / (1 - DISCOUNT)).float() / 50
    scores, expected = net(seen)
    better = (worth - expected).detach()
    chosen = scores.log_softmax(-1).gather(1, done.unsqueeze(1)).squeeze(1)
    loss = -(chosen * better).mean() + F.smooth_l1_loss(expected, worth)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()


def main() -> None:
    """Play and learn, and draw how long the pole stayed up."""
    options = Parser(__doc__, __file__).parse_args()
    tour.manual_seed(options.seed)
    game = gymnasium.make("CartPole-v1")
    game.reset(seed=options.seed)
    net = Player()
    optimizer = optim.Adam(net.parameters(), lr=5e-3)
    lengths: list[float] = []
    with trange(60 if options.short else 600, desc="playing", unit="game", dynamic_ncols=True) as bar:
        for _ in bar:
            seen, done = play(game, net)
            learn(net, optimizer, seen, done)
            lengths.append(len(done))
            bar.set_postfix(steps=f"{smooth(lengths)[-1]:.0f}")
    print(f"Steps     {smooth(lengths[:20])[-1]:.0f} a game at first, {smooth(lengths)[-1]:.0f} at the end")
    with picture(options.out, 7, 3.5) as figure:
        axis = figure.subplots()
        axis.plot(lengths, ".", color=BLUE, markersize=3, alpha=0.5, label="one game")
        axis.plot(smooth(lengths), color=ORANGE, label="mean of 20")
        axis.axhline(LONGEST, color="black", linewidth=0.8)
        axis.set(title="Steps until the pole fell; the game ends at 500", xlabel="game")
        axis.legend(frameon=False)


if __name__ == "__main__":
    main()
