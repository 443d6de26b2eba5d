"""Joint tasks, part by part, beside the same method trained on each part alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reports.entry import Entry
from reports.footnote import Footnotes
from reports.markdown import entry_text, escaped, grid, interval
from reports.statistics import Scores, at, difference
from sweeper.tracking.cells import run_name

NOTE = """\
Top-1 in percent on the test images of each part, as above. Mean: over the parts, each counting the
same whatever its size, per seed; then over seeds. Alone: the cells of this sweep that differ in
nothing but the task, each trained on one part and choosing among its classes only. Joint - alone:
difference of the two means, points, paired on common seeds [95 % interval] (seeds)."""


def parts_text(entries: Mapping[str, Entry]) -> str:
    """A table for each joint task, with a row for each cell; empty where there is none."""
    joined: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries.values():
        if entry.parts:
            written = tuple(str(entry.cell.config["task"]).split("+"))  # in their own order
            joined.setdefault(written, []).append(entry)
    tables = [_table(parts, found, entries) for parts, found in joined.items()]
    return "\n\n".join([*tables, NOTE] if tables else [])


def _table(parts: Sequence[str], joined: Sequence[Entry], entries: Mapping[str, Entry]) -> str:
    notes = Footnotes.of(entry.remarks for entry in joined)
    headers = ["cell", *map(escaped, parts), "mean", "joint - alone"]
    rows = []
    for entry in joined:
        name = escaped(run_name(entry.cell.config, entry.cell))
        mean = mean_over([entry.parts[part] for part in parts])
        alone = [_alone(entry, part, entries) for part in parts]
        own = mean_over([each.scores if each else Scores({}) for each in alone])
        told = [entry_text(replace(entry, scores=entry.parts[part]), notes) for part in parts]
        change = interval(difference(mean, own)) if own.by_seed else "—"
        rows.append([name, *told, entry_text(replace(entry, scores=mean), notes), change])
        if any(alone):
            told = [entry_text(each, notes) for each in alone]
            mixed = replace(entry, scores=own, statuses={})
            whole = entry_text(mixed, notes) if own.by_seed else "—"
            rows.append([f"{name}: alone", *told, whole, ""])
    return "\n\n".join([grid(headers, rows), *notes.lines()])


def mean_over(parts: Sequence[Scores]) -> Scores:
    """The mean over `parts` for each seed that all of them have.

    A deterministic part has the same score for every seed.
    """
    varying = [part for part in parts if not part.deterministic] or list(parts)
    seeds = set.intersection(*(set(part.by_seed) for part in varying))
    complete = all(part.by_seed for part in parts)
    return Scores(
        {
            seed: math.fsum(at(part, seed) for part in parts) / len(parts)
            for seed in (sorted(seeds) if complete else ())
        },
        deterministic=all(part.deterministic for part in parts),
    )


def _alone(entry: Entry, part: str, entries: Mapping[str, Entry]) -> Entry | None:
    """The cell that differs from that of `entry` in nothing but its task, which is `part`."""
    wanted = {**entry.cell.config, "task": part}
    return next((each for each in entries.values() if each.cell.config == wanted), None)
