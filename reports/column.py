"""A column of a table: one combination of the factors that a sweep crosses with every cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sweeper.spec.plan import Cell

Column = tuple[tuple[str, str], ...]  # the crossed factors and their values, sorted by factor


def columns_of(cells: Iterable[Cell]) -> list[Column]:
    """The columns that `cells` fill, in the order of the cells."""
    all_ = dict.fromkeys(tuple(sorted(cell.over.items())) for cell in cells)
    factors = {tuple(name for name, _ in one) for one in all_}
    # What has fewer factors than another column, and agrees with it, is no column of its own.
    within = {
        fewer: {
            tuple(pair for pair in one if pair[0] in fewer)
            for one in all_
            if {name for name, _ in one} > set(fewer)
        }
        for fewer in factors
        if any(set(fewer) < set(more) for more in factors)
    }
    return [one for one in all_ if one not in within.get(tuple(name for name, _ in one), ())]


def stands_in(cell: Cell, column: Column) -> bool:
    """Whether a cell stands in a column; where a factor changes nothing of it, it is in each."""
    return set(cell.over.items()) <= set(column)


def finder(columns: Sequence[Column]) -> Callable[[Cell], Sequence[Column]]:
    """What says of a cell which of `columns` it stands in, without looking at each of them."""
    indices: dict[frozenset[str], dict[Column, list[Column]]] = {}

    def find(cell: Cell) -> Sequence[Column]:
        factors = frozenset(cell.over)
        if factors not in indices:
            index = indices[factors] = {}
            for column in columns:
                own = tuple(pair for pair in column if pair[0] in factors)
                index.setdefault(own, []).append(column)
        return indices[factors].get(tuple(sorted(cell.over.items())), [])

    return find
