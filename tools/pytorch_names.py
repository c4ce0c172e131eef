"""Write down the public names of PyTorch's modules, which the site compares with tour's: docs/data/pytorch_names.json.

Needs PyTorch 2.13. A name is public if its module lists it in `__all__`; of `torch` and `torch.Tensor`, which list nothing or too
much, the operators and the element types count. What belongs to sparse layouts, quantisation and single backends is left out.
"""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

TARGET = Path(__file__).resolve().parent.parent / "docs/data/pytorch_names.json"
MODULES = [
    "linalg", "fft", "special", "signal.windows", "random", "testing", "autograd", "autograd.functional", "func", "nn",
    "nn.functional", "nn.init", "nn.utils", "nn.utils.rnn", "nn.utils.parametrize", "nn.utils.parametrizations", "nn.utils.prune",
    "optim", "optim.lr_scheduler", "optim.swa_utils", "utils.data", "utils.checkpoint", "distributions",
]  # fmt: skip
OUTSIDE = re.compile(
    "_|.*(quantiz|sparse|mkldnn|cudnn|miopen|fbgemm|mps|xpu|vulkan|ipu|hpu|mtia|maia|_copy$|coalesce|crow|ccol|col_ind|row_ind)"
    "|q_|native_|batch_norm_|fake_|int_repr|symeig|smm|sspaddmm|volatile|reinforce|(to_)?dense|.*_notes|has_torch|.*torch_function"
    "|Tensor$|Container|factory_kwargs|assert_int|boolean_dispatch|debug_unwrap|NestedIO|variable$|enforce_grad|checkpoint_|.*Noop"
    "|segment_reduce|is_vulkan|rowwise_prune|(scaled_)*grouped_mm|scaled_mm|[A-Z_]+$|BroadcastingList|Swizzle|ScalingType"
)


def names_of(module: str) -> list[str]:
    """The public names of a module of PyTorch."""
    found: Any = importlib.import_module(f"torch.{module}")
    listed = getattr(found, "__all__", None)
    if not listed or module in ("nn", "nn.functional"):
        homes = (f"torch.{module}", "torch._C", "torch._jit_internal")
        listed = [n for n in dir(found) if str(getattr(getattr(found, n), "__module__", None)).startswith(homes)]
        listed += [n for n in dir(found) if type(getattr(found, n)).__name__ == "builtin_function_or_method"]
    return [n for n in listed if not isinstance(getattr(found, n, None), ModuleType)]


def operators() -> list[str]:
    """Functions of `torch` that work on tensors, and its element types."""
    own = [n for n in dir(torch._C._VariableFunctions) if n in torch.__all__]
    kinds = [n for n in dir(torch) if isinstance(getattr(torch, n), torch.dtype)]
    return [
        *own,
        *torch.functional.__all__,
        *(n for n in kinds if not re.match(r"q?u?int\d\d?$|bits|quint|float\d+_e|float4", n)),
    ]


def main() -> None:
    """Write the names."""
    found = {"torch": operators(), "Tensor": dir(torch.Tensor)} | {module: names_of(module) for module in MODULES}
    kept = {module: sorted({n for n in names if not OUTSIDE.match(n)}) for module, names in found.items()}
    TARGET.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "names": kept}, indent=1) + "\n")


if __name__ == "__main__":
    main()
