"""A physics-informed network: the residual of a differential equation by second derivatives."""

import torch
import torch.nn as nn

torch.manual_seed(15)
net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1)).double()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
x = torch.linspace(0, 1, 30, dtype=torch.float64).view(-1, 1).requires_grad_(True)
for _ in range(30):
    u = net(x)
    du = torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)[0]
    d2u = torch.autograd.grad(du, x, torch.ones_like(du), create_graph=True)[0]
    residual = (d2u + torch.sin(3 * x)).square().mean()
    boundary = net(torch.tensor([[0.0], [1.0]], dtype=torch.float64)).square().sum()
    loss = residual + boundary
    opt.zero_grad()
    loss.backward()
    opt.step()
final = loss.item()
