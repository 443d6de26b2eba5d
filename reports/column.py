"""A column of a table: one combination of the factors that a sweep crosses with every cell."""

from __future__ import annotations

from collections.abc import Iterable

from sweeper.spec.plan import Cell

Column = tuple[tuple[str, str], ...]  # the crossed factors and their values, sorted by factor


def columns_of(cells: Iterable[Cell]) -> list[Column]:
    """The columns that `cells` fill, in the order of the cells."""
    all_ = dict.fromkeys(tuple(sorted(cell.over.items())) for cell in cells)
    return [one for one in all_ if not any(set(one) < set(other) for other in all_)]


def stands_in(cell: Cell, column: Column) -> bool:
    """Whether a cell stands in a column; where a factor changes nothing of it, it is in each."""
    return set(cell.over.items()) <= set(column)
