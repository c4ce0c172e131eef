"""Saving and loading: files of PyTorch 2.13 (golden/*.pt), of tour, and files that are wrong on purpose."""

from __future__ import annotations

import collections
import fractions
import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tour
from tour.serialization import DeviceError, FileError

GOLDEN = Path(__file__).parent / "golden"


def saved(obj, **options):
    file = io.BytesIO()
    tour.save(obj, file, **options)
    return file.getvalue()


def loaded(data, **options):
    return tour.load(io.BytesIO(data), **options)


def archive(pickled, **entries):
    """A file whose pickle says anything at all."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, data in {"data.pkl": pickled, "version": b"3\n", **entries}.items():
            made.writestr(f"archive/{name}", data)
    return file.getvalue()


def edited(data, **entries):
    """A file with some entries exchanged, or left out where None is given."""
    old = zipfile.ZipFile(io.BytesIO(data))
    kept = {name.partition("/")[2]: old.read(name) for name in old.namelist()}
    kept |= {name.replace("__", "/"): value for name, value in entries.items()}
    return archive(**{"pickled": kept.pop("data.pkl")}, **{k: v for k, v in kept.items() if v is not None})


# --- Files of PyTorch -------------------------------------------------------------------------------------------------------


def test_everything_that_data_may_hold():
    got = tour.load(GOLDEN / "values.pt")
    numbers = [0, 1, -1, 255, 65535, -(2**31), 2**40, -(2**100), 1.5, float("inf"), 2 + 3j, True, False, None]
    assert got["numbers"] == numbers
    assert [type(n) for n in got["numbers"]] == [type(n) for n in numbers]
    assert got["text"] == ["", "a", "äöü", "€", b"", b"\x00\xff", bytearray(b"x")]
    assert got["containers"] == [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, {1: {2: 3}}, {1, 2}, {(1, "a"): 2}]
    assert (got["ordered"], list(got["ordered"])) == (collections.OrderedDict(b=1, a=2), ["b", "a"])
    assert type(got["counter"]) is collections.Counter
    assert type(got["size"]) is tour.Size
    assert got["devices"] == [tour.device("cpu"), tour.device("cuda:1")]
    assert all(isinstance(d, tour.dtype) for d in got["dtypes"])
    assert got["layout"] is tour.strided
    assert got["conj"].tolist() == [1 - 2j, 3 + 4j]
    assert got["neg"].tolist() == [-2, 4]
    assert got["empty"].shape == (0, 3)
    assert got["scalar"].item() == 3.5


def test_every_dtype():
    got = tour.load(GOLDEN / "dtypes.pt")
    assert {t.dtype.name for t in got.values()} == {d.name for d in tour._dtypes.ALL} == set(got)
    for name, t in got.items():
        first = 2.0**-127 if name == "float8_e8m0fnu" else 0  # which has no zero
        expected = [False, True, True, True] if name == "bool" else [first, 1, 2, 4]
        assert t.numpy().astype(complex).tolist() == expected, name
        assert loaded(saved(t)).numpy().tobytes() == t.numpy().tobytes()


def test_tensors_that_share_memory():
    for got in (tour.load(GOLDEN / "sharing.pt"), loaded(saved(tour.load(GOLDEN / "sharing.pt")))):
        x = got["x"]
        assert got["turned"].stride() == (1, 4, 12)
        assert got["wide"].tolist() == [0] * 5
        x[1, 0, 3] = 99
        assert got["rows"][0, 3] == got["turned"][3, 0, 1] == got["every"][3] == 99
        assert len({t.untyped_storage() for t in got.values()}) == 1


def test_the_other_byte_order():
    got = tour.load(GOLDEN / "big_endian.pt")
    assert (got["a"].tolist(), got["b"].tolist()) == ([1.5, -2.0], [1, 2])


# --- Files of tour ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_file_holds_what_was_saved(protocol):
    state = {
        **tour.load(GOLDEN / "values.pt"),
        "t": tour.arange(6.0).reshape(2, 3),
        "reverse": tour.arange(4)[::-1],
        "other": tour.arange(4.0).view(tour.int32)[1:],
        "column": tour.from_numpy(np.asfortranarray(np.arange(6).reshape(2, 3))),
        "none": tour.zeros(0),
        "scalar": tour.tensor(2.5),
    }
    got = loaded(saved(state, pickle_protocol=protocol))
    assert list(got) == list(state)
    for key, value in state.items():
        if isinstance(value, tour.Tensor):
            assert (got[key].dtype, got[key].shape) == (value.dtype, value.shape)
            assert got[key].tolist() == value.tolist()
        else:
            assert got[key] == value
            assert type(got[key]) is type(value)


def test_views_of_two_dtypes_share_their_memory():
    x = tour.arange(4.0)
    got = loaded(saved([x, x.view(tour.int32)]))
    got[0][0] = 1.0
    assert got[1][0] == 0x3F800000


def test_the_same_state_gives_the_same_bytes(tmp_path):
    state = {"a": tour.arange(5), "b": [tour.ones(2)]}
    tour.save(state, tmp_path / "one.pt")
    assert (tmp_path / "one.pt").read_bytes() == saved(state)


def test_storages_are_aligned():
    data = saved([tour.arange(3), tour.ones(5), tour.zeros(100)])
    for entry in zipfile.ZipFile(io.BytesIO(data)).infolist():
        name, extra = (int.from_bytes(data[entry.header_offset + i :][:2], "little") for i in (26, 28))
        assert (entry.header_offset + 30 + name + extra) % 64 == 0


def test_mapped_memory(tmp_path):
    path = tmp_path / "a.pt"
    tour.save({"a": tour.arange(1000.0)}, path)
    got = tour.load(path, mmap=True)["a"]
    got[0] = 7
    assert got.tolist() == [7, *range(1, 1000)]
    assert tour.load(path)["a"][0] == 0
    with pytest.raises(ValueError, match="path"):
        tour.load(io.BytesIO(path.read_bytes()), mmap=True)


def test_open_files(tmp_path):
    path = tmp_path / "a.pt"
    with path.open("wb") as file:
        tour.save([1], file)
    with path.open("rb") as file:
        assert tour.load(file) == [1]
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # fmt: skip
        tour.save([2], process.stdin)  # which knows no positions
        process.stdin.close()
        assert loaded(process.stdout.read()) == [2]

    class OnlyReads(io.BytesIO):
        readinto = None

    with pytest.raises(FileError, match="BytesIO"):
        tour.load(type("Stream", (), {"read": lambda self, n=-1: b""})())
    for bad in (3, None):
        with pytest.raises(TypeError):
            tour.load(bad)
        with pytest.raises(TypeError):
            tour.save([], bad)


def test_map_location():
    pickled = zipfile.ZipFile(io.BytesIO(saved(tour.ones(2)))).read("archive/data.pkl")
    data = edited(
        saved(tour.ones(2)), **{"data.pkl": pickled.replace(b"\x03\x00\x00\x00cpu", b"\x06\x00\x00\x00cuda:7")}
    )
    for where in ("cpu", tour.device("cpu"), {"cuda:7": "cpu"}, lambda storage, location: storage):
        assert loaded(data, map_location=where).tolist() == [1, 1]
    with pytest.raises(DeviceError, match="map_location='cpu'"):
        loaded(data)
    with pytest.raises(DeviceError, match="teapot"):
        loaded(data, map_location="teapot")
    seen = []
    loaded(data, map_location=lambda storage, location: seen.append(location) or storage)
    assert seen == ["cuda:7"]


# --- Writing that fails -----------------------------------------------------------------------------------------------------


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.pt"
    tour.save([1], path)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        tour.save([lambda: 0], path)
    assert tour.load(path) == [1]
    assert os.listdir(tmp_path) == ["a.pt"]


FULL_DISK = """
import resource, signal, sys, tour
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    tour.save(tour.zeros(1_000_000), sys.argv[1])
except OSError as error:
    print(error.errno)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.pt"
    tour.save([1], path)
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().isdecimal()
    assert tour.load(path) == [1]
    assert os.listdir(tmp_path) == ["a.pt"]


