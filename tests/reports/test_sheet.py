"""What becomes of a table that is too wide for a page."""

from __future__ import annotations

from reports.document import text
from reports.sheet import WIDE, Sheet, grids
from tests.reports import hand


def sheet(rows: int, columns: int) -> Sheet:
    return Sheet(
        corner="method",
        factors="task",
        rows=[f"r{n}" for n in range(rows)],
        columns=[f"c{n}" for n in range(columns)],
        cells=[[text(f"{r}.{c}") for c in range(columns)] for r in range(rows)],
        blocks=(1,),
    )


def test_what_fits_stands_as_it_is():
    (grid,) = grids(sheet(20, WIDE), "table_x", "Caption", [text("note")])
    assert hand.headers(grid) == ["method", *(f"c{n}" for n in range(WIDE))]
    assert hand.lines(grid)["r3"][1] == "3.1"
    assert (grid.name, grid.caption, grid.rules) == ("table_x", "Caption", (1,))


def test_many_columns_of_few_rows_are_turned_on_their_side():
    (grid,) = grids(sheet(5, 13), "table_x", "Caption")
    assert hand.headers(grid) == ["task", "r0", "r1", "r2", "r3", "r4"]
    assert hand.lines(grid)["c12"] == ["0.12", "1.12", "2.12", "3.12", "4.12"]
    assert grid.rules == ()


def test_what_is_long_both_ways_is_cut_into_even_parts_each_with_its_rows_and_notes():
    parts = grids(sheet(9, 17), "table_x", "Caption", [text("note")])
    assert [len(part.headers) - 1 for part in parts] == [5, 6, 6]
    assert [part.name for part in parts] == ["table_x_1", "table_x_2", "table_x_3"]
    assert parts[1].caption == "Caption (2 of 3)"
    assert hand.lines(parts[2])["r8"][-1] == "8.16"
    assert all(len(part.notes) == 1 for part in parts)
