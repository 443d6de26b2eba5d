"""What happened on the way, as a report says it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports.build import build, report_files
from reports.document import Bullets, Heading, plain
from reports.html import html
from reports.incidents import FEW, incident_blocks
from reports.markdown import markdown
from reports.query import Recording, load
from sweeper.faults import Fault, Incident
from sweeper.tracking.writer import Writer
from tests.tracking import made

START = 1_700_000_000_000  # 2023-11-14 22:13:20 UTC


def recording(folder: Path, *incidents: Incident) -> Recording:
    """A finished ablation on the way of which this happened."""
    store, plan = made.blank_store(folder), made.ablation()
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            made.train(writer, spec, made.result(spec))
        for incident in incidents:
            writer.incident(incident)
    return load(store.uri, plan.sweep)


@pytest.fixture
def trial() -> str:
    return made.ablation().trials()[0].id


def lines(found: Recording) -> list[str]:
    return [
        plain(item)
        for block in incident_blocks(found)
        if isinstance(block, Bullets)
        for item in block.items
    ]


def test_nothing_is_said_where_nothing_happened(tmp_path: Path) -> None:
    assert incident_blocks(recording(tmp_path)) == []


def test_each_incident_is_a_line_oldest_first_with_its_trial_as_tables_call_it(
    tmp_path: Path, trial: str
) -> None:
    found = recording(
        tmp_path,
        Incident(Fault.DISK_FULL, START + 61_000, "", "No space left on device: /results"),
        Incident(Fault.HUNG, START, trial, "no word of it for 60 min after epoch 8; attempt 2"),
        Incident(Fault.WORKER_DIED, START + 1000, "gone", "it died"),
    )
    first, second, third = lines(found)
    (row,) = (row for _, row in found.trials.iterrows() if row["trial"] == trial)
    assert first.startswith("2023-11-14 22:13:20 UTC, trial hung, prompt_length ")
    assert first.endswith(
        f", seed {row['seed']} (trial {trial}): no word of it for 60 min after epoch 8; attempt 2"
    )
    assert second == "2023-11-14 22:13:21 UTC, worker died (trial gone): it died"
    assert third == "2023-11-14 22:14:21 UTC, disk full: No space left on device: /results"
    assert f'href="{row["link"]}">trial {trial}</a>' in html(incident_blocks(found))
    assert "retry after trial hung: its worker is ended" in markdown(incident_blocks(found))


def test_a_thousand_incidents_stay_readable(tmp_path: Path) -> None:
    ids = [spec.id for spec in made.ablation().trials()][:4]
    many = [
        Incident(Fault.WORKER_DIED, START + 1000 * n, ids[n % 4], f"it died, number {n}")
        for n in range(1000)
    ]
    few = [Incident(Fault.NODE_LOST, START + 500 + n, ids[0], f"node {n}") for n in range(FEW)]
    told = lines(recording(tmp_path, *many, *few))
    assert told[0] == (
        "2023-11-14 22:13:20 UTC to 2023-11-14 22:29:59 UTC, worker died 1000 times with 4 trials, "
        "the last time: it died, number 999"
    )
    assert len(told) == 1 + FEW


def test_no_table_changes_and_machines_read_every_incident(tmp_path: Path, trial: str) -> None:
    incident = Incident(Fault.WORKER_DIED, START, trial, "it died <b>|`x`")
    quiet, loud = recording(tmp_path / "a"), recording(tmp_path / "b", incident)
    before, after = report_files(quiet), report_files(loud)
    assert before.keys() == after.keys()
    for name in before:
        if name.startswith("tables/"):
            assert before[name] == after[name], name
    assert json.loads(before["report.json"])["incidents"] == []
    assert json.loads(after["report.json"])["incidents"] == [
        {
            "fault": "worker died",
            "remedy": "retry",
            "when": "2023-11-14 22:13:20 UTC",
            "trial": trial,
            "note": "it died <b>|`x`",
        }
    ]
    assert "<b>|" not in after["report.html"].decode()
    text = build(loud.store, "ablation", tmp_path / "out").read_text()
    assert text.index("What happened on the way") < text.index("Where the numbers come from")


def test_the_section_has_one_heading(tmp_path: Path, trial: str) -> None:
    found = incident_blocks(recording(tmp_path, Incident(Fault.RAISED, START, trial, "it raised")))
    assert [block.title for block in found if isinstance(block, Heading)] == [
        "What happened on the way"
    ]
