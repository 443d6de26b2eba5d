"""`run`, `resume`: from a sweep file to a launched plan and its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import typer

from sweeper.cli import options
from sweeper.cli.assumed import say_assumed
from sweeper.cli.before import incidents
from sweeper.cli.deliver import deliver_to
from sweeper.cli.lock import alone
from sweeper.cli.output import print_json, print_line, stderr
from sweeper.cli.progress import Progress
from sweeper.cli.results import check_results, report_folder, work_folder
from sweeper.cli.work import Work
from sweeper.errors import BudgetError
from sweeper.execution.interrupt import Interrupt
from sweeper.execution.listener import Listener
from sweeper.faults import Fault, Incident
from sweeper.records import TrialResult, TrialStatus
from sweeper.spec.catalog import Catalog
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec

EXIT_FAILED, EXIT_BUDGET = 3, 4


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
    check_results(results)
    uri = options.store_uri(store, results)
    with Interrupt() as interrupt, alone(results, plan):
        deliver_to(uri, results)
        work, statuses, report = _carry_out(plan, uri, results, max_trials, address, interrupt)
    left = work.missing - sum(statuses.values())
    if json:
        print_json(
            "run",
            sweep=plan.sweep,
            profile=plan.profile,
            report=str(report),
            store=uri,
            trained={str(status): count for status, count in statuses.items()},
            reused=len(work.reused),
            left=left,
        )
    else:
        print_line(f"report: {report}")
        print_line(f"store:  {uri}   (sweeper ui opens it)")
        if left:
            print_line(f"{left} trials are left; the same command goes on")
    if statuses[TrialStatus.FAILED]:
        raise typer.Exit(EXIT_FAILED)
    if left:
        raise typer.Exit(EXIT_BUDGET)


def _carry_out(
    plan: Plan,
    uri: str,
    results: Path,
    max_trials: int | None,
    address: str | None,
    interrupt: Interrupt,
) -> tuple[Work, Counter[TrialStatus], Path]:
    """Train what is missing, record it, write the report: what was to do, how it ended, where."""
    from reports.build import build
    from sweeper.execution.driver import launch, ready
    from sweeper.execution.job import trained_file
    from sweeper.tracking.history import experiments, launches, recorded_trials
    from sweeper.tracking.lease import held
    from sweeper.tracking.spool import Spool
    from sweeper.tracking.store import exists, open_store

    storage = work_folder(results, plan)
    with ExitStack() as stack:
        there = open_store(uri) if exists(uri) else None
        before = None
        if there is not None and plan.sweep in experiments(there):
            stack.enter_context(held(there, plan))
            before = launches(there, plan.sweep)
        recorded = recorded_trials(there) if there is not None else {}
        work = Work.of(plan, recorded, max_trials)
        found = incidents(plan, before or [], recorded, storage, len(work.reused))
        _warn_of_memory(plan, work.todo)
        hunted, reused = work.hunt.count, len(work.reused)
        progress = Progress(plan, work.todo, hunted=hunted, reused=reused, console=stderr)
        with interrupt.kept():
            # Ray is reached before the store is made: a refusal leaves nothing behind.
            if work:
                stack.enter_context(ready(work.hunt.plan, work.todo, storage, address))
                stack.enter_context(interrupt)
            there = there or open_store(uri, create=True)
            if before is None:
                stack.enter_context(held(there, plan))
            spool = stack.enter_context(
                Spool.begin(
                    there,
                    plan,
                    results,
                    reused=work.reused,
                    trained=partial(trained_file, storage),
                    show=progress.incident,
                )
            )
            listeners: list[Listener] = [spool, progress]
            stack.enter_context(_told(listeners, interrupt))
        for each in found:
            _tell(listeners, each)
        if work:
            with progress, suppress(BudgetError):
                launch(
                    work.hunt.plan,
                    work.todo,
                    listeners=listeners,
                    storage=storage,
                    address=address,
                    build=work.hunt.build,
                    ended=work.hunt.ended,
                    interrupt=interrupt,
                )
        spool.flush()
        _make_analyses(plan, uri)
        report = build(uri, plan.sweep, report_folder(results, plan), plan.profile)
        spool.attach(report.parent)
    return work, progress.statuses, report


@contextmanager
def _told(listeners: Sequence[Listener], interrupt: Interrupt) -> Iterator[None]:
    """What a first signal ends is told to `listeners`; a second one leaves no time for it."""
    try:
        yield
    except KeyboardInterrupt:
        if not interrupt.twice:
            _tell(listeners, Incident.now(Fault.INTERRUPTED, f"by {interrupt.asked}"))
        raise


def _tell(listeners: Sequence[Listener], incident: Incident) -> None:
    for listener in listeners:
        listener.incident(incident)
