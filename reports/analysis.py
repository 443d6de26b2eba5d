"""What analyses of trained trials found and drew, as a section of the report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reports.document import (
    Block,
    Bullets,
    Grid,
    Heading,
    Paragraph,
    Picture,
    Span,
    Text,
    text,
)
from reports.entry import Entry
from reports.published import published
from reports.query import Recording
from sweeper.records import TrialStatus
from sweeper.spec.plan import Cell, Role
from sweeper.spec.shown import Figure
from sweeper.tracking.analysed import summary
from sweeper.tracking.artifact import artifact
from sweeper.tracking.history import RecordedTrial
from sweeper.tracking.names import ANALYSIS_FOLDER
from sweeper.tracking.store import Store, open_store

ENDINGS = ("svg", "pdf", "png")
IN_PERCENT = ("nmi",)  # results that are printed so, as the paper does
Matrix = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class _Found:
    """What the analysis says of a cell, from its first finished seed."""

    label: str
    trial: RecordedTrial
    said: Mapping[str, Any]
    numbers: Mapping[str, float]  # results that stand alone
    matrices: Mapping[str, Matrix] = field(default_factory=dict)  # '' is the results themselves


def analysis_blocks(
    figure: Figure, recording: Recording, entries: Mapping[str, Entry]
) -> list[Block]:
    """The pictures and the numbers of each cell, side by side, and what is missing."""
    store = open_store(recording.store)
    found: list[_Found] = []
    missing: list[Text] = []
    for label, cell in _cells(figure, entries):
        trial = _first_finished(cell, recording)
        said = summary(store, trial, figure.analysis) if trial is not None else None
        if trial is None or said is None:
            missing.append(_reason(label, cell, trial, figure.analysis))
        else:
            found.append(_Found(label, trial, said, *_parted(said["results"])))
    blocks: list[Block] = [Heading(3, figure.title)]
    links = dict(zip(recording.trials["trial"], recording.trials.get("link", ()), strict=False))
    for each in found:
        blocks.append(_told(each, links.get(each.trial.trial_id, "")))
        blocks += _pictures(store, figure, each)
        blocks += _matrices(figure, each)
    if grid := _numbers(figure, found):
        blocks.append(grid)
    if missing:
        blocks.append(Bullets(missing))
    if figure.target and found:
        blocks.append(_published(figure.target))
    return blocks


def _cells(figure: Figure, entries: Mapping[str, Entry]) -> Iterator[tuple[str, Cell]]:
    """Each cell that is shown, with what it is called."""
    for entry in entries.values():
        for role in entry.cell.roles:
            if role.axis == figure.axis and (not figure.of or role.label in figure.of):
                yield _label(role, entry.cell), entry.cell


def _label(role: Role, cell: Cell) -> str:
    return ", ".join((role.label, *(value for _, value in sorted(cell.over.items()))))


def _first_finished(cell: Cell, recording: Recording) -> RecordedTrial | None:
    for spec in cell.trials:
        trial = recording.recorded.get(spec.id)
        if trial is not None and trial.status is TrialStatus.FINISHED:
            return trial
    return None


def _reason(label: str, cell: Cell, trial: RecordedTrial | None, analysis: str) -> Text:
    """Why there is nothing of a cell."""
    if cell.skip:
        return text(f"{label}: skipped: {cell.skip}.")
    if trial is None:
        return text(f"{label}: no seed has finished.")
    if analysis in trial.refused:
        return text(f"{label}: cannot be made: {trial.refused[analysis]}.")
    command = f"sweeper analyse {trial.trial_id} {analysis}"
    return text(f"{label}: not made yet: ", Span(command, code=True))


def _told(found: _Found, link: str) -> Paragraph:
    said = found.said
    read = f"{said['images']} images of {said['split']}"
    trial = Span(f"seed {found.trial.spec.seed}", link=link)
    return Paragraph(text(Span(found.label, bold=True), ": ", trial, f", {read}."))


def _pictures(store: Store, figure: Figure, found: _Found) -> Iterator[Picture]:
    for name in found.said.get("pictures", ()):
        files = {}
        for ending in ENDINGS:
            path = artifact(store, found.trial, f"{ANALYSIS_FOLDER}/{name}.{ending}")
            if path is not None:
                files[ending] = path.read_bytes()
        if files:
            own = _file("analysis", figure.id, found.label, name)
            yield Picture(own, f"{figure.title}: {found.label}, {name}", files)


def _file(*parts: str) -> str:
    """The name of a file, without ending."""
    return re.sub(r"[^\w.-]+", "_", "_".join(parts))


def _parted(results: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, Matrix]]:
    """The numbers that stand alone, and those in rows and columns: matrices by name."""
    alone: dict[str, float] = {}
    rows: dict[str, dict[str, float]] = {}
    matrices: dict[str, Matrix] = {}
    for name, value in results.items():
        if _is_number(value):
            alone[name] = value
        elif isinstance(value, Mapping) and value:
            if all(isinstance(row, Mapping) for row in value.values()):
                matrices[name] = {key: _of_numbers(row) for key, row in value.items()}
            else:
                rows[name] = _of_numbers(value)
    return alone, {"": rows, **matrices} if rows else matrices


def _of_numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in values.items() if _is_number(value)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _matrices(figure: Figure, found: _Found) -> Iterator[Grid]:
    meanings = found.said["columns"]
    for name, matrix in found.matrices.items():
        columns = list(dict.fromkeys(key for row in matrix.values() for key in row))
        scale = 100.0 if name in IN_PERCENT else 1.0
        unit = ", %" if name in IN_PERCENT else ""
        yield Grid(
            headers=[text(""), *(text(_worded(column)) for column in columns)],
            rows=[
                [text(_worded(key)), *(text(_written(row.get(c), scale)) for c in columns)]
                for key, row in matrix.items()
            ],
            caption=f"{found.label}: {_worded(name or figure.analysis)}{unit}",
            notes=[
                text(f"{_worded(column)}: {meanings[column]}.")
                for column in columns
                if column in meanings
            ],
        )


def _numbers(figure: Figure, found: Sequence[_Found]) -> Grid | None:
    """A row a result, a column a cell."""
    names = list(dict.fromkeys(name for each in found for name in each.numbers))
    if not names:
        return None
    return Grid(
        headers=[text("result"), *(text(each.label) for each in found)],
        rows=[
            [text(_worded(name)), *(text(_written(each.numbers.get(name))) for each in found)]
            for name in names
        ],
        name=_file("analysis", figure.id),
        caption=f"{figure.title}: what the analysis {figure.analysis} found",
        notes=[text(f"After {each}.") for each in _sources(found)],
    )


def _sources(found: Sequence[_Found]) -> list[str]:
    return sorted({str(each.said["source"]) for each in found})


def _worded(name: str) -> str:
    return name.replace("_", " ")


def _written(value: float | None, scale: float = 1.0) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    value *= scale
    if scale != 1:
        return f"{value:.1f}"
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.001 else f"{value:.1e}"


def _published(target: str) -> Grid:
    """The paper's own table, with its names."""
    paper, name = published(target)
    table = paper.tables[name]
    columns = paper.columns_of(name)
    return Grid(
        headers=[text(table.source), *(text(column) for column in columns)],
        rows=[
            [text(row), *(text(str(values.get(column, ""))) for column in columns)]
            for row, values in table.rows.items()
        ],
        caption=f"Published: {table.source} of {paper.title}, {table.unit}",
        notes=[
            text(part) for part in (table.note, *(error.text for error in table.errors)) if part
        ],
    )
