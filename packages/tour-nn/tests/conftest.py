"""Golden cases: a test module that names a file as GOLDEN gets its cases, one by one, as the argument `case`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tour
from tour import nn
from tour.nn.utils import rnn

FOLDER = Path(__file__).parent / "golden"
SEED = 5


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    name = getattr(metafunc.module, "GOLDEN", None)
    if name is not None and "case" in metafunc.fixturenames:
        cases = list(read(name))
        metafunc.parametrize("case", cases, ids=[f"{i}-{case.name}" for i, case in enumerate(cases)])


def read(name: str) -> Iterator[Case]:
    file = np.load(FOLDER / f"{name}.npz")
    numbers = {key: file[key] for key in file.files}
    for stored in json.loads(str(numbers.pop("cases"))):
        yield Case(stored, numbers)


@dataclass
class Case:
    """A module or function of PyTorch 2.13 with its arguments and results; see tools/golden_nn.py."""

    stored: dict[str, Any]
    numbers: dict[str, Any]

    @property
    def name(self) -> str:
        return self.stored.get("module") or self.stored["function"]

    def unpack(self, value: Any) -> Any:
        """Arguments as they were: tensors, packed sequences, tuples."""
        if isinstance(value, list):
            return [self.unpack(v) for v in value]
        if not isinstance(value, dict):
            return value
        if "dtype" in value:
            t = tour.from_numpy(self.array(value).copy())
            return t.requires_grad_() if value["grad"] else t
        if "tuple" in value:
            return tuple(self.unpack(value["tuple"]))
        if "packed" in value:
            return rnn.pack_padded_sequence(self.unpack(value["packed"]), value["lengths"], enforce_sorted=False)
        return {key: self.unpack(v) for key, v in value.items()}

    def array(self, value: dict[str, Any]) -> Any:
        size = int(np.prod(value["shape"]))
        return self.numbers[value["dtype"]][value["start"] : value["start"] + size].reshape(value["shape"])

    def check(self) -> None:
        """Run it here, and compare whatever PyTorch gave: an error, or values, gradients, buffers, text and warnings."""
        ctor, options = self.unpack(self.stored.get("ctor", [])), self.unpack(self.stored["options"])
        inputs = self.unpack(self.stored["inputs"])
        tour.manual_seed(SEED)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if "error" in self.stored:
                with pytest.raises(Exception) as raised:
                    self.call(ctor, options, inputs)
                assert type(raised.value).__name__ == self.stored["error"], raised.value
                return
            layer, result = self.call(ctor, options, inputs)
        assert sorted({w.category.__name__ for w in caught}) == self.stored["warnings"]
        outputs = tensors(result)
        self.compare("output", outputs, self.stored["outputs"])
        parameters = list(layer.parameters()) if layer is not None else []
        leaves = [*(t for t in tensors([inputs, ctor, options]) if t.requires_grad), *parameters]
        if leaves:
            self.compare(
                "gradient", tour.autograd.grad(projection(outputs), leaves, allow_unused=True), self.stored["grads"]
            )
        if layer is not None:
            self.compare("buffer", [b for b in layer.buffers() if b is not None], self.stored["buffers"])
            assert repr(layer) == self.stored["repr"]
            assert list(layer.state_dict()) == self.stored["state"]

    def call(self, ctor: list[Any], options: dict[str, Any], inputs: list[Any]) -> tuple[Any, Any]:
        if "function" in self.stored:
            return None, getattr(nn.functional, self.name)(*inputs, **options)
        layer = getattr(nn, self.name)(*ctor, **options).double().train(self.stored["train"])
        return layer, layer(*inputs)

    def compare(self, what: str, got: Any, expected: list[Any]) -> None:
        for i, (t, stored) in enumerate(zip(got, expected, strict=True)):
            if stored is None:
                assert t is None or not t.detach().numpy().any(), f"{what} {i}"
                continue
            want = self.array(stored)
            found = np.zeros_like(want) if t is None else t.detach().numpy()
            assert found.shape == want.shape, f"{what} {i}"
            assert found.dtype == want.dtype, f"{what} {i}"
            np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-10, err_msg=f"{what} {i}")


def tensors(value: Any) -> list[Any]:
    """The tensors in nested tuples, lists, dictionaries and packed sequences, in order."""
    if isinstance(value, rnn.PackedSequence):
        return [value.data]
    if isinstance(value, tour.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in tensors(v)] if isinstance(value, list | tuple) else []


def projection(outputs: list[Any]) -> Any:
    """The weighted sum whose gradients are stored: weights cos(1), cos(2), …"""
    terms = [
        (
            t * tour.from_numpy(np.cos(np.arange(1, t.numel() + 1, dtype=t.numpy(force=True).dtype))).reshape(t.shape)
        ).sum()
        for t in outputs
        if t.requires_grad
    ]
    return sum(terms[1:], terms[0])
