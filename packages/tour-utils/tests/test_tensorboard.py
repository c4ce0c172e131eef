"""Event files: what they hold, byte for byte, and that TensorBoard itself reads them where it is installed."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

import tour
from tour import nn
from tour.utils._protobuf import crc32c, varint
from tour.utils.tensorboard import SummaryWriter


def test_checksums_and_numbers():
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720's check value
    assert [varint(n) for n in (0, 127, 128, 300)] == [b"\0", b"\x7f", b"\x80\x01", b"\xac\x02"]
    assert len(varint(-1)) == 10


def fields(data):
    """The fields of a message: number and value, which is an int, or bytes."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    found = []
    while at < len(data):
        key = number()
        if key & 7 == 0:
            found.append((key >> 3, number()))
            continue
        size = {1: 8, 5: 4}.get(key & 7) or number()
        found.append((key >> 3, data[at : at + size]))
        at += size
    return found


def values(folder):
    """Step and fields of every value in the only event file of a folder, checksums of lengths compared."""
    (path,) = folder.glob("events.out.tfevents.*")
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        event = dict(fields(data[at + 12 : at + 12 + length]))
        at += 16 + length
        if 5 in event:
            found.append((event.get(2, 0), dict(fields(dict(fields(event[5]))[1]))))
        else:
            assert event[3] == b"brain.Event:2"
    return found


def test_scalars(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", tour.tensor([0.5]), 3)
        writer.add_scalar("loss", np.float64(0.25), 2**40)
        writer.add_scalar("plain", 7)
        with pytest.raises(ValueError, match=r"\[2\]"):
            writer.add_scalar("loss", tour.ones(2))
        with pytest.raises(TypeError):
            writer.add_scalar(3, 1.0)
    assert [(step, v[1], struct.unpack("<f", v[2])[0]) for step, v in values(tmp_path)] == [
        (3, b"loss", 0.5),
        (2**40, b"loss", 0.25),
        (0, b"plain", 7.0),
    ]
    with pytest.raises(ValueError, match="closed"):
        writer.add_scalar("loss", 1.0)


def test_histograms(tmp_path):
    x = tour.tensor([-1.0, 0.5, 0.5, 2.0]).requires_grad_()
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("x", x, 1)
        writer.add_histogram("bf16", x.bfloat16(), bins=4)
        for bad in (tour.zeros(0), tour.tensor([float("nan")])):
            with pytest.raises(ValueError):
                writer.add_histogram("x", bad)
    (_, first), _ = values(tmp_path)
    histogram = dict(fields(first[5]))
    assert [struct.unpack("<d", histogram[i])[0] for i in range(1, 6)] == [-1, 2, 4, 2, 5.5]
    limits, counts = (np.frombuffer(histogram[i], "<f8") for i in (6, 7))
    assert len(limits) == len(counts)
    assert counts.sum() == 4
    at = [np.searchsorted(limits, v) for v in (-1.0, 0.5, 2.0)]
    assert counts[at].tolist() == [1, 2, 1]


def decoded(png):
    """The pixels of a PNG file as `SummaryWriter` writes it."""
    width, height, _, color = struct.unpack(">IIBB", png[16:26])
    channels = {0: 1, 2: 3, 6: 4}[color]
    at = png.index(b"IDAT")
    rows = zlib.decompress(png[at + 4 : at + 4 + struct.unpack(">I", png[at - 4 : at])[0]])
    return np.frombuffer(rows, np.uint8).reshape(height, -1)[:, 1:].reshape(height, width, channels)


def test_images(tmp_path):
    x = tour.rand(3, 4, 5)
    expected = (x.numpy() * 255).astype(np.uint8).transpose(1, 2, 0)
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("a", x)
        writer.add_image("a", expected, dataformats="HWC")
        writer.add_image("a", expected[..., 0], dataformats="HW")
        writer.add_images("grid", x[None].expand(3, -1, -1, -1))
        for shape, order in (((4, 5), "CHW"), ((2, 4, 5), "CHW"), ((4, 5), "HH")):
            with pytest.raises(ValueError):
                writer.add_image("a", tour.zeros(shape), dataformats=order)
    images = [dict(fields(v[4])) for _, v in values(tmp_path)]
    pictures = [decoded(image[4]) for image in images]
    np.testing.assert_array_equal(pictures[0], expected)
    np.testing.assert_array_equal(pictures[1], expected)
    np.testing.assert_array_equal(pictures[2], expected[..., :1])
    assert pictures[3].shape == (8, 10, 3)
    assert not pictures[3][4:, 5:].any()
    assert [image[i] for image in images[:1] for i in (1, 2, 3)] == [4, 5, 3]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_it(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss", 1 / (step + 1), step, walltime=100.0 + step)
        writer.add_histogram("weights", tour.randn(100), 1)
        writer.add_image("picture", tour.rand(1, 8, 8), 2)
        writer.add_text("note", "hello *there*", 0)
        writer.add_scalars("both", {"a": 1.0, "b": 2.0}, 0)
        writer.add_graph(Net(), tour.zeros(2, 3))
    found = reader.EventAccumulator(str(tmp_path), size_guidance={reader.TENSORS: 0})
    found.Reload()
    tags = found.Tags()
    assert tags["scalars"] == ["loss"]
    scalars = [(e.wall_time, e.step, round(e.value, 4)) for e in found.Scalars("loss")]
    assert scalars == [(100.0, 0, 1.0), (101.0, 1, 0.5), (102.0, 2, 0.3333)]
    assert found.Histograms("weights")[0].histogram_value.num == 100
    assert found.Images("picture")[0].width == 8
    assert found.Tensors("note/text_summary")[0].tensor_proto.string_val == [b"hello *there*"]
    graph = {node.name: node for node in found.Graph().node}
    linear = next(node for name, node in graph.items() if name.startswith("Net/body/0/linear"))
    assert set(linear.input) == {"input/0", "Net/body/0/weight", "Net/body/0/bias"}
    assert [d.size for d in linear.attr["_output_shapes"].list.shape[0].dim] == [2, 4]
    assert graph["input/0"].op == graph["output/0"].op == "IO Node"
    assert all(i in graph for node in graph.values() for i in node.input)
    apart = reader.EventAccumulator(str(tmp_path / "both_b"))
    apart.Reload()
    assert apart.Scalars("both")[0].value == 2.0


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout())

    def forward(self, x):
        return {"twice": self.body(x) * 2}


def test_a_graph_needs_a_run_and_leaves_the_model_as_it_was(tmp_path, capsys):
    net = Net()
    before, drawn = {k: v.clone() for k, v in net.state_dict().items()}, tour.get_rng_state()
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(ValueError, match="input_to_model"):
            writer.add_graph(net)
        with pytest.raises(ValueError, match="differentiated"):
            writer.add_graph(nn.Identity(), tour.tensor([1, 2]))
        with tour.no_grad():
            writer.add_graph(net, (tour.zeros(2, 3),), verbose=True)
    assert "mul" in capsys.readouterr().out
    assert net.training
    assert all(tour.equal(v, before[k]) for k, v in net.state_dict().items())
    assert tour.equal(drawn, tour.get_rng_state())
    assert all(p.grad is None for p in net.parameters())
