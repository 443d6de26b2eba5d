"""A published table is shown as printed, with ours beside it where there is ours."""

from __future__ import annotations

from typing import Any

import pytest

from reports.info import AS_PRINTED, Listed, comparison, grid, listing, remarks
from reports.published import Paper


def _paper(**table: Any) -> Paper:
    whole = {
        "source": "Table 9",
        "caption": "Hand made",
        "unit": "percent",
        "rows": {"A": {"x": 64.2, "y": 71}, "B": {"x": 60.25}},
        "errors": [
            {"row": "A", "column": "x", "text": "It is 64.21."},
            {"row": "B", "text": "The text calls it C."},
        ],
    }
    columns = {"x": "digits", "y": ""}
    return Paper.model_validate(
        {
            "paper": "own",
            "title": "Own",
            "backbone": "embedded",
            "columns": columns,
            "tables": {"T9": {**whole, **table}},
        }
    )


def test_a_paper_is_listed_with_its_numbers_of_values_and_errata() -> None:
    assert listing(_paper()) == [Listed("own/T9", "Table 9", "Hand made", "percent", 3, 2)]


def test_percent_have_the_decimals_of_the_table_and_errata_their_marks() -> None:
    headers, rows = grid(_paper(), "T9")
    assert headers == ["", "x", "y"]
    assert rows == [["A", "64.20 [1]", "71"], ["B [2]", "60.25", ""]]


def test_other_units_are_as_they_stand() -> None:
    _, rows = grid(_paper(unit="millions"), "T9")
    assert [row[1] for row in rows] == ["64.2 [1]", "60.25"]


def test_ours_stand_beside_every_column_and_are_blank_where_the_paper_has_nothing() -> None:
    headers, rows = grid(_paper(), "T9", {"A": {"x": 64.2, "y": 70}, "B": {"x": 60.25, "y": 3}})
    assert headers == ["", "x", "ours", "y", "ours"]
    assert rows[0] == ["A", "64.20 [1]", AS_PRINTED, "71", "70 (-1)"]
    assert rows[1] == ["B [2]", "60.25", AS_PRINTED, "", ""]


@pytest.mark.parametrize(
    ("value", "own", "said"),
    [
        (50000, 50000, AS_PRINTED),
        (15888, 15880, "15,880 (-8)"),
        (7, 1012, "1,012 (+1,005)"),
        ("1000*", "1000", AS_PRINTED),
        ("ViT-B/32", "ViT-B-32", AS_PRINTED),
        ("a { }", "a {}", AS_PRINTED),
        ("a { }", "an {}", "an {}"),
        ("-", 800, "800"),
    ],
)
def test_a_value_is_the_same_or_ours_is_said(value: Any, own: Any, said: str) -> None:
    assert comparison(value, {"x": own}, "x") == said


def test_where_we_have_nothing_nothing_is_said() -> None:
    assert comparison(1, {"y": 1}, "x") == ""


def test_remarks_say_protocol_settings_notes_and_numbered_errata() -> None:
    paper = _paper(protocol={"shots": 16}, settings={"A": {"lr": 0.1}}, note="Of a\nkind.")
    assert remarks(paper, "T9") == [
        ("source", "Table 9"),
        ("caption", "Hand made"),
        ("unit", "percent"),
        ("backbone", "embedded"),
        ("protocol", "shots=16"),
        ("in row 'A'", "lr=0.1"),
        ("note", "Of a kind."),
        ("erratum [1]", "A, x: It is 64.21."),
        ("erratum [2]", "B: The text calls it C."),
    ]
