"""What `check_gpu.py` runs, written once for tour and for PyTorch: `t` is either of them.

Everything lies on the device "cuda" and starts from a fixed seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Work = Callable[[], Any]


class Sizes(NamedTuple):
    """How large everything is.

    Attributes:
        matrix: Rows and columns of the products.
        heads: Batch, heads, rows and numbers of attention.
        small: Batch, width and layers of the perceptron.
        image: Batch, sides and first width of the ResNet.
        text: Batch, context, width, heads and layers of the GPT.
    """

    matrix: int
    heads: tuple[int, int, int, int]
    small: tuple[int, int, int]
    image: tuple[int, int, int]
    text: tuple[int, int, int, int, int]


FULL = Sizes(4096, (4, 16, 2048, 64), (32, 64, 2), (128, 32, 64), (8, 1024, 768, 12, 6))
SHORT = Sizes(8, (1, 2, 8, 16), (4, 8, 1), (2, 4, 2), (2, 4, 16, 2, 1))

VOCABULARY, CLASSES = 128, 10


# --- Networks -----------------------------------------------------------------------------------------------------------------


def perceptron(t: Any, sizes: Sizes) -> tuple[Any, Any, Any]:
    """A small network, whose kernels take less time than Python takes to start them."""
    batch, width, layers = sizes.small
    t.manual_seed(0)
    hidden = [part for _ in range(layers) for part in (t.nn.Linear(width, width), t.nn.ReLU())]
    net = t.nn.Sequential(*hidden, t.nn.Linear(width, CLASSES)).to("cuda")
    return net, t.randn(batch, width).to("cuda"), t.randint(0, CLASSES, (batch,)).to("cuda")


def resnet(t: Any, sizes: Sizes) -> tuple[Any, Any, Any]:
    """A residual network of 18 layers for small images (He et al., 2016)."""
    batch, side, width = sizes.image
    nn = t.nn
    t.manual_seed(0)

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, channels: int, wider: int, stride: int) -> None:
            super().__init__()
            self.first = nn.Conv2d(channels, wider, 3, stride, 1, bias=False)
            self.second = nn.Conv2d(wider, wider, 3, 1, 1, bias=False)
            self.norms = nn.ModuleList([nn.BatchNorm2d(wider), nn.BatchNorm2d(wider)])
            same = stride == 1 and channels == wider
            self.skip = nn.Identity() if same else nn.Conv2d(channels, wider, 1, stride, bias=False)

        def forward(self, x: Any) -> Any:
            y = self.norms[0](self.first(x)).relu()
            return (self.norms[1](self.second(y)) + self.skip(x)).relu()

    layers: list[Any] = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    channels = width
    for stage in range(4):
        wider = width << stage
        layers += [Block(channels, wider, 1 if stage == 0 else 2), Block(wider, wider, 1)]
        channels = wider
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)).to("cuda")
    return net, t.randn(batch, 3, side, side).to("cuda"), t.randint(0, CLASSES, (batch,)).to("cuda")


def gpt(t: Any, sizes: Sizes) -> tuple[Any, Any, Any]:
    """A transformer that predicts the next of a row of tokens (Radford et al., 2019)."""
    batch, context, width, heads, layers = sizes.text
    nn = t.nn
    t.manual_seed(0)

    class Layer(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
            self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.wide = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            n, length, _ = x.shape
            parts = self.into(self.before(x)).reshape(n, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            y = nn.functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(n, length, width))
            return x + self.wide(self.between(x))

    class GPT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(VOCABULARY, width), nn.Embedding(context, width)
            self.layers = nn.Sequential(*(Layer() for _ in range(layers)), nn.LayerNorm(width))
            self.head = nn.Linear(width, VOCABULARY, bias=False)
            self.register_buffer("order", t.arange(context))

        def forward(self, x: Any) -> Any:
            return self.head(self.layers(self.tokens(x) + self.places(self.order))).flatten(0, 1)

    text = t.randint(0, VOCABULARY, (batch, context + 1)).to("cuda")
    return GPT().to("cuda"), text[:, :-1].contiguous(), text[:, 1:].flatten()


def step_of(t: Any, parts: tuple[Any, Any, Any], optimizer: Any, half: bool = False) -> Work:
    """One step of training, as a function without arguments, perhaps in bfloat16."""
    net, x, y = parts

    def step() -> Any:
        optimizer.zero_grad()
        with t.autocast("cuda", dtype=t.bfloat16, enabled=half):
            loss = t.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def sgd(t: Any, parts: tuple[Any, Any, Any]) -> Any:
    """Stochastic gradient descent with momentum."""
    return t.optim.SGD(parts[0].parameters(), lr=0.02, momentum=0.9)


def adamw(t: Any, parts: tuple[Any, Any, Any]) -> Any:
    """AdamW, as GPTs are trained."""
    return t.optim.AdamW(parts[0].parameters(), lr=1e-3)


# --- Single ops -----------------------------------------------------------------------------------------------------------------


def product(t: Any, sizes: Sizes, dtype: str) -> Work:
    """A product of square matrices."""
    a = t.randn(sizes.matrix, sizes.matrix).to("cuda").to(getattr(t, dtype))
    return lambda: a @ a


def attention(t: Any, sizes: Sizes, dtype: str, backward: bool) -> Work:
    """Causal attention, perhaps with its gradient."""
    q, k, v = (t.randn(*sizes.heads).to("cuda").to(getattr(t, dtype)).requires_grad_(backward) for _ in range(3))

    def forward() -> Any:
        return t.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)

    ones = forward().detach() * 0 + 1
    return forward if not backward else lambda: t.autograd.grad(forward(), (q, k, v), ones)
