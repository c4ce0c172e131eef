"""A decoder of text: rotary positions, grouped queries, tied weights; drawn with a cache, top-k and top-p."""

from dataclasses import dataclass, field
from typing import Optional

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


@dataclass
class Config:
    vocab: int = 24
    d: int = 16
    heads: int = 4
    kv: int = 2
    layers: int = 2
    betas: tuple = field(default_factory=lambda: (0.9, 0.95))


def rope(x: Tensor, at: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    freq = 1.0 / 10000 ** (torch.arange(half, dtype=torch.float32) / half)
    turn = torch.polar(torch.ones(len(at), half), torch.outer(at.float(), freq))
    z = torch.view_as_complex(x.float().reshape(*x.shape[:-1], half, 2))
    return torch.view_as_real(z * turn).flatten(-2).type_as(x)


class Attention(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c, self.hd = c, c.d // c.heads
        self.q = nn.Linear(c.d, c.heads * self.hd, bias=False)
        self.kv = nn.Linear(c.d, 2 * c.kv * self.hd, bias=False)
        self.o = nn.Linear(c.d, c.d, bias=False)

    def forward(self, x: Tensor, start: int, cache: Optional[list] = None) -> Tensor:
        B, T, _ = x.size()
        at = torch.arange(start, start + T)
        q = self.q(x).unflatten(-1, (self.c.heads, self.hd)).transpose(1, 2)
        k, v = self.kv(x).unflatten(-1, (2, self.c.kv, self.hd)).movedim(2, 0).transpose(2, 3).unbind(0)
        q, k = rope(q, at), rope(k, at)
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)
            cache[:] = k, v
        r = self.c.heads // self.c.kv
        k, v = k.repeat_interleave(r, dim=1), v[:, :, None].expand(-1, -1, r, -1, -1).flatten(1, 2)
        out = F.scaled_dot_product_attention(q, k, v, is_causal=T > 1)
        return self.o(out.transpose(1, 2).contiguous().view(B, T, -1))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.n1, self.n2, self.att = nn.RMSNorm(c.d, eps=1e-5), nn.RMSNorm(c.d), Attention(c)
        self.up, self.down = nn.Linear(c.d, 4 * c.d), nn.Linear(2 * c.d, c.d)

    def forward(self, x, start=0, cache=None):
        x = x + self.att(self.n1(x), start, cache)
        gate, up = self.up(self.n2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class LM(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed, self.norm = nn.Embedding(c.vocab, c.d), nn.RMSNorm(c.d)
        self.blocks = nn.ModuleList([Block(c) for _ in range(c.layers)])
        self.head = nn.Linear(c.d, c.vocab, bias=False)
        self.head.weight = self.embed.weight
        self.apply(self._init)

    @torch.no_grad()
    def _init(self, m):
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.trunc_normal_(m.weight, std=0.2)

    def forward(self, ids, start=0, caches=None):
        x = self.embed(ids)
        for i, block in enumerate(self.blocks):
            x = block(x, start, None if caches is None else caches[i])
        return self.head(self.norm(x))


torch.manual_seed(50)
c = Config()
lm = LM(c)
ids = (torch.arange(60).view(4, 15) * 5 + torch.arange(4)[:, None]) % 24
opt = torch.optim.AdamW(lm.parameters(), lr=1e-2, betas=c.betas, fused=False)
for _ in range(15):
    loss = F.cross_entropy(lm(ids[:, :-1]).view(-1, c.vocab), ids[:, 1:].reshape(-1)) / 2
    loss.backward()
    (0.5 * F.cross_entropy(lm(ids[:, 1:-1]).transpose(1, 2), ids[:, 2:])).backward()
    opt.step()
    opt.zero_grad()


@torch.inference_mode()
def generate(prompt, n, k=5, p=0.9):
    caches = [[] for _ in lm.blocks]
    out, logits = prompt, lm(prompt, 0, caches)[:, -1]
    for _ in range(n):
        top = logits.topk(k).values[:, [-1]]
        logits[logits < top] = -float("Inf")
        probs, order = logits.softmax(-1).sort(descending=True)
        probs = probs.masked_fill(probs.cumsum(-1) - probs > p, 0.0)
        pick = order.gather(-1, torch.multinomial(probs, num_samples=1))
        out = torch.cat((out, pick), dim=1)
        logits = lm(pick, out.size(1) - 1, caches)[:, -1]
    return out, logits


text, logits = generate(ids[:2, :4], 6)
lm.eval()
with torch.no_grad():
    assert torch.allclose(lm(text)[:, -1], logits, atol=1e-4)
final = loss.item() + text.float().mean().item() + logits.std().item()
