"""`status`, `report`, `ui`: what the store knows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from sweeper.cli import options
from sweeper.cli.deliver import say_waiting
from sweeper.cli.launch import recorded_plan
from sweeper.cli.output import print_json, print_line, print_rows, stderr
from sweeper.cli.progress import cell_names
from sweeper.cli.results import check_results, report_folder
from sweeper.cli.work import missing_trials
from sweeper.errors import InputError, Problem

HOST = "127.0.0.1"  # `ui` is for this machine only
EXIT_DIFFERS = 5  # a published report no longer matches the store


def status(
    sweep: options.SweepName,
    profile: options.Profile = None,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Say what of a sweep is finished, running, failed and missing."""
    from sweeper.tracking.history import finished, launches
    from sweeper.tracking.store import open_store

    uri = options.store_uri(store, results)
    say_waiting(results)
    plan = recorded_plan(uri, sweep, profile)
    opened = open_store(uri)
    done = finished(opened, [trial.id for trial in plan.trials()])
    own = [one for one in launches(opened, plan.sweep) if one.digest == plan.digest]
    happened = Counter(str(incident.fault) for incident in own[0].incidents)
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
            incidents=dict(happened),
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
        f"{plan.title}: {len(plan.trials()) - len(missing)} of {len(plan.trials())} trials finished"
    )
    if happened:
        told = ", ".join(f"{fault}: {count}" for fault, count in happened.items())
        print_line(f"on the way: {told} (told in the report)")


def report(
    sweep: Annotated[
        str, typer.Argument(help="A sweep's name, or its file; none with --check.")
    ] = "",
    profile: options.Profile = None,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    check: Annotated[
        Path | None,
        typer.Option("--check", help="Folder of a published report: does it match the store?"),
    ] = None,
    json: options.Json = False,
) -> None:
    """Rebuild the report of a sweep from the store alone, or check a published one against it."""
    uri = options.store_uri(store, results)
    if bool(sweep) == (check is not None) or (check is not None and profile):
        got = "both" if sweep or profile else "neither"
        rule = "the name of a sweep, or --check with a folder, which knows its sweep and profile"
        raise InputError(Problem("report", got, rule))
    if check is not None:
        _check(check, uri, json)
        return
    _write(sweep, profile, uri, results, json)


def _write(sweep: str, profile: str | None, uri: str, results: Path, json: bool) -> None:
    from reports.build import REPORT, left_over, report_files, write
    from reports.query import load

    check_results(results)
    say_waiting(results)
    plan = recorded_plan(uri, sweep, profile)
    folder = report_folder(results, plan)
    files = report_files(load(uri, plan.sweep, plan.profile, plan.digest))
    write(files, folder)
    if old := left_over(files, folder):
        stderr.print(
            f"{folder} also holds {', '.join(old)}: left over from an earlier report, and no part "
            "of this one. They were left alone",
            markup=False,
            soft_wrap=True,
        )
    if json:
        print_json(
            "report",
            sweep=plan.sweep,
            profile=plan.profile,
            report=str(folder / REPORT),
            files=sorted(str(folder / name) for name in files),
            left_over=old,
        )
        return
    for name in files:
        print_line(str(folder / name))


def _check(folder: Path, uri: str, json: bool) -> None:
    from reports.check import check

    found = check(folder, uri)
    if json:
        print_json("report-check", folder=str(folder), differences=found)
    else:
        for line in found:
            print_line(line)
    if not found:
        stderr.print(f"{folder} is as the store has it", markup=False, soft_wrap=True)
        return
    stderr.print(f"{folder} no longer matches the store", markup=False, soft_wrap=True)
    raise typer.Exit(EXIT_DIFFERS)


def ui(
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    port: Annotated[int, typer.Option("--port", help="On the loopback address.")] = 5000,
) -> None:
    """Open MLflow's UI on the store, on this machine only."""
    from sweeper.tracking.store import open_store

    uri = options.store_uri(store, results)
    open_store(uri)
    stderr.print(f"MLflow at http://{HOST}:{port} (Ctrl-C ends it)")
    # -P: no module of the working directory; the address, which may hold a password, is not shown
    # to other users in the list of processes
    command = [sys.executable, "-P", "-m", "mlflow", "ui", "--host", HOST, "--port", str(port)]
    own = {"MLFLOW_BACKEND_STORE_URI": uri}
    own["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # seven processes for language models
    raise typer.Exit(subprocess.call(command, env=os.environ | own))
