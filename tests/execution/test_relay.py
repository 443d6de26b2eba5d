"""What the listeners hear of failures, and what Tune is told to do, without a Ray."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray import cloudpickle
from ray.exceptions import RayActorError, RayTaskError
from ray.tune.experiment import Trial

from sweeper.errors import FaultError, StoreError
from sweeper.execution import failure, silence
from sweeper.execution.driver import _full_disk_told
from sweeper.execution.interrupt import Interrupt
from sweeper.execution.job import Job
from sweeper.execution.message import of_epoch, of_result, of_start
from sweeper.execution.relay import Relay
from sweeper.execution.retries import Retries
from sweeper.execution.silence import Silence
from sweeper.faults import Fault, Incident
from sweeper.records import EpochRecord, TrialResult, TrialStatus
from sweeper.spec.plan import Resources
from sweeper.spec.trial import TrialSpec

from .launches import Heard, plan, trial


class Stage:
    """A relay, one trial of Tune's, and what is said of it."""

    def __init__(self, folder: Path, limit: int = 1, workers: int = 1) -> None:
        self.folder, self.heard, self.spec = folder, Heard(), trial()
        self.now = 0.0
        job = Job.of(plan(self.spec, resources=Resources(workers=workers)), folder)
        self.relay = Relay(
            [self.heard],
            Interrupt(),
            job,
            Retries(limit),
            Silence(60, lambda: self.now),
        )
        self.step = 0
        self.trial: Any = SimpleNamespace(
            trial_id="tune",
            config={"trial": self.spec.model_dump_json()},
            status=Trial.RUNNING,
            max_failures=limit,
            run_metadata=SimpleNamespace(num_failures=0),
            temporary_state=SimpleNamespace(ray_actor="actor"),
            pickled_error_file=str(folder / "error.pkl"),
            error_file=None,
        )

    def start(self) -> None:
        self.relay.on_trial_start(trial=self.trial)

    def epoch(self, number: int) -> None:
        record = EpochRecord(number, 8 * number, 0.01, 1.0, 0.5, 1.0, 0.5, 0.1)
        self.relay.on_trial_result(trial=self.trial, result=of_epoch(record, last=False))

    def fail(self, error: Exception | None = None, *, same_step: bool = False) -> None:
        """As Tune does it: keep the error, count it, then say what it makes of it."""
        self.step += not same_step
        error = error or RayTaskError("train", "Traceback", ValueError("no patience"))
        (self.folder / "error.pkl").write_bytes(cloudpickle.dumps(error))
        self.trial.run_metadata.num_failures += 1
        again = self.trial.run_metadata.num_failures <= self.trial.max_failures and not same_step
        told = self.relay.on_trial_recover if again else self.relay.on_trial_error
        told(iteration=self.step, trial=self.trial)

    def notes(self) -> list[tuple[Fault, str]]:
        return [(one.fault, one.note) for one in self.heard.incidents]


def test_a_failure_is_told_with_what_was_seen_and_from_where_it_goes_on(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.start()
    stage.fail()
    stage.start()
    stage.epoch(1)
    saved = stage.relay.job.checkpoint(stage.spec.id)
    saved.parent.mkdir(parents=True)
    saved.touch()
    stage.fail(RayActorError())
    assert stage.notes() == [
        (
            Fault.RAISED,
            "ValueError: no patience before its first epoch; attempt 2 goes on from its start",
        ),
        (
            Fault.WORKER_DIED,
            "its worker process died after epoch 1; attempt 3 goes on from its checkpoint",
        ),
    ]
    assert {one.trial for one in stage.heard.incidents} == {stage.spec.id}


def test_only_failures_without_a_new_epoch_between_them_end_a_trial(tmp_path: Path) -> None:
    stage = Stage(tmp_path, limit=1)
    for number in (1, 2, 3, 4):
        stage.start()
        stage.epoch(number)
        stage.fail()
    assert not stage.heard.results
    stage.start()
    stage.epoch(4)
    stage.fail()
    result = stage.heard.results[stage.spec.id]
    assert (result.status, result.epochs) == (TrialStatus.FAILED, 4)
    assert result.reason.startswith("ValueError: no patience (attempt 5; traceback in ")
    assert stage.notes()[-1][1].endswith("after epoch 4; given up after 2 failures in a row")


def test_a_lost_node_is_never_the_last_straw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, limit=1)
    lost = RayActorError()
    lost.of_a_node = True
    monkeypatch.setattr(
        failure, "_lost", lambda error: Fault.NODE_LOST if hasattr(error, "of_a_node") else None
    )
    stage.start()
    for _ in range(5):
        stage.fail(lost)
        stage.start()
    assert stage.relay.take_lost() == []
    stage.fail()  # now one more that counts would end it, and Tune knows no other
    stage.start()
    stage.fail(lost)
    assert [one.id for one in stage.relay.take_lost()] == [stage.spec.id]
    assert not stage.heard.results


