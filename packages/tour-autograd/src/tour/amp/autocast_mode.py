"""Blocks in which each op runs in the precision that suits it.

While such a block is open, the functions of `lists.py` run other code, which casts their tensors and then calls what they were. When the
last block is closed they are again what they were, to the byte: a program without autocast, or between two blocks, pays nothing.
"""

from __future__ import annotations

import functools
import threading
import types
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import tour
from tour import _core
from tour._dtypes import FROM_NUMPY, promote_types
from tour._lazy import subpackage
from tour.amp.lists import POLICIES, REFUSED

__all__ = [
    "autocast", "autocast_decrement_nesting", "autocast_increment_nesting", "clear_autocast_cache", "custom_bwd", "custom_fwd",
    "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype", "is_autocast_available", "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled", "is_autocast_enabled", "set_autocast_cache_enabled", "set_autocast_cpu_dtype",
    "set_autocast_cpu_enabled", "set_autocast_dtype", "set_autocast_enabled", "set_autocast_gpu_dtype",
]  # fmt: skip

DEVICES = ("cpu", "cuda")
LOWER_DTYPES = (tour.float16, tour.bfloat16)


class _State(threading.local):
    """What this thread has asked for.

    Attributes:
        enabled: By device, whether autocast is on.
        dtype: By device, the lower precision.
        inside: Whether an op of the lists is running: those that it calls are left alone.
        caching: Whether casts of leaves are kept until the outermost block ends.
        casts: Those that are: by identity of the leaf and dtype, the leaf and its cast.
        depth: How many blocks are open.
    """

    def __init__(self) -> None:
        self.enabled = dict.fromkeys(DEVICES, False)
        self.dtype = {"cpu": tour.bfloat16, "cuda": tour.float16}
        self.inside, self.caching, self.depth = False, True, 0
        self.casts: dict[tuple[int, Any], tuple[Any, Any]] = {}


state = _State()


class autocast:
    """A block, or a decorator, in which ops run in the precision that suits them.

    Products such as `linear` and `conv2d` run in `dtype`, losses and sums of many numbers in float32, all others in the precision of
    their operands; float64 stays. In-place forms and those with `out=` are left alone. The backward pass needs no block: it runs in
    the precision of the forward one.

    Args:
        device_type: `"cpu"` or `"cuda"`; only tensors there are cast.
        dtype: `tour.bfloat16` or `tour.float16`; by default bfloat16 on a CPU and float16 on a GPU.
        enabled: False switches it off, also inside another block.
        cache_enabled: Whether a weight that is used several times is cast once.

    Raises:
        RuntimeError: If there is no such device type.

    Examples:
        >>> import tour
        >>> a = tour.ones(2, 2)
        >>> with tour.autocast("cpu"):
        ...     y = a @ a
        ...     z = y.sum()
        >>> y.dtype, (a @ a).dtype
        (tour.bfloat16, tour.float32)
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        device_type = device_type.partition(":")[0]
        if device_type not in DEVICES:
            raise RuntimeError(
                f"User specified an unsupported autocast device_type '{device_type}'; there are {DEVICES}"
            )
        dtype = state.dtype[device_type] if dtype is None else dtype
        if enabled and dtype not in LOWER_DTYPES and not (device_type == "cpu" and dtype is tour.float32):
            warnings.warn(
                f"In {device_type} autocast, but the target dtype {dtype} is not supported. Disabling autocast.\n"
                "It supports tour.bfloat16 and tour.float16.",
                stacklevel=2,
            )
            enabled = False
        if enabled and device_type == "cuda" and not subpackage("cuda").is_available():
            warnings.warn("User provided device_type of 'cuda', but CUDA is not available. Disabling", stacklevel=2)
            enabled = False
        self.device, self.fast_dtype, self._enabled = device_type, dtype, enabled
        self._caching = state.caching if cache_enabled is None else cache_enabled
        self._before: list[tuple[bool, Any, bool]] = []

    def __enter__(self) -> autocast:
        self._before.append((state.enabled[self.device], state.dtype[self.device], state.caching))
        state.enabled[self.device], state.dtype[self.device] = self._enabled, self.fast_dtype
        state.caching = self._caching
        _open()
        return self

    def __exit__(self, *_: object) -> None:
        _close()
        state.enabled[self.device], state.dtype[self.device], state.caching = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Run a function under these settings."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return wrapped


# --- Settings by PyTorch's names ----------------------------------------------------------------------------------------------


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether autocast is on in this thread, for a device type (`"cuda"` if None).

    Examples:
        >>> import tour
        >>> with tour.autocast("cpu"):
        ...     tour.is_autocast_enabled("cpu")
        True
    """
    return state.enabled[_device(device_type or "cuda")]


