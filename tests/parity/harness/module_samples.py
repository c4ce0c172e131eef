"""Constructor arguments and inputs of modules, beside those that PyTorch's database has: the options, crossed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import torch
from torch.nn.utils.rnn import pack_padded_sequence

from .modules import Sample

Samples = Callable[[], Iterator[Sample]]
SAMPLES: dict[str, Samples] = {}


def samples(*names: str) -> Callable[[Callable[[str], Iterator[Sample]]], Callable[[str], Iterator[Sample]]]:
    """Note a function that makes the samples of some modules, given a module's name."""

    def note(f: Callable[[str], Iterator[Sample]]) -> Callable[[str], Iterator[Sample]]:
        for name in names:
            SAMPLES[name] = lambda name=name: f(name)
        return f

    return note


def x(*shape: int, seed: int = 0) -> torch.Tensor:
    """Normal numbers that gradients flow to."""
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


def positive(*shape: int) -> torch.Tensor:
    """Numbers between 0 and 1 that gradients flow to."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64).requires_grad_()


def classes(high: int, *shape: int) -> torch.Tensor:
    """Integers below `high`."""
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(4))


def crossed(**options: list[Any]) -> Iterator[dict[str, Any]]:
    """Every combination of options."""
    for values in product(*options.values()):
        yield dict(zip(options, values, strict=True))


def sample(*made: Any, on: Any = (), **options: Any) -> Sample:
    """A module made with some arguments, and called on one input or a tuple of them."""
    return Sample((made, options), (on if isinstance(on, tuple) else (on,), {}))


def each(prefix: str, *dims: int) -> list[str]:
    """`Conv1d`, `Conv2d`, `Conv3d` of `Conv`."""
    return [f"{prefix}{d}d" for d in dims or (1, 2, 3)]


def dims_of(name: str) -> int:
    """The number in a module's name."""
    return int(next(c for c in name if c.isdigit()))


# --- Linear maps and embeddings ---------------------------------------------------------------------------------------


@samples("Linear", "LazyLinear")
def linear(name: str) -> Iterator[Sample]:
    for bias, shape in product((True, False), ((3,), (2, 3), (2, 4, 3), (0, 3), (2, 1, 2, 3))):
        yield sample(*([3] if name == "Linear" else []), 5, bias, on=x(*shape))
    yield sample(*([3] if name == "Linear" else []), 5, on=x(2, 4))
    yield sample(*([3] if name == "Linear" else []), 5, dtype=torch.float64, on=x(2, 3))


@samples("Bilinear")
def bilinear(name: str) -> Iterator[Sample]:
    for bias in (True, False):
        yield sample(3, 4, 5, bias, on=(x(2, 3), x(2, 4)))
        yield sample(3, 4, 1, bias, on=(x(2, 2, 3), x(2, 2, 4)))
    yield sample(3, 4, 0)
    yield sample(0, 4, 5)
    yield sample(3, 4, 5, on=(x(2, 3), x(2, 3)))


@samples("Identity")
def identity(name: str) -> Iterator[Sample]:
    yield sample(3, anything=True, on=x(2))


@samples("Embedding")
def embedding(name: str) -> Iterator[Sample]:
    for options in crossed(
        padding_idx=[None, 0, -1], max_norm=[None, 0.5], norm_type=[2.0, 1.0], scale_grad_by_freq=[0, 1]
    ):
        yield sample(
            7, 3, on=classes(7, 2, 4), **{**options, "scale_grad_by_freq": bool(options["scale_grad_by_freq"])}
        )
    yield sample(7, 3, on=torch.tensor([7]))
    yield sample(7, 3, on=torch.tensor([-1]))
    yield sample(7, 3, on=x(2))
    yield sample(7, 3, 9)
    yield sample(7, 3, dtype=torch.float64, on=classes(7, 2).int())
    yield sample(40, 30, on=classes(40, 3))


@samples("EmbeddingBag")
def embedding_bag(name: str) -> Iterator[Sample]:
    offsets = torch.tensor([0, 2, 2, 5])
    for mode, last, padding in product(("sum", "mean", "max"), (False, True), (None, 0)):
        yield sample(7, 3, mode=mode, include_last_offset=last, padding_idx=padding, on=(classes(7, 6), offsets))
        yield sample(7, 3, mode=mode, padding_idx=padding, on=classes(7, 3, 4))
    yield sample(7, 3, mode="sum", on=(classes(7, 3, 4), None, x(3, 4)))
    yield sample(7, 3, mode="sum", on=(classes(7, 6), offsets, x(6)))
    yield sample(7, 3, mode="mean", on=(classes(7, 6), offsets, x(6)))
    yield sample(
        7, 3, max_norm=0.5, on=classes(7, 3, 4)
    )  # PyTorch's scale_grad_by_freq counts other rows than it scales
    yield sample(7, 3, mode="median", on=classes(7, 3, 4))
    yield sample(7, 3, on=classes(7, 6))
    yield sample(7, 3, on=(classes(7, 6), torch.tensor([1, 2])))


# --- Convolution and pooling ------------------------------------------------------------------------------------------


