"""From Ray Tune's events to the listeners: one start, its epochs, one end for every trial."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.exceptions import RayActorError
from ray.tune.experiment import Trial

from sweeper.errors import BudgetError
from sweeper.execution.interrupt import Interrupt
from sweeper.execution.job import Job
from sweeper.execution.listener import Listener
from sweeper.execution.message import read
from sweeper.records import EpochRecord, TrialResult, TrialStatus
from sweeper.redaction import redacted
from sweeper.spec.trial import TrialSpec


class Relay(tune.Callback):
    """Runs in the driver's thread. `ended` gathers the results by trial id.

    An error of a listener is kept in `broken`, because Tune would show its text only. A
    checkpoint, and what the trial left for the listeners beside it, is removed when Tune too knows
    that its trial is complete: a worker that dies between its last word and that moment has Tune
    run the trial again, which is then a short epilogue that nobody is told of. A failed trial keeps
    its checkpoint.
    Tune tries again what fails while it runs, but gives up a trial whose worker dies before it
    began, such as a reused one killed between two trials: `take_lost` hands those back.
    """

    def __init__(
        self, listeners: Sequence[Listener], interrupt: Interrupt, job: Job, max_failures: int
    ) -> None:
        self.listeners, self.interrupt, self.job = listeners, interrupt, job
        self.max_failures = max_failures
        self.ended: dict[str, TrialResult] = {}
        self.broken: BaseException | None = None
        self._specs: dict[str, TrialSpec] = {}  # by Tune's id
        self._running: set[str] = set()  # Tune's ids
        # by our id:
        self._epochs: dict[str, dict[int, EpochRecord]] = {}
        self._attempts: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self._lost: dict[str, TrialSpec] = {}

    def take_lost(self) -> list[TrialSpec]:
        """The trials that Tune gave up before they began, once; they have not ended."""
        lost, self._lost = list(self._lost.values()), {}
        return lost

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks beside its own state, which is never restored here."""
        return {}

    # Tune calls by keyword; what a hook does not read is gathered in `info`.

    def on_step_begin(self, **info: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """Between two events nothing is half done: the moment to obey Ctrl-C or the budget."""
        if self.broken is not None:
            raise self.broken  # Tune may have taken it for a failure of the trial
        try:
            self.interrupt.check()
        except BudgetError as error:
            self.broken = error
            raise

    def on_trial_start(self, trial: Trial, **info: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """A worker has taken the trial, for the first time or after a failure."""
        spec = self._spec(trial)
        self._running.add(trial.trial_id)
        if spec.id not in self.ended:
            self._attempts[spec.id] += 1
            self._tell("trial_started", spec, self._attempts[spec.id])

    def on_trial_recover(self, trial: Trial, **info: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """The trial failed while it ran, and waits for a worker again."""
        self._running.discard(trial.trial_id)

    def on_trial_result(  # type: ignore[override]
        self,
        trial: Trial,
        result: dict[str, Any],
        **info: Any,  # noqa: ARG002
    ) -> None:
        """An epoch, or the result."""
        spec, said = self._spec(trial), read(result)
        if spec.id in self.ended:
            return
        if isinstance(said, TrialResult):
            self._end(spec, said)
            return
        self._epochs.setdefault(spec.id, {})[said.epoch] = said
        self._tell("epoch", spec, said)

    def on_trial_complete(self, trial: Trial, **info: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """The trial ended by itself, and has said so, or the search stopped it."""
        spec = self._spec(trial)
        if spec.id not in self.ended:
            self._end(spec, self._cut_short(spec, TrialStatus.STOPPED, "stopped by the search"))
        if self.ended[spec.id].status.final:
            shutil.rmtree(self.job.checkpoint(spec.id).parent, ignore_errors=True)

    def on_trial_error(self, trial: Trial, **info: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """The trial failed more often than allowed, or lost its worker before it began."""
        self._give_up(trial)

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:  # noqa: ARG002
        """A trial whose actor could not be reset fails without an event of its own."""
        for trial in trials:
            known = self._spec(trial).id in self._lost
            if trial.status == Trial.ERROR and not known and self.broken is None:
                self._give_up(trial)

    def metric_of(self, spec: TrialSpec, name: str) -> float | None:
        """What a trial that ended in this launch reached by the metric `name` (of validation)."""
        result = self.ended[spec.id]
        if result.val is not None:
            return {"val/acc": result.val.acc, "val/loss": result.val.loss}[name]
        records = self._epochs.get(spec.id, {})
        return records[max(records)].metrics()[name] if records else None

    def _give_up(self, trial: Trial) -> None:
        spec = self._spec(trial)
        if spec.id in self.ended:
            return
        if trial.trial_id not in self._running:
            self._losses[spec.id] += 1
            if self._losses[spec.id] <= self.max_failures:
                self._lost[spec.id] = spec
                return
        reason, trace = failure_of(trial)
        path = self.job.traceback(spec.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(trace, encoding="utf-8")
        attempts = self._attempts[spec.id] or self._losses[spec.id]
        reason = f"{reason} (attempt {attempts}; traceback in {path})"
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


def failure_of(trial: Trial) -> tuple[str, str]:
    """What went wrong with `trial` last: in one line, and in full; secrets are left out."""
    error, full = None, "no reason was given"
    if trial.pickled_error_file is not None and Path(trial.pickled_error_file).exists():
        error = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
        full = str(error)
    elif trial.error_file is not None and Path(trial.error_file).exists():
        full = Path(trial.error_file).read_text(encoding="utf-8")
    full = redacted(full)
    if isinstance(error, RayActorError):
        return "its worker process died", full
    cause = getattr(error, "cause", None)
    if cause is not None:
        return redacted(f"{type(cause).__name__}: {cause}"), full
    return [line.strip() for line in full.splitlines() if line.strip()][-1], full
