"""A GAN with spectral and weight normalisation, old and parametrized, hinge loss, two optimizers."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import parametrizations, parametrize, spectral_norm

torch.manual_seed(40)
sn = spectral_norm
D = nn.Sequential(
    sn(nn.Conv1d(1, 8, 4, stride=2, padding=1)),
    nn.LeakyReLU(0.2),
    parametrizations.spectral_norm(nn.Conv1d(8, 8, 4, 2, 1)),
    nn.LeakyReLU(0.2, inplace=True),
    nn.Flatten(),
    sn(nn.Linear(32, 1), n_power_iterations=2),
)
G = nn.Sequential(
    parametrizations.weight_norm(nn.Linear(4, 32)),
    nn.Unflatten(1, (8, 4)),
    nn.ConvTranspose1d(8, 8, 4, 2, 1, bias=False),
    nn.InstanceNorm1d(8, affine=True),
    nn.GLU(dim=1),
    nn.ConvTranspose1d(4, 1, 4, stride=2, padding=1),
    nn.Tanh(),
)


def init(m):
    if isinstance(m, nn.ConvTranspose1d):
        nn.init.kaiming_normal_(m.weight, a=0.2)
        if m.bias is not None:
            nn.init.zeros_(m.bias)


G.apply(init)
opt_d = torch.optim.Adam(D.parameters(), lr=4e-3, betas=(0.0, 0.9))
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.0, 0.9))
sched = torch.optim.lr_scheduler.ExponentialLR(opt_d, 0.97)
t = torch.linspace(0, 6.28, 16)
for step in range(20):
    real = torch.sin(t + 6.28 * torch.rand(16, 1)).unsqueeze(1)
    z = torch.randn(16, 4)
    fake = G(z)
    d_loss = F.relu(1 - D(real)).mean() + F.relu(1 + D(fake.detach())).mean()
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()
    if step % 2:
        D.requires_grad_(False)
        g_loss = -D(G(z)).mean()
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
        D.requires_grad_(True)
    sched.step()
sigma = torch.linalg.svdvals(D[2].weight.flatten(1))[0]
parametrize.remove_parametrizations(G[0], "weight")
torch.nn.utils.remove_spectral_norm(D[0])
D.eval(), G.eval()
final = d_loss.item() + g_loss.item() + sigma.item() + D(G(torch.ones(2, 4))).sum().item()
final += len(D.state_dict()) + len(G.state_dict())
