"""How a tensor looks: PyTorch's text, character for character, and a summary for notebooks.

The text is made in three steps: take the numbers that will be shown (all of them, or the edges of a large tensor),
choose one notation and one width for all of them, and nest them in brackets. Only shown numbers are ever read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tour._core import held, wrap
from tour._dtypes import get_default_dtype

if TYPE_CHECKING:
    from tour._tensor import Tensor

    Index = tuple[slice, ...]


__all__ = ["get_printoptions", "printoptions", "set_printoptions"]

# Options


class _Options(NamedTuple):
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: float = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}
_COUNTS = "precision", "edgeitems"
_options = _PROFILES["default"]


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: float | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Choose how tensors print, from now on.

    Args:
        precision: digits after the point (4 by default).
        threshold: tensors of more elements than this show only their edges (1000 by default).
        edgeitems: how many items an edge has, at each end of each dimension (3 by default).
        linewidth: characters a line may have (80 by default); `math.inf` never breaks a row.
        profile: `"default"`, `"short"` (2 digits, 2 edge items) or `"full"` (no threshold); the other arguments
            refine it.
        sci_mode: always (True) or never (False) use scientific notation. None lets the numbers decide: it is used where
            they span more than three orders of magnitude, exceed 1e8 or fall below 1e-4. As in PyTorch, a call that
            does not mention it sets it back to None; every other argument left out stays as it was.

    Raises:
        ValueError: an unknown profile, or a negative `precision` or `edgeitems`.
        TypeError: an option that is not a number, or a fractional `precision` or `edgeitems`.

    Examples:
        >>> import tour
        >>> tour.set_printoptions(precision=2)
        >>> tour.tensor([1.12345])
        tensor([1.12])
        >>> tour.set_printoptions(profile="default", threshold=5)
        >>> tour.arange(10)
        tensor([0, 1, 2,  ..., 7, 8, 9])
        >>> tour.set_printoptions(profile="default")
    """
    global _options
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"profile is {profile!r}, and should be one of {', '.join(map(repr, _PROFILES))}")
    wanted = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    chosen: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    for name, value in chosen.items():
        if not isinstance(value, Integral if name in _COUNTS else Real):
            raise TypeError(f"{name} is {value!r}, and should be {'an integer' if name in _COUNTS else 'a number'}")
        if name in _COUNTS and value < 0:
            raise ValueError(f"{name} is {value}, and should be 0 or more")
    _options = (_options if profile is None else _PROFILES[profile])._replace(**chosen, sci_mode=sci_mode)


