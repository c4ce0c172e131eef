"""A normalising flow of affine coupling layers: exact likelihood, its inverse, samples; masks in buffers."""

import math

import torch
import torch.nn as nn
from torch.distributions import Independent, MultivariateNormal, Normal


class Coupling(nn.Module):
    def __init__(self, mask, hidden=16):
        super().__init__()
        self.register_buffer("mask", mask)
        self.s = nn.Sequential(nn.Linear(2, hidden), nn.LeakyReLU(), nn.Linear(hidden, 2), nn.Tanh())
        self.t = nn.Sequential(nn.Linear(2, hidden), nn.LeakyReLU(), nn.Linear(hidden, 2))
        self.scale = nn.Parameter(torch.zeros(2))

    def forward(self, x):
        kept = self.mask * x
        s = self.s(kept) * self.scale.exp() * (1 - self.mask)
        z = kept + (1 - self.mask) * (x * s.exp() + self.t(kept))
        return z, s.sum(dim=1)

    def inverse(self, z):
        kept = self.mask * z
        s = self.s(kept) * torch.exp(self.scale) * (1 - self.mask)
        return kept + (1 - self.mask) * ((z - self.t(kept)) * torch.exp(-s))


class Flow(nn.Module):
    def __init__(self, layers=4):
        super().__init__()
        masks = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(layers // 2, 1)
        self.layers = nn.ModuleList(map(Coupling, masks))
        self.register_buffer("loc", torch.zeros(2))
        self.register_buffer("cov", torch.eye(2))

    @property
    def base(self):
        return MultivariateNormal(self.loc, self.cov)

    def log_prob(self, x):
        total = x.new_zeros(x.shape[0])
        for layer in self.layers:
            x, logdet = layer(x)
            total = total + logdet
        return self.base.log_prob(x) + total

    @torch.no_grad()
    def sample(self, n):
        z = self.base.sample((n,))
        for layer in reversed(self.layers):
            z = layer.inverse(z)
        return z


torch.manual_seed(39)
angle = torch.rand(200) * math.pi
moons = torch.stack([torch.cos(angle), torch.sin(angle)], 1)
moons[100:] = torch.tensor([1.0, 0.5]) - moons[100:]
moons += 0.05 * torch.randn_like(moons)
flow = Flow()
opt = torch.optim.Adam(flow.parameters(), lr=5e-3)
for _ in range(25):
    loss = -flow.log_prob(moons).mean()
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(flow.parameters(), 1.0)
    opt.step()
drawn = flow.sample(100)
plain = Independent(Normal(moons.mean(0), moons.std(0)), 1).log_prob(moons).mean()
final = loss.item() + drawn.mean().item() + torch.cov(drawn.T).logdet().item() + plain.item()
