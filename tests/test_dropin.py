"""The libraries that programs use beside PyTorch take tour's tensors; each test runs the real one."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys

import numpy as np
import pytest

import tour
from tour import nn, optim


def test_einops_rearranges_with_gradients():
    import einops

    x = tour.arange(24.0).reshape(2, 3, 4).requires_grad_()
    rearranged = einops.rearrange(x, "b (h w) c -> b c h w", w=1)
    assert rearranged.shape == (2, 4, 3, 1)
    for name in ("min", "max", "sum", "mean", "prod"):
        got = einops.reduce(x, "b h c -> b c", name)
        np.testing.assert_allclose(got.detach(), einops.reduce(x.detach().numpy(), "b h c -> b c", name), rtol=1e-6)
    assert einops.repeat(x, "b h c -> b h (c r)", r=2).shape == (2, 3, 8)
    assert einops.einsum(x, x, "b h c, b k c -> b h k").shape == (2, 3, 3)
    packed, shapes = einops.pack([x, x[..., 0]], "b *")
    assert [t.shape for t in einops.unpack(packed, shapes, "b *")] == [(2, 3, 4), (2, 3)]
    assert einops.asnumpy(x).tolist() == x.tolist()
    rearranged.sum().backward()
    assert x.grad.tolist() == tour.ones(2, 3, 4).tolist()


@pytest.mark.parametrize("first", ["einops", "tour"])
def test_einops_is_told_whichever_is_imported_first(first):
    second = "tour" if first == "einops" else "einops"
    code = f"import {first}, {second}; print(einops.rearrange(tour.ones(2, 3), 'a b -> (b a)').shape)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "tour.Size([6])", done.stderr


def test_gymnasium_takes_actions_and_gives_arrays():
    import gymnasium

    game = gymnasium.make("Pendulum-v1")
    observation, _ = game.reset(seed=0)
    net = nn.Linear(3, 1)
    for _ in range(3):
        action = net(tour.from_numpy(observation)).tanh()
        observation, reward, _, _, _ = game.step(action.detach().numpy())
        assert np.isfinite(reward)
    several = gymnasium.make_vec("CartPole-v1", num_envs=3, vectorization_mode="sync")
    observations, _ = several.reset(seed=0)
    scores = nn.Linear(4, 2)(tour.from_numpy(observations))
    observations, rewards, *_ = several.step(scores.argmax(1).numpy())
    assert observations.shape == (3, 4)
    assert tour.as_tensor(rewards).shape == (3,)


def test_scikit_learn_fits_and_measures_tensors():
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, mean_squared_error
    from sklearn.model_selection import train_test_split

    tour.manual_seed(0)
    x = tour.randn(60, 4)
    y = (x.sum(1) > 0).long()
    train_x, test_x, train_y, test_y = train_test_split(x, y, random_state=0)
    model = LogisticRegression().fit(train_x, train_y)
    plain = LogisticRegression().fit(train_x.numpy(), train_y.numpy())
    assert accuracy_score(test_y, model.predict(test_x)) == plain.score(test_x.numpy(), test_y.numpy())
    np.testing.assert_allclose(PCA(2).fit_transform(x), PCA(2).fit_transform(x.numpy()), rtol=1e-3)
    assert mean_squared_error(x, x + 1) == pytest.approx(1)


def test_matplotlib_draws_tensors():
    from matplotlib.figure import Figure

    x = tour.linspace(0, 1, 20).requires_grad_()
    axis = Figure().subplots()
    (line,) = axis.plot(x, x**2)
    np.testing.assert_allclose(line.get_ydata(), (x**2).detach().numpy())
    axis.scatter(x, x, c=x)
    axis.hist(x.detach())
    axis.bar(tour.arange(3), tour.ones(3))
    axis.fill_between(x, x, x + 1)
    axis.imshow(tour.rand(4, 4))
    axis.figure.savefig(io.BytesIO())


def test_tqdm_counts_loaders():
    from tqdm import tqdm

    from tour.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(tour.arange(10)), batch_size=4)
    with tqdm(loader, file=io.StringIO()) as bar:
        assert bar.total == 3
        for (batch,) in bar:
            bar.set_postfix(mean=batch.float().mean())


def test_pickle_keeps_modules_optimizers_and_data():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU())
    optimizer = optim.Adam(net.parameters())
    net(tour.randn(4, 2)).sum().backward()
    optimizer.step()
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        twin, state = pickle.loads(pickle.dumps((net, optimizer.state_dict()), protocol))
        x = tour.randn(4, 2)
        assert twin.eval()(x).tolist() == net.eval()(x).tolist()
        assert state["state"][0]["exp_avg"].tolist() == optimizer.state_dict()["state"][0]["exp_avg"].tolist()


PROGRAM = """
import tour.compat
tour.compat.install()
tour.compat.install()
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim, Tensor
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader, TensorDataset
import tour
assert torch is tour and F is tour.nn.functional and nn.Linear is tour.nn.Linear
assert tour.__spec__.name == "tour" and F.__spec__.name == "tour.nn.functional"
try:
    import torch.no_such_module
except ModuleNotFoundError as error:
    print(error)
import sys
tour.compat.uninstall()
assert not [name for name in sys.modules if name.startswith("torch")]
sys.modules["torch"] = sys
try:
    tour.compat.install()
except RuntimeError as error:
    print(error)
"""


def test_import_torch_may_mean_tour():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "No module named 'tour.no_such_module'",
        "PyTorch itself has been imported already; call tour.compat.install() before that",
    ]
