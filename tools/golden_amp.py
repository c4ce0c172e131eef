"""Store in which dtype PyTorch 2.13 runs ops under CPU autocast: `packages/tour-nn/tests/golden/amp.json`.

python tools/golden_amp.py      # needs torch==2.13.0
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

TARGET = Path(__file__).parents[1] / "packages" / "tour-nn" / "tests" / "golden" / "amp.json"

# Expressions of `torch`, `F` and tensors: m (2, 2), v (2,), i (1, 2, 6, 6), w (3, 2, 3, 3), k (1,) classes, b (1, 2, 2) in the given dtype.
CASES = """
m @ m|torch.mm(m, m)|torch.matmul(m, v)|m.matmul(m)|torch.bmm(b, b)|torch.addmm(m, m, m)|torch.baddbmm(b, b, b)|torch.addbmm(m, b, b)
F.linear(m, m)|F.linear(m, m, v)|F.conv2d(i, w)|F.conv_transpose2d(i, w.transpose(0, 1))|F.prelu(m, v[:1])
F.scaled_dot_product_attention(b, b, b)|m.mv(v)|v.dot(v)|torch.outer(v, v)|torch.einsum("ij,jk->ik", m, m)|torch.tensordot(m, m, 1)
F.mse_loss(m, m)|F.l1_loss(m, m)|F.smooth_l1_loss(m, m)|F.huber_loss(m, m)|F.cross_entropy(m, torch.tensor([0, 1]))
F.nll_loss(m, torch.tensor([0, 1]))|F.kl_div(m, m)|F.binary_cross_entropy_with_logits(m, m)|F.binary_cross_entropy(m, m)|m.prod()
m.trace()|torch.cdist(m, m)|torch.linalg.inv(m + torch.eye(2, dtype=m.dtype))|torch.fft.fft(m).real|torch.linalg.svdvals(m)
m.sum()|m.mean()|m.exp()|m.log()|m.softmax(0)|m.log_softmax(0)|F.layer_norm(m, (2,))|F.group_norm(i, 1)|F.gelu(m)|m + m|m * 2|m.pow(2)
m.norm()|m.cumsum(0)|F.relu(m)|F.max_pool2d(i, 2)|F.avg_pool2d(i, 2)|F.softplus(m)|m.tanh()|m.sigmoid()|torch.cat([m, m])
torch.stack([m, m])|torch.cat([m, m.float()])|torch.cat([m, m.double()])|m.add(m.float())|torch.mm(m.float(), m.bfloat16())
torch.mm(m.double(), m.double())|F.linear(m.float(), m.bfloat16())
"""


def inputs(dtype: Any) -> dict[str, Any]:
    torch.manual_seed(0)
    shapes = {"m": (2, 2), "v": (2,), "i": (1, 2, 6, 6), "w": (3, 2, 3, 3), "b": (1, 2, 2)}
    return {name: torch.rand(shape).to(dtype) for name, shape in shapes.items()} | {"torch": torch, "F": F}


def main() -> None:
    found: dict[str, dict[str, str]] = {}
    for case in (c for line in CASES.split("\n") for c in line.split("|") if c):
        found[case] = {}
        for start in ("float32", "bfloat16", "float64"):
            for lower in ("bfloat16", "float16"):
                if "cat(" in case or "stack(" in case:
                    if start != "float32":  # PyTorch refuses the other half precision here
                        continue
                with torch.autocast("cpu", dtype=getattr(torch, lower)):
                    try:
                        text = str(eval(case, inputs(getattr(torch, start))).dtype).removeprefix("torch.")
                    except (RuntimeError, NotImplementedError) as error:
                        text = type(error).__name__
                found[case][f"{start} {lower}"] = text
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(found, indent=0) + "\n")


if __name__ == "__main__":
    main()
