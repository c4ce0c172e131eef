"""A small GPT learns to write Python, letter by letter, from the standard library's own sources.

Each letter of a text is predicted from those before it: a stack of blocks, each of which lets every position look back at
the earlier ones (attention), and then thinks about what it saw (a network of two layers).

Vaswani et al., "Attention Is All You Need", 2017; Radford et al., "Language Models are Unsupervised Multitask Learners", 2019.
"""

from __future__ import annotations

from common import BLUE, Parser, picture, smooth, sources
from tqdm import trange

import tour
from tour import nn, optim
from tour.nn import functional as F

CONTEXT, WIDTH, HEADS, BLOCKS, BATCH = 64, 64, 4, 2, 12


class Attention(nn.Module):
    """Every position takes a mixture of the earlier ones: by how well its query fits their keys."""

    def __init__(self) -> None:
        super().__init__()
        self.to_qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: tour.Tensor) -> tour.Tensor:
        n, length, _ = x.shape
        q, k, v = (t.reshape(n, length, HEADS, -1).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(n, length, WIDTH))


class Block(nn.Module):
    """Attention, then a network for each position; both add to what is there."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(WIDTH), Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.think = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: tour.Tensor) -> tour.Tensor:
        x = x + self.attention(self.norm1(x))
        x = x + self.think(self.norm2(x))
        return x


class GPT(nn.Module):
    """Letters and their places become vectors; blocks; and scores for the next letter, of shape (N, length, letters)."""

    def __init__(self, letters: int) -> None:
        super().__init__()
        self.letter, self.place = nn.Embedding(letters, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.norm, self.score = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, letters)

    def forward(self, text: tour.Tensor) -> tour.Tensor:
        x = self.letter(text) + self.place(tour.arange(text.shape[1]))
        return self.score(self.norm(self.blocks(x)))


@tour.no_grad()
def write(net: GPT, text: tour.Tensor, count: int, temperature: float = 0.7) -> tour.Tensor:
    """Go on with a text of shape (1, length) by `count` letters, drawn from what the network expects."""
    for _ in range(count):
        scores = net(text[:, -CONTEXT:])[:, -1] / temperature
        text = tour.cat([text, tour.multinomial(scores.softmax(-1), 1)], dim=1)
    return text


def train(net: GPT, data: tour.Tensor, steps: int) -> list[float]:
    """Show random pieces of the text; returns the loss of each step."""
    optimizer = optim.AdamW(net.parameters(), lr=4e-3)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    losses = []
    with trange(steps, desc="training", dynamic_ncols=True) as bar:
        for _ in bar:
            starts = tour.randint(len(data) - CONTEXT - 1, (BATCH, 1))
            pieces = data[starts + tour.arange(CONTEXT + 1)]
            loss = F.cross_entropy(net(pieces[:, :-1]).flatten(0, 1), pieces[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            bar.set_postfix(loss=f"{losses[-1]:.2f}")
    return losses


def shortened(text: str, width: int = 84) -> str:
    """Text as a picture can hold it: no line longer than `width`, and no dollar sign, which begins a formula."""
    lines = (line if len(line) <= width else f"{line[: width - 1]}…" for line in text.replace("$", r"\$").split("\n"))
    return "\n".join(lines)


def main() -> None:
    """Train, write a page, and draw the curve beside it."""
    options = Parser(__doc__, __file__).parse_args()
    tour.manual_seed(options.seed)
    text = sources("argparse", "collections/__init__", "inspect", "pathlib", "tarfile", "typing", "unittest/case")
    letters = sorted(set(text))
    data = tour.tensor([letters.index(c) for c in text[: 60_000 if options.short else None]])
    net = GPT(len(letters))
    losses = train(net, data, 30 if options.short else 1500)

    prompt = tour.tensor([[letters.index(c) for c in "    def "]])
    written = "".join(letters[i] for i in write(net, prompt, 60 if options.short else 500)[0].tolist())
    print(f"Loss      {losses[0]:.2f} at first, {smooth(losses)[-1]:.2f} at the end")
    print(written)
    with picture(options.out, 10, 4) as figure:
        curve, page = figure.subplots(1, 2)
        curve.plot(smooth(losses), color=BLUE)
        curve.set(title="Loss of the next letter", xlabel="step")
        page.set_axis_off()
        page.set_title("What it writes", loc="left")
        shown = page.text(0, 1, shortened(written), va="top", family="monospace", size=7, transform=page.transAxes)
        shown.set_in_layout(False)


if __name__ == "__main__":
    main()
