"""The same sweep started twice is refused; others that share its trials may run beside it."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from sweeper.tracking import history, names
from sweeper.tracking.store import open_store
from tests.end_to_end.command import RUN, SMOKE, Running, cells, ended, sweeper, undisturbed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a busy machine starts Ray slowly


def test_started_twice_it_is_refused_and_another_sweep_with_its_trials_is_not(
    tmp_path: Path, folder: Path
) -> None:
    copy = tmp_path / "other.yaml"
    copy.write_text(f"name: other\n{SMOKE.read_text()}")
    first = Running(*RUN, folder=tmp_path)
    first.wait_for(lambda text: "trials to run" in text)
    other = Running("run", copy, *RUN[2:], folder=tmp_path)

    began = time.monotonic()
    same = sweeper(*RUN, folder=tmp_path)
    took = time.monotonic() - began
    assert same.returncode == 2
    told = f"error: sweep smoke: is being run by process {first.process.pid} on "
    assert same.stderr.startswith(told), same.stderr
    assert "expected one launch at a time. Wait for it, or " in same.stderr
    assert took < 30  # python, and reading the file, on a busy machine; `alone` waits a second

    store = f"sqlite:///{tmp_path / 'results' / 'mlflow.db'}"
    elsewhere = sweeper(*RUN, "--store", store, "--results", "elsewhere", folder=tmp_path)
    assert elsewhere.returncode == 2
    assert elsewhere.stderr.startswith(told), elsewhere.stderr
    assert not (tmp_path / "elsewhere").exists()

    assert first.end() == 0, first.text()
    assert other.end() == 0, other.text()
    assert not ended(same.stderr + elsewhere.stderr)
    pd.testing.assert_frame_equal(cells(tmp_path), undisturbed(folder))
    pd.testing.assert_frame_equal(cells(tmp_path, "other"), undisturbed(folder))
    opened = open_store(store)
    there = history.experiments(opened)
    for sweep in ("smoke", "other"):
        (launch,) = history.launches(opened, sweep)
        assert not launch.running
        assert not launch.incidents
        tags = opened.client.get_experiment(there[sweep]).tags
        assert not [key for key in tags if key.startswith(names.LEASE)]
    runs = opened.client.search_runs(list(there.values()), f"tags.`{names.KIND}` = '{names.TRIAL}'")
    assert max(Counter(run.data.tags[names.TRIAL_ID] for run in runs).values()) <= 2
    assert {run.info.status for run in runs} == {"FINISHED"}
