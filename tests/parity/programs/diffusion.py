"""A denoising diffusion model on a spiral: schedules by cumprod, time embeddings, an average of the weights."""

import math

import torch
import torch.nn as nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(16)
T = 40
betas = torch.linspace(1e-4, 0.05, T)
alpha_bar = torch.cumprod(1 - betas, dim=0)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2 + 8, 32), nn.Mish(), nn.Linear(32, 32), nn.Mish(), nn.Linear(32, 2))

    def forward(self, x, t):
        freq = torch.exp(-math.log(100) * torch.arange(4) / 4)
        angles = t[:, None] * freq[None]
        return self.net(torch.cat([x, angles.sin(), angles.cos()], dim=-1))


theta = torch.rand(128) * 10
data = torch.stack([theta * theta.cos(), theta * theta.sin()], dim=1) / 10
model = Denoiser()
ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
for _ in range(20):
    t = torch.randint(0, T, (len(data),))
    noise = torch.randn_like(data)
    ab = alpha_bar[t].unsqueeze(-1)
    loss = (model(ab.sqrt() * data + (1 - ab).sqrt() * noise, t.float()) - noise).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    ema.update_parameters(model)
with torch.no_grad():
    x = torch.randn(64, 2)
    for step in reversed(range(T)):
        e = ema(x, torch.full((64,), float(step)))
        x = (x - betas[step] / (1 - alpha_bar[step]).sqrt() * e) / (1 - betas[step]).sqrt()
        if step:
            x += betas[step].sqrt() * torch.randn(64, 2)
final = loss.item() + x.std().item() / 10