def test_a_worker_lost_between_two_trials_is_one_failure_that_tune_tells_twice(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, limit=3)
    stage.fail(RayActorError())
    stage.fail(RayActorError(), same_step=True)
    assert len(stage.heard.incidents) == 1
    assert stage.relay.retries.count(stage.spec.id) == 1
    assert [one.id for one in stage.relay.take_lost()] == [stage.spec.id]


def test_a_hung_trial_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[str] = []
    monkeypatch.setattr(silence.ray, "kill", killed.append)
    stage = Stage(tmp_path)
    stage.start()
    stage.now = 61
    stage.relay.on_step_begin(trials=[stage.trial])
    assert killed == ["actor"]
    stage.fail(RayActorError())
    ((fault, note),) = stage.notes()
    assert fault is Fault.HUNG
    assert note.startswith("no word of it for 1 min before its first epoch; attempt 2")


def test_under_ray_train_silence_begins_when_a_worker_is_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[str] = []
    monkeypatch.setattr(silence.ray, "kill", killed.append)
    stage = Stage(tmp_path, workers=2)
    stage.start()
    stage.now = 1000
    stage.relay.on_step_begin(trials=[stage.trial])
    assert killed == [], "it only waits for its workers"
    stage.relay.on_trial_result(trial=stage.trial, result=of_start())
    stage.now += 61
    stage.relay.on_step_begin(trials=[stage.trial])
    assert killed == ["actor"]
    assert stage.heard.events == [("started", stage.spec.id, 1)]


def test_a_divergence_is_a_result_and_an_incident(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.start()
    result = TrialResult(stage.spec.id, TrialStatus.DIVERGED, reason="loss became nan")
    stage.relay.on_trial_result(trial=stage.trial, result=of_result(result))
    assert stage.notes() == [(Fault.DIVERGED, "loss became nan")]


def test_a_full_disk_stops_the_launch_and_leaves_the_trial_unfinished(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.start()
    full = OSError(errno.ENOSPC, "No space left on device", "/results/a")
    with (
        pytest.raises(FaultError, match="/results/a") as end,
        _full_disk_told(stage.relay, tmp_path),
    ):
        stage.fail(RayTaskError("train", "Traceback", full))
    assert str(tmp_path) in str(end.value)
    assert stage.notes() == [(Fault.DISK_FULL, "No space left on device: /results/a")]
    assert not stage.heard.results


def test_what_a_full_disk_cannot_record_is_said_all_the_same(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    class Full(Heard):
        def incident(self, _incident: Incident) -> None:
            raise StoreError("database or disk is full")

        def trial_started(self, _spec: TrialSpec, _attempt: int) -> None:
            raise StoreError("recording failed") from OSError(errno.ENOSPC, "no room")

    stage.relay.listeners = [Full()]
    with (
        pytest.raises(FaultError, match=r"could not be recorded: database or disk is full$"),
        _full_disk_told(stage.relay, tmp_path),
    ):
        stage.start()


def test_other_errors_come_out_as_they_are(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    with pytest.raises(StoreError, match="away"), _full_disk_told(stage.relay, tmp_path):
        raise StoreError("away")
    assert stage.notes() == []