@samples(*each("Conv"), *each("LazyConv"))
def convolution(name: str) -> Iterator[Sample]:
    dims, made = dims_of(name), [4] if name.startswith("Conv") else []
    size = (7, 6, 5)[:dims]
    options = crossed(
        kernel_size=[1, 3, (2, 3, 1)[:dims]],
        stride=[1, 2],
        padding=[0, 1, "same", "valid"],
        dilation=[1, 2],
        groups=[1, 2, 4],
        bias=[True, False],
    )
    for i, some in enumerate(options):
        if (some["stride"] == 1 or some["padding"] != "same") and i % (1 if dims == 1 else 3) == 0:
            yield sample(*made, 4, on=x(2, 4, *size), **some)
    for mode, padding in product(("zeros", "reflect", "replicate", "circular"), (1, (2, 1, 2)[:dims], "same")):
        yield sample(*made, 4, 3, padding=padding, padding_mode=mode, on=x(2, 4, *size))
    yield sample(*made, 4, 3, on=x(4, *size))
    yield sample(*made, 4, 3, on=x(0, 4, *size))
    yield sample(*made, 4, 9, on=x(2, 4, *size))
    yield sample(*made, 4, 3, on=x(2, 3, *size))
    yield sample(*made, 4, 3, on=x(*size[:1]))
    yield sample(*made, 4, 3, stride=2, padding="same")
    yield sample(*made, 4, 3, padding="most")
    yield sample(*made, 4, 3, padding_mode="mirror")
    yield sample(*made, 3, 3, groups=2)
    yield sample(*made, 4, 3, groups=0)
    yield sample(*made, 4, 0, bias=False, on=x(2, 4, *size))
    yield sample(*made, 4, 3, stride=0, on=x(2, 4, *size))
    yield sample(*made, 4, 3, padding=-1, on=x(2, 4, *size))
    yield sample(*made, 4, 3, dtype=torch.float64, on=x(2, 4, *size))
    yield sample(*made, 4, 3, on=x(2, 4, *size).detach().float())


@samples(*each("ConvTranspose"), *each("LazyConvTranspose"))
def transposed_convolution(name: str) -> Iterator[Sample]:
    dims, made = dims_of(name), [4] if name.startswith("Conv") else []
    size = (3, 4, 2)[:dims]
    options = crossed(
        kernel_size=[1, 3, (2, 3, 1)[:dims]],
        stride=[1, 2, (2, 3, 2)[:dims]],
        padding=[0, 1],
        output_padding=[0, 1],
        groups=[1, 2],
        bias=[True, False],
        dilation=[1, 2],
    )
    for i, some in enumerate(options):
        if i % (1 if dims == 1 else 3) == 0:
            yield sample(*made, 4, on=x(2, 4, *size), **some)
    yield sample(*made, 4, 3, on=x(4, *size))
    yield sample(*made, 4, 3, stride=2, on=(x(2, 4, *size), [2 * n + 2 for n in size]))
    yield sample(*made, 4, 3, stride=2, on=(x(2, 4, *size), [99] * dims))
    yield sample(*made, 4, 3, padding_mode="reflect")
    yield sample(*made, 4, 3, on=x(2, 3, *size))


@samples(*each("MaxPool"))
def max_pool(name: str) -> Iterator[Sample]:
    dims = dims_of(name)
    size = (7, 6, 5)[:dims]
    for some in crossed(
        kernel_size=[2, 3, (2, 3, 1)[:dims]],
        stride=[None, 1, 2],
        padding=[0, 1],
        dilation=[1, 2],
        return_indices=[False, True],
        ceil_mode=[False, True],
    ):
        yield sample(on=x(2, 3, *size), **some)
    yield sample(2, on=x(3, *size))
    yield sample(9, on=x(2, 3, *size))
    yield sample(2, padding=2, on=x(2, 3, *size))
    yield sample(2, on=x(*size[:1]))
    yield sample(2, stride=0, on=x(2, 3, *size))
    yield sample(2, on=x(0, 3, *size))


@samples(*each("AvgPool"))
def average_pool(name: str) -> Iterator[Sample]:
    dims = dims_of(name)
    size = (7, 6, 5)[:dims]
    for some in crossed(
        kernel_size=[2, 3, (2, 3, 2)[:dims]],
        stride=[None, 1, 2],
        padding=[0, 1],
        ceil_mode=[False, True],
        count_include_pad=[True, False],
        **({"divisor_override": [None, 3]} if dims > 1 else {}),
    ):
        yield sample(on=x(2, 3, *size), **some)
    yield sample(2, on=x(3, *size))
    yield sample(9, on=x(2, 3, *size))
    yield sample(2, padding=2, on=x(2, 3, *size))
    if dims > 1:
        yield sample(2, divisor_override=0, on=x(2, 3, *size))


@samples(*each("AdaptiveAvgPool"), *each("AdaptiveMaxPool"))
def adaptive_pool(name: str) -> Iterator[Sample]:
    dims = dims_of(name)
    size = (7, 6, 5)[:dims]
    for out in (1, 3, 9, (3, 2, 4)[:dims], (None, 2, None)[:dims] if dims > 1 else 2):
        yield sample(out, on=x(2, 3, *size))
        yield sample(out, on=x(3, *size))
        if "Max" in name:
            yield sample(out, True, on=x(2, 3, *size))
    yield sample(2, on=x(4))
    yield sample(2, on=x(2, 0, *size))
    yield sample(-1, on=x(2, 3, *size))
    yield sample((1, 1, 1, 1), on=x(2, 3, *size))


