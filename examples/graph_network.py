"""A graph network names 1,797 digits although it is told only five of each kind.

Every image is joined to those most like it. A layer lets each image take the mean of its neighbours' numbers, so that what is
known of a few spreads along the edges. A network without edges, with the same layers, has only the fifty to go by.

Kipf and Welling, "Semi-Supervised Classification with Graph Convolutional Networks", 2017.
"""

from __future__ import annotations

from common import BLUE, ORANGE, Parser, picture
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import kneighbors_graph
from tqdm import trange

import tour
from tour import nn, optim
from tour.nn import functional as F

TOLD, NEIGHBOURS, HIDDEN = 5, 8, 64


class Edges:
    """A graph whose edges go both ways and from each node to itself, weighted 1/√(degree × degree)."""

    def __init__(self, rows: tour.Tensor, columns: tour.Tensor, nodes: int) -> None:
        self.rows, self.columns = rows, columns
        degree = tour.bincount(rows, minlength=nodes)
        self.weights = (degree[rows] * degree[columns]).float().rsqrt().unsqueeze(1)

    def spread(self, x: tour.Tensor) -> tour.Tensor:
        """At each node the weighted sum of its neighbours' rows of x, shape (nodes, features)."""
        return tour.zeros_like(x).index_add(0, self.rows, x[self.columns] * self.weights)


class Layers(nn.Module):
    """Two linear layers, each followed by a spread over the edges if there are any."""

    def __init__(self, edges: Edges | None) -> None:
        super().__init__()
        self.edges = edges
        self.first, self.second, self.dropout = nn.Linear(64, HIDDEN), nn.Linear(HIDDEN, 10), nn.Dropout(0.5)

    def forward(self, x: tour.Tensor) -> tour.Tensor:
        spread = self.edges.spread if self.edges else lambda t: t
        return spread(self.second(self.dropout(F.relu(spread(self.first(x))))))


def train(net: Layers, x: tour.Tensor, labels: tour.Tensor, told: tour.Tensor, steps: int, what: str) -> list[float]:
    """Learn from the nodes in `told`; returns the share of all others that are named rightly, after each step."""
    optimizer = optim.Adam(net.parameters(), lr=0.01, weight_decay=5e-4)
    others = tour.ones(len(x), dtype=tour.bool)
    others[told] = False
    accuracy = []
    with trange(steps, desc=what, dynamic_ncols=True) as bar:
        for _ in bar:
            net.train()
            optimizer.zero_grad()
            F.cross_entropy(net(x)[told], labels[told]).backward()
            optimizer.step()
            net.eval()
            with tour.no_grad():
                right = net(x).argmax(1) == labels
            accuracy.append(right[others].double().mean().item())
            bar.set_postfix(accuracy=f"{accuracy[-1]:.1%}")
    return accuracy


def main() -> None:
    """Train with and without edges, and draw the graph and both curves."""
    options = Parser(__doc__, __file__).parse_args()
    tour.manual_seed(options.seed)
    digits = load_digits()
    nearest = kneighbors_graph(digits.data, NEIGHBOURS, include_self=True)
    joined = nearest.maximum(nearest.T)
    rows, columns = (tour.from_numpy(i).long() for i in joined.nonzero())
    x, labels = tour.from_numpy(digits.data).float() / 16, tour.from_numpy(digits.target)
    told = tour.cat([tour.nonzero(labels == d).squeeze(1)[tour.randperm(170)[:TOLD]] for d in range(10)])
    steps = 10 if options.short else 150
    net = Layers(Edges(rows, columns, len(x)))
    curves = {
        "with edges": train(net, x, labels, told, steps, "with edges"),
        "without": train(Layers(None), x, labels, told, steps, "without"),
    }
    for name, curve in curves.items():
        print(f"Accuracy  {curve[-1]:.1%} of {len(x) - len(told)} digits it was not told, {name}")
    with picture(options.out, 10, 4) as figure:
        left, right = figure.subplots(1, 2)
        with tour.no_grad():
            places = PCA(2).fit_transform(net(x).numpy())
        left.scatter(*places.T, c=digits.target, cmap="tab10", s=3)
        left.scatter(*places[told].T, c=digits.target[told], cmap="tab10", s=60, edgecolors="black")
        left.set(title="Scores with edges, from their widest side; circled: told", xticks=[], yticks=[])
        for (name, curve), color in zip(curves.items(), (BLUE, ORANGE), strict=True):
            right.plot(curve, color=color, label=name)
        right.set(title="Share of the others named rightly", xlabel="step", ylim=(0, 1))
        right.legend(frameon=False)


if __name__ == "__main__":
    main()
