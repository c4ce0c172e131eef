"""What users give layers by mistake, as a PyTorch program has it: it runs on PyTorch too, once `tour` means torch.

tests/test_bad_input.py holds tour to the exceptions' types, places, shapes and advice; tests/parity/test_bad_input.py asks PyTorch for
the types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tour as torch

nn = torch.nn


class Mistake(NamedTuple):
    """A layer, what it is called on, PyTorch's exception, and what the message must name: shapes, and what would fit."""

    layer: Callable[[], Any]
    inputs: Callable[[], tuple[Any, ...]]
    error: type[Exception]
    says: tuple[str, ...]


def x(*shape: int) -> Any:
    return torch.zeros(shape)


def classes(*values: int) -> Any:
    return torch.tensor(values)


MISTAKES: dict[str, Mistake] = {
    # channels and features
    "Linear": Mistake(lambda: nn.Linear(9, 2), lambda: (x(4, 8),), RuntimeError, ("[4, 8]", "9 features")),
    "Bilinear": Mistake(lambda: nn.Bilinear(3, 4, 2), lambda: (x(2, 3), x(2, 5)), RuntimeError, ("5", "4")),
    "Conv1d": Mistake(lambda: nn.Conv1d(3, 4, 2), lambda: (x(1, 2, 8),), RuntimeError, ("[1, 2, 8]", "3 channels")),
    "Conv2d": Mistake(
        lambda: nn.Conv2d(3, 4, 2), lambda: (x(1, 2, 8, 8),), RuntimeError, ("[1, 2, 8, 8]", "3 channels")
    ),
    "Conv3d": Mistake(
        lambda: nn.Conv3d(3, 4, 2), lambda: (x(1, 2, 8, 8, 8),), RuntimeError, ("[1, 2, 8, 8, 8]", "3 channels")
    ),
    "ConvTranspose2d": Mistake(
        lambda: nn.ConvTranspose2d(3, 4, 2), lambda: (x(1, 2, 8, 8),), RuntimeError, ("[1, 2, 8, 8]", "3 channels")
    ),
    "BatchNorm1d": Mistake(lambda: nn.BatchNorm1d(3), lambda: (x(5, 4),), RuntimeError, ("[5, 4]", "3")),
    "BatchNorm2d": Mistake(lambda: nn.BatchNorm2d(3), lambda: (x(5, 4, 2, 2),), RuntimeError, ("[5, 4, 2, 2]", "3")),
    "InstanceNorm2d": Mistake(
        lambda: nn.InstanceNorm2d(3, affine=True), lambda: (x(5, 4, 2, 2),), ValueError, ("[5, 4, 2, 2]", "3")
    ),
    "GroupNorm": Mistake(lambda: nn.GroupNorm(2, 4), lambda: (x(5, 6, 2),), RuntimeError, ("[5, 6, 2]", "4")),
    "LayerNorm": Mistake(lambda: nn.LayerNorm(4), lambda: (x(5, 3),), RuntimeError, ("[5, 3]", "4")),
    "RMSNorm": Mistake(lambda: nn.RMSNorm(4), lambda: (x(5, 3),), RuntimeError, ("[5, 3]", "4")),
    "LSTM": Mistake(lambda: nn.LSTM(3, 4), lambda: (x(5, 2, 6),), RuntimeError, ("Expected 3", "got 6", "[5, 2, 6]")),
    "GRU": Mistake(lambda: nn.GRU(3, 4), lambda: (x(5, 2, 6),), RuntimeError, ("Expected 3", "got 6", "[5, 2, 6]")),
    "RNNCell": Mistake(lambda: nn.RNNCell(3, 4), lambda: (x(2, 6),), RuntimeError, ("3", "6", "[2, 6]")),
    "PReLU": Mistake(lambda: nn.PReLU(3), lambda: (x(2, 5),), RuntimeError, ("3", "5", "[2, 5]")),
    "MultiheadAttention": Mistake(
        lambda: nn.MultiheadAttention(8, 2), lambda: (x(5, 2, 6),) * 3, AssertionError, ("8", "6", "[5, 2, 6]")
    ),
    "TransformerEncoderLayer": Mistake(
        lambda: nn.TransformerEncoderLayer(8, 2), lambda: (x(5, 2, 6),), AssertionError, ("8", "6", "[5, 2, 6]")
    ),
    "PixelShuffle": Mistake(lambda: nn.PixelShuffle(2), lambda: (x(1, 6, 2, 2),), RuntimeError, ("[1, 6, 2, 2]", "4")),
    "ChannelShuffle": Mistake(lambda: nn.ChannelShuffle(4), lambda: (x(1, 6, 2, 2),), RuntimeError, ("6", "4")),
    "GLU": Mistake(lambda: nn.GLU(), lambda: (x(2, 5),), RuntimeError, ("[2, 5]", "even")),
    # windows larger than the image
    "Conv2d, kernel": Mistake(lambda: nn.Conv2d(3, 4, 5), lambda: (x(1, 3, 4, 4),), RuntimeError, ("4 x 4", "5 x 5")),
    "MaxPool2d, kernel": Mistake(
        lambda: nn.MaxPool2d(5), lambda: (x(1, 3, 4, 4),), RuntimeError, ("[1, 3, 4, 4]", "5")
    ),
    "AvgPool2d, kernel": Mistake(
        lambda: nn.AvgPool2d(5), lambda: (x(1, 3, 4, 4),), RuntimeError, ("[1, 3, 4, 4]", "5")
    ),
    "FractionalMaxPool2d, kernel": Mistake(
        lambda: nn.FractionalMaxPool2d(3, 4), lambda: (x(1, 3, 4, 4),), RuntimeError, ("[1, 3, 4, 4]",)
    ),
    "ReflectionPad2d, image": Mistake(
        lambda: nn.ReflectionPad2d(4), lambda: (x(1, 3, 4, 4),), RuntimeError, ("[1, 3, 4, 4]", "less than")
    ),
    "Unfold, kernel": Mistake(
        lambda: nn.Unfold(5), lambda: (x(1, 3, 4, 4),), RuntimeError, ("(4, 4)", "(5, 5)", "kernel_size")
    ),
    "Fold, blocks": Mistake(lambda: nn.Fold((4, 4), 2), lambda: (x(1, 12, 8),), RuntimeError, ("8", "9")),
    # numbers of dimensions
    "Conv2d, dimensions": Mistake(lambda: nn.Conv2d(3, 4, 2), lambda: (x(3, 8),), RuntimeError, ("[3, 8]", "4D")),
    "BatchNorm2d, dimensions": Mistake(lambda: nn.BatchNorm2d(3), lambda: (x(5, 3),), ValueError, ("4D", "2D")),
    "MaxPool2d, dimensions": Mistake(lambda: nn.MaxPool2d(2), lambda: (x(4, 4),), RuntimeError, ("[4, 4]", "4D")),
    "LSTM, dimensions": Mistake(lambda: nn.LSTM(3, 4), lambda: (x(3),), ValueError, ("2D or 3D", "1D")),
    "Flatten, range": Mistake(lambda: nn.Flatten(0, 5), lambda: (x(2, 3),), IndexError, ("5", "2")),
    "Unflatten, sizes": Mistake(lambda: nn.Unflatten(1, (2, 4)), lambda: (x(2, 6),), RuntimeError, ("[2, 4]", "6")),
    "Upsample, dimensions": Mistake(
        lambda: nn.Upsample(scale_factor=2, mode="bilinear"), lambda: (x(2, 3, 4),), NotImplementedError, ("3", "4D")
    ),
    # one value per channel in training
    "BatchNorm1d, one value": Mistake(
        lambda: nn.BatchNorm1d(3), lambda: (x(1, 3),), ValueError, ("[1, 3]", "more than 1 value per channel")
    ),
    "BatchNorm2d, one value": Mistake(
        lambda: nn.BatchNorm2d(3), lambda: (x(1, 3, 1, 1),), ValueError, ("[1, 3, 1, 1]", "eval()")
    ),
    "InstanceNorm1d, one value": Mistake(
        lambda: nn.InstanceNorm1d(3), lambda: (x(2, 3, 1),), ValueError, ("[2, 3, 1]", "more than 1")
    ),
    "GroupNorm, one value": Mistake(
        lambda: nn.GroupNorm(4, 4), lambda: (x(1, 4, 1),), ValueError, ("[1, 4, 1]", "more than 1")
    ),
    # classes and targets
    "Embedding, row": Mistake(lambda: nn.Embedding(5, 2), lambda: (classes(1, 5),), IndexError, ("5", "0 to 4")),
    "Embedding, dtype": Mistake(lambda: nn.Embedding(5, 2), lambda: (x(3),), RuntimeError, ("float32", "long()")),
    "EmbeddingBag, row": Mistake(
        lambda: nn.EmbeddingBag(5, 2), lambda: (classes(1, 5).reshape(1, 2),), RuntimeError, ("5", "0 to 4")
    ),
    "CrossEntropyLoss, class": Mistake(
        lambda: nn.CrossEntropyLoss(), lambda: (x(2, 3), classes(0, 3)), IndexError, ("3", "3 classes")
    ),
    "CrossEntropyLoss, dtype": Mistake(
        lambda: nn.CrossEntropyLoss(), lambda: (x(2, 3), x(2)), RuntimeError, ("[2, 3]", "float32", "long()")
    ),
    "CrossEntropyLoss, batch": Mistake(
        lambda: nn.CrossEntropyLoss(), lambda: (x(2, 3), classes(0, 1, 2)), ValueError, ("(2)", "(3)")
    ),
    "CrossEntropyLoss, shape": Mistake(
        lambda: nn.CrossEntropyLoss(), lambda: (x(2, 3, 4), x(2, 5).long()), RuntimeError, ("[2, 4]", "[2, 5]")
    ),
    "CrossEntropyLoss, weight": Mistake(
        lambda: nn.CrossEntropyLoss(x(4)), lambda: (x(2, 3), classes(0, 1)), RuntimeError, ("3 classes", "[4]")
    ),
    "NLLLoss, class": Mistake(lambda: nn.NLLLoss(), lambda: (x(2, 3), classes(0, 3)), IndexError, ("3", "3 classes")),
    "NLLLoss, dtype": Mistake(lambda: nn.NLLLoss(), lambda: (x(2, 3), x(2)), RuntimeError, ("float32", "long()")),
    "BCELoss, range": Mistake(
        lambda: nn.BCELoss(), lambda: (x(2) + 3, x(2)), RuntimeError, ("between 0 and 1", "sigmoid")
    ),
    "BCELoss, dtype": Mistake(lambda: nn.BCELoss(), lambda: (x(2), x(2).long()), RuntimeError, ("int64", "float32")),
    "BCELoss, shape": Mistake(lambda: nn.BCELoss(), lambda: (x(2), x(3)), ValueError, ("[2]", "[3]")),
    "BCEWithLogitsLoss, dtype": Mistake(
        lambda: nn.BCEWithLogitsLoss(), lambda: (x(2), x(2).long()), RuntimeError, ("int64", "float32")
    ),
    "BCEWithLogitsLoss, shape": Mistake(
        lambda: nn.BCEWithLogitsLoss(), lambda: (x(2), x(3)), ValueError, ("[2]", "[3]")
    ),
    "MSELoss, shape": Mistake(lambda: nn.MSELoss(), lambda: (x(2, 3), x(2, 4)), RuntimeError, ("3", "4")),
    "MultiMarginLoss, class": Mistake(
        lambda: nn.MultiMarginLoss(), lambda: (x(2, 3), classes(0, 3)), RuntimeError, ("3",)
    ),
    "MultiLabelMarginLoss, class": Mistake(
        lambda: nn.MultiLabelMarginLoss(), lambda: (x(1, 3), classes(0, 3, -1)[None]), RuntimeError, ("3",)
    ),
    "CTCLoss, lengths": Mistake(
        lambda: nn.CTCLoss(),
        lambda: (x(4, 1, 3), classes(1, 2)[None], classes(5), classes(2)),
        RuntimeError,
        ("5", "4"),
    ),
    "AdaptiveLogSoftmaxWithLoss, class": Mistake(
        lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3]),
        lambda: (x(2, 4), classes(0, 9)),
        RuntimeError,
        ("[0, 8]", "9"),
    ),
    "TripletMarginLoss, dimensions": Mistake(
        lambda: nn.TripletMarginLoss(), lambda: (x(2, 3), x(2, 3), x(3)), RuntimeError, ("[2, 3]", "[3]")
    ),
    # states
    "LSTM, state": Mistake(
        lambda: nn.LSTM(3, 4), lambda: (x(5, 2, 3), (x(1, 3, 4), x(1, 3, 4))), RuntimeError, ("(1, 2, 4)", "[1, 3, 4]")
    ),
    "GRU, state": Mistake(
        lambda: nn.GRU(3, 4), lambda: (x(5, 2, 3), x(2, 2, 4)), RuntimeError, ("(1, 2, 4)", "[2, 2, 4]")
    ),
    "LSTMCell, state": Mistake(
        lambda: nn.LSTMCell(3, 4), lambda: (x(2, 3), (x(2, 5), x(2, 5))), RuntimeError, ("5", "4")
    ),
    # dtypes
    "Linear, dtype": Mistake(
        lambda: nn.Linear(3, 2), lambda: (x(2, 3).double(),), RuntimeError, ("float64", "float32", "to(")
    ),
    "Conv2d, dtype": Mistake(
        lambda: nn.Conv2d(3, 2, 1), lambda: (x(1, 3, 2, 2).double(),), RuntimeError, ("float64", "float32", "to(")
    ),
    "LSTM, dtype": Mistake(
        lambda: nn.LSTM(3, 2), lambda: (x(4, 1, 3).double(),), ValueError, ("float64", "float32", "to(")
    ),
    "Softmax, dimension": Mistake(lambda: nn.Softmax(dim=3), lambda: (x(2, 3),), IndexError, ("3", "2")),
}
