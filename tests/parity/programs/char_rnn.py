"""Names letter by letter with a recurrent cell written by hand, and a vocabulary in a dict."""

import string

import torch
import torch.nn as nn

letters = string.ascii_lowercase + "$"
stoi = {c: i for i, c in enumerate(letters)}
names = ["ada", "alan", "grace", "edsger", "donald", "barbara", "john", "kurt", "emmy", "rozsa"]


class RNN(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.hidden_size = hidden
        self.i2h = nn.Linear(len(letters) + hidden, hidden)
        self.i2o = nn.Linear(len(letters) + hidden, len(letters))

    def forward(self, x, h):
        combined = torch.cat((x, h), 1)
        return torch.log_softmax(self.i2o(combined), dim=1), torch.tanh(self.i2h(combined))


torch.manual_seed(5)
rnn = RNN(24)
criterion = nn.NLLLoss()
optimizer = torch.optim.Adam(rnn.parameters(), 5e-3)
for epoch in range(4):
    total = 0
    for name in names:
        codes = [stoi[c] for c in name + "$"]
        h = torch.zeros(1, rnn.hidden_size)
        loss = 0
        for a, b in zip(codes[:-1], codes[1:]):
            out, h = rnn(nn.functional.one_hot(torch.tensor([a]), len(letters)).float(), h)
            loss = loss + criterion(out, torch.tensor([b]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / len(name)
final = total / len(names)
