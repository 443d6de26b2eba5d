"""Joint tasks, part by part, beside the same method trained on each part alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reports.document import Block, Grid, Heading, Paragraph, text
from reports.entry import Entry
from reports.footnote import Footnotes
from reports.query import Recording
from reports.statistics import Scores, at, difference
from reports.wording import NONE, entry_text, interval
from sweeper.tracking.cells import run_name

NOTE = """\
Top-1 in percent on the test images of each part, as above. Mean: over the parts, each counting the
same whatever its size, per seed; then over seeds. Alone: the cells of this sweep that differ in
nothing but the task, each trained on one part and choosing among its classes only. Joint - alone:
difference of the two means, points, paired on common seeds [95 % interval] (seeds)."""


def parts_blocks(recording: Recording, entries: Mapping[str, Entry]) -> list[Block]:
    """The section: a table for each joint task, a row for each cell; empty where there is none."""
    joined: dict[tuple[str, ...], list[Entry]] = {}
    for cell in recording.plan.cells:
        entry = entries[cell.id]
        if entry.parts:
            written = tuple(str(entry.cell.config["task"]).split("+"))  # in their own order
            joined.setdefault(written, []).append(entry)
    if not joined:
        return []
    grids = [_grid(n, parts, joined[parts], entries) for n, parts in enumerate(joined, start=1)]
    return [
        Heading(2, "Joint tasks, part by part"),
        *grids,
        Paragraph(text(" ".join(NOTE.split())), note=True),
    ]


def _grid(
    n: int, parts: Sequence[str], joined: Sequence[Entry], entries: Mapping[str, Entry]
) -> Grid:
    notes = Footnotes.of(entry.remarks for entry in joined)
    rows = []
    for entry in joined:
        name = run_name(entry.cell.config, entry.cell)
        mean = mean_over([entry.parts[part] for part in parts])
        alone = [_alone(entry, part, entries) for part in parts]
        own = mean_over([each.scores if each else Scores({}) for each in alone])
        told = [entry_text(replace(entry, scores=entry.parts[part]), notes) for part in parts]
        change = interval(difference(mean, own)) if own.by_seed else NONE
        whole = entry_text(replace(entry, scores=mean), notes)
        rows.append([text(name), *told, whole, text(change)])
        if any(alone):
            told = [entry_text(each, notes) for each in alone]
            mixed = entry_text(replace(entry, scores=own, statuses={}, link=""), notes)
            rows.append(
                [text(f"{name}: alone"), *told, mixed if own.by_seed else text(NONE), text("")]
            )
    return Grid(
        headers=[text(name) for name in ("cell", *parts, "mean", "joint - alone")],
        rows=rows,
        name=f"joint_{n}",
        notes=[text(line) for line in notes.lines()],
    )


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
