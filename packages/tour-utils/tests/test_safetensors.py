"""safetensors files: written, read whole and by parts, split over several files, and damaged."""

from __future__ import annotations

import json
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tour
from tour.serialization import FileError
from tour.utils import safetensors


def everything():
    return {
        **{
            f"t.{name}": tour.arange(6).reshape(2, 3).to(d)
            for name, d in ((d.name, d) for d in safetensors.DTYPES.values())
        },
        "scalar": tour.tensor(3.5),
        "none": tour.zeros(0, 3),
        "turned": tour.arange(6.0).reshape(2, 3).T,
        "grad": tour.ones(2).requires_grad_(),
        "ä": tour.ones(1),
    }


def same(a, b):
    assert set(a) == set(b)
    for name in a:
        assert (a[name].dtype, a[name].shape) == (b[name].dtype, b[name].shape), name
        assert a[name].detach().contiguous().numpy().tobytes() == b[name].contiguous().numpy().tobytes(), name


def test_every_dtype_comes_back(tmp_path):
    tensors = everything()
    safetensors.save_file(tensors, tmp_path / "a.safetensors", {"format": "pt"})
    got = safetensors.load_file(tmp_path / "a.safetensors")
    same(tensors, got)
    same(tensors, safetensors.load(safetensors.save(tensors)))
    got["scalar"] += 1  # what is read can be written
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_a_file_is_read_by_parts(tmp_path):
    path = tmp_path / "a.safetensors"
    safetensors.save_file({"a": tour.arange(1000).reshape(10, 100), "b": tour.ones(2)}, path, {"who": "me"})
    with safetensors.safe_open(path, framework="pt") as file:
        assert (set(file.keys()), file.metadata()) == ({"a", "b"}, {"who": "me"})
        row = file.get_slice("a")[3]
        with pytest.raises(KeyError, match="no tensor 'c'"):
            file.get_tensor("c")
    row[0] = -1  # the memory outlives the file, and is no part of it
    assert row.tolist() == [-1, *range(301, 400)]
    assert safetensors.load_file(path)["a"][3, 0] == 300


def test_the_library_reads_what_is_written_and_the_other_way_round(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    arrays = {n: t.detach().numpy().copy() for n, t in everything().items() if "float8" not in n and "bfloat" not in n}
    assert safetensors.save({n: tour.from_numpy(a) for n, a in arrays.items()}, {"a": "b"}) == library.save(
        arrays, {"a": "b"}
    )
    same({n: tour.from_numpy(a) for n, a in arrays.items()}, safetensors.load(library.save(arrays)))
    got = library.load(safetensors.save({n: tour.from_numpy(a) for n, a in arrays.items()}))
    for name, array in arrays.items():
        np.testing.assert_array_equal(got[name], array)


def test_a_model_over_several_files(tmp_path):
    tensors = {f"layer.{i}": tour.full((10,), i) for i in range(7)}
    safetensors.save_sharded(tensors, tmp_path / "m", max_shard_size=160)
    index = json.loads((tmp_path / "m" / "model.safetensors.index.json").read_text())
    assert index["metadata"] == {"total_size": 560}
    assert set(index["weight_map"].values()) == {f"model-{i:05}-of-00004.safetensors" for i in range(1, 5)}
    same(tensors, dict(safetensors.load_sharded(tmp_path / "m")))
    same(tensors, dict(safetensors.load_sharded(tmp_path / "m" / "model.safetensors.index.json")))
    safetensors.save_sharded(tensors, tmp_path / "one")
    assert os.listdir(tmp_path / "one") == ["model.safetensors"]
    same(tensors, dict(safetensors.load_sharded(tmp_path / "one")))


@pytest.mark.parametrize(
    "index",
    [
        "[]",
        "{",
        '{"weight_map": {"a": "../secret.safetensors"}}',
        '{"weight_map": {"a": 3}}',
        '{"weight_map": {"a": "m.safetensors", "b": "m.safetensors"}}',
    ],
)
def test_an_index_that_is_wrong(tmp_path, index):
    safetensors.save_file({"a": tour.ones(1)}, tmp_path / "m.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(FileError, match="index"):
        dict(safetensors.load_sharded(tmp_path))


@pytest.mark.parametrize(
    ("tensors", "metadata"),
    [({"a": [1.0]}, None), ({1: tour.ones(1)}, None), ({"a": tour.ones(1).to(tour.complex128)}, None), ({}, {"a": 1})],
)
def test_what_the_format_has_not(tensors, metadata):
    with pytest.raises(TypeError):
        safetensors.save(tensors, metadata)


def file_of(header, data=b""):
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text)) + text + data


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234",
        struct.pack("<Q", 2**63) + b"{}",
        file_of(b"{"),
        file_of([]),
        file_of({"a": 3}, bytes(8)),
        file_of({"a": ENTRY}, bytes(7)),
        file_of({"a": ENTRY}, bytes(9)),
        file_of({"a": {**ENTRY, "dtype": "F33"}}, bytes(8)),
        file_of({"a": {**ENTRY, "shape": [3]}}, bytes(8)),
        file_of({"a": {**ENTRY, "shape": [-2]}}, bytes(8)),
        file_of({"a": {**ENTRY, "shape": [2.0]}}, bytes(8)),
        file_of({"a": {**ENTRY, "data_offsets": [1, 9]}}, bytes(9)),
        file_of({"a": {**ENTRY, "data_offsets": [0, 8, 9]}}, bytes(8)),
        file_of({"a": ENTRY, "b": ENTRY}, bytes(8)),
        file_of(b'{"a": ' + json.dumps(ENTRY).encode() + b', "a": ' + json.dumps(ENTRY).encode() + b"}", bytes(8)),
        file_of({"a": ENTRY, "__metadata__": {"x": 1}}, bytes(8)),
        file_of(b"[" * 100_000),
    ],
)
def test_one_clear_error(data, tmp_path):
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(FileError, match=r"cannot load .*a\.safetensors: it is no safetensors file"):
        safetensors.load_file(tmp_path / "a.safetensors")
    with pytest.raises(FileError):
        safetensors.load(data)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_harmless(data):
    content = bytearray(safetensors.save({"a": tour.arange(3), "b": tour.ones(2)}, {"x": "y"}))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] = data.draw(st.integers(0, 255))
        else:
            del content[at : at + data.draw(st.integers(1, 10))]
    try:
        safetensors.load(bytes(content))
    except FileError:
        pass
