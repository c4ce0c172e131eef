"""A Wasserstein critic with gradient penalty: double backward through a network."""

import torch
from torch import autograd, nn

torch.manual_seed(13)
critic = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(0.2), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
opt = torch.optim.RMSprop(critic.parameters(), lr=1e-3)
for _ in range(10):
    real, fake = torch.randn(32, 2) + 2, torch.rand(32, 2)
    alpha = torch.rand(32, 1).expand_as(real)
    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    score = critic(mixed)
    (g,) = autograd.grad(
        score, mixed, grad_outputs=torch.ones_like(score), create_graph=True, retain_graph=True, only_inputs=True
    )
    penalty = ((g.norm(2, dim=1) - 1) ** 2).mean() * 10
    loss = critic(fake).mean() - critic(real).mean() + penalty
    opt.zero_grad()
    loss.backward()
    opt.step()
final = loss.item()
