"""Recommend by factorising ratings: embeddings with biases, weight decay, plateau schedule, early stopping."""

import torch
from torch import nn

torch.manual_seed(17)
users, items = torch.randint(0, 20, (300,)), torch.randint(0, 15, (300,))
truth = torch.randn(20, 3) @ torch.randn(3, 15)
ratings = truth[users, items]


class MF(nn.Module):
    def __init__(self):
        super().__init__()
        self.u, self.v = nn.Embedding(20, 4), nn.Embedding(15, 4)
        self.bu, self.bv = nn.Embedding(20, 1), nn.Embedding(15, 1)

    def forward(self, i, j):
        return (self.u(i) * self.v(j)).sum(1) + self.bu(i).squeeze() + self.bv(j).squeeze()


model = MF()
opt = torch.optim.Adam(model.parameters(), lr=0.1, weight_decay=1e-3)
sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=1)
best, bad = float("inf"), 0
for epoch in range(15):
    perm = torch.randperm(300)
    for idx in perm.chunk(5):
        loss = nn.functional.mse_loss(model(users[idx], items[idx]), ratings[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(users, items), ratings).item()
    sched.step(val)
    best, bad = (val, 0) if val < best - 1e-4 else (best, bad + 1)
    if bad > 3:
        break
final = best
