"""Start a script on several ranks: `python -m tour.distributed.run -n 4 train.py --epochs 3`.

A thin wrapper round the `mpiexec` of the installed MPI: whatever stands before the script goes to it, so that hosts, binding and
all its other options are its own. What is added: every rank's share of the cores, PyTorch's RANK, WORLD_SIZE and LOCAL_RANK,
and a restart after a failure:

    --max-restarts N    start again up to N times; TOUR_RESTART_COUNT says to the script how often, and the script
                        begins where its last checkpoint ends
    --shrink            start again with one rank fewer each time

`mpiexec -n 4 python train.py` does the same without these.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tour.distributed._witness import first_killed


@dataclass
class Options:
    """What the command line says.

    Attributes:
        launcher: Arguments of mpiexec.
        script: The script and its arguments.
        ranks: How many processes.
        restarts: How often to start again.
        shrink: Whether with one rank fewer each time.
    """

    launcher: list[str] = field(default_factory=list)
    script: list[str] = field(default_factory=list)
    ranks: int = 1
    restarts: int = 0
    shrink: bool = False


def parse(arguments: list[str]) -> Options:
    """Divide a command line: own options, mpiexec's, and the script with its arguments.

    Raises:
        SystemExit: If no script is named, or a number is none.

    Examples:
        >>> parse(["-n", "4", "--max-restarts", "2", "-bind-to", "core", "train.py", "-n", "7"])
        Options(launcher=['-bind-to', 'core'], script=['train.py', '-n', '7'], ranks=4, restarts=2, shrink=False)
    """
    options, rest = Options(), list(arguments)
    while rest:
        word = rest.pop(0)
        if word.endswith(".py") or word == "-m":
            options.script = [word, *rest]
            return options
        if word in ("-n", "-np", "--nproc-per-node"):
            options.ranks = _whole_number(word, rest)
        elif word == "--max-restarts":
            options.restarts = _whole_number(word, rest)
        elif word == "--shrink":
            options.shrink = True
        elif word in ("-h", "--help"):
            raise SystemExit(__doc__)
        else:
            options.launcher.append(word)
    raise SystemExit(
        "usage: python -m tour.distributed.run -n RANKS [--max-restarts N] [--shrink] [mpiexec's options] script.py ..."
    )


def _whole_number(option: str, rest: list[str]) -> int:
    text = rest.pop(0) if rest else ""
    if not text.isdecimal() or int(text) < (option != "--max-restarts"):
        raise SystemExit(f"{option} takes a whole number, got {text!r}")
    return int(text)


def mpiexec() -> str:
    """The launcher: the one installed beside this Python, or the first on the PATH.

    Raises:
        SystemExit: If there is none.
    """
    beside = Path(sys.executable).parent / "mpiexec"
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        raise SystemExit("no mpiexec was found; run `pip install mpich`")
    return found


def command(options: Options, ranks: int) -> list[str]:
    """What to run."""
    return [
        mpiexec(),
        "-n",
        str(ranks),
        *options.launcher,
        sys.executable,
        "-m",
        "tour.distributed._start",
        *options.script,
    ]


def watch(line: list[str], environment: dict[str, str]) -> int:
    """Run a job; if it fails because a rank of this machine was killed, say which."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as register:
        job = subprocess.Popen(line, env=environment | {"TOUR_RANKS": register})
        try:
            code = job.wait()
        except KeyboardInterrupt:  # the launcher has it too, and ends the ranks
            with contextlib.suppress(subprocess.TimeoutExpired):
                job.wait(10)
            job.terminate()
            raise
        if code and (said := first_killed(Path(register))) is not None:
            print(said, file=sys.stderr)
    return code


def main(arguments: list[str] | None = None) -> int:
    """Run the script; the exit code is that of its last run."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    code = 0
    for attempt in range(options.restarts + 1):
        ranks = max(1, options.ranks - attempt) if options.shrink else options.ranks
        share = str(max(1, (os.cpu_count() or 1) // ranks))
        environment = (
            {"OMP_NUM_THREADS": share, "OPENBLAS_NUM_THREADS": share}
            | os.environ
            | {"TOUR_RESTART_COUNT": str(attempt)}
        )
        code = watch(command(options, ranks), environment)
        if code == 0:
            break
        left = options.restarts - attempt
        print(
            f"the job of {ranks} ranks ended with code {code}"
            + (f"; {left} restarts left" if options.restarts else ""),
            file=sys.stderr,
        )
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # the ranks have been told
        sys.exit(130)
