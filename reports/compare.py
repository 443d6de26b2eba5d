"""Two sweeps, or two revisions of one, side by side: cells that stand at the same place, paired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.document import Block, Bullets, Grid, Heading, Paragraph, Span, Text, text
from reports.entry import Entry, entries
from reports.footnote import Footnotes
from reports.query import Recording
from reports.statistics import Verdict, difference, verdict
from reports.wording import entry_text, interval
from sweeper.spec.plan import Cell, Plan
from sweeper.tracking.summary import Summary

Place = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]  # roles, crossed factors


@dataclass(frozen=True)
class Pair:
    """A cell of each side at the same place. settings: those that differ, (first's, second's).

    change: second - first, fractions, paired on the seeds that both finished.
    """

    name: str
    first: Entry
    second: Entry
    change: Summary | None
    settings: Mapping[str, tuple[Any, Any]]

    @property
    def same(self) -> bool:
        """Whether both are the same cell: then the trials are the same too."""
        return self.first.cell.id == self.second.cell.id

    @property
    def verdict(self) -> Verdict:
        """Whether the second is told apart from the first."""
        return verdict(self.change)


@dataclass(frozen=True)
class Comparison:
    """The pairs in the order of the first plan, and what stands on one side alone."""

    first: Recording
    second: Recording
    pairs: Sequence[Pair]
    only_first: Sequence[str]
    only_second: Sequence[str]


def compare(first: Recording, second: Recording) -> Comparison:
    """Cells are paired by their labels along the axes and their crossed factors; what remains, by
    being the same cell. A place that several cells of a side share is left out of the pairs.
    """
    ours, theirs = entries(first), entries(second)
    there = _places(second.plan)
    partner: dict[str, str] = {}  # cell of the first -> cell of the second
    for place, cell in _places(first.plan).items():
        if place in there and cell.id not in partner:
            partner[cell.id] = there[place].id
    for each in ours:
        if each in theirs and each not in partner and each not in partner.values():
            partner[each] = each
    pairs = []
    for one, other in partner.items():
        left, right = ours[one], theirs[other]
        change = difference(right.scores, left.scores)
        settings = _settings(left.cell.config, right.cell.config)
        pairs.append(Pair(name_of(left.cell), left, right, change, settings))
    order = {key: n for n, key in enumerate(ours)}
    pairs.sort(key=lambda pair: order[pair.first.cell.id])
    taken = set(partner.values())
    return Comparison(
        first,
        second,
        pairs,
        [name_of(entry.cell) for key, entry in ours.items() if key not in partner],
        [name_of(entry.cell) for key, entry in theirs.items() if key not in taken],
    )


def name_of(cell: Cell) -> str:
    """What a cell is called here: its crossed factors, and each axis with its label."""
    over = [value for _, value in sorted(cell.over.items())]
    roles = [f"{role.axis} {role.label}" for role in cell.roles]
    return ", ".join([*over, *(roles or ["base"])])


def _places(plan: Plan) -> dict[Place, Cell]:
    """Each place at which exactly one cell stands; a cell with several roles has several."""
    found: dict[Place, list[Cell]] = {}
    for cell in plan.cells:
        over = tuple(sorted(cell.over.items()))
        own: list[Place] = [(((role.axis, role.label),), over) for role in cell.roles]
        for place in own or [((), over)]:
            found.setdefault(place, []).append(cell)
    return {place: cells[0] for place, cells in found.items() if len(cells) == 1}


def _settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys([*first, *second])
    return {
        name: (first.get(name, "-"), second.get(name, "-"))
        for name in names
        if first.get(name, "-") != second.get(name, "-")
    }


def compare_blocks(found: Comparison) -> list[Block]:
    """The whole comparison as a document."""
    blocks: list[Block] = [
        Heading(1, f"{titled(found.second)} against {titled(found.first)}"),
        Bullets([_side("first", found.first), _side("second", found.second)]),
    ]
    if not found.pairs:
        said = "No cell of one stands where a cell of the other does: there is nothing to compare."
        blocks.append(Paragraph(text(said)))
    else:
        blocks += [Paragraph(text(summary(found))), _shared(found), _grid(found)]
    for side, names in (("first", found.only_first), ("second", found.only_second)):
        if names:
            blocks += [Heading(2, f"Only in the {side}"), Bullets([text(name) for name in names])]
    return blocks


def titled(recording: Recording) -> str:
    """A plan as it is called here: sweep, profile and the beginning of its digest."""
    plan = recording.plan
    return f"{plan.sweep}{f' ({plan.profile})' if plan.profile else ''} @{plan.digest[:8]}"


def _side(word: str, recording: Recording) -> Text:
    origin = recording.launch.provenance
    counts = Counter(recording.trials["status"])
    told = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
    return text(
        f"{word}: {titled(recording)}, plan {recording.plan.digest}, commit "
        f"{origin.get('commit', 'unknown')}, {len(recording.trials)} trials: {told or 'none'}; ",
        Span(origin.get("command", ""), code=True),
    )


def summary(found: Comparison) -> str:
    """How many pairs went which way."""
    count = dict.fromkeys(("greater", "smaller", "not told apart", "unknown"), 0)
    moved = [pair for pair in found.pairs if not pair.same]
    for pair in moved:
        count[pair.verdict] += 1
    same = len(found.pairs) - len(moved)
    return (
        f"{len(found.pairs)} cells stand at the same place in both; {same} of them are the same "
        f"cell, with the same trials. Of the other {len(moved)} the second is higher in "
        f"{count['greater']}, lower in {count['smaller']}, not told apart in "
        f"{count['not told apart']}, and {count['unknown']} have fewer than two common seeds. "
        "Intervals are 95 % and for each pair alone: of twenty pairs without any difference, one "
        "is expected to look different."
    )


def _shared(found: Comparison) -> Paragraph:
    """The settings that differ in the same way in all pairs."""
    common = shared(found)
    told = "; ".join(
        f"{name}: {one} in the first, {two} in the second" for name, one, two in common
    )
    return Paragraph(
        text(f"In every pair: {told}." if told else "No setting differs in every pair.")
    )


def shared(found: Comparison) -> list[tuple[str, Any, Any]]:
    """(setting, first's, second's) of what differs in the same way in all pairs."""
    every = [pair.settings for pair in found.pairs]
    return [
        (name, *values)
        for name, values in (every[0].items() if every else ())
        if all(other.get(name) == values for other in every)
    ]


def _grid(found: Comparison) -> Grid:
    common = {name for name, _, _ in shared(found)}
    notes = Footnotes.of(e.remarks() for pair in found.pairs for e in (pair.first, pair.second))
    rows = []
    for pair in found.pairs:
        own = [
            f"{name}: {one} / {two}"
            for name, (one, two) in pair.settings.items()
            if name not in common
        ]
        rows.append(
            (
                text(pair.name),
                entry_text(pair.first, notes),
                entry_text(pair.second, notes),
                text(Span(interval(pair.change), bold=pair.verdict in ("greater", "smaller"))),
                text("the same trials" if pair.same else pair.verdict),
                text("; ".join(own)),
            )
        )
    headers = ["cell", "first", "second", "second - first", "second is", "settings that differ"]
    rule = (
        "Top-1 in percent: mean ± half width of the 95 % Student-t interval over seeds (number of "
        "finished seeds). Differences in points, paired on common seeds [95 % interval] (seeds); "
        "bold where the interval does not contain zero."
    )
    return Grid(
        [text(each) for each in headers],
        rows,
        name="compare",
        caption="Cells at the same place, side by side.",
        notes=(text(rule), *notes.texts()),
    )
