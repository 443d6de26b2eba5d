"""Averages over members, of hand-made values with known answers."""

from __future__ import annotations

import pytest

from reports.average import averages_of, pictured
from reports.crossing import Slot
from reports.entry import Entry, entries
from reports.filled import fill
from reports.statistics import Scores
from reports.value import Value
from sweeper.spec.shown import Table
from tests.reports import hand
from tests.tracking import made


def value(*by_seed: float, deterministic: bool = False, apart: bool = False) -> Value:
    scores = Scores(dict(enumerate(by_seed)), deterministic)
    return Value(scores, (Entry(made.cell(), scores, {}, 3, 1),), apart=apart)


def test_the_average_is_over_the_members_of_each_seed_and_then_over_seeds():
    rows = {"A": {"x": value(0.1, 0.2, 0.3), "y": value(0.5, 0.4, 0.6)}}
    average = averages_of(rows, ["x", "y"])["A"]
    assert average.value.scores.by_seed == pytest.approx({0: 0.3, 1: 0.3, 2: 0.45})
    assert average.value.summary.mean == pytest.approx(0.35)
    assert average.value.remarks == ()
    assert not average.value.too_few


def test_only_seeds_that_all_members_have_count_and_too_few_of_them_are_marked():
    rows = {"A": {"x": value(0.1, 0.2, 0.3), "y": value(0.5)}}
    average = averages_of(rows, ["x", "y"])["A"].value
    assert average.scores.by_seed == pytest.approx({0: 0.3})
    assert average.too_few


def test_an_incomplete_row_is_averaged_over_what_all_rows_have_and_says_so():
    rows = {
        "A": {"x": value(0.1), "y": value(0.3), "z": value(0.8)},
        "B": {"x": value(0.2), "y": value()},
        "C": {"x": value(0.4), "y": value(0.6)},
    }
    found = averages_of(rows, ["x", "y", "z"])
    assert found["A"].value.summary.mean == pytest.approx(0.4)
    assert found["A"].value.remarks == ()
    assert found["B"].members == found["C"].members == ("x",)
    assert found["C"].value.summary.mean == pytest.approx(0.4)
    assert found["B"].value.remarks == ("the average over x only, which all rows have",)
    assert found["B"].value.partial
    assert found["B"].value.apart, "a complete row is not compared with it"


def test_where_no_row_is_complete_those_over_the_same_members_are_compared():
    rows = {"A": {"x": value(0.1), "y": value(0.3)}, "B": {"x": value(0.2), "y": value(0.2)}}
    found = averages_of(rows, ["x", "y", "z"])
    assert [one.value.apart for one in found.values()] == [False, False]
    assert found["A"].value.remarks == ("the average without z, which not all rows have",)


def test_without_a_member_that_all_rows_have_an_incomplete_row_has_no_average():
    rows = {"A": {"x": value(0.1)}, "B": {"y": value(0.2)}}
    assert averages_of(rows, ["x", "y"]) == {}


def test_a_row_that_has_not_begun_takes_nothing_from_the_others():
    rows = {"A": {"x": value(0.1)}, "B": {"x": value()}, "C": {}}
    found = averages_of(rows, ["x", "y"])
    assert [*found] == ["A"]
    assert found["A"].members == ("x",)


def test_an_average_with_a_member_under_another_protocol_is_not_compared():
    rows = {"A": {"x": value(0.1), "y": value(0.3, apart=True)}}
    assert averages_of(rows, ["x", "y"])["A"].value.apart


def test_a_deterministic_member_counts_for_every_seed():
    rows = {"A": {"x": value(0.1, 0.2, 0.3), "y": value(0.5, deterministic=True)}}
    found = averages_of(rows, ["x", "y"])["A"].value.scores
    assert found.by_seed == pytest.approx({0: 0.3, 1: 0.35, 2: 0.4})
    assert not found.deterministic


def test_a_change_of_an_average_is_against_the_base_over_the_same_members():
    cells = hand.cells(["A", "B"], ["x", "y"], base="A")
    scores = {("A", "x"): 0.2, ("A", "y"): 0.8, ("B", "x"): 0.3, ("B", "y"): None}
    table = Table(id="T", title="T", axis="method", averages={"mean": ()})
    plan = hand.plan(cells, table)
    recording = hand.recording(plan, lambda c, s: scores[c.roles[0].label, s.task])
    filled = fill(table, plan, entries(recording))
    assert filled.values["A", Slot((), "mean")].summary.mean == pytest.approx(0.5)
    assert filled.changes["B", Slot((), "mean")].mean == pytest.approx(0.1), "on x alone"


def test_an_average_has_a_column_for_each_combination_of_the_other_factors():
    cells = [
        *hand.cells(["A"], ["x", "y"], backbone="one"),
        *hand.cells(["A"], ["x", "y"], backbone="two"),
    ]
    table = Table(id="T", title="T", axis="method", averages={"all": (), "first": ("x",)})
    plan = hand.plan(cells, table)
    score = {("one", "x"): 0.1, ("one", "y"): 0.3, ("two", "x"): 0.5, ("two", "y"): 0.9}
    recording = hand.recording(plan, lambda c, s: score[c.over["backbone"], s.task])
    filled = fill(table, plan, entries(recording))
    means = {slot.name: filled.values["A", slot].summary.mean for slot in filled.slots[4:]}
    assert means == pytest.approx(
        {"all, one": 0.2, "first, one": 0.1, "all, two": 0.7, "first, two": 0.5}
    )


def test_all_that_a_picture_draws_of_an_average_is_over_the_same_members():
    rows = {
        "A": {"x": value(0.1), "y": value(0.3)},
        "B": {"x": value(0.2), "y": value()},
        "C": {"x": value()},
        "D": {},
    }
    found = pictured(rows, ["x", "y"])
    assert [*found] == ["A", "B", "C"], "of D nothing is planned"
    assert found["A"].value.summary.mean == pytest.approx(0.2)
    assert [found[row].value.scores.by_seed for row in "BC"] == [{}, {}]
    holes = [found[row].value.holes for row in "ABC"]
    assert holes == [(), ("lacks 1 of 2 members",), ("lacks 2 of 2 members",)]


def test_where_no_row_is_complete_a_picture_draws_what_all_have_as_a_table_does():
    rows = {"A": {"x": value(0.1), "y": value(0.3)}, "B": {"x": value(0.2), "y": value(0.4)}}
    found = pictured(rows, ["x", "y", "z"])
    assert found == averages_of(rows, ["x", "y", "z"])
    assert found["A"].value.summary.mean == pytest.approx(0.2)
    assert found["A"].value.remarks == ("the average without z, which not all rows have",)


def test_columns_that_lack_a_member_say_so_beside_others_that_have_it():
    cells = [
        *hand.cells(["A"], ["x", "y"], backbone="one"),
        *hand.cells(["A"], ["x"], backbone="two"),
    ]
    table = Table(id="T", title="T", axis="method", averages={"mean": ()})
    plan = hand.plan(cells, table)
    filled = fill(table, plan, entries(hand.recording(plan, 0.5)))
    one, two = (filled.values["A", slot] for slot in filled.slots if slot.average)
    assert one.remarks == ()
    assert two.remarks == ("the average over x only, which all rows have",)
