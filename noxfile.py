"""Build, test and check the packages, each with only the layers below it installed.

`nox -l` lists the sessions; `nox -s tests` runs what the README promises; `.ci/run` runs the whole gate.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "layers", "types", "lint"]

# Import times are tested, so bytecode must be written.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = nox.project.load_toml("pyproject.toml")
FOLDERS = {path.parent.name: path for path in sorted(Path(__file__).parent.glob("packages/*/pyproject.toml"))}
TABLES = {name: nox.project.load_toml(path) for name, path in FOLDERS.items()}


# MkDocs Material's announcement of MkDocs 2, which would be a warning in a strict build.
QUIET = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}


def name_of(requirement: str) -> str:
    """The distribution that a requirement such as "tour-tensor>=0.1,<0.2" names."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return match[0]


def stack(name: str) -> list[str]:
    """A package and the siblings under it, lowest first."""
    siblings = [n for n in map(name_of, TABLES[name]["project"]["dependencies"]) if n in TABLES]
    return list(dict.fromkeys([*(below for n in siblings for below in stack(n)), name]))


PACKAGES = list(dict.fromkeys(n for name in TABLES for n in stack(name)))


def install(session: nox.Session, packages: list[str], *groups: str) -> None:
    """Install local packages in one call, so that no index is asked for a sibling; and the tools of some groups."""
    tools = [r for group in groups for r in nox.project.dependency_groups(ROOT, group)]
    session.install(*(f"./packages/{n}" for n in packages), *tools)


@nox.session
@nox.parametrize("package", PACKAGES, ids=[n.removeprefix("tour-") for n in PACKAGES])
def tests(session: nox.Session, package: str) -> None:
    """Test one package with only what it declares: its siblings, and those its tests need."""
    extras = TABLES[package].get("dependency-groups", {}).get("test", [])
    siblings = [below for r in extras if name_of(r) in TABLES for below in stack(name_of(r))]
    others = [r for r in extras if name_of(r) not in TABLES]
    packages = list(dict.fromkeys([*stack(package), *siblings]))
    tools = nox.project.dependency_groups(ROOT, "test")
    session.install(*(f"./packages/{n}" for n in packages), *others, *tools)
    if wanted := TABLES[package].get("dependency-groups", {}).get("test-if-possible"):
        session.install(*wanted, success_codes=range(256))  # 60 MB, for Linux and Windows only
    session.run("python", "-m", "pytest", f"packages/{package}/tests", *session.posargs)


@nox.session(default=False)
def openmpi(session: nox.Session) -> None:
    """Test tour-distributed over Open MPI, where `tests` takes MPICH."""
    install(session, [*stack("tour-distributed"), *stack("tour-optim")], "test")
    session.install("openmpi>=5")
    env = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",  # more ranks than cores
    }
    session.run("python", "-m", "pytest", "packages/tour-distributed/tests", *session.posargs, env=env)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Train a network on real handwritten digits; options after `--` go to the script."""
    install(session, PACKAGES, "examples")
    session.run("python", "examples/digits.py", *session.posargs)


@nox.session(default=False)
def together(session: nox.Session) -> None:
    """With all packages installed: every docstring example, every example script in its short form, the tests at the root."""
    install(session, PACKAGES, "test", "examples", "dropin")
    session.run("python", "-m", "pytest", "--doctest-modules", "--pyargs", "tour")
    session.run("python", "-m", "pytest", "tests", "--ignore=tests/parity", *session.posargs)
    for script in sorted(Path("examples").glob("*.py")):
        session.run("python", str(script), "--short", "--out", f"{session.create_tmp()}/{script.stem}.png")


@nox.session
def layers(session: nox.Session) -> None:
    """Check that packages import exactly the siblings they declare."""
    session.run("python", "tools/check_layers.py")


@nox.session
def types(session: nox.Session) -> None:
    """Type-check every source tree."""
    session.install(*nox.project.dependency_groups(ROOT, "types"))
    session.run("mypy", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style."""
    session.install(*nox.project.dependency_groups(ROOT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the site into site/; pass `serve` to preview it."""
    install(session, PACKAGES, "docs")
    session.run(
        "mkdocs", *(session.posargs or ["build", "--strict"]), env=QUIET
    )  # never -q: it hides strict's warnings


@nox.session(default=False)
def site(session: nox.Session) -> None:
    """Build the site and open every page in a headless Chromium; pictures of the pages go into site-pictures/."""
    install(session, PACKAGES, "site")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        session.run("playwright", "install", "chromium")  # or, on Debian: apt-get install chromium
    session.run("mkdocs", "build", "--strict", env=QUIET)
    session.run("python", "tools/check_site.py", "site", "--pictures", "site-pictures", *session.posargs)


# PyTorch comes by pip, which heeds pip's own settings (find-links, extra indexes) for the small CPU build; uv would
# fetch gigabytes of CUDA libraries.
@nox.session(default=False, venv_backend="virtualenv")
def parity(session: nox.Session) -> None:
    """Compare with PyTorch 2.13.0 on a CPU, the oracle, over its own operator database."""
    session.install(
        "torch==2.13.0", "expecttest", "scipy>=1.14", "scikit-learn>=1.6", *nox.project.dependency_groups(ROOT, "test")
    )
    session.install(*(f"./packages/{n}" for n in PACKAGES))
    session.run("python", "-m", "pytest", "tests/parity", "-q", *session.posargs)


# PyTorch comes by pip, as for `parity`.
@nox.session(default=False, venv_backend="virtualenv")
def bench(session: nox.Session) -> None:
    """Time tour against PyTorch 2.13.0 on this CPU, and write docs/performance.md; parts of names after `--` run only those."""
    session.install("torch==2.13.0", "matplotlib>=3.10")
    session.install(*(f"./packages/{n}" for n in PACKAGES))
    session.run("python", "benchmarks/run.py", *session.posargs)


# The machine's own PyTorch and cuDNN are seen: they are large, and fit its driver.
@nox.session(default=False, venv_backend="virtualenv", venv_params=["--system-site-packages"])
def gpu(session: nox.Session) -> None:
    """On a machine with an NVIDIA GPU: the suites of tour-cuda against the CPU, replay against eager, times against PyTorch's."""
    install(session, PACKAGES, "test")
    session.install("./packages/tour-cuda[cuda13x,cudnn]")
    session.run("python", "tools/check_gpu.py", *session.posargs)


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build every sdist and wheel into dist/, and check that no file is in two wheels."""
    shutil.rmtree("dist", ignore_errors=True)
    session.install(*nox.project.dependency_groups(ROOT, "build"))
    for name in PACKAGES:
        session.run("python", "-m", "build", "--installer=uv", "--outdir", "dist", f"packages/{name}")
    session.run("python", "-m", "twine", "check", "--strict", *map(str, sorted(Path("dist").glob("*"))))
    session.run("python", "tools/check_wheels.py", "dist")


@nox.session(default=False, venv_backend="none")
def dev(session: nox.Session) -> None:
    """Make .venv with every package editable and every tool."""
    session.run("python3", "-m", "venv", ".venv", external=True)
    tools = [r for group in ROOT["dependency-groups"] for r in nox.project.dependency_groups(ROOT, group)]
    editable = [arg for n in PACKAGES for arg in ("-e", f"./packages/{n}")]
    session.run(".venv/bin/python", "-m", "pip", "install", "--quiet", *editable, *tools, external=True)