@samples(*each("LPPool"))
def lp_pool(name: str) -> Iterator[Sample]:
    dims = dims_of(name)
    for norm, stride, ceil in product((1, 2, 3.0), (None, 1), (False, True)):
        yield sample(norm, 2, stride, ceil, on=positive(2, 3, *(5, 4, 3)[:dims]))


@samples("FractionalMaxPool2d", "FractionalMaxPool3d")
def fractional_pool(name: str) -> Iterator[Sample]:
    dims = dims_of(name)
    size = (7, 6, 5)[:dims]
    yield sample(2, 3, on=x(2, 3, *size))
    yield sample(2, output_ratio=0.5, return_indices=True, on=x(2, 3, *size))
    yield sample((2, 3, 2)[:dims], (3, 2, 2)[:dims], on=x(3, *size))
    yield sample(2, output_size=3, _random_samples=positive(2, 3, dims).detach(), on=x(2, 3, *size))
    yield sample(2)
    yield sample(2, 3, 0.5)
    yield sample(2, output_ratio=1.5)
    yield sample(2, 9, on=x(2, 3, *size))


@samples(*each("MaxUnpool"))
def max_unpool(name: str) -> Iterator[Sample]:
    dims = dims_of(name)
    size = (6, 4, 2)[:dims]
    pool = getattr(torch.nn.functional, f"max_pool{dims}d")
    pooled, indices = pool(x(2, 3, *size).detach(), 2, return_indices=True)
    yield sample(2, on=(pooled.clone().requires_grad_(), indices))
    yield sample(2, on=(pooled[0].clone().requires_grad_(), indices[0]))
    yield sample(2, on=(pooled.clone().requires_grad_(), indices, [n + 1 for n in size]))
    yield sample(2, on=(pooled, indices, [n + 9 for n in size]))
    yield sample(2, on=(pooled, indices + 1000))
    yield sample(2, on=(pooled, indices[..., :1]))
    yield sample(2, on=(pooled, indices.int()))


# --- Normalisation ----------------------------------------------------------------------------------------------------


@samples(*each("BatchNorm"), *each("LazyBatchNorm"), *each("InstanceNorm"), *each("LazyInstanceNorm"))
def batch_norm(name: str) -> Iterator[Sample]:
    dims, made = dims_of(name), [] if "Lazy" in name else [4]
    size = (3, 4, *(3, 2, 2)[:dims])
    for some in crossed(
        eps=[1e-5, 0.1], momentum=[0.1, 0.7, None], affine=[True, False], track_running_stats=[True, False]
    ):
        yield sample(*made, on=x(*size), **some)
    if name == "BatchNorm1d":
        yield sample(4, on=x(3, 4))
        yield sample(4, on=x(1, 4))
    if "Instance" in name:
        yield sample(*made, on=x(*size[1:]))
        yield sample(*made, affine=True, on=x(3, 4, *(1,) * dims))
    yield sample(*made, on=x(1, 4, *(1,) * dims))
    yield sample(*made, on=x(3, 5, *size[2:]))
    yield sample(*made, on=x(4))
    yield sample(*made, bias=False, on=x(*size))
    yield sample(*made, dtype=torch.float64, on=x(*size))


@samples("LayerNorm", "RMSNorm")
def layer_norm(name: str) -> Iterator[Sample]:
    layer = name == "LayerNorm"
    for shape, affine, eps in product((4, (4,), (3, 4)), (True, False), (1e-5, 0.1)):
        yield sample(shape, eps, affine, on=x(2, 3, 4))
        if layer:
            yield sample(shape, eps, affine, False, on=x(2, 3, 4))
    yield sample(4, on=x(4))
    yield sample(5, on=x(2, 3, 4))
    yield sample((3, 4), on=x(4))
    yield sample(4, on=x(0, 4))
    yield sample((), on=x(2))


@samples("GroupNorm")
def group_norm(name: str) -> Iterator[Sample]:
    for groups, affine, shape in product((1, 2, 4), (True, False), ((2, 4), (2, 4, 3), (2, 4, 3, 2), (1, 4, 1))):
        yield sample(groups, 4, affine=affine, eps=0.01, on=x(*shape))
    yield sample(3, 4)
    yield sample(0, 4)
    yield sample(2, 4, on=x(2, 6, 3))
    yield sample(2, 4, on=x(4))


@samples("LocalResponseNorm", "CrossMapLRN2d")
def response_norm(name: str) -> Iterator[Sample]:
    for size, beta in product((1, 2, 5), (0.75, 0.5)):
        yield sample(size, 0.1, beta, 2.0, on=x(2, 4, 3, 3))
    yield sample(3, on=x(2, 4))


# --- Activations, padding, dropout ------------------------------------------------------------------------------------

