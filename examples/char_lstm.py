"""An LSTM learns to write Python, letter by letter, from the standard library's own sources.

Unlike a GPT it reads letters one after the other, and carries all that it remembers from one to the next. Texts in a batch are
long strips read side by side: the memory at the end of one piece is where the next begins.

Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Karpathy, "The Unreasonable Effectiveness of Recurrent Neural
Networks", 2015.
"""

from __future__ import annotations

import math

from common import BLUE, ORANGE, Parser, picture, smooth, sources
from tqdm import tqdm

import tour
from tour import nn, optim
from tour.nn import functional as F

LENGTH, BATCH, WIDTH = 50, 16, 128
Memory = tuple[tour.Tensor, tour.Tensor]


class Writer(nn.Module):
    """Scores for the next letter, of shape (N, length, letters), and the memory."""

    def __init__(self, letters: int) -> None:
        super().__init__()
        self.letter = nn.Embedding(letters, WIDTH)
        self.lstm = nn.LSTM(WIDTH, WIDTH, num_layers=2, batch_first=True)
        self.score = nn.Linear(WIDTH, letters)

    def forward(self, text: tour.Tensor, memory: Memory | None = None) -> tuple[tour.Tensor, Memory]:
        read, memory = self.lstm(self.letter(text), memory)
        return self.score(read), memory


def train(net: Writer, strips: tour.Tensor, epochs: int) -> tuple[list[float], list[float]]:
    """Read the strips from their left to their right ends; returns losses, and lengths of gradients before they are cut."""
    optimizer = optim.Adam(net.parameters(), lr=3e-3)
    losses, lengths = [], []
    pieces = range(0, strips.shape[1] - 1 - LENGTH, LENGTH)
    with tqdm(total=epochs * len(pieces), desc="training", dynamic_ncols=True) as bar:
        for _ in range(epochs):
            memory = None
            for start in pieces:
                piece = strips[:, start : start + LENGTH + 1]
                scores, memory = net(piece[:, :-1], memory)
                memory = (memory[0].detach(), memory[1].detach())  # gradients end where the piece began
                loss = F.cross_entropy(scores.flatten(0, 1), piece[:, 1:].flatten())
                optimizer.zero_grad()
                loss.backward()
                lengths.append(float(nn.utils.clip_grad_norm_(net.parameters(), 0.5)))
                optimizer.step()
                losses.append(loss.item())
                bar.update()
                bar.set_postfix(loss=f"{losses[-1]:.2f}")
    return losses, lengths


@tour.no_grad()
def write(net: Writer, prompt: tour.Tensor, count: int, temperature: float = 0.6) -> list[int]:
    """Go on with a prompt of shape (1, length) by `count` letters."""
    written: list[int] = prompt[0].tolist()
    scores, memory = net(prompt)
    for _ in range(count):
        letter = tour.multinomial((scores[:, -1] / temperature).softmax(-1), 1)
        written.append(int(letter))
        scores, memory = net(letter, memory)
    return written


def main() -> None:
    """Train, write, and draw the curves."""
    options = Parser(__doc__, __file__).parse_args()
    tour.manual_seed(options.seed)
    text = sources("argparse", "pathlib", "typing", "tarfile")[: 20_000 if options.short else None]
    letters = sorted(set(text))
    data = tour.tensor([letters.index(c) for c in text])
    strips = data[: len(data) // BATCH * BATCH].reshape(BATCH, -1)
    net = Writer(len(letters))
    losses, lengths = train(net, strips, 1 if options.short else 6)

    prompt = tour.tensor([[letters.index(c) for c in "    def "]])
    written = "".join(letters[i] for i in write(net, prompt, 60 if options.short else 400))
    bits = smooth(losses)[-1] / math.log(2)
    print(f"Surprise  {losses[0] / math.log(2):.2f} bits a letter at first, {bits:.2f} at the end")
    print(written)
    with picture(options.out, 9, 3.5) as figure:
        left, right = figure.subplots(1, 2)
        left.plot([loss / math.log(2) for loss in smooth(losses)], color=BLUE)
        left.set(title="Surprise at the next letter", xlabel="step", ylabel="bits")
        right.semilogy(lengths, color=ORANGE, linewidth=0.7)
        right.axhline(0.5, color="black", linewidth=0.8)
        right.set(title="Length of the gradient; cut above the line", xlabel="step")


if __name__ == "__main__":
    main()
