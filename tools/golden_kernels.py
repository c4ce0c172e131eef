"""Write `packages/tour-nn/tests/golden/kernels.npz`: what PyTorch 2.13 computes where tour.nn.kernels must agree.

    python tools/golden_kernels.py        (needs torch 2.13)

A case names a kernel (`module.function`), its arguments and its results. All cases are one JSON text, the array `cases`;
in it {"dtype", "start", "shape"} stands for a stretch of the flat array of that name.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

torch: Any = importlib.import_module("torch")
F: Any = importlib.import_module("torch.nn.functional")

GOLDEN = Path(__file__).parents[1] / "packages/tour-nn/tests/golden/kernels.npz"


class Golden:
    """Collects cases and the numbers in them."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[Any]] = {}
        self.cases: list[dict[str, Any]] = []
        self.random = np.random.default_rng(13)

    def draw(self, *shape: int, dtype: str = "float64") -> Any:
        """A tensor of standard normal numbers, rounded so that the file compresses, that wants a gradient."""
        return torch.from_numpy(np.round(self.random.standard_normal(shape), 2).astype(dtype)).requires_grad_()

    def add(self, kernel: str, arguments: list[Any], results: list[Any]) -> None:
        """One case: arguments and results may be tensors, numbers, texts, None, or lists of these."""
        self.cases.append({"kernel": kernel, "arguments": self.pack(arguments), "results": self.pack(results)})

    def pack(self, value: Any) -> Any:
        """Replace every tensor by its place among the numbers."""
        if isinstance(value, (list, tuple)):
            return [self.pack(v) for v in value]
        if not hasattr(value, "detach"):
            return value
        array = value.detach().numpy()
        numbers = self.numbers.setdefault(array.dtype.name, [])
        start = len(numbers)
        numbers.extend(array.ravel())
        return {"dtype": array.dtype.name, "start": start, "shape": list(array.shape)}


def gradients(golden: Golden, result: Any, *inputs: Any) -> tuple[Any, list[Any]]:
    """A random gradient of the result, and those of the inputs."""
    g = golden.draw(*result.shape, dtype=str(result.dtype).removeprefix("torch.")).detach()
    return g, list(torch.autograd.grad(result, inputs, g))


