"""From Ray Tune's events to the listeners: one start, its epochs, one end for every trial."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from textwrap import shorten
from typing import Any

from ray import tune
from ray.tune.experiment import Trial

from sweeper.errors import BudgetError
from sweeper.execution.failure import Failure, failure_of
from sweeper.execution.interrupt import Interrupt
from sweeper.execution.job import Job
from sweeper.execution.listener import Listener
from sweeper.execution.message import read
from sweeper.execution.placement import launcher
from sweeper.execution.retries import Retries
from sweeper.execution.silence import Silence
from sweeper.faults import RULES, Fault, Incident, Remedy
from sweeper.records import EpochRecord, TrialResult, TrialStatus
from sweeper.spec.trial import TrialSpec

SEEN = 200  # characters of an error that an incident quotes


class Relay(tune.Callback):
    """Runs in the driver's thread. `ended` gathers the results by trial id.

    An error of a listener is kept in `broken`, because Tune would show its text only. A
    checkpoint, and what the trial left for the listeners beside it, is removed when Tune too knows
    that its trial is complete: a worker that dies between its last word and that moment has Tune
    run the trial again, which is then a short epilogue that nobody is told of. A failed trial keeps
    its checkpoint.
    Tune tries again what fails while it runs, but gives up a trial whose worker dies before it
    began, such as a reused one killed between two trials: `take_lost` hands those back. What is
    done about a failure is what `RULES` say, and every one of them is told as an incident.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        interrupt: Interrupt,
        job: Job,
        retries: Retries,
        silence: Silence,
    ) -> None:
        self.listeners, self.interrupt, self.job = listeners, interrupt, job
        self.retries, self.silence = retries, silence
        self.ended: dict[str, TrialResult] = {}
        self.broken: BaseException | None = None
        self._specs: dict[str, TrialSpec] = {}  # by Tune's id
        self._judged: dict[str, int] = {}  # Tune's id -> Tune's step of its last failure
        # Under Ray Train a trial has its workers when one of them says so.
        self._waits = launcher(job.resources) == "train"
        # by our id:
        self._epochs: dict[str, dict[int, EpochRecord]] = {}
        self._attempts: Counter[str] = Counter()
        self._lost: dict[str, TrialSpec] = {}

    def take_lost(self) -> list[TrialSpec]:
        """The trials that Tune gave up and that may be tried again, once; they have not ended."""
        lost, self._lost = list(self._lost.values()), {}
        return lost

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks beside its own state, which is never restored here."""
        return {}

    # Tune calls by keyword; what a hook does not read is gathered in `info`.

    def on_step_begin(self, trials: list[Trial], **info: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """Between two events nothing is half done: the moment to obey Ctrl-C or the budget.

        Tune comes here ten times a second when nothing happens.
        """
        if self.broken is not None:
            raise self.broken  # Tune may have taken it for a failure of the trial
        try:
            self.interrupt.check()
        except BudgetError as error:
            self.broken = error
            raise
        self.silence.end(trials)

    def on_trial_start(self, trial: Trial, **info: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """A worker has taken the trial, for the first time or after a failure."""
        spec = self._spec(trial)
        self.retries.allow(trial, spec.id)
        if not self._waits:
            self.silence.heard(trial)
        if spec.id not in self.ended:
            self._attempts[spec.id] += 1
            self._tell("trial_started", spec, self._attempts[spec.id])

    def on_trial_recover(self, iteration: int, trial: Trial, **info: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """The trial failed, and waits for a worker again."""
        spec = self._spec(trial)
        self._failed(spec, trial, iteration)
        self.retries.allow(trial, spec.id)

    def on_trial_result(  # type: ignore[override]
        self,
        trial: Trial,
        result: dict[str, Any],
        **info: Any,  # noqa: ARG002
    ) -> None:
        """A worker that begins, an epoch, or the result."""
        spec, said = self._spec(trial), read(result)
        self.silence.heard(trial)
        if said is None or spec.id in self.ended:
            return
        if isinstance(said, TrialResult):
            self._end(spec, said)
            if said.status is TrialStatus.DIVERGED:
                self.tell(Fault.DIVERGED, said.reason, spec.id)
            return
        self._epochs.setdefault(spec.id, {})[said.epoch] = said
        self.retries.reached(spec.id, said.epoch)
        self.retries.allow(trial, spec.id)
        self._tell("epoch", spec, said)

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """The trial ended by itself, and has said so, or the search stopped it."""
        spec = self._spec(trial)
        self.silence.left(trial)
        if spec.id not in self.ended:
            self._end(spec, self._cut_short(spec, TrialStatus.STOPPED, "stopped by the search"))
        if self.ended[spec.id].status.final:
            shutil.rmtree(self.job.checkpoint(spec.id).parent, ignore_errors=True)

    def on_trial_error(self, iteration: int, trial: Trial, **info: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """Tune gives the trial up."""
        self._give_up(trial, iteration)

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:  # noqa: ARG002
        """A trial whose actor could not be reset fails without an event of its own."""
        for trial in trials if self.broken is None else ():
            known = self._lost.keys() | self.ended.keys()
            if trial.status == Trial.ERROR and self._spec(trial).id not in known:
                self._give_up(trial, -1)

    def metric_of(self, spec: TrialSpec, name: str) -> float | None:
        """What a trial that ended in this launch reached by the metric `name` (of validation)."""
        result = self.ended[spec.id]
        if result.val is not None:
            return {"val/acc": result.val.acc, "val/loss": result.val.loss}[name]
        records = self._epochs.get(spec.id, {})
        return records[max(records)].metrics()[name] if records else None

    def tell(self, fault: Fault, note: str, trial_id: str = "") -> None:
        """Tell the listeners of an incident."""
        self._tell("incident", Incident.now(fault, note, trial_id))

    def _failed(self, spec: TrialSpec, trial: Trial, iteration: int) -> Failure:
        """Judge, count and tell the last failure of `trial`; raise it where the launch must stop.

        Tune tells the loss of a worker that was resetting twice in one step: that is one failure.
        """
        if self.broken is not None:
            raise self.broken  # Tune takes an error of a listener for one of the trial
        failure = failure_of(trial)
        if self.silence.took(trial):
            told = f"no word of it for {self.silence.seconds / 60:g} min"
            failure = replace(failure, fault=Fault.HUNG, reason=told)
        self.silence.left(trial)
        if failure.error is not None and RULES[failure.fault].remedy is Remedy.STOP:
            if failure.fault is not Fault.DISK_FULL:  # told when there is room for it
                self.tell(failure.fault, shorten(failure.reason, SEEN), spec.id)
            self.broken = failure.error
            raise self.broken
        if self._judged.get(trial.trial_id) != iteration:
            self._judged[trial.trial_id] = iteration
            self.retries.failed(spec.id, failure.fault)
            if spec.id not in self.ended:
                seen = shorten(failure.reason, SEEN)
                self.tell(failure.fault, f"{seen} {self._where(spec)}", spec.id)
        return failure

    def _where(self, spec: TrialSpec) -> str:
        """How far a trial that failed was, and from where it goes on if it does."""
        epochs = self._epochs.get(spec.id)
        far = f"after epoch {max(epochs)}" if epochs else "before its first epoch"
        if self.retries.over(spec.id):
            return f"{far}; given up after {self.retries.count(spec.id)} failures in a row"
        start = "its checkpoint" if self.job.checkpoint(spec.id).exists() else "its start"
        return f"{far}; attempt {self._attempts[spec.id] + 1} goes on from {start}"

    def _give_up(self, trial: Trial, iteration: int) -> None:
        spec = self._spec(trial)
        failure = self._failed(spec, trial, iteration)
        if spec.id in self.ended:
            return
        if not self.retries.over(spec.id):
            self._lost[spec.id] = spec
            return
        path = self.job.traceback(spec.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(failure.trace, encoding="utf-8")
        attempts = max(self._attempts[spec.id], self.retries.count(spec.id))
        reason = f"{failure.reason} (attempt {attempts}; traceback in {path})"
        self._end(spec, self._cut_short(spec, TrialStatus.FAILED, reason))

    def _spec(self, trial: Trial) -> TrialSpec:
        if trial.trial_id not in self._specs:
            found = TrialSpec.model_validate_json(trial.config["trial"])
            self._specs[trial.trial_id] = found
        return self._specs[trial.trial_id]

    def _cut_short(self, spec: TrialSpec, status: TrialStatus, reason: str) -> TrialResult:
        records = self._epochs.get(spec.id, {})
        return TrialResult(
            trial_id=spec.id,
            status=status,
            epochs=max(records, default=0),
            seconds=sum(record.seconds for record in records.values()),
            reason=reason,
        )

    def _end(self, spec: TrialSpec, result: TrialResult) -> None:
        self._tell("trial_ended", spec, result)
        self.ended[spec.id] = result

    def _tell(self, event: str, *what: object) -> None:
        try:
            for listener in self.listeners:
                getattr(listener, event)(*what)
        except BaseException as error:
            self.broken = error
            raise
