"""Ctrl-C anywhere ends in one line and exit code 130; a launch that was cut off is in the report.

All trials of these launches are in the store before, so that no Ray is needed.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import reports.build
from sweeper.cli import launch, planning
from sweeper.faults import Fault, Incident
from sweeper.spec.plan import Plan
from sweeper.tracking.history import launches
from sweeper.tracking.spool import Spool
from sweeper.tracking.store import Store
from sweeper.tracking.writer import Writer
from tests.cli.conftest import Said
from tests.tracking import made

Command = Callable[..., Said]
SWEEP = """\
base: {method: iip, backbone: embedded, task: digits, epochs: 1}
seeds: [0, 1]
"""
LAST = "Interrupted. What is recorded stays; the same command goes on.\n"


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def file(tmp_path: Path, command: Command) -> Path:
    del command  # it goes into the empty folder that the sweep's file then lies in
    path = tmp_path / "small.yaml"
    path.write_text(SWEEP)
    return path


def recorded(file: Path, *, ended: bool) -> tuple[Store, Plan]:
    """The store of a launch that trained all of the plan; whether it said its end."""
    plan = launch.read_plan(file, profile=None, settings=None, seeds=None)
    store = made.blank_store(file.parent / "results")
    writer = Writer(store, plan)
    for spec in plan.trials():
        made.train(writer, spec, made.result(spec, acc=0.5))
    if ended:
        with writer:
            pass
    return store, plan


def newest(store: Store) -> tuple[bool, list[Incident]]:
    (found,) = launches(store, "small")
    return found.running, list(found.incidents)


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_while_a_plan_is_made_nothing_but_a_line_is_said(
    command: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "read_plan", stop)
    assert command("plan", file) == Said(130, "", LAST)


def test_while_the_report_is_built_it_is_recorded_and_the_same_command_builds_it(
    command: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = recorded(file, ended=True)
    with monkeypatch.context() as patch:
        patch.setattr(reports.build, "build", lambda *_: signal.raise_signal(signal.SIGTERM))
        said = command("run", file)
    assert said.code == 130
    assert said.err.endswith(LAST)
    assert "Traceback" not in said.err
    running, (told,) = newest(store)
    assert not running
    assert (told.fault, told.note) == (Fault.INTERRUPTED, "by SIGTERM")
    assert command("run", file).code == 0
    assert Path("results", "small", "report.md").exists()


def test_a_driver_that_died_is_told_by_the_next_launch_and_only_by_that_one(
    command: Command, file: Path
) -> None:
    store, _ = recorded(file, ended=False)
    for _ in range(2):
        said = command("run", file, "--json")
        assert said.code == 0, said.err
        running, (told,) = newest(store)
        assert not running
        assert told.fault is Fault.DRIVER_DIED
        assert "ended without a word; 2 trials are reused, 0 go on" in told.note
    assert "driver died" not in said.err
    assert not Path("results", "running").exists()


def test_interrupted_while_it_opens_its_launch_it_is_recorded_all_the_same(
    command: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = recorded(file, ended=True)
    start = Spool.__enter__

    def opening(spool: Spool) -> Spool:
        signal.raise_signal(signal.SIGINT)  # kept
        return start(spool)

    monkeypatch.setattr(Spool, "__enter__", opening)
    said = command("run", file)
    assert said.code == 130
    assert said.err.endswith(LAST)
    running, (told,) = newest(store)
    assert not running
    assert (told.fault, told.note) == (Fault.INTERRUPTED, "by Ctrl-C")
