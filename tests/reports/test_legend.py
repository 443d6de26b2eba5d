"""The rules above the tables: those that the tables of a plan use, and no others."""

from __future__ import annotations

from reports.document import plain
from reports.legend import legend_blocks
from sweeper.spec.shown import Table
from tests.reports import hand


def told(*tables: Table) -> str:
    return " ".join(plain(block.content) for block in legend_blocks(hand.plan((), *tables)))


def table(**what) -> Table:
    return Table(id="T", title="T", axis="method", **what)


def test_a_plan_without_tables_needs_no_legend():
    assert legend_blocks(hand.plan(())) == []


def test_each_rule_stands_there_where_a_table_uses_it():
    plain_one = told(table())
    assert "95 % Student-t interval over seeds" in plain_one
    assert "the highest mean, and every entry whose paired difference" in plain_one
    for rule in ("Averages:", "Verdict", "Seconds", "No direction"):
        assert rule not in plain_one
    assert "Averages: per seed the mean over their members" in told(table(averages={"a": ()}))
    assert "the lowest mean" in told(table(measure="test/loss"))
    seconds = told(table(measure="seconds"))
    assert "Seconds are those of the machines that this sweep ran on" in seconds
    assert "Bold:" not in seconds
    compared = told(table(target="pgn/T3a"))
    assert "reproduced: it lies inside our 95 % interval" in compared
    assert "1 % of the published value" not in compared