def get_printoptions() -> dict[str, Any]:
    """The options in force, as keyword arguments for `set_printoptions`.

    Examples:
        >>> import tour._printing as printing
        >>> printing.get_printoptions()["precision"]
        4
    """
    return _options._asdict()


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Print with other options inside a `with` block; takes what `set_printoptions` takes.

    Examples:
        >>> import tour
        >>> from tour._printing import printoptions
        >>> with printoptions(precision=1, sci_mode=True):
        ...     print(tour.tensor([0.25, 1024.0]))
        tensor([2.5e-01, 1.0e+03])
    """
    global _options
    before = _options
    set_printoptions(**options)
    try:
        yield
    finally:
        _options = before


# Text


def tensor_repr(t: Tensor, name: str | None = None) -> str:
    """The text of a tensor: what `repr(t)` and `print(t)` show.

    Args:
        t: any tensor. Of a large one on another device only the shown edges are fetched.
        name: what stands before the bracket; by default `tensor`, or the class name of a subclass.
    """
    if (inner := held(t._a)) is not t._a:
        return f"BatchedTensor({len(t._a.levels)} in front, value={tensor_repr(wrap(inner))})"
    if name is None:
        name = "tensor" if type(t).__name__ == "Tensor" else type(t).__name__
    indent = len(name) + 1
    body = "..." if t.device.type == "meta" else _text(_reader(t), tuple(t.shape), indent)
    return _append(f"{name}({body}", _suffixes(t), indent) + ")"


def format_array(a: np.ndarray[Any, Any], indent: int) -> str:
    """The numbers of an array as nested brackets, the way PyTorch prints them.

    Args:
        a: any array, also one of ml_dtypes; strides do not matter.
        indent: columns that are taken before the first bracket; the following lines keep them free.

    Examples:
        >>> import numpy as np
        >>> print(format_array(np.array([[1.5, 2.0], [-3.0, np.nan]]), indent=0))
        [[ 1.5000,  2.0000],
         [-3.0000,     nan]]
    """
    return _text(a.__getitem__, a.shape, indent)


def _reader(t: Tensor) -> Callable[[Index], Any]:
    """A function from slices to the NumPy array of that part of a tensor, wherever the tensor lives."""
    if t.device.type == "cpu":
        a: np.ndarray[Any, Any] = t._a
        return a.__getitem__
    home = t.detach()
    return lambda index: home[index].cpu()._a


def _text(read: Callable[[Index], Any], shape: tuple[int, ...], indent: int) -> str:
    size = math.prod(shape)
    if size == 0:
        return "[]"
    shown = np.asarray(_edges(read, shape) if size > _options.threshold else read((slice(None),) * len(shape)))
    cells, width = _cells(shown.reshape(-1))
    room = (_options.linewidth - indent - max(0, len(shape) - 1)) / (width + 2)
    return _nest(iter(cells), shown.shape, shape, indent, max(1, int(min(room, size))))


def _edges(read: Callable[[Index], Any], shape: tuple[int, ...], index: Index = ()) -> np.ndarray[Any, Any]:
    """The array with the middle of every long dimension left out."""
    axis, edge = len(index), _options.edgeitems
    if axis == len(shape):
        return np.asarray(read(index))
    if shape[axis] <= 2 * edge:
        return _edges(read, shape, (*index, slice(None)))
    ends = slice(0, edge), slice(shape[axis] - edge, shape[axis])
    return np.concatenate([_edges(read, shape, (*index, end)) for end in ends], axis)


def _cells(values: np.ndarray[Any, Any]) -> tuple[list[str], int]:
    """The text of every number, and the width that a column reserves for one."""
    if not _is_complex(values.dtype):
        texts, width = _columns(values)
        return [text.rjust(width) for text in texts], width
    z = values.astype(np.complex128)
    (reals, real_width), (imags, imag_width) = _columns(z.real), _columns(z.imag)
    signed = (imag if imag[0] in "+-" else "+" + imag for imag in imags)
    cells = [f"{real.rjust(real_width)}{imag}j" for real, imag in zip(reals, signed, strict=True)]
    return cells, real_width + imag_width + 1


def _columns(values: np.ndarray[Any, Any]) -> tuple[list[str], int]:
    """The text of every real number and the width they share, which only finite numbers other than zero decide."""
    if values.dtype.kind in "biu":
        texts = [str(value) for value in values.tolist()]
        return texts, max(map(len, texts), default=1)
    x = values.astype(np.float64)
    telling = np.isfinite(x) & (x != 0)
    if values.dtype.name == "float8_e8m0fnu":  # it lacks 0 and inf; PyTorch takes its least number for 0, nan as finite
        telling = x != 2.0**-127
    notation = _notation(x[telling])
    texts = [format(value, notation) for value in x.tolist()]
    return texts, max((len(text) for text, tells in zip(texts, telling.tolist(), strict=True) if tells), default=1)


def _notation(x: np.ndarray[Any, Any]) -> str:
    """The format of all numbers: scientific, whole numbers with a bare point (`#`), or fixed."""
    if x.size == 0:
        return "#.0f"
    small, large = float(np.abs(x).min()), float(np.abs(x).max())
    scientific = _options.sci_mode
    if scientific is None:
        scientific = large / small > 1000 or large > 1e8 or small < 1e-4
    if scientific:
        return f".{_options.precision:d}e"
    return "#.0f" if np.array_equal(x, np.ceil(x)) else f".{_options.precision:d}f"


def _nest(cells: Iterator[str], shown: tuple[int, ...], full: tuple[int, ...], indent: int, per_line: int) -> str:
    """Put brackets round the cells, dimension by dimension, with dots where a dimension is not shown in full."""
    if not shown:
        return next(cells)
    vector = len(shown) == 1
    if vector:
        items = list(islice(cells, shown[0]))
    else:
        items = [_nest(cells, shown[1:], full[1:], indent + 1, per_line) for _ in range(shown[0])]
    if shown[0] < full[0]:
        items.insert(_options.edgeitems, " ..." if vector and items else "...")
    if vector:
        items = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    gap = "," + "\n" * max(1, len(shown) - 1) + " " * (indent + 1)
    return "[" + gap.join(items) + "]"


def _suffixes(t: Tensor) -> list[str]:
    """What follows the numbers: the facts that they do not tell."""
    empty, meta = 0 in t.shape, t.device.type == "meta"
    inferred = {get_default_dtype().name}  # the dtypes that `tensor(...)` would choose for the printed numbers
    if not empty and not meta:
        inferred |= {"int64", "bool", "complex128" if "float64" in inferred else "complex64"}
    suffixes = []
    if t.device.type != "cpu":
        suffixes.append(f"device='{t.device}'")
    if meta or (len(t.shape) != 1 if empty else not _options.edgeitems):
        suffixes.append(f"size={tuple(t.shape)}")
    if t.dtype.name not in inferred:
        suffixes.append(f"dtype={t.dtype!r}")
    return suffixes + _gradient_suffixes(t)


def _gradient_suffixes(t: Tensor) -> list[str]:
    try:
        node = t.grad_fn
    except RuntimeError:  # a view whose history an in-place operation made unusable should still print
        return ["grad_fn=<Invalid>"]
    if node is not None:
        return [f"grad_fn=<{node.name()}>"]
    return ["requires_grad=True"] if t.requires_grad else []


def _append(text: str, suffixes: list[str], indent: int) -> str:
    """Add the suffixes, each on the last line if it has room."""
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        width = len(suffix.replace("dtype=tour.", "dtype=torch."))  # so that lines break where PyTorch's do
        fits = column + width + 2 <= _options.linewidth
        text += f", {suffix}" if fits else ",\n" + " " * indent + suffix
        column = column + width + 2 if fits else indent + width
    return text


def _is_complex(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "c" or dtype.name == "complex32"  # ml_dtypes has kinds of its own


# Notebooks

_MOST_READ = 2**26  # elements that the statistics of one view read, about a tenth of a second
_MOST_LINES = 40
_LEVELS = 8  # shades of each sign

# Translucent colours, and the text's own, sit well on light and on dark pages.
_FRAME = (
    "display:inline-block;padding:6px 10px;border:1px solid rgba(128,128,128,.4);border-radius:6px;"
    "line-height:1.6;color:inherit;background:none"
)
_POSITIVE, _NEGATIVE, _NAN = "#f2701d", "#2f81f7", "#d61fc0"
_LEGEND = "orange above zero, blue below, deeper further out; nan magenta, infinity in the colour of the text"


def tensor_html(t: Tensor) -> str:
    """A summary for notebooks: shape, dtype, device, statistics, a heat strip of sampled elements, and the text.

    Statistics leave nan out and count it; those of complex numbers are of their magnitudes. A tensor of more than
    2**26 elements is sampled evenly, which the summary then says.
    """
    shape = " × ".join(map(str, t.shape)) or "0-d"
    facts = [repr(t.dtype), str(t.device), *_gradient_suffixes(t)]
    title = f"<b>{_escape(type(t).__name__)}</b> {shape}"
    parts = [f"<div>{title} <span style='opacity:.7'>· {_escape(' · '.join(facts))}</span></div>"]
    if 0 not in t.shape and t.device.type != "meta":
        parts += [_statistics_html(t), _heat_strip(t)]
    return f"<div style='{_FRAME}'>{''.join(parts)}{_text_html(t)}</div>"


def _statistics_html(t: Tensor) -> str:
    part = _thin(tuple(t.shape), _MOST_READ)
    sample = np.asarray(_reader(t)(part))
    size = "|z| " if _is_complex(sample.dtype) else ""
    least, mean, most, nans = _statistics(sample)
    facts = {f"{size}minimum": _brief(least), f"{size}mean": _brief(mean), f"{size}maximum": _brief(most)}
    cells = [f"<span style='opacity:.7'>{name}</span> {value}" for name, value in facts.items()]
    cells.append(f"<b style='color:{_NAN}'>NaN {nans}</b>" if nans else "<span style='opacity:.7'>NaN</span> 0")
    if sample.size < math.prod(t.shape):
        cells.append(f"<span style='opacity:.7'>of {sample.size} sampled elements</span>")
    return f"<div>{' &nbsp; '.join(cells)}</div>"


def _statistics(a: np.ndarray[Any, Any]) -> tuple[Any, float, Any, int]:
    """Least, mean and largest of the numbers that are not nan, and how many are. Reads in blocks: no large temporary."""
    exact = a.dtype.kind in "biu"
    dtype = a.dtype if exact else np.dtype(np.complex128 if _is_complex(a.dtype) else np.float64)
    extremes: list[Any] = []
    total, count = 0.0, 0
    blocks: Any = np.nditer(a, ["external_loop", "buffered"], op_dtypes=dtype, casting="unsafe", buffersize=2**15)
    with np.errstate(all="ignore"):
        for block in blocks:
            values = np.abs(block) if dtype.kind == "c" else block
            if not exact and np.isnan(values.min()):
                values = values[~np.isnan(values)]
            if values.size:
                extremes += [values.min().item(), values.max().item()]
                total += float(values.sum(dtype=np.float64))
                count += values.size
    if not count:
        return math.nan, math.nan, math.nan, a.size
    return min(extremes), total / count, max(extremes), a.size - count


def _brief(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _thin(shape: tuple[int, ...], most: int) -> Index:
    """Even steps that leave about `most` elements of a shape, taken along its longest dimensions first."""
    surplus = -(-math.prod(shape) // most)
    steps = [1] * len(shape)
    for axis in sorted(range(len(shape)), key=lambda axis: -shape[axis]):
        steps[axis] = min(shape[axis], surplus)
        surplus = -(-surplus // steps[axis])
    return tuple(slice(None, None, step) for step in steps)


def _heat_strip(t: Tensor) -> str:
    """A few hundred sampled elements as coloured squares: the last dimension runs to the right, all others down."""
    shape = tuple(t.shape)
    part = (*_thin(shape[:-1], 8), *_thin(shape[-1:], 32 if len(shape) > 1 else 64))
    sample = np.asarray(_reader(t)(part))
    with np.errstate(all="ignore"):  # magnitudes may overflow
        wide = np.abs(sample.astype(np.complex128)) if _is_complex(sample.dtype) else sample.astype(np.float64)
    grid = wide.reshape(-1, wide.shape[-1] if shape else 1)
    squares: dict[str, str] = {}
    for y, row in enumerate(_paints(grid)):
        x = 0
        for paint, run in groupby(row):
            n = len(list(run))
            squares[paint] = squares.get(paint, "") + f"M{x} {y}h{n}v1h-{n}z"
            x += n
    paths = "".join(f"<path {paint} d='{path}'/>" for paint, path in squares.items() if paint)
    rows, columns = grid.shape
    side = min(16, max(8, 256 // columns))  # pixels
    return (
        f"<svg viewBox='0 0 {columns} {rows}' width='{side * columns}' height='{side * rows}' role='img' "
        f"shape-rendering='crispEdges' style='display:block;max-width:100%;margin:4px 0;"
        f"outline:1px solid rgba(128,128,128,.4)'><title>{_LEGEND}</title>{paths}</svg>"
    )


def _paints(grid: np.ndarray[Any, Any]) -> list[list[str]]:
    """The SVG paint of each number: its sign as the colour, its magnitude as the opacity."""
    finite = grid[np.isfinite(grid)]
    size = np.abs(finite)
    largest = size.max(initial=0.0)
    # Numbers that all lie on one side of zero use the whole scale, so that 1000, 1001 and 1002 differ.
    base = size.min(initial=largest) if (finite > 0).all() or (finite < 0).all() else 0.0

    def paint(value: float) -> str:
        if not math.isfinite(value):
            return f"fill='{_NAN}'" if math.isnan(value) else "fill='currentColor'"
        if value == 0:
            return ""
        share = (abs(value) - base) / (largest - base) if largest > base else 1.0
        colour = _POSITIVE if value > 0 else _NEGATIVE
        return f"fill='{colour}' fill-opacity='{max(1, round(share * _LEVELS)) / _LEVELS:g}'"

    return [[paint(value) for value in row] for row in grid.tolist()]


def _escape(text: str) -> str:
    from html import escape  # two milliseconds that `import tour` should not wait for

    return escape(text)


def _text_html(t: Tensor) -> str:
    """The text of the tensor to fold out; open where it is short."""
    shortened = {**get_printoptions(), "threshold": min(_options.threshold, 1000)}
    with printoptions(**shortened):
        lines = repr(t).split("\n")
    text = _escape("\n".join(lines[:_MOST_LINES] + ["…"] * (len(lines) > _MOST_LINES)))
    return (
        f"<details{' open' if len(lines) <= 12 else ''}><summary style='opacity:.7;cursor:pointer'>values</summary>"
        f"<pre style='margin:0;padding:0;color:inherit;background:none'>{text}</pre></details>"
    )