def convolutions(golden: Golden) -> None:
    """Forward and gradients over 1 to 3 dimensions, plain and transposed."""
    for n, c, o, size, kernel, stride, padding, dilation, groups, dtype in [
        (2, 3, 4, [7], [3], [2], [1], [1], 1, "float64"),
        (2, 3, 4, [6, 7], [3, 2], [1, 1], [1, 0], [1, 1], 1, "float64"),
        (1, 4, 6, [7, 5], [2, 3], [2, 1], [1, 2], [2, 1], 2, "float32"),
        (2, 3, 6, [6, 5], [3, 3], [2, 1], [1, 1], [1, 2], 3, "float64"),
        (2, 2, 3, [3, 4, 4], [2, 1, 3], [1, 2, 1], [1, 0, 1], [1, 1, 1], 1, "float64"),
    ]:
        options = [stride, padding, dilation, groups]
        x, w = golden.draw(n, c, *size, dtype=dtype), golden.draw(o, c // groups, *kernel, dtype=dtype)
        b = golden.draw(o, dtype=dtype)
        y = getattr(F, f"conv{len(size)}d")(x, w, b, *options)
        g, (gx, gw, gb) = gradients(golden, y, x, w, b)
        golden.add("convolution.conv", [x, w, b, *options], [y])
        golden.add("convolution.conv_input_grad", [g, w, list(x.shape), *options], [gx])
        golden.add("convolution.conv_weight_grad", [g, x, list(w.shape), *options], [gw])
        golden.add("convolution.conv_bias_grad", [g], [gb])
        extra = [s - 1 for s in stride]
        w, b = golden.draw(c, o // groups, *kernel, dtype=dtype), golden.draw(o, dtype=dtype)
        y = getattr(F, f"conv_transpose{len(size)}d")(x, w, b, stride, padding, extra, groups, dilation)
        g, (gx, gw) = gradients(golden, y, x, w)
        golden.add("convolution.conv_transpose", [x, w, b, stride, padding, extra, dilation, groups], [y])
        golden.add("convolution.conv_transpose_input_grad", [g, w, list(x.shape), *options], [gx])
        golden.add("convolution.conv_transpose_weight_grad", [g, x, list(w.shape), *options], [gw])
    x = golden.draw(1, 2, 5, 4)
    y = F.unfold(x, (2, 3), (2, 1), (1, 0), (1, 2))
    golden.add("windows.im2col", [x, [2, 3], [1, 2], [1, 0], [2, 1]], [y])
    golden.add(
        "windows.col2im",
        [y, [5, 4], [2, 3], [1, 2], [1, 0], [2, 1]],
        [F.fold(y, (5, 4), (2, 3), (2, 1), (1, 0), (1, 2))],
    )


def poolings(golden: Golden) -> None:
    """Windows of every kind, with ties."""
    for size, kernel, stride, padding, dilation, ceil_mode in [
        ([9], [3], [2], [1], [1], True),
        ([6, 7], [2, 3], [2, 2], [0, 1], [1, 1], False),
        ([7, 6], [3, 2], [2, 1], [1, 1], [2, 1], True),
        ([4, 5, 4], [2, 2, 3], [2, 1, 2], [1, 0, 1], [1, 2, 1], True),
    ]:
        d, options = len(size), [kernel, stride, padding, dilation]
        x = golden.draw(2, 2, *size).detach().relu().requires_grad_()
        y, where = getattr(F, f"max_pool{d}d")(x, *options, ceil_mode, return_indices=True)
        g, (gx,) = gradients(golden, y, x)
        golden.add("pooling.max_pool", [x, *options, ceil_mode], [y])
        golden.add("pooling.max_pool_with_indices", [x, *options, ceil_mode], [y, where])
        golden.add("pooling.max_pool_grad", [g, x, y, *options], [gx])
        golden.add("pooling.scatter", [g, where, size], [gx])
        for count_pad, divisor in [(True, None), (False, None), (True, 3)]:
            if d == 1 and divisor:
                continue
            y = getattr(F, f"avg_pool{d}d")(x, kernel, stride, padding, ceil_mode, count_pad, *[divisor][: d > 1])
            g, (gx,) = gradients(golden, y, x)
            golden.add("pooling.avg_pool", [x, kernel, stride, padding, ceil_mode, count_pad, divisor], [y])
            shape = list(x.shape)
            golden.add("pooling.avg_pool_grad", [g, shape, kernel, stride, padding, count_pad, divisor], [gx])
        out = [3, 2, 5][:d]
        y = getattr(F, f"adaptive_avg_pool{d}d")(x, out)
        g, (gx,) = gradients(golden, y, x)
        golden.add("adaptive_pooling.adaptive_avg_pool", [x, out], [y])
        golden.add("adaptive_pooling.adaptive_avg_pool_grad", [g, list(x.shape)], [gx])
        y, where = getattr(F, f"adaptive_max_pool{d}d")(x, out, return_indices=True)
        golden.add("adaptive_pooling.adaptive_max_pool", [x, out], [y, where])
    x, samples = golden.draw(2, 2, 8, 7), torch.from_numpy(golden.random.random((2, 2, 2)))
    y, where = F.fractional_max_pool2d(x, (2, 3), (4, 3), return_indices=True, _random_samples=samples)
    golden.add("adaptive_pooling.fractional_max_pool", [x, [2, 3], [4, 3], samples], [y, where])
    golden.add("pooling.max_unpool", [y, where, [8, 7]], [F.max_unpool2d(y, where, 2, output_size=(8, 7))])


def losses(golden: Golden) -> None:
    """Cross entropy with all its options."""
    for shape in ([6], [3, 2, 2]):
        x, w = golden.draw(shape[0], 4, *shape[1:]), golden.draw(4).detach().abs()
        target = torch.from_numpy(golden.random.integers(0, 4, shape))
        target.view(-1)[1] = -100
        for weight, smoothing in [(None, 0.0), (w, 0.0), (None, 0.1), (w, 0.3)]:
            y = F.cross_entropy(x, target, weight, reduction="none", label_smoothing=smoothing)
            g, (gx,) = gradients(golden, y, x)
            p = F.softmax(x, 1)
            golden.add("softmax.cross_entropy", [x, target, weight, -100, smoothing], [y, p])
            golden.add("softmax.cross_entropy_grad", [g, p, target, weight, -100, smoothing], [gx])


def norms(golden: Golden) -> None:
    """Outputs and gradients; what a forward saves is compared where PyTorch returns it too."""
    aten, all3 = torch.ops.aten, [True, True, True]
    for size in ([], [4], [3, 2]):
        x, w, b = golden.draw(4, 6, *size), golden.draw(6), golden.draw(6)
        n = x.numel() // 6
        y = F.batch_norm(x, None, None, w, b, True)
        g, grads = gradients(golden, y, x, w, b)
        dims = [0, *range(2, x.ndim)]
        mean, var = x.detach().mean(dims), x.detach().var(dims, correction=0)
        golden.add("normalization.batch_norm", [x, w, b, 1e-5], [y, mean, var])
        golden.add("normalization.batch_norm_grad", [g, x, mean, var, w, 1e-5, all3, True], grads)
        y = F.batch_norm(x, mean, var, w, b, False)
        g, grads = gradients(golden, y, x, w, b)
        golden.add("normalization.batch_norm_eval", [x, mean, var, w, b, 1e-5], [y])
        golden.add("normalization.batch_norm_grad", [g, x, mean, var, w, 1e-5, all3, False], grads)
        y, mean, rstd = aten.native_group_norm(x, w, b, 4, 6, n // 4, 3, 1e-5)
        g, grads = gradients(golden, y, x, w, b)
        mean, rstd = mean.reshape(-1, 1), rstd.reshape(-1, 1)
        golden.add("normalization.group_norm", [x, 3, w, b, 1e-5], [y, mean, rstd])
        golden.add("normalization.group_norm_grad", [g, x, 3, mean, rstd, w, all3], grads)
    x, w, b = golden.draw(3, 2, 2, 5), golden.draw(2, 5), golden.draw(2, 5)
    y, mean, rstd = aten.native_layer_norm(x, [2, 5], w, b, 1e-5)
    g, grads = gradients(golden, y, x, w, b)
    mean, rstd = mean.reshape(-1, 1), rstd.reshape(-1, 1)
    golden.add("normalization.layer_norm", [x, [2, 5], w, b, 1e-5], [y, mean, rstd])
    golden.add("normalization.layer_norm_grad", [g, x, [2, 5], mean, rstd, w, all3], grads)
    y = F.rms_norm(x, [2, 5], w, 1e-6)
    g, grads = gradients(golden, y, x, w)
    rrms = (x.detach().square().mean([2, 3]) + 1e-6).rsqrt().reshape(-1, 1)
    golden.add("normalization.rms_norm", [x, [2, 5], w, 1e-6], [y, rrms])
    golden.add("normalization.rms_norm_grad", [g, x, [2, 5], rrms, w, all3[:2]], grads)


def interpolations(golden: Golden) -> None:
    """Every mode, larger and smaller, by size and by factor."""
    for size, out, factors, modes in [
        ([5], [8], [], ["nearest", "nearest-exact", "linear", "area"]),
        ([4, 6], [7, 3], [], ["nearest", "nearest-exact", "bilinear", "bicubic", "area"]),
        ([4, 6], [9, 4], [2.3, 0.7], ["nearest", "nearest-exact", "bilinear", "bicubic"]),
        ([3, 2, 4], [2, 4, 5], [], ["nearest", "trilinear", "area"]),
    ]:
        for mode in modes:
            linear = mode.endswith("linear") or mode == "bicubic"
            for align in [False, True] if linear else [None]:
                for antialias in [False, True] if mode in ("bilinear", "bicubic") else [False]:
                    x = golden.draw(1, 2, *size)
                    to = {"scale_factor": factors} if factors else {"size": out}
                    y = F.interpolate(x, mode=mode, align_corners=align, antialias=antialias, **to)
                    g, (gx,) = gradients(golden, y, x)
                    options = [mode, bool(align), factors, antialias]
                    golden.add("interpolation.interpolate", [x, out, *options], [y])
                    golden.add("interpolation.interpolate_grad", [g, list(x.shape), *options], [gx])


def samplings(golden: Golden) -> None:
    """Every mode and padding, points inside and outside."""
    for size, out, modes in [
        ([4, 3], [2, 5], ["bilinear", "nearest", "bicubic"]),
        ([3, 2, 4], [2, 2, 2], ["bilinear"]),
    ]:
        for mode in modes:
            for padding in ("zeros", "border", "reflection"):
                for align in (False, True):
                    x = golden.draw(2, 2, *size)
                    grid = golden.draw(2, *out, len(size))
                    y = F.grid_sample(x, grid, mode, padding, align)
                    g, (gx, ggrid) = gradients(golden, y, x, grid)
                    golden.add("grid_sample.grid_sample", [x, grid, mode, padding, align], [y])
                    wanted = [True, True]
                    golden.add("grid_sample.grid_sample_grad", [g, x, grid, mode, padding, align, wanted], [gx, ggrid])


def ctc(golden: Golden) -> None:
    """Targets of several lengths, one empty, one that does not fit."""
    logits = golden.draw(6, 4, 5)
    log_probs = F.log_softmax(logits, 2).detach().requires_grad_()
    targets = torch.tensor([[1, 2, 2], [3, 0, 1], [4, 1, 3], [2, 2, 2]])
    inputs, lengths = torch.tensor([6, 5, 4, 3]), torch.tensor([3, 0, 2, 3])
    targets[1] = 1
    y = F.ctc_loss(log_probs, targets, inputs, lengths, reduction="none")
    golden.add("ctc.ctc_loss", [log_probs, targets, inputs, lengths, 0], [y])
    for zero_infinity in (False, True):
        y = F.ctc_loss(log_probs, targets, inputs, lengths, reduction="none", zero_infinity=zero_infinity)
        g, (grad,) = gradients(golden, y, log_probs)
        golden.add("ctc.ctc_loss_grad", [g, log_probs, targets, inputs, lengths, 0, zero_infinity], [grad])


def main() -> None:
    """Compute every case and write the file."""
    golden = Golden()
    for cases in (convolutions, poolings, losses, norms, interpolations, samplings, ctc):
        cases(golden)
    arrays: dict[str, Any] = {name: np.array(numbers, name) for name, numbers in golden.numbers.items()}
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(GOLDEN, cases=np.array(json.dumps(golden.cases)), **arrays)
    print(f"{len(golden.cases)} cases, {GOLDEN.stat().st_size} bytes")


if __name__ == "__main__":
    main()
