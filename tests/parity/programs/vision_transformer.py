"""A vision transformer: patches by a strided convolution, a class token, positions as Parameters."""

import torch
from torch import nn


class ViT(nn.Module):
    def __init__(self, image=8, patch=4, dim=24, depth=2, heads=3, classes=10):
        super().__init__()
        self.patch = nn.Conv2d(1, dim, patch, patch)
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.pos = nn.Parameter(torch.randn(1, (image // patch) ** 2 + 1, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(
            dim, heads, 2 * dim, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, classes))

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.pos
        return self.head(self.encoder(x)[:, 0])


torch.manual_seed(2)
from sklearn.datasets import load_digits

x, y = torch.tensor(load_digits().images[:64, None] / 16, dtype=torch.float32), torch.tensor(load_digits().target[:64])
model = ViT()
opt = torch.optim.NAdam(model.parameters(), lr=1e-3)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=3e-3, total_steps=10)
for _ in range(10):
    loss = nn.functional.cross_entropy(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
final = loss.item()
