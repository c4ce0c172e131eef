"""Every docstring example of tour, run on the device: it prints what it prints on the CPU."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import random
import re

import pytest

import tour

PACKAGES = ("tour", "tour.autograd", "tour.func", "tour.nn", "tour.optim")
APART = ("tour.cuda", "tour.numba", "tour.distributed", "tour.utils")  # packages of their own
DEVICE = re.compile(r"(,\s*)?\bdevice='cuda:0'(, )?")


def modules():
    for package in PACKAGES:
        module = importlib.import_module(package)
        yield package
        for found in pkgutil.walk_packages(module.__path__, package + "."):
            if not found.name.startswith(APART):
                yield found.name


def examples():
    finder, found = doctest.DocTestFinder(exclude_empty=True), {}
    for name in modules():
        for test in finder.find(importlib.import_module(name)):
            if test.examples:
                found.setdefault(test.name, test)
    return found


# Those that show where something is, how it lies in memory, or what only the host has.
ELSEWHERE = set(
    """
    tour._devices.get_default_device tour._devices.set_default_device tour._errors.describe tour._storage.Storage.is_cpu
    tour._tensor.Tensor.device tour._tensor.Tensor.is_cuda tour.ops.casting.Casting.cpu tour.ops.casting.legacy_type
    tour.ops.questions.get_device tour.ops.questions.typename tour.nn.modules._parameter_container.ParameterList

    tour.ops.creation.from_file tour.ops.factories.empty_permuted tour.ops.factories.empty_strided
    tour.ops.new.New.new_empty_strided

    tour._storage.Storage.apply_ tour._storage.Storage.map_ tour._storage.Storage.map2_ tour._tensor.Tensor.numpy
    tour.amp.autocast_mode.autocast tour.amp.autocast_mode.custom_fwd tour.amp.autocast_mode.set_autocast_cpu_enabled
    tour.amp.autocast_mode.set_autocast_enabled tour.autograd.function.once_differentiable tour.linalg.factoring.ldl_factor
    tour.linalg.factoring.ldl_factor_ex tour.linalg.solving.ldl_solve
    """.split()
)
EXAMPLES = {name: test for name, test in examples().items() if name not in ELSEWHERE}


class Checker(doctest.OutputChecker):
    def check_output(self, want, got, flags):
        plain = DEVICE.sub(lambda m: ", " if m[1] and m[2] else "", got)
        return super().check_output(want, plain, flags | doctest.NORMALIZE_WHITESPACE)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs_there(fake, name):
    for sibling in APART:
        if any(sibling in e.source for e in EXAMPLES[name].examples):
            pytest.importorskip(sibling)
    heard: list[str] = []
    random.seed(0)
    runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=doctest.ELLIPSIS)
    with tour.device("cuda"):
        runner.run(EXAMPLES[name], out=heard.append, clear_globs=False)
    assert not runner.failures, "".join(heard)
