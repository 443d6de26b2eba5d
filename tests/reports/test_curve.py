"""Curves: the points behind them, the three numbers of each line, and the paper's own points."""

from __future__ import annotations

import math
from typing import Any

import pytest

from reports.curve import NOTHING, curve_blocks, panes_of
from reports.document import Heading
from reports.trace import Traced, trace
from sweeper.spec.shown import Curve
from tests.reports.hand import Made, is_drawn, notes, picture, rows, said, two_tasks

PAPERS = {"backbone": "openclip/ViT-B-32-quickgelu@openai", "epochs": 500, "warmup_epochs": 50}


def curve(**words: Any) -> Curve:
    return Curve.model_validate({"id": "C", "title": "T", "axis": "prompt_length", **words})


def traced(made: Made, **words: Any) -> Traced:
    return trace(curve(**words), made.plan, made.entries)


def blocks(made: Made, **words: Any) -> Any:
    return curve_blocks(curve(**words), made.recording, made.entries)


def test_a_line_goes_through_the_means_by_rising_setting() -> None:
    made = Made()
    made.add(8, [0.6, 0.7, 0.8], task="digits")
    made.add(1, [0.5], task="digits")
    (panel,) = traced(made).panels
    (line,) = panel.lines
    assert [(point.x, point.label) for point in line.points] == [(1, "1"), (8, "8")]
    one, eight = (point.summary for point in line.points)
    assert one is not None
    assert eight is not None
    assert (one.mean, one.n, one.ci95) == (0.5, 1, None)
    assert eight.mean == pytest.approx(0.7)
    assert eight.ci95 == pytest.approx(4.302653 * 0.1 / math.sqrt(3))


def test_what_is_drawn_is_in_percent_and_one_seed_has_no_band() -> None:
    made = Made()
    made.add(1, [0.5], task="digits")
    made.add(8, [0.6, 0.7, 0.8], task="digits")
    (pane,) = panes_of(traced(made))
    (stroke,) = pane.strokes
    assert stroke.y == pytest.approx([50, 70])
    assert math.isnan(stroke.half[0])
    assert stroke.half[1] == pytest.approx(430.2653 * 0.1 / math.sqrt(3))
    assert pane.unit == "top-1, %"


def test_a_setting_without_a_finished_seed_is_a_gap_and_is_marked() -> None:
    made = Made()
    for length, scores in ((1, [0.5] * 3), (4, []), (8, [0.6] * 3)):
        made.add(length, scores, task="digits")
    (pane,) = panes_of(traced(made))
    (stroke,) = pane.strokes
    assert stroke.x == [1, 4, 8]
    assert math.isnan(stroke.y[1])
    assert notes(blocks(made))[0] == (
        "¹ at 4: fewer finished seeds than the 3 that this sweep asks for."
    )


def test_the_three_numbers_of_the_papers_own_points() -> None:
    made = two_tasks()
    found = {row[0]: row[1:] for row in rows(blocks(made, target="pgn/T3a"))}
    # 75.8 77.8 77.9 78.3 77.3 at 1 4 8 16 64: trapezoids of width 2, 1, 1, 2 over a range of 6
    area = ((75.8 + 77.8) + (77.8 + 77.9) / 2 + (77.9 + 78.3) / 2 + (78.3 + 77.3)) / 6 / 78.3
    assert found["published: CIFAR100 (PGN, Table 3a)"] == ["16", "2.5", f"{area:.3f}", "4"]
    # 69.6 at 4 is one point below the best, 70.6 at 8
    assert found["published: SUN397 (PGN, Table 3a)"][:2] == ["8", "2.3"]
    assert found["published: SUN397 (PGN, Table 3a)"][3] == "4"


def test_the_three_numbers_of_ours() -> None:
    made = Made()
    for length, score in ((1, 0.4), (4, 0.792), (16, 0.8)):
        made.add(length, [score] * 3, task="digits")
    area = (2 * (0.4 + 0.792) / 2 + 2 * (0.792 + 0.8) / 2) / 4 / 0.8
    assert rows(blocks(made)) == [["digits", "16", "40.0", f"{area:.3f}", "4"]]


def test_published_points_that_are_not_comparable_have_axes_of_their_own_and_the_reason() -> None:
    made = two_tasks()
    *_, apart = panes_of(traced(made, target="pgn/T3a"))
    assert apart.title.startswith("Published: PGN, Table 3a; not comparable: another backbone; ")
    assert [stroke.name for stroke in apart.strokes] == [
        "published: CIFAR100 (PGN, Table 3a)",
        "published: SUN397 (PGN, Table 3a)",
    ]
    assert apart.strokes[0].x == [1, 4, 8, 16, 64]
    assert apart.strokes[0].y == [75.8, 77.8, 77.9, 78.3, 77.3]


