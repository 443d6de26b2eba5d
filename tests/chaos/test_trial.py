"""A trial that dies, raises, hangs, leaks, or finds the disk full: the same table, nothing trained
twice, and the report says what happened.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest
import typer

from sweeper.cli.launch import EXIT_FAILED
from sweeper.errors import FaultError
from sweeper.faults import RETRIES
from tests.chaos.world import cells, order, report, run, same, slow, sweep_file
from tests.end_to_end.command import Running
from tests.mounted import small_disk

pytestmark = slow

GIB = 2**30


def incidents(folder: Path) -> list[dict[str, str]]:
    """What happened, as the report has it for machines."""
    found = json.loads((folder / "results" / "chaos" / "report.json").read_text())["incidents"]
    assert isinstance(found, list)
    return found


def test_a_trial_that_dies_one_that_raises_and_one_that_hangs_leave_no_trace_in_the_table(
    tmp_path: Path, undisturbed: pd.DataFrame
) -> None:
    order("one", "die", after=30)
    order("two", "raise", after=30)
    order("three", "hang", after=20)
    same(run(tmp_path, more="budget: {max_silence_minutes: 0.6}\n"), undisturbed)
    said = {one["fault"]: one["note"] for one in incidents(tmp_path)}
    assert {"worker died", "error raised", "trial hung"} <= said.keys()
    assert said["worker died"].startswith("its worker process died after epoch ")
    assert "; attempt 2 goes on from its " in said["worker died"]
    assert said["error raised"].startswith("ValueError: no patience after epoch ")
    assert "no word of it for 0.6 min" in said["trial hung"]
    text = report(tmp_path)
    assert "## What happened on the way" in text
    assert "**trial hung**, place three, seed" in text


def test_a_trial_that_always_raises_is_skipped_and_the_sweep_goes_on(
    tmp_path: Path, undisturbed: pd.DataFrame
) -> None:
    order("two", "raise-always", after=1)
    with pytest.raises(typer.Exit) as end:
        run(tmp_path)
    assert end.value.exit_code == EXIT_FAILED
    found = cells(tmp_path)
    others = found["role.place"] != "two"
    same(whole(found[others]), whole(undisturbed[others]))
    assert found.loc[~others, "holes"].tolist() == ["failed 1"]
    raised = [one for one in incidents(tmp_path) if one["fault"] == "error raised"]
    assert len(raised) == RETRIES + 1
    assert raised[-1]["note"].endswith(f"given up after {RETRIES + 1} failures in a row")
    (trace,) = (tmp_path / "results").glob("work/*/failures/*")
    assert {one["trial"] for one in raised} == {trace.stem}
    assert "raise ValueError" in trace.read_text()


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that say nothing."""
    return table.dropna(axis="columns", how="all")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A results folder on a disk of its own."""
    with small_disk(tmp_path / "results", "320m") as place:
        yield place


def test_a_full_disk_ends_the_launch_and_the_same_command_goes_on(
    tmp_path: Path, disk: Path, undisturbed: pd.DataFrame
) -> None:
    order("two", "full", after=10)  # a worker that writes where there is no room
    with pytest.raises(FaultError, match="No space left on device") as end:
        run(tmp_path)
    assert str(disk) in str(end.value)
    assert end.value.exit_code == 6

    assert shutil.disk_usage(disk).total < 2 * GIB, "not the small disk"
    filled = threading.Thread(target=fill, args=(disk,), daemon=True)
    filled.start()
    with pytest.raises(FaultError) as end:
        run(tmp_path)
    filled.join()
    assert "the disk refused" in str(end.value)
    assert str(disk) in str(end.value)

    (disk / "filling").unlink()
    same(run(tmp_path), undisturbed)
    assert "**disk full**" in report(tmp_path)


def fill(place: Path) -> None:
    """Take all room in `place`, as soon as a launch is under way there; its size and no more."""
    end = time.monotonic() + 300
    while not list(place.glob("work/*/tune-*")):
        if time.monotonic() > end:
            return
        time.sleep(0.1)
    with (place / "filling").open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                for _ in range(shutil.disk_usage(place).free // size + 1):
                    file.write(b"0" * size)


def test_a_leaking_trial_goes_on_in_a_fresh_worker(
    tmp_path: Path, undisturbed: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = psutil.virtual_memory()
    room = 6 * GIB  # for two workers, and the leak
    if memory.available < room + 4 * GIB:
        pytest.skip(f"{memory.available / GIB:.0f} GiB of memory are free, 10 are needed")
    threshold = (memory.total - memory.available + room) / memory.total
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{threshold:.3f}")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "100")
    order("one", "leak", after=20)
    sweeper = Running(
        "run", sweep_file(tmp_path), "--results", tmp_path / "results", folder=tmp_path
    )
    assert sweeper.end() == 0, sweeper.text()
    same(cells(tmp_path), undisturbed)
    said = {one["fault"]: one["note"] for one in incidents(tmp_path)}
    assert "had no memory left, and Ray ended its worker process" in said["out of memory"]
    assert "goes on from its " in said["out of memory"]
