"""The whole chain on the smoke sweep: file -> Ray -> MLflow -> report."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.end_to_end.command import RUN, sweeper

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a busy machine starts Ray slowly


def _cells(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "results" / "smoke" / "cells.csv")


def test_report_has_a_row_for_every_planned_cell(folder: Path) -> None:
    planned = json.loads(sweeper("plan", *RUN[1:], "--json", folder=folder).stdout)
    assert len(planned["cells"]) > 3
    assert len(_cells(folder)) == len(planned["cells"])
    assert planned["missing"] == 0


def test_same_command_again_trains_nothing(folder: Path) -> None:
    before = _cells(folder)
    again = sweeper(*RUN, "--json", folder=folder)
    said = json.loads(again.stdout)
    assert again.returncode == 0, again.stderr
    assert said["trained"] == {}
    assert said["reused"] > 0
    pd.testing.assert_frame_equal(before, _cells(folder))


def test_report_is_rebuilt_from_the_store_alone(folder: Path) -> None:
    report = folder / "results" / "smoke"
    before = {path: path.read_bytes() for path in report.rglob("*") if path.is_file()}
    for path in before:
        path.unlink()
    rebuilt = sweeper("report", "smoke", folder=folder)
    assert rebuilt.returncode == 0, rebuilt.stderr
    after = {path: path.read_bytes() for path in report.rglob("*") if path.is_file()}
    assert after == before


def test_status_counts_every_trial_as_finished(folder: Path) -> None:
    said = json.loads(sweeper("status", "smoke", "--json", folder=folder).stdout)
    assert said["missing"] == 0
    assert said["counts"] == {"finished": said["trials"]}


def test_resume_needs_no_file(folder: Path) -> None:
    resumed = sweeper("resume", "smoke", "--json", folder=folder)
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["trained"] == {}


def test_more_seeds_train_only_the_new_ones(folder: Path) -> None:
    before = json.loads(sweeper("status", "smoke", "--json", folder=folder).stdout)["trials"]
    more = sweeper(*RUN, "--seeds", "3", "--max-trials", "1", "--json", folder=folder)
    said = json.loads(more.stdout)
    assert more.returncode == 4, more.stderr  # budget exhausted: trials are left
    assert said["reused"] == before
    assert sum(said["trained"].values()) == 1
    assert said["left"] > 0
