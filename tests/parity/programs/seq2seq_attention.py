"""Translate reversed number sequences: GRU encoder, additive attention, teacher forcing."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F

SOS, V, H = 0, 12, 20


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, H)
        self.gru = nn.GRU(H, H)

    def forward(self, x):
        return self.gru(self.embedding(x))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, H)
        self.Wa, self.Ua, self.Va = nn.Linear(H, H), nn.Linear(H, H), nn.Linear(H, 1)
        self.gru = nn.GRU(2 * H, H)
        self.out = nn.Linear(H, V)

    def forward(self, token, hidden, memory):
        scores = self.Va(torch.tanh(self.Wa(hidden) + self.Ua(memory)))
        context = (F.softmax(scores, dim=0) * memory).sum(0, keepdim=True)
        out, hidden = self.gru(torch.cat([self.embedding(token), context], -1), hidden)
        return F.log_softmax(self.out(out[0]), -1), hidden


random.seed(1)
torch.manual_seed(1)
encoder, decoder = Encoder(), Decoder()
opt = torch.optim.RAdam([*encoder.parameters(), *decoder.parameters()], lr=5e-3)
for step in range(10):
    src = torch.randint(1, V, (6, 8))
    tgt = src.flip(0)
    memory, hidden = encoder(src)
    token, loss = torch.full((1, 8), SOS), 0.0
    teacher = random.random() < 0.7
    for t in range(6):
        logp, hidden = decoder(token, hidden, memory)
        loss += F.nll_loss(logp, tgt[t])
        token = tgt[t : t + 1] if teacher else logp.topk(1)[1].detach().t()
    opt.zero_grad()
    loss.backward()
    opt.step()
final = loss.item() / 6
