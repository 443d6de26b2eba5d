"""What the store already holds: launches and trials, over all of its experiments.

The only reader of the store. A trial that was killed between two writes reads as running: it
ended when its result tag was written, and that is the last thing that is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sweeper.errors import StoreError, nearest
from sweeper.faults import Incident
from sweeper.records import TrialResult, TrialStatus
from sweeper.redaction import redacted
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec
from sweeper.tracking import names
from sweeper.tracking.artifact import artifact
from sweeper.tracking.store import Store, guard

if TYPE_CHECKING:
    from mlflow.entities import Run

PAGE = 1000  # runs a request


@dataclass(frozen=True)
class RecordedTrial:
    """A trial as the store holds it; `result` is None while it has not ended."""

    trial_id: str
    run_id: str
    experiment_id: str
    sweep: str  # where it was trained first
    spec_json: str
    result: TrialResult | None
    used_by: frozenset[str]  # digests of the plans that asked for it; the first trained it
    first_plan: str
    params: dict[str, str]
    metrics: dict[str, float]  # newest value of each
    artifact_uri: str
    refused: dict[str, str] = field(default_factory=dict)  # analysis -> why it cannot be made

    @property
    def spec(self) -> TrialSpec:
        """The trial, with every value in its own type."""
        return TrialSpec.model_validate_json(self.spec_json)

    @property
    def status(self) -> TrialStatus:
        """How it stands; what has not ended reads as running, even if its process is gone."""
        return self.result.status if self.result else TrialStatus.RUNNING

    @property
    def epoch(self) -> int:
        """The newest epoch on record; 0 if there is none."""
        return int(self.metrics.get(names.EPOCH, 0))


@dataclass(frozen=True)
class Launch:
    """A launch run: what was asked for and under which code."""

    run_id: str
    sweep: str
    profile: str
    digest: str
    launched: int  # milliseconds since 1970, of its newest start
    provenance: dict[str, str]
    artifact_uri: str
    incidents: tuple[Incident, ...] = ()  # of all launches of this plan, oldest first
    running: bool = False  # it has not said its end, whether its process lives or not


def finished(store: Store, trial_ids: Iterable[str]) -> dict[str, TrialResult]:
    """Trial id -> result of those that ended, in any experiment, failed ones included.

    Whether one is to be trained again is for the caller to say, from `result.status`.
    """
    wanted = set(trial_ids)
    return {
        key: trial.result
        for key, trial in recorded_trials(store).items()
        if key in wanted and trial.result is not None
    }


def recorded_trials(store: Store) -> dict[str, RecordedTrial]:
    """Every trial in the store by its id. Of two runs of one trial, the one that ended counts."""
    found: dict[str, RecordedTrial] = {}
    sweeps = {key: name for name, key in experiments(store).items()}
    for run in _runs(store, list(sweeps), names.TRIAL):
        trial = _trial(run, sweeps[run.info.experiment_id])
        earlier = found.get(trial.trial_id)
        if earlier is None or (earlier.result is None and trial.result is not None):
            found[trial.trial_id] = trial
    return found


def recorded_cells(store: Store, sweep: str) -> dict[str, Run]:
    """The cell runs of a sweep by cell id."""
    there = experiments(store)
    runs = _runs(store, [there[sweep]], names.CELL) if sweep in there else []
    return {run.data.tags[names.CELL_ID]: run for run in runs}


def launches(store: Store, sweep: str) -> list[Launch]:
    """The launches of a sweep, newest first. Raises StoreError if there is no such sweep."""
    there = experiments(store)
    if sweep not in there:
        hint = nearest(sweep, [name for name in there if name != "Default"])
        raise StoreError(f"{store.uri}: holds no sweep '{sweep}'. {hint}".strip())
    runs = _runs(store, [there[sweep]], names.LAUNCH)
    whole = [_launch(run) for run in runs if names.PLAN in run.data.tags]
    return sorted(whole, key=lambda launch: (launch.launched, launch.run_id), reverse=True)


def read_plan(store: Store, launch: Launch) -> Plan:
    """The plan of a launch, from its artifact."""
    path = artifact(store, launch, names.PLAN_FILE)
    if path is None:
        raise StoreError(
            f"{store.uri}: the plan of launch {launch.run_id} is gone from {launch.artifact_uri}"
        )
    return Plan.model_validate_json(path.read_text(encoding="utf-8"))


def metric_by_epoch(store: Store, run_id: str, metric: str) -> dict[int, float]:
    """Epoch -> the newest value of `metric` that a trial's run has for it."""
    with guard(store.uri, "reading a metric"):
        values = store.client.get_metric_history(run_id, metric)
    return {each.step: each.value for each in sorted(values, key=lambda each: each.timestamp)}


def experiments(store: Store) -> dict[str, str]:
    """Name -> id of every experiment that was not deleted."""
    found: dict[str, str] = {}
    token: str | None = None
    with guard(store.uri, "listing experiments"):
        while True:
            page = store.client.search_experiments(max_results=PAGE, page_token=token)
            found |= {item.name: item.experiment_id for item in page}
            token = page.token
            if not token:
                return found


def _runs(store: Store, experiment_ids: list[str], kind: str) -> list[Run]:
    """The runs of one kind, oldest first."""
    found: list[Run] = []
    token: str | None = None
    with guard(store.uri, "searching runs"):
        while experiment_ids:
            page = store.client.search_runs(
                experiment_ids,
                filter_string=f"tags.`{names.KIND}` = '{kind}'",
                max_results=PAGE,
                order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
                page_token=token,
            )
            found += page
            token = page.token
            if not token:
                break
    return found


def _launch(run: Run) -> Launch:
    tags = run.data.tags
    return Launch(
        run_id=run.info.run_id,
        sweep=tags[names.SWEEP],
        profile=tags[names.PROFILE],
        digest=tags[names.PLAN],
        launched=int(tags[names.LAUNCHED]),
        provenance={k: redacted(v) for k, v in _under(tags, names.PROVENANCE).items()},
        artifact_uri=run.info.artifact_uri,
        incidents=tuple(map(Incident.from_json, _under(tags, names.INCIDENT).values())),
        running=run.info.status == "RUNNING",
    )


def _trial(run: Run, sweep: str) -> RecordedTrial:
    tags = run.data.tags
    result = None
    if names.RESULT in tags:
        data = json.loads(tags[names.RESULT]) | {"provenance": _under(tags, names.PROVENANCE)}
        result = TrialResult.from_json(data)
    return RecordedTrial(
        trial_id=tags[names.TRIAL_ID],
        run_id=run.info.run_id,
        experiment_id=run.info.experiment_id,
        sweep=sweep,
        spec_json=tags[names.SPEC],
        result=result,
        used_by=frozenset(_under(tags, names.USED_BY)),
        first_plan=tags[names.PLAN],
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        artifact_uri=run.info.artifact_uri,
        refused={name: why for name, why in _under(tags, names.REFUSED).items() if why},
    )


def _under(tags: dict[str, str], prefix: str) -> dict[str, str]:
    return {k.removeprefix(prefix): v for k, v in sorted(tags.items()) if k.startswith(prefix)}
