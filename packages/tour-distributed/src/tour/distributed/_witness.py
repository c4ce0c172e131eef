"""A process beside each rank that knows how the rank ended.

When one rank is killed, the launcher kills all others, and may name any of them. So what the launcher starts is not the rank: it starts
a process that starts a witness, which starts the rank. The witness is in a session of its own, where no launcher looks for it;
it is the parent of the rank, so the system keeps the rank's last status until the witness asks, however busy the machine is.
A rank that was still alive when the launcher's own process ended is ended by its witness, and is none that failed.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

PATIENCE = 2.0  # seconds for a rank to end when it is told to
RANK = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")  # what launchers call the number of a process
FORWARDED = (signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)


def attend(register: Path | None) -> None:
    """Go on as a rank that is attended; what the launcher started, and the witness, never return from here.

    Args:
        register: The folder in which `tour.distributed.run` looks for what became of the ranks; None on another machine.
    """
    launched, launcher_lives = os.pipe()  # the writing end closes when what the launcher started ends, in whatever way
    witness = os.fork()
    if witness:
        os.close(launched)
        _forward(witness)
        _end_alike(_status(witness))
    os.close(launcher_lives)
    os.setsid()
    rank = os.fork()
    if not rank:
        os.close(launched)
        return
    _forward(rank)
    _witness(rank, launched, register)


def _forward(to: int) -> None:
    """Hand on the signals that somebody at the keyboard, or a cluster, sends a job to tell it something."""

    def hand_on(number: int, _: Any) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(to, number)

    for number in FORWARDED:
        signal.signal(number, hand_on)


def _status(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _witness(rank: int, launched: int, register: Path | None) -> None:
    """Wait for the rank to end, or for the launcher's process, whichever is first; write down what became of the rank."""
    name = next((os.environ[n] for n in RANK if n in os.environ), "?")
    if register is not None:
        (register / str(rank)).write_text(name)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    ready: list[int] = []
    while True:
        ended, status = os.waitpid(rank, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            break
        if launched in ready:  # and the rank has not ended by itself
            code = 0
            _stop(rank)
            break
        ready, _, _ = select.select([woken, launched], [], [])
        if woken in ready:
            os.read(woken, 512)
    if register is not None:
        (register / f"{rank}.writing").write_text(f"{code} {time.monotonic_ns()}")
        os.replace(register / f"{rank}.writing", register / f"{rank}.ended")
    elif code < 0:
        print(killed(name, rank, -code), file=sys.stderr, flush=True)
    _end_alike(code)


def _stop(rank: int) -> None:
    """End a rank that has lost its launcher."""
    if os.waitpid(rank, os.WNOHANG)[0]:
        return
    os.kill(rank, signal.SIGTERM)
    late = time.monotonic() + PATIENCE
    while time.monotonic() < late:
        if os.waitpid(rank, os.WNOHANG)[0]:
            return
        time.sleep(0.02)
    os.kill(rank, signal.SIGKILL)


def _end_alike(code: int) -> None:
    """End as a child did: with its exit code, or by its signal."""
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    os._exit(abs(code))


def killed(rank: str, pid: int, number: int) -> str:
    """What to say of a rank that a signal has ended."""
    return f"rank {rank} (PID {pid}) was ended by signal {number} ({signal.Signals(number).name})"


def first_killed(register: Path, patience: float = 10.0) -> str | None:
    """Which rank a signal ended first, once all witnesses have written down what they saw; None if none was.

    Args:
        register: The folder where they write.
        patience: Seconds to wait for the last of them.
    """
    late = time.monotonic() + patience
    while any(not path.with_suffix(".ended").exists() for path in register.iterdir() if not path.suffix):
        if time.monotonic() > late:
            break
        time.sleep(0.02)
    ends = []
    for path in register.glob("*.ended"):
        code, when = map(int, path.read_text().split())
        if code < 0:
            ends.append((when, path.with_suffix(""), -code))
    if not ends:
        return None
    _, rank, number = min(ends)
    return killed(rank.read_text(), int(rank.name), number)
