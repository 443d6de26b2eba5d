"""What the papers print, to be read: lists of their tables, one of them, and ours beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports.published import Paper

Value = int | float | str
Rows = Mapping[str, Mapping[str, Value]]  # label -> column -> value

AS_PRINTED = "as printed"


@dataclass(frozen=True)
class Listed:
    """A published table, or a figure whose points are printed."""

    target: str
    source: str
    caption: str
    unit: str
    values: int
    errata: int


def listing(paper: Paper) -> list[Listed]:
    """All of a paper, in its order."""
    return [
        Listed(
            target=f"{paper.paper}/{name}",
            source=table.source,
            caption=table.caption,
            unit=table.unit,
            values=sum(len(row) for row in table.rows.values()),
            errata=len(table.errors),
        )
        for name, table in paper.tables.items()
    ]


def grid(paper: Paper, name: str, ours: Rows | None = None) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of a published table; `[2]` marks what its second erratum is about.

    ours: our own values of the same rows and columns; each column has them beside it then, as
        `comparison` says them.
    """
    table, columns = paper.tables[name], paper.columns_of(name)
    headers = [""]
    for column in columns:
        headers += [column] if ours is None else [column, "ours"]
    decimals = _decimals(paper, name)
    rows = []
    for row, values in table.rows.items():
        line = [row + _marks(paper, name, row, "")]
        for column in columns:
            value = values.get(column)
            text = "" if value is None else printed(value, decimals)
            line.append(text + _marks(paper, name, row, column))
            if ours is not None:
                line.append("" if value is None else comparison(value, ours.get(row, {}), column))
        rows.append(line)
    return headers, rows


def comparison(value: Value, ours: Mapping[str, Value], column: str) -> str:
    """Our value of `column` against the printed one: the same, a difference, or what it is.

    Texts are the same where their letters and digits are; empty where we have none.
    """
    if column not in ours:
        return ""
    own = ours[column]
    if _bare(own) == _bare(value):
        return AS_PRINTED
    if isinstance(own, int | float) and isinstance(value, int | float):
        return f"{own:,} ({own - value:+,})"
    return f"{own:,}" if isinstance(own, int | float) else own


def printed(value: Value, decimals: int | None) -> str:
    """A value as the paper has it; a number of whole thousands without a separator."""
    return f"{value:.{decimals}f}" if isinstance(value, float) and decimals else str(value)


def remarks(paper: Paper, name: str) -> list[tuple[str, str]]:
    """What must be known of a published table: (of what, in words)."""
    table = paper.tables[name]
    said = [("source", table.source), ("caption", table.caption), ("unit", table.unit)]
    said.append(("backbone", table.backbone or paper.backbone))
    said.append(("protocol", _settings(table.protocol)))
    said += [(f"in row '{row}'", _settings(own)) for row, own in table.settings.items()]
    said.append(("note", table.note))
    for number, erratum in enumerate(table.errors, 1):
        where = f"{erratum.row}, {erratum.column}" if erratum.column else erratum.row
        said.append((f"erratum [{number}]", f"{where}: {erratum.text}"))
    return [(what, " ".join(text.split())) for what, text in said if text]


def _marks(paper: Paper, name: str, row: str, column: str) -> str:
    errors = enumerate(paper.tables[name].errors, 1)
    numbers = [str(number) for number, e in errors if (e.row, e.column) == (row, column)]
    return f" [{', '.join(numbers)}]" if numbers else ""


def _decimals(paper: Paper, name: str) -> int | None:
    """How many the table prints; None where its values need not have the same."""
    table = paper.tables[name]
    if table.unit not in ("percent", "points"):
        return None
    values = [value for row in table.rows.values() for value in row.values()]
    return max((len(str(v).partition(".")[2]) for v in values if isinstance(v, float)), default=0)


def _bare(value: Value) -> str:
    return "".join(sign for sign in str(value).lower() if sign.isalnum())


def _settings(settings: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())
