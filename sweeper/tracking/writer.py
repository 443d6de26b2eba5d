"""The writing half: a plan, its cells and its trials into MLflow, as `names` lays them out.

The only writer of the store. Everything is idempotent on the trial's id: a trial that goes on
continues its own run, an epoch on record is not written again, and what comes late of a trial that
has finished since changes nothing. A failure to write is a StoreError at once; what to do about it
is `spool`'s business.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from sweeper.errors import FaultError, StoreError
from sweeper.faults import Incident
from sweeper.records import EpochRecord, TrialResult, TrialStatus
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec
from sweeper.tracking import history, names
from sweeper.tracking.cells import Cells
from sweeper.tracking.launch import open_experiment, open_launch
from sweeper.tracking.origin import Origin
from sweeper.tracking.store import Store, guard, shortened
from sweeper.tracking.trained import files_left

_ENDED = {
    TrialStatus.FINISHED: "FINISHED",
    TrialStatus.STOPPED: "FINISHED",
    TrialStatus.DIVERGED: "FAILED",
    TrialStatus.FAILED: "FAILED",
}


class Writer:
    """Records one launch of `plan`. Use it as a context manager; methods may be called from
    any thread.

    reused: ids of trials that this launch takes from the store instead of training them.
    trained: trial id -> the file in which a worker left what the trial has learned.
    late: the launch was opened before; see `open_launch`.
    at: when it happened, milliseconds since 1970; default: now.
    Raises StoreError from every method when the store refuses. After that the object is spent:
    only a new one knows what the store has taken.
    """

    def __init__(
        self,
        store: Store,
        plan: Plan,
        *,
        reused: Iterable[str] = (),
        trained: Callable[[str], Path] | None = None,
        origin: Origin | None = None,
        late: bool = False,
    ) -> None:
        self._store, self._plan, self._trained = store, plan, trained
        self._lock = threading.RLock()
        origin = origin or Origin.now(plan)
        self._provenance = {names.PROVENANCE + k: text for k, text in origin.provenance.items()}
        self._recorded = history.recorded_trials(store)
        self._epochs = {key: trial.epoch for key, trial in self._recorded.items()}
        self._open: dict[str, str] = {}  # trial id -> run id, those this launch has touched
        self._experiment = open_experiment(store, plan.sweep)
        self.run_id = open_launch(store, self._experiment, plan, origin, late=late)
        results = {k: t.result for k, t in self._recorded.items() if t.result is not None}
        with self._writing("opening the cells"):
            self._cells = Cells(store, self._experiment, plan, self.run_id, late=late)
            for cell in plan.cells:
                if cell.trials:
                    self._cells.adopt(cell, results)
            for trial_id in reused:
                self._mark_reused(trial_id)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.ended(end_of(kind))
        except StoreError:
            if kind is None or not issubclass(kind, FaultError):
                raise  # of a full disk, the fault says more

    def trial_started(self, spec: TrialSpec, attempt: int, *, at: int | None = None) -> None:
        """Opens the run of `spec`, or continues the one that it has."""
        if self._finished(spec) is not None:
            return
        with self._writing(f"starting trial {spec.id}"):
            tags = {names.STATUS: str(TrialStatus.RUNNING), names.ATTEMPT: str(attempt)}
            self._store.log(self._run_of(spec, at), tags=tags | self._provenance)

    def epoch(self, spec: TrialSpec, record: EpochRecord, *, at: int | None = None) -> None:
        """Records one epoch in one request; nothing if it is on record."""
        if self._finished(spec) is not None or record.epoch <= self._epochs.get(spec.id, 0):
            return
        with self._writing(f"recording epoch {record.epoch} of trial {spec.id}"):
            metrics = record.metrics() | {names.EPOCH: float(record.epoch)}
            self._store.log(self._run_of(spec, at), metrics=metrics, step=record.epoch, at=at)
            self._epochs[spec.id] = record.epoch

    def trial_ended(self, spec: TrialSpec, result: TrialResult, *, at: int | None = None) -> None:
        """Records how `spec` ended, and its cell's mean over the seeds so far."""
        with self._writing(f"recording the end of trial {spec.id}"):
            on_record = self._finished(spec)
            if on_record is not None:
                self._cells.add(spec, on_record)
                return
            run_id = self._run_of(spec, at)
            self._keep(run_id, spec, result)
            self._store.log(run_id, metrics=_scores(result), step=result.epochs, at=at)
            self._store.client.set_terminated(run_id, _ENDED[result.status], end_time=at)
            tags = {names.PROVENANCE + key: value for key, value in result.provenance.items()}
            tags[names.STATUS] = str(result.status)
            tags[names.RESULT] = _result_json(result)
            self._store.log(run_id, tags=tags)
            self._cells.add(spec, result)

    def incident(self, incident: Incident) -> None:
        """Records what went wrong, with the launch."""
        with self._writing("recording an incident"):
            key = f"{names.INCIDENT}{incident.when}-{incident.fault}-{incident.trial}"
            self._store.log(self.run_id, tags={key: incident.to_json()})

    def ended(self, status: str) -> None:
        """Says how the launch ended, in MLflow's word."""
        with self._writing("ending the launch"):
            self._store.client.set_terminated(self.run_id, status)

    def attach(self, folder: Path) -> None:
        """Keeps the report in `folder` with the launch; its text is shown as the run's note."""
        with self._writing("keeping the report"):
            self._store.client.log_artifacts(self.run_id, str(folder), names.REPORT_FOLDER)
            text = (folder / "report.md").read_text(encoding="utf-8")
            self._store.log(self.run_id, tags={names.NOTE: text})

    @contextmanager
    def _writing(self, doing: str) -> Iterator[None]:
        with self._lock, guard(self._store.uri, doing):
            yield

    def _finished(self, spec: TrialSpec) -> TrialResult | None:
        """The result that the store held of `spec` from the start, if that one is final."""
        recorded = self._recorded.get(spec.id)
        result = recorded.result if recorded is not None else None
        return result if result is not None and result.status.final else None

    def _run_of(self, spec: TrialSpec, at: int | None) -> str:
        """The run of a trial: the one it has anywhere in the store, or a new one."""
        if spec.id in self._open:
            return self._open[spec.id]
        tags = {names.USED_BY + self._plan.digest: "trained"}
        parent = self._cells.run_of(spec)
        recorded = self._recorded.get(spec.id)
        if recorded is None:
            tags |= {
                names.KIND: names.TRIAL,
                names.TRIAL_ID: spec.id,
                names.CELL_ID: spec.cell_id,
                names.SPEC: spec.model_dump_json(),
                names.PLAN: self._plan.digest,
                names.PARENT: parent,
            }
            run_id = self._store.create_run(self._experiment, f"seed {spec.seed}", tags, at)
            self._store.log(run_id, params=spec.flat())
        else:
            run_id = recorded.run_id
            self._store.client.update_run(run_id, status="RUNNING")
            if recorded.result is not None:
                self._store.client.delete_tag(run_id, names.RESULT)
            self._store.log(run_id, params={} if recorded.params else spec.flat(), tags=tags)
        self._open[spec.id] = run_id
        return run_id

    def _keep(self, run_id: str, spec: TrialSpec, result: TrialResult) -> None:
        """What the trial has learned becomes an artifact, before the result says that it ended."""
        if self._trained is None:
            return
        for path in files_left(spec, result, self._trained(spec.id)):
            self._store.client.log_artifact(run_id, str(path), names.TRAINED_FOLDER)

    def _mark_reused(self, trial_id: str) -> None:
        recorded = self._recorded.get(trial_id)
        if recorded is not None and self._plan.digest not in recorded.used_by:
            tag = {names.USED_BY + self._plan.digest: "reused"}
            self._store.log(recorded.run_id, tags=tag)


def end_of(kind: type[BaseException] | None) -> str:
    """How a launch ends with an error of this kind, or without one, in MLflow's word."""
    if kind is None:
        return "FINISHED"
    return "KILLED" if issubclass(kind, (KeyboardInterrupt, SystemExit)) else "FAILED"


def _scores(result: TrialResult) -> dict[str, float]:
    """The final metrics. Validation scores are those of the epochs, where there are epochs."""
    found = {
        names.TRAINABLE_PARAMETERS: float(result.trainable_parameters),
        names.SECONDS: result.seconds,
        **result.measured,
    }
    if result.test is not None:
        found |= {"test/acc": result.test.acc, "test/loss": result.test.loss}
    if result.val is not None and not result.epochs:
        found |= {"val/acc": result.val.acc, "val/loss": result.val.loss}
    return found


def _result_json(result: TrialResult) -> str:
    """Fits a tag: the provenance has tags of its own, and a long reason loses its middle."""
    data = result.to_json()
    del data["provenance"]
    data["reason"] = shortened(result.reason, names.TAG_LIMIT // 8)
    return json.dumps(data, sort_keys=True)
