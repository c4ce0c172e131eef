"""A Gaussian process fitted by its marginal likelihood: Cholesky factors, parametrized positive numbers."""

import math

import torch
from torch import nn
from torch.nn.utils import parametrize


class Positive(nn.Module):
    def forward(self, x):
        return nn.functional.softplus(x) + 1e-4

    def right_inverse(self, y):
        return torch.log(torch.expm1(y - 1e-4))


class GP(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.lengths, self.scale, self.noise = (
            nn.Parameter(torch.ones(dims)),
            nn.Parameter(torch.ones(())),
            nn.Parameter(torch.tensor(0.1)),
        )
        for name in ("lengths", "scale", "noise"):
            parametrize.register_parametrization(self, name, Positive())

    def kernel(self, a, b):
        r = torch.cdist(a / self.lengths, b / self.lengths)
        return self.scale * (1 + math.sqrt(5) * r + 5 / 3 * r.square()) * torch.exp(-math.sqrt(5) * r)

    def loss(self, x, y):
        K = self.kernel(x, x) + self.noise * torch.eye(len(x), dtype=x.dtype)
        L = torch.linalg.cholesky(K)
        alpha = torch.cholesky_solve(y.unsqueeze(-1), L).squeeze(-1)
        return 0.5 * y.dot(alpha) + L.diagonal().log().sum() + 0.5 * len(x) * math.log(2 * math.pi)

    def forward(self, x, y, new):
        L, info = torch.linalg.cholesky_ex(self.kernel(x, x) + self.noise * torch.eye(len(x), dtype=x.dtype))
        assert info.item() == 0
        cross = self.kernel(x, new)
        half = torch.linalg.solve_triangular(L, cross, upper=False)
        mean = half.mT @ torch.linalg.solve_triangular(L, y[:, None], upper=False)
        cov = self.kernel(new, new) - half.T @ half
        return torch.distributions.MultivariateNormal(mean.squeeze(), cov + 1e-6 * torch.eye(len(new), dtype=x.dtype))


torch.manual_seed(55)
torch.set_default_dtype(torch.float64)
x = torch.rand(25, 2)
y = torch.sin(5 * x[:, 0]) + 0.3 * x[:, 1] + 0.05 * torch.randn(25)
gp = GP(2)
opt = torch.optim.LBFGS(gp.parameters(), lr=0.5, max_iter=12, line_search_fn="strong_wolfe", history_size=5)


def closure():
    opt.zero_grad()
    loss = gp.loss(x, y)
    loss.backward()
    return loss


with parametrize.cached():
    first = gp.loss(x, y).item()
for _ in range(2):
    loss = opt.step(closure)
post = gp(x, y, torch.cartesian_prod(torch.linspace(0, 1, 3), torch.tensor([0.2, 0.7])))
gp.noise = torch.tensor(0.5)
draw = post.rsample((4,))
final = loss.item() + first + post.mean.sum().item() + post.entropy().item() + draw.std().item() + gp.noise.item()
final += sum(p.numel() for p in gp.parameters())
torch.set_default_dtype(torch.float32)
