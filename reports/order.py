"""Do the methods fall in the paper's order? Computed from paired seeds, never asserted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from reports.column import Column, columns_of, stands_in
from reports.entry import Entry
from reports.footnote import ON_TEST
from reports.statistics import Verdict, difference, verdict
from sweeper.spec.plan import Cell, Plan
from sweeper.spec.protocol import protocol_of
from sweeper.tracking.summary import Summary

PAPER_ORDER = ("TP", "IIP", "PGN")
AXIS = "method"


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


def comparisons(plan: Plan, entries: Mapping[str, Entry]) -> list[Comparison]:
    """Each step of TP < IIP < PGN in each column; empty if the plan has not two of them."""
    found = []
    for column in columns_of(plan.cells):
        cells = {name: _cell(plan, column, name) for name in PAPER_ORDER}
        there = {name: entries[cell.id] for name, cell in cells.items() if cell is not None}
        for lower, higher in pairwise(there):
            change = difference(there[higher].scores, there[lower].scores)
            few = there[lower].too_few or there[higher].too_few
            below, above = (protocol_of(there[name].cell.config) for name in (lower, higher))
            apart = tuple(k for k, v in above.items() if below.get(k, v) != v)
            tested = tuple(n for n in (lower, higher) if ON_TEST in there[n].remarks)
            found.append(Comparison(column, lower, higher, change, few, apart, tested))
    return found


def _cell(plan: Plan, column: Column, method: str) -> Cell | None:
    """The one cell that stands for a method: by its role, else the base cell, else the only one."""
    cells = [cell for cell in plan.cells if stands_in(cell, column)]
    of_method = [cell for cell in cells if str(cell.config.get("method")).upper() == method]
    named = [cell for cell in of_method if any(role.axis == AXIS for role in cell.roles)]
    base = [cell for cell in of_method if cell.base]
    for candidates in (named, base, of_method):
        if len(candidates) == 1:
            return candidates[0]
    return None
