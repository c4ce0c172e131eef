"""A network as a scikit-learn estimator: in a Pipeline, under GridSearchCV, beside other classifiers.

scikit-learn asks an estimator for three things: parameters that `__init__` only stores, a `fit` that returns the estimator, and a
`predict`. Whatever has them can be scaled, searched and compared like any other.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from common import Parser, picture
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data
from tqdm import tqdm

import tour
from tour import nn, optim
from tour.nn import functional as F


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier with one hidden layer, trained by Adam on all samples at once.

    Args:
        hidden: How wide the hidden layer is.
        lr: Adam's step size.
        epochs: How often it sees the samples.
        seed: Of the initialisation.
    """

    def __init__(self, hidden: int = 16, lr: float = 0.05, epochs: int = 100, seed: int = 0) -> None:
        self.hidden, self.lr, self.epochs, self.seed = hidden, lr, epochs, seed

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from samples of shape (N, features) and their classes of shape (N,)."""
        X, y = validate_data(self, X, y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        tour.manual_seed(self.seed)
        widths = X.shape[1], self.hidden, max(2, len(self.classes_))
        self.net_ = nn.Sequential(nn.Linear(*widths[:2]), nn.Tanh(), nn.Linear(*widths[1:]))
        optimizer = optim.Adam(self.net_.parameters(), lr=self.lr)
        inputs, targets = tour.tensor(X, dtype=tour.float32), tour.from_numpy(codes)
        for _ in range(self.epochs):
            optimizer.zero_grad()
            F.cross_entropy(self.net_(inputs), targets).backward()
            optimizer.step()
        return self

    def predict_proba(self, X: Any) -> np.ndarray[Any, Any]:
        """How likely each class is, shape (N, classes)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        with tour.no_grad():
            scores = self.net_(tour.tensor(X, dtype=tour.float32))
        likely: np.ndarray[Any, Any] = scores[:, : len(self.classes_)].softmax(1).numpy()
        return likely

    def predict(self, X: Any) -> Any:
        """The likeliest class of each sample."""
        return self.classes_[self.predict_proba(X).argmax(1)]


def main() -> None:
    """Search for the best width, compare with other classifiers, and draw what each believes."""
    options = Parser(__doc__, __file__).parse_args()
    X, y = make_moons(400, noise=0.25, random_state=options.seed)
    train_X, test_X, train_y, test_y = train_test_split(X, y, test_size=0.4, random_state=options.seed)
    network = make_pipeline(
        StandardScaler(), NetworkClassifier(epochs=100 if options.short else 300, seed=options.seed)
    )
    grid = {"networkclassifier__hidden": [2, 16] if options.short else [2, 8, 32, 128]}
    candidates = {
        "network": GridSearchCV(network, grid, cv=3),
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
        "5 nearest neighbours": make_pipeline(StandardScaler(), KNeighborsClassifier()),
    }
    across, up = np.meshgrid(np.linspace(-1.8, 2.8, 120), np.linspace(-1.3, 1.8, 90))
    with picture(options.out, 11, 3.3) as figure:
        axes = figure.subplots(1, 3, sharey=True)
        for axis, (name, candidate) in zip(axes, tqdm(candidates.items(), desc="fitting"), strict=True):
            candidate.fit(train_X, train_y)
            score = candidate.score(test_X, test_y)
            tqdm.write(f"{name:21} {score:.1%} of {len(test_y)} unseen points")
            belief = candidate.predict_proba(np.c_[across.ravel(), up.ravel()])[:, 1].reshape(across.shape)
            axis.contourf(across, up, belief, levels=20, cmap="RdBu", vmin=0, vmax=1, alpha=0.6)
            axis.scatter(*test_X.T, c=test_y, cmap="RdBu", s=8, edgecolors="black", linewidths=0.3)
            axis.set(title=f"{name}: {score:.1%}")
            axis.grid(False)
    print(f"Width     {candidates['network'].best_params_['networkclassifier__hidden']} was best")


if __name__ == "__main__":
    main()
