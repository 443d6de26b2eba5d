"""The report as Markdown, from top to bottom: header, tables, curves, order of methods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from reports.curve import Drawn
from reports.entry import Entry
from reports.footnote import ON_TEST, Footnotes
from reports.markdown import (
    LEGEND,
    column_name,
    escaped,
    grid,
    interval,
    table_text,
)
from reports.order import Comparison, comparisons
from reports.query import Recording
from reports.search import search_text
from reports.settings import settings_text
from reports.statistics import MARGIN
from reports.table import fill

EMBEDDED = """\
> **These numbers come from the embedded backbone**, a small network that this project trained on
> images it drew itself, on embedded tasks. They stand beside the paper's for shape (which setting
> helps, in which order, by how much relative to the others), not for value."""

VERDICTS = {
    "greater": "holds",
    "smaller": "is reversed",
    "not told apart": "is not told apart",
    "unknown": "is not known: fewer than two common seeds finished",
}


def report_text(
    recording: Recording, entries: Mapping[str, Entry], curves: Mapping[str, Drawn]
) -> str:
    """The whole report. `curves`: file name of the figure, without its ending -> curve."""
    plan = recording.plan
    under = f", profile {escaped(plan.profile)}" if plan.profile else ""
    parts = [f"# {escaped(plan.sweep)}{under}"]
    if plan.note:
        parts.append(escaped(plan.note))
    if any(str(cell.config.get("backbone")).startswith("embedded") for cell in plan.cells):
        parts.append(EMBEDDED)
    parts.append(_header(recording))
    if plan.cells:
        parts.append(settings_text(plan, recording.trials))
    if plan.tables:
        parts += ["## Tables", LEGEND.format(min_seeds=plan.min_seeds)]
    for table in plan.tables:
        filled = fill(table, plan, entries)
        parts += [f"### {escaped(table.id)}: {escaped(table.title)}", table_text(filled)]
    if curves:
        parts.append("## Curves")
        parts += [_curve_text(name, drawn) for name, drawn in curves.items()]
    steps = comparisons(plan, entries)
    if steps:
        parts += ["## Order of methods", _order_text(steps, plan.min_seeds)]
    if plan.search is not None:
        parts += ["## Search", search_text(recording)]
    parts.append(_footer(recording))
    return "\n\n".join(parts) + "\n"


def _header(recording: Recording) -> str:
    plan, launch, trials = recording.plan, recording.launch, recording.trials
    origin = launch.provenance
    counts = trials["status"].value_counts()
    statuses = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
    reused = int(trials["reused"].sum()) if len(trials) else 0
    seconds = float(trials["seconds"].sum()) if len(trials) else 0.0
    dirty = {"yes": f", changed since (difference {origin.get('difference')})"}
    versions = ", ".join(
        f"{key.removeprefix('version.')} {value}"
        for key, value in origin.items()
        if key.startswith("version.")
    )
    commits = {f"commit {name}" for name in set(trials.get("commit", ())) if name}
    launched = datetime.fromtimestamp(launch.launched / 1000, tz=UTC)
    skipped = sum(1 for cell in plan.cells if cell.skip)
    rows = [
        ("Command", f"`{origin.get('command', '').replace('`', '')}`"),
        ("Launched", f"{launched:%Y-%m-%d %H:%M} UTC"),
        ("Code", f"commit {origin.get('commit')}{dirty.get(origin.get('dirty', ''), '')}"),
        ("Trained under", ", ".join(sorted(commits)) or "nothing yet"),
        ("Versions", escaped(versions)),
        ("Hardware", escaped(origin.get("hardware", ""))),
        ("Plan", f"{plan.digest}, launch run {launch.run_id}"),
        ("Seeds", ", ".join(map(str, plan.seeds))),
        ("Cells", f"{len(plan.cells)}, of which skipped: {skipped}"),
        ("Trials", f"{len(trials)}: {statuses or 'none'}; reused from earlier plans: {reused}"),
        ("Time", f"{seconds:.0f} s of training and evaluation, over all trials"),
    ]
    return grid(["", ""], [[name, value] for name, value in rows]).replace("| --: |", "| :-- |")


def _curve_text(name: str, drawn: Drawn) -> str:
    rows = []
    notes = Footnotes.of(line.remarks for line in drawn.lines)
    for line in drawn.lines:
        found = line.robustness
        if found is not None:
            numbers = [f"{found.best_at:g}", f"{100 * found.largest_drop:.1f}"]
            numbers += [f"{found.area:.3f}", f"{found.shortest:g}"]
            rows.append([column_name(line.column) + notes.mark(line.remarks), *numbers])
    title = f"### {escaped(drawn.curve.title)}"
    picture = f"![{escaped(drawn.curve.title)}]({name}.svg)"
    if not rows:
        few = "Fewer than two points: nothing to say about robustness."
        return "\n\n".join([title, picture, *notes.lines(), few])
    headers = ["column", "best at", "largest drop", "area under the normalised curve"]
    headers.append(f"smallest within {100 * MARGIN:g} point of the best")
    note = (
        "Largest drop: highest minus lowest mean, points. Area: of mean / best mean over log2 of "
        "the setting, divided by the range it spans; 1 is flat. All from means; the band is the "
        "interval."
    )
    return "\n\n".join([title, picture, grid(headers, rows), *notes.lines(), note])


def _order_text(steps: list[Comparison], min_seeds: int) -> str:
    intro = (
        "The paper finds TP < IIP < PGN. Per column, from paired differences on common seeds, "
        "points [95 % interval] (seeds); a step holds when its interval lies above zero:"
    )
    lines = []
    for step in steps:
        few = f" Fewer than {min_seeds} seeds finished." if step.too_few else ""
        few += f" Under two protocols: not the same {', '.join(step.apart)}." if step.apart else ""
        few += f" {' and '.join(step.on_test)}: {ON_TEST}." if step.on_test else ""
        change = f", {interval(step.change)}" if step.change is not None else ""
        lines.append(
            f"- {column_name(step.column)}: {step.lower} < {step.higher} "
            f"{VERDICTS[step.verdict]}{change}.{few}"
        )
    held = sum(step.verdict == "greater" and not (step.too_few or step.apart) for step in steps)
    two = any(step.apart for step in steps)
    unsure = sum(step.too_few for step in steps)
    count = f"{held} of {len(steps)} steps hold" + (" under one protocol" * two)
    count += f"; {unsure} have too few seeds." if unsure else "."
    return "\n\n".join([intro, "\n".join(lines), count])


def _footer(recording: Recording) -> str:
    under = f" --profile {recording.plan.profile}" if recording.plan.profile else ""
    return (
        "---\n\nEvery number above is computed from the runs in the MLflow store; `cells.csv` and "
        "`trials.csv` hold them with their run's configuration. Rebuild with "
        f"`sweeper report {recording.plan.sweep}{under}` (with the `--store` or `--results` of the "
        "run, if it had one)."
    )
