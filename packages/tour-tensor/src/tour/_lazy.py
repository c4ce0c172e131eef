"""Names of `tour` that are imported when they are first used (PEP 562), most of them from packages above this one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

# Each direct child of `tour` belongs to one distribution.
DISTRIBUTIONS = {
    "amp": "tour-autograd",
    "autograd": "tour-autograd",
    "cuda": "tour-cuda",
    "distributed": "tour-distributed",
    "func": "tour-autograd",
    "nn": "tour-nn",
    "numba": "tour-numba",
    "optim": "tour-optim",
    "utils": "tour-utils",
}

# Modules of this package that most programs never name.
MODULES = {
    "backends",
    "compat",
    "distributions",
    "fft",
    "jit",
    "serialization",
    "signal",
    "special",
    "testing",
    "version",
}

# Names of the top namespace that live in a module or package which most programs never import.
HOMES = {
    name: module
    for module, names in {
        "_config": "show_config",
        "amp.autocast_mode": """
            autocast autocast_decrement_nesting autocast_increment_nesting clear_autocast_cache get_autocast_cpu_dtype
            get_autocast_dtype get_autocast_gpu_dtype is_autocast_available is_autocast_cache_enabled is_autocast_cpu_enabled
            is_autocast_enabled set_autocast_cache_enabled set_autocast_cpu_dtype set_autocast_cpu_enabled set_autocast_dtype
            set_autocast_enabled set_autocast_gpu_dtype
        """,
        "amp.grad_scaler": "GradScaler",
        "autograd": """
            enable_grad inference_mode is_anomaly_check_nan_enabled is_anomaly_enabled is_grad_enabled is_inference_mode_enabled
            no_grad set_grad_enabled
        """,
        "autograd.anomaly": "set_anomaly_enabled",
        "func": "vmap",
        "jit": "compile",
        "nn.functional": """
            adaptive_avg_pool1d adaptive_max_pool1d avg_pool1d bilinear channel_shuffle conv1d conv2d conv3d conv_transpose1d
            conv_transpose2d conv_transpose3d cosine_similarity max_pool1d max_pool1d_with_indices max_pool2d max_pool3d
            native_channel_shuffle pairwise_distance pdist pixel_shuffle pixel_unshuffle rms_norm
        """,
        "nn.toplevel": """
            affine_grid_generator alpha_dropout alpha_dropout_ batch_norm binary_cross_entropy_with_logits conv_tbc convolution
            cosine_embedding_loss ctc_loss dropout dropout_ embedding embedding_renorm_ feature_alpha_dropout
            feature_alpha_dropout_ feature_dropout feature_dropout_ grid_sampler grid_sampler_2d grid_sampler_3d group_norm gru
            gru_cell hinge_embedding_loss instance_norm kl_div layer_norm lstm lstm_cell margin_ranking_loss native_batch_norm
            native_dropout native_group_norm native_layer_norm poisson_nll_loss rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell
            triplet_margin_loss
        """,
        "serialization": "load save",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("tour-tensor")
    if name in MODULES:
        return import_module(f"tour.{name}")
    if name in DISTRIBUTIONS:
        return subpackage(name)
    if name in HOMES:
        subpackage(HOMES[name].partition(".")[0])
        value = getattr(import_module(f"tour.{HOMES[name]}"), name)
        setattr(sys.modules["tour"], name, value)  # from now on a plain attribute
        return value
    raise AttributeError(f"module 'tour' has no attribute {name!r}")


def on_first_use(
    package: str, files: dict[str, str]
) -> tuple[list[str], Callable[[], list[str]], Callable[[str], Any]]:
    """`__all__`, `__dir__` and `__getattr__` of a package that imports a file with the first use of one of its names.

    Args:
        package: The package's `__name__`.
        files: The names that each of its files gives, separated by spaces; a file that gives none is a name itself.
            None may be called as a file: the import of the file would set the name to it.

    Examples:
        >>> names, directory, get = on_first_use("tour.linalg", {"factoring": "qr svd", "solving": "solve"})
        >>> names
        ['qr', 'svd', 'solve']
        >>> get("svd").__module__
        'tour.linalg.factoring'
    """
    homes = {name: file for file, given in files.items() for name in given.split()}

    def __getattr__(name: str) -> Any:
        if name in homes:
            value = getattr(import_module(f"{package}.{homes[name]}"), name)
            setattr(sys.modules[package], name, value)  # from now on a plain attribute
            return value
        if name in files:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes, *files})

    return [*homes, *(file for file in files if not files[file])], __dir__, __getattr__


class _Absent(type):
    """A class that says what to install for every name that it does not have."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"tour.cuda.{name} comes with tour-cuda, which is not installed; run `pip install 'tour-cuda[cuda13x]'` (or [cuda12x]) on a "
            "machine with an NVIDIA GPU. Without it tour.cuda.is_available() is False"
        )


class NoCuda(metaclass=_Absent):
    """What `tour.cuda` is where tour-cuda is not installed: enough to ask, and to say what to install."""

    @staticmethod
    def is_available() -> bool:
        """False: no CUDA device can be used."""
        return False

    @staticmethod
    def device_count() -> int:
        """0: no CUDA device can be used."""
        return 0

    @staticmethod
    def memory_allocated(device: Any = None) -> int:
        """0: no memory of a device is used."""
        return 0

    max_memory_allocated = max_memory_reserved = memory_reserved = memory_allocated

    @staticmethod
    def is_initialized() -> bool:
        """False: no device has been used."""
        return False

    is_current_stream_capturing = is_initialized

    @staticmethod
    def is_bf16_supported(including_emulation: bool = True) -> bool:
        """False: nothing is computed on a device."""
        return False

    @staticmethod
    def manual_seed_all(seed: int) -> None:
        """Do nothing: there is no device to seed."""

    manual_seed = manual_seed_all

    @staticmethod
    def empty_cache() -> None:
        """Do nothing: there is no memory to give back."""

    ipc_collect = empty_cache


def subpackage(name: str) -> Any:
    """A direct child of `tour`.

    Raises:
        AttributeError: If its distribution is not installed; says what to install.
    """
    try:
        return import_module(f"tour.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"tour.{name}":
            raise
        if name == "cuda":
            return NoCuda
        raise AttributeError(f"tour.{name} is not installed; run `pip install {DISTRIBUTIONS[name]}`") from None


def __dir__() -> list[str]:
    return sorted({*vars(sys.modules["tour"]), *DISTRIBUTIONS, *HOMES, *MODULES})
