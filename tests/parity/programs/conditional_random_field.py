"""A conditional random field over an LSTM: the forward algorithm by logsumexp, Viterbi by max."""

import torch
import torch.nn as nn


class CRF(nn.Module):
    def __init__(self, tags):
        super().__init__()
        self.transitions = nn.Parameter(torch.empty(tags, tags))
        self.start, self.end = nn.Parameter(torch.empty(tags)), nn.Parameter(torch.empty(tags))
        for p in self.parameters():
            nn.init.uniform_(p, -0.1, 0.1)

    def gold(self, emit, tags, mask):
        score = self.start[tags[:, 0]] + emit[:, 0].gather(1, tags[:, :1]).squeeze(1)
        for t in range(1, emit.shape[1]):
            step = self.transitions[tags[:, t - 1], tags[:, t]] + emit[torch.arange(len(emit)), t, tags[:, t]]
            score = score + step * mask[:, t]
        last = mask.long().sum(1) - 1
        return score + self.end[tags.gather(1, last.unsqueeze(1)).squeeze(1)]

    def partition(self, emit, mask):
        alpha = self.start + emit[:, 0]
        for t in range(1, emit.shape[1]):
            new = torch.logsumexp(alpha.unsqueeze(2) + self.transitions + emit[:, t].unsqueeze(1), dim=1)
            alpha = torch.where(mask[:, t].unsqueeze(1), new, alpha)
        return torch.logsumexp(alpha + self.end, dim=1)

    def viterbi(self, emit):
        score, back = self.start + emit[0], []
        for e in emit[1:]:
            best, where = (score[:, None] + self.transitions + e).max(dim=0)
            score = best
            back.append(where)
        path = [int((score + self.end).argmax())]
        for where in reversed(back):
            path.append(where[path[-1]].item())
        return path[::-1]


torch.manual_seed(42)
words = torch.randint(0, 15, (10, 8))
tags = (words + words.cumsum(1)) % 4
lengths = torch.randint(3, 9, (10,))
mask = torch.arange(8)[None, :] < lengths[:, None]
embed, lstm, head, crf = (
    nn.Embedding(15, 8),
    nn.LSTM(8, 6, bidirectional=True, batch_first=True, proj_size=3),
    nn.Linear(6, 4),
    CRF(4),
)
params = [p for m in (embed, lstm, head, crf) for p in m.parameters()]
opt = torch.optim.Adam(params, lr=2e-2, weight_decay=1e-4)
for _ in range(12):
    emit = head(lstm(embed(words))[0])
    loss = (crf.partition(emit, mask) - crf.gold(emit, tags, mask)).mean()
    opt.zero_grad()
    loss.backward()
    total = nn.utils.clip_grad_norm_(params, 2.0, norm_type=float("inf"))
    opt.step()
with torch.no_grad():
    right = sum(sum(p == t for p, t in zip(crf.viterbi(e[:n]), row.tolist())) for e, row, n in zip(emit, tags, lengths))
final = loss.item() + right + total.item()