PLAIN = """GELU GLU Hardsigmoid Hardswish LogSigmoid Mish ReLU ReLU6 SELU SiLU Sigmoid Softsign Tanh Tanhshrink
Hardshrink Softshrink Softplus CELU ELU LeakyReLU Hardtanh RReLU Softmin Softmax LogSoftmax""".split()
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "CELU": [{"alpha": 0.5}, {"alpha": 2.0, "inplace": True}, {"alpha": 0.0}],
    "ELU": [{"alpha": 0.5}, {"alpha": 2.0, "inplace": True}],
    "GELU": [{"approximate": "tanh"}, {"approximate": "some"}],
    "GLU": [{"dim": 0}, {"dim": 1}, {"dim": 5}],
    "Hardshrink": [{"lambd": 0.1}, {"lambd": 0.0}],
    "Hardtanh": [{"min_val": -0.3, "max_val": 0.2}, {"min_val": 2.0, "max_val": 1.0}, {"min_value": -3}],
    "LeakyReLU": [{"negative_slope": 0.3}, {"negative_slope": 0.1, "inplace": True}],
    "LogSoftmax": [{"dim": 0}, {"dim": -1}, {"dim": 4}],
    "RReLU": [{"lower": 0.1, "upper": 0.1}, {"lower": 0.4, "upper": 0.1}],
    "ReLU": [{"inplace": True}],
    "Softmax": [{"dim": 0}, {"dim": -1}, {"dim": 4}],
    "Softmin": [{"dim": 0}, {"dim": -1}],
    "Softplus": [{"beta": 2.0}, {"beta": 0.5, "threshold": 1.0}],
    "Softshrink": [{"lambd": 0.1}, {"lambd": -1.0}],
}


@samples(*PLAIN)
def activation(name: str) -> Iterator[Sample]:
    for some in ({}, *OPTIONS.get(name, ())):
        for shape in ((4,), (2, 4), (3, 2, 4), (2, 2, 2, 4)):
            yield sample(on=x(*shape), **some)
        yield sample(on=torch.tensor([0.0, 1.0, -1.0, 6.0, -3.0, 3.0]).double().requires_grad_(), **some)
    yield sample(on=classes(3, 4))


@samples("Softmax2d")
def softmax_2d(name: str) -> Iterator[Sample]:
    for shape in ((3, 2, 2), (2, 3, 2, 2), (3, 3)):
        yield sample(on=x(*shape))


@samples("Threshold")
def threshold(name: str) -> Iterator[Sample]:
    for inplace in (False, True):
        yield sample(0.1, 20.0, inplace, on=x(3, 4))


@samples("PReLU")
def prelu(name: str) -> Iterator[Sample]:
    yield sample(on=x(2, 3))
    yield sample(3, 0.4, on=x(2, 3, 4))
    yield sample(3, on=x(2, 4))
    yield sample(1, dtype=torch.float64, on=x(2))


@samples(
    *(f"{kind}Pad{d}d" for kind in ("Reflection", "Replication", "Circular", "Zero", "Constant") for d in (1, 2, 3))
)
def padding(name: str) -> Iterator[Sample]:
    dims = dims_of(name)
    value = [2.5] if "Constant" in name else []
    size = (4, 5, 3)[:dims]
    for pad in (1, 2, (1, 2, 0, 1, 2, 1)[: 2 * dims], (0,) * 2 * dims, (-1, 1, 0, 0, 0, 0)[: 2 * dims]):
        yield sample(pad, *value, on=x(2, 3, *size))
        yield sample(pad, *value, on=x(3, *size))
    yield sample(9, *value, on=x(2, 3, *size))
    yield sample(-9, *value, on=x(2, 3, *size))


@samples("Dropout", *each("Dropout"), "AlphaDropout", "FeatureAlphaDropout")
def dropout(name: str) -> Iterator[Sample]:
    for p, shape in product((0.0, 0.4, 1.0), ((4,), (2, 4), (2, 3, 4), (2, 3, 4, 2), (2, 3, 2, 2, 2), (40, 30))):
        yield sample(p, on=x(*shape))
    yield sample(0.3, True, on=x(2, 3, 4).detach())
    yield sample(-0.1)
    yield sample(1.5)


# --- Shapes -----------------------------------------------------------------------------------------------------------


@samples("Flatten")
def flatten(name: str) -> Iterator[Sample]:
    for start, end in ((1, -1), (0, -1), (0, 1), (2, 2), (3, 1), (0, 9)):
        yield sample(start, end, on=x(2, 3, 4))


@samples("Unflatten")
def unflatten(name: str) -> Iterator[Sample]:
    yield sample(1, (2, 3), on=x(2, 6))
    yield sample(1, torch.Size([2, -1]), on=x(2, 6))
    yield sample(1, (2, 4), on=x(2, 6))
    yield sample(1, 5)


@samples("Fold")
def fold(name: str) -> Iterator[Sample]:
    yield sample((4, 5), (2, 3), on=x(2, 12, 9))
    yield sample((4, 4), 2, stride=2, on=x(1, 8, 4))
    yield sample((4, 4), 2, dilation=2, padding=1, stride=2, on=x(8, 4))
    yield sample((4, 4), 2, on=x(1, 8, 4))
    yield sample((4, 4), 2, on=x(1, 7, 9))