def test_places_where_nothing_can_be_written(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"b\.pt"):
        tour.save([1], tmp_path / "a" / "b.pt")
    with pytest.raises(IsADirectoryError):
        tour.save([1], tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes")
def test_links_and_modes_stay(tmp_path):
    target, link = tmp_path / "a.pt", tmp_path / "link.pt"
    target.write_bytes(b"")
    target.chmod(0o640)
    link.symlink_to(target)
    tour.save([1], link)
    assert link.is_symlink()
    assert tour.load(target) == [1]
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "options", [{"pickle_protocol": 1}, {"pickle_protocol": 6}, {"_use_new_zipfile_serialization": False}]
)
def test_options_that_cannot_be(options):
    with pytest.raises(ValueError):
        saved([], **options)


# --- Files that are wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"hello", "no zip archive"),
        (pickle.dumps([1]), "bare pickle"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "before 1.6"),
        (b"\x08\0\0\0\0\0\0\0{}      ", "safetensors"),
        (b"PK\x03\x04", "damaged or cut short"),
        (saved([1])[:-30], "damaged or cut short"),
        (archive(b"", constants_pkl=b"").replace(b"data.pkl", b"dataxpkl"), "no data.pkl"),
        (archive(b"\x80\x02N.", **{"constants.pkl": b""}), "TorchScript"),
        (archive(b"\x80\x02N.", version=b"11\n"), "newer than this tour knows"),
        (archive(b"\x80\x02N.", **{".format_version": b"2"}), "newer than this tour knows"),
        (archive(b"\x80\x02N.", version=b"three"), "version is no number"),
        (archive(b"\x80\x02N.", byteorder=b"middle"), "byte order is 'middle'"),
        (archive(b"\x80\x06N."), "protocol 6"),
        (archive(b""), "ends too early"),
        (archive(b"\x80\x02NN."), "cannot be read"),
        (archive(b"\x80\x02."), "cannot be read"),
        (archive(b"\x80\x02]N\x85R."), "calls"),
        (edited(saved(tour.ones(3)), data__0=None), "no entry data/0"),
        (edited(saved(tour.ones(3)), data__0=b"1234"), "4 bytes, fewer than the 12"),
        (saved(tour.arange(50)).replace(bytes([49, 0, 0, 0]), bytes([48, 0, 0, 0])), "checksum"),
    ],
)
def test_one_clear_error(data, says):
    with pytest.raises(FileError, match=says) as caught:
        loaded(data)
    assert str(caught.value).startswith("cannot load the file: ")
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, pickle.UnpicklingError)


