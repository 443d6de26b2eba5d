"""The run of one launch: its experiment, its plan and settings as artifacts, its provenance."""

from __future__ import annotations

import time

from sweeper.errors import StoreError
from sweeper.spec.plan import Plan
from sweeper.tracking import history, names
from sweeper.tracking.origin import Origin
from sweeper.tracking.store import Store, guard


def open_experiment(store: Store, sweep: str) -> str:
    """The id of the sweep's experiment, made if there is none. Raises StoreError if deleted."""
    with guard(store.uri, f"opening experiment '{sweep}'"):
        there = store.client.get_experiment_by_name(sweep)
        if there is None:
            return _new_experiment(store, sweep)
    if there.lifecycle_stage != "active":
        raise StoreError(
            f"{store.uri}: experiment '{sweep}' was deleted. Bring it back with `mlflow "
            f"experiments restore --experiment-id {there.experiment_id}`, or rename the sweep"
        )
    return str(there.experiment_id)


def _new_experiment(store: Store, sweep: str) -> str:
    from mlflow.exceptions import MlflowException

    place = (store.artifacts / sweep).as_uri() if store.artifacts else None
    tags = {names.EXPERIMENT_KIND: names.TRAINING}
    try:
        return str(store.client.create_experiment(sweep, artifact_location=place, tags=tags))
    except MlflowException:
        there = store.client.get_experiment_by_name(sweep)
        if there is None:
            raise
        return str(there.experiment_id)  # another launch was first


def open_launch(
    store: Store, experiment: str, plan: Plan, origin: Origin, *, late: bool = False
) -> str:
    """The id of the launch run of `plan`: the one it has in the experiment, or a new one.

    The tag with the plan's digest comes last, so that a reader never finds one without a plan.
    late: the launch was opened before, and what it left is recorded now: it is no newer for that.
    """
    known = history.launches(store, plan.sweep)
    earlier = [run for run in known if run.digest == plan.digest]
    # The newest launch is the last one, whatever the clock says.
    now = max([time.time_ns() // 1_000_000, *(each.launched + 1 for each in known)])
    with guard(store.uri, "opening the launch"):
        if earlier:
            run_id = earlier[0].run_id
            if late:
                return run_id
            store.client.update_run(run_id, status="RUNNING")
        else:
            tags = {names.KIND: names.LAUNCH, names.SWEEP: plan.sweep}
            run_id = store.create_run(experiment, f"{plan.sweep}, {plan.profile}", tags)
        store.client.log_text(run_id, plan.model_dump_json(indent=1), names.PLAN_FILE)
        store.client.log_dict(run_id, plan.settings, names.SETTINGS_FILE)
        for identity, text in origin.sources.items():
            store.client.log_text(run_id, text, f"{names.SOURCES_FOLDER}/{identity}.py")
        # Under names of their own: the cells' parameters keep their columns to themselves.
        params = {
            "launch.profile": plan.profile,
            "launch.seeds": len(plan.seeds),
            "launch.cells": len(plan.cells),
            "launch.trials": len(plan.trials()),
        }
        launched = origin.launched if late else now
        tags = {names.PROVENANCE + key: value for key, value in origin.provenance.items()} | {
            names.PROFILE: plan.profile,
            names.LAUNCHED: str(launched),
            names.PLAN: plan.digest,
        }
        store.log(run_id, params={} if earlier else params, tags=tags)
    return run_id
