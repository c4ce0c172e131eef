"""A mixture density network: logsumexp, softplus, several heads, Gaussian likelihood by hand."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(18)
y = torch.rand(200, 1) * 2 - 1
x = y + 0.3 * torch.sin(2 * math.pi * y) + 0.05 * torch.randn(200, 1)
body = nn.Sequential(nn.Linear(1, 20), nn.ELU())
pi, mu, sigma = nn.Linear(20, 5), nn.Linear(20, 5), nn.Linear(20, 5)
modules = nn.ModuleList([body, pi, mu, sigma])
opt = torch.optim.Rprop(modules.parameters(), lr=1e-3)
for _ in range(20):
    h = body(x)
    log_pi = F.log_softmax(pi(h), -1)
    s = F.softplus(sigma(h)) + 1e-2
    log_n = -0.5 * ((y - mu(h)) / s) ** 2 - torch.log(s) - 0.5 * math.log(2 * math.pi)
    loss = -torch.logsumexp(log_pi + log_n, dim=-1).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
final = loss.item()
