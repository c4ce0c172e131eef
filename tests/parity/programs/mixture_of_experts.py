"""A mixture of experts: noisy top-k routing, index_add_ of outputs, a load-balancing loss, a capacity."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Expert(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.w1, self.w2, self.w3 = (
            nn.Linear(d, h, bias=False),
            nn.Linear(h, d, bias=False),
            nn.Linear(d, h, bias=False),
        )

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class MoE(nn.Module):
    def __init__(self, d=12, experts=4, k=2, capacity=30):
        super().__init__()
        self.gate, self.noise = nn.Linear(d, experts, bias=False), nn.Linear(d, experts, bias=False)
        self.experts = nn.ModuleList([Expert(d, 2 * d) for _ in range(experts)])
        self.k, self.capacity = k, capacity
        self.register_buffer("load", torch.zeros(experts), persistent=False)

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        logits = self.gate(flat)
        if self.training:
            logits = logits + torch.randn_like(logits) * F.softplus(self.noise(flat))
        probs = logits.softmax(dim=-1, dtype=torch.float32)
        weights, chosen = torch.topk(probs, self.k, dim=-1)
        weights /= weights.sum(dim=-1, keepdim=True)
        mask = F.one_hot(chosen, len(self.experts)).sum(1)
        kept = mask * (mask.cumsum(0) <= self.capacity)
        out = torch.zeros_like(flat)
        for i, expert in enumerate(self.experts):
            rows, slot = torch.where((chosen == i) & kept[:, i].bool()[:, None])
            if rows.numel() == 0:
                continue
            out.index_add_(0, rows, weights[rows, slot, None] * expert(flat[rows]))
        self.load += mask.sum(0)
        balance = len(self.experts) * (mask.float().mean(0) * probs.mean(0)).sum()
        return out.view_as(x), balance


torch.manual_seed(38)
x = torch.randn(8, 9, 12)
y = torch.roll(x, 1, dims=1).cumsum(-1) * 0.3
moe, norm = MoE(), nn.RMSNorm(12)
opt = torch.optim.AdamW([*moe.parameters(), *norm.parameters()], lr=5e-3, betas=(0.9, 0.95))
for _ in range(15):
    out, balance = moe(norm(x))
    loss = F.mse_loss(x + out, y) + 0.01 * balance
    opt.zero_grad()
    loss.backward()
    opt.step()
moe.eval()
final = loss.item() + moe(x)[0].std().item() + moe.load.max().item() / 100
assert "load" not in moe.state_dict()