def set_autocast_enabled(device_type: str | bool, enabled: bool | None = None) -> None:
    """Switch autocast on or off by hand; `autocast` does it for a block.

    Examples:
        >>> import tour
        >>> tour.set_autocast_enabled("cpu", True)
        >>> (tour.ones(2, 2) @ tour.ones(2, 2)).dtype
        tour.bfloat16
        >>> tour.set_autocast_enabled("cpu", False)
    """
    device, now = ("cuda", device_type) if isinstance(device_type, bool) else (_device(device_type), bool(enabled))
    before, state.enabled[device] = state.enabled[device], now
    if now and not before:
        _swap_in()
    elif before and not now:
        _swap_out()


def get_autocast_dtype(device_type: str) -> Any:
    """The lower precision of a device type.

    Examples:
        >>> import tour
        >>> tour.get_autocast_dtype("cpu")
        tour.bfloat16
    """
    return state.dtype[_device(device_type)]


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Set the lower precision of a device type.

    Examples:
        >>> import tour
        >>> tour.set_autocast_dtype("cpu", tour.float16)
        >>> tour.get_autocast_dtype("cpu")
        tour.float16
        >>> tour.set_autocast_dtype("cpu", tour.bfloat16)
    """
    state.dtype[_device(device_type)] = dtype


def is_autocast_cpu_enabled() -> bool:
    """Whether autocast is on for the CPU.

    Examples:
        >>> import tour
        >>> with tour.autocast("cpu"):
        ...     tour.is_autocast_cpu_enabled()
        True
    """
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """Switch autocast on or off for the CPU.

    Examples:
        >>> import tour
        >>> tour.set_autocast_cpu_enabled(True)
        >>> (tour.ones(2, 2) @ tour.ones(2, 2)).dtype
        tour.bfloat16
        >>> tour.set_autocast_cpu_enabled(False)
    """
    set_autocast_enabled("cpu", enabled)


def get_autocast_cpu_dtype() -> Any:
    """The lower precision of the CPU.

    Examples:
        >>> import tour
        >>> tour.get_autocast_cpu_dtype()
        tour.bfloat16
    """
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype: Any) -> None:
    """Set the lower precision of the CPU.

    Examples:
        >>> import tour
        >>> tour.set_autocast_cpu_dtype(tour.float16)
        >>> tour.get_autocast_cpu_dtype()
        tour.float16
        >>> tour.set_autocast_cpu_dtype(tour.bfloat16)
    """
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype() -> Any:
    """The lower precision of a GPU.

    Examples:
        >>> import tour
        >>> tour.get_autocast_gpu_dtype()
        tour.float16
    """
    return get_autocast_dtype("cuda")


def set_autocast_gpu_dtype(dtype: Any) -> None:
    """Set the lower precision of a GPU.

    Examples:
        >>> import tour
        >>> tour.set_autocast_gpu_dtype(tour.bfloat16)
        >>> tour.get_autocast_gpu_dtype()
        tour.bfloat16
        >>> tour.set_autocast_gpu_dtype(tour.float16)
    """
    set_autocast_dtype("cuda", dtype)


def is_autocast_cache_enabled() -> bool:
    """Whether casts of weights are kept until the outermost block ends.

    Examples:
        >>> import tour
        >>> tour.is_autocast_cache_enabled()
        True
    """
    return state.caching


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Set whether casts of weights are kept.

    Examples:
        >>> import tour
        >>> tour.set_autocast_cache_enabled(False)
        >>> tour.is_autocast_cache_enabled()
        False
        >>> tour.set_autocast_cache_enabled(True)
    """
    state.caching = enabled


def clear_autocast_cache() -> None:
    """Forget the casts of weights: needed inside a block after an optimizer has written into them.

    Examples:
        >>> import tour
        >>> w = tour.ones(2, 2, requires_grad=True)
        >>> with tour.autocast("cpu"):
        ...     y = w @ w
        ...     tour.clear_autocast_cache()
    """
    state.casts.clear()


def autocast_increment_nesting() -> int:
    """Count one more open block; how many there are.

    Examples:
        >>> import tour
        >>> tour.autocast_increment_nesting(), tour.autocast_decrement_nesting()
        (1, 0)
    """
    state.depth += 1
    return state.depth


