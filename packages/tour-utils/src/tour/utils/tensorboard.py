"""Writes what TensorBoard shows: numbers, histograms, pictures and text by step, and graphs, without TensorBoard itself.

An event file is a row of records, each with its length and checksums (TensorFlow's TFRecord), and each holds one message in Protocol
Buffers' encoding: fields by number, which are written here by hand.
"""

from __future__ import annotations

import math
import os
import socket
import struct
import threading
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

import tour
from tour.utils import _protobuf as proto

__all__ = ["SummaryWriter"]

# --- What is shown ----------------------------------------------------------------------------------------------------------


def _array(values: Any) -> np.ndarray[Any, Any]:
    """A NumPy array of a tensor, an array or a number."""
    array: np.ndarray[Any, Any] = np.asarray(values.detach().cpu() if isinstance(values, tour.Tensor) else values)
    return array.astype(np.float32) if array.dtype.kind == "V" else array  # bfloat16 and its kin


def _number(value: Any) -> float:
    array = _array(value)
    if array.size != 1:
        raise ValueError(f"a scalar has one element, got an array of shape {list(array.shape)}")
    return float(array.reshape(()))


def _histogram(values: Any, bins: str | int) -> bytes:
    """A message with the counts of values between limits."""
    array = _array(values).astype(np.float64).ravel()
    if not array.size:
        raise ValueError("The input has no element.")
    if not np.isfinite(array).all():
        raise ValueError("a histogram of values that are not finite cannot be drawn")
    counts, limits = np.histogram(array, _LIMITS if bins == "tensorflow" else bins)
    filled = np.flatnonzero(counts)
    first, last = max(int(filled[0]) - 1, 0), int(filled[-1]) + 1
    numbers = (array.min(), array.max(), array.size, array.sum(), array @ array)
    message = b"".join(proto.double(i, float(number)) for i, number in enumerate(numbers, 1))
    return (
        message
        + proto.data(6, limits[first + 1 : last + 1].astype("<f8").tobytes())
        + proto.data(7, counts[first:last].astype("<f8").tobytes())
    )


def _limits() -> np.ndarray[Any, Any]:
    """TensorFlow's limits: each a tenth from zero larger than the one before."""
    above = 1e-12 * 1.1 ** np.arange(774)
    return np.concatenate([-above[::-1], [0.0], above])


_LIMITS = _limits()


