"""What went wrong with the launches before comes into the report of this one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sweeper.cli.before import incidents
from sweeper.execution.job import checkpoint_file
from sweeper.faults import Fault, Incident
from sweeper.spec.plan import Plan
from sweeper.tracking import history
from sweeper.tracking.store import Store
from sweeper.tracking.writer import Writer
from tests.tracking import made

DAY = 24 * 3600 * 10**9


def found(store: Store, plan: Plan, storage: Path) -> list[Incident]:
    launches, recorded = history.launches(store, plan.sweep), history.recorded_trials(store)
    return incidents(plan, launches, recorded, storage, reused=7)


def test_a_launch_that_never_ended_is_told_with_what_goes_on(tmp_path: Path) -> None:
    store, plan = made.blank_store(tmp_path), made.ablation()
    killed = Writer(store, plan)
    ended, begun, lost, *_ = plan.trials()
    made.train(killed, ended)
    for spec in (begun, lost):
        killed.trial_started(spec, 1)
    for spec in (ended, begun):  # that of `ended` was left when the driver died
        path = checkpoint_file(tmp_path, spec.id)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    (told,) = found(store, plan, tmp_path)
    launched = time.strftime(
        "%Y-%m-%d %H:%M", time.gmtime(history.launches(store, plan.sweep)[0].launched / 1000)
    )
    assert told.fault is Fault.DRIVER_DIED
    assert told.note == (
        f"the launch of {launched} UTC ended without a word; 7 trials are reused, 1 go on from "
        "checkpoints"
    )
    assert not found(store, made.ablation(seeds=(0,)), tmp_path)  # another plan's is not ours


def test_a_launch_that_ended_or_was_interrupted_is_no_incident(tmp_path: Path) -> None:
    store, plan = made.blank_store(tmp_path), made.ablation()
    with pytest.raises(KeyboardInterrupt), Writer(store, plan):
        raise KeyboardInterrupt
    assert not found(store, plan, tmp_path)
    with Writer(store, plan):
        pass
    assert not found(store, plan, tmp_path)
    assert not incidents(plan, [], {}, tmp_path, reused=0)


def test_a_clock_that_stands_before_the_last_launch_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, plan = made.blank_store(tmp_path), made.ablation()
    with Writer(store, plan):
        pass
    back = time.time_ns() - DAY
    monkeypatch.setattr(time, "time_ns", lambda: back)
    (told,) = found(store, plan, tmp_path)
    assert told.fault is Fault.CLOCK_BACK
    assert told.when == back // 10**6
    assert told.note.startswith("it says ")