@samples("Unfold")
def unfold(name: str) -> Iterator[Sample]:
    for some in crossed(kernel_size=[2, (2, 3)], dilation=[1, 2], padding=[0, 1], stride=[1, 2]):
        yield sample(on=x(2, 3, 5, 6), **some)
    yield sample(2, on=x(3, 5, 6))
    yield sample(9, on=x(2, 3, 5, 6))


@samples("PixelShuffle", "PixelUnshuffle", "ChannelShuffle")
def shuffles(name: str) -> Iterator[Sample]:
    shape = {"PixelShuffle": (8, 2, 3), "PixelUnshuffle": (2, 4, 6), "ChannelShuffle": (8, 2, 3)}[name]
    yield sample(2, on=x(2, *shape))
    yield sample(2, on=x(*shape))
    yield sample(3, on=x(2, 4, 5, 5))
    yield sample(0, on=x(2, *shape))
    yield sample(2, on=x(4))


@samples("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")
def upsample(name: str) -> Iterator[Sample]:
    if name != "Upsample":
        yield sample(scale_factor=2, on=x(2, 3, 4, 5))
        yield sample((3, 7), on=x(2, 3, 4, 5))
        yield sample(on=x(2, 3, 4, 5))
        return
    for mode, dims in {
        "nearest": (1, 2, 3),
        "linear": (1,),
        "bilinear": (2,),
        "bicubic": (2,),
        "trilinear": (3,),
    }.items():
        for d in dims:
            size = (5, 4, 3)[:d]
            for align in (None,) if mode == "nearest" else (None, True, False):
                options = {"mode": mode, "align_corners": align}
                yield sample(scale_factor=2, on=x(2, 3, *size), **options)
                yield sample(scale_factor=0.6, on=x(2, 3, *size), **options)
                yield sample(scale_factor=1.7, recompute_scale_factor=True, on=x(2, 3, *size), **options)
                yield sample((3, 7, 2)[:d], on=x(2, 3, *size), **options)
    yield sample(scale_factor=2, mode="nearest-exact", on=x(2, 3, 4))
    yield sample(scale_factor=2, mode="area", on=x(2, 3, 4, 4))
    yield sample(scale_factor=2, mode="bilinear", on=x(2, 3, 4))
    yield sample(scale_factor=2, mode="nearest", align_corners=True, on=x(2, 3, 4))
    yield sample(4, 2, on=x(2, 3, 4))
    yield sample(on=x(2, 3, 4))
    yield sample(scale_factor=2, mode="cubic", on=x(2, 3, 4))


# --- Losses and distances ---------------------------------------------------------------------------------------------

REDUCTIONS = ("mean", "sum", "none")


@samples("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss", "SoftMarginLoss", "PoissonNLLLoss", "KLDivLoss")
def regression(name: str) -> Iterator[Sample]:
    options: dict[str, list[Any]] = {
        "SmoothL1Loss": [{"beta": 0.5}, {"beta": 0.0}, {"beta": -1.0}],
        "HuberLoss": [{"delta": 0.5}, {"delta": 0.0}, {"delta": -1.0}],
        "PoissonNLLLoss": [{"log_input": False}, {"full": True}, {"log_input": False, "full": True, "eps": 0.1}],
        "KLDivLoss": [{"log_target": True}, {"reduction": "batchmean"}],
    }.get(name, [])
    for some, reduction in product(({}, *options), (*REDUCTIONS, "middle")):
        for shape in ((), (3,), (2, 3)):
            target = positive(*shape) if name != "SoftMarginLoss" else positive(*shape).detach()
            yield sample(on=(positive(*shape), target), **{"reduction": reduction, **some})
    yield sample(on=(x(2, 3), x(3, 2).detach()))
    yield sample(size_average=False, on=(positive(2, 3), positive(2, 3).detach()))
    yield sample(reduce=False, on=(positive(2, 3), positive(2, 3).detach()))


@samples("GaussianNLLLoss")
def gaussian(name: str) -> Iterator[Sample]:
    for full, reduction, shape in product((False, True), REDUCTIONS, ((3, 2), (3, 1), (3,))):
        yield sample(full=full, reduction=reduction, on=(x(3, 2), x(3, 2), positive(*shape)))
    yield sample(on=(x(3, 2), x(3, 2), positive(3, 5)))
    yield sample(on=(x(3, 2), x(3, 2), -positive(3, 2).detach()))


@samples("BCELoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss")
def binary(name: str) -> Iterator[Sample]:
    for weight, reduction in product((None, positive(3).detach()), (*REDUCTIONS, "middle")):
        target = classes(2, 2, 3).double()
        yield sample(weight=weight, reduction=reduction, on=(positive(2, 3), target))
        if name == "BCEWithLogitsLoss":
            yield sample(weight, reduction=reduction, pos_weight=positive(3).detach(), on=(x(2, 3), target))
    yield sample(on=(positive(2, 3), positive(3)))
    yield sample(on=(positive(2, 3), classes(2, 2, 3)))
    if name == "BCELoss":
        yield sample(on=(positive(2) * 3, positive(2)))


