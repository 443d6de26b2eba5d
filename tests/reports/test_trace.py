"""Averages along a curve, and the panels that lines stand in."""

from __future__ import annotations

from typing import Any

import pytest

from reports.trace import Traced, trace
from sweeper.spec.shown import Curve
from tests.reports.hand import Made, two_tasks


def traced(made: Made, **words: Any) -> Traced:
    curve = Curve.model_validate({"id": "C", "title": "T", "axis": "prompt_length", **words})
    return trace(curve, made.plan, made.entries)


def test_an_average_is_over_the_seeds_that_all_members_have() -> None:
    made = Made()
    made.add(1, {0: 0.2, 1: 0.4, 2: 0.9}, task="digits")
    made.add(1, {0: 0.6, 1: 0.6}, task="shapes")
    made.add(8, [0.5, 0.5, 0.5], task="digits")
    made.add(8, [0.7, 0.7, 0.7], task="shapes")
    average, rest = traced(made, averages={"all": ()}).panels
    (line,) = average.lines
    assert [point.summary.mean for point in line.points if point.summary] == pytest.approx(
        [0.45, 0.6]
    )
    assert [point.summary.n for point in line.points if point.summary] == [2, 3]
    assert line.remarks == ("at 1: fewer finished seeds than the 3 that this sweep asks for",)
    assert [line.name for line in rest.lines] == ["digits", "shapes"]


def test_an_average_whose_member_is_missing_is_a_hole_not_an_average_of_the_others() -> None:
    made = two_tasks()
    made.add(64, [0.9] * 3, task="digits")
    average = traced(made, averages={"all": ()}).panels[0]
    (line,) = average.lines
    assert (line.points[-1].label, line.points[-1].summary) == ("64", None)
    assert line.remarks == ("at 64: lacks 1 of 2 members",)


def test_each_value_of_a_factor_has_a_panel_after_the_averages() -> None:
    made = Made()
    for method in ("coop", "upt"):
        for task in ("digits", "shapes"):
            for length in (1, 2):
                made.add(length, [0.5] * 3, task=task, variant=method)
    found = traced(made, panels="task", averages={"average": ()}).panels
    titles = ["average: mean over 2 tasks", "digits", "shapes"]
    assert [panel.title for panel in found] == titles
    assert [[line.name for line in panel.lines] for panel in found] == [["coop", "upt"]] * 3


def test_an_average_over_some_takes_no_others() -> None:
    made = two_tasks()
    made.add(1, [0.0] * 3, task="textures")
    average = traced(made, averages={"two": ("digits", "shapes")}).panels[0]
    first = average.lines[0].points[0].summary
    assert first is not None
    assert first.mean == pytest.approx((0.51 + 0.5 + 0.5 + 0.71 + 0.7 + 0.7) / 6)


def test_zero_shot_under_an_average_is_over_the_members_that_the_average_is_over() -> None:
    made = two_tasks()
    made.add_zero_shot(0.1, task="digits")
    made.add_zero_shot(0.3, task="shapes")
    whole = traced(made, averages={"all": ()}).panels[0]
    assert whole.title == "all: mean over 2 tasks"
    assert whole.zero_shot[0].mean == pytest.approx(0.2)
    some = traced(made, averages={"all": ("shapes", "textures")}).panels[0]
    assert some.title == "all: mean over 1 tasks"
    assert some.lines[0].remarks == ("the average over shapes only, which all rows have",)
    assert some.zero_shot[0].mean == pytest.approx(0.3)
