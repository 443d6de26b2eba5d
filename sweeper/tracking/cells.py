"""The runs of a launch's cells: their parameters, and the mean over the seeds that finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sweeper.records import TrialResult, TrialStatus
from sweeper.spec.plan import Cell, Plan
from sweeper.spec.trial import TrialSpec
from sweeper.tracking import history, names
from sweeper.tracking.store import Store
from sweeper.tracking.summary import summarise

METRIC = "test/acc"


class Cells:
    """The cells of `plan` under the launch `launch_id`; search adds more as it draws them.

    late: a cell that stands under another launch by now is left to that one.
    """

    def __init__(
        self, store: Store, experiment: str, plan: Plan, launch_id: str, *, late: bool = False
    ) -> None:
        self._store, self._experiment, self._plan = store, experiment, plan
        self._launch_id, self._late = launch_id, late
        self._others: set[str] = set()  # ids of the cells that are another launch's
        self._known = history.recorded_cells(store, plan.sweep)
        self._planned = {cell.id: cell for cell in plan.cells}
        self._runs: dict[str, str] = {}  # cell id -> run id
        self._standing: dict[str, str] = {}  # cell id -> MLflow's status of the run, as written
        self._means: dict[str, dict[str, float]] = {}  # cell id -> metrics, as written
        self._results: dict[str, dict[int, TrialResult]] = {}  # cell id -> seed -> result

    def adopt(self, cell: Cell, results: Mapping[str, TrialResult]) -> None:
        """Puts a planned cell under this launch, with what `results` (trial id -> ...) hold."""
        self._open(cell.id, cell.config)
        for trial in cell.trials:
            if trial.id in results:
                self._results.setdefault(cell.id, {})[trial.seed] = results[trial.id]
        self._summarise(cell.id)

    def run_of(self, spec: TrialSpec) -> str:
        """The id of the run that a trial stands under, made if need be."""
        if spec.cell_id not in self._runs:
            config = {key: value for key, value in spec.flat().items() if key != "seed"}
            self._open(spec.cell_id, config)
        return self._runs[spec.cell_id]

    def add(self, spec: TrialSpec, result: TrialResult) -> None:
        """Counts one more seed and writes the cell's new mean."""
        self.run_of(spec)
        self._results.setdefault(spec.cell_id, {})[spec.seed] = result
        self._summarise(spec.cell_id)

    def _open(self, cell_id: str, config: Mapping[str, Any]) -> None:
        cell = self._planned.get(cell_id)
        roles = [f"{role.axis}={role.label}" for role in cell.roles] if cell else []
        tags = {
            names.KIND: names.CELL,
            names.CELL_ID: cell_id,
            names.PLAN: self._plan.digest,
            names.PARENT: self._launch_id,
            names.ROLES: "; ".join(roles),
        }
        known = self._known.get(cell_id)
        if known is None:
            name = run_name(config, cell)
            run_id = self._store.create_run(self._experiment, name, tags)
            self._store.log(run_id, params=config)
            self._standing[cell_id] = "RUNNING"
        elif self._late and known.data.tags[names.PARENT] != self._launch_id:
            run_id = known.info.run_id
            self._others.add(cell_id)
        else:
            run_id = known.info.run_id
            changed = {key: value for key, value in tags.items() if known.data.tags[key] != value}
            params = {} if known.data.params else config
            if changed or params:
                self._store.log(run_id, params=params, tags=changed)
            self._standing[cell_id] = known.info.status
            self._means[cell_id] = known.data.metrics
        self._runs[cell_id] = run_id

    def _summarise(self, cell_id: str) -> None:
        """Writes what is new: the mean over the finished seeds, and whether all have ended."""
        if cell_id in self._others:
            return
        run_id, results = self._runs[cell_id], self._results.get(cell_id, {})
        tested = [result for _, result in sorted(results.items()) if result.test is not None]
        means = _means(tested)
        if means and means != self._means.get(cell_id):
            self._store.log(run_id, metrics=means, step=len(tested))
            self._means[cell_id] = means
        standing = self._status(cell_id, results)
        if standing != self._standing[cell_id]:
            if standing == "RUNNING":
                self._store.client.update_run(run_id, status=standing)
            else:  # with the time of its end
                self._store.client.set_terminated(run_id, standing)
            self._standing[cell_id] = standing

    def _status(self, cell_id: str, results: Mapping[int, TrialResult]) -> str:
        cell = self._planned.get(cell_id)
        if cell is not None and any(trial.seed not in results for trial in cell.trials):
            return "RUNNING"
        bad = (TrialStatus.DIVERGED, TrialStatus.FAILED)
        return "FAILED" if any(result.status in bad for result in results.values()) else "FINISHED"


def _means(tested: Sequence[TrialResult]) -> dict[str, float]:
    """Mean, deviation and interval over the seeds of the test accuracy and of what was measured."""
    values = {METRIC: [result.test.acc for result in tested if result.test is not None]}
    for name in sorted({name for result in tested for name in result.measured}):
        values[name] = [result.measured[name] for result in tested if name in result.measured]
    found: dict[str, float | None] = {names.N_SEEDS: float(len(tested))} if tested else {}
    for name, each in values.items():
        summary = summarise(each)
        if summary is not None:
            found[names.mean_of(name)] = summary.mean
            found |= {names.std_of(name): summary.std, names.ci95_of(name): summary.ci95}
    return {name: value for name, value in found.items() if value is not None}


def run_name(config: Mapping[str, Any], cell: Cell | None) -> str:
    """What a cell is called in the list of runs, such as '4, digits (prompt_length)'.

    What tells it from its neighbours comes first, since the list cuts names off. The base cell of
    an ablation is called 'base'; a drawn one by its method and task.
    """
    if cell is None:
        return f"{config['method']}, {config['task']}"
    axes = list(dict.fromkeys(role.axis for role in cell.roles))
    columns = cell.over.values()
    if not axes:
        return ", ".join([str(config["method"]), *columns])
    if cell.base:
        return ", ".join(["base", *columns])
    return f"{', '.join([cell.roles[0].label, *columns])} ({', '.join(axes)})"
