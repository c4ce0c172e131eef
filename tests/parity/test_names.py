"""Every public name of PyTorch's namespaces of layers and optimizers is in tour, or listed with a reason."""

from __future__ import annotations

import types
from importlib import import_module
from typing import Any

import pytest

pytest.importorskip("torch")

QUANTIZED = "quantisation is outside tour's scope"
INTERNAL = "PyTorch's own import or helper, shown by accident"
SCALED = "a product of scaled float8 for certain GPUs"
ABSENT: dict[str, dict[str, str]] = {
    "nn": {
        "Container": "deprecated since PyTorch 0.4, and empty",
        "DataParallel": "several GPUs under one Python thread; PyTorch itself points to DistributedDataParallel",
        "intrinsic": QUANTIZED,
        "qat": QUANTIZED,
        "quantizable": QUANTIZED,
        "quantized": QUANTIZED,
        "common_types": INTERNAL,
        "factory_kwargs": INTERNAL,
    },
    "nn.functional": {
        "scaled_mm": SCALED,
        "scaled_grouped_mm": SCALED,
        "grouped_mm": "products of bfloat16 for certain GPUs",
        "ScalingType": SCALED,
        "SwizzleType": SCALED,
        **dict.fromkeys(("BroadcastingList1", "BroadcastingList2", "BroadcastingList3", "boolean_dispatch"), INTERNAL),
        **dict.fromkeys(("Tensor", "assert_int_or_pair", "handle_torch_function"), INTERNAL),
        **dict.fromkeys(("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"), INTERNAL),
    },
    "nn.utils.rnn": dict.fromkeys(("PackedSequence_", "bind", "copy_method_params"), INTERNAL),
    "nn.utils.parametrize": dict.fromkeys(
        (
            "OpaqueBase",
            "get_swap_module_params_on_conversion",
            "is_opaque_reference_type",
            "is_traceable_wrapper_subclass",
        ),
        INTERNAL,
    ),
    "nn.utils.stateless": {"NamedMemberAccessor": INTERNAL},
    "optim.lr_scheduler": dict.fromkeys(("Optimizer", "Tensor"), INTERNAL),
    "optim.swa_utils": {"Module": INTERNAL},
}
NAMESPACES = [
    *(
        "nn",
        "nn.functional",
        "nn.grad",
        "nn.init",
        "nn.parameter",
        "nn.utils",
        "nn.utils.fusion",
        "nn.utils.parametrizations",
    ),
    *("nn.utils.parametrize", "nn.utils.prune", "nn.utils.rnn", "nn.utils.stateless"),
    *("optim", "optim.lr_scheduler", "optim.swa_utils"),
]


def public(namespace: str) -> set[str]:
    """Names that PyTorch itself put into one of its modules."""
    module = import_module(f"torch.{namespace}")
    return {name for name in dir(module) if not name.startswith("_") and is_torchs(module, name)}


def is_torchs(module: Any, name: str) -> bool:
    value = getattr(module, name)
    if isinstance(value, types.ModuleType):
        return value.__name__ == f"{module.__name__}.{name}"
    home = getattr(value, "__module__", None) or ""
    return home.startswith("torch") or name in getattr(module, "__all__", ())


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_public_names(namespace: str) -> None:
    names, listed = public(namespace), ABSENT.get(namespace, {})
    missing = {name for name in names if not hasattr(import_module(f"tour.{namespace}"), name)}
    assert missing == set(listed), f"absent and not listed: {missing - set(listed)}; listed: {set(listed) - missing}"
