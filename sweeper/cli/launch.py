"""`run`, `resume`: from a sweep file to a launched plan and its report."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path

import typer

from sweeper.cli import options
from sweeper.cli.assumed import say_assumed
from sweeper.cli.deliver import deliver_to
from sweeper.cli.hunt import Hunt
from sweeper.cli.output import print_json, print_line, stderr
from sweeper.cli.progress import Progress
from sweeper.cli.results import check_results, report_folder
from sweeper.errors import BudgetError
from sweeper.records import TrialResult, TrialStatus
from sweeper.spec.catalog import Catalog
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec

EXIT_FAILED, EXIT_BUDGET, EXIT_INTERRUPTED = 3, 4, 130


def run(
    sweep: options.SweepFile,
    profile: options.Profile = None,
    settings: options.Settings = None,
    seeds: options.Seeds = None,
    max_trials: options.MaxTrials = None,
    address: options.Address = None,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Train what is missing of a sweep, record it, and write the report."""
    plan = read_plan(sweep, profile=profile, settings=settings, seeds=seeds)
    _launch(plan, max_trials=max_trials, address=address, store=store, results=results, json=json)


def resume(
    sweep: options.SweepName,
    profile: options.Profile = None,
    max_trials: options.MaxTrials = None,
    address: options.Address = None,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Go on with a recorded sweep: its newest plan is read from the store, not from the file."""
    uri = options.store_uri(store, results)
    plan = recorded_plan(uri, sweep, profile)
    _launch(plan, max_trials=max_trials, address=address, store=uri, results=results, json=json)


def read_plan(
    sweep: Path,
    *,
    profile: str | None,
    settings: list[str] | None,
    seeds: str | None,
    catalog: Catalog | None = None,
) -> Plan:
    """The plan of a sweep file, checked against `catalog`, which is what is installed where none is
    given; says what was assumed.
    """
    from sweeper.catalog import Installed
    from sweeper.spec.load import load

    found = load(
        sweep,
        catalog or Installed(),
        profile=profile,
        settings=options.parse_settings(settings),
        seeds=options.parse_seeds(seeds),
    )
    say_assumed(found)
    return found


def recorded_plan(uri: str, sweep: str, profile: str | None) -> Plan:
    """The newest plan in the store of a sweep, given by its name or its file."""
    from reports.query import latest_plan

    name = Path(sweep).stem if sweep.endswith((".yaml", ".yml")) else sweep
    return latest_plan(uri, name, profile)


def titled(plan: Plan) -> str:
    """How a plan is called on screen: its sweep, and its profile if it has one."""
    return f"{plan.sweep}, profile {plan.profile}" if plan.profile else plan.sweep


def missing_trials(trials: Iterable[TrialSpec], done: Mapping[str, TrialResult]) -> list[TrialSpec]:
    """Those without a final result. A failed trial is missing: it runs again."""
    return [trial for trial in trials if trial.id not in done or not done[trial.id].status.final]


def _warn_of_memory(plan: Plan, todo: Iterable[TrialSpec]) -> None:
    """Say which trials are larger than a GPU, where this machine has one."""
    if plan.resources.gpus:
        from sweeper.execution.footprint import shortages  # torch, which no CPU launch needs here

        for line in shortages(plan, list(todo)):
            stderr.print(line)


def recorded(plan: Plan, uri: str) -> dict[str, TrialResult]:
    """Trial id -> result of the trials of `plan` that ended; none where there is no store."""
    from sweeper.tracking.history import finished
    from sweeper.tracking.store import exists, open_store

    if not exists(uri):
        return {}
    return finished(open_store(uri), [trial.id for trial in plan.trials()])


def _make_analyses(plan: Plan, uri: str) -> None:
    """What the report shows of finished trials, where it was not made before."""
    from sweeper.tracking.analysed import missing
    from sweeper.tracking.store import open_store

    store = open_store(uri)
    if todo := missing(store, plan):
        from sweeper.analysis.making import make  # torch, for analyses alone

        make(store, todo, lambda line: stderr.print(line, markup=False, soft_wrap=True))


def _launch(
    plan: Plan,
    *,
    max_trials: int | None,
    address: str | None,
    store: str | None,
    results: Path,
    json: bool,
) -> None:
    from reports.build import build
    from sweeper.execution.driver import launch, ready
    from sweeper.execution.job import trained_file
    from sweeper.tracking.history import recorded_trials
    from sweeper.tracking.spool import Spool
    from sweeper.tracking.store import exists, open_store

    check_results(results)
    uri = options.store_uri(store, results)
    deliver_to(uri, results)
    there = open_store(uri) if exists(uri) else None
    recorded = recorded_trials(there) if there else {}
    done = {key: one.result for key, one in recorded.items() if one.result is not None}
    missing = missing_trials(plan.trials(), done)
    most = min(n for n in (max_trials, plan.budget.max_trials, sys.maxsize) if n is not None)
    todo = missing[:most]
    wanted = Hunt.of(plan, recorded)
    hunt = wanted.capped(most - len(todo))
    reused = [trial.id for trial in plan.trials() if trial not in missing]
    reused += [trial.id for trial, _ in hunt.ended if trial.id not in reused]
    _warn_of_memory(plan, todo)
    progress = Progress(plan, todo, hunted=hunt.count, reused=len(reused), console=stderr)
    # Ray is reached before the store is made: a refusal leaves nothing behind.
    cluster = ready(hunt.plan, todo, results, address) if todo or hunt.count else nullcontext()

    def recording() -> Spool:
        found = there or open_store(uri, create=True)
        trained = partial(trained_file, results)
        return Spool.begin(
            found, plan, results, reused=reused, trained=trained, show=progress.incident
        )

    try:
        with cluster, recording() as spool:
            if todo or hunt.count:
                with progress, suppress(BudgetError):
                    launch(
                        hunt.plan,
                        todo,
                        listeners=[spool, progress],
                        storage=results,
                        address=address,
                        build=hunt.build,
                        ended=hunt.ended,
                    )
            spool.flush()
            _make_analyses(plan, uri)
            report = build(uri, plan.sweep, report_folder(results, plan), plan.profile)
            spool.attach(report.parent)
    except KeyboardInterrupt:
        stderr.print("Interrupted. What is finished is recorded; the same command goes on.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    left = len(missing) + wanted.count - sum(progress.statuses.values())
    if json:
        print_json(
            "run",
            sweep=plan.sweep,
            profile=plan.profile,
            report=str(report),
            store=uri,
            trained={str(status): count for status, count in progress.statuses.items()},
            reused=len(reused),
            left=left,
        )
    else:
        print_line(f"report: {report}")
        print_line(f"store:  {uri}   (sweeper ui opens it)")
        if left:
            print_line(f"{left} trials are left; the same command goes on")
    if progress.statuses[TrialStatus.FAILED]:
        raise typer.Exit(EXIT_FAILED)
    if left:
        raise typer.Exit(EXIT_BUDGET)
