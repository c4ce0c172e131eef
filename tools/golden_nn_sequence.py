"""Write `packages/tour-nn/tests/golden/sequence.json`: what PyTorch 2.13 gives for activations, embeddings, attention, transformers.

    python tools/golden_nn_sequence.py        (needs torch 2.13)

A case names a layer or function, what it is called with, and the results. Parameters and inputs follow from formulas, so that
only the results are stored, each as its shape and three sums with different weights.
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
F: Any = importlib.import_module("torch.nn.functional")

GOLDEN = Path(__file__).parents[1] / "packages/tour-nn/tests/golden/sequence.json"

X, Y, Z = {"numbers": [5, 2, 8]}, {"numbers": [7, 2, 8]}, {"numbers": [7, 2, 8], "from": 3}
Q, K, V = {"numbers": [2, 4, 5, 4]}, {"numbers": [2, 4, 7, 4], "from": 1}, {"numbers": [2, 4, 7, 3], "from": 2}
PADDING, MASK, WORDS = {"mask": [2, 7]}, {"mask": [5, 7]}, {"index": [3, 5], "below": 7}

Case = tuple[str, list[Any], dict[str, Any]]


def activations() -> list[Case]:
    """Every activation, on its own kind of input."""
    makes = [
        "nn.Threshold(0.1, 20.0)", "nn.ReLU()", "nn.RReLU()", "nn.RReLU(0.1, 0.3).eval()", "nn.Hardtanh(-0.5, 0.7)", "nn.ReLU6()",
        "nn.Sigmoid()", "nn.Tanh()", "nn.SiLU()", "nn.Mish()", "nn.Hardswish()", "nn.ELU(0.7)", "nn.CELU(2.0)", "nn.SELU()",
        "nn.GLU()", "nn.GLU(0)", "nn.GELU()", "nn.GELU('tanh')", "nn.Hardshrink()", "nn.LeakyReLU(0.2)", "nn.LogSigmoid()",
        "nn.Softplus(2.0, 1.0)", "nn.Softshrink(0.2)", "nn.PReLU()", "nn.PReLU(3)", "nn.Softsign()", "nn.Tanhshrink()",
        "nn.Softmin(1)", "nn.Softmax(-1)", "nn.Softmax2d()", "nn.LogSoftmax(0)",
    ]  # fmt: skip
    cases: list[Case] = [(make, [{"numbers": [4, 3, 2, 2]}], {}) for make in makes]
    cases += [("F.gumbel_softmax", [{"numbers": [3, 4]}], {"tau": 0.5, "hard": hard}) for hard in (False, True)]
    return cases


def embeddings() -> list[Case]:
    """Tables and bags with all options."""
    flat, offsets = {"index": [9], "below": 7}, {"values": [0, 0, 4, 7]}
    options: list[dict[str, Any]] = [
        {"mode": "sum"}, {"mode": "mean", "padding_idx": 1}, {"mode": "max"}, {"mode": "max", "padding_idx": 3},
        {"mode": "mean", "include_last_offset": True}, {"mode": "sum", "max_norm": 0.5},
        {"mode": "sum", "per_sample_weights": {"numbers": [9]}, "padding_idx": -2},
    ]  # fmt: skip
    return [
        ("nn.Embedding(7, 4)", [WORDS], {}),
        ("nn.Embedding(7, 4, padding_idx=-1, scale_grad_by_freq=True)", [WORDS], {}),
        ("nn.Embedding(7, 4, max_norm=0.5, norm_type=1.0)", [WORDS], {}),
        ("nn.EmbeddingBag(7, 4)", [WORDS], {}),
        *(("F.embedding_bag", [flat, {"numbers": [7, 4]}, offsets], kwargs) for kwargs in options),
        ("nn.Bilinear(3, 4, 2)", [{"numbers": [5, 3]}, {"numbers": [5, 4]}], {}),
    ]


def attentions() -> list[Case]:
    """The function and the layer."""
    f, layer = "F.scaled_dot_product_attention", "nn.MultiheadAttention(8, 2{})"
    wide: list[Any] = [X, {"numbers": [7, 2, 6]}, {"numbers": [7, 2, 3]}]
    return [
        (f, [Q, K, V], {}),
        (f, [Q, K, V], {"is_causal": True}),
        (f, [Q, K, V], {"attn_mask": {"mask": [2, 1, 5, 7]}}),
        (f, [Q, K, V], {"attn_mask": {"numbers": [4, 5, 7]}, "scale": 0.3}),
        (f, [Q, K, V], {"dropout_p": 0.4}),
        (f, [{"numbers": [2, 8, 5, 4]}, K, V], {"enable_gqa": True}),
        (layer.format(""), [X, X, X], {}),
        (layer.format(", bias=False"), [X, Y, Z], {"average_attn_weights": False}),
        (layer.format(", kdim=6, vdim=3"), wide, {"need_weights": False}),
        (
            layer.format(", add_bias_kv=True, add_zero_attn=True"),
            [X, Y, Z],
            {"key_padding_mask": PADDING, "attn_mask": MASK},
        ),
        (
            layer.format(", batch_first=True"),
            [{"numbers": [2, 7, 8]}] * 3,
            {"key_padding_mask": PADDING, "need_weights": False},
        ),
        (layer.format(", dropout=0.3"), [X, Y, Z], {}),
        (layer.format(", dropout=0.3"), [X, Y, Z], {"need_weights": False, "attn_mask": {"mask": [4, 5, 7]}}),
        (layer.format(""), [{"numbers": [5, 8]}] * 3, {}),
    ]


def transformers() -> list[Case]:
    """Layers, and the whole."""
    encoder, decoder = "nn.TransformerEncoderLayer(8, 2, 16, {})", "nn.TransformerDecoderLayer(8, 2, 16, {})"
    options = ("0.0", "0.2", "0.0, norm_first=True, activation='gelu'", "0.0, bias=False")
    return [
        *((encoder.format(o), [X], {}) for o in options),
        *((decoder.format(o), [X, Y], {}) for o in options),
        (encoder.format("0.0, batch_first=True"), [{"numbers": [2, 7, 8]}], {"src_key_padding_mask": PADDING}),
        (f"nn.TransformerEncoder({encoder.format(0.0)}, 2)", [X], {"mask": {"causal": 5}}),
        (f"nn.TransformerDecoder({decoder.format(0.0)}, 2)", [X, Y], {"tgt_mask": {"causal": 5}}),
        ("nn.Transformer(8, 2, 1, 1, 16)", [Y, X], {"tgt_mask": {"causal": 5}, "src_key_padding_mask": PADDING}),
    ]


def value(spec: Any) -> Any:
    """The tensor that a description stands for; anything else as it is."""
    if not isinstance(spec, dict):
        return spec
    if "numbers" in spec:
        n = np.arange(np.prod(spec["numbers"])) + spec.get("from", 0)
        return torch.tensor(np.sin(n * 1.7).reshape(spec["numbers"]) * 1.5, requires_grad=True)
    if "mask" in spec:
        return torch.tensor((np.arange(np.prod(spec["mask"])) % 5 == 3).reshape(spec["mask"]))
    if "index" in spec:
        return torch.tensor((np.arange(np.prod(spec["index"])) ** 2 % spec["below"]).reshape(spec["index"]))
    return (
        torch.tensor(spec["values"])
        if "values" in spec
        else nn.Transformer.generate_square_subsequent_mask(spec["causal"]).double()
    )


def summary(t: Any) -> Any:
    """Shape and three weighted sums."""
    a = t.detach().double().numpy().ravel()
    n = np.arange(a.size)
    return [list(t.shape), [float(a.sum()), float(a @ np.cos(n)), float(a @ np.sin(n * 0.3 + 1))]]


def run(make: str, arguments: list[Any], options: dict[str, Any]) -> dict[str, Any]:
    """One case with its results."""
    torch.manual_seed(5)
    target = eval(make, {"nn": nn, "F": F})
    case: dict[str, Any] = {"make": make, "arguments": arguments, "options": options, "parameters": [], "gradients": []}
    parameters = dict(target.named_parameters()) if isinstance(target, nn.Module) else {}
    for i, (name, p) in enumerate(parameters.items()):
        case["parameters"].append([name, summary(p)])
        p.data = torch.tensor(np.cos(np.arange(p.numel()) + i).reshape(p.shape) * 0.5)
    inputs, named = [value(a) for a in arguments], {k: value(v) for k, v in options.items()}
    torch.manual_seed(7)
    results = target(*inputs, **named)
    results = [r for r in (results if isinstance(results, tuple) else (results,)) if r is not None]
    case["results"] = [summary(r) for r in results]
    sum(
        (r * torch.cos(torch.arange(r.numel(), dtype=torch.float64).reshape(r.shape) + 0.5)).sum() for r in results
    ).backward()
    leaves = [*inputs, *named.values(), *parameters.values()]
    case["gradients"] = [summary(t.grad) for t in leaves if isinstance(t, torch.Tensor) and t.grad is not None]
    return case


def main() -> None:
    """Write the file."""
    warnings.simplefilter("ignore")
    groups = {
        "activation": activations(),
        "embedding": embeddings(),
        "attention": attentions(),
        "transformer": transformers(),
    }
    cases = {name: [run(*case) for case in group] for name, group in groups.items()}
    lines = [f' "{name}": [\n  ' + ",\n  ".join(map(json.dumps, group)) + "\n ]" for name, group in cases.items()]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
