"""A table on paper: one that is too wide is turned on its side, or cut into several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.document import Grid, Text, text

WIDE = 8  # columns that fit beside each other


@dataclass(frozen=True)
class Sheet:
    """Rows and columns with their names, and what stands in them: cells[row][column].

    corner: what the rows are called; factors: what the columns are, empty where they are
        several things. blocks: places of rows that begin another block.
    """

    corner: str
    factors: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[Text]]
    blocks: Sequence[int] = ()

    def turned(self) -> Sheet:
        """With the columns as rows."""
        cells = [[line[n] for line in self.cells] for n in range(len(self.columns))]
        return Sheet(self.factors, self.corner, self.columns, self.rows, cells)


def grids(sheet: Sheet, name: str, caption: str, notes: Sequence[Text] = ()) -> list[Grid]:
    """One grid, or several where both its sides are long..

    With more columns than fit it is turned, if its rows fit beside each other, and else cut.
    """
    if len(sheet.columns) > WIDE >= len(sheet.rows):
        sheet = sheet.turned()
    count = max(1, -(-len(sheet.columns) // WIDE))
    found = []
    for part in range(count):
        first, last = (len(sheet.columns) * n // count for n in (part, part + 1))
        found.append(
            Grid(
                headers=[text(sheet.corner), *map(text, sheet.columns[first:last])],
                rows=[
                    [text(row), *line[first:last]]
                    for row, line in zip(sheet.rows, sheet.cells, strict=True)
                ],
                name=name if count == 1 else f"{name}_{part + 1}",
                caption=caption if count == 1 else f"{caption} ({part + 1} of {count})",
                notes=notes,
                rules=sheet.blocks,
            )
        )
    return found
