"""Heat maps: what stands in each cell, and each column over its highest."""

from __future__ import annotations

from typing import Any

import pytest

from reports.bars import crossed
from reports.drawing.heatmap import Map, draw_maps
from reports.figure import figure_blocks
from reports.heatmap import measured, normalised
from sweeper.spec.shown import Figure
from tests.reports.hand import Made, is_drawn, notes, picture, rows


def figure(**words: Any) -> Figure:
    return Figure.model_validate(
        {"id": "F", "title": "T", "axis": "source", "kind": "heatmap", **words}
    )


def built_from() -> Made:
    made = Made("source")
    for source, scores in (("CUB", (0.8, 0.3)), ("Dogs", (0.4, 0.6))):
        for task, score in zip(("birds", "dogs"), scores, strict=True):
            made.add(source, [score] * 3, task=task)
    return made


def test_labels_run_down_and_values_of_the_factor_along() -> None:
    made = built_from()
    made.add("Cars", [0.5] * 3, task="birds")
    found = figure_blocks(figure(), made.recording, made.entries)
    assert rows(found) == [
        ["CUB", "80.0 ± 0.0 (3)", "30.0 ± 0.0 (3)"],
        ["Dogs", "40.0 ± 0.0 (3)", "60.0 ± 0.0 (3)"],
        ["Cars", "50.0 ± 0.0 (3)", "—"],
    ]
    assert is_drawn(picture(found))


def test_each_column_is_divided_by_its_highest() -> None:
    values = {("a", "x"): 80.0, ("b", "x"): 40.0, ("a", "y"): 30.0, ("b", "y"): 60.0}
    assert normalised(values) == {
        ("a", "x"): 1.0,
        ("b", "x"): 0.5,
        ("a", "y"): 0.5,
        ("b", "y"): 1.0,
    }
    assert normalised({("a", "x"): 0.0, ("a", "y"): 2.0}) == {("a", "y"): 1.0}


def test_it_is_said_that_the_picture_is_normalised_and_the_table_is_not() -> None:
    made = built_from()
    found = figure_blocks(figure(normalise=True), made.recording, made.entries)
    assert rows(found)[0][1] == "80.0 ± 0.0 (3)"
    assert "In the picture each column is divided by its highest mean." in notes(found)[0]


def test_an_average_is_a_further_column_and_another_factor_a_further_map() -> None:
    made = Made("source")
    for depth, more in (("shallow", 0.0), ("deep", 0.1)):
        for task, score in (("birds", 0.2), ("dogs", 0.4)):
            made.add("CUB", [score + more] * 3, task=task, depth=depth)
    asked = figure(averages={"average": ()})
    fields = measured(asked, crossed(asked, made.plan, made.entries))
    assert [field.title for field in fields] == ["shallow", "deep"]
    assert [list(field.columns) for field in fields] == [["birds", "dogs", "average"]] * 2
    found = [[field.found["CUB", name].summary for name in field.columns] for field in fields]
    means = [[summary.mean for summary in row if summary] for row in found]
    assert means == [pytest.approx([0.2, 0.4, 0.3]), pytest.approx([0.3, 0.5, 0.4])]


def test_the_papers_map_stands_below_ours() -> None:
    made = Made("prompt_length")
    made.add(1, [0.5] * 3, task="digits")
    made.add(8, [0.5] * 3, task="digits")
    asked = figure(axis="prompt_length", target="pgn/T3a")
    alone = figure(axis="prompt_length")
    with_paper = picture(figure_blocks(asked, made.recording, made.entries))
    without = picture(figure_blocks(alone, made.recording, made.entries))
    assert len(with_paper.files["svg"]) > len(without.files["svg"])
    *_, published = figure_blocks(asked, made.recording, made.entries)
    assert rows([published]) == [["1", "75.8", "68.3"], ["8", "77.9", "70.6"]]


def test_one_number_and_odd_names_are_drawn_with_the_same_bytes() -> None:
    one = Map("$x_1$|%", ["$a$" * 40], ["_b_^", "gap"], {("$a$" * 40, "_b_^"): 0.5}, "%", 1)
    assert draw_maps([one]) == draw_maps([one])
