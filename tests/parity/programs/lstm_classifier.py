"""Sequences of different lengths, packed, through a bidirectional LSTM."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence


class Classifier(nn.Module):
    def __init__(self, vocab, emb=12, hid=16, classes=3):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb, padding_idx=0)
        self.lstm = nn.LSTM(emb, hid, num_layers=2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hid, classes)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.embedding(x), lengths, batch_first=True, enforce_sorted=False)
        output, (h, c) = self.lstm(packed)
        output, _ = pad_packed_sequence(output, batch_first=True)
        return self.out(torch.cat([h[-2], h[-1]], dim=-1)) + 0 * output.sum()


torch.manual_seed(11)
lengths = torch.randint(3, 10, (24,))
seqs = [torch.randint(1, 20, (n,)) for n in lengths.tolist()]
labels = torch.tensor([int(s.sum()) % 3 for s in seqs])
x = pad_sequence(seqs, batch_first=True)
model = Classifier(20)
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for _ in range(12):
    loss = nn.functional.cross_entropy(model(x, lengths), labels)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(model.parameters(), 0.5)
    opt.step()
final = loss.item()
