"""tour-tensor stands alone: it loads no package above it, and says which one a name belongs to."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_ordinary_work_loads_no_package_above():
    above = (
        "tour.autograd",
        "tour.nn",
        "tour.optim",
        "tour.cuda",
        "tour.utils",
        "cupy",
        "numba",
        "scipy",
        "importlib.metadata",
    )
    run(
        "import sys, tour; x = tour.rand(2, 3); repr((x @ x.t()).exp()[0] + 1); "
        f"bad = [m for m in {above!r} if m in sys.modules]; assert not bad, bad"
    )


@pytest.mark.parametrize("name", ["nn", "optim", "utils", "distributed", "numba"])
def test_a_missing_package_is_named(name):
    code = f"""
import sys, importlib.abc
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, full, path=None, target=None):
        if full == "tour.{name}": raise ModuleNotFoundError(f"No module named {{full!r}}", name=full)
sys.meta_path.insert(0, Absent())
import tour
try: tour.{name}
except AttributeError as error: print(error)
"""
    assert run(code).strip() == f"tour.{name} is not installed; run `pip install tour-{name}`"


def test_gradients_without_tour_autograd_say_what_to_install():
    code = """
import sys, importlib.abc
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, full, path=None, target=None):
        if full == "tour.autograd": raise ModuleNotFoundError(f"No module named {full!r}", name=full)
sys.meta_path.insert(0, Absent())
import tour
try: tour.ones(2, requires_grad=True)
except RuntimeError as error: print(error)
"""
    assert "pip install tour-autograd" in run(code)


def test_cuda_answers_also_where_it_is_not_installed():
    code = """
import sys, importlib.abc
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, full, path=None, target=None):
        if full == "tour.cuda": raise ModuleNotFoundError(f"No module named {full!r}", name=full)
sys.meta_path.insert(0, Absent())
import tour
print(tour.cuda.is_available(), tour.cuda.device_count(), tour.cuda.memory_allocated(), hasattr(tour.cuda, "Stream"))
tour.cuda.manual_seed_all(1)
tour.cuda.empty_cache()
try: tour.cuda.Stream()
except AttributeError as error: print(error)
"""
    first, second = run(code).strip().splitlines()
    assert first == "False 0 0 False"
    assert (
        "tour.cuda.Stream comes with tour-cuda, which is not installed; run `pip install 'tour-cuda[cuda13x]'`"
        in second
    )


def test_a_typo_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'tour' has no attribute 'tensr'"):
        import tour

        tour.tensr  # noqa: B018
