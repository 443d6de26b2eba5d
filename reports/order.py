"""Do the methods fall in the paper's order? Computed from paired seeds, never asserted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reports.column import Column, columns_of, finder
from reports.document import Block, Bullets, Heading, Paragraph, text
from reports.entry import Entry
from reports.footnote import ON_TEST
from reports.query import Recording
from reports.statistics import Verdict, difference, verdict
from reports.value import value_of
from reports.wording import column_name, interval
from sweeper.spec.plan import Cell, Plan
from sweeper.spec.protocol import protocol_of
from sweeper.tracking.summary import Summary

PAPER_ORDER = ("TP", "IIP", "PGN")
AXIS = "method"
VERDICTS = {
    "greater": "holds",
    "smaller": "is reversed",
    "not told apart": "is not told apart",
    "unknown": "is not known: fewer than two common seeds finished",
}


@dataclass(frozen=True)
class Comparison:
    """`higher` against `lower` in one column: is it above, by the paired interval?"""

    column: Column
    lower: str
    higher: str
    change: Summary | None  # of higher - lower, fractions
    too_few: bool  # one of them has fewer finished seeds than the sweep asks for
    apart: tuple[str, ...] = ()  # what of the protocol is not the same in both
    on_test: tuple[str, ...] = ()  # which of them selected on test

    @property
    def verdict(self) -> Verdict:
        """'greater' is the paper's order."""
        return verdict(self.change)


def order_blocks(recording: Recording, entries: Mapping[str, Entry]) -> list[Block]:
    """The section of a report; empty if the plan has not two of the methods."""
    steps = comparisons(recording.plan, entries)
    if not steps:
        return []
    intro = (
        "The paper finds TP < IIP < PGN. Per column, from paired differences on common seeds, "
        "points [95 % interval] (seeds); a step holds when its interval lies above zero:"
    )
    held = sum(step.verdict == "greater" and not (step.too_few or step.apart) for step in steps)
    two = any(step.apart for step in steps)
    unsure = sum(step.too_few for step in steps)
    count = f"{held} of {len(steps)} steps hold" + (" under one protocol" * two)
    count += f"; {unsure} have too few seeds." if unsure else "."
    return [
        Heading(2, "Order of methods"),
        Paragraph(text(intro)),
        Bullets([text(_said(step, recording.plan.min_seeds)) for step in steps]),
        Paragraph(text(count)),
    ]


def _said(step: Comparison, min_seeds: int) -> str:
    few = f" Fewer than {min_seeds} seeds finished." if step.too_few else ""
    few += f" Under two protocols: not the same {', '.join(step.apart)}." if step.apart else ""
    few += f" {' and '.join(step.on_test)}: {ON_TEST}." if step.on_test else ""
    change = f", {interval(step.change)}" if step.change is not None else ""
    name = column_name(step.column)
    return f"{name}: {step.lower} < {step.higher} {VERDICTS[step.verdict]}{change}.{few}"


def comparisons(plan: Plan, entries: Mapping[str, Entry]) -> list[Comparison]:
    """Each step of TP < IIP < PGN in each column; empty if the plan has not two of them."""
    found = []
    columns = columns_of(plan.cells)
    find = finder(columns)
    standing: dict[Column, list[Cell]] = {}
    for cell in plan.cells:
        for column in find(cell) if _method(cell) in PAPER_ORDER else ():
            standing.setdefault(column, []).append(cell)
    for column in columns:
        cells = {name: _cell(standing.get(column, []), name) for name in PAPER_ORDER}
        there = {name: entries[cell.id] for name, cell in cells.items() if cell is not None}
        for lower, higher in pairwise(there):
            change = difference(there[higher].scores, there[lower].scores)
            few = any(value_of(there[name]).too_few for name in (lower, higher))
            below, above = (protocol_of(there[name].cell.config) for name in (lower, higher))
            apart = tuple(k for k, v in above.items() if below.get(k, v) != v)
            tested = tuple(n for n in (lower, higher) if ON_TEST in there[n].remarks())
            found.append(Comparison(column, lower, higher, change, few, apart, tested))
    return found


def _method(cell: Cell) -> str:
    return str(cell.config.get("method")).upper()


def _cell(cells: Sequence[Cell], method: str) -> Cell | None:
    """The one cell that stands for a method: by its role, else the base cell, else the only one."""
    of_method = [cell for cell in cells if _method(cell) == method]
    named = [cell for cell in of_method if any(role.axis == AXIS for role in cell.roles)]
    base = [cell for cell in of_method if cell.base]
    for candidates in (named, base, of_method):
        if len(candidates) == 1:
            return candidates[0]
    return None