def _png(picture: np.ndarray[Any, Any]) -> bytes:
    """A PNG file of an array of bytes, shape (height, width, channels) with 1, 3 or 4 channels."""
    height, width, channels = picture.shape
    rows = b"".join(b"\0" + row.tobytes() for row in picture)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    color = {1: 0, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _picture(image: Any, dataformats: str) -> np.ndarray[Any, Any]:
    """An image as bytes of shape (height, width, channels): floats from 0 to 1 are scaled, integers taken as they are."""
    array, order = _array(image), dataformats.upper()
    if array.ndim != len(order) or not {"H", "W"} <= set(order) <= set("CHW") or len(set(order)) != len(order):
        raise ValueError(f"an image of shape {list(array.shape)} cannot have the dataformats {dataformats!r}")
    if "C" not in order:
        array, order = array[..., None], order + "C"
    array = array.transpose([order.index(c) for c in "HWC"])
    if array.shape[2] not in (1, 3, 4):
        raise ValueError(
            f"an image has 1, 3 or 4 channels, got {array.shape[2]} in the shape {list(_array(image).shape)}"
        )
    if array.dtype.kind == "f":
        array = np.nan_to_num(array) * 255
    return array.clip(0, 255).astype(np.uint8)


def _image(picture: np.ndarray[Any, Any]) -> bytes:
    height, width, channels = picture.shape
    return (
        proto.integer(1, height) + proto.integer(2, width) + proto.integer(3, channels) + proto.data(4, _png(picture))
    )


# --- The writer -------------------------------------------------------------------------------------------------------------


class SummaryWriter:
    """Writes events into a folder that `tensorboard --logdir` shows.

    Args:
        log_dir: The folder; by default a new one under `runs/`, named by time and machine.
        comment: Added to the default name.
        purge_step: Steps from here on, written before, are no longer shown.
        max_queue: Accepted for PyTorch's sake.
        flush_secs: After how many seconds what was written reaches the file at the latest.
        filename_suffix: Added to the file's name.

    Examples:
        >>> import tempfile, tour
        >>> with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
        ...     for step in range(3):
        ...         writer.add_scalar("loss", 1 / (step + 1), step)
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        host = socket.gethostname()
        now = time.strftime("%b%d_%H-%M-%S")
        self.log_dir = os.fspath(log_dir or Path("runs") / f"{now}_{host}{comment}")
        self._suffix, self._flush_secs = filename_suffix, flush_secs
        self._lock, self._flushed = threading.Lock(), time.monotonic()
        self._others: dict[str, SummaryWriter] = {}
        Path(self.log_dir).mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010}.{host}.{os.getpid()}.{time.monotonic_ns() % 10**6}"
        self._file = open(Path(self.log_dir) / (name + filename_suffix), "xb")
        self._event(proto.data(3, "brain.Event:2"), None, None)
        if purge_step is not None:
            self._event(proto.data(7, proto.integer(1, 1)), purge_step, None)  # a session that starts at this step
        self.flush()

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def _event(self, what: bytes, step: int | None, walltime: float | None) -> None:
        when = time.time() if walltime is None else walltime
        number = b"" if step is None else proto.integer(2, int(step))
        with self._lock:
            if self._file.closed:
                raise ValueError("this SummaryWriter is closed")
            self._file.write(proto.record(proto.double(1, when) + number + what))
            if time.monotonic() - self._flushed > self._flush_secs:
                self._file.flush()
                self._flushed = time.monotonic()

    def _value(self, tag: str, what: bytes, step: Any, walltime: float | None) -> None:
        if not isinstance(tag, str):
            raise TypeError(f"a tag is text, got {type(tag).__name__}")
        self._event(proto.data(5, proto.data(1, proto.data(1, tag) + what)), step, walltime)

    def add_scalar(
        self, tag: str, scalar_value: Any, global_step: int | None = None, walltime: float | None = None,
        new_style: bool = False, double_precision: bool = False,
    ) -> None:  # fmt: skip
        """Add a number.

        Args:
            tag: Its name; slashes make groups.
            scalar_value: A number, or a tensor or array of one element.
            global_step: Where on the axis.
            walltime: When, in seconds since 1970; now unless given.
            new_style: Accepted for PyTorch's sake.
            double_precision: Accepted for PyTorch's sake.

        Raises:
            ValueError: If there are more elements than one.
        """
        self._value(tag, proto.single(2, _number(scalar_value)), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Add several numbers to one chart; each gets a folder of its own under this one, as TensorBoard wants it."""
        for tag, value in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, f"{main_tag}_{tag}".replace("/", "_"))
            if folder not in self._others:
                self._others[folder] = SummaryWriter(folder, flush_secs=self._flush_secs, filename_suffix=self._suffix)
            self._others[folder].add_scalar(main_tag, value, global_step, walltime)

    def add_histogram(
        self, tag: str, values: Any, global_step: int | None = None, bins: str | int = "tensorflow",
        walltime: float | None = None, max_bins: int | None = None,
    ) -> None:  # fmt: skip
        """Add how values are spread.

        Args:
            tag: Their name.
            values: A tensor or an array.
            global_step: Where on the axis.
            bins: TensorFlow's limits, or what `numpy.histogram` takes.
            walltime: When.
            max_bins: Accepted for PyTorch's sake.

        Raises:
            ValueError: If there are no values, or some are not finite.
        """
        self._value(tag, proto.data(5, _histogram(values, bins)), global_step, walltime)

    def add_image(
        self, tag: str, img_tensor: Any, global_step: int | None = None, walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:  # fmt: skip
        """Add a picture.

        Args:
            tag: Its name.
            img_tensor: Bytes, or floats from 0 to 1; 1, 3 or 4 channels.
            global_step: Where on the axis.
            walltime: When.
            dataformats: The order of its dimensions, such as "HWC" or "HW".

        Raises:
            ValueError: If shape and order do not fit.
        """
        self._value(tag, proto.data(4, _image(_picture(img_tensor, dataformats))), global_step, walltime)

    def add_images(
        self, tag: str, img_tensor: Any, global_step: int | None = None, walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:  # fmt: skip
        """Add several pictures of one size, in a grid that is about as wide as high."""
        order = dataformats.upper()
        array = _array(img_tensor)
        if array.ndim != len(order) or "N" not in order:
            raise ValueError(f"images of shape {list(array.shape)} cannot have the dataformats {dataformats!r}")
        pictures = [_picture(one, order.replace("N", "")) for one in np.moveaxis(array, order.index("N"), 0)]
        columns = math.ceil(math.sqrt(len(pictures)))
        pictures += [np.zeros_like(pictures[0])] * (-len(pictures) % columns)
        rows = [np.concatenate(pictures[i : i + columns], axis=1) for i in range(0, len(pictures), columns)]
        self._value(tag, proto.data(4, _image(np.concatenate(rows))), global_step, walltime)

    def add_figure(
        self, tag: str, figure: Any, global_step: int | None = None, close: bool = True, walltime: float | None = None
    ) -> None:
        """Add a figure of matplotlib."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # type: ignore[no-untyped-call, unused-ignore]
        self.add_image(tag, np.asarray(canvas.buffer_rgba()), global_step, walltime, dataformats="HWC")
        if close:
            from matplotlib import pyplot

            pyplot.close(figure)

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """Add text, which TensorBoard shows as Markdown."""
        strings = proto.integer(1, 7) + proto.data(2, proto.data(2, proto.integer(1, 1))) + proto.data(8, text_string)
        plugin = proto.data(1, proto.data(1, "text"))
        self._value(f"{tag}/text_summary", proto.data(9, plugin) + proto.data(8, strings), global_step, walltime)

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """Add the operations of a model, as TensorBoard's graph: run once, in evaluation mode, with gradients recorded.

        Args:
            model: A module.
            input_to_model: What it is called with: a tensor, or a tuple of arguments.
            verbose: Whether to print the graph too.
            use_strict_trace: Accepted for PyTorch's sake.

        Raises:
            ValueError: If there is no input, or nothing of what the model gives can be differentiated.
        """
        from tour.utils._tensorboard_graph import graph_of

        message, text = graph_of(model, input_to_model)
        self._event(proto.data(4, message), None, None)
        if verbose:
            print(text)

    def flush(self) -> None:
        """Let everything reach the files."""
        with self._lock:
            self._file.flush()
            self._flushed = time.monotonic()
        for other in self._others.values():
            other.flush()

    def close(self) -> None:
        """Let everything reach the files, and close them."""
        with self._lock:
            self._file.close()
        for other in self._others.values():
            other.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