def test_an_error_names_the_file(tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"?")
    with pytest.raises(FileError, match=r"weights\.pt"):
        tour.load(tmp_path / "weights.pt")
    with pytest.raises(FileNotFoundError):
        tour.load(tmp_path / "nothing.pt")


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile():
    """Pickles that would run something under Python's unpickler, or reach for what is not theirs."""
    for protocol in (2, 4):
        yield from (
            pickle.dumps(Runs(function, *arguments), protocol)
            for function, *arguments in (
                (os.system, "false"),
                (eval, "1"),
                (exec, "1"),
                (open, "/dev/null"),
                (getattr, "a", "b"),
                (__import__, "os"),
                (print, "ran"),
                (pickle.loads, b"N."),
                (type, "A", (), {}),
            )
        )
        yield pickle.dumps(fractions.Fraction(1, 2), protocol)
        yield pickle.dumps(os.getcwd, protocol)
    g = b"\x80\x02c"
    yield g + b"torch\nTensor\n}X\x05\x00\x00\x00shapeK\x01sb."  # sets an attribute of a class
    yield g + b"torch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb."  # ... of a function
    yield g + b"torch\nfloat32\n)R."
    yield g + b"torch\nFloatStorage\n)R."
    yield g + b"torch\nTensor\n)\x81."
    yield g + b"__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R."  # two gigabytes
    yield g + b"torch\nSize\n(X\x01\x00\x00\x00attR."
    yield g + b"collections\nOrderedDict.__init__\n)R."
    yield g + b"torch.serialization\nload\n)R."
    yield g + b"torch.serialization._get_layout.__globals__\nget\n)R."
    yield g + b"torch._tensor\n_rebuild_from_type_v2\n(c__builtin__\nset\nc__builtin__\nset\n)NtR."
    tower = b"N\x85q\x00" + b"".join(b"h%c h%c \x86q%c".replace(b" ", b"") % (i, i, i + 1) for i in range(100))
    yield b"\x80\x02}" + tower + b"Ns."  # a key that takes for ever to hash


@pytest.mark.parametrize("pickled", list(hostile()))
def test_a_file_cannot_run_anything(pickled):
    with pytest.raises(FileError):
        loaded(archive(pickled))


def storage(fields, tensor):
    """A pickle of one tensor over a storage, written as these values are."""
    persistent = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + (fields or persistent) + tensor + b"\x89NtR."