@samples("CrossEntropyLoss", "NLLLoss", "NLLLoss2d")
def cross_entropy(name: str) -> Iterator[Sample]:
    cross = name == "CrossEntropyLoss"
    shapes = ((2, 4, 3, 2),) if name == "NLLLoss2d" else ((4,), (3, 4), (2, 4, 3), (2, 4, 3, 2))
    for some in crossed(weight=[None, positive(4).detach()], ignore_index=[-100, 1], reduction=[*REDUCTIONS, "middle"]):
        for shape in shapes:
            target = classes(4, *shape[:-1][:1], *shape[2:]) if len(shape) > 1 else torch.tensor(2)
            yield sample(on=(x(*shape), target), **some)
            if cross:
                yield sample(label_smoothing=0.3, on=(x(*shape), target), **some)
                soft = {k: v for k, v in some.items() if k != "ignore_index"}
                yield sample(label_smoothing=0.3, on=(x(*shape), positive(*shape)), **soft)
                yield sample(on=(x(*shape), positive(*shape)), **soft)
    for target in (torch.tensor([0, 4]), torch.tensor([0, -1]), torch.tensor([0, 1, 2]), torch.tensor([[0, 1]])):
        yield sample(on=(x(2, 4), target))
    yield sample(on=(x(2, 4), torch.tensor([0.0, 1.0])))
    yield sample(on=(x(2, 4), torch.tensor([0, 1]).int()))
    yield sample(on=(x(2, 4), torch.tensor([0, 1]).byte()))
    yield sample(on=(x(2, 4), torch.tensor([-100, -100])))
    yield sample(positive(3).detach(), on=(x(2, 4), torch.tensor([0, 1])))
    yield sample(on=(x(0, 4), torch.zeros(0, dtype=torch.int64)))


@samples("MarginRankingLoss", "HingeEmbeddingLoss", "CosineEmbeddingLoss")
def ranking(name: str) -> Iterator[Sample]:
    signs = classes(2, 4).double() * 2 - 1
    for margin, reduction in product((0.0, 0.4), (*REDUCTIONS, "middle")):
        shape = (4, 3) if "Cosine" in name else (4,)
        inputs = (x(*shape, seed=1),) if "Hinge" in name else (x(*shape, seed=1), x(*shape, seed=2))
        yield sample(margin, reduction=reduction, on=(*inputs, signs))
    yield sample(on=(x(3), x(4), signs))
    if "Cosine" in name:
        yield sample(on=(x(3), x(3, seed=1), torch.tensor(1.0)))


@samples("MultiMarginLoss", "MultiLabelMarginLoss")
def margins(name: str) -> Iterator[Sample]:
    many = torch.tensor([[2, 0, -1, 1], [1, -1, 2, 0], [3, 2, 1, 0]])
    for reduction in (*REDUCTIONS, "middle"):
        if name == "MultiLabelMarginLoss":
            yield sample(reduction=reduction, on=(x(3, 4), many))
            yield sample(reduction=reduction, on=(x(4), many[0]))
            continue
        for p, margin, weight in product((1, 2), (1.0, 0.3), (None, positive(4).detach())):
            yield sample(p, margin, weight, reduction=reduction, on=(x(3, 4), classes(4, 3)))
            yield sample(p, margin, weight, reduction=reduction, on=(x(4), torch.tensor(1)))
    yield sample(on=(x(3, 4), torch.tensor([0, 4, 9])))
    yield sample(on=(x(3, 4), classes(4, 2)))
    if name == "MultiMarginLoss":
        yield sample(3)
        yield sample(1, weight=positive(3).detach(), on=(x(3, 4), classes(4, 3)))


@samples("TripletMarginLoss", "TripletMarginWithDistanceLoss")
def triplets(name: str) -> Iterator[Sample]:
    three = (x(3, 4, seed=1), x(3, 4, seed=2), x(3, 4, seed=3))
    for swap, reduction, margin in product((False, True), (*REDUCTIONS, "middle"), (1.0, 0.2)):
        yield sample(swap=swap, reduction=reduction, margin=margin, on=three)
        if name == "TripletMarginLoss":
            yield sample(p=3.0, swap=swap, reduction=reduction, on=three)
    yield (
        sample(distance_function=torch.nn.PairwiseDistance(), on=three) if "With" in name else sample(eps=0.1, on=three)
    )
    yield sample(margin=-1.0, on=three)
    yield sample(on=(*three[:2], x(4)))


@samples("CTCLoss")
def ctc(name: str) -> Iterator[Sample]:
    logs = x(6, 3, 5).detach().log_softmax(2).requires_grad_()
    targets, lengths = classes(4, 3, 4) + 1, (torch.tensor([6, 5, 4]), torch.tensor([4, 2, 3]))
    flat = torch.cat([targets[i, :n] for i, n in enumerate(lengths[1].tolist())])
    for reduction, infinity in product(REDUCTIONS, (False, True)):
        yield sample(reduction=reduction, zero_infinity=infinity, on=(logs, targets, *lengths))
        yield sample(reduction=reduction, zero_infinity=infinity, on=(logs, flat, *lengths))
        yield sample(4, reduction, infinity, on=(logs, targets - 1, *lengths))
        yield sample(
            reduction=reduction,
            zero_infinity=infinity,
            on=(logs[:, 0].detach().requires_grad_(), targets[0], torch.tensor(6), torch.tensor(3)),
        )
        yield sample(
            reduction=reduction, zero_infinity=infinity, on=(logs, targets, torch.tensor([2, 2, 2]), lengths[1])
        )
    yield sample(on=(logs, targets, (6, 5, 4), (4, 2, 3)))
    yield sample(on=(logs, targets, torch.tensor([7, 5, 4]), lengths[1]))
    yield sample(on=(logs, targets, torch.tensor([6, 5]), lengths[1]))
    yield sample(9, on=(logs, targets, *lengths))


