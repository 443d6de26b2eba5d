"""Nothing that finished is trained again, nothing recorded is lost, whatever is killed."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import psutil
import pytest

from sweeper.faults import Fault
from tests.end_to_end.command import (
    RUN,
    Running,
    cells,
    ended,
    faults,
    sweeper,
    undisturbed,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a busy machine starts Ray slowly


def test_after_kills_of_worker_driver_and_both_the_same_command_gives_the_same_table(
    tmp_path: Path, folder: Path
) -> None:
    first = Running(*RUN, folder=tmp_path)
    first.wait_for(lambda text: ended(text) >= 1)
    workers = first.workers()
    assert workers
    workers[0].kill()
    before = ended(first.text())
    first.wait_for(lambda text: ended(text) > before)
    # Ray's agents hold no resources and take a minute or two to notice; these must be gone at once
    below = [*first.servers(), *first.workers()]
    assert len(first.servers()) == 2
    first.kill()
    finished = ended(first.text())
    assert "failed" not in first.text()
    _, alive = psutil.wait_procs(below, timeout=60)
    assert not alive, f"the driver left processes behind: {alive}"

    second = Running(*RUN, folder=tmp_path)
    second.wait_for(lambda text: ended(text) >= 1)
    for process in second.below():
        if process.is_running():
            process.kill()
    second.kill()
    assert f" {finished} reused" in second.text()
    finished += ended(second.text())

    last = sweeper(*RUN, "--json", folder=tmp_path)
    assert last.returncode == 0, last.stderr
    said = json.loads(last.stdout)
    assert said["reused"] == finished
    pd.testing.assert_frame_equal(cells(tmp_path), undisturbed(folder))
    assert faults(tmp_path).count(Fault.DRIVER_DIED) == 2
    assert f"ended without a word; {finished} trials are reused" in last.stderr
    assert not list((tmp_path / "results" / "work" / "smoke").glob("tune-*"))
    assert not (tmp_path / "results" / "running").exists()
