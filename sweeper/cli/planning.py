"""`plan`, `validate`, `schema`: what a sweep file asks for, and nothing is launched."""

from __future__ import annotations

import os
from collections.abc import Mapping

from sweeper.cli import options
from sweeper.cli.launch import read_plan, recorded
from sweeper.cli.output import duration, print_json, print_line, print_rows, stderr
from sweeper.cli.progress import cell_names
from sweeper.cli.work import missing_trials
from sweeper.records import TrialResult
from sweeper.spec.plan import Plan


def plan(
    sweep: options.SweepFile,
    profile: options.Profile = None,
    settings: options.Settings = None,
    seeds: options.Seeds = None,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Say what would run, what is already done, and about how long it will take.

    Public data that is not on this machine is named, and planned for as if it were.
    """
    from sweeper.catalog import Supplied
    from sweeper.execution.estimate import estimate_seconds
    from sweeper.execution.footprint import known_footprints

    catalog = Supplied()
    found = read_plan(sweep, profile=profile, settings=settings, seeds=seeds, catalog=catalog)
    for name, text in catalog.missing.items():
        told = f"not here, and needed to run it: {name}: {text}"
        stderr.print(told, markup=False, soft_wrap=True)
    done = recorded(found, options.store_uri(store, results))
    todo = missing_trials(found.trials(), done)
    guesses = estimate_seconds(found, todo, done)
    lanes = lane_count(found)
    total = sum(guesses[trial.id] or 0.0 for trial in todo) / lanes
    unknown = sum(1 for trial in todo if guesses[trial.id] is None)
    rows = _plan_rows(found, done, guesses, known_footprints(found, todo))
    if json:
        print_json(
            "plan",
            sweep=found.sweep,
            profile=found.profile,
            digest=found.digest,
            cells=[dict(zip(PLAN_HEADERS, row, strict=True)) for row in rows],
            trials=len(found.trials()),
            missing=len(todo),
            data_missing=catalog.missing,
            seconds=None if unknown else total,
        )
        return
    print_rows(PLAN_HEADERS, rows)
    about = [f"about {duration(total)} of training, {lanes} at a time"] if total else []
    if unknown:
        about.append(f"{unknown} trials whose time is not known before they run here")
    print_line(
        f"{found.title}: {len(found.cells)} cells, "
        f"{len(found.trials())} trials, {len(todo)} to run" + "".join(f", {each}" for each in about)
    )
    if found.search is not None:
        print_line(
            f"search: {found.search.num_trials} trials drawn by {found.search.method} over "
            + ", ".join(found.search.space)
        )


def validate(
    sweep: options.SweepFile,
    profile: options.Profile = None,
    settings: options.Settings = None,
    json: options.Json = False,
) -> None:
    """Check a sweep file under one profile; say every mistake at once."""
    found = read_plan(sweep, profile=profile, settings=settings, seeds=None)
    if json:
        print_json("validate", sweep=found.sweep, profile=found.profile, digest=found.digest)
        return
    print_line(
        f"{sweep} is right. {found.title}: {len(found.cells)} cells, {len(found.trials())} trials"
    )


def schema() -> None:
    """Print the JSON Schema of sweep files, for editors."""
    import json

    from sweeper.catalog import Installed
    from sweeper.spec.schema import json_schema

    print_line(json.dumps(json_schema(Installed()), indent=2))


def lane_count(plan: Plan) -> int:
    """How many trials run at a time on this machine."""
    if plan.resources.gpus:
        return 1
    return max(1, int((os.cpu_count() or 1) // (plan.resources.cpus * plan.resources.workers)))


PLAN_HEADERS = ["cell", "method", "task", "seeds", "done", "to run", "seconds a trial"]
PLAN_HEADERS += ["GiB a trial", "note"]


def _plan_rows(
    plan: Plan,
    done: Mapping[str, TrialResult],
    guesses: Mapping[str, float | None],
    memory: Mapping[str, float],
) -> list[list[str]]:
    names = cell_names(plan)
    rows = []
    for cell in plan.cells:
        left = missing_trials(cell.trials, done)
        guess = guesses[left[0].id] if left else None
        rows.append(
            [
                names[cell.id],
                str(cell.config["method"]),
                str(cell.config["task"]),
                str(len(cell.trials)),
                str(len(cell.trials) - len(left)),
                str(len(left)),
                f"{guess:.0f}" if guess is not None else "",
                f"{memory[cell.id]:.2f}" if cell.id in memory else "",
                f"skipped: {cell.skip}" if cell.skip else "",
            ]
        )
    return rows