def test_comparable_published_points_stand_on_our_axes_with_hollow_markers() -> None:
    made = Made()
    for length in (1, 8):
        config = {**PAPERS, "task": "cifar100", "prompt_length": length}
        made.add(length, [0.7] * 3, config=config, task="cifar100")
    ours, apart = panes_of(traced(made, target="pgn/T3a"))
    mine, theirs = ours.strokes
    assert (mine.hollow, theirs.hollow) == (False, True)
    assert theirs.alike == mine.alike
    assert theirs.y == [75.8, 77.8, 77.9, 78.3, 77.3]
    assert [stroke.name for stroke in apart.strokes] == ["published: SUN397 (PGN, Table 3a)"]


def test_zero_shot_is_a_dashed_line_that_is_drawn_once_for_all_lines_above_it() -> None:
    made = Made()
    for method in ("spt", "vpt"):
        for length in (1, 8):
            made.add(length, [0.5] * 3, task="digits", variant=method)
    made.add_zero_shot(0.15, task="digits")
    (pane,) = panes_of(traced(made))
    ((name, height, alike),) = pane.levels
    assert (name, alike) == ("zero-shot (TP)", -1)
    assert height == pytest.approx(15)


def test_zero_shot_of_each_task_has_the_colour_of_its_line() -> None:
    made = two_tasks()
    made.add_zero_shot(0.15, task="digits")
    made.add_zero_shot(0.25, task="shapes")
    (pane,) = panes_of(traced(made))
    levels = [(name, alike) for name, _, alike in pane.levels]
    assert levels == [("digits: zero-shot (TP)", 0), ("shapes: zero-shot (TP)", 1)]


def test_along_trainable_parameters_x_is_their_number() -> None:
    made = Made()
    made.add("one", [0.5] * 3, parameters=40_000, task="digits")
    made.add("two", [0.6] * 3, parameters=5_000, task="digits")
    (pane,) = panes_of(traced(made, x="trainable_parameters"))
    assert (pane.strokes[0].x, pane.strokes[0].y) == ([5_000, 40_000], pytest.approx([60, 50]))


def test_labels_stand_in_the_order_of_the_sweep_and_have_no_robustness() -> None:
    made = Made()
    for label in ("ViT-B", "ViT-L", "ViT-H"):
        made.add(label, [0.5] * 3, task="digits")
    found = traced(made, scale="labels")
    assert found.names == ["ViT-B", "ViT-L", "ViT-H"]
    assert [point.x for point in found.panels[0].lines[0].points] == [0, 1, 2]
    assert rows(blocks(made, scale="labels")) == [["digits", "—", "—", "—", "—"]]


def test_another_measure_has_its_own_unit_and_no_robustness() -> None:
    made = Made()
    for length in (1, 8):
        measured = {"test/loss": [0.25, 0.5, 0.75]}
        made.add(length, [0.5] * 3, measured=measured, task="digits")
    words = {"measure": "test/loss", "target": "pgn/T3a"}
    ours, apart = panes_of(traced(made, **words))
    assert (ours.unit, ours.strokes[0].y) == ("test loss, nats", pytest.approx([0.5, 0.5]))
    assert "another unit" in apart.title
    assert rows(blocks(made, **words))[0] == ["digits", "—", "—", "—", "—"]


def test_what_has_no_place_on_a_log_scale_is_said_and_drawn_on_a_linear_one() -> None:
    made = Made()
    for length in (0, 1, 8):
        made.add(length, [0.5] * 3, task="digits")
    assert "Without a place on prompt_length: 0." in said(blocks(made))[0]
    assert panes_of(traced(made))[0].strokes[0].x == [1, 8]
    assert "Without" not in said(blocks(made, scale="linear"))[0]
    assert panes_of(traced(made, scale="linear"))[0].strokes[0].x == [0, 1, 8]


def test_where_nothing_has_finished_a_sentence_stands_in_place_of_an_empty_picture() -> None:
    made = Made()
    made.add(1, [], task="digits")
    heading, *_ = found = blocks(made)
    assert heading == Heading(3, "T")
    assert said(found) == [NOTHING]
    assert len(found) == 2


def test_any_name_is_drawn_as_it_is_and_the_same_points_give_the_same_bytes() -> None:
    made = Made()
    for method in ("$x_1$|%", r"$\frac{", "a_b^c \\ #&~ " + "long " * 30):
        for length in (1, 8):
            made.add(length, [0.5, 0.6], task="digits", variant=method)
    found, again = picture(blocks(made)), picture(blocks(made))
    assert found.name == "curve_C"
    assert is_drawn(found)
    assert found.files == again.files
    assert not any(b"Date" in data for data in found.files.values())


def test_micro_batches_are_told_below_a_curve_too() -> None:
    made = Made()
    made.add(1, [0.5] * 3, measured={"accumulation": [2.0] * 3}, task="digits")
    made.add(8, [0.6] * 3, task="digits")
    (note, *_) = notes(blocks(made))
    assert note.startswith("¹ at 1: too large for the memory of its GPU")