@samples("AdaptiveLogSoftmaxWithLoss")
def adaptive_softmax(name: str) -> Iterator[Sample]:
    for cutoffs, div, bias in product(([4], [4, 10], [2, 5, 9]), (4.0, 2.0), (False, True)):
        yield sample(16, 20, cutoffs, div, bias, on=(x(5, 16), classes(20, 5)))
    yield sample(16, 20, [4], on=(x(16), torch.tensor(7)))
    for cutoffs in ([4, 4], [0, 4], [20], [5, 4], [1.5]):
        yield sample(16, 20, cutoffs)
    yield sample(16, 20, [4], on=(x(5, 16), classes(20, 4)))
    yield sample(16, 20, [4], on=(x(5, 16), classes(20, 5) + 20))


@samples("CosineSimilarity", "PairwiseDistance")
def distances(name: str) -> Iterator[Sample]:
    for a, b in (((3, 4), (3, 4)), ((2, 3, 4), (4,)), ((1, 4), (3, 4))):
        yield sample(on=(x(*a, seed=1), x(*b, seed=2)))
        if name == "CosineSimilarity":
            yield sample(-1, 0.1, on=(x(*a, seed=1), x(*b, seed=2)))
        else:
            for norm, keep in product((1.0, 3.0, float("inf")), (False, True)):
                yield sample(norm, 1e-3, keep, on=(x(*a, seed=1), x(*b, seed=2)))
    yield sample(on=(x(3, 4), x(3, 5)))


# --- Sequences and attention ------------------------------------------------------------------------------------------


@samples("RNN", "LSTM", "GRU")
def recurrent(name: str) -> Iterator[Sample]:
    special = {"RNN": {"nonlinearity": ["tanh", "relu"]}, "LSTM": {"proj_size": [0, 2]}}.get(name, {})
    packed = pack_padded_sequence(x(5, 3, 3).detach(), [3, 5, 2], enforce_sorted=False)
    for some in crossed(
        num_layers=[1, 2],
        bias=[True, False],
        batch_first=[False, True],
        dropout=[0.0, 0.5],
        bidirectional=[False, True],
        **special,
    ):
        if some["dropout"] and some["num_layers"] == 1:
            continue
        yield sample(3, 4, on=x(5, 2, 3), **some)
        yield sample(3, 4, on=packed, **some)
        layers = some["num_layers"] * (1 + some["bidirectional"])
        batch = 5 if some["batch_first"] else 2
        h = x(layers, batch, some.get("proj_size") or 4, seed=1)
        yield sample(3, 4, on=(x(5, 2, 3), (h, x(layers, batch, 4, seed=2)) if name == "LSTM" else h), **some)
        yield sample(3, 4, on=x(5, 3), **some)
    h = x(1, 2, 4)
    yield sample(3, 4, on=(x(5, 3, 3), (h, h) if name == "LSTM" else h))
    yield sample(3, 4, on=(x(5, 3), (h, h) if name == "LSTM" else h))
    yield sample(3, 4, on=x(5, 2, 4))
    yield sample(3, 4, on=x(3))
    h = x(1, 3, 4)
    yield sample(3, 4, on=(x(5, 2, 3), (h, h) if name == "LSTM" else h))
    if name == "LSTM":
        yield sample(3, 4, proj_size=4)
        yield sample(3, 4, proj_size=-1)
    yield sample(3, 0)
    yield sample(3, 4, num_layers=0)
    yield sample(3, 4, dropout=1.5)
    yield sample(3, 4, 2, dropout=True)
    yield sample(3, 4, nonlinearity="sine")
    yield sample(3, 4, dtype=torch.float64, on=x(5, 2, 3))


@samples("RNNCell", "LSTMCell", "GRUCell")
def cells(name: str) -> Iterator[Sample]:
    for bias, shape in product((True, False), ((), (2,))):
        pair = x(*shape, 4, seed=1), x(*shape, 4, seed=2)
        yield sample(3, 4, bias, on=x(*shape, 3))
        yield sample(3, 4, bias, on=(x(*shape, 3), pair if name == "LSTMCell" else pair[0]))
        if name == "RNNCell":
            yield sample(3, 4, bias, "relu", on=x(*shape, 3))
    yield sample(3, 4, on=x(2, 5))
    yield sample(3, 4, on=x(2, 2, 3))
    yield sample(3, 4, on=(x(2, 3), (x(3, 4), x(3, 4)) if name == "LSTMCell" else x(3, 4)))
    yield sample(3, 4, on=(x(2, 3), (x(2, 5), x(2, 5)) if name == "LSTMCell" else x(2, 5)))
    if name == "RNNCell":
        yield sample(3, 4, nonlinearity="sine", on=x(2, 3))