def autocast_decrement_nesting() -> int:
    """Count one block less; how many are left.

    Examples:
        >>> import tour
        >>> tour.autocast_increment_nesting(), tour.autocast_decrement_nesting()
        (1, 0)
    """
    state.depth -= 1
    return state.depth


def is_autocast_available(device_type: str) -> bool:
    """Whether there is autocast for a device type.

    Examples:
        >>> import tour
        >>> tour.amp.is_autocast_available("cpu")
        True
    """
    return device_type in DEVICES


def _device(name: str) -> str:
    if name not in DEVICES:
        raise RuntimeError(f"unknown device type for autocast: {name!r}; there are {DEVICES}")
    return name


# --- Functions with gradients of the user's own ----------------------------------------------------------------------------------


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """A decorator for the `forward` of a `tour.autograd.Function` that may run under autocast.

    Args:
        fwd: The function.
        device_type: The device type whose tensors it gets.
        cast_inputs: If given, floating-point inputs there are cast to it, and autocast is off inside; else it stays as it is.

    Examples:
        >>> import tour
        >>> class Double(tour.autograd.Function):
        ...     @staticmethod
        ...     @tour.amp.custom_fwd(device_type="cpu", cast_inputs=tour.float32)
        ...     def forward(ctx, x):
        ...         return 2 * x
        ...     @staticmethod
        ...     @tour.amp.custom_bwd(device_type="cpu")
        ...     def backward(ctx, g):
        ...         return 2 * g
        >>> with tour.autocast("cpu"):
        ...     Double.apply(tour.ones(2, dtype=tour.bfloat16)).dtype
        tour.float32
    """
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        args[0]._dtype = get_autocast_dtype(device_type)
        if cast_inputs is None or not is_autocast_enabled(device_type):
            args[0]._fwd_used_autocast = is_autocast_enabled(device_type)
            return fwd(*args, **kwargs)
        args[0]._fwd_used_autocast = False
        cast = functools.partial(_cast_tree, device_type, cast_inputs)
        with autocast(device_type, enabled=False):
            return fwd(*map(cast, args), **{k: cast(v) for k, v in kwargs.items()})

    return decorated


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """A decorator for the `backward` of a `tour.autograd.Function`: it runs under autocast if its `forward` did.

    Examples:
        >>> import tour
        >>> class Double(tour.autograd.Function):
        ...     @staticmethod
        ...     @tour.amp.custom_fwd(device_type="cpu")
        ...     def forward(ctx, x):
        ...         return 2 * x
        ...     @staticmethod
        ...     @tour.amp.custom_bwd(device_type="cpu")
        ...     def backward(ctx, g):
        ...         return 2 * g
        >>> x = tour.ones(2, requires_grad=True)
        >>> Double.apply(x).sum().backward()
        >>> x.grad
        tensor([2., 2.])
    """
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, enabled=args[0]._fwd_used_autocast, dtype=args[0]._dtype):
            return bwd(*args, **kwargs)

    return decorated


# --- Casts ------------------------------------------------------------------------------------------------------------------------


def _cast(t: Any, device: str, dtype: Any) -> Any:
    """A floating-point tensor of a device in another precision; float64 and all others as they are."""
    if t._a.dtype is dtype.numpy or t.device.type != device or not t.is_floating_point() or t.dtype is tour.float64:
        return t
    keep = state.caching and dtype in LOWER_DTYPES and t.is_leaf and t.requires_grad and t.dtype is tour.float32
    if not keep:
        return t.to(dtype)
    known = state.casts.get((id(t), dtype))
    if known is None or known[0] is not t:
        known = state.casts[id(t), dtype] = (t, t.to(dtype))
    return known[1]


def _cast_tree(device: str, dtype: Any, value: Any) -> Any:
    """The same for tensors in lists, tuples and dictionaries."""
    if isinstance(value, _core.Tensor):
        return _cast(value, device, dtype)
    if type(value) in (list, tuple):
        return type(value)(_cast_tree(device, dtype, v) for v in value)
    if type(value) is dict:
        return {k: _cast_tree(device, dtype, v) for k, v in value.items()}
    return value


def _tensors(value: Any) -> list[Any]:
    if isinstance(value, _core.Tensor):
        return [value]
    if type(value) in (list, tuple):
        return [t for v in value for t in _tensors(v)]
    return [t for v in value.values() for t in _tensors(v)] if type(value) is dict else []


# --- Functions of the lists, while a block is open ----------------------------------------------------------------------------------


