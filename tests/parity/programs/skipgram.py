"""Word vectors by negative sampling: sparse-looking updates, bmm, logsigmoid, cosine similarity."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(9)
words = "the quick brown fox jumps over the lazy dog while the slow turtle walks under the old bridge".split()
vocab = {w: i for i, w in enumerate(dict.fromkeys(words))}
ids = torch.tensor([vocab[w] for w in words])
pairs = torch.tensor([(i, j) for i in range(len(ids)) for j in range(max(0, i - 2), min(len(ids), i + 3)) if i != j])
u, v = nn.Embedding(len(vocab), 8), nn.Embedding(len(vocab), 8)
v.weight.data.zero_()
u.weight.data.uniform_(-0.5 / 8, 0.5 / 8)
opt = torch.optim.SGD([*u.parameters(), *v.parameters()], lr=0.5)
counts = torch.bincount(ids, minlength=len(vocab)).float() ** 0.75
for epoch in range(10):
    order = torch.randperm(len(pairs))
    center, context = ids[pairs[order, 0]], ids[pairs[order, 1]]
    negative = torch.multinomial(counts, len(pairs) * 4, replacement=True).view(-1, 4)
    c = u(center)
    positive = torch.einsum("bd,bd->b", c, v(context))
    negatives = torch.bmm(v(negative), c.unsqueeze(2)).squeeze(2)
    loss = -(F.logsigmoid(positive) + F.logsigmoid(-negatives).sum(1)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
final = loss.item() + F.cosine_similarity(u.weight[0], u.weight[1], dim=0).item()
