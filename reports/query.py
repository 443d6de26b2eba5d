"""From the store to one tidy frame: the newest plan of a sweep, and a row for each trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from sweeper.errors import StoreError, nearest
from sweeper.records import TrialResult, TrialStatus
from sweeper.spec.measure import analysis_of
from sweeper.spec.plan import Cell, Plan
from sweeper.spec.trial import TrialSpec
from sweeper.tracking import history
from sweeper.tracking.history import Launch, RecordedTrial
from sweeper.tracking.store import Store, open_store

LOCAL_UI = "http://127.0.0.1:5000"  # `sweeper ui` by default
MISSING = "missing"  # planned, and no run of it in the store


@dataclass(frozen=True)
class Recording:
    """A plan and what the store holds of it.

    trials: one row a trial, in the order of the plan; the columns are
        trial, cell, seed, status ('missing' or a TrialStatus), reason, reused (bool), link (the
        address of its run in MLflow's UI, empty where it has none),
        test_acc, test_loss, val_acc, val_loss (fractions and nats; NaN where there is none),
        trainable_parameters, epochs, seconds, commit (it was trained under), split_rule (who said
        which image is in which split), then
        `over.<factor>`, `role.<axis>` (its labels), every setting as `config.<name>`, and what
        the trial measured besides, or an analysis found of it, as `measured.<name>`.
    recorded: trial id -> the trial as the store holds it, of those that it holds.
    links: cell id -> the address of its run in MLflow's UI, of those that have one.
    """

    store: str
    launch: Launch
    plan: Plan
    trials: pd.DataFrame
    links: Mapping[str, str] = field(default_factory=dict)
    recorded: Mapping[str, RecordedTrial] = field(default_factory=dict)

    def of(self, cell: Cell) -> pd.DataFrame:
        """The rows of one cell."""
        return self.trials[self.trials["cell"] == cell.id]


def latest_plan(uri: str, sweep: str, profile: str | None = None) -> Plan:
    """The plan of the newest launch of `sweep` (under `profile`). Raises StoreError if none."""
    store = open_store(uri)
    return history.read_plan(store, _newest(store, sweep, profile))


def load(uri: str, sweep: str, profile: str | None = None, digest: str = "") -> Recording:
    """Everything a report needs to know, of the newest launch or of the one of the plan with this
    digest. Raises StoreError if there is no such launch.
    """
    store = open_store(uri)
    launch = _newest(store, sweep, profile, digest)
    plan = history.read_plan(store, launch)
    recorded = history.recorded_trials(store)
    # Ids and digests are computed from all that they are digests of: each of them once.
    own = plan.digest
    ids = {id(spec): spec.id for cell in plan.cells for spec in cell.trials}
    rows = []
    for cell in plan.cells:
        told = _of_cell(cell)
        for spec in cell.trials:
            trial = recorded.get(ids[id(spec)])
            rows.append(_row(uri, ids[id(spec)], spec, trial, own) | told | _measured(trial))
    planned = set(ids.values())
    for key, trial in recorded.items():
        if own in trial.used_by and key not in planned:
            spec = trial.spec
            rows.append(_row(uri, key, spec, trial, own) | _configured(spec) | _measured(trial))
    frame = pd.DataFrame(rows, columns=None if rows else ["trial", "cell", "seed", "status"])
    links = {
        cell: run_address(uri, run.info.experiment_id, run.info.run_id)
        for cell, run in history.recorded_cells(store, plan.sweep).items()
    }
    return Recording(uri, launch, plan, frame, links, recorded)


def run_address(uri: str, experiment: str, run: str) -> str:
    """Where MLflow's UI shows a run: on its server, or where `sweeper ui` serves a file store."""
    served = uri.rstrip("/") if uri.startswith(("http://", "https://")) else LOCAL_UI
    return f"{served}/#/experiments/{experiment}/runs/{run}"


def _newest(store: Store, sweep: str, profile: str | None, digest: str = "") -> Launch:
    launches = history.launches(store, sweep)
    for launch in launches:
        if (profile is None or launch.profile == profile) and digest in ("", launch.digest):
            return launch
    if digest:
        there = ", ".join(launch.digest for launch in launches)
        raise StoreError(f"{store.uri}: no launch of '{sweep}' has the plan {digest}, only {there}")
    known = sorted({launch.profile for launch in launches})
    wanted = f"under profile '{profile}'" if profile else "whole"
    hint = nearest(profile or "", known)
    raise StoreError(f"{store.uri}: no launch of '{sweep}' {wanted}. {hint}".strip())


def _row(
    uri: str, trial_id: str, spec: TrialSpec, recorded: RecordedTrial | None, digest: str
) -> dict[str, object]:
    ended = recorded.result if recorded else None
    result = ended or TrialResult(trial_id, TrialStatus.RUNNING)
    nan = float("nan")
    last_val = recorded.metrics.get("val/acc", nan) if recorded else nan
    return {
        "trial": trial_id,
        "cell": "",
        "seed": spec.seed,
        "link": run_address(uri, recorded.experiment_id, recorded.run_id) if recorded else "",
        "status": str(recorded.status) if recorded else MISSING,
        "reason": result.reason,
        "reused": recorded is not None and recorded.first_plan != digest,
        "test_acc": result.test.acc if result.test else nan,
        "test_loss": result.test.loss if result.test else nan,
        "val_acc": result.val.acc if result.val else last_val,
        "val_loss": result.val.loss if result.val else nan,
        "trainable_parameters": result.trainable_parameters if ended else nan,
        "epochs": result.epochs if ended else (recorded.epoch if recorded else nan),
        "seconds": result.seconds if ended else nan,
        "commit": result.provenance.get("commit", ""),
        "split_rule": result.provenance.get("split_rule", ""),
    }


def _of_cell(cell: Cell) -> dict[str, object]:
    """What the trials of a cell of the plan have in common."""
    return {
        "cell": cell.id,
        **{f"over.{key}": value for key, value in cell.over.items()},
        **{f"role.{role.axis}": role.label for role in cell.roles},
        **{f"config.{key}": value for key, value in cell.config.items()},
    }


def _configured(spec: TrialSpec) -> dict[str, object]:
    """The same of a trial that a search drew."""
    config = {f"config.{key}": value for key, value in spec.flat().items() if key != "seed"}
    return {"cell": spec.cell_id, **config}


def _measured(recorded: RecordedTrial | None) -> dict[str, object]:
    """What a trial measured besides its scores, and what analyses found of it."""
    if recorded is None:
        return {}
    found = dict(recorded.result.measured) if recorded.result else {}
    found |= {name: value for name, value in recorded.metrics.items() if analysis_of(name)}
    return {f"measured.{name}": value for name, value in found.items()}
