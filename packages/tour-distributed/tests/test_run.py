import pytest

from tour.distributed import run


def test_what_stands_before_the_script_goes_to_mpiexec():
    options = run.parse(["-n", "3", "-hosts", "a,b", "--shrink", "train.py", "--max-restarts", "5"])
    assert options.script == ["train.py", "--max-restarts", "5"]
    line = run.command(options, options.ranks)
    assert (
        line[1:5] == ["-n", "3", "-hosts", "a,b"]
        and line[-3:] == options.script
        and options.shrink
        and not options.restarts
    )


def test_a_module_may_stand_for_the_script():
    assert run.parse(["-n", "2", "-m", "package.train", "-n", "1"]).script == ["-m", "package.train", "-n", "1"]


@pytest.mark.parametrize(
    "line, words",
    [
        ([], "usage"),
        (["-n", "zero", "a.py"], "whole number"),
        (["-n", "0", "a.py"], "whole number"),
        (["-n"], "whole number"),
        (["--help"], "--shrink"),
    ],
)
def test_bad_command_lines(line, words):
    with pytest.raises(SystemExit, match=words):
        run.parse(line)
