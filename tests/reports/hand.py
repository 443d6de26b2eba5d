"""Plans and what a store would hold of them, made by hand: no store, no writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from reports.document import Grid, plain
from reports.query import Recording
from sweeper.spec.plan import Cell, Plan, Role
from sweeper.spec.shown import Table
from sweeper.spec.trial import TrialSpec
from sweeper.tracking.history import Launch
from tests.tracking import made

SEEDS = (0, 1, 2)
NAN = float("nan")
Given = float | str | None | Callable[[Cell, TrialSpec], float | str | None]


def role(label: object, axis: str = "method", target_row: str = "") -> Role:
    value = label if isinstance(label, int | float | str) else str(label)
    return Role(axis=axis, label=str(label), value=value, target_row=target_row)


def cells(
    methods: Sequence[str],
    tasks: Sequence[str],
    *,
    base: str = "",
    seeds: Sequence[int] = SEEDS,
    **over: str,
) -> tuple[Cell, ...]:
    """A cell for each method and task, crossed with the factors `over`, which change nothing."""
    found = []
    for n, method in enumerate(methods):
        for task in tasks:
            lr = {"weight": float(n)} | {f"for_{k}": v for k, v in over.items()}
            one = made.cell(
                role(method),
                over={"task": task, **over},
                seeds=tuple(seeds),
                base=method == base,
                method="pgn",
                **lr,
            )
            found.append(one)
    return tuple(found)


def plan(cells: Sequence[Cell], *tables: Table, seeds: Sequence[int] = SEEDS, few: int = 3) -> Plan:
    return Plan(
        sweep="hand",
        profile="demo",
        seeds=tuple(seeds),
        cells=tuple(cells),
        tables=tables,
        min_seeds=few,
    )


def recording(
    plan: Plan,
    score: Given,
    **measured: Given,
) -> Recording:
    """What a store holds of `plan`. `score`: of each trial the accuracy, or its status, or None
    where it was never begun. `measured`: measure ('/' written as '__') -> its value of a trial.
    Each is the same for all trials, or a function of cell and trial.
    """
    rows = [
        _row(cell, spec, _of(score, cell, spec), measured)
        for cell in plan.cells
        for spec in cell.trials
    ]
    launch = Launch("r1", plan.sweep, plan.profile, plan.digest, 0, {"commit": "abc"}, "")
    links = {cell.id: f"http://ui/{cell.id}" for cell in plan.cells if not cell.skip}
    names = ["trial", "cell", "seed", "status"]
    frame = pd.DataFrame(rows, columns=None if rows else names)
    return Recording("hand", launch, plan, frame, links)


def _of(given: Given, cell: Cell, spec: TrialSpec) -> float | str | None:
    return given(cell, spec) if callable(given) else given


def _row(
    cell: Cell,
    spec: TrialSpec,
    score: float | str | None,
    measured: Mapping[str, Given],
) -> dict[str, object]:
    done = isinstance(score, float)
    status = "finished" if done else (score or "missing")
    return {
        "trial": spec.id,
        "cell": cell.id,
        "seed": spec.seed,
        "link": f"http://ui/{spec.id}" if score else "",
        "status": status,
        "reason": "",
        "reused": False,
        "test_acc": score if done else NAN,
        "test_loss": 0.5 if done else NAN,
        "val_acc": 0.5 if done else NAN,
        "val_loss": 0.5 if done else NAN,
        "trainable_parameters": 1234 if done else NAN,
        "epochs": 3 if done else NAN,
        "seconds": 1.5 if done else NAN,
        "commit": "abc",
        "split_rule": "",
        "config.task": spec.task,
        **{
            f"measured.{name.replace('__', '/')}": _of(given, cell, spec) if done else NAN
            for name, given in measured.items()
        },
    }


def lines(grid: Grid) -> dict[str, list[str]]:
    """The rows of a grid as plain text, by their first column; in order."""
    return {plain(row[0]): [plain(each) for each in row[1:]] for row in grid.rows}


def headers(grid: Grid) -> list[str]:
    return [plain(header) for header in grid.headers]
