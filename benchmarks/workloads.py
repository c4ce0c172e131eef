"""What is timed, written once against PyTorch's names: each function gets the framework and gives one step to repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Step = Callable[[], Any]
Make = Callable[[Any], Step]

WORKLOADS: dict[str, Make] = {}

# What the page puts together, by the workload with which each group begins.
GROUPS = {
    "add, 16": "One operation, small and large",
    "gelu, 1024 × 1024, both ways": "An operation and its gradient",
    "sort, 10⁶": "Sorting, choosing, drawing",
    "Adam, 10 million parameters": "Optimizers",
    "network 16-32-4, batch 16": "A step of training",
}

# The ratios we want to reach where they are more than 1: what falls short of them is named on the page.
AIMS = {
    "network 784-512-256-10, batch 64": 3.0,
    "LeNet, 28 × 28, batch 64": 2.2,
    "residual network, 32 × 32, batch 32": 2.0,
    "GPT, 4 layers, T 128, C 256, batch 8": 2.0,
    "GPT, 2 layers, T 32, C 64, batch 4": 2.0,
    "attention, causal, 8 × 8 × 256 × 64, both ways": 2.5,
}


def workload(name: str) -> Callable[[Make], Make]:
    """Add a workload under a name."""

    def bind(make: Make) -> Make:
        WORKLOADS[name] = make
        return make

    return bind


def training(torch: Any, net: Any, loss: Callable[[], Any], optimizer: Any = None) -> Step:
    """Forward, backward and a step of Adam."""
    optimizer = optimizer or torch.optim.Adam(net.parameters(), lr=1e-3)

    def step() -> Any:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        return value

    return step


# --- Single operations ----------------------------------------------------------------------------------------------------------

SIZES = {"16": 16, "10⁴": 10_000, "10⁷": 10_000_000}
UNARY = ("exp", "tanh", "sigmoid", "relu")


def _unary(name: str, n: int) -> Make:
    def make(torch: Any) -> Step:
        x, function = torch.randn(n), getattr(torch, name)
        return lambda: function(x)

    return make


def _binary(name: str, n: int) -> Make:
    def make(torch: Any) -> Step:
        x, y, function = torch.randn(n), torch.randn(n), getattr(torch, name)
        return lambda: function(x, y)

    return make


for _label, _n in SIZES.items():
    for _name in ("add", "mul"):
        WORKLOADS[f"{_name}, {_label}"] = _binary(_name, _n)
    for _name in UNARY:
        WORKLOADS[f"{_name}, {_label}"] = _unary(_name, _n)
    WORKLOADS[f"sum, {_label}"] = _unary("sum", _n)


def _product(n: int) -> Make:
    def make(torch: Any) -> Step:
        a, b = torch.randn(n, n), torch.randn(n, n)
        return lambda: a @ b

    return make


for _n in (4, 100, 2048):
    WORKLOADS[f"matrix product, {_n}²"] = _product(_n)


@workload("gelu, 1024 × 1024, both ways")
def gelu(torch: Any) -> Step:
    x, g = torch.randn(1024, 1024, requires_grad=True), torch.randn(1024, 1024)
    return lambda: torch.nn.functional.gelu(x).backward(g)


@workload("softmax, 1024 × 1024, both ways")
def softmax(torch: Any) -> Step:
    x, g = torch.randn(1024, 1024, requires_grad=True), torch.randn(1024, 1024)
    return lambda: torch.softmax(x, -1).backward(g)


@workload("layer norm, 4096 × 256, both ways")
def layer_norm(torch: Any) -> Step:
    x, g, norm = torch.randn(4096, 256, requires_grad=True), torch.randn(4096, 256), torch.nn.LayerNorm(256)
    return lambda: norm(x).backward(g)


@workload("cross entropy, 1024 × 1000, both ways")
def cross_entropy(torch: Any) -> Step:
    x, t = torch.randn(1024, 1000, requires_grad=True), torch.randint(1000, (1024,))
    return lambda: torch.nn.functional.cross_entropy(x, t).backward()


@workload("embedding, 32000 × 256, both ways")
def embedding(torch: Any) -> Step:
    table, ids = torch.nn.Embedding(32000, 256), torch.randint(32000, (16, 128))
    g = torch.randn(16, 128, 256)

    def step() -> Any:
        table.weight.grad = None
        return table(ids).backward(g)

    return step


@workload("attention, causal, 8 × 8 × 256 × 64, both ways")
def attention(torch: Any) -> Step:
    q, k, v = (torch.randn(8, 8, 256, 64, requires_grad=True) for _ in range(3))
    g = torch.randn(8, 8, 256, 64)
    return lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).backward(g)


@workload("sort, 10⁶")
def sort(torch: Any) -> Step:
    x = torch.randn(1_000_000)
    return lambda: torch.sort(x)


@workload("gather, 10⁶")
def gather(torch: Any) -> Step:
    x, i = torch.randn(1000, 1000), torch.randint(1000, (1000, 1000))
    return lambda: torch.gather(x, 1, i)


@workload("top 10 of 1000 × 1000")
def topk(torch: Any) -> Step:
    x = torch.randn(1000, 1000)
    return lambda: torch.topk(x, 10)


@workload("uniform random numbers, 10⁶")
def uniform(torch: Any) -> Step:
    return lambda: torch.rand(1_000_000)


@workload("normal random numbers, 10⁶")
def normal(torch: Any) -> Step:
    return lambda: torch.randn(1_000_000)


# --- Optimizers -----------------------------------------------------------------------------------------------------------------


def _adam(count: int, size: int) -> Make:
    def make(torch: Any) -> Step:
        params = [torch.nn.Parameter(torch.randn(size)) for _ in range(count)]
        for p in params:
            p.grad = torch.randn(size)
        step: Step = torch.optim.Adam(params).step
        return step

    return make


WORKLOADS["Adam, 10 million parameters"] = _adam(10, 1_000_000)
WORKLOADS["Adam, 200 small parameters"] = _adam(200, 1000)


# --- Training steps -------------------------------------------------------------------------------------------------------------


@workload("network 16-32-4, batch 16")
def tiny(torch: Any) -> Step:
    nn = torch.nn
    net = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 4))
    x, t = torch.randn(16, 16), torch.randint(4, (16,))
    return training(torch, net, lambda: nn.functional.cross_entropy(net(x), t))


@workload("network 784-512-256-10, batch 64")
def mlp(torch: Any) -> Step:
    nn = torch.nn
    net = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    x, t = torch.randn(64, 784), torch.randint(10, (64,))
    return training(torch, net, lambda: nn.functional.cross_entropy(net(x), t))


def lenet_of(nn: Any) -> Any:
    """Two convolutions and two linear layers on 28 × 28."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64 * 12 * 12, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


