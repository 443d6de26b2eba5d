"""Joint tasks, part by part, below the same method trained on each part alone: PGN's Table 6."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from reports import sheet
from reports.document import Block, Grid, Heading, Paragraph, Text, text
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.printed_parts import PrintedParts, printed_parts
from reports.query import Recording
from reports.sheet import Sheet
from reports.statistics import Scores, difference, mean_over
from reports.wording import NONE, entry_text, interval
from sweeper.tracking.cells import run_name

NOTE = """\
Top-1 in percent on the test images of each part. (I): individual, the cells of this sweep that
differ in nothing but the task, each trained on one part and choosing among its classes only. (J):
joint. Mean: over the parts, each counting the same whatever its size, per seed; then over seeds. Δ:
(J) - (I) of the means, points, paired on common seeds [95 % interval] (seeds)."""

Find = Callable[[Entry, str], Entry | None]


@dataclass(frozen=True)
class _Joint:
    """A cell of a joint task. alone: of each part, the same cell on that part, if there is one."""

    name: str
    entry: Entry
    alone: Sequence[Entry | None]
    printed: PrintedParts | None


def parts_blocks(recording: Recording, entries: Mapping[str, Entry]) -> list[Block]:
    """The section: a table for each joint task, rows for each cell; empty where there is none."""
    joined: dict[tuple[str, ...], list[Entry]] = {}
    for cell in recording.plan.cells:
        entry = entries[cell.id]
        if entry.parts:
            written = tuple(str(entry.cell.config["task"]).split("+"))  # in their own order
            joined.setdefault(written, []).append(entry)
    if not joined:
        return []
    find = _finder(entries)
    blocks: list[Block] = [Heading(2, "Joint tasks, part by part")]
    for n, (parts, found) in enumerate(joined.items(), start=1):
        names = _names(found)
        each = [
            _Joint(
                names[entry.cell.id],
                entry,
                [find(entry, part) for part in parts],
                printed_parts(recording.plan, entry, parts),
            )
            for entry in found
        ]
        blocks += _grids(n, parts, each)
    return [*blocks, Paragraph(text(" ".join(NOTE.split())), note=True)]


def _names(joined: Sequence[Entry]) -> dict[str, str]:
    """Cell id -> the label of its row; where that is not its own, what MLflow calls its run."""
    labels = {e.cell.id: e.cell.roles[0].label if e.cell.roles else "" for e in joined}
    counts = Counter(labels.values())
    return {
        e.cell.id: label
        if (label := labels[e.cell.id]) and counts[label] == 1
        else run_name(e.cell.config, e.cell)
        for e in joined
    }


def _grids(n: int, parts: Sequence[str], joined: Sequence[_Joint]) -> list[Grid]:
    notes = Footnotes.of(
        [*one.entry.remarks(), *(one.printed.remarks if one.printed else ())] for one in joined
    )
    names: list[str] = []
    cells: list[list[Text]] = []
    starts = []
    for one in joined:
        starts.append(len(names))
        for name, line in _lines(one, parts, notes):
            names.append(name)
            cells.append(line)
    what = Sheet("", "part", names, [*parts, "mean", "Δ"], cells, starts[1:])
    caption = f"Individual and joint training on {', '.join(parts)}: top-1, %"
    return sheet.grids(what, f"joint_{n}", caption, notes.texts())


def _lines(one: _Joint, parts: Sequence[str], notes: Footnotes) -> list[tuple[str, list[Text]]]:
    """Ours individually, where there is something of it, ours jointly, and the paper's."""
    entry, found = one.entry, []
    own = mean_over([each.scores if each else Scores({}) for each in one.alone])
    if any(one.alone):
        mixed = entry_text(replace(entry, scores=own, statuses={}, link=""), notes)
        told = [entry_text(each, notes) for each in one.alone]
        found.append((f"{one.name} (I)", [*told, mixed if own.by_seed else text(NONE), text("")]))
    mean = mean_over([entry.parts[part] for part in parts])
    told = [entry_text(replace(entry, scores=entry.parts[part]), notes) for part in parts]
    change = text(interval(difference(mean, own)) if own.by_seed else NONE)
    whole = entry_text(replace(entry, scores=mean), notes)
    found.append((f"{one.name} (J)", [*told, whole, change]))
    if one.printed is not None:
        found += one.printed.lines(notes)
    return found


def _finder(entries: Mapping[str, Entry]) -> Find:
    """What finds the cell that differs from that of an entry in nothing but its task."""

    def key(config: Mapping[str, object], task: str) -> str:
        return repr(sorted(({**config, "task": task}).items()))

    index = {
        key(entry.cell.config, str(entry.cell.config["task"])): entry
        for entry in entries.values()
        if "task" in entry.cell.config
    }
    return lambda entry, part: index.get(key(entry.cell.config, part))
