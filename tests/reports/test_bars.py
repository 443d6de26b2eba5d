"""Bars: means, averages and paired differences, group by group."""

from __future__ import annotations

import math
from typing import Any

import pytest

from reports.document import Paragraph
from reports.figure import NOTHING, figure_blocks
from sweeper.spec.shown import Figure
from tests.reports.hand import Made, grid, is_drawn, notes, picture, rows, said


def bars(made: Made, **words: Any) -> Any:
    figure = Figure.model_validate(
        {"id": "F", "title": "T", "axis": "method", "kind": "bars", **words}
    )
    return figure_blocks(figure, made.recording, made.entries)


def made(**scores: dict[str, list[float]]) -> Made:
    """Task -> method -> scores."""
    found = Made("method")
    for task, methods in scores.items():
        for method, values in methods.items():
            found.add(method, values, task=task)
    return found


THREE = {
    "digits": {"TP": [0.5, 0.5, 0.5], "VP": [0.51, 0.52, 0.53]},
    "shapes": {"TP": [0.4, 0.5, 0.6], "VP": [0.49, 0.61, 0.7]},
    "counting": {"TP": [0.8], "VP": [0.7, 0.7, 0.7]},
}


def test_a_group_is_a_task_and_a_bar_a_label() -> None:
    found = bars(made(**THREE))
    half = 100 * 4.302653 * 0.01 / math.sqrt(3)
    assert [cell[0].text for cell in grid(found).headers] == ["task", "TP", "VP"]
    assert rows(found)[0] == ["digits", "50.0 ± 0.0 (3)", f"52.0 ± {half:.1f} (3)"]
    assert rows(found)[2][1] == "80.0 (1)†, missing 2"
    assert "† fewer finished seeds than the 3 that this sweep asks for." in notes(found)
    assert is_drawn(picture(found))


def test_each_number_links_to_its_runs() -> None:
    of_shapes = made(**THREE).cells[3]
    for against in ("", "TP"):
        number = grid(bars(made(**THREE), against=against)).rows[0 if against else 1][-1][0]
        assert number.link == f"http://ui/{of_shapes.id}"


def test_differences_are_paired_and_sorted_from_the_greatest() -> None:
    found = bars(made(**THREE), against="TP")
    assert [row[0] for row in rows(found)] == ["shapes", "digits", "counting"]
    # shapes: 0.09, 0.11, 0.10: mean 0.1, std 0.01, although TP alone spreads over 0.2
    half = 100 * 4.302653 * 0.01 / math.sqrt(3)
    assert rows(found)[0] == ["shapes", f"+10.0 ± {half:.1f} (3)"]
    assert rows(found)[2][1] == "-10.0 (1)†, missing 2 of TP"


def test_with_averages_a_group_is_an_average_for_each_of_the_other_factors() -> None:
    found = Made("method")
    for backbone, low in (("RN50", 0.2), ("BiT", 0.4)):
        for task, more in (("digits", 0.0), ("shapes", 0.2)):
            found.add("VP", [low + more] * 3, task=task, backbone=backbone)
            if (backbone, task) != ("BiT", "shapes"):
                found.add("LP", [0.5] * 3, task=task, backbone=backbone)
    shown = bars(found, averages={"average": ()})
    assert rows(shown) == [
        ["RN50", "30.0 ± 0.0 (3)", "50.0 ± 0.0 (3)"],
        ["BiT", "50.0 ± 0.0 (3)", "lacks 1 of 2 members"],
    ]


def test_labels_that_are_not_asked_for_are_left_out() -> None:
    found = made(digits={"TP": [0.1], "VP": [0.2], "LP": [0.3]})
    shown = bars(found, of=["LP", "VP"])
    assert [cell[0].text for cell in grid(shown).headers] == ["task", "LP", "VP"]


def test_the_papers_numbers_stand_below_ours_as_differences_where_ours_are() -> None:
    found = made(digits={"TP": [0.5] * 3, "IIP": [0.6] * 3, "PGN": [0.7] * 3})
    assert rows(bars(found, target="pgn/T1"))[-1] == [
        "published: CIFAR100",
        "63.1",
        "73.5",
        "79.3",
    ]
    shown = bars(found, target="pgn/T1", against="TP")
    assert rows(shown)[-1] == ["published: CIFAR100", "+10.4", "+16.2"]
    assert grid(shown).rules == [1]


def test_another_measure_is_written_in_its_own_digits() -> None:
    found = Made("method")
    found.add("VP", [0.5], measured={"test/loss": [0.25]}, task="digits")
    assert rows(bars(found, measure="test/loss")) == [["digits", "0.250 (1)†, missing 2"]]


def test_nothing_finished_is_a_sentence() -> None:
    found = bars(made(digits={"TP": [], "VP": []}))
    assert said(found) == [NOTHING]
    assert isinstance(found[-1], Paragraph)


def test_a_label_without_a_common_seed_has_no_difference() -> None:
    found = Made("method")
    found.add("TP", {0: 0.5}, task="digits")
    found.add("VP", {1: 0.6}, task="digits")
    found.add("LP", {0: 0.7}, task="digits")
    (row,) = rows(bars(found, against="TP"))
    assert row[1] == "missing 2, missing 2 of TP"
    assert row[2] == "+20.0 (1)†, missing 2, missing 2 of TP"


def test_any_name_is_drawn_and_the_same_numbers_give_the_same_bytes() -> None:
    found = Made("method")
    for method in ("$x_1$|%", "b" * 200):
        found.add(method, [0.5, 0.6], task=r"$\alpha")
    first, again = picture(bars(found)), picture(bars(found))
    assert is_drawn(first)
    assert first.files == again.files
    assert first.name == "figure_F"


@pytest.mark.parametrize(
    ("kind", "where"), [("bars", ("digits", "LP")), ("heatmap", ("LP", "digits"))]
)
def test_a_skipped_cell_says_why(kind: str, where: tuple[str, str]) -> None:
    found = made(digits={"TP": [0.5] * 3, "VP": [0.6] * 3})
    found.add("LP", [], task="digits", skip="has no text")
    shown = bars(found, kind=kind)
    assert any("skipped" in row for row in rows(shown))
    told = [note for note in notes(shown) if note.startswith("skipped:")]
    assert told == [f"skipped: {', '.join(where)}: has no text."]


def test_a_difference_to_a_skipped_cell_says_why_there_is_none() -> None:
    found = made(digits={"VP": [0.6] * 3}, shapes={"VP": [0.6] * 3, "TP": [0.5] * 3})
    found.add("TP", [], task="digits", skip="has no text")
    shown = bars(found, against="TP")
    assert rows(shown) == [["shapes", "+10.0 ± 0.0 (3)"], ["digits", "—¹"]]
    assert "¹ TP is skipped: has no text." in notes(shown)
