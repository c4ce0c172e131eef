"""What a module is made of: each layer with the shape of what it gives, its parameters, and its multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tour import Tensor
from tour.autograd import no_grad

__all__ = ["Row", "Summary", "summary"]


@dataclass
class Row:
    """One module.

    Attributes:
        path: Its name within the model, empty for the model itself.
        kind: Its class.
        shape: Of what it gave last, or None if that is no tensor or it was not called.
        parameters: How many numbers it holds itself, without its parts.
        multiply_adds: What its matrix product or convolution took, over all calls; 0 for other modules.

    Examples:
        >>> import tour
        >>> tour.utils.summary(tour.nn.Sequential(tour.nn.Linear(4, 2)), tour.zeros(3, 4)).rows[1]
        Row(path='0', kind='Linear', shape=[3, 2], parameters=10, multiply_adds=24)
    """

    path: str
    kind: str
    shape: list[int] | None
    parameters: int
    multiply_adds: int = 0


@dataclass
class Summary:
    """A table of the modules of a model; its `repr` is the table.

    Attributes:
        rows: The modules, each before its parts.
        parameters: How many numbers are parameters, each counted once.
        trainable: How many of them want gradients.
        multiply_adds: Of all modules.

    Examples:
        >>> import tour
        >>> found = tour.utils.summary(tour.nn.Linear(4, 2), tour.zeros(3, 4))
        >>> found.parameters, found.multiply_adds
        (10, 24)
    """

    rows: list[Row]
    parameters: int
    trainable: int

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all modules."""
        return sum(row.multiply_adds for row in self.rows)

    def __repr__(self) -> str:
        table = [("module", "gives", "parameters", "multiply-adds")]
        for row in self.rows:
            depth = row.path.count(".") + 1 if row.path else 0
            name = f"{'  ' * depth}{row.path.rpartition('.')[2]}{': ' if row.path else ''}{row.kind}"
            shape = "" if row.shape is None else str(row.shape)
            table.append((name, shape, f"{row.parameters:,}", f"{row.multiply_adds:,}"))
        table.append(("all", "", f"{self.parameters:,}", f"{self.multiply_adds:,}"))
        first, second, third, fourth = (max(len(line[i]) for line in table) for i in range(4))
        lines = [f"{a:{first}}  {b:{second}}  {c:>{third}}  {d:>{fourth}}" for a, b, c, d in table]
        frozen = self.parameters - self.trainable
        return "\n".join(lines) + (f"\n{frozen:,} parameters are frozen" if frozen else "")


def summary(model: Any, *inputs: Any, **named: Any) -> Summary:
    """Run a model once, in evaluation mode and without gradients, and say what each of its modules gave and took.

    Args:
        model: A module.
        inputs: What it is called with.
        named: What it is called with, by name.

    Examples:
        >>> import tour
        >>> from tour import nn
        >>> summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), tour.zeros(3, 4))
        module       gives   parameters  multiply-adds
        Sequential   [3, 2]           0              0
          0: Linear  [3, 8]          40             96
          1: ReLU    [3, 8]           0              0
          2: Linear  [3, 2]          18             48
        all                          58            144
    """
    rows: dict[int, Row] = {}
    for path, module in model.named_modules():
        own = sum(p.numel() for p in module.parameters(recurse=False))
        rows[id(module)] = Row(path, type(module).__name__, None, own)

    def note(module: Any, given: Any, output: Any) -> None:
        row = rows[id(module)]
        first = output[0] if isinstance(output, (tuple, list)) and output else output
        if isinstance(first, Tensor):
            row.shape = list(first.shape)
            row.multiply_adds += _multiply_adds(module, given, first)

    handles = [module.register_forward_hook(note) for module in model.modules()]
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with no_grad():
            model(*inputs, **named)
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes:
            module.training = training
    parameters = list(model.parameters())
    trainable = sum(p.numel() for p in parameters if p.requires_grad)
    return Summary(list(rows.values()), sum(p.numel() for p in parameters), trainable)


def _multiply_adds(module: Any, given: tuple[Any, ...], output: Tensor) -> int:
    """Of a linear layer or a convolution: for each element that it gives, as many as are summed for it."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor):
        return 0
    if hasattr(module, "in_features") and weight.ndim == 2:
        return int(output.numel() * weight.shape[1])
    if hasattr(module, "kernel_size") and weight.ndim > 2:
        each = int(weight[0].numel())
        spread = "Transpose" in type(module).__name__  # there each element that comes in is given to many
        return each * int(given[0].numel() if spread else output.numel())
    return 0
