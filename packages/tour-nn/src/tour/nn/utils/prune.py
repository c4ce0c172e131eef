"""Pruning: parameters with some elements held at zero, by a mask that is applied before each forward pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import tour
from tour import Tensor
from tour.nn.modules.module import Module
from tour.nn.utils.convert_parameters import parameters_to_vector

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer", "RandomStructured",
    "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned", "l1_unstructured",
    "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip

Amount = int | float


class BasePruningMethod(ABC):
    """A way to choose what is pruned; its instances are hooks that apply a mask.

    Attributes:
        PRUNING_TYPE: `"unstructured"` for single elements, `"structured"` for whole channels, `"global"` across tensors.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> class Last(nn.utils.prune.BasePruningMethod):
        ...     PRUNING_TYPE = "unstructured"
        ...     def compute_mask(self, t, default_mask):
        ...         mask = default_mask.clone()
        ...         mask[..., -1] = 0
        ...         return mask
        >>> layer = nn.Linear(3, 1)
        >>> _ = Last.apply(layer, "weight")
        >>> layer.weight_mask
        tensor([[1., 1., 0.]])
    """

    PRUNING_TYPE: ClassVar[str] = "global"
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for a tensor: 1 for what stays.

        Args:
            t: Importance of each element.
            default_mask: What was pruned before.
        """

    def apply_mask(self, module: Module) -> Tensor:
        """The pruned tensor."""
        mask = getattr(module, self._tensor_name + "_mask")
        original = getattr(module, self._tensor_name + "_orig")
        return mask.to(original.dtype) * original  # type: ignore[no-any-return]

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> Any:
        """Prune a parameter; one that is pruned already, further.

        Args:
            module: The module that has it.
            name: Its name.
            args: Arguments of the method.
            importance_scores: What to judge by in place of the parameter's elements; of its shape.
            kwargs: Arguments of the method.

        Returns:
            The hook.
        """
        hooks = [(n, h) for n, h in module._forward_pre_hooks.items() if _prunes(h, name)]
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        original = getattr(module, name + "_orig") if hooks else getattr(module, name)
        mask = getattr(module, name + "_mask") if hooks else tour.ones_like(original)
        scores = getattr(module, name) if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise AssertionError(
                f"importance_scores should have the shape of parameter {name}, {list(original.shape)}, not {list(scores.shape)}"
            )
        if hooks:
            (number, old), *_ = hooks
            method = PruningContainer._of(old, method)
        new_mask = method.compute_mask(scores.detach(), mask.detach())
        if hooks:
            del module._forward_pre_hooks[number]
            module.register_buffer(name + "_mask", new_mask)
        else:
            delattr(module, name)
            module.register_parameter(name + "_orig", original)
            module.register_buffer(name + "_mask", new_mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """A tensor with the chosen elements set to zero.

        Args:
            t: The tensor.
            default_mask: What was pruned before.
            importance_scores: What to judge by in place of the tensor's elements.
        """
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        return t * self.compute_mask(scores, tour.ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Module) -> None:
        """Make the pruned tensor an ordinary parameter, with its zeros."""
        name = self._tensor_name
        value = self.apply_mask(module)
        original = module._parameters[name + "_orig"]
        delattr(module, name)
        delattr(module, name + "_orig")
        delattr(module, name + "_mask")
        if original is not None:
            original.data = value.detach()
        setattr(module, name, original)


def _prunes(hook: Any, name: str) -> bool:
    return isinstance(hook, BasePruningMethod) and hook._tensor_name == name


class PruningContainer(BasePruningMethod):
    """Several methods on one parameter, one after the other.

    Args:
        methods: The methods, for one and the same parameter.

    Examples:
        >>> from tour import nn
        >>> layer = nn.Linear(4, 4)
        >>> _ = nn.utils.prune.l1_unstructured(layer, "weight", 4)
        >>> _ = nn.utils.prune.random_unstructured(layer, "weight", 4)
        >>> (hook,) = layer._forward_pre_hooks.values()
        >>> len(hook), int((layer.weight == 0).sum())
        (2, 8)
    """

    def __init__(self, *methods: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        for method in methods:
            self.add_pruning_method(method)

    @classmethod
    def _of(cls, old: Any, new: BasePruningMethod) -> Self:
        container = old if isinstance(old, cls) else cls(old)
        container.add_pruning_method(new)
        return container

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add a method.

        Raises:
            TypeError: If it is none.
            ValueError: If it is for another parameter.
        """
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._pruning_methods and method._tensor_name != self._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer {self}. "
                f"Found '{method._tensor_name}'"
            )
        self._tensor_name = method._tensor_name
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last method, which judges only what is left."""
        method = self._pruning_methods[-1]
        mask = default_mask.clone()
        kind = method.PRUNING_TYPE
        if kind == "unstructured":
            left = mask == 1
            mask[left] = method.compute_mask(t[left], mask[left]).to(mask.dtype)
            return mask
        if kind == "structured":
            dim: int = method.dim % t.dim()  # type: ignore[attr-defined]
            others = tuple(i for i in range(t.dim()) if i != dim)
            left = tour.where((mask != 0).sum(others) > 0)[0]
            where = (slice(None),) * dim + (left,)
            mask[where] = method.compute_mask(t[where], mask[where]).to(mask.dtype)
            return mask
        return method.compute_mask(t, mask) * mask


# --- Methods ----------------------------------------------------------------------------------------------------------------


def _check_amount(amount: Any) -> None:
    """Refuse what is neither a count nor a share.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is negative, or a share above 1.
    """
    if not isinstance(amount, (int, float)):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (isinstance(amount, float) and amount > 1):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _count(amount: Amount, size: int) -> int:
    """How many of `size` to prune.

    Raises:
        ValueError: If that is more than there are.
    """
    if isinstance(amount, int) and amount > size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
    return amount if isinstance(amount, int) else round(amount * size)


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask.

    Examples:
        >>> from tour import nn
        >>> layer = nn.Linear(2, 1)
        >>> _ = nn.utils.prune.Identity.apply(layer, "weight")
        >>> layer.weight_mask
        tensor([[1., 1.]])
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask there is."""
        return default_mask


class _ByAmount(BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: Amount) -> None:
        _check_amount(amount)
        self.amount = amount

    def _scores(self, t: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not say what to judge by")

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zeros for what scores lowest."""
        count = _count(self.amount, t.numel())
        mask = default_mask.clone()
        if count:
            mask.view(-1)[tour.topk(self._scores(t).reshape(-1), count, largest=False).indices] = 0
        return mask


class RandomUnstructured(_ByAmount):
    """Prunes single elements at random.

    Args:
        amount: How many, or which share.

    Examples:
        >>> from tour import nn
        >>> layer = nn.Linear(4, 2)
        >>> _ = nn.utils.prune.RandomUnstructured.apply(layer, "weight", 0.5)
        >>> int(layer.weight_mask.sum())
        4
    """

    def _scores(self, t: Tensor) -> Tensor:
        return -tour.rand_like(t)


class L1Unstructured(_ByAmount):
    """Prunes the smallest elements.

    Args:
        amount: How many, or which share.

    Examples:
        >>> import tour
        >>> from tour.nn.utils.prune import L1Unstructured
        >>> L1Unstructured(2).prune(tour.tensor([3.0, -1.0, 0.5, -4.0]))
        tensor([ 3., -0.,  0., -4.])
    """

    def _scores(self, t: Tensor) -> Tensor:
        return t.abs()


class _Structured(BasePruningMethod):
    PRUNING_TYPE = "structured"

    def __init__(self, amount: Amount, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount = amount
        self.dim = dim

    def _channel_scores(self, t: Tensor, channels: int) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not say what to judge by")

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zeros for the channels that score lowest."""
        if t.dim() <= 1:
            raise ValueError(
                f"Structured pruning can only be applied to multidimensional tensors. Found tensor of shape {list(t.shape)} with "
                f"{t.dim()} dims"
            )
        if not -t.dim() <= self.dim < t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {list(t.shape)}")
        channels = t.shape[self.dim]
        count = _count(self.amount, channels)
        if not count:
            return default_mask
        keep = tour.zeros(channels, dtype=default_mask.dtype)
        keep[tour.topk(self._channel_scores(t, channels), channels - count).indices] = 1
        return default_mask * keep.reshape([-1 if i == self.dim % t.dim() else 1 for i in range(t.dim())])


class RandomStructured(_Structured):
    """Prunes whole channels at random.

    Args:
        amount: How many, or which share.
        dim: The dimension of the channels.

    Examples:
        >>> import tour
        >>> from tour.nn.utils.prune import RandomStructured
        >>> kept = RandomStructured(1, dim=0).prune(tour.ones(3, 2))
        >>> (kept == 0).all(1).sum()
        tensor(1)
    """

    def _channel_scores(self, t: Tensor, channels: int) -> Tensor:
        return tour.rand(channels)


class LnStructured(_Structured):
    """Prunes the channels of smallest norm.

    Args:
        amount: How many, or which share.
        n: p of the p-norm.
        dim: The dimension of the channels.

    Examples:
        >>> import tour
        >>> from tour.nn.utils.prune import LnStructured
        >>> LnStructured(1, n=2, dim=0).prune(tour.tensor([[3.0, 4.0], [1.0, 0.0]]))
        tensor([[3., 4.],
                [0., 0.]])
    """

    def __init__(self, amount: Amount, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _channel_scores(self, t: Tensor, channels: int) -> Tensor:
        return t.norm(self.n, tuple(i for i in range(t.dim()) if i != self.dim % t.dim()))


class CustomFromMask(BasePruningMethod):
    """Prunes by a given mask.

    Args:
        mask: 0 for what is pruned.

    Examples:
        >>> import tour
        >>> from tour.nn.utils.prune import CustomFromMask
        >>> CustomFromMask(tour.tensor([1, 0])).prune(tour.tensor([5.0, 6.0]))
        tensor([5., 0.])
    """

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The given mask, and what was pruned before."""
        if self.mask.shape != default_mask.shape:
            raise AssertionError(
                f"mask must have the parameter's shape {list(default_mask.shape)}, got {list(self.mask.shape)}"
            )
        return default_mask * self.mask.to(default_mask.dtype)


# --- Functions --------------------------------------------------------------------------------------------------------------


def identity(module: Module, name: str) -> Module:
    """Prepare a parameter for pruning without pruning anything; see `l1_unstructured`.

    Examples:
        >>> from tour import nn
        >>> layer = nn.utils.prune.identity(nn.Linear(2, 1), "weight")
        >>> layer.weight_mask
        tensor([[1., 1.]])
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: Amount) -> Module:
    """Prune elements at random; arguments as for `l1_unstructured`.

    Args:
        module: The module that has the parameter.
        name: Its name.
        amount: How many elements, as an int, or which share, as a float from 0 to 1; of those left, where it was pruned
            before.

    Returns:
        The module, changed in place.

    Raises:
        AttributeError: If the module has no such parameter.
        TypeError: If `amount` is no number.
        ValueError: If `amount` is negative, a share above 1, or more than there are.

    Examples:
        >>> from tour import nn
        >>> layer = nn.utils.prune.random_unstructured(nn.Linear(4, 2), "weight", amount=0.25)
        >>> int((layer.weight == 0).sum())
        2
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: Amount, importance_scores: Tensor | None = None) -> Module:
    """Prune the smallest elements of a parameter.

    The parameter becomes `name_orig`, beside it stands the buffer `name_mask`, and `name` is their product.

    Args:
        module: The module that has it.
        name: Its name.
        amount: How many elements, or which share.
        importance_scores: What to judge by in place of the elements.

    Returns:
        The module.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> layer = l1_unstructured(nn.Linear(2, 3), "weight", amount=4)
        >>> int((layer.weight != 0).sum())
        2
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: Amount, dim: int) -> Module:
    """Prune channels, along a dimension, at random; other arguments as for `l1_unstructured`.

    Args:
        module: The module that has the parameter.
        name: Its name.
        amount: How many channels, as an int, or which share, as a float from 0 to 1; of those left, where it was pruned
            before.
        dim: The dimension of the channels; negative ones count from the end.

    Returns:
        The module, changed in place.

    Raises:
        AttributeError: If the module has no such parameter.
        TypeError: If `amount` is no number.
        ValueError: If `amount` is negative, a share above 1, or more than there are, or the parameter has fewer than
            two dimensions.
        IndexError: If the parameter has no dimension `dim`.

    Examples:
        >>> from tour import nn
        >>> layer = nn.utils.prune.random_structured(nn.Linear(4, 3), "weight", amount=1, dim=0)
        >>> int((layer.weight == 0).all(1).sum())
        1
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module, name: str, amount: Amount, n: Any, dim: int, importance_scores: Tensor | None = None
) -> Module:
    """Prune the channels, along a dimension, of smallest n-norm; other arguments as for `l1_unstructured`.

    Args:
        module: The module that has the parameter.
        name: Its name.
        amount: How many channels, as an int, or which share, as a float from 0 to 1; of those left, where it was pruned
            before.
        n: p of the p-norm that is taken over each channel: a number, `inf` or `-inf`.
        dim: The dimension of the channels; negative ones count from the end.
        importance_scores: What to judge by in place of the elements; of the parameter's shape.

    Returns:
        The module, changed in place.

    Raises:
        AttributeError: If the module has no such parameter.
        TypeError: If `amount` is no number.
        ValueError: If `amount` is negative, a share above 1, or more than there are, or the parameter has fewer than
            two dimensions.
        IndexError: If the parameter has no dimension `dim`.
        AssertionError: If `importance_scores` has another shape than the parameter.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> layer = nn.Linear(2, 2, bias=False)
        >>> _ = layer.weight.data.copy_(tour.tensor([[3.0, 4.0], [1.0, 0.0]]))
        >>> nn.utils.prune.ln_structured(layer, "weight", amount=1, n=2, dim=0).weight_mask
        tensor([[1., 1.],
                [0., 0.]])
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune a parameter by a given mask, 0 for what is pruned; other arguments as for `l1_unstructured`.

    Args:
        module: The module that has the parameter.
        name: Its name.
        mask: 1 for what stays and 0 for what is pruned; of the parameter's shape. What was pruned before stays so.

    Returns:
        The module, changed in place.

    Raises:
        AttributeError: If the module has no such parameter.
        AssertionError: If the mask has another shape than the parameter.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> layer = nn.utils.prune.custom_from_mask(nn.Linear(2, 1), "weight", tour.tensor([[1, 0]]))
        >>> layer.weight == 0
        tensor([[False,  True]])
    """
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one.

    Args:
        parameters: Pairs of a module and the name of its parameter.
        pruning_method: An unstructured method.
        importance_scores: For some of the pairs, what to judge by in place of the elements.
        kwargs: Arguments of the method.

    Raises:
        TypeError: If there are no pairs, or the method is structured.

    Examples:
        >>> from tour import nn
        >>> net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        >>> weights = [(net[0], "weight"), (net[1], "weight")]
        >>> nn.utils.prune.global_unstructured(weights, nn.utils.prune.L1Unstructured, amount=0.25)
        >>> sum(int((layer.weight == 0).sum()) for layer in net)
        8
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    pairs: Sequence[tuple[Module, str]] = list(parameters)
    given = importance_scores or {}
    scores = parameters_to_vector([given.get((m, n), getattr(m, n)) for m, n in pairs])
    old = parameters_to_vector([getattr(m, n + "_mask", tour.ones_like(getattr(m, n))) for m, n in pairs])
    method: Any = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of type '
            f"{method.PRUNING_TYPE}"
        )
    mask = PruningContainer(method).compute_mask(scores.detach(), old.detach())
    start = 0
    for m, n in pairs:
        t = getattr(m, n)
        custom_from_mask(m, n, mask[start : start + t.numel()].view_as(t))
        start += t.numel()


def remove(module: Module, name: str) -> Module:
    """Make a pruned tensor an ordinary parameter, with its zeros.

    Raises:
        ValueError: If it is not pruned.

    Examples:
        >>> from tour import nn
        >>> layer = nn.utils.prune.l1_unstructured(nn.Linear(4, 2), "weight", amount=3)
        >>> _ = nn.utils.prune.remove(layer, "weight")
        >>> [name for name, _ in layer.named_parameters()], int((layer.weight == 0).sum())
        (['bias', 'weight'], 3)
    """
    for number, hook in list(module._forward_pre_hooks.items()):
        if _prunes(hook, name):
            hook.remove(module)
            del module._forward_pre_hooks[number]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module or of its submodules is pruned.

    Examples:
        >>> from tour import nn
        >>> net = nn.Sequential(nn.Linear(4, 2))
        >>> before = nn.utils.prune.is_pruned(net)
        >>> _ = nn.utils.prune.identity(net[0], "weight")
        >>> before, nn.utils.prune.is_pruned(net)
        (False, True)
    """
    return any(isinstance(h, BasePruningMethod) for m in module.modules() for h in m._forward_pre_hooks.values())
