"""Packages that import a file with the first use of one of its names: nothing is lost by it, at run time or to tools."""

from __future__ import annotations

import ast
import pickle
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import tour

PACKAGES = ("tour.nn", "tour.nn.functional", "tour.nn.modules", "tour.optim")

# Files with public names that PyTorch's package does not repeat, or that have a path of their own there.
APART = {
    "tour.nn.attention": None,
    "tour.nn.grad": None,
    "tour.nn.init": None,
    "tour.nn.hooks": None,
    "tour.nn.backward_hooks": None,
    "tour.nn.parameter": {"UninitializedTensorMixin", "is_lazy"},
    "tour.nn.modules.lazy": {"LazyModuleMixin"},
    "tour.optim.optimizer": {
        "register_optimizer_step_post_hook",
        "register_optimizer_step_pre_hook",
        "required",
    },
    "tour.optim.swa_utils": None,
}


def files(package: str) -> dict[str, set[str]]:
    """The public files of a package and the names that each is to give it."""
    found = {}
    for info in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        apart = APART.get(info.name, set())
        if not info.name.rpartition(".")[2].startswith("_") and not info.ispkg and apart is not None:
            found[info.name] = set(getattr(import_module(info.name), "__all__", ())) - apart
    return found


def modules(package: str) -> set[str]:
    return {info.name for info in pkgutil.iter_modules(import_module(package).__path__)}


def named(package: str) -> set[str]:
    """The names that a package lists, other than those of its own files."""
    return set(import_module(package).__all__) - modules(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_names_are_those_of_the_files(package):
    module, given = import_module(package), files(package)
    expected = set().union(*given.values())
    if package == "tour.nn":
        expected |= named("tour.nn.modules")
    if package == "tour.optim":
        expected.add("swap_in_optimizer_params_and_state")
    assert named(package) == expected
    for file, names in given.items():
        for name in names:
            assert getattr(module, name) is getattr(sys.modules[file], name)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_listed_name_is_no_file_that_holds_others(package):
    """Importing a file sets its name on the package, whatever was there."""
    called_alike = set(import_module(package).__all__) & modules(package)
    assert called_alike <= {"attention", "functional", "grad", "init", "utils", "lr_scheduler", "swa_utils"}


@pytest.mark.parametrize("package", PACKAGES)
def test_tools_see_the_same_names(package):
    source = ast.parse(Path(import_module(package).__file__).read_text(encoding="utf-8"))
    branch = next(
        node for node in source.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    )
    seen = set()
    for node in branch.body:
        for alias in node.names:
            given = import_module(node.module).__all__ if alias.name == "*" else [alias.asname]
            seen.update(given)
    assert seen - modules(package) - {"SyncBatchNorm"} == named(package)  # from tour-distributed


@pytest.mark.parametrize("package", PACKAGES)
def test_star_imports_and_dir_and_missing_names(package):
    module, everything = import_module(package), {}
    exec(f"from {package} import *", everything)
    assert set(module.__all__) <= set(everything) and set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match=rf"module '{package}' has no attribute 'nothing'"):
        module.nothing  # noqa: B018
    assert not hasattr(module, "__wrapped__")


@pytest.mark.parametrize(
    "code, loaded",
    [
        ("import tour.nn", "tour.nn.modules.module"),
        ("import tour.nn; tour.nn.Linear(2, 2)", "tour.nn.modules.convolution"),
        ("import tour.nn.functional as F; F.relu", "tour.nn.functional.attention"),
        ("import tour.optim; tour.optim.SGD", "tour.optim.adam"),
    ],
)
def test_what_is_not_used_is_not_loaded(code, loaded):
    subprocess.run([sys.executable, "-c", f"{code}; import sys; assert {loaded!r} not in sys.modules"], check=True)


def test_a_pickled_layer_comes_back_in_a_process_that_has_named_nothing():
    data = pickle.dumps(tour.nn.Sequential(tour.nn.Linear(2, 1), tour.nn.ReLU()))
    code = f"import pickle; net = pickle.loads({data!r}); import tour.nn as nn; assert isinstance(net[0], nn.Linear)"
    subprocess.run([sys.executable, "-c", code], check=True)
