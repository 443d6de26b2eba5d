"""Which published value stands beside which of ours, on papers made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports import beside as module
from reports import filled as filling
from reports.beside import beside
from reports.crossing import Slot
from reports.document import plain
from reports.entry import entries
from reports.filled import fill
from reports.published import Paper
from reports.published_grids import published_blocks
from sweeper.spec.shown import Table
from tests.reports import hand

TABLE = Table(id="T", title="T", axis="method", target="made/T", averages={"Avg.": ()})
PAPER = {
    "paper": "made",
    "title": "A paper made by hand",
    "backbone": "embedded",
    "columns": {"X": "x", "Y": "y", "Avg.": ""},
    "tables": {
        "T": {
            "source": "Table 9",
            "caption": "Everything",
            "protocol": {"epochs": 3},
            "settings": {"B": {"backbone": "other"}, "C": {"lr": 0.5}},
            "errors": [
                {"row": "A", "column": "Y", "text": "The text says 61."},
                {"row": "A", "text": "Row 2 in the text."},
            ],
            "rows": {
                "A": {"X": 50.0, "Y": 60.25, "Avg.": 55.1},
                "B": {"X": 50.0},
                "C": {"X": 50.0, "Y": "-"},
                "elsewhere": {"X": 1.0},
            },
        }
    },
}


@pytest.fixture
def paper(monkeypatch):
    """Makes `made/T` a published table; called with what it should have otherwise."""

    def publish(**changes):
        table = PAPER["tables"]["T"] | changes
        found = Paper.model_validate(PAPER | {"tables": {"T": table}})
        for place in (module, filling):
            monkeypatch.setattr(place, "published", lambda _: (found, "T"))
        return found

    publish()
    return publish


def put(methods=("A", "B", "C"), tasks=("x", "y"), score=0.5, table=TABLE, **over):
    plan = hand.plan(hand.cells(methods, tasks, **over), table)
    recording = hand.recording(plan, score)
    filled = fill(table, plan, entries(recording))
    return filled, beside(filled)


def slot(task, **over):
    return Slot(tuple(sorted({"task": task, **over}.items())))


def test_columns_meet_by_their_task_and_averages_by_their_name(paper):
    paper()
    _, found = put()
    assert found.matched == {slot("x"): "X", slot("y"): "Y", Slot((), "Avg."): "Avg."}
    assert found.unmatched == []
    assert found.compared["A", slot("x")].word == "reproduced"


def test_a_row_has_its_own_backbone_and_settings(paper):
    paper()
    _, found = put()
    assert found.compared["B", slot("x")].reasons == ("another backbone",)
    assert found.compared["C", slot("x")].reasons == ("other settings (lr)",)


def test_text_in_a_published_table_is_shown_and_not_compared(paper):
    paper()
    _, found = put()
    assert ("C", slot("y")) not in found.compared
    assert found.values["C", "Y"] == "-"


def test_what_is_wrong_in_the_paper_stands_below_and_the_value_stays(paper):
    paper()
    filled, found = put()
    assert found.errata == {
        ("A", "Y"): ("The text says 61.",),
        ("A", ""): ("Row 2 in the text.",),
    }
    grid = published_blocks(filled, found)[0]
    lines = [[plain(cell) for cell in row] for row in grid.rows]
    assert lines[1] == ["A", "y", "50.00", "60.25", "-10.25", "not reproduced¹"]
    assert lines[0][-1] == "reproduced"
    notes = [plain(note) for note in grid.notes]
    assert notes[0] == "reproduced: 1; not reproduced: 2; not comparable: 2."
    assert "¹ in the paper: The text says 61." in notes
    assert "A, in the paper: Row 2 in the text." in notes


def test_an_average_is_compared_only_where_it_is_over_the_same(paper):
    paper()
    _, whole = put(methods=("A",), score=0.551)
    assert whole.compared["A", Slot((), "Avg.")].word == "reproduced"
    _, fewer = put(methods=("A",), tasks=("x",))
    why = "the paper's values of these average to 50.00"
    assert fewer.compared["A", Slot((), "Avg.")].reasons == (why,)
    _, others = put(methods=("A",), tasks=("x", "z"))
    assert others.compared["A", Slot((), "Avg.")].reasons == ("other data",)


def test_an_average_over_a_common_subset_is_not_compared(paper):
    paper()
    hole = lambda c, s: None if (c.roles[0].label, s.task) == ("A", "y") else 0.5  # noqa: E731
    _, found = put(score=hole)
    assert "an average over fewer" in found.compared["A", Slot((), "Avg.")].reasons


def test_a_member_that_is_not_comparable_makes_its_average_so(paper):
    paper(rows={"B": {"X": 50.0, "Y": 50.0, "Avg.": 50.0}}, settings={"B": {"lr": 0.5}}, errors=())
    _, found = put(methods=("B",))
    assert found.compared["B", Slot((), "Avg.")].reasons == ("other settings (lr)",)


def test_rows_and_blocks_are_in_the_order_of_the_paper(paper):
    rows = {"two / B": {"X": 1.0}, "two / A": {"X": 1.0}, "one / A": {"X": 1.0}}
    paper(rows=rows, settings={}, errors=())
    cells = [
        *hand.cells(["A", "B"], ["x"], backbone="one"),
        *hand.cells(["A", "B"], ["x"], backbone="two"),
    ]
    table = TABLE.model_copy(update={"rows": ("backbone",)})
    plan = hand.plan(cells, table)
    filled = fill(table, plan, entries(hand.recording(plan, 0.5)))
    assert [row.name for row in filled.rows] == ["two / B", "two / A", "one / A", "one / B"]
    assert [*beside(filled).compared] == [(name, slot("x")) for name in rows]


def test_a_single_column_without_a_task_meets_our_only_one(paper):
    paper(
        unit="millions",
        columns={"#params": ""},
        rows={"A": {"#params": 0.001234}},
        settings={},
        errors=(),
    )
    table = TABLE.model_copy(update={"measure": "trainable_parameters", "averages": {}})
    _, found = put(methods=("A",), tasks=("x",), table=table)
    assert found.compared["A", slot("x")].word == "reproduced"


def test_values_keep_the_decimals_of_their_column(paper):
    paper(rows={"A": {"X": 71.51}, "B": {"X": 71.5}}, settings={}, errors=())
    filled, found = put(methods=("A", "B"), tasks=("x",))
    grid = published_blocks(filled, found)[0]
    assert [plain(row[3]) for row in grid.rows] == ["71.51", "71.50"]


def test_none_of_the_rows_published_is_said(paper):
    paper()
    filled, found = put(methods=("Z",))
    (said,) = published_blocks(filled, found)
    assert plain(said.content).startswith("None of these rows is published. Published: MADE")


def test_factors_in_the_rows_go_by_the_names_of_the_paper(paper):
    paper(rows={"Big / A": {"X": 50.0}, "Small / A": {"X": 40.0}}, settings={}, errors=[])
    table = TABLE.model_copy(update={"rows": ("size",), "averages": {}})
    cells = [
        cell.model_copy(update={"printed": {"size": printed}} if printed else {})
        for size, printed in (("stand-in", "Small"), ("Big", ""))
        for cell in hand.cells(["A"], ["x"], size=size)
    ]
    recording = hand.recording(hand.plan(cells, table), 0.5)
    filled = fill(table, recording.plan, entries(recording))
    found = beside(filled)
    assert {row: value for (row, _), value in found.values.items()} == {
        "Big / A": 50.0,
        "stand-in / A": 40.0,
    }
    other = found.paper.model_copy(update={"backbone": "another"})
    printed = published_blocks(filled, replace(found, paper=other, compared={}))[0]
    assert [plain(row[0]) for row in printed.rows] == ["Big / A", "Small / A"]