class Entry:
    """One function of the lists: what it was, and what it is meanwhile.

    Attributes:
        function: The function itself, whose code is exchanged.
        plain: A function with its own code, which is what it was.
        policies: By device type, `"lower"`, `"single"`, `"widest"` or `"refused"`.
    """

    def __init__(self, function: types.FunctionType, name: str) -> None:
        self.function, self.name, self.own = function, name, function.__code__
        self.plain = types.FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
        )
        self.plain.__kwdefaults__ = function.__kwdefaults__
        self.policies: dict[str, str] = {}
        consts = tuple(self if c == "the entry" else c for c in _stand_in.__code__.co_consts)
        self.code = _stand_in.__code__.replace(
            co_consts=consts,
            co_freevars=function.__code__.co_freevars,
            co_name=function.__code__.co_name,
            co_filename=function.__code__.co_filename,
            co_firstlineno=function.__code__.co_firstlineno,
        )

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The call, its tensors cast as the lists say."""
        if state.inside or kwargs.get("out") is not None:
            return self.plain(*args, **kwargs)
        found = _tensors((args, kwargs))
        device = next((t.device.type for t in found), None)
        if device is None or not state.enabled.get(device):
            return self.plain(*args, **kwargs)
        policy = self.policies.get(device)
        if policy == "refused":
            raise RuntimeError(
                f"{self.name} is unsafe to autocast: use binary_cross_entropy_with_logits, or BCEWithLogitsLoss, which take what "
                "was before the sigmoid, or compute it in a block of `autocast(enabled=False)`"
            )
        state.inside = True
        try:
            if policy is not None and (dtype := self._target(policy, device, found, kwargs)) is not None:
                args, kwargs = _cast_tree(device, dtype, args), _cast_tree(device, dtype, kwargs)
            return self.plain(*args, **kwargs)
        finally:
            state.inside = False

    def _target(self, policy: str, device: str, found: list[Any], kwargs: dict[str, Any]) -> Any:
        if policy == "lower":
            return state.dtype[device]
        if policy == "single":
            return None if kwargs.get("dtype") is not None else tour.float32
        floating = [FROM_NUMPY[t._a.dtype] for t in found if t.is_floating_point() and t.device.type == device]
        return functools.reduce(promote_types, floating) if floating else None


def _stand_in(*args: Any, **kwargs: Any) -> Any:
    return "the entry".__call__(args, kwargs)  # type: ignore[operator]


_lock = threading.RLock()
_open_blocks = [0]


@functools.cache
def _entries() -> list[Entry]:
    """All functions of the lists, found once."""
    made: dict[Any, Entry] = {}
    for device, policies in POLICIES.items():
        for policy, names in [*policies.items(), ("refused", REFUSED.get(device, set()))]:
            for name in names:
                for function in _found(name):
                    entry = made.get(function)
                    if entry is None:
                        entry = made[function] = Entry(function, name)
                    entry.policies[device] = policy
    return list(made.values())


def _found(name: str) -> list[Any]:
    """The functions of a name: in the top namespace, as a method, an operator, and in `tour.nn.functional`."""
    owners: list[Any] = [tour, tour.Tensor]
    try:
        owners.append(import_module("tour.nn.functional"))
        if name.startswith("recurrent."):
            owners = [import_module("tour.nn.functional.recurrent")]
            name = name.partition(".")[2]
    except ModuleNotFoundError as error:
        if error.name not in ("tour.nn", "tour.nn.functional"):
            raise
    if name.partition(".")[0] in ("fft", "linalg"):
        module, _, name = name.partition(".")
        owners = [import_module(f"tour.{module}")]
    found = []
    for owner in owners:
        for key in (name, f"__{name}__", f"__r{name}__"):
            value = getattr(owner, key, None)
            value = getattr(value, "__func__", value)
            if isinstance(value, types.FunctionType):
                found.append(value)
    return found


def _swap_in() -> None:
    with _lock:
        _open_blocks[0] += 1
        if _open_blocks[0] == 1:
            for entry in _entries():
                entry.function.__code__ = entry.code


def _swap_out() -> None:
    with _lock:
        _open_blocks[0] -= 1
        if not _open_blocks[0]:
            for entry in _entries():
                entry.function.__code__ = entry.own


def _open() -> None:
    _swap_in()
    autocast_increment_nesting()


def _close() -> None:
    if not autocast_decrement_nesting():
        clear_autocast_cache()
    _swap_out()
