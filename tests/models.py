"""Three whole models and their training, as a PyTorch program has them: it runs on PyTorch too, once `tour` means torch.

Each `train_*` gives the loss of every step. tests/test_models.py holds them against PyTorch's stored curves,
tests/parity/test_models.py against PyTorch itself.
"""

from __future__ import annotations

import numpy as np

import tour as torch

nn = torch.nn
F = torch.nn.functional
STEPS = 50
SEED = 7


class CNN(nn.Module):
    """Convolutions with batch and group normalisation, pooling and dropout."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False),
            nn.GroupNorm(4, 16),
            nn.GELU(),
            nn.Conv2d(16, 16, 3, padding="same", groups=16),
            nn.AdaptiveAvgPool2d(2),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, 5))

    def forward(self, images):
        return self.head(self.features(images))


class Classifier(nn.Module):
    """A bidirectional LSTM over sentences of different lengths."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(30, 12, padding_idx=0)
        self.lstm = nn.LSTM(12, 16, num_layers=2, batch_first=True, dropout=0.3, bidirectional=True)
        self.head = nn.Linear(32, 3)

    def forward(self, sentences, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(
            self.words(sentences), lengths, batch_first=True, enforce_sorted=False
        )
        _, (h, _) = self.lstm(packed)
        return self.head(torch.cat([h[-2], h[-1]], dim=1))


class Block(nn.Module):
    """Causal attention and a feed-forward network, each after a normalisation and beside a shortcut."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(0.1))

    def forward(self, x):
        batch, length, width = x.shape
        parts = self.qkv(self.first(x)).split(width, dim=2)
        q, k, v = (p.view(batch, length, self.heads, width // self.heads).transpose(1, 2) for p in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.second(x))


class GPT(nn.Module):
    """A small language model whose output shares the weights of its input."""

    def __init__(self, words=20, length=12, width=24):
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList([Block(width, 3) for _ in range(2)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.words.weight
        self.apply(self.begin)

    @staticmethod
    def begin(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, tokens):
        x = self.words(tokens) + self.places(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def train_cnn():
    random = np.random.default_rng(SEED)
    images = torch.from_numpy(random.standard_normal((40, 1, 12, 12)))
    labels = torch.from_numpy(random.integers(0, 5, 40))
    net = CNN()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS)
    losses = []
    for _ in range(STEPS):
        batch = torch.randperm(40)[:16]
        loss = F.cross_entropy(net(images[batch]), labels[batch], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    net.eval()
    return [*losses, F.cross_entropy(net(images), labels).item()]


def train_lstm():
    random = np.random.default_rng(SEED)
    lengths = torch.from_numpy(
        random.integers(2, 10, 16)
    )  # PyTorch orders equal lengths among more than 16 by accident
    sentences = torch.from_numpy(random.integers(1, 30, (16, 9)))
    sentences = sentences.masked_fill(torch.arange(9) >= lengths[:, None], 0)
    labels = torch.from_numpy(random.integers(0, 3, 16))
    net = Classifier()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.1)
    losses = []
    for _ in range(STEPS):
        loss = F.cross_entropy(net(sentences, lengths), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        optimizer.step()
        losses.append(loss.item())
    return losses


def train_gpt():
    random = np.random.default_rng(SEED)
    text = torch.from_numpy(random.integers(0, 20, (16, 13)))
    net = GPT()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 10))
    losses = []
    for _ in range(STEPS):
        logits = net(text[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), text[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


TRAININGS = {"cnn": train_cnn, "lstm": train_lstm, "gpt": train_gpt}


def curve(name):
    """The losses of one model in double precision, from the seed."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        torch.manual_seed(SEED)
        return TRAININGS[name]()
    finally:
        torch.set_default_dtype(before)
