"""A siamese network with the triplet loss, normalised embeddings, and pairwise distances."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(10)
x, y = torch.tensor(load_digits().data[:200] / 16).float(), torch.tensor(load_digits().target[:200])
net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
criterion = nn.TripletMarginLoss(margin=0.5)
for _ in range(15):
    anchor = torch.randint(0, 200, (40,))
    positive = torch.stack([torch.nonzero(y == y[i])[0, 0] for i in anchor])
    negative = torch.stack([torch.nonzero(y != y[i])[-1, 0] for i in anchor])
    e = [F.normalize(net(x[i]), dim=1) for i in (anchor, positive, negative)]
    loss = criterion(*e)
    opt.zero_grad()
    loss.backward()
    opt.step()
with torch.no_grad():
    distances = torch.cdist(F.normalize(net(x[:30]), dim=1), F.normalize(net(x[:30]), dim=1))
final = loss.item() + distances.mean().item()
