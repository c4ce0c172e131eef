"""Write `packages/tour-tensor/tests/golden/*.pt` and `packages/tour-nn/tests/golden/*.pt`: files as PyTorch 2.13 writes them.

    python tools/golden_serialization.py        (needs torch 2.13)

`values.pt`: everything that plain data may hold. `dtypes.pt`: a tensor of every dtype. `sharing.pt`: views of one storage.
`training.pt`: parameters, and the state dicts of a network and its optimizer. `big_endian.pt`: as a machine of the other byte order writes.
"""

from __future__ import annotations

import collections
import importlib
import io
import zipfile
from pathlib import Path
from typing import Any

torch: Any = importlib.import_module("torch")

GOLDEN = Path(__file__).parents[1] / "packages/tour-tensor/tests/golden"
NN_GOLDEN = Path(__file__).parents[1] / "packages/tour-nn/tests/golden"
DTYPES = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
)


def values() -> dict[str, Any]:
    """Everything that plain data may hold."""
    z = torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex64)
    return {
        "numbers": [0, 1, -1, 255, 65535, -(2**31), 2**40, -(2**100), 1.5, float("inf"), 2 + 3j, True, False, None],
        "text": ["", "a", "äöü", "€", b"", b"\x00\xff", bytearray(b"x")],
        "containers": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, {1: {2: 3}}, {1, 2}, {(1, "a"): 2}],
        "ordered": collections.OrderedDict(b=1, a=2),
        "counter": collections.Counter("aab"),
        "size": torch.Size([2, 3]),
        "devices": [torch.device("cpu"), torch.device("cuda:1")],
        "dtypes": [getattr(torch, name) for name in DTYPES],
        "layout": torch.strided,
        "conj": z.conj(),
        "neg": z.clone().conj().imag,
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(3.5),
    }


def training() -> dict[str, Any]:
    """Parameters, and the state dicts of a network and its optimizer after a step."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    x = torch.randn(2, 1, 4, 4)
    net(x).square().sum().backward()
    optimizer.step()
    net.eval()
    frozen = torch.nn.Parameter(torch.arange(3), requires_grad=False)
    made = {
        "parameter": torch.nn.Parameter(torch.arange(3.0)),
        "frozen": frozen,
        "leaf": torch.ones(2, requires_grad=True),
    }
    return made | {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "x": x, "y": net(x).detach()}


def swapped(obj: Any) -> bytes:
    """A file whose storages are of the other byte order; PyTorch has no option to write one."""
    written = io.BytesIO()
    torch.save(obj, written)
    made = io.BytesIO()
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(made, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename.endswith("byteorder"):
                data = b"big"
            elif "/data/" in entry.filename:
                width = obj["width"]
                data = b"".join(data[i : i + width][::-1] for i in range(0, len(data), width))
            new.writestr(entry.filename, data)
    return made.getvalue()


def main() -> None:
    """Write the files."""
    x = torch.arange(24.0).reshape(2, 3, 4)
    sharing = {
        "x": x,
        "rows": x[1],
        "turned": x.transpose(0, 2),
        "every": x.flatten()[::5],
        "wide": x[0, 0, :1].expand(5),
    }
    torch.save(values(), GOLDEN / "values.pt")
    torch.save({n: torch.tensor([0, 1, 2, 4]).to(getattr(torch, n)) for n in DTYPES}, GOLDEN / "dtypes.pt")
    torch.save(sharing, GOLDEN / "sharing.pt")
    torch.save(training(), NN_GOLDEN / "training.pt")
    big = {"width": 4, "a": torch.tensor([1.5, -2.0]), "b": torch.tensor([1, 2], dtype=torch.uint32)}
    (GOLDEN / "big_endian.pt").write_bytes(swapped(big))


if __name__ == "__main__":
    main()
