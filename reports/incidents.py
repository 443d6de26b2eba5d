"""What went wrong on the way, and what was done about it; no number of a report depends on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import pandas as pd

from reports.document import Block, Bullets, Heading, Paragraph, Span, Text, text
from reports.query import Recording
from sweeper.faults import RULES, Fault, Incident

FEW = 5  # of one kind that are told one by one


def incident_blocks(recording: Recording) -> list[Block]:
    """A line for each incident of the launch, or for each kind with many of them, oldest first;
    nothing where nothing happened.
    """
    found = sorted(recording.launch.incidents, key=lambda incident: incident.when)
    if not found:
        return []
    trials = {str(row["trial"]): row for _, row in recording.trials.iterrows()}
    lines: list[tuple[int, Text]] = []
    for fault, group in groupby(sorted(found, key=_kind), key=lambda one: one.fault):
        own = list(group)
        if len(own) > FEW:
            lines.append((own[0].when, _summed(fault, own)))
            continue
        lines += [(one.when, _line(one, trials)) for one in own]
    lines.sort(key=lambda line: line[0])
    done = [f"{RULES[fault].remedy} after {fault}: {RULES[fault].then}" for fault in _kinds(found)]
    return [
        Heading(2, "What happened on the way"),
        Bullets([line for _, line in lines]),
        Paragraph(text("What was done. ", ". ".join(done), "."), note=True),
    ]


def incident_data(recording: Recording) -> list[dict[str, Any]]:
    """The same for machines: every incident."""
    return [
        {
            "fault": str(one.fault),
            "remedy": str(RULES[one.fault].remedy),
            "when": _moment(one.when),
            "trial": one.trial,
            "note": one.note,
        }
        for one in sorted(recording.launch.incidents, key=lambda one: one.when)
    ]


def trial_name(trial: pd.Series) -> str:
    """How a trial is called in running text: its place in the tables, and its seed."""
    roles = [
        f"{str(name).removeprefix('role.')} {value}"
        for name, value in trial.items()
        if str(name).startswith("role.") and isinstance(value, str) and value
    ]
    factors = [
        str(value)
        for name, value in trial.items()
        if str(name).startswith("over.") and isinstance(value, str) and value
    ]
    where = ", ".join([*roles, *factors]) or f"cell {trial['cell']}"
    return f"{where}, seed {trial['seed']}"


def _kind(incident: Incident) -> tuple[int, int]:
    return list(Fault).index(incident.fault), incident.when


def _kinds(found: Sequence[Incident]) -> list[Fault]:
    return [fault for fault in Fault if any(one.fault is fault for one in found)]


def _line(incident: Incident, trials: Mapping[str, pd.Series]) -> Text:
    told = text(f"{_moment(incident.when)}, ", Span(str(incident.fault), bold=True))
    note = f": {incident.note}" if incident.note else ""
    if not incident.trial:
        return (*told, *text(note))
    name, link = f"trial {incident.trial}", ""
    if incident.trial in trials:
        row = trials[incident.trial]
        told, link = (*told, *text(f", {trial_name(row)}")), str(row["link"])
    return (*told, *text(" (", Span(name, link=link), ")", note))


def _summed(fault: Fault, found: Sequence[Incident]) -> Text:
    trials = len({one.trial for one in found if one.trial})
    of = f" with {trials} trial{'s' * (trials > 1)}" if trials else ""
    note = f": {found[-1].note}" if found[-1].note else ""
    return text(
        f"{_moment(found[0].when)} to {_moment(found[-1].when)}, ",
        Span(str(fault), bold=True),
        f" {len(found)} times{of}, the last time{note}",
    )


def _moment(when: int) -> str:
    return f"{datetime.fromtimestamp(when / 1000, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
