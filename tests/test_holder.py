"""A process is told from every other one, and known to have ended, without a clock."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeper.holder import Holder, twice

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="only Linux says when a process started"
)
SAY = "from sweeper.holder import Holder; print(Holder.here().to_json(), flush=True); input()"


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", SAY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    ) as process:
        yield process
        process.kill()


def test_another_process_lives_until_it_is_killed_even_before_anybody_waits_for_it(
    other: subprocess.Popen[str],
) -> None:
    assert other.stdout is not None
    holder = Holder.from_json(other.stdout.readline())
    assert holder.pid == other.pid
    assert not holder.is_here()
    assert holder.lives() is True
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie from now on
    assert holder.lives() is False
    other.wait()
    assert holder.lives() is False


def test_a_pid_that_was_given_away_again_is_another_process() -> None:
    here = Holder.here()
    assert here.lives() is True
    assert here.is_here()
    earlier = dataclasses.replace(here, started=str(int(here.started) - 1))
    assert earlier.lives() is False
    assert not earlier.is_here()


def test_of_another_machine_or_another_start_of_this_one_nothing_is_said() -> None:
    assert dataclasses.replace(Holder.here(), machine="elsewhere").lives() is None


def test_names_and_clocks_do_not_matter() -> None:
    assert dataclasses.replace(Holder.here(), host="renamed", since="1970").is_here()


def test_the_refusal_names_place_holder_rule_and_remedy() -> None:
    told = str(twice("a, profile b", "process 7 on h since 2026-11-22 16:40 UTC"))
    assert told.startswith(
        "sweep a, profile b: is being run by process 7 on h since 2026-11-22 16:40 UTC; "
        "expected one launch at a time. Wait for it, or "
    )
