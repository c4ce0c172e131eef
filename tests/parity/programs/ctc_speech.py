"""A toy recogniser: one-dimensional convolutions, CTC loss, greedy decoding."""

import torch
import torch.nn as nn

torch.manual_seed(19)
net = nn.Sequential(
    nn.Conv1d(8, 24, 5, padding=2), nn.BatchNorm1d(24), nn.Hardtanh(0, 20), nn.Conv1d(24, 6, 3, padding=1)
)
x = torch.randn(4, 8, 20)
targets = torch.randint(1, 6, (4, 5))
lengths, target_lengths = torch.full((4,), 20), torch.tensor([5, 4, 3, 5])
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for _ in range(12):
    logp = net(x).permute(2, 0, 1).log_softmax(2)
    loss = nn.CTCLoss(zero_infinity=True)(logp, targets, lengths, target_lengths)
    opt.zero_grad()
    loss.backward()
    opt.step()
best = logp.argmax(2).t()
collapsed = [torch.unique_consecutive(row) for row in best]
final = loss.item() + sum(len(c[c != 0]) for c in collapsed)
