"""What analyses found of a trial: files among its run's artifacts, numbers among its metrics.

The metrics are written last, so that an analysis that was cut short counts as not made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sweeper.records import TrialStatus
from sweeper.spec.analyses import LIMIT, SPLIT, analyses
from sweeper.spec.measure import ANALYSIS
from sweeper.spec.plan import Plan
from sweeper.tracking import names
from sweeper.tracking.artifact import artifact, attach
from sweeper.tracking.history import RecordedTrial, recorded_trials
from sweeper.tracking.store import Store, guard

_FOREIGN = re.compile(r"[^A-Za-z0-9_ .:/-]")  # what MLflow takes in no name of a metric


Missing = tuple[RecordedTrial, list[str]]  # a trial and the names of analyses


def missing(store: Store, plan: Plan) -> list[Missing]:
    """The analyses that the report of `plan` shows and that were not made as it shows them."""
    recorded = recorded_trials(store)
    finished = {key for key, one in recorded.items() if one.status is TrialStatus.FINISHED}
    found = []
    for trial_id, asked in analyses(plan, finished).items():
        trial = recorded[trial_id]
        left = [name for name in sorted(asked) if not _made(summary(store, trial, name))]
        if left:
            found.append((trial, left))
    return found


def _made(said: Mapping[str, Any] | None) -> bool:
    asked = {"split": SPLIT, "limit": LIMIT, "reference": ""}
    return said is not None and asked == {name: said.get(name) for name in asked}


def keep(store: Store, trial: RecordedTrial, analysis: str, folder: Path) -> None:
    """Keep what `analysis` left in `folder`, its `<analysis>.json` among it, with the trial's run.

    Its files, and no others there, replace those of the same names; its numbers become metrics.
    """
    said = json.loads((folder / f"{analysis}.json").read_text(encoding="utf-8"))
    metrics = metrics_of(analysis, said["results"])
    own = {analysis, *said["pictures"]}
    files = [path for path in sorted(folder.iterdir()) if path.stem in own]
    tags = {names.REFUSED + analysis: ""} if analysis in trial.refused else {}
    attach(store, trial, files, names.ANALYSIS_FOLDER)
    with guard(store.uri, f"recording analysis {analysis} of trial {trial.trial_id}"):
        step = _makings(store, trial, metrics)
        store.log(trial.run_id, metrics=metrics, step=step, tags=tags)


def _makings(store: Store, trial: RecordedTrial, metrics: Iterable[str]) -> int:
    """How often they were made before: of two values MLflow shows that of the higher step, and of
    one step that of the later time, by clocks that may have been set back.
    """
    known = [name for name in metrics if name in trial.metrics]
    made = (store.client.get_metric_history(trial.run_id, name) for name in known)
    return max((each.step + 1 for values in made for each in values), default=0)


def refuse(store: Store, trial: RecordedTrial, analysis: str, reason: str) -> None:
    """Note why `analysis` cannot be made of the trial."""
    with guard(store.uri, f"recording analysis {analysis} of trial {trial.trial_id}"):
        store.log(trial.run_id, tags={names.REFUSED + analysis: reason})


def summary(store: Store, trial: RecordedTrial, analysis: str) -> dict[str, Any] | None:
    """What the `<analysis>.json` of a trial's run says; None where the analysis was not made."""
    prefix = f"{ANALYSIS}{analysis}/"
    if not any(name.startswith(prefix) for name in trial.metrics):
        return None
    path = artifact(store, trial, f"{names.ANALYSIS_FOLDER}/{analysis}.json")
    if path is None:
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def metrics_of(analysis: str, results: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among `results`, as `analysis/<analysis>/<result>`; keys of what is nested are
    joined by '/'. Signs that MLflow does not take become '_'.
    """
    found: dict[str, float] = {}
    for name, value in _numbers(results):
        clean = _FOREIGN.sub("_", f"{ANALYSIS}{analysis}/{name}")
        if clean in found:
            raise ValueError(f"analysis '{analysis}': two results would be called '{clean}'")
        found[clean] = value
    return found


def _numbers(results: Mapping[str, Any]) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for key, value in results.items():
        name = key.replace("/", "_")  # a '/' of its own is no nesting
        if isinstance(value, Mapping):
            found += [(f"{name}/{rest}", number) for rest, number in _numbers(value)]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append((name, float(value)))
    return found
