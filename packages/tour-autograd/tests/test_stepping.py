"""`breakpoint()` in a hook or in the user's backward stops under the debugger, among the user's frames."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """\
import tour as torch

class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        {in_backward}
        return 3 * x ** 2 * g

def hook(g):
    scale = 10
    {in_hook}
    return g * scale

def train(x):
    y = Cube.apply(x)
    y.register_hook(hook)
    learned = "here"
    y.sum().backward()
    return x.grad

print("result", train(torch.tensor([1.0, 2.0], requires_grad=True)).tolist())
"""


def debugged(path: Path, commands: list[str], **stops: str) -> str:
    """What pdb and the program print."""
    path.write_text(PROGRAM.format(**{"in_backward": "pass", "in_hook": "pass", **stops}))
    done = subprocess.run(
        [sys.executable, str(path)], input="\n".join(commands), capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


@pytest.mark.parametrize(
    "stop, function, line, asked, answer",
    [
        ("in_hook", "hook", "-> return g * scale", "g.tolist(), scale", "([1.0, 1.0], 10)"),
        ("in_backward", "backward", "-> return 3 * x ** 2 * g", "x.tolist(), g.tolist()", "([1.0, 2.0], [10.0, 10.0])"),
    ],
)
def test_the_debugger_sees_the_users_frames(tmp_path, stop, function, line, asked, answer):
    commands = [f"p {asked}", "where", "continue"]
    out = debugged(tmp_path / "program.py", commands, **{stop: "breakpoint()"})
    assert line in out and answer in out
    assert f"{function}()" in out and "train()" in out and "-> y.sum().backward()" in out
    assert "result [30.0, 120.0]" in out


def test_variables_of_the_training_function_are_in_reach(tmp_path):
    commands = [*["up"] * 5, "p learned", "continue"]  # hook, engine, autograd, tensor, train
    out = debugged(tmp_path / "program.py", commands, in_hook="breakpoint()")
    assert "'here'" in out and "result [30.0, 120.0]" in out


def test_stepping_goes_from_backward_into_the_rule(tmp_path):
    program = """
import tour as torch
x = torch.tensor([0.5], requires_grad=True)
y = x.tanh()
breakpoint()
y.backward()
"""
    path = tmp_path / "steps.py"
    path.write_text(program)
    commands = [
        "import tour.autograd.engine as e",
        "break e.run",
        "continue",
        "where",
        "continue",
    ]
    out = subprocess.run(
        [sys.executable, str(path)], input="\n".join(commands), capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert "steps.py(6)<module>()" in out and "run()" in out and "-> engine.run(" in out
