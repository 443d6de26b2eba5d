"""Which analyses of which trials the report of a plan shows."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator
from typing import Literal

from sweeper.spec.measure import analysis_of
from sweeper.spec.plan import Cell, Plan
from sweeper.spec.shown import Curve, Figure, Table

# What an analysis reads for a report: at most so many images of this split, drawn by the seed
SPLIT: Literal["val", "test"] = "test"
LIMIT = 500


def analyses(plan: Plan, finished: Container[str]) -> dict[str, set[str]]:
    """Trial id -> names of analyses, of the trials in `finished`, in the order of the plan.

    What is measured is asked of every seed; a figure of kind `analysis` shows the first that has
    finished.
    """
    asked: dict[str, set[str]] = {}
    shown: list[Table | Curve | Figure] = [*plan.tables, *plan.curves, *plan.figures]
    for cell in plan.cells:
        there = [trial.id for trial in cell.trials if trial.id in finished]
        for each in shown:
            for name in _measured(each, cell):
                for trial in there:
                    asked.setdefault(trial, set()).add(name)
            if isinstance(each, Figure) and each.analysis and _stands_at(cell, each.axis, each.of):
                for trial in there[:1]:
                    asked.setdefault(trial, set()).add(each.analysis)
    return asked


def _measured(shown: Table | Curve | Figure, cell: Cell) -> Iterator[str]:
    """The analyses whose results it shows of a cell."""
    of: tuple[str, ...] = ()
    if isinstance(shown, Figure):
        of = (*shown.of, shown.against) if shown.of else ()
        if shown.x and _stands_at(cell, shown.axis, (shown.x_of,)):
            yield from filter(None, [analysis_of(shown.x)])
    if _stands_at(cell, shown.axis, of):
        yield from filter(None, [analysis_of(shown.measure)])


def _stands_at(cell: Cell, axis: str, labels: Collection[str]) -> bool:
    """Whether a cell is along `axis`, at one of `labels` where there are any."""
    return any(role.axis == axis and (not labels or role.label in labels) for role in cell.roles)
