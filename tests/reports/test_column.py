"""Which columns a sweep has, and which cells stand in them."""

from __future__ import annotations

from reports.column import columns_of, finder, stands_in
from reports.entry import Entry
from reports.filled import fill
from reports.order import comparisons
from reports.statistics import Scores
from sweeper.spec.plan import Cell, Plan, Role
from sweeper.spec.shown import Table
from tests.tracking.made import cell


def _crossed() -> Plan:
    """IIP at two rates, and TP, which has no rate and is one cell for both."""
    tp, iip = Role(axis="method", label="TP"), Role(axis="method", label="IIP")
    zero_shot = cell(tp, over={"task": "digits"}, method="tp")
    slow, fast = (
        cell(iip, over={"task": "digits", "lr": rate}, method="iip", lr=float(rate))
        for rate in ("0.01", "0.1")
    )
    table = Table(id="T1", title="Methods", axis="method")
    return Plan(sweep="x", profile="", seeds=(0,), cells=(zero_shot, slow, fast), tables=(table,))


def test_a_cell_that_a_factor_does_not_change_stands_in_every_column_of_it() -> None:
    plan = _crossed()
    slow, fast = columns_of(plan.cells)
    assert slow == (("lr", "0.01"), ("task", "digits"))
    assert fast == (("lr", "0.1"), ("task", "digits"))
    assert [stands_in(one, slow) for one in plan.cells] == [True, True, False]
    assert [stands_in(one, fast) for one in plan.cells] == [True, False, True]
    find = finder([slow, fast])
    assert [find(one) for one in plan.cells] == [[slow, fast], [slow], [fast]]
    assert list(find(cell(over={"task": "other"}))) == []


def test_tables_and_steps_of_the_order_have_no_column_of_its_own_for_such_a_cell() -> None:
    plan = _crossed()
    entries = {one.id: _entry(one) for one in plan.cells}
    filled = fill(plan.tables[0], plan, entries)
    assert len(filled.slots) == 2
    shown = {
        (row, dict(slot.column)["lr"]): value.entries[0]
        for (row, slot), value in filled.values.items()
    }
    assert shown["TP", "0.01"] is shown["TP", "0.1"]
    assert shown["IIP", "0.01"] is not shown["IIP", "0.1"]
    steps = comparisons(plan, entries)
    assert [(step.lower, step.higher) for step in steps] == [("TP", "IIP")] * 2


def _entry(one: Cell) -> Entry:
    scores = Scores({0: 0.4, 1: 0.5, 2: 0.45}, deterministic=False)
    return Entry(one, scores, {"finished": 3}, min_seeds=3, trainable_parameters=1)
