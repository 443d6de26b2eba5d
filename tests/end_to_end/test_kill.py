"""Nothing that finished is trained again, nothing recorded is lost, whatever is killed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.end_to_end.command import SMOKE, Running, sweeper

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a busy machine starts Ray slowly

LONGER = ("--set", "epochs=6")  # so that a kill meets trials under way


def _table(folder: Path) -> pd.DataFrame:
    """The cells of the report, without what depends on the clock."""
    frame = pd.read_csv(folder / "results" / "smoke" / "cells.csv")
    return frame.drop(columns=[c for c in frame.columns if "second" in c or "run" in c])


def _ended(text: str) -> int:
    return len(re.findall(r"^finished", text, re.MULTILINE))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The table of a run that nobody killed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    ran = sweeper("run", SMOKE, *LONGER, folder=folder)
    assert ran.returncode == 0, ran.stderr
    return _table(folder)


def test_after_kill_of_the_driver_the_same_command_gives_the_same_table(
    tmp_path: Path, undisturbed: pd.DataFrame
) -> None:
    first = Running("run", SMOKE, *LONGER, folder=tmp_path)
    first.wait_for(lambda text: _ended(text) >= 2)
    # Ray's agents hold no resources and take a minute or two to notice; these must be gone at once
    below = [
        child
        for child in psutil.Process(first.process.pid).children(recursive=True)
        if child.name() in ("raylet", "gcs_server") or child in first.workers()
    ]
    first.kill()
    finished = _ended(first.text())
    _, alive = psutil.wait_procs(below, timeout=60)
    assert not alive, f"the driver left processes behind: {alive}"
    again = sweeper("run", SMOKE, *LONGER, "--json", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["reused"] >= finished
    pd.testing.assert_frame_equal(_table(tmp_path), undisturbed)


def test_after_kill_of_a_worker_the_sweep_goes_on_to_the_same_table(
    tmp_path: Path, undisturbed: pd.DataFrame
) -> None:
    run = Running("run", SMOKE, *LONGER, folder=tmp_path)
    run.wait_for(lambda text: _ended(text) >= 2)
    workers = run.workers()
    assert workers
    workers[0].kill()
    assert run.end() == 0, run.text()
    pd.testing.assert_frame_equal(_table(tmp_path), undisturbed)


def test_after_kill_of_driver_and_workers_the_same_command_gives_the_same_table(
    tmp_path: Path, undisturbed: pd.DataFrame
) -> None:
    run = Running("run", SMOKE, *LONGER, folder=tmp_path)
    run.wait_for(lambda text: _ended(text) >= 1)
    below = psutil.Process(run.process.pid).children(recursive=True)
    for process in below:
        if process.is_running():
            process.kill()
    run.kill()
    again = sweeper("run", SMOKE, *LONGER, folder=tmp_path)
    assert again.returncode == 0, again.stderr
    pd.testing.assert_frame_equal(_table(tmp_path), undisturbed)
