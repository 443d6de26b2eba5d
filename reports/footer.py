"""The end of a report: what was lost, where the numbers come from, how to make it again."""

from __future__ import annotations

import shlex

import pandas as pd

from reports.document import Block, Bullets, Grid, Heading, Paragraph, Span, Text, one_line, text
from reports.header import LOST, counted, statuses
from reports.incidents import trial_name
from reports.query import Recording

MOST = 10  # lost trials that are told one by one
REASON = 200  # characters of a reason that are shown


def lost_blocks(recording: Recording) -> list[Block]:
    """The trials that failed or diverged, the first of them with reason and address."""
    trials = recording.trials
    lost = trials[trials["status"].isin([str(status) for status in LOST])]
    if lost.empty:
        return []
    lost = lost.sort_values("status", ascending=False, kind="stable")  # failed before diverged
    items = [_told(trial) for _, trial in lost.head(MOST).iterrows()]
    blocks: list[Block] = [Heading(2, "Trials without a score"), Bullets(items)]
    if len(lost) > MOST:
        more = f"And {len(lost) - MOST} more: their reasons are in "
        blocks.append(Paragraph(text(more, Span("trials.csv", code=True), ".")))
    return blocks


def _told(trial: pd.Series) -> Text:
    lines = str(trial["reason"]).strip().splitlines()
    reason = one_line(lines[0]) if lines else "no reason on record"
    reason = reason if len(reason) <= REASON else f"{reason[: REASON - 1]}…"
    name = Span(f"trial {trial['trial']}", link=str(trial["link"]))
    return text(f"{trial['status']}: {trial_name(trial)} (", name, f"): {reason}")


def footer_blocks(recording: Recording) -> list[Block]:
    """Command, digests, code, versions, hardware, trials and time."""
    plan, trials = recording.plan, recording.trials
    origin = recording.launch.provenance
    changed = {
        "yes": f", changed since (difference {origin.get('difference', 'unknown')})",
        "unknown": ", and whether it was changed is not known",
    }.get(origin.get("dirty", ""), "")
    versions = ", ".join(
        f"{key.removeprefix('version.')} {value}"
        for key, value in origin.items()
        if key.startswith("version.")
    )
    trained = sorted({str(name) for name in trials.get("commit", ()) if name})
    skipped = sum(1 for cell in plan.cells if cell.skip)
    seconds = float(trials["seconds"].sum()) if len(trials) else 0.0
    rows: list[tuple[str, str | Span]] = [
        ("Command", Span(origin.get("command", ""), code=True)),
        ("Plan", f"digest {plan.digest}, launch run {recording.launch.run_id}"),
        ("Launched from", f"commit {origin.get('commit', 'unknown')}{changed}"),
        ("Trained under", ", ".join(f"commit {name}" for name in trained) or "nothing yet"),
        ("Versions", versions),
        ("Hardware", origin.get("hardware", "")),
        ("Trials", f"{counted(statuses(recording))}; cells skipped: {skipped}"),
        (
            "Time",
            f"{seconds:.0f} s ({seconds / 3600:.2f} h) of training and evaluation, reused "
            "trials included",
        ),
        ("Rebuild", Span(rebuild(recording), code=True)),
    ]
    return [
        Heading(2, "Where the numbers come from"),
        Grid([(), ()], [[text(name), text(value)] for name, value in rows], labels=2),
        Paragraph(_told_of_files(), note=True),
    ]


def rebuild(recording: Recording) -> str:
    """The command that makes this report again."""
    profile = recording.plan.profile
    command = ["sweeper", "report", recording.plan.sweep]
    return shlex.join([*command, "--profile", profile] if profile else command)


def _told_of_files() -> Text:
    def file(name: str) -> Span:
        return Span(name, code=True)

    return text(
        "Every number is computed from the runs in the MLflow store, and leads to them. Rebuild "
        "with the ",
        file("--store"),
        " or ",
        file("--results"),
        " of the run, if it had one. ",
        file("cells.csv"),
        " and ",
        file("trials.csv"),
        " hold the numbers with the configuration of their runs, ",
        file("report.json"),
        " the tables for machines, ",
        file("tables/"),
        " each table for LaTeX and as CSV.",
    )
