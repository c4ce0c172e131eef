"""Activations recomputed in the backward pass: the gradients are the plain ones, dropout included."""

import torch
import torch.nn as nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

torch.manual_seed(32)


class Block(nn.Module):
    def __init__(self, d, p=0.2):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.ff = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(approximate="tanh"), nn.Dropout(p), nn.Linear(4 * d, d))

    def forward(self, x, scale=1.0):
        return x + scale * self.ff(self.norm(x))


class Net(nn.Module):
    def __init__(self, d=16, depth=4, use=True):
        super().__init__()
        self.blocks = nn.ModuleList(Block(d) for _ in range(depth))
        self.tail = nn.Sequential(nn.Linear(d, d), nn.Tanh(), nn.Linear(d, d), nn.Mish(), nn.Linear(d, 1))
        self.use = use

    def forward(self, x):
        for i, block in enumerate(self.blocks):
            x = checkpoint(block, x, scale=1 / (i + 1), use_reentrant=False) if self.use else block(x, 1 / (i + 1))
        return checkpoint_sequential(self.tail, 2, x, use_reentrant=False) if self.use else self.tail(x)


net = Net()
opt = torch.optim.NAdam(net.parameters(), lr=3e-3, momentum_decay=1e-2)
x, y = torch.randn(40, 16), torch.randn(40, 1)
for step in range(12):
    opt.zero_grad()
    loss = nn.functional.huber_loss(net(x), y, delta=0.7)
    loss.backward()
    opt.step()
state = torch.get_rng_state()
loss = nn.functional.huber_loss(net(x), y)
grads = torch.autograd.grad(loss, list(net.parameters()))
torch.set_rng_state(state)
net.use = False
plain = torch.autograd.grad(nn.functional.huber_loss(net(x), y), list(net.parameters()))
assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(grads, plain))
final = loss.item() + sum(g.abs().sum().item() for g in grads) / 10
