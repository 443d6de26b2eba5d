"""The top of a report: what was asked for, how far it is, and what a reader must know first."""

from __future__ import annotations

from datetime import UTC, datetime

from reports.document import Block, Grid, Heading, Notice, Paragraph, Span, Text, text
from reports.query import MISSING, Recording
from sweeper.records import TrialStatus

EMBEDDED = """\
, a small network that this project trained on images it drew itself, on embedded tasks. They stand
beside the paper's for shape (which setting helps, in which order, by how much relative to the
others), not for value."""
LOST = (TrialStatus.FAILED, TrialStatus.DIVERGED)
SHOWN = (*(str(status) for status in TrialStatus if status is not TrialStatus.RUNNING), MISSING)


def header_blocks(recording: Recording) -> list[Block]:
    """Title, notices, and the plan in a few lines."""
    plan = recording.plan
    under = f", profile {plan.profile}" if plan.profile else ""
    blocks: list[Block] = [Heading(1, f"{plan.sweep}{under}")]
    if plan.note:
        blocks.append(Paragraph(text(plan.note)))
    launched = datetime.fromtimestamp(recording.launch.launched / 1000, tz=UTC)
    counts = statuses(recording)
    reused = int(recording.trials["reused"].sum()) if len(recording.trials) else 0
    skipped = sum(1 for cell in plan.cells if cell.skip)
    rows = [
        ("Launched", f"{launched:%Y-%m-%d %H:%M} UTC"),
        ("Seeds", ", ".join(map(str, plan.seeds))),
        ("Cells", f"{len(plan.cells)}, of which skipped: {skipped}"),
        ("Trials", f"{counted(counts)}; reused from earlier plans: {reused}"),
    ]
    return [*blocks, *map(Notice, _notices(recording, counts)), pairs(rows)]


def pairs(rows: list[tuple[str, str]]) -> Grid:
    """A table without headers: names and what they stand for."""
    return Grid([(), ()], [[text(name), text(value)] for name, value in rows], labels=2)


def statuses(recording: Recording) -> dict[str, int]:
    """How many trials stand how; those that a report always names first, zero or not."""
    found = recording.trials["status"].value_counts()
    there = {str(status): int(n) for status, n in found.items()}
    return {name: there.pop(name, 0) for name in SHOWN} | dict(sorted(there.items()))


def counted(counts: dict[str, int]) -> str:
    """Counts as words, such as '6: 5 finished, 1 failed'; zeros are left out."""
    told = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
    return f"{sum(counts.values())}: {told or 'none'}"


def _notices(recording: Recording, counts: dict[str, int]) -> list[Text]:
    found = []
    backbones = {str(cell.config.get("backbone")) for cell in recording.plan.cells}
    if recording.plan.search is not None:
        backbones.add(str(recording.plan.search.base.get("backbone")))
    if any(name.startswith("embedded") for name in backbones):
        first = Span("These numbers come from the embedded backbone", bold=True)
        found.append(text(first, " ".join(EMBEDDED.split()).replace(" ,", ",")))
    open_ = counts[MISSING] + counts.get(str(TrialStatus.RUNNING), 0)
    if not counts[str(TrialStatus.FINISHED)]:
        found.append(text(Span("Nothing has finished yet", bold=True), ": there are no numbers."))
    elif open_:
        first = Span(f"{open_} of {sum(counts.values())} trials have not ended", bold=True)
        found.append(text(first, ": numbers and verdicts may change."))
    lost = [f"{counts[str(status)]} {status}" for status in LOST if counts[str(status)]]
    if lost:
        first = Span(f"Trials lost: {', '.join(lost)}", bold=True)
        found.append(text(first, ". Why is said under 'Trials without a score'."))
    return found