@workload("LeNet, 28 × 28, batch 64")
def lenet(torch: Any) -> Step:
    net = lenet_of(torch.nn)
    x, t = torch.randn(64, 1, 28, 28), torch.randint(10, (64,))
    return training(torch, net, lambda: torch.nn.functional.cross_entropy(net(x), t))


@workload("LeNet, one image, no gradients")
def inference(torch: Any) -> Step:
    net, x = lenet_of(torch.nn).eval(), torch.randn(1, 1, 28, 28)

    def step() -> Any:
        with torch.no_grad():
            return net(x)

    return step


@workload("residual network, 32 × 32, batch 32")
def resnet(torch: Any) -> Step:
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
            self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

        def forward(self, x: Any) -> Any:
            y = torch.relu(self.norm1(self.first(x)))
            return torch.relu(x + self.norm2(self.second(y)))

    net = nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), Block(64), Block(64), Block(64),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    x, t = torch.randn(32, 3, 32, 32), torch.randint(10, (32,))
    return training(torch, net, lambda: nn.functional.cross_entropy(net(x), t))


def gpt_of(torch: Any, layers: int, width: int, heads: int, length: int, words: int) -> Any:
    """A decoder in the manner of GPT-2."""
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            b, t, c = x.shape
            q, k, v = self.qkv(self.norm1(x)).reshape(b, t, 3, heads, c // heads).permute(2, 0, 3, 1, 4).unbind(0)
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(b, t, c))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.words, self.places = nn.Embedding(words, width), nn.Embedding(length, width)
            self.blocks = nn.Sequential(*(Block() for _ in range(layers)))
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

        def forward(self, ids: Any) -> Any:
            x = self.words(ids) + self.places(torch.arange(ids.shape[1]))
            return self.head(self.norm(self.blocks(x)))

    return GPT()


def _gpt(layers: int, width: int, heads: int, length: int, batch: int, words: int) -> Make:
    def make(torch: Any) -> Step:
        net = gpt_of(torch, layers, width, heads, length, words)
        ids, t = torch.randint(words, (batch, length)), torch.randint(words, (batch * length,))
        return training(
            torch, net, lambda: torch.nn.functional.cross_entropy(net(ids).reshape(batch * length, words), t)
        )

    return make


WORKLOADS["GPT, 4 layers, T 128, C 256, batch 8"] = _gpt(4, 256, 8, 128, 8, 256)
WORKLOADS["GPT, 2 layers, T 32, C 64, batch 4"] = _gpt(2, 64, 4, 32, 4, 64)


@workload("LSTM, T 64, H 256, batch 32")
def lstm(torch: Any) -> Step:
    net, x = torch.nn.LSTM(256, 256), torch.randn(64, 32, 256)
    return training(torch, net, lambda: net(x)[0].square().mean())


@workload("GRU cell, 32 steps, H 128, batch 16")
def gru(torch: Any) -> Step:
    cell, xs = torch.nn.GRUCell(64, 128), torch.randn(32, 16, 64)

    def loss() -> Any:
        h = torch.zeros(16, 128)
        for x in xs:
            h = cell(x, h)
        return h.square().mean()

    return training(torch, cell, loss)


@workload("variational autoencoder, 784-400-20, batch 128")
def vae(torch: Any) -> Step:
    nn = torch.nn
    encoder, heads = nn.Sequential(nn.Linear(784, 400), nn.ReLU()), nn.Linear(400, 40)
    decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))
    net, x = nn.ModuleList([encoder, heads, decoder]), torch.rand(128, 784)

    def loss() -> Any:
        mean, log_var = heads(encoder(x)).chunk(2, -1)
        z = mean + torch.randn_like(mean) * (log_var / 2).exp()
        reconstruction = nn.functional.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
        return (reconstruction - 0.5 * (1 + log_var - mean * mean - log_var.exp()).sum()) / len(x)

    return training(torch, net, loss)


@workload("generator, transposed convolutions to 32 × 32, batch 32")
def generator(torch: Any) -> Step:
    nn = torch.nn
    net = nn.Sequential(
        nn.ConvTranspose2d(64, 128, 4), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.ConvTranspose2d(32, 3, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    z = torch.randn(32, 64, 1, 1)
    return training(torch, net, lambda: net(z).square().mean())


@workload("regression, one Linear layer")
def regression(torch: Any) -> Step:
    net, x, t = torch.nn.Linear(3, 1), torch.randn(32, 3), torch.randn(32, 1)
    return training(torch, net, lambda: (net(x) - t).square().mean(), torch.optim.SGD(net.parameters(), lr=0.1))
