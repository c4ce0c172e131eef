"""Sequences of unequal length: batches by length from a sampler, padded, packed; weighted sampling."""

import random
from functools import partial

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import BatchSampler, DataLoader, Dataset, Sampler, WeightedRandomSampler, random_split

torch.manual_seed(33)
random.seed(33)


class Tags(Dataset):
    def __init__(self, n):
        self.items = []
        for _ in range(n):
            length = random.randint(3, 12)
            words = torch.randint(1, 20, (length,))
            self.items.append((words, (words % 3 == words.roll(1) % 3).long()))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class ByLength(Sampler):
    def __init__(self, data, batch):
        self.data, self.batch = data, batch

    def __iter__(self):
        order = sorted(range(len(self.data)), key=lambda i: len(self.data[i][0]))
        chunks = [order[i : i + self.batch] for i in range(0, len(order), self.batch)]
        for i in torch.randperm(len(chunks)).tolist():
            yield chunks[i]

    def __len__(self):
        return -(-len(self.data) // self.batch)


def collate(items, pad):
    words, tags = zip(*items)
    lengths = torch.tensor([len(w) for w in words])
    return pad_sequence(words, batch_first=True, padding_value=pad), pad_sequence(tags, True, -100), lengths


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 12, padding_idx=0)
        self.rnn = nn.GRU(12, 10, num_layers=2, batch_first=True, bidirectional=True, dropout=0.1)
        self.out = nn.Linear(20, 2)

    def forward(self, words, lengths):
        packed = pack_padded_sequence(self.embed(words), lengths, batch_first=True, enforce_sorted=False)
        hidden, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.out(hidden)


train, test = random_split(Tags(90), [0.8, 0.2], generator=torch.Generator().manual_seed(1))
loader = DataLoader(train, batch_sampler=ByLength(train, 12), collate_fn=partial(collate, pad=0))
weights = [1.0 / len(train[i][0]) for i in range(len(train))]
weighted = BatchSampler(WeightedRandomSampler(weights, 24, replacement=True), 8, drop_last=False)
net = Tagger()
opt = torch.optim.Adam(net.parameters(), lr=1e-2, amsgrad=True)
for batches in (loader, DataLoader(train, batch_sampler=weighted, collate_fn=partial(collate, pad=0)), loader):
    for words, tags, lengths in batches:
        opt.zero_grad()
        logits = net(words, lengths)
        loss = nn.functional.cross_entropy(logits.transpose(1, 2), tags, ignore_index=-100)
        loss.backward()
        opt.step()
net.eval()
words, tags, lengths = next(iter(DataLoader(test, batch_size=len(test), collate_fn=partial(collate, pad=0))))
final = loss.item() + nn.functional.cross_entropy(net(words, lengths).flatten(0, 1), tags.flatten()).item()
