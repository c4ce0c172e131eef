"""The cache on disk: used again by later processes, and done without where it cannot be written or is damaged."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

LARGE = """
import sys, tour
x = tour.linspace(-9, 9, 1 << 17)
y = x.sigmoid()
print(tour.numba.compiled(), "numba" in sys.modules, float(y.double().sum()))
"""


FOUND = "['elementwise.sigmoid'] "


def test_a_second_process_finds_the_code_on_disk(python, tmp_path):
    first = python(LARGE, TOUR_NUMBA_CACHE=str(tmp_path))
    assert first.startswith(FOUND + "True ")
    files = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.o")}
    names = {p.name for p in files} - {"tbb.o"}  # where TBB is
    assert names == {"elementwise.sigmoid.o", "reductions.row_sums_8.o", "driver.o", "heap.o"}
    assert python(LARGE, TOUR_NUMBA_CACHE=str(tmp_path)) == first.replace("True", "False")
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.o")} == files


def test_a_cache_that_cannot_be_written_is_done_without(python, tmp_path):
    file = tmp_path / "file"
    file.touch()
    assert python(LARGE, TOUR_NUMBA_CACHE=str(file / "folder")).startswith(FOUND + "True ")


HOMELESS = (
    """
import os, pathlib
for name in "HOME", "XDG_CACHE_HOME", "TOUR_NUMBA_CACHE", "LOCALAPPDATA": os.environ.pop(name, None)
def home(): raise RuntimeError("Could not determine home directory.")
pathlib.Path.home = home
"""
    + LARGE
    + "tour.show_config()"
)


def test_a_user_without_a_home_has_no_cache(python):
    found = python(HOMELESS)
    assert found.startswith(FOUND + "True ") and "cache: none" in found


FULL = (
    """
import os
def replace(*_): raise OSError(28, "No space left on device")
os.replace = replace
"""
    + LARGE
)


def test_a_full_disk_leaves_nothing_half_written(python, tmp_path):
    assert python(FULL, TOUR_NUMBA_CACHE=str(tmp_path)).startswith(FOUND + "True ")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


DAMAGES = [
    lambda code: code[:1000],
    lambda _: b"",
    lambda code: bytes(len(code)),
    lambda code: code[:700] + bytes([code[700] ^ 255]) + code[701:],
]


def test_damaged_files_are_compiled_anew(python, tmp_path):
    first = python(LARGE, TOUR_NUMBA_CACHE=str(tmp_path))
    for path, damage in zip(sorted(tmp_path.rglob("*.o")), itertools.cycle(DAMAGES)):
        path.write_bytes(damage(path.read_bytes()))
    assert python(LARGE, TOUR_NUMBA_CACHE=str(tmp_path)) == first
    assert python(LARGE, TOUR_NUMBA_CACHE=str(tmp_path)) == first.replace("True", "False")


def test_processes_that_fill_it_at_once_do_not_disturb_each_other(python, tmp_path):
    environment = {**os.environ, "TOUR_NUMBA_CACHE": str(tmp_path)}
    several = [
        subprocess.Popen([sys.executable, "-c", LARGE], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert all(one.communicate()[0].startswith(FOUND) and one.returncode == 0 for one in several)
    assert python(LARGE, TOUR_NUMBA_CACHE=str(tmp_path)).startswith(FOUND + "False ")
    assert {p.suffix for p in tmp_path.rglob("*") if p.is_file()} == {".o"}
