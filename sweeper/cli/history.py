"""`status`, `report`, `ui`: what the store knows."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import Annotated

import typer

from sweeper.cli import options
from sweeper.cli.launch import missing_trials, recorded_plan, titled
from sweeper.cli.output import print_json, print_line, print_rows, stderr
from sweeper.cli.progress import cell_names
from sweeper.cli.results import check_results, report_folder


def status(
    sweep: options.SweepName,
    profile: options.Profile = None,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Say what of a sweep is finished, running, failed and missing."""
    from sweeper.tracking.history import finished
    from sweeper.tracking.store import open_store

    uri = options.store_uri(store, results)
    plan = recorded_plan(uri, sweep, profile)
    done = finished(open_store(uri), [trial.id for trial in plan.trials()])
    missing = missing_trials(plan.trials(), done)
    counts = Counter(str(result.status) for result in done.values())
    if json:
        print_json(
            "status",
            sweep=plan.sweep,
            profile=plan.profile,
            trials=len(plan.trials()),
            counts=dict(counts),
            missing=len(missing),
        )
        return
    names = cell_names(plan)
    headers = ["cell", "trials", "finished", "diverged", "failed", "missing"]
    rows = []
    for cell in plan.cells:
        tally = Counter(str(done[trial.id].status) for trial in cell.trials if trial.id in done)
        rows.append(
            [
                names[cell.id],
                str(len(cell.trials)),
                str(tally["finished"] + tally["stopped"]),
                str(tally["diverged"]),
                str(tally["failed"]),
                str(len(missing_trials(cell.trials, done))),
            ]
        )
    print_rows(headers, rows)
    print_line(
        f"{titled(plan)}: {len(plan.trials()) - len(missing)} of "
        f"{len(plan.trials())} trials finished"
    )


def report(
    sweep: options.SweepName,
    profile: options.Profile = None,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Rebuild the report of a sweep from the store alone."""
    from reports.build import build

    check_results(results)
    uri = options.store_uri(store, results)
    plan = recorded_plan(uri, sweep, profile)
    folder = report_folder(results, plan)
    written = build(uri, plan.sweep, folder, profile=plan.profile)
    if json:
        print_json("report", sweep=plan.sweep, profile=plan.profile, report=str(written))
        return
    print_line(str(written))


def ui(
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    port: Annotated[int, typer.Option("--port", help="On the loopback address.")] = 5000,
) -> None:
    """Open MLflow's UI on the store, on this machine only."""
    from sweeper.tracking.store import open_store

    uri = options.store_uri(store, results)
    open_store(uri)
    stderr.print(f"MLflow at http://127.0.0.1:{port} (Ctrl-C ends it)")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    raise typer.Exit(subprocess.call(command))