@pytest.mark.parametrize(
    "tensor",
    [
        b"K\x00K\x05\x85K\x01\x85",  # five of four
        b"K\x04K\x01\x85K\x01\x85",
        b"K\x00K\x02\x85K\x04\x85",
        b"J\xff\xff\xff\xffK\x01\x85K\x01\x85",  # offset -1
        b"K\x00J\xff\xff\xff\xff\x85K\x01\x85",
        b"K\x03K\x02\x85J\xff\xff\xff\xff\x85",  # stride -1
        b"K\x00K\x01\x85)",
        b"K\x00X\x01\x00\x00\x00a\x85K\x01\x85",
        b"K\x00\x8a\x09" + b"\xff" * 8 + b"\x00\x85K\x01\x85",
        b"K\x00"
        + b"K\x02\x8a\x08"
        + (2**62).to_bytes(8, "little")
        + b"\x86"
        + b"K\x00\x8a\x08"
        + (2**62).to_bytes(8, "little")
        + b"\x86",
        b"K\x00NN",
        b"NNN",
    ],
)
def test_a_tensor_cannot_see_beyond_its_storage(tensor):
    assert loaded(archive(storage(None, b"K\x00K\x04\x85K\x01\x85"), **{"data/0": bytes(16)})).tolist() == [0] * 4
    with pytest.raises(FileError):
        loaded(archive(storage(None, tensor), **{"data/0": bytes(16)}))


@pytest.mark.parametrize("identity", [b"K\x01", b")", b"(K\x01K\x02K\x03K\x04K\x05t"])
def test_a_storage_has_pytorchs_name(identity):
    with pytest.raises(FileError, match="not PyTorch's"):
        loaded(archive(storage(identity + b"Q", b"K\x00K\x04\x85K\x01\x85"), **{"data/0": bytes(16)}))


WHOLE = (GOLDEN / "values.pt").read_bytes()
PICKLE = zipfile.ZipFile(io.BytesIO(WHOLE)).read("values/data.pkl")


def loads_or_refuses(data):
    try:
        loaded(data)
    except (FileError, DeviceError):
        pass


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_harmless(data):
    """Bytes are changed, cut out or cut off, in the archive and in its pickle alone, where no checksum helps."""
    whole = data.draw(st.booleans())
    content = bytearray(WHOLE if whole else PICKLE)
    for _ in range(data.draw(st.integers(1, 4))):
        if not content:
            break
        at = data.draw(st.integers(0, len(content) - 1))
        deed = data.draw(st.sampled_from(["change", "cut", "end", "insert"]))
        if deed == "change":
            content[at] = data.draw(st.integers(0, 255))
        elif deed == "cut":
            del content[at : at + data.draw(st.integers(1, 20))]
        elif deed == "end":
            del content[at:]
        else:
            content[at:at] = data.draw(st.binary(max_size=8))
    loads_or_refuses(bytes(content) if whole else edited(WHOLE, **{"data.pkl": bytes(content)}))


OPCODES = [bytes([code]) for code in range(256)]
PIECES = [
    b"ctorch\nSize\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"c__builtin__\nset\n",
    b"K\x01",
    b"X\x01\x00\x00\x00a",
    b"h\x00",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(OPCODES), st.sampled_from(PIECES), st.binary(max_size=4)), max_size=30))
def test_any_opcodes_are_refused_or_harmless(pieces):
    loads_or_refuses(archive(b"\x80\x02" + b"".join(pieces) + b"."))


def test_loading_by_trust_is_explicit():
    data = archive(pickle.dumps(Runs(len, "four")))
    with pytest.raises(FileError, match="weights_only=False"):
        loaded(data)
    assert loaded(data, weights_only=False) == 4
    with pytest.raises(FileError, match="no_such_module"):
        loaded(archive(b"\x80\x02cno_such_module\nf\n."), weights_only=False)


# --- More that files may name -----------------------------------------------------------------------------------------------


class Setting:
    def __init__(self, depth):
        self.depth = depth


def test_safe_globals():
    data = saved(Setting(3))
    with pytest.raises(FileError, match="Setting"):
        loaded(data)
    with tour.serialization.safe_globals([Setting]):
        assert loaded(data).depth == 3
    tour.serialization.add_safe_globals([(Setting, f"{__name__}.Setting")])
    assert tour.serialization.get_safe_globals() == [Setting]
    assert type(loaded(data)) is Setting
    tour.serialization.clear_safe_globals()
    with pytest.raises(FileError):
        loaded(data)