def called(made: tuple[Any, ...], options: dict[str, Any], *args: Any, **kwargs: Any) -> Sample:
    """A module called with named arguments."""
    return Sample((made, options), (args, kwargs))


@samples("MultiheadAttention")
def attention(name: str) -> Iterator[Sample]:
    causal = torch.ones(5, 5).triu(1).bool()
    ignored = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    for some in crossed(
        bias=[True, False], add_bias_kv=[False, True], add_zero_attn=[False, True], batch_first=[False, True]
    ):
        q = x(2, 5, 8) if some["batch_first"] else x(5, 2, 8)
        yield called((8, 2), some, q, q, q)
        yield called((8, 2), some, q, q, q, key_padding_mask=ignored, need_weights=False)
        yield called((8, 2), some, q, q, q, attn_mask=causal, average_attn_weights=False)
        yield called((8, 2), some, q, q, q, attn_mask=x(4, 5, 5).detach())
        yield called((8, 2), some, x(5, 8), x(3, 8), x(3, 8))
    yield called((8, 2), {"dropout": 0.4}, x(5, 2, 8), x(3, 2, 8, seed=1), x(3, 2, 8, seed=2))
    yield called((8, 2), {"dropout": 0.4}, x(5, 2, 8), x(3, 2, 8, seed=1), x(3, 2, 8, seed=2), need_weights=False)
    yield called((8, 2), {"kdim": 3, "vdim": 4}, x(5, 2, 8), x(3, 2, 3), x(3, 2, 4))
    yield called((8, 2), {"kdim": 3, "vdim": 4, "bias": False}, x(5, 2, 8), x(3, 2, 3), x(3, 2, 4))
    yield called((8, 2), {}, x(5, 2, 8), x(5, 2, 8), x(5, 2, 8), attn_mask=causal, is_causal=True, need_weights=False)
    yield called((8, 2), {}, x(5, 2, 8), x(5, 2, 8), x(5, 2, 8), is_causal=True)
    yield called((8, 2), {}, x(5, 2, 8), x(4, 2, 8), x(5, 2, 8))
    yield called((8, 2), {}, x(5, 2, 6), x(5, 2, 6), x(5, 2, 6))
    yield called((8, 2), {}, x(8), x(8), x(8))
    yield called((8, 2), {}, x(5, 2, 8), x(5, 2, 8), x(5, 2, 8), attn_mask=causal[:4])
    yield sample(8, 3)
    yield sample(0, 1)
    yield sample(8, 0)


@samples("TransformerEncoderLayer", "TransformerDecoderLayer")
def transformer_layers(name: str) -> Iterator[Sample]:
    decoder = "Decoder" in name
    for some in crossed(
        dropout=[0.0, 0.3],
        activation=["relu", "gelu", torch.nn.functional.silu],
        batch_first=[False, True],
        norm_first=[False, True],
        bias=[True, False],
    ):
        yield sample(8, 2, 16, on=(x(5, 2, 8), x(5, 2, 8, seed=1)) if decoder else x(5, 2, 8), **some)
    yield sample(8, 2, activation="sine")
    yield sample(8, 3)


@samples("TransformerEncoder", "TransformerDecoder")
def transformer_stacks(name: str) -> Iterator[Sample]:
    decoder = "Decoder" in name
    kind = torch.nn.TransformerDecoderLayer if decoder else torch.nn.TransformerEncoderLayer
    causal = torch.full((5, 5), float("-inf"), dtype=torch.float64).triu(1)
    for layers, normed in product((1, 2), (False, True)):
        torch.manual_seed(5)
        norm = torch.nn.LayerNorm(8) if normed else None
        layer = kind(8, 2, 16, dropout=0.0, batch_first=True)
        mask = {"tgt_mask": causal} if decoder else {"mask": causal}
        inputs = (x(2, 5, 8), x(2, 3, 8)) if decoder else (x(2, 5, 8),)
        yield (
            called((layer, layers, norm), {}, *inputs, **mask) if normed else called((layer, layers, norm), {}, *inputs)
        )


@samples("Transformer")
def transformer(name: str) -> Iterator[Sample]:
    causal = torch.full((4, 4), float("-inf"), dtype=torch.float64).triu(1)
    for some in crossed(
        batch_first=[False, True], norm_first=[False, True], bias=[True, False], activation=["relu", "gelu"]
    ):
        made = {
            "d_model": 8,
            "nhead": 2,
            "num_encoder_layers": 1,
            "num_decoder_layers": 1,
            "dim_feedforward": 16,
            "dropout": 0.1,
        }
        inputs = (x(2, 5, 8), x(2, 4, 8)) if some["batch_first"] else (x(5, 2, 8), x(4, 2, 8))
        yield called((), {**made, **some}, *inputs)
        yield called((), {**made, **some}, *inputs, tgt_mask=causal)
    yield called((), made, x(5, 2, 8), x(4, 3, 8))
    yield called((), made, x(5, 2, 6), x(4, 2, 8))


# --- Containers: only their text, names and first values ---------------------------------------------------------------


@samples("Sequential", "ModuleList", "ParameterList", "ModuleDict", "ParameterDict", "Module")
def containers(name: str) -> Iterator[Sample]:
    yield Sample(((), {}), None)
