"""Jobs on several hosts: network namespaces of this machine, joined by a cable of their own, where the system allows them."""

import re


def test_ranks_on_two_hosts(hosts):
    done = hosts(3, "hosts.py")
    assert done.returncode == 0, done.stdout + done.stderr
    # Lines of different hosts may run into each other where the launcher joins them.
    assert sorted(re.findall(r"10\.77\.0\.\d", done.stdout)) == ["10.77.0.1", "10.77.0.1", "10.77.0.2"]


def test_the_failure_of_a_rank_ends_the_job_on_all_hosts(hosts):
    done = hosts(2, "faults.py", "exception")
    assert done.returncode != 0
    assert "FloatingPointError: the loss is NaN" in done.stderr and "rank 1 of 2 ended the job" in done.stderr
