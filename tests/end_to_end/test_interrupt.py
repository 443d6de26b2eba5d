"""Ctrl-C once and twice, `kill`, and a clock set back: the same command gives the same table."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from sweeper.execution.interrupt import EXIT_INTERRUPTED, GRACE
from sweeper.faults import Fault
from sweeper.tracking.history import launches
from sweeper.tracking.store import open_store
from tests.end_to_end.command import (
    DAY_BACK,
    RUN,
    Running,
    cells,
    ended,
    faults,
    sweeper,
    undisturbed,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a busy machine starts Ray slowly
LAST = "Interrupted. What is recorded stays; the same command goes on."


def test_after_interruptions_and_with_the_clock_set_back_the_same_command_gives_the_same_table(
    tmp_path: Path, folder: Path
) -> None:
    once = Running(*RUN, folder=tmp_path)
    once.wait_for(lambda text: ended(text) >= 1)
    below = [*once.servers(), *once.workers()]
    once.signal(signal.SIGINT)
    assert once.end(60) == EXIT_INTERRUPTED
    finished = ended(once.text())
    assert once.text().splitlines()[-1] == LAST
    assert "ends when nothing is half done" in once.text()
    assert not re.search("Traceback|failed|attempt 2", once.text())
    _, alive = psutil.wait_procs(below, timeout=60)
    assert not alive, f"it left processes behind: {alive}"
    assert faults(tmp_path) == [Fault.INTERRUPTED]
    assert not (tmp_path / "results" / "running").exists()

    twice = Running(*RUN, folder=tmp_path)
    twice.wait_for(lambda text: "start " in text)
    below = [*twice.servers(), *twice.workers()]
    began = time.monotonic()
    twice.signal(signal.SIGTERM)
    twice.signal(signal.SIGINT)
    assert twice.end(60) == EXIT_INTERRUPTED
    assert time.monotonic() - began < GRACE + 10
    assert "Traceback" not in twice.text()
    assert f" {finished} reused" in twice.text()
    finished += ended(twice.text())
    _, alive = psutil.wait_procs(below, timeout=60)
    assert not alive, f"it left processes behind: {alive}"

    back = sweeper(*RUN, "--json", folder=tmp_path, command=("-c", DAY_BACK))
    assert back.returncode == 0, back.stderr
    said = json.loads(back.stdout)
    assert said["reused"] == finished
    pd.testing.assert_frame_equal(cells(tmp_path), undisturbed(folder))
    assert Fault.CLOCK_BACK in faults(tmp_path)
    (launch,) = launches(open_store(said["store"]), "smoke")
    assert launch.launched / 1000 > time.time() - 3600  # no day back
    assert not launch.running
