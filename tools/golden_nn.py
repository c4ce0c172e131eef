"""Write `packages/tour-nn/tests/golden/*.npz`: what layers and losses of PyTorch 2.13 give, values and all gradients.

    python tools/golden_nn.py        (needs torch 2.13)

A case names a module or a function, its arguments, and its results: outputs, gradients of a fixed projection with respect to
every input and parameter, buffers after the call, how it prints, its warnings, or the type of its error. Parameters are not
stored: they follow from the seed. The cases of a file are one JSON text, the array `cases`; in it {"dtype", "start", "shape"}
stands for a stretch of the flat array of that name.
"""

from __future__ import annotations

import importlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

torch: Any = importlib.import_module("torch")
nn: Any = importlib.import_module("torch.nn")
rnn: Any = importlib.import_module("torch.nn.utils.rnn")

FOLDER = Path(__file__).parents[1] / "packages/tour-nn/tests/golden"
SEED = 5


class Golden:
    """Collects the cases of one file, and the numbers in them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.numbers: dict[str, list[Any]] = {}
        self.cases: list[dict[str, Any]] = []
        self.random = np.random.default_rng(sum(name.encode()))

    def draw(self, *shape: int, low: float | None = None, grad: bool = True) -> Any:
        """Normal numbers, or uniform ones between `low` and 1, rounded so that the file compresses."""
        drawn = self.random.standard_normal(shape) if low is None else self.random.uniform(low, 1, shape)
        return torch.from_numpy(np.asarray(np.round(drawn, 2))).requires_grad_(grad)

    def integers(self, *shape: int, low: int = 0, high: int) -> Any:
        """Integers from `low` up to, not including, `high`."""
        return torch.from_numpy(np.asarray(self.random.integers(low, high, shape)))

    def signs(self, *shape: int) -> Any:
        """Ones of either sign."""
        return torch.from_numpy(self.random.choice([-1.0, 1.0], shape))

    def module(self, name: str, *ctor: Any, inputs: list[Any], train: bool = True, **options: Any) -> None:
        """A module in double precision, made and called after the same seed."""

        def call() -> tuple[Any, Any]:
            layer = getattr(nn, name)(*ctor, **options).double().train(train)
            return layer, layer(*inputs)

        self._add({"module": name, "ctor": list(ctor), "options": options, "train": train}, inputs, call)

    def function(self, name: str, *inputs: Any, **options: Any) -> None:
        """A function of torch.nn.functional."""
        self._add(
            {"function": name, "options": options},
            list(inputs),
            lambda: (None, getattr(nn.functional, name)(*inputs, **options)),
        )

    def _add(self, case: dict[str, Any], inputs: list[Any], call: Any) -> None:
        case = {**case, "inputs": inputs}
        torch.manual_seed(SEED)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                layer, result = call()
            except Exception as error:
                self.cases.append(self.pack({**case, "error": type(error).__name__}))
                return
        parameters = list(layer.parameters()) if layer is not None else []
        leaves = [*(t for t in tensors([inputs, case.get("ctor"), case["options"]]) if t.requires_grad), *parameters]
        outputs = tensors(result)
        grads = torch.autograd.grad(projection(outputs), leaves, allow_unused=True) if leaves else []
        self.cases.append(
            self.pack(
                {
                    **case,
                    "warnings": sorted(
                        {w.category.__name__ for w in caught if "even kernel lengths" not in str(w.message)}
                    ),  # once only
                    "outputs": outputs,
                    "grads": list(grads),
                    "buffers": [] if layer is None else [b for b in layer.buffers() if b is not None],
                    "repr": None if layer is None else repr(layer),
                    "state": None if layer is None else list(layer.state_dict()),
                }
            )
        )

    def pack(self, value: Any) -> Any:
        """Replace every tensor by its place among the numbers."""
        if isinstance(value, dict):
            return {key: self.pack(v) for key, v in value.items()}
        if isinstance(value, rnn.PackedSequence):
            padded, lengths = rnn.pad_packed_sequence(value)
            return {"packed": self.pack(padded.detach()), "lengths": lengths.tolist()}
        if isinstance(value, tuple):
            return {"tuple": [self.pack(v) for v in value]}
        if isinstance(value, list):
            return [self.pack(v) for v in value]
        if not isinstance(value, torch.Tensor):
            return value
        array = value.detach().numpy()
        numbers = self.numbers.setdefault(array.dtype.name, [])
        start = len(numbers)
        numbers.extend(array.ravel())
        return {"dtype": array.dtype.name, "start": start, "shape": list(array.shape), "grad": value.requires_grad}

    def write(self) -> None:
        """Write the file."""
        arrays: dict[str, Any] = {name: np.array(numbers, name) for name, numbers in self.numbers.items()}
        np.savez_compressed(FOLDER / f"{self.name}.npz", cases=np.array(json.dumps(self.cases)), **arrays)
        print(f"{self.name}: {len(self.cases)} cases, {(FOLDER / f'{self.name}.npz').stat().st_size // 1024} KiB")


def tensors(value: Any) -> list[Any]:
    """The tensors in nested tuples, lists, dictionaries and packed sequences, in order."""
    if isinstance(value, rnn.PackedSequence):
        return [value.data]
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in tensors(v)] if isinstance(value, list | tuple) else []


def projection(outputs: list[Any]) -> Any:
    """A fixed weighted sum of all outputs that have gradients: weights cos(1), cos(2), …"""
    terms = [
        (t * torch.cos(torch.arange(1, t.numel() + 1, dtype=t.dtype)).reshape(t.shape)).sum()
        for t in outputs
        if t.requires_grad
    ]
    return sum(terms[1:], terms[0])


def padding(g: Golden) -> None:
    """Every mode in every dimension, negative widths, and what does not fit."""
    for mode in ("constant", "reflect", "replicate", "circular"):
        g.function("pad", g.draw(2, 2, 4), (1, 2), mode=mode)
        g.function("pad", g.draw(2, 4, 3), (2, -1, -1, 2), mode=mode)
        g.function("pad", g.draw(1, 2, 3, 3, 2), (1, 0, 2, 1, 1, 2), mode=mode)
        g.function("pad", g.draw(2, 3), (1, 2, 3), mode=mode)
        g.function("pad", g.draw(1, 2, 3), (4, 0), mode=mode)
        g.function("pad", g.draw(3), (1, 1), mode=mode)
    g.function("pad", g.draw(2, 3), (1, 1), mode="none")
    g.function("pad", g.draw(2, 3), (1, 1), mode="reflect", value=1.0)
    g.function("pad", g.draw(2, 3), (1, 1, 0, 1), value=2.5)
    for kind in ("Reflection", "Replication", "Circular", "Zero"):
        for dims in (1, 2, 3):
            g.module(f"{kind}Pad{dims}d", 1, inputs=[g.draw(1, 2, *(3,) * dims)])
            g.module(
                f"{kind}Pad{dims}d",
                tuple(range(2 * dims))[::-1],
                inputs=[g.draw(2, *(6,) * min(dims, 2), *(5,) * (dims - 2))],
            )
    for dims in (1, 2, 3):
        g.module(f"ConstantPad{dims}d", 1, 3.5, inputs=[g.draw(1, *(2,) * dims)])
        g.module(f"ConstantPad{dims}d", (1, 2, 3), 3.5, inputs=[g.draw(1, *(2,) * dims)])


def pooling(g: Golden) -> None:
    """Maxima, averages, norms, adaptive and fractional windows, and unpooling."""
    sizes = {1: (2, 3, 7), 2: (2, 2, 6, 5), 3: (1, 2, 5, 4, 6)}
    for dims, size in sizes.items():
        for options in ((2,), (3, 2, 1), (3, 2, 1, 1, True, True), (2, 1, 0, 2)):
            g.module(f"MaxPool{dims}d", *options, inputs=[g.draw(*size)])
        for args in ((2,), (3, 2, 1), (3, 2, 1, True, False), (9,), (2, 0), (3, 1, 2)):
            g.module(f"AvgPool{dims}d", *args, inputs=[g.draw(*size[1:])])
        g.module(f"LPPool{dims}d", 2.0, 2, inputs=[g.draw(*size, low=0.1)])
        g.module(f"LPPool{dims}d", 1.5, 3, 2, True, inputs=[g.draw(*size, low=0.1)])
        for out in (1, 3, (2,) * dims):
            g.module(f"AdaptiveAvgPool{dims}d", out, inputs=[g.draw(*size)])
            g.module(f"AdaptiveMaxPool{dims}d", out, True, inputs=[g.draw(*size)])
        g.module(f"AdaptiveAvgPool{dims}d", 2, inputs=[g.draw(2, 3, *(0,) * dims)])
        pooled, where = getattr(nn.functional, f"max_pool{dims}d")(g.draw(*size, grad=False), 2, return_indices=True)
        g.module(f"MaxUnpool{dims}d", 2, inputs=[pooled.requires_grad_(), where, list(size)])
        g.module(f"MaxUnpool{dims}d", 2, inputs=[pooled, where, [99] * dims])
        g.module(f"MaxUnpool{dims}d", 2, inputs=[pooled, where + 999])
    g.module("AvgPool2d", 2, divisor_override=3, inputs=[g.draw(1, 4, 4)])
    g.module("AdaptiveAvgPool2d", (None, 2), inputs=[g.draw(1, 5, 4)])
    for dims in (2, 3):
        size = (2, 3, *(7,) * dims)
        g.module(f"FractionalMaxPool{dims}d", 2, output_size=3, inputs=[g.draw(*size)])
        g.module(f"FractionalMaxPool{dims}d", 2, output_ratio=0.5, return_indices=True, inputs=[g.draw(*size[1:])])
        g.module(f"FractionalMaxPool{dims}d", 2, output_size=9, inputs=[g.draw(*size)])
        g.module(f"FractionalMaxPool{dims}d", 2, inputs=[g.draw(*size)])


def vision(g: Golden) -> None:
    """Resizing, sampling, grids, shuffles and patches."""
    modes = {
        1: ["nearest", "linear", "area"],
        2: ["nearest-exact", "bilinear", "bicubic"],
        3: ["nearest", "trilinear", "area"],
    }
    sizes = {1: (2, 2, 5), 2: (1, 2, 4, 5), 3: (1, 1, 3, 4, 3)}
    for dims, names in modes.items():
        for mode in names:
            g.function("interpolate", g.draw(*sizes[dims]), size=3, mode=mode)
            g.function("interpolate", g.draw(*sizes[dims]), scale_factor=1.7, mode=mode)
            g.function("interpolate", g.draw(*sizes[dims]), scale_factor=0.6, mode=mode, recompute_scale_factor=True)
            g.function("interpolate", g.draw(*sizes[dims]), size=(4,) * dims, mode=mode, align_corners=True)
    for mode in ("bilinear", "bicubic", "lanczos"):
        g.function("interpolate", g.draw(1, 1, 7, 6), size=(3, 8), mode=mode, antialias=True)
    g.function("interpolate", g.draw(1, 1, 4))
    g.function("interpolate", g.draw(1, 1, 4), size=2, scale_factor=2.0)
    g.function("interpolate", g.draw(1, 1, 4), size=2, mode="bilinear")
    g.function("upsample", g.draw(1, 1, 3), 2)
    g.module("Upsample", scale_factor=2, inputs=[g.draw(1, 2, 3)])
    g.module("UpsamplingNearest2d", size=3, inputs=[g.draw(1, 1, 2, 2)])
    g.module("UpsamplingBilinear2d", scale_factor=(2, 3), inputs=[g.draw(1, 1, 3, 2)])
    for mode in ("bilinear", "nearest", "bicubic"):
        for around in ("zeros", "border", "reflection"):
            for corners in (True, False):
                options = {"mode": mode, "padding_mode": around, "align_corners": corners}
                g.function("grid_sample", g.draw(1, 2, 4, 3), g.draw(1, 2, 3, 2), **options)
            g.function("grid_sample", g.draw(1, 2, 3, 2, 4), g.draw(1, 2, 1, 2, 3), mode=mode, padding_mode=around)
    for theta, size in (
        ((2, 2, 3), (2, 1, 3, 2)),
        ((1, 3, 4), (1, 1, 2, 2, 3)),
        ((2, 2, 2), (2, 1, 3, 2)),
        ((1, 2, 3), (1, 1, 4)),
    ):
        g.function("affine_grid", g.draw(*theta), size, align_corners=False)
        g.function("affine_grid", g.draw(*theta), size, align_corners=True)
    g.module("PixelShuffle", 2, inputs=[g.draw(2, 8, 2, 3)])
    g.module("PixelUnshuffle", 2, inputs=[g.draw(1, 2, 4, 2)])
    g.module("ChannelShuffle", 2, inputs=[g.draw(2, 6, 2)])
    g.function("pixel_shuffle", g.draw(3, 2, 2), 2)
    g.function("channel_shuffle", g.draw(1, 3, 2), 2)
    g.module("Unfold", (2, 3), 1, (1, 0), 2, inputs=[g.draw(2, 2, 4, 5)])
    g.module("Unfold", 9, inputs=[g.draw(2, 2, 4, 5)])
    g.module("Fold", (4, 5), 2, 1, 1, 2, inputs=[g.draw(2, 8, 9)])
    g.module("Fold", (4, 4), 2, inputs=[g.draw(1, 4, 8)])


def losses(g: Golden) -> None:
    """Every loss with every reduction, weights, and what does not fit."""
    for reduction in ("mean", "sum", "none", "median"):
        r: dict[str, Any] = {"reduction": reduction}
        for name in ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss"):
            g.module(name, inputs=[g.draw(3, 2), g.draw(3, 2)], **r)
        g.module("SmoothL1Loss", beta=0.4, inputs=[g.draw(3), g.draw(3)], **r)
        g.module("HuberLoss", delta=0.4, inputs=[g.draw(3), g.draw(3)], **r)
        for full in (False, True):
            counts = g.integers(3, high=6).double()
            g.module("PoissonNLLLoss", full=full, inputs=[g.draw(3), counts], **r)
            g.module("PoissonNLLLoss", log_input=False, full=full, inputs=[g.draw(3, low=0.1), counts], **r)
            g.module("GaussianNLLLoss", full=full, eps=0.3, inputs=[g.draw(3), g.draw(3), g.draw(3, low=0.1)], **r)
        g.module("KLDivLoss", inputs=[g.draw(2, 3), g.draw(2, 3, low=0)], **r)
        g.module("KLDivLoss", log_target=True, inputs=[g.draw(2, 3), g.draw(2, 3)], **r)
        g.module("BCELoss", inputs=[g.draw(2, 3, low=0.1), g.draw(2, 3, low=0)], **r)
        g.module("BCELoss", g.draw(3, low=0, grad=False), inputs=[g.draw(2, 3, low=0.1), g.draw(2, 3, low=0)], **r)
        positive = g.draw(3, low=0, grad=False)
        g.module("BCEWithLogitsLoss", pos_weight=positive, inputs=[g.draw(2, 3), g.draw(2, 3, low=0)], **r)
        g.module("SoftMarginLoss", inputs=[g.draw(4), g.signs(4)], **r)
        g.module("HingeEmbeddingLoss", 0.7, inputs=[g.draw(4), g.signs(4)], **r)
        g.module("MarginRankingLoss", 0.3, inputs=[g.draw(4), g.draw(4), g.signs(4)], **r)
        g.module("CosineEmbeddingLoss", 0.2, inputs=[g.draw(4, 3), g.draw(4, 3), g.signs(4)], **r)
        g.module("MultiLabelSoftMarginLoss", inputs=[g.draw(2, 3), g.integers(2, 3, high=2).double()], **r)
        g.module("MultiLabelMarginLoss", inputs=[g.draw(3, 4), g.integers(3, 4, low=-1, high=4)], **r)
        for p in (1, 2):
            weight = g.draw(4, low=0, grad=False)
            g.module("MultiMarginLoss", p, 0.6, weight, inputs=[g.draw(3, 4), g.integers(3, high=4)], **r)
        for swap in (False, True):
            three = [g.draw(3, 4) for _ in range(3)]
            g.module("TripletMarginLoss", 0.8, swap=swap, inputs=three, **r)
            g.module("TripletMarginWithDistanceLoss", swap=swap, inputs=three, **r)
        classes = g.integers(3, high=4)
        for weight in (None, g.draw(4, low=0.1, grad=False)):
            g.module("CrossEntropyLoss", weight, ignore_index=1, inputs=[g.draw(3, 4), classes], **r)
            g.module("CrossEntropyLoss", weight, label_smoothing=0.2, inputs=[g.draw(3, 4), classes], **r)
            g.module("CrossEntropyLoss", weight, inputs=[g.draw(3, 4), g.draw(3, 4, low=0)], **r)
            g.module("NLLLoss", weight, inputs=[g.draw(2, 4, 2), g.integers(2, 2, high=4)], **r)
        logs = g.draw(6, 2, 4).detach().log_softmax(2).requires_grad_()
        lengths = [torch.tensor([6, 5]), torch.tensor([3, 2])]
        g.module("CTCLoss", inputs=[logs, g.integers(2, 3, low=1, high=4), *lengths], **r)
        repeated = torch.tensor([[1, 1, 1, 1], [1, 2, 3, 3]])
        short = [logs, repeated, torch.tensor([5, 6]), torch.tensor([4, 3])]
        g.module("CTCLoss", zero_infinity=True, inputs=short, **r)
        g.module("LinearCrossEntropyLoss", 4, 3, bias=True, inputs=[g.draw(2, 4), g.integers(2, high=3)], **r)
    g.module("KLDivLoss", reduction="batchmean", inputs=[g.draw(2, 3), g.draw(2, 3, low=0)])
    g.module("NLLLoss2d", inputs=[g.draw(2, 3, 1, 2), g.integers(2, 1, 2, high=3)])
    g.module("AdaptiveLogSoftmaxWithLoss", 16, 20, [4, 10], inputs=[g.draw(5, 16), g.integers(5, high=20)])
    g.module("AdaptiveLogSoftmaxWithLoss", 16, 9, [3], 2.0, True, inputs=[g.draw(16), g.integers(high=9)])
    g.module("AdaptiveLogSoftmaxWithLoss", 16, 9, [9], inputs=[])
    for order in (1.0, 2.0, 3.0):
        g.module("PairwiseDistance", order, inputs=[g.draw(3, 4), g.draw(3, 4)])
        g.function("pdist", g.draw(4, 3), order)
    g.module("CosineSimilarity", inputs=[g.draw(3, 4), g.draw(3, 4)])
    g.function("l1_loss", g.draw(2, 3), g.draw(3))
    g.function("mse_loss", g.draw(2, 3), g.draw(2, 3), weight=g.draw(2, 3, low=0))
    g.function("l1_loss", g.draw(2, 3), g.draw(2, 3), size_average=False)
    g.function("cross_entropy", g.draw(2, 3), torch.tensor([0, 7]))
    g.function("cross_entropy", g.draw(2, 3), torch.tensor([0, 1, 2]))
    g.function("binary_cross_entropy", 3 * g.draw(2), g.draw(2, low=0))
    g.function("binary_cross_entropy", g.draw(2, low=0), g.draw(3, low=0))
    g.function("gaussian_nll_loss", g.draw(2, 3), g.draw(2, 3), g.draw(4, low=0))
    g.function("margin_ranking_loss", g.draw(3), g.draw(3), torch.tensor(1))
    g.function("triplet_margin_loss", g.draw(3, 2), g.draw(3, 2), g.draw(3, 2), margin=0.0)
    g.function("multi_margin_loss", g.draw(2, 3), torch.tensor([0, 5]))
    g.function("ctc_loss", logs, repeated, torch.tensor([9, 6]), torch.tensor([4, 3]))
    g.function("ctc_loss", logs, repeated, torch.tensor([5, 6]), torch.tensor([4, 3]), blank=4)


def dropout(g: Golden) -> None:
    """The masks of every kind from one seed."""
    for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"):
        for shape in ((2, 3, 4), (2, 3, 4, 2), (2, 3, 2, 2, 2), (4,)):
            g.module(name, 0.4, inputs=[g.draw(*shape)])
        g.module(name, 0.4, inputs=[g.draw(2, 3, 4)], train=False)
        g.module(name, 1.0, inputs=[g.draw(2, 3, 4)])
        g.module(name, 1.5, inputs=[g.draw(2, 3, 4)])


def convolution(g: Golden) -> None:
    """Plain and transposed, with strides, paddings, dilations and groups."""
    for dims in (1, 2, 3):
        size = (2, 4, *(6,) * dims) if dims < 3 else (1, 4, 4, 3, 4)
        options: list[dict[str, Any]] = [
            {},
            {"stride": 2, "padding": 1, "bias": False},
            {"dilation": 2, "padding": 2},
            {"groups": 2, "padding": "same"},
            {"padding": 1, "padding_mode": "reflect"},
            {"padding": 1, "padding_mode": "circular"},
        ]
        for some in options:
            kernel = 2 if some.get("padding") == "same" else 3
            g.module(f"Conv{dims}d", 4, 2, kernel, inputs=[g.draw(*size)], **some)
        g.module(f"Conv{dims}d", 4, 4, 2, groups=4, inputs=[g.draw(*size[1:])])
        g.module(f"Conv{dims}d", 4, 2, 9, inputs=[g.draw(*size)])
        g.module(f"Conv{dims}d", 3, 2, 2, inputs=[g.draw(*size)])
        g.module(f"Conv{dims}d", 3, 2, 2, groups=2, inputs=[])
        g.module(f"Conv{dims}d", 4, 2, 2, stride=2, padding="same", inputs=[])
        small = (1, 4, *(3,) * dims)
        options = [{}, {"stride": 2, "padding": 1, "output_padding": 1}, {"groups": 2, "dilation": 2, "bias": False}]
        for some in options:
            g.module(f"ConvTranspose{dims}d", 4, 2, 3, inputs=[g.draw(*small)], **some)
        g.module(f"ConvTranspose{dims}d", 4, 2, 3, stride=2, inputs=[g.draw(*small), [8] * dims])
        g.module(f"ConvTranspose{dims}d", 4, 2, 3, stride=2, inputs=[g.draw(*small), [20] * dims])
        g.module(f"ConvTranspose{dims}d", 4, 2, 3, output_padding=2, inputs=[g.draw(*small)])


def normalization(g: Golden) -> None:
    """Batch, instance, layer, group, RMS and local response normalisation; running statistics."""
    for dims in (1, 2, 3):
        size = (3, 4, *(2,) * dims)
        for train in (True, False):
            g.module(f"BatchNorm{dims}d", 4, inputs=[g.draw(*size)], train=train)
            g.module(f"BatchNorm{dims}d", 4, bias=False, inputs=[g.draw(*size)], train=train)
            g.module(f"BatchNorm{dims}d", 4, 1e-3, None, False, inputs=[g.draw(*size)], train=train)
            g.module(f"BatchNorm{dims}d", 4, track_running_stats=False, inputs=[g.draw(*size)], train=train)
            g.module(f"InstanceNorm{dims}d", 4, inputs=[g.draw(*size)], train=train)
            g.module(f"InstanceNorm{dims}d", 4, 1e-4, 0.3, True, True, inputs=[g.draw(*size)], train=train)
        g.module(f"BatchNorm{dims}d", 5, inputs=[g.draw(*size)])
        g.module(f"BatchNorm{dims}d", 4, inputs=[g.draw(1, 4, *(1,) * dims)])
        g.module(f"BatchNorm{dims}d", 4, inputs=[g.draw(3)])
    g.module("BatchNorm1d", 4, inputs=[g.draw(5, 4)])
    for options in ({}, {"elementwise_affine": False}, {"bias": False, "eps": 0.1}):
        g.module("LayerNorm", (3, 4), inputs=[g.draw(2, 3, 4)], **options)
    for options in ({}, {"elementwise_affine": False}, {"eps": 0.1}):
        g.module("RMSNorm", 4, inputs=[g.draw(2, 3, 4)], **options)
    g.module("LayerNorm", 5, inputs=[g.draw(2, 3, 4)])
    g.module("GroupNorm", 2, 4, inputs=[g.draw(2, 4, 3)])
    g.module("GroupNorm", 4, 4, 1e-3, False, inputs=[g.draw(2, 4, 3, 2)])
    g.module("GroupNorm", 2, 4, bias=False, inputs=[g.draw(2, 4, 3)])
    g.module("InstanceNorm1d", 4, affine=True, bias=False, inputs=[g.draw(2, 4, 3)])
    g.module("GroupNorm", 3, 4, inputs=[])
    g.module("LocalResponseNorm", 3, inputs=[g.draw(2, 5, 4)])
    g.module("LocalResponseNorm", 2, 0.1, 0.5, 2.0, inputs=[g.draw(1, 4, 3, 3)])
    g.function("normalize", g.draw(3, 4))
    g.function("normalize", g.draw(3, 4), p=1.0, dim=0)


def recurrent(g: Golden) -> None:
    """Layers, directions, projections, packed sequences, and single cells."""
    for name in ("RNN", "LSTM", "GRU"):
        every: list[dict[str, Any]] = [
            {},
            {"num_layers": 2, "bidirectional": True},
            {"batch_first": True, "bias": False},
            *([{"proj_size": 2, "num_layers": 2}] if name == "LSTM" else []),
            *([{"nonlinearity": "relu"}] if name == "RNN" else []),
        ]
        for options in every:
            g.module(name, 3, 4, inputs=[g.draw(5, 2, 3)], **options)
        g.module(name, 3, 4, inputs=[g.draw(4, 3)])
        state = g.draw(1, 2, 4)
        g.module(name, 3, 4, inputs=[g.draw(5, 2, 3), (state, g.draw(1, 2, 4)) if name == "LSTM" else state])
        for options in every[:2]:
            packed = rnn.pack_padded_sequence(g.draw(5, 3, 3, grad=False), [3, 5, 2], enforce_sorted=False)
            g.module(name, 3, 4, inputs=[packed], **options)
        g.module(name, 3, 4, inputs=[g.draw(5, 2, 4)])
        g.module(name, 3, 4, num_layers=2, dropout=0.5, inputs=[g.draw(3, 2, 3)], train=False)
        g.module(f"{name}Cell", 3, 4, inputs=[g.draw(2, 3)])
        g.module(f"{name}Cell", 3, 4, False, inputs=[g.draw(3)])
        pair = (g.draw(2, 4), g.draw(2, 4)) if name == "LSTM" else g.draw(2, 4)
        g.module(f"{name}Cell", 3, 4, inputs=[g.draw(2, 3), pair])
        g.module(f"{name}Cell", 3, 4, inputs=[g.draw(2, 5)])


def main() -> None:
    """Write all files."""
    for make in (padding, pooling, vision, losses, dropout, convolution, normalization, recurrent):
        golden = Golden(make.__name__)
        make(golden)
        golden.write()


if __name__ == "__main__":
    main()
