"""Points: paired gains against a measure, and their rank correlation."""

from __future__ import annotations

from typing import Any

import pytest

from reports.drawing.scatter import Cloud, draw_points
from reports.figure import NOTHING, figure_blocks
from reports.scatter import measured, rank_correlation
from sweeper.spec.shown import Figure
from tests.reports.hand import Made, is_drawn, notes, picture, rows, said

WITHIN = "analysis/variance/within"
ASKED = {"kind": "scatter", "against": "TP", "x": WITHIN, "x_of": "TP"}


def figure(**words: Any) -> Figure:
    return Figure.model_validate({"id": "F", "title": "T", "axis": "method", **ASKED, **words})


def tasks(gains: list[float], xs: list[float]) -> Made:
    made = Made("method")
    for at, (gain, x) in enumerate(zip(gains, xs, strict=True)):
        low = [0.3, 0.4, 0.5]
        made.add("TP", low, measured={WITHIN: [x - 1, x, x + 1]}, task=f"task {at}")
        made.add("CoOp", [score + gain for score in low], task=f"task {at}")
    return made


def dots(made: Made, **words: Any) -> Any:
    return measured(figure(**words), made.plan, made.entries)


def test_y_is_the_paired_difference_and_x_the_measure_of_the_label_beneath() -> None:
    found = dots(tasks([0.1, -0.2], [3.0, 7.0]))["CoOp"]
    assert [(dot.name, dot.x.mean) for dot in found] == [("task 0", 3.0), ("task 1", 7.0)]
    assert [dot.gain.mean for dot in found] == pytest.approx([0.1, -0.2])
    assert found[0].gain.summary.ci95 == pytest.approx(0, abs=1e-12)


def test_the_table_rises_with_x_and_its_differences_are_in_points() -> None:
    made = tasks([0.1, -0.2], [7.0, 3.0])
    found = figure_blocks(figure(), made.recording, made.entries)
    first, second = rows(found)
    assert (first[0], second[0]) == ("task 1", "task 0")
    assert first[1] == "CoOp"
    assert first[2].startswith("3.000 ± ")
    assert first[3] == "-20.0 ± 0.0 (3)"
    assert is_drawn(picture(found))


def test_a_rank_correlation_is_of_ranks_and_says_its_n() -> None:
    made = tasks([0.01, 0.02, 0.03, 0.04, 0.30], [1.0, 2.0, 3.0, 5.0, 4.0])
    # one swap of neighbours among five: 1 - 6 * 2 / (5 * 24)
    assert rank_correlation(dots(made)["CoOp"]) == pytest.approx(0.9)
    told = notes(figure_blocks(figure(), made.recording, made.entries))
    assert "CoOp: Spearman's rank correlation +0.90, n = 5." in told


def test_of_fewer_than_five_points_no_correlation_is_said() -> None:
    made = tasks([0.01, 0.02, 0.03, 0.04], [1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(dots(made)["CoOp"]) is None
    told = notes(figure_blocks(figure(), made.recording, made.entries))
    assert "CoOp: no rank correlation, n = 4 (fewer than 5 points)." in told


def test_a_constant_has_no_rank_correlation() -> None:
    made = tasks([0.01, 0.02, 0.03, 0.04, 0.05], [1.0] * 5)
    assert rank_correlation(dots(made)["CoOp"]) is None
    told = notes(figure_blocks(figure(), made.recording, made.entries))
    assert "CoOp: no rank correlation, n = 5 (constant)." in told


def test_a_task_without_x_or_without_a_common_seed_has_no_point() -> None:
    made = tasks([0.1], [1.0])
    made.add("TP", [0.5], task="no x")
    made.add("CoOp", [0.6], task="no x")
    made.add("TP", {0: 0.5}, measured={WITHIN: [1.0]}, task="no seed")
    made.add("CoOp", {1: 0.6}, task="no seed")
    assert [dot.name for dot in dots(made)["CoOp"]] == ["task 0"]


def test_other_factors_make_points_of_their_own() -> None:
    made = Made("method")
    for backbone in ("B", "L"):
        made.add("TP", [0.5] * 3, measured={WITHIN: [1.0]}, task="digits", backbone=backbone)
        made.add("VPT", [0.6] * 3, task="digits", backbone=backbone)
    assert [*dots(made)] == ["VPT, B", "VPT, L"]


def test_nothing_to_draw_is_a_sentence() -> None:
    made = Made("method")
    made.add("TP", [0.5], task="digits")
    assert said(figure_blocks(figure(), made.recording, made.entries)) == [NOTHING]


def test_odd_names_and_equal_points_are_drawn_with_the_same_bytes() -> None:
    same = [("$x_1$|%", 1.0, 2.0, 0.5), ("b" * 80, 1.0, 2.0, float("nan"))]
    clouds = [Cloud("$a", same), Cloud("_b_", same)]
    assert draw_points(clouds, "$x", "$y") == draw_points(clouds, "$x", "$y")
